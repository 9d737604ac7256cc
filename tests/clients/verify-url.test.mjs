// SPDX-License-Identifier: MIT
// Who may come in, decided by an HTTP endpoint: y-websocket clients, and HTTP requests.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import * as Y from 'yjs'

import { Endpoint, allow, status } from './support/endpoint.mjs'
import { AUTH, RawClient, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { temporaryFolder } from './support/temporary-folder.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const secret = 'open-sesame'
const tryAgain = { code: 1013, reason: 'Cannot verify the token now' }

async function start (t, decide, ...options) {
  const endpoint = await Endpoint.start(t, decide)
  const server = await Server.start(t, '--verify-url', endpoint.url, '--log-level', 'debug', ...options)
  return { endpoint, server }
}

const get = (server, path, token = secret) =>
  fetch(server.http + path, { headers: { Authorization: `Bearer ${token}` } })

const textOf = client => client.doc.getText('text')

test('whom the endpoint lets in is in, and it is asked once for each connection', async t => {
  const { endpoint, server } = await start(t, () => allow('write'))
  const ada = await YjsClient.join(t, server, 'team/notes é', { token: secret })
  const bob = await YjsClient.join(t, server, 'team/notes é')
  textOf(ada).insert(0, 'among friends')
  await converged([ada, bob])
  assert.equal(textOf(bob).toString(), 'among friends')

  const [one, two] = endpoint.questions
  assert.match(one.peer, /^127\.0\.0\.1:\d+$/)
  assert.notEqual(one.peer, two.peer)
  assert.deepEqual(one, { token: secret, room: 'team/notes é', peer: one.peer, transport: 'websocket' })
  assert.deepEqual(two, { token: '', room: 'team/notes é', peer: two.peer, transport: 'websocket' })
  assert.equal(endpoint.questions.length, 2)
  assert.equal(endpoint.connectionCount, 1)
  assert.equal(endpoint.heads[0].method, 'POST')
  assert.equal(endpoint.heads[0].url, '/verify')
  assert.equal(endpoint.heads[0].headers['content-type'], 'application/json')
})

test('a reader reads and changes nothing', async t => {
  const { server } = await start(t, ({ token }) => allow(token))
  const writer = await YjsClient.join(t, server, 'room', { token: 'write' })
  const reader = await YjsClient.join(t, server, 'room', { token: 'read' })
  textOf(writer).insert(0, 'read this')
  await converged([writer, reader])

  const scribbler = await RawClient.join(t, server, 'room', '?token=read')
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'scribble')
  scribbler.send(update(Y.encodeStateAsUpdate(doc)))
  await scribbler.waitForMessages(1, AUTH, 0)
  const post = await fetch(`${server.http}/rooms/room`, {
    method: 'POST', body: Y.encodeStateAsUpdate(doc), headers: { Authorization: 'Bearer read' }
  })
  assert.equal(post.status, 403)
  assert.equal(textOf(writer).toString(), 'read this')
})

for (const code of [401, 403]) {
  test(`${code} is "Unauthorized" and 4001, for HTTP 401`, async t => {
    const { server } = await start(t, () => status(code))
    const client = await RawClient.join(t, server, 'room', `?token=${secret}`)
    assert.deepEqual(await client.closed, { code: 4001, reason: 'Unauthorized' })
    assert.deepEqual(client.received, [new Uint8Array([2, 0, 12, ...Buffer.from('Unauthorized')])])
    assert.equal((await get(server, '/rooms/room')).status, 401)
  })
}

for (const [name, decide] of [
  ['a failure', () => status(500, secret)],
  ['a redirection', ({ room }) => status(307, '', { Location: `http://127.0.0.1:1/${room}` })],
  ['a page', () => status(200, '<h1>It works!</h1>')],
  ['another access', () => allow('admin')],
  ['two verdicts', () => status(200, '{"access":"read","access":"write"}')],
  ['an endless answer', () => response => response.end(JSON.stringify({ access: 'write', more: 'x'.repeat(1e6) }))],
  ['an answer that breaks off', () => response => {
    response.writeHead(200, { 'Content-Length': 100 })
    response.write('{"access":"write"}', () => response.destroy())
  }],
  ['no answer', () => null]
]) {
  test(`${name} admits nobody: 1013, HTTP 503, and no token in the log`, async t => {
    const { server } = await start(t, decide, '--verify-timeout', '300ms')
    const client = await RawClient.join(t, server, 'room', `?token=${secret}`)
    assert.deepEqual(await client.closed, tryAgain)
    assert.deepEqual(client.received, [])
    assert.equal((await get(server, '/rooms/room')).status, 503)
    await server.logged(/verify_failed problem=/)
    await server.stop('SIGTERM')
    assert.doesNotMatch(server.log.join('\n'), new RegExp(secret))
  })
}

test('HTTP requests are asked about too: their room, or every room', async t => {
  const { endpoint, server } = await start(t, () => allow('write'))
  for (const path of ['/rooms/blog', '/rooms/', '/metrics', '/']) await (await get(server, path)).text()
  assert.deepEqual(endpoint.questions.map(({ token, room, transport }) => ({ token, room, transport })), [
    { token: secret, room: 'blog', transport: 'http' },
    { token: secret, room: null, transport: 'http' },
    { token: secret, room: null, transport: 'http' }
  ])
})

