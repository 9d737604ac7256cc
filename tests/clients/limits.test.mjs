// SPDX-License-Identifier: MIT
// What the options that bound a room, or change what it does, look like from outside.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import WebSocket from 'ws'
import * as Y from 'yjs'

import { AWARENESS, RawClient, SYNC, awareness, syncPayload, syncStep1, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

function docWithText (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return doc
}

/** Two clients of the room still sync. */
async function mustSync (t, server, room) {
  const [a, b] = [await YjsClient.join(t, server, room), await YjsClient.join(t, server, room)]
  a.doc.getText('text').insert(0, 'still here ')
  await converged([a, b])
  a.leave()
  b.leave()
}

test('--echo sends an update back to its sender, too', async t => {
  const server = await Server.start(t, '--echo')
  const [sender, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const bytes = Y.encodeStateAsUpdate(docWithText('heard'))
  sender.send(update(bytes))
  sender.send(update(bytes)) /* known by then, so it is news to nobody */
  await sender.fence()
  await other.fence()
  assert.deepEqual(sender.messages(SYNC, 2), [update(bytes)])
  assert.deepEqual(other.messages(SYNC, 2), [update(bytes)])
})

test('--max-rooms refuses a new room, and no old one', async t => {
  const server = await Server.start(t, '--max-rooms', '2')
  await YjsClient.join(t, server, 'one')
  await YjsClient.join(t, server, 'two')
  const refused = new WebSocket(`${server.ws}/three`)
  const status = await new Promise(resolve => {
    refused.on('unexpected-response', (_, response) => resolve(response.statusCode))
    refused.on('error', () => {})
  })
  assert.equal(status, 503)
  await mustSync(t, server, 'two')
})

test('--max-room-size closes who would grow a document past it; deleting goes on', async t => {
  const server = await Server.start(t, '--max-room-size', '64k')
  const doc = docWithText('x'.repeat(40000))
  const writer = await RawClient.join(t, server, 'room')
  writer.send(update(Y.encodeStateAsUpdate(doc)))
  await writer.fence()

  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(0, 'y'.repeat(40000))
  writer.send(update(Y.encodeStateAsUpdate(doc, before)))
  const { code, reason } = await writer.closed
  assert.equal(code, 4413)
  assert.equal(reason, 'the room is full')

  const deleter = await RawClient.join(t, server, 'room')
  const held = new Y.Doc()
  deleter.send(syncStep1(new Uint8Array([0])))
  await deleter.waitForMessages(1, SYNC, 1)
  for (const message of [...deleter.messages(SYNC, 2), ...deleter.messages(SYNC, 1)]) {
    Y.applyUpdate(held, syncPayload(message))
  }
  assert.equal(held.getText('text').length, 40000, 'the refused update left no trace')
  held.once('update', bytes => deleter.send(update(bytes)))
  held.getText('text').delete(0, 39000)
  await deleter.fence()
  await mustSync(t, server, 'room')
})

test('--max-pending closes who sends too much that must wait', async t => {
  const server = await Server.start(t, '--max-pending', '10k')
  const doc = docWithText('missing')
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(0, 'x'.repeat(20000))
  const writer = await RawClient.join(t, server, 'room')
  writer.send(update(Y.encodeStateAsUpdate(doc, before)))
  const { code } = await writer.closed
  assert.equal(code, 4413)
  await mustSync(t, server, 'room')
})

test('--max-presence closes who sends a larger state, and nobody sees it', async t => {
  const server = await Server.start(t, '--max-presence', '1k')
  const [sender, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const stateOf = bytes => 'x'.repeat(bytes - 2) /* as JSON it has quotes */
  const fits = awareness([{ client: 5, clock: 1, state: stateOf(1024) }])
  sender.send(fits)
  await sender.fence()
  sender.send(awareness([{ client: 6, clock: 1, state: 'small' }, { client: 5, clock: 2, state: stateOf(1025) }]))
  assert.deepEqual(await sender.closed, { code: 4413, reason: 'presence state too large' })
  await other.waitForMessages(2, AWARENESS)
  assert.deepEqual(other.messages(AWARENESS), [fits, awareness([{ client: 5, clock: 1, state: null }])])
})

/* What was deleted is dropped from a document, in the course of time, unless --no-gc is given. */
for (const [option, isKept] of [[[], false], [['--no-gc'], true]]) {
  test(`deleted text is ${isKept ? 'kept' : 'dropped'} with options [${option}]`, async t => {
    const server = await Server.start(t, ...option)
    const client = await RawClient.join(t, server, 'room')
    const doc = new Y.Doc({ gc: false })
    const secret = 'deleted long ago'
    doc.on('update', bytes => client.send(update(bytes)))
    doc.getText('text').insert(0, secret)
    doc.getText('text').delete(0, secret.length)
    for (let i = 0; i < 40; i++) doc.getMap('map').set(`key ${i}`, 'x'.repeat(2000))
    await client.fence()

    const reader = await RawClient.join(t, server, 'room')
    reader.send(syncStep1(new Uint8Array([0])))
    await reader.waitForMessages(1, SYNC, 1)
    const sent = Buffer.concat([...reader.messages(SYNC, 2), ...reader.messages(SYNC, 1)].map(syncPayload))
    assert.equal(sent.includes(secret), isKept)
  })
}
