// SPDX-License-Identifier: MIT
// Rules of the protocol that only show when somebody keeps to them by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { MiB } from './support/memory.mjs'
import { RawClient, SYNC, awareness, syncPayload, syncStep1, syncStep2, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const everything = syncStep1(new Uint8Array([0]))

/** All that was sent to a client of a document. */
const contentSentTo = client => [...client.messages(SYNC, 2), ...client.messages(SYNC, 1)].map(syncPayload)

function docFrom (updates) {
  const doc = new Y.Doc()
  for (const bytes of updates) Y.applyUpdate(doc, bytes)
  return doc
}

/** The updates that a document sends out while it is changed. */
function updatesOf (doc, change) {
  const updates = []
  const keep = bytes => updates.push(bytes)
  doc.on('update', keep)
  change()
  doc.off('update', keep)
  return updates
}

test('compression is not agreed upon', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room') /* ws offers it */
  assert.equal(client.socket.extensions, '')
})

test('a sync step 2 is sent on as an update, and one without news not at all', async t => {
  const server = await Server.start(t)
  const [sender, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const doc = new Y.Doc()
  const [bytes] = updatesOf(doc, () => doc.getText('text').insert(0, 'news'))
  sender.send(syncStep2(bytes))
  sender.send(syncStep2(bytes))
  sender.send(syncStep2(new Uint8Array([0, 0])))
  await sender.fence()
  await other.fence()
  assert.deepEqual(other.messages(SYNC, 2), [update(bytes)])
  assert.deepEqual(other.messages(SYNC, 1), [])
})

test('bytes behind a complete message are ignored, and not sent on', async t => {
  const server = await Server.start(t)
  const [sender, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const doc = new Y.Doc()
  const [bytes] = updatesOf(doc, () => doc.getText('text').insert(0, 'text'))
  const states = awareness([{ client: 5, clock: 1, state: {} }])
  for (const message of [update(bytes), states, everything]) sender.send(Buffer.concat([message, Buffer.from('tail')]))
  await sender.fence()
  await other.fence()
  assert.deepEqual(other.messages(SYNC, 2), [update(bytes)])
  assert.deepEqual(other.messages(1), [states])
  assert.deepEqual(syncPayload(sender.messages(SYNC, 1)[0]), bytes)
})

test('what waits for others is handed out, not counted, and released to all but its sender', async t => {
  const server = await Server.start(t)
  const doc = new Y.Doc()
  const [first] = updatesOf(doc, () => doc.getText('text').insert(0, 'first '))
  const [second] = updatesOf(doc, () => doc.getText('text').insert(6, 'second'))
  const [early, late] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  early.send(update(second))
  await early.fence()

  const joiner = await RawClient.join(t, server, 'room')
  joiner.send(everything)
  await joiner.waitForMessages(1, SYNC, 1)
  assert.deepEqual(joiner.messages(SYNC, 0)[0], everything, 'the state vector does not count it')
  const textOf = updates => docFrom(updates).getText('text').toString()
  assert.equal(textOf([...contentSentTo(joiner), first]), 'first second', 'it was handed out')

  late.send(update(first))
  for (const client of [late, early, joiner]) await client.fence()
  assert.equal(textOf(contentSentTo(joiner)), 'first second')
  assert.equal(textOf(contentSentTo(early)), 'first ', 'its sender has it')
  assert.equal(textOf([...contentSentTo(late), first]), 'first second', 'the sender of the missing part gets it, too')
})

test('a first sync above 1 MiB comes in parts, the last one as sync step 2', async t => {
  const server = await Server.start(t)
  const writer = await YjsClient.join(t, server, 'room')
  for (let i = 0; i < 40; i++) writer.doc.getMap('map').set(`${i}`, 'x'.repeat(128 * 1024))
  const joiner = await YjsClient.join(t, server, 'room')
  await converged([writer, joiner])

  const raw = await RawClient.join(t, server, 'room')
  raw.send(everything)
  await raw.fence()
  const parts = raw.messages(SYNC, 2)
  assert.ok(parts.length >= 4, `${parts.length} parts`)
  for (const part of parts) assert.ok(part.length < 2 * MiB, `a part of ${part.length} bytes`)
  assert.equal(raw.messages(SYNC, 1).length, 1)
  const sent = raw.messages(SYNC).filter(message => message[1] > 0)
  assert.deepEqual(sent.at(-1), raw.messages(SYNC, 1)[0])
  assert.deepEqual(Y.encodeStateVector(docFrom(sent.map(syncPayload))), Y.encodeStateVector(writer.doc))

  const fresh = new YjsClient(t, server, 'room')
  await fresh.synced()
  assert.equal(fresh.doc.getMap('map').size, 40, 'all of it is there when it says so')
})

test('client ids go up to 2^53 - 1', async t => {
  const server = await Server.start(t)
  const raw = await RawClient.join(t, server, 'room')
  const reader = await YjsClient.join(t, server, 'room')
  const largest = new Y.Doc()
  largest.clientID = Number.MAX_SAFE_INTEGER
  largest.on('update', bytes => raw.send(update(bytes)))
  largest.getText('text').insert(0, 'from the largest')
  largest.getText('text').delete(0, 5)
  await raw.fence()
  const late = await YjsClient.join(t, server, 'room')
  for (const client of [reader, late]) {
    await converged([{ doc: largest }, client])
    assert.ok(Y.decodeStateVector(Y.encodeStateVector(client.doc)).has(Number.MAX_SAFE_INTEGER))
  }
})
