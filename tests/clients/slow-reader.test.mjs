// SPDX-License-Identifier: MIT
// Somebody does not read what is sent to it. That costs the server little, the others nothing, and itself nothing but
// time.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { VALUE_BYTES, flood } from './support/flood.mjs'
import { MiB, mustGrowByLess } from './support/memory.mjs'
import { AWARENESS, RawClient, awareness, awarenessEntries, syncStep1 } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { SlowReader } from './support/slow-reader.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

test('updates: nobody waits for who does not read, and it is equal to all in the end', async t => {
  const server = await Server.start(t)
  const [writer, reader] = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  const slow = await SlowReader.join(t, server, 'room')
  await flood(writer, reader, 8 * MiB) /* with everybody reading */
  await converged([writer, reader, slow])

  const countBefore = slow.updateCount
  slow.stopReading()
  await mustGrowByLess(server, 16 * MiB, () => flood(writer, reader, 64 * MiB))
  slow.goOnReading()
  await converged([writer, reader, slow])
  assert.ok(slow.updateCount - countBefore < 32 * MiB / VALUE_BYTES, 'it was spared what was overwritten meanwhile')
})

/* 16 clients, one after the other, in messages of 1 KiB. */
const presenceMessage = i => awareness([{ client: i % 16, clock: 1 + i, state: { i, padding: 'x'.repeat(1000) } }])
const isPresence = message => message[0] === AWARENESS

test('presence: who does not read gets the newest states', async t => {
  const server = await Server.start(t)
  const [writer, reader] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const slow = await SlowReader.join(t, server, 'room')
  slow.stopReading()
  const count = 24 * 1024
  let received = 0
  reader.on('message', () => received += reader.received.splice(0).filter(isPresence).length)
  await mustGrowByLess(server, 4 * MiB, async () => {
    for (let sent = 0; sent < count;) {
      for (let i = 0; i < 256; i++) writer.send(presenceMessage(sent++))
      await until(`${sent} presence messages`, () => received === sent, [[reader, 'message']])
    }
  })

  const states = new Map()
  let countOfSlow = 0
  slow.on('message', () => {
    for (const { client, state } of slow.received.splice(0).filter(isPresence).flatMap(awarenessEntries)) {
      states.set(client, state.i)
    }
    countOfSlow++
  })
  slow.goOnReading()
  const hasNewest = () => states.size === 16 && Math.min(...states.values()) === count - 16
  await until('the newest states', hasNewest, [[slow, 'message']])
  assert.ok(countOfSlow < count / 2, 'it was spared what was not the newest any more')
})

test('requests: who asks 2,000 times for a document and does not read makes nothing grow', async t => {
  const server = await Server.start(t)
  const writer = await YjsClient.join(t, server, 'room')
  const slow = await SlowReader.join(t, server, 'room')
  writer.doc.getText('text').insert(0, 'x'.repeat(300 * 1024))
  await converged([writer, slow])
  const ask = () => slow.send(syncStep1(new Uint8Array([0])))
  ask()
  await slow.fence()

  slow.stopReading()
  const countBefore = slow.updateCount
  await mustGrowByLess(server, 2 * MiB, async () => {
    for (let i = 0; i < 2000; i++) ask()
    writer.doc.getText('text').insert(0, 'later ')
    await converged([writer, await YjsClient.join(t, server, 'room')])
  })
  slow.goOnReading()
  await slow.fence()
  assert.ok(slow.updateCount - countBefore < 2000, 'requests that waited were answered together')
  await converged([writer, slow])
})