test('while one waits for the endpoint, others are served', async t => {
  const { endpoint, server } = await start(t, ({ token }) => token === 'slow' ? null : allow('write'))
  const ada = await YjsClient.join(t, server, 'room', { token: secret })
  const slow = new YjsClient(t, server, 'room', { token: 'slow' })
  await endpoint.asked(2)
  const bob = await YjsClient.join(t, server, 'room', { token: secret })
  textOf(ada).insert(0, 'meanwhile')
  await converged([ada, bob])
  assert.equal(slow.provider.synced, false)

  allow('write')(endpoint.silent[0])
  await slow.synced()
  await converged([ada, bob, slow])
})

test('a client may go before its verdict comes', async t => {
  const { endpoint, server } = await start(t, ({ token }) => token === 'slow' ? null : allow('write'))
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /room?token=slow HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  await endpoint.asked(1)
  socket.destroy()
  await get(server, '/rooms/') /* by now the server has heard of it */
  allow('write')(endpoint.silent[0])
  const list = await get(server, '/rooms/')
  assert.deepEqual(await list.json(), { rooms: [] })
})

test('without the endpoint nobody comes in, and who is in stays; when it is back, all goes on', async t => {
  const { endpoint, server } = await start(t, () => allow('write'))
  const ada = await YjsClient.join(t, server, 'room', { token: secret })
  const bob = await YjsClient.join(t, server, 'room', { token: secret })
  endpoint.stop()
  const late = await RawClient.join(t, server, 'room', `?token=${secret}`)
  assert.deepEqual(await late.closed, tryAgain)
  textOf(ada).insert(0, 'still here')
  await converged([ada, bob])

  await Endpoint.start(t, () => allow('write'), endpoint.port)
  const carol = await YjsClient.join(t, server, 'room', { token: secret })
  await converged([ada, bob, carol])
})

test('an endpoint that stops in the middle of a question', async t => {
  const { endpoint, server } = await start(t, () => null)
  const client = await Promise.all([
    RawClient.join(t, server, 'room', `?token=${secret}`),
    endpoint.asked(1).then(() => endpoint.stop())
  ]).then(([client]) => client)
  assert.deepEqual(await client.closed, tryAgain)
})

test('y-websocket clients that were told to try again do', async t => {
  let failures = 2
  const { endpoint, server } = await start(t, () => failures-- > 0 ? status(503) : allow('write'))
  await YjsClient.join(t, server, 'room', { token: secret })
  assert.equal(endpoint.questions.length, 3)
})

test('an answer is remembered where it says so, for the same token, room and transport', async t => {
  const decide = ({ token }) => token === 'known'
    ? allow('write', { 'Cache-Control': 'max-age=60' })
    : status(403, '', { 'Cache-Control': 'max-age=60' })
  const { endpoint, server } = await start(t, decide)
  for (const want of [200, 401]) {
    const token = want === 200 ? 'known' : 'unknown'
    for (let i = 0; i < 3; i++) assert.equal((await get(server, '/rooms/', token)).status, want)
  }
  assert.equal(endpoint.questions.length, 2)
  await YjsClient.join(t, server, 'room', { token: 'known' })
  await YjsClient.join(t, server, 'room', { token: 'known' })
  await YjsClient.join(t, server, 'other', { token: 'known' })
  assert.deepEqual(endpoint.questions.slice(2).map(({ room, transport }) => [room, transport]),
    [['room', 'websocket'], ['other', 'websocket']])
})

test('many clients at once', async t => {
  const { endpoint, server } = await start(t, () => allow('write'))
  const clients = await Promise.all(Array.from({ length: 50 }, (_, i) =>
    YjsClient.join(t, server, 'room', { token: `token-${i}` })))
  textOf(clients[0]).insert(0, 'all')
  await converged(clients)
  const tokens = new Set(endpoint.questions.map(({ token }) => token))
  assert.equal(tokens.size, 50)
  assert.equal(endpoint.questions.length, 50)
})

test('an endpoint whose certificate nobody vouches for is not told any token', async t => {
  const folder = temporaryFolder(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const create = onRequest => createServer({ key: readFileSync(key), cert: readFileSync(cert) }, onRequest)
  const endpoint = await Endpoint.start(t, () => allow('write'), 0, create)
  const server = await Server.start(t, '--verify-url', endpoint.url.replace('http:', 'https:'))
  const client = await RawClient.join(t, server, 'room', `?token=${secret}`)
  assert.deepEqual(await client.closed, tryAgain)
  await server.logged(/verify_failed problem=.*certificate/i)
  assert.equal(endpoint.questions.length, 0)
})

test('a question that is open does not hold the end up', async t => {
  const { endpoint, server } = await start(t, () => null, '--verify-timeout', '1h')
  const client = new RawClient(t, server, 'room', `?token=${secret}`)
  const answer = get(server, '/rooms/room').catch(() => null)
  await endpoint.asked(2)
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  await client.closed
  await answer
})

test('two ways of deciding are one too many', async t => {
  const server = new Server(['--token', secret, '--verify-url', 'http://127.0.0.1:1/'])
  assert.deepEqual(await server.exited, { code: 2, signal: null })
  await until('a complaint', () => server.log.length === 1, [[server.logLines, 'line']])
  assert.match(server.log[0], /^ysync: two ways to authorize at once/)
})
