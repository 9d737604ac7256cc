// SPDX-License-Identifier: MIT
// Messages as they are on the wire, and how connections end. What attackers send: hostile-*.test.mjs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import {
  AWARENESS, QUERY_AWARENESS, RawClient, SYNC, SYNC_STATUS, awareness, awarenessEntries, syncPayload, syncStatus,
  syncStep1, update
} from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { CLOSE, PING, TcpClient } from './support/tcp-client.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

function updateWithText (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

test('the server greets with sync step 1', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room')
  await client.waitForMessages(1)
  assert.deepEqual(client.received[0], syncStep1(new Uint8Array([0])))
})

test('102 is echoed byte for byte, after what was sent before it took effect', async t => {
  const server = await Server.start(t)
  const writer = await RawClient.join(t, server, 'room')
  for (const payload of [[], [0], [1, 2, 3, 255], Array(300).fill(128)]) {
    const status = syncStatus(new Uint8Array(payload))
    const before = writer.messages(SYNC_STATUS).length
    writer.send(status)
    await writer.waitForMessages(before + 1, SYNC_STATUS)
    assert.deepEqual(writer.messages(SYNC_STATUS)[before], status)
  }

  for (let i = 0; i < 50; i++) {
    writer.send(update(updateWithText(`${i}`)))
    await writer.fence()
    const reader = await RawClient.join(t, server, 'room')
    reader.send(syncStep1(new Uint8Array([0])))
    await reader.waitForMessages(1, SYNC, 1)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, syncPayload(reader.messages(SYNC, 1)[0]))
    assert.match(doc.getText('text').toString(), new RegExp(`${i}`), 'the echo came before the update was there')
    reader.socket.close()
  }
})

test('an update is not sent back to its sender, and a known one to nobody', async t => {
  const server = await Server.start(t)
  const [sender, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const bytes = updateWithText('once')
  sender.send(update(bytes))
  sender.send(update(bytes))
  await sender.fence()
  await other.fence()
  assert.deepEqual(sender.messages(SYNC, 2), [])
  assert.deepEqual(other.messages(SYNC, 2), [update(bytes)])
})

test('a state vector is answered with exactly what it lacks', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room')
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'early')
  const early = Y.encodeStateVector(doc)
  doc.getText('text').insert(5, ' and late')
  client.send(update(Y.encodeStateAsUpdate(doc)))
  client.send(syncStep1(early))
  await client.waitForMessages(1, SYNC, 1)
  assert.deepEqual(syncPayload(client.messages(SYNC, 1)[0]), Y.encodeStateAsUpdate(doc, early))
})

test('query awareness is answered with all states', async t => {
  const server = await Server.start(t)
  const [first, second] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  first.send(awareness([{ client: 2 ** 53 - 1, clock: 7, state: { name: 'first' } }]))
  await first.fence()
  second.send(new Uint8Array([QUERY_AWARENESS]))
  await second.waitForMessages(2, AWARENESS)
  assert.deepEqual(awarenessEntries(second.messages(AWARENESS).at(-1)),
    [{ client: 2 ** 53 - 1, clock: 7, state: { name: 'first' } }])
})

test('unknown messages are ignored', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room')
  client.send(new Uint8Array([50, 1, 2, 3]))
  client.send(new Uint8Array([2, 0, 1, 120]))
  await client.fence()
  assert.equal(client.socket.readyState, client.socket.OPEN)
})

test('a message over --max-message closes with 1009', async t => {
  const server = await Server.start(t, '--max-message', '4k')
  const fits = await RawClient.join(t, server, 'room')
  fits.send(syncStatus(new Uint8Array(4093)))
  await fits.waitForMessages(1, SYNC_STATUS)
  const large = await RawClient.join(t, server, 'room')
  large.send(syncStatus(new Uint8Array(4094)))
  assert.equal((await large.closed).code, 1009)
})

test('a peer that does not answer pings is dropped', async t => {
  const server = await Server.start(t, '--ping-every', '50ms')
  const alive = await RawClient.join(t, server, 'room') /* ws answers pings by itself */
  const silent = await TcpClient.join(t, server, 'room')
  await silent.ended
  assert.ok(silent.frames().some(frame => frame.opcode === PING))
  await alive.fence()
})

test('SIGTERM closes connections with 1001 and ends with 0', async t => {
  const server = await Server.start(t)
  const clients = [await RawClient.join(t, server, 'one'), await RawClient.join(t, server, 'two')]
  const exit = await server.stop('SIGTERM')
  assert.deepEqual(exit, { code: 0, signal: null })
  for (const client of clients) assert.equal((await client.closed).code, 1001)
})

test('a second signal ends it at once, also while a peer does not answer', async t => {
  const server = await Server.start(t, '--shutdown-timeout', '1h')
  const mute = await TcpClient.join(t, server, 'room') /* never answers the close frame */
  server.process.kill('SIGINT')
  assert.equal(await mute.closeCode(), 1001)
  assert.deepEqual(await server.stop('SIGINT'), { code: 130, signal: null })
})

test('--shutdown-timeout bounds the wait for peers that do not answer', async t => {
  const server = await Server.start(t, '--shutdown-timeout', '50ms')
  const mute = await TcpClient.join(t, server, 'room')
  const exit = await server.stop('SIGTERM')
  assert.deepEqual(exit, { code: 0, signal: null })
  assert.ok(mute.frames().some(frame => frame.opcode === CLOSE))
})
