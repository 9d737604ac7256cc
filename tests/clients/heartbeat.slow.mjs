// SPDX-License-Identifier: MIT
// Slow: an idle minute of a provider that probes its line after every 2 s of silence.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'

import { HeartbeatClient } from './support/heartbeat-client.mjs'
import { Server } from './support/server.mjs'

test('all probes of an idle minute are answered', { timeout: 100000 }, async t => {
  const server = await Server.start(t)
  const client = new HeartbeatClient(t, server, 'room')
  await client.reached('connected')
  await wait(60000)
  assert.deepEqual(client.statuses, ['connecting', 'handshaking', 'connected'])
  assert.ok(client.probeCount >= 20 && client.probeCount <= 30, `${client.probeCount} probes`)
})
