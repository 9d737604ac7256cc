// SPDX-License-Identifier: MIT
// --compress (permessage-deflate): with clients of every setting, beside clients without, and against hostile ones.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import WebSocket from 'ws'
import * as Y from 'yjs'

import { MiB, mustGrowByLess } from './support/memory.mjs'
import { RawClient, SYNC_STATUS, syncStatus } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

/* ws offers compression unless it is told not to, and compresses what has 1,024 bytes or more. */
const compressing = (settings = {}) => ({ perMessageDeflate: { threshold: 0, ...settings } })
const plain = { perMessageDeflate: false }

class PlainWebSocket extends WebSocket {
  constructor (url, protocols) {
    super(url, protocols, plain)
  }
}

const wireBytes = client => (client.socket ?? client.provider.ws)._socket.bytesRead

/** Text that compresses to a third or so, and never the same. */
function words (length) {
  const vocabulary = Array.from({ length: 500 }, () => randomBytes(4).toString('hex'))
  let text = ''
  while (text.length < length) text += vocabulary[Math.floor(Math.random() * vocabulary.length)] + ' '
  return text.slice(0, length)
}

/** What a client sends as its sync status comes back as it was. */
async function mustEcho (client, payloads) {
  const before = client.messages(SYNC_STATUS).length
  for (const payload of payloads) client.send(syncStatus(payload))
  await client.waitForMessages(before + payloads.length, SYNC_STATUS)
  assert.deepEqual(client.messages(SYNC_STATUS).slice(before), payloads.map(bytes => new Uint8Array(syncStatus(bytes))))
}

const payloads = [0, 1, 505, 506, 507, 5000, 70000, 300000].map(length => Buffer.from(words(length)))
payloads.push(randomBytes(50000), Buffer.alloc(200000))

function * everySetting () {
  for (const serverNoContextTakeover of [undefined, true]) {
    for (const clientNoContextTakeover of [undefined, true]) {
      for (const serverMaxWindowBits of [undefined, 15]) {
        for (const clientMaxWindowBits of [undefined, true, 9, 15]) {
          yield { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits }
        }
      }
    }
  }
}

test('every setting of ws is agreed on, and messages of all sizes pass', async t => {
  const server = await Server.start(t, '--compress')
  for (const settings of everySetting()) {
    const client = await RawClient.join(t, server, 'room', '', compressing(settings))
    assert.equal(client.socket.extensions, 'permessage-deflate', JSON.stringify(settings))
    await mustEcho(client, payloads)
    client.socket.close()
  }
})

test('whatever way a client compresses', async t => {
  const server = await Server.start(t, '--compress')
  for (const zlibDeflateOptions of [{ level: 0 }, { level: 9, memLevel: 9 }, { strategy: 2 }, { strategy: 4 },
    { chunkSize: 64, memLevel: 1 }]) {
    await mustEcho(await RawClient.join(t, server, 'room', '', compressing({ zlibDeflateOptions })), payloads)
  }
})

test('fragments of compressed messages', async t => {
  const server = await Server.start(t, '--compress')
  const client = await RawClient.join(t, server, 'room', '', compressing())
  const message = syncStatus(Buffer.from(words(10000)))
  for (let at = 0; at < message.length; at += 999) {
    client.socket.send(message.slice(at, at + 999), { fin: at + 999 >= message.length, compress: true })
    client.socket.ping()
  }
  await client.waitForMessages(1, SYNC_STATUS)
  assert.deepEqual(client.messages(SYNC_STATUS), [new Uint8Array(message)])
})

test('who asks for a smaller window of the server, or for nothing, is served uncompressed', async t => {
  const server = await Server.start(t, '--compress')
  for (const options of [compressing({ serverMaxWindowBits: 14 }), compressing({ serverMaxWindowBits: 9 }), plain]) {
    const client = await RawClient.join(t, server, 'room', '', options)
    assert.equal(client.socket.extensions, '')
    await mustEcho(client, payloads)
  }
})

test('without --compress offers are ignored', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room', '', compressing())
  assert.equal(client.socket.extensions, '')
  await mustEcho(client, payloads)
})

test('large documents sync, with and without compression in one room, and fewer bytes travel', async t => {
  const server = await Server.start(t, '--compress')
  const writer = await YjsClient.join(t, server, 'room')
  for (let i = 0; i < 20; i++) writer.doc.getText('text').insert(0, words(100000))

  const compressed = await YjsClient.join(t, server, 'room')
  const uncompressed = await YjsClient.join(t, server, 'room', {}, PlainWebSocket)
  const clients = [writer, compressed, uncompressed]
  await converged(clients)
  assert.ok(wireBytes(uncompressed) > 2000000, `${wireBytes(uncompressed)} bytes for 2,000,000 characters`)
  assert.ok(wireBytes(compressed) < wireBytes(uncompressed) / 2,
    `${wireBytes(compressed)} bytes compressed, ${wireBytes(uncompressed)} uncompressed`)

  /* and what is written then */
  const before = [wireBytes(compressed), wireBytes(uncompressed)]
  uncompressed.doc.getText('text').insert(1000, words(100000))
  compressed.doc.getText('text').insert(3000, words(100000))
  writer.doc.getText('text').insert(2000, words(100000))
  await converged(clients)
  assert.ok(wireBytes(compressed) - before[0] < (wireBytes(uncompressed) - before[1]) / 2)
  assert.equal(compressed.doc.getText('text').length, 2300000)
})

test('a document that is there compressed already is what it was', async t => {
  const server = await Server.start(t, '--compress')
  const doc = new Y.Doc()
  doc.getText('text').insert(0, words(500000))
  const response = await fetch(`${server.http}/rooms/room`, { method: 'POST', body: Y.encodeStateAsUpdate(doc) })
  assert.equal(response.status, 200)
  for (let i = 0; i < 3; i++) {
    const [client, other] = [await YjsClient.join(t, server, 'room'),
      await YjsClient.join(t, server, 'room', {}, PlainWebSocket)]
    assert.equal(client.doc.getText('text').toString(), doc.getText('text').toString())
    assert.equal(other.doc.getText('text').toString(), doc.getText('text').toString())
    assert.ok(wireBytes(client) < 300000, `${wireBytes(client)} bytes`)
  }
})

test('a message that becomes too large is closed with 1009, and a pair in its room goes on', async t => {
  const server = await Server.start(t, '--compress', '--max-message', '1m')
  const pair = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  await mustGrowByLess(server, 16 * MiB, async () => {
    for (let i = 0; i < 5; i++) {
      const hostile = await RawClient.join(t, server, 'room', '', compressing())
      hostile.send(Buffer.alloc(64 * MiB)) /* 64 KiB of them travel */
      assert.deepEqual(await hostile.closed, { code: 1009, reason: 'message too large once it is inflated' })
      pair[i % 2].doc.getText('text').insert(0, 'still here ')
      await converged(pair)
    }
  })
})
