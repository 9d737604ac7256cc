// SPDX-License-Identifier: MIT
// Who may come in: everybody, or those who know the token.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'

import { RawClient, SYNC } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { temporaryFolder } from './support/temporary-folder.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const unauthorized = new Uint8Array([2, 0, 12, ...Buffer.from('Unauthorized')])
const secret = 'open-sesame'

test('the right token lets a client in', async t => {
  const server = await Server.start(t, '--token', secret)
  const ada = await YjsClient.join(t, server, 'room', { token: secret })
  const bob = await YjsClient.join(t, server, 'room', { token: secret })
  ada.doc.getText('text').insert(0, 'among friends')
  await converged([ada, bob])
  assert.equal(bob.doc.getText('text').toString(), 'among friends')
})

for (const [name, protocols, options, chosen] of [
  ['an Authorization field', [], { headers: { Authorization: `Bearer ${secret}` } }, ''],
  ['a subprotocol beside another one', ['yjs', `bearer.${secret}`], {}, 'yjs']
]) {
  test(`a token may come in ${name}`, async t => {
    const server = await Server.start(t, '--token', secret)
    const socket = new WebSocket(`${server.ws}/room`, protocols, options)
    const [greeting] = await once(socket, 'message')
    assert.equal(greeting[0], SYNC)
    assert.equal(socket.protocol, chosen)
    socket.close()
  })
}

test('any of several tokens will do', async t => {
  const server = await Server.start(t, '--token', 'first', '--token', 'second')
  for (const token of ['first', 'second']) await YjsClient.join(t, server, 'room', { token })
})

test('a file of tokens is read again on SIGHUP, and who is connected stays', async t => {
  const file = join(temporaryFolder(t), 'tokens')
  writeFileSync(file, 'old\n\nlasting\n')
  const server = await Server.start(t, '--token-file', file)
  const ada = await YjsClient.join(t, server, 'room', { token: 'old' })

  writeFileSync(file, 'new\nlasting\n')
  server.process.kill('SIGHUP')
  await server.logged(/ info reloaded /)
  const refused = await RawClient.join(t, server, 'room', '?token=old')
  assert.equal((await refused.closed).code, 4001)
  const bob = await YjsClient.join(t, server, 'room', { token: 'new' })
  ada.doc.getText('text').insert(0, 'still here')
  await converged([ada, bob])

  writeFileSync(file, '')
  server.process.kill('SIGHUP')
  await server.logged(/ error reload_failed problem="there is no token in .*" effect="what was read before stays in use"/)
  await YjsClient.join(t, server, 'room', { token: 'lasting' })
})

test('a token is percent-decoded', async t => {
  const server = await Server.start(t, '--token', 'a b&c=%/é')
  await YjsClient.join(t, server, 'room', { token: 'a b&c=%/é' })
})

for (const [name, query] of [
  ['a wrong token', '?token=open-sesam'],
  ['a longer token', `?token=${secret}e`],
  ['an empty token', '?token='],
  ['no token', ''],
  ['the token under another name', `?tokens=${secret}`]
]) {
  test(`${name} gets "Unauthorized" and 4001, and nothing else`, async t => {
    const server = await Server.start(t, '--token', secret, '--log-level', 'debug')
    const client = await RawClient.join(t, server, 'room', query)
    assert.deepEqual(await client.closed, { code: 4001, reason: 'Unauthorized' })
    assert.deepEqual(client.received, [unauthorized])
    await server.stop('SIGTERM')
    assert.doesNotMatch(server.log.join('\n'), new RegExp(secret.slice(0, -1)), 'no token in the log')
  })
}

test('a token in open mode is ignored', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'room', '?token=whatever')
  await client.waitForMessages(1, SYNC, 0)
  await client.fence()
})

test('health needs no token', async t => {
  const server = await Server.start(t, '--token', secret)
  const answer = await fetch(server.http)
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), '{"status":"ok"}')
})

test('an address that is turned away again and again gets HTTP 401 instead', async t => {
  const server = await Server.start(t, '--token', secret)
  for (let i = 0; i < 5; i++) {
    const client = await RawClient.join(t, server, 'room', '?token=wrong')
    assert.equal((await client.closed).code, 4001)
  }
  const client = new RawClient(t, server, 'room', '?token=wrong')
  const [, response] = await once(client.socket, 'unexpected-response')
  assert.equal(response.statusCode, 401)
  await YjsClient.join(t, server, 'room', { token: secret })
})
