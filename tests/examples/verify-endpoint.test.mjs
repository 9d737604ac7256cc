// SPDX-License-Identifier: MIT
// The example of an endpoint decides what its comment says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { RawClient } from '../clients/support/raw-client.mjs'
import { Server } from '../clients/support/server.mjs'
import { YjsClient, converged } from '../clients/support/yjs-client.mjs'

const example = fileURLToPath(new URL('../../examples/verify-endpoint.mjs', import.meta.url))

async function start (t) {
  const endpoint = spawn(process.execPath, [example, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => endpoint.kill())
  const [line] = await once(endpoint.stdout, 'data')
  return Server.start(t, '--verify-url', /^deciding at (http:\S+)\n$/.exec(line.toString())[1])
}

test('verify-endpoint: everybody gets their rights', async t => {
  const server = await start(t)
  const ada = await YjsClient.join(t, server, 'team/notes', { token: 'ada-secret' })
  const bob = await YjsClient.join(t, server, 'team/notes', { token: 'bob-secret' })
  bob.doc.getText('text').insert(0, 'for the team')
  await converged([ada, bob])
  const get = (path, token) => fetch(server.http + path, { headers: { Authorization: `Bearer ${token}` } })
  assert.equal((await get('/rooms/team/notes', 'bob-secret')).status, 200)
  assert.equal((await get('/rooms/team/notes', 'eve-secret')).status, 401)
  const post = await fetch(`${server.http}/rooms/blog`, {
    method: 'POST', body: new Uint8Array([0, 0]), headers: { Authorization: 'Bearer bob-secret' }
  })
  assert.equal(post.status, 403)
  const eve = await RawClient.join(t, server, 'team/notes', '?token=eve-secret')
  assert.equal((await eve.closed).code, 4001)
})
