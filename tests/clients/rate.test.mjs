// SPDX-License-Identifier: MIT
// --rate: who sends too fast is read more slowly, loses nothing, and disturbs nobody.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as encoding from 'lib0/encoding'

import { RawClient, SYNC_STATUS, syncStatus } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'

const numbered = i => syncStatus(encoding.encode(encoder => encoding.writeUint32(encoder, i)))

test('a flood is slowed down and comes whole and in order; others are answered meanwhile', async t => {
  const server = await Server.start(t, '--rate', '100')
  const [flooder, other] = [await RawClient.join(t, server, 'room'), await RawClient.join(t, server, 'room')]
  const count = 1250 /* 10 s worth, and what takes 2.5 s more */
  const begin = Date.now()
  for (let i = 0; i < count; i++) flooder.send(numbered(i))
  await flooder.waitForMessages(1000, SYNC_STATUS)
  for (let i = 0; i < 20; i++) await other.fence()
  assert.ok(flooder.messages(SYNC_STATUS).length < count, 'the flood was not slowed down')

  await flooder.waitForMessages(count, SYNC_STATUS)
  assert.ok(Date.now() - begin > 2000, `all was read within ${Date.now() - begin} ms`)
  assert.deepEqual(flooder.messages(SYNC_STATUS), Array.from({ length: count }, (_, i) => numbered(i)))
})

test('a flood that is not read ends with its connection', async t => {
  const server = await Server.start(t, '--rate', '1', '--log-level', 'debug')
  const flooder = await RawClient.join(t, server, 'room')
  for (let i = 0; i < 5000; i++) flooder.send(numbered(i))
  await flooder.waitForMessages(10, SYNC_STATUS)
  const exit = await server.stop('SIGTERM') /* does not wait for what is held: that would take hours */
  assert.deepEqual(exit, { code: 0, signal: null })
  assert.equal((await flooder.closed).code, 1001)
})

test('without --rate nobody is slowed down', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room')
  for (let i = 0; i < 20000; i++) client.send(numbered(i))
  await client.waitForMessages(20000, SYNC_STATUS)
})
