// SPDX-License-Identifier: MIT
// Updates that wait together reach their readers as one message, and say what they said.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y14 from '@y/y'
import * as Y from 'yjs'

import { FrameClient } from './support/frame-client.mjs'
import { BINARY, frame } from './support/frames.mjs'
import { Random, seedFor } from './support/random.mjs'
import { AWARENESS, RawClient, SYNC, awareness, syncPayload, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'

/** What a client sends that types so many letters, and deletes some, each a message. */
function typing (random, count) {
  const doc = new Y.Doc()
  const messages = []
  doc.on('update', bytes => messages.push(update(bytes)))
  const text = doc.getText('text')
  while (messages.length < count) {
    if (text.length > 0 && random.below(10) === 0) text.delete(random.below(text.length), 1)
    else text.insert(random.below(4) === 0 ? random.below(text.length + 1) : text.length, random.letter())
  }
  return { messages, text: text.toString() }
}

/** Sends all messages in one write. */
function sendAtOnce (client, messages) {
  return client.send([Buffer.concat(messages.map(message => frame(BINARY, message)))])
}

const join = (t, server) => FrameClient.open(t, new URL(server.ws).port, { path: '/room' })
const asBuffers = messages => messages.map(message => Buffer.from(message))

const updatesOf = reader => reader.messages(SYNC, 2).map(syncPayload)

function textOf (updates) {
  const doc = new Y.Doc()
  for (const bytes of updates) Y.applyUpdate(doc, bytes)
  return doc.getText('text').toString()
}

function textOf14 (updates) {
  const doc = new Y14.Doc()
  for (const bytes of updates) Y14.applyUpdate(doc, bytes)
  return doc.get('text').toString()
}

test('a burst comes as a few messages with the same text', async t => {
  const server = await Server.start(t)
  const readers = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const writer = await join(t, server)
  const { messages, text } = typing(new Random(seedFor(t)), 2000)
  await sendAtOnce(writer, messages)
  for (const reader of readers) {
    await until('the text', () => textOf(updatesOf(reader)) === text, [[reader, 'message']])
    const updates = updatesOf(reader)
    assert.ok(updates.length < messages.length / 10, `${updates.length} messages for ${messages.length} updates`)
    assert.equal(textOf14(updates), text)
  }
  writer.socket.destroy()
})

test('two who write at the same time get what the other one wrote, and a reader all of it', async t => {
  const server = await Server.start(t)
  const reader = await RawClient.join(t, server, 'room')
  const random = new Random(seedFor(t))
  const writers = await Promise.all([1, 2].map(() => join(t, server)))
  const said = writers.map(() => typing(random, 1000))
  await Promise.all(writers.map((writer, i) => sendAtOnce(writer, said[i].messages)))

  const all = said.flatMap(({ messages }) => messages.map(syncPayload))
  await until('both texts', () => textOf(updatesOf(reader)) === textOf(all), [[reader, 'message']])
  assert.equal(textOf14(updatesOf(reader)), textOf(all))
  for (const [i, writer] of writers.entries()) {
    const other = said[1 - i].text
    const heard = []
    while (textOf(heard) !== other) {
      const { payload } = await writer.next()
      if (payload[0] === SYNC && payload[1] === 2) heard.push(syncPayload(payload))
    }
    writer.socket.destroy()
  }
})

test('an update alone comes as it is', async t => {
  const server = await Server.start(t)
  const [writer, reader] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const { messages } = typing(new Random(seedFor(t)), 20)
  for (const [i, message] of messages.entries()) {
    writer.send(message)
    await reader.waitForMessages(i + 1, SYNC, 2)
  }
  assert.deepEqual(asBuffers(reader.messages(SYNC, 2)), asBuffers(messages))
})

test('presence between updates is all there, in its order', async t => {
  const server = await Server.start(t)
  const reader = await RawClient.join(t, server, 'room')
  const writer = await join(t, server)
  const { messages, text } = typing(new Random(seedFor(t)), 300)
  const cursors = messages.map((_, i) => awareness([{ client: 7, clock: i + 1, state: { i } }]))
  await sendAtOnce(writer, messages.flatMap((message, i) => [message, cursors[i]]))
  await reader.waitForMessages(cursors.length, AWARENESS)

  assert.deepEqual(asBuffers(reader.messages(AWARENESS)), asBuffers(cursors))
  assert.equal(textOf(updatesOf(reader)), text)
  assert.ok(updatesOf(reader).length < messages.length / 10)
  writer.socket.destroy()
})
