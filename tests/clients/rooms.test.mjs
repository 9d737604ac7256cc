// SPDX-License-Identifier: MIT
// Rooms outlive their last client for a while, and not longer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { RawClient, SYNC, syncPayload, syncStep1, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'

/** What the server has, seen by a client that brings nothing along. */
async function textOf (t, server, room) {
  const visitor = await RawClient.join(t, server, room)
  visitor.send(syncStep1(Y.encodeStateVector(new Y.Doc())))
  await visitor.waitForMessages(1, SYNC, 1)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, syncPayload(visitor.messages(SYNC, 1)[0]))
  visitor.socket.close()
  await visitor.closed
  return doc.getText('text').toString()
}

async function writeAndLeave (t, server, room, text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  const writer = await RawClient.join(t, server, room)
  writer.send(update(Y.encodeStateAsUpdate(doc)))
  await writer.fence()
  writer.socket.close()
  await writer.closed
}

test('a room that everybody left is there until it is evicted', async t => {
  const server = await Server.start(t, '--evict-after', '1h')
  await writeAndLeave(t, server, 'room', 'kept')
  assert.equal(await textOf(t, server, 'room'), 'kept')
  assert.equal(await textOf(t, server, 'room'), 'kept')
})

test('an evicted room is empty', async t => {
  const server = await Server.start(t, '--evict-after', '50ms')
  await writeAndLeave(t, server, 'room', 'gone soon')
  await server.logged(/room_evicted.*room=room/)
  assert.equal(await textOf(t, server, 'room'), '')
})

test('a room with somebody in it is not evicted', async t => {
  const server = await Server.start(t, '--evict-after', '50ms')
  const stays = await RawClient.join(t, server, 'room')
  await writeAndLeave(t, server, 'room', 'still here')
  await writeAndLeave(t, server, 'other', 'gone soon') /* its eviction shows that the time has passed */
  await server.logged(/room_evicted.*room=other/)
  assert.equal(await textOf(t, server, 'room'), 'still here')
  assert.ok(!server.log.some(line => /room_evicted.*room=room/.test(line)))
  stays.socket.close()
})
