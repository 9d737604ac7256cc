// SPDX-License-Identifier: MIT
// A provider that watches its line with sync status messages (102) and shows its user what is saved.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { HeartbeatClient } from './support/heartbeat-client.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const text = client => client.doc.getText('text')

test('every edit is shown as unsaved, and then as saved', async t => {
  const server = await Server.start(t)
  const client = new HeartbeatClient(t, server, 'room')
  await client.reached('connected')
  await client.saved()
  client.savedStates = []
  for (let i = 0; i < 3; i++) {
    text(client).insert(0, `${i} `)
    assert.equal(client.isSaved, false)
    await client.saved()
  }
  assert.deepEqual(client.savedStates, [false, true, false, true, false, true])

  client.savedStates = []
  for (let i = 0; i < 100; i++) text(client).insert(0, 'x')
  await client.saved()
  assert.deepEqual(client.savedStates, [false, true], 'an echo of an older version is not enough')
  const reader = await YjsClient.join(t, server, 'room')
  assert.equal(text(reader).toString(), text(client).toString(), 'what is saved is there for others')
})

test('edits without a connection are unsaved until there is one', async t => {
  const server = await Server.start(t)
  const client = new HeartbeatClient(t, server, 'room')
  await client.reached('connected')
  client.socket.terminate()
  await client.reached('offline')
  text(client).insert(0, 'written offline')
  assert.equal(client.isSaved, false)
  await client.reached('connected')
  await client.saved()
  const reader = await YjsClient.join(t, server, 'room')
  assert.equal(text(reader).toString(), 'written offline')
})

test('it works beside y-websocket, with presence from the first moment', async t => {
  const server = await Server.start(t)
  const other = await YjsClient.join(t, server, 'room')
  const client = new HeartbeatClient(t, server, 'room', { state: { name: 'ada' } })
  await until('its state', () => other.awareness.getStates().get(client.doc.clientID)?.name === 'ada',
    [[other.awareness, 'change']])
  text(client).insert(0, 'from one ')
  text(other).insert(0, 'from the other ')
  await converged([client, other])
  client.leave()
  await until('its state to go', () => !other.awareness.getStates().has(client.doc.clientID),
    [[other.awareness, 'change']])
})

test('unauthorized, it never shows itself as connected', async t => {
  const server = await Server.start(t, '--token', 'right')
  const refused = new HeartbeatClient(t, server, 'room', { token: 'wrong', state: { name: 'eve' } })
  await until('several refusals', () => refused.closeCodes.length >= 7, [[refused, 'status']])
  assert.ok(!refused.statuses.includes('connected'), refused.statuses.join(' '))
  assert.deepEqual(refused.closeCodes.slice(0, 5), Array(5).fill(4001))
  assert.deepEqual(refused.closeCodes.slice(5, 7), [1006, 1006], 'who insists is told by HTTP')

  const admitted = new HeartbeatClient(t, server, 'room', { token: 'right' })
  await admitted.reached('connected')
  assert.ok(!admitted.awareness.getStates().has(refused.doc.clientID))
})

test('it comes back to a server that was started again', async t => {
  const first = await Server.start(t)
  const client = new HeartbeatClient(t, first, 'room')
  await client.reached('connected')
  text(client).insert(0, 'kept by the client')
  await client.saved()
  await first.stop('SIGTERM')
  await client.reached('offline')
  assert.equal(client.closeCodes.at(-1), 1001)
  const second = await Server.start(t, '--port', String(first.port))
  await client.reached('connected')
  await client.saved()
  const reader = await YjsClient.join(t, second, 'room')
  assert.equal(text(reader).toString(), 'kept by the client')
})

test('a line without a sound is probed, and the answer keeps it', async t => {
  const server = await Server.start(t)
  const client = new HeartbeatClient(t, server, 'room')
  await client.reached('connected')
  await until('an answer to a probe', () => client.probeCount > 0 && client.heardSinceProbe, [[client, 'heard']])
  assert.deepEqual(client.closeCodes, [])
})
