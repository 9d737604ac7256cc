// SPDX-License-Identifier: MIT
// Slow: what slow-reader.test.mjs shows, with as many bytes and as long as it takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'

import { flood } from './support/flood.mjs'
import { MiB, mustGrowByLess } from './support/memory.mjs'
import { Server } from './support/server.mjs'
import { SlowReader } from './support/slow-reader.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

test('200 MB of updates that one does not read cost less than 16 MiB', { timeout: 200000 }, async t => {
  const server = await Server.start(t)
  const [writer, reader] = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  const slow = await SlowReader.join(t, server, 'room')
  slow.stopReading()
  await mustGrowByLess(server, 16 * MiB, () => flood(writer, reader, 200e6))
  slow.goOnReading()
  await converged([writer, reader, slow])
})

test('who takes nothing for a minute is dropped', { timeout: 200000 }, async t => {
  const server = await Server.start(t, '--log-level', 'debug')
  const [writer, reader] = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  const slow = await SlowReader.join(t, server, 'room')
  slow.stopReading()
  await flood(writer, reader, 32 * MiB)
  const begin = Date.now()
  const isDropped = () => server.log.some(line => /connection_closed .*code=1006/.test(line))
  await wait(50000)
  assert.ok(!isDropped(), 'dropped before its time')
  await until('the end of it', isDropped, [[server.logLines, 'line']], 60000)
  assert.ok(Date.now() - begin < 90000, 'dropped late')
  await flood(writer, reader, MiB)
})
