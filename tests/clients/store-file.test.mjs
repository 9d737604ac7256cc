// SPDX-License-Identifier: MIT
// The file itself: damaged, copied, in use already, or not ours.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as Y from 'yjs'

import { RawClient, update } from './support/raw-client.mjs'
import { program } from './support/server.mjs'
import { Store, docWithText, mustHold, post, textOf, urlOf } from './support/store.mjs'
import { until } from './support/until.mjs'
import { Writer } from './support/writer.mjs'
import { YjsClient } from './support/yjs-client.mjs'

const rowOf = name => `(SELECT id FROM rooms WHERE name = '${name}')`

for (const [what, damage] of [
  ['a snapshot that is none', `UPDATE snapshots SET bytes = x'00' WHERE room = ${rowOf('damaged')}`],
  ['half a snapshot', `UPDATE snapshots SET bytes = substr(bytes, 1, length(bytes) / 2) WHERE room = ${rowOf('damaged')}`],
  ['an update that is none', `INSERT INTO updates VALUES (${rowOf('damaged')}, 1000000, x'ff')`]
]) {
  test(`${what}: its room is refused, and stays as it is`, async t => {
    const store = new Store(t)
    const first = await store.serve()
    await post(first, 'damaged', docWithText('what there was'))
    await post(first, 'good', docWithText('as it was'))
    await first.stop('SIGTERM')
    store.sql(damage)
    const dump = () => store.sql(`SELECT hex(bytes) FROM snapshots WHERE room = ${rowOf('damaged')};` +
      `SELECT number, hex(bytes) FROM updates WHERE room = ${rowOf('damaged')}`)
    const before = dump()

    const server = await store.serve()
    const raw = await RawClient.join(t, server, 'damaged')
    raw.send(update(Y.encodeStateAsUpdate(docWithText('by somebody'))))
    assert.equal((await raw.closed).code, 1013)
    const client = new YjsClient(t, server, 'damaged')
    client.doc.getText('text').insert(0, 'kept by its client')
    const closes = []
    client.provider.on('connection-close', event => closes.push(event?.code))
    await until('two attempts', () => closes.length >= 2, [[client.provider, 'connection-close']])
    assert.deepEqual(closes.slice(0, 2), [1013, 1013])
    assert.equal(client.doc.getText('text').toString(), 'kept by its client')
    assert.equal(client.provider.synced, false)
    client.leave()
    await server.logged(/ error room_not_loaded .*room=damaged.* problem=.*damaged/)

    assert.equal((await fetch(urlOf(server, 'damaged'))).status, 503)
    const posted = await fetch(urlOf(server, 'damaged'), { method: 'POST', body: Y.encodeStateAsUpdate(docWithText('x')) })
    assert.equal(posted.status, 503)
    const writer = await Writer.join(t, server, 'good')
    writer.doc.getText('text').insert(0, 'still served, ')
    await writer.saved()
    assert.equal(await textOf(server, 'good'), 'still served, as it was')
    await writer.leave()
    assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
    assert.equal(dump(), before)
    const { status, stdout } = store.command('check', store.path)
    assert.equal(status, 1)
    assert.match(stdout, /^damaged\t.*\n2 rooms, 1 damaged\n$/)
  })
}

test('a damaged room can be deleted', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'damaged', docWithText('what there was'))
  await first.stop('SIGTERM')
  store.sql("UPDATE snapshots SET bytes = x'00'")
  const server = await store.serve()
  assert.equal((await fetch(urlOf(server, 'damaged'), { method: 'DELETE' })).status, 200)
  await post(server, 'damaged', docWithText('anew'))
  assert.equal(await textOf(server, 'damaged'), 'anew')
})

test('a backup while a client writes has all that was saved when it began', async t => {
  const store = new Store(t)
  const server = await store.serve()
  const writer = await Writer.join(t, server, 'room')
  const map = writer.doc.getMap('map')
  let isOver = false
  const write = () => {
    if (isOver) return
    map.set(`key ${writer.updates.length}`, 'x'.repeat(1000))
    map.set('paste', `${writer.updates.length}`.padEnd(70_000, 'x'))
    writer.updates.length - writer.savedCount > 50 ? writer.once('message', write) : setImmediate(write)
  }
  write()
  for (const name of ['one', 'two', 'three']) {
    const count = writer.savedCount
    await until('more is saved', () => writer.savedCount > count + 20, [[writer, 'message']])
    const saved = writer.savedUpdates
    const copy = join(store.folder, `${name}.db`)
    const [code] = await once(spawn('sqlite3', ['-cmd', '.timeout 20000', store.path, `.backup ${copy}`],
      { stdio: 'inherit' }), 'exit')
    assert.equal(code, 0)
    store.mustBeInOrder(copy)
    mustHold(store.read('room', copy), saved, name)
  }
  isOver = true
  await writer.saved()
})

/** Starts a server that must not start: exit status 1 and one line. */
function mustRefuse (path, pattern) {
  const { status, stdout, stderr } = spawnSync(program, ['serve', '--port', '0', '--store', `sqlite:${path}`],
    { encoding: 'utf8', timeout: 20000 })
  assert.equal(stdout, '')
  assert.match(stderr, /^ysync: [^\n]+\n$/)
  assert.match(stderr, pattern)
  assert.ok(stderr.includes(path), `${stderr} names ${path}`)
  assert.equal(status, 1, stderr)
}

test('a second server with the same file is refused, and the first one goes on', async t => {
  const store = new Store(t)
  const server = await store.serve()
  await post(server, 'room', docWithText('as it was'))
  mustRefuse(store.path, /in use by another process/)
  const writer = await Writer.join(t, server, 'room')
  writer.doc.getText('text').insert(0, 'still served, ')
  await writer.saved()
  await server.stop('SIGKILL')
  const next = await store.serve()
  assert.equal(await textOf(next, 'room'), 'still served, as it was')
})

test('a file of a newer version is left alone', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'room', docWithText('as it was'))
  await first.stop('SIGTERM')
  store.sql('PRAGMA user_version = 99')
  const before = readFileSync(store.path)
  mustRefuse(store.path, /newer ysync/)
  assert.ok(before.equals(readFileSync(store.path)))
})

test('files that are something else are left alone', t => {
  const store = new Store(t)
  execFileSync('sqlite3', [store.path, 'CREATE TABLE notes (text); INSERT INTO notes VALUES (1)'])
  const before = readFileSync(store.path)
  mustRefuse(store.path, /another program/)
  assert.ok(before.equals(readFileSync(store.path)))
  const text = join(store.folder, 'notes.txt')
  writeFileSync(text, 'shopping list\n'.repeat(1000))
  mustRefuse(text, /no SQLite database/)
  assert.equal(readFileSync(text, 'utf8'), 'shopping list\n'.repeat(1000))
  mustRefuse(store.folder, /is no file/)
})

test('a folder that is not there', t => {
  const store = new Store(t)
  const folder = join(store.folder, 'none')
  const { status, stderr } = spawnSync(program, ['serve', '--port', '0', '--store', `sqlite:${folder}/rooms.db`],
    { encoding: 'utf8', timeout: 20000 })
  assert.match(stderr, /^ysync: [^\n]+\n$/)
  assert.ok(stderr.includes(folder), stderr)
  assert.equal(status, 1)
})
