// SPDX-License-Identifier: MIT
// Servers come and go; the clients keep the document and bring it back.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'
import { YjsClient, contentOf, converged } from './support/yjs-client.mjs'

test('after a server was killed and restarted, its clients rebuild the room', async t => {
  const first = await Server.start(t)
  const ada = await YjsClient.join(t, first, 'room')
  const bob = await YjsClient.join(t, first, 'room')
  ada.doc.getText('text').insert(0, 'written before')
  await converged([ada, bob])

  const offline = [ada, bob].map(client =>
    until('disconnection', () => !client.provider.synced, [[client.provider, 'sync'], [client.provider, 'status']]))
  await first.stop('SIGKILL')
  await Promise.all(offline)
  bob.doc.getText('text').insert(0, 'in between, ')

  const second = await Server.start(t, '--port', String(first.port))
  assert.equal(second.port, first.port)
  await Promise.all([ada.synced(), bob.synced()])
  await converged([ada, bob])
  const late = await YjsClient.join(t, second, 'room')
  await converged([ada, late])
  assert.equal(late.doc.getText('text').toString(), 'in between, written before')
  assert.deepEqual(contentOf(late), contentOf(bob))
})
