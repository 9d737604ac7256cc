// SPDX-License-Identifier: MIT
// Slow: y-websocket reconnects when it has heard nothing for 30 s, so somebody alone in a room must hear something.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'

import { Server } from './support/server.mjs'
import { YjsClient } from './support/yjs-client.mjs'

test('a lone client stays connected for 70 s', { timeout: 100000 }, async t => {
  const server = await Server.start(t)
  const client = await YjsClient.join(t, server, 'room')
  let closes = 0
  client.provider.on('connection-close', () => closes++)
  await wait(70000)
  assert.equal(closes, 0)
  assert.ok(client.provider.synced)
})
