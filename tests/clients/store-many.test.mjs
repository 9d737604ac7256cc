// SPDX-License-Identifier: MIT
// What a store holds costs a server nothing until somebody asks for it.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'

import { MiB, residentBytes } from './support/memory.mjs'
import { Store, bytesRead, docWithText, metric, openRooms, post, textOf } from './support/store.mjs'
import { Writer } from './support/writer.mjs'

const ROOMS = 10_000
const TEXT = 'x'.repeat(2000)

/** Rooms that are all like one that a server saved. */
async function storeOfMany (t) {
  const store = new Store(t)
  const server = await store.serve()
  await post(server, 'room 0', docWithText(TEXT))
  await server.stop('SIGTERM')
  store.sql(`
    BEGIN;
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROOMS - 1})
      INSERT INTO rooms (name) SELECT 'room ' || n FROM numbers;
    INSERT INTO snapshots SELECT rooms.id, saved_at, bytes FROM rooms, snapshots
      WHERE rooms.name <> 'room 0';
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);`)
  assert.ok(statSync(store.path).size > ROOMS * TEXT.length)
  return store
}

/** What a server needs until it answers. */
async function startedWith (store) {
  const server = await store.serve('--threads', '2')
  assert.deepEqual(await openRooms(server), [])
  return { server, resident: residentBytes(server), read: bytesRead(server) }
}

test(`a start with ${ROOMS} stored rooms reads none of them`, async t => {
  const none = await startedWith(new Store(t))
  const many = await startedWith(await storeOfMany(t))
  assert.ok(many.read - none.read < 64 * 1024, `${many.read} bytes were read, with an empty store ${none.read}`)
  if (many.resident !== null) {
    assert.ok(many.resident - none.resident < MiB, `${many.resident} bytes resident, with an empty store ${none.resident}`)
  }
})

test(`one of ${ROOMS} stored rooms, and a page of their list, cost what they hold`, async t => {
  const { server, read } = await startedWith(await storeOfMany(t))
  assert.equal(await textOf(server, 'room 7777'), TEXT)
  const writer = await Writer.join(t, server, 'room 1234')
  writer.doc.getText('text').insert(0, 'and ')
  await writer.saved()
  const page = await (await fetch(`${server.http}/rooms/?stored=1&limit=10&after=room%205`)).json()
  assert.equal(page.rooms.length, 10)
  assert.ok(bytesRead(server) - read < MiB, `${bytesRead(server) - read} bytes were read`)
  assert.equal(await metric(server, 'ysync_rooms'), 1)
})
