// SPDX-License-Identifier: MIT
// How clients are turned away, and by what: a token, a page's origin, the number of connections.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import WebSocket from 'ws'

import { RawClient } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const denied = new Uint8Array([2, 0, 12, ...Buffer.from('Unauthorized')])

/** The status that the request for a WebSocket is refused with. */
async function refusal (server, room, options = {}) {
  const socket = new WebSocket(`${server.ws}/${room}`, options)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  socket.terminate()
  return response.statusCode
}

async function admitted (server, room, options = {}) {
  const socket = new WebSocket(`${server.ws}/${room}`, options)
  await once(socket, 'message')
  return socket
}

for (const [mode, code] of [['4001', 4001], ['4401', 4401]]) {
  test(`--reject ${mode} opens the socket, says "Unauthorized" and closes with ${code}`, async t => {
    const server = await Server.start(t, '--token', 's3cret', '--reject', mode)
    const client = await RawClient.join(t, server, 'room')
    assert.deepEqual(await client.closed, { code, reason: 'Unauthorized' })
    assert.deepEqual(client.received, [denied])
  })
}

test('--reject http answers 401, and says how to do better', async t => {
  const server = await Server.start(t, '--token', 's3cret', '--reject', 'http')
  const socket = new WebSocket(`${server.ws}/room`)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  assert.equal(response.statusCode, 401)
  assert.equal(response.headers['www-authenticate'], 'Bearer')
})

test('--allow-origin lets pages of these origins in, and programs, which have none', async t => {
  const server = await Server.start(t, '--allow-origin', 'https://app.example.org', '--allow-origin', 'http://localhost:5173')
  for (const origin of ['https://app.example.org', 'http://localhost:5173', undefined]) {
    (await admitted(server, 'room', { origin })).terminate()
  }
  for (const origin of ['https://evil.example', 'null', 'http://localhost:5174']) {
    assert.equal(await refusal(server, 'room', { origin }), 403, origin)
  }
  const metrics = await (await fetch(`${server.http}/metrics`)).text()
  assert.match(metrics, /^ysync_rejected_total\{reason="origin"\} 3$/m)
})

test('--allow-origin holds for POST too, which a page may send without being asked', async t => {
  const server = await Server.start(t, '--allow-origin', 'https://app.example.org')
  const from = (origin, method) => fetch(`${server.http}/rooms/room`, {
    method, headers: { Origin: origin, 'Content-Type': 'text/plain' }, body: method === 'POST' ? new Uint8Array([0, 0]) : null
  })
  for (const method of ['POST', 'DELETE', 'GET']) assert.equal((await from('https://evil.example', method)).status, 403)
  assert.equal((await from('https://app.example.org', 'GET')).status, 404, 'the room was not made')
  assert.equal((await from('https://app.example.org', 'POST')).status, 200)
})

test('a browser is never told to show a page of another origin what came back', async t => {
  const server = await Server.start(t)
  for (const path of ['/', '/rooms/', '/rooms/none', '/metrics']) {
    const answer = await fetch(`${server.http}${path}`, { headers: { Origin: 'https://other.example' } })
    assert.deepEqual([...answer.headers.keys()].filter(name => name.startsWith('access-control-')), [], path)
  }
  const preflight = await fetch(`${server.http}/rooms/room`, {
    method: 'OPTIONS', headers: { Origin: 'https://other.example', 'Access-Control-Request-Method': 'DELETE' }
  })
  assert.equal(preflight.status, 405)
})

test('--max-connections: one more gets 503, and the place of one that left can be taken', async t => {
  const server = await Server.start(t, '--max-connections', '2')
  const ada = await YjsClient.join(t, server, 'room')
  const bob = await YjsClient.join(t, server, 'room')
  assert.equal(await refusal(server, 'room'), 503)
  assert.equal((await fetch(server.http)).status, 200, 'a server that is full is not ill')
  ada.doc.getText('text').insert(0, 'only us')
  await converged([ada, bob])

  ada.leave()
  const late = await YjsClient.join(t, server, 'room') /* which tries until it succeeds */
  await converged([bob, late])
})

test('--max-connections-per-ip: one more from the same address gets 429', async t => {
  const server = await Server.start(t, '--max-connections-per-ip', '2', '--host', '127.0.0.1', '--host', '127.0.0.2')
  await YjsClient.join(t, server, 'room')
  await YjsClient.join(t, server, 'room')
  assert.equal(await refusal(server, 'room'), 429)
  const socket = await admitted(server, 'room', { localAddress: '127.0.0.9' })
  socket.terminate()
})

test('X-Forwarded-For counts with --trust-proxy, and not without', async t => {
  const from = client => ({ headers: { 'X-Forwarded-For': client } })
  const believing = await Server.start(t, '--max-connections-per-ip', '1', '--trust-proxy', '1')
  const first = await admitted(believing, 'room', from('203.0.113.9'))
  const second = await admitted(believing, 'room', from('203.0.113.8'))
  assert.equal(await refusal(believing, 'room', from('1.2.3.4, 203.0.113.9')), 429)

  const doubting = await Server.start(t, '--max-connections-per-ip', '1')
  const only = await admitted(doubting, 'room', from('203.0.113.9'))
  assert.equal(await refusal(doubting, 'room', from('203.0.113.8')), 429)
  for (const socket of [first, second, only]) socket.terminate()
})

test('a proxy is not held back for what its clients do', async t => {
  const server = await Server.start(t, '--token', 's3cret', '--trust-proxy', '1')
  const from = (client, token) => ({ headers: { 'X-Forwarded-For': client, Authorization: `Bearer ${token}` } })
  for (let i = 0; i < 5; i++) {
    const socket = new WebSocket(`${server.ws}/room`, from('203.0.113.9', 'wrong'))
    assert.equal((await once(socket, 'close'))[0], 4001)
  }
  assert.equal(await refusal(server, 'room', from('203.0.113.9', 'wrong')), 401)
  const other = new WebSocket(`${server.ws}/room`, from('203.0.113.8', 'wrong'))
  assert.equal((await once(other, 'close'))[0], 4001)
})

test('tokens appear in nothing that the server says', async t => {
  const secret = 'hush-hush-1234'
  const server = await Server.start(t, '--token', secret, '--log-level', 'debug')
  const said = []
  const ask = (path, headers) => new Promise(resolve => {
    request(`${server.http}${path}`, { headers }, response => {
      said.push(JSON.stringify(response.headers))
      response.on('data', data => said.push(data.toString())).on('end', resolve)
    }).end()
  })
  for (const token of [secret, `${secret}-wrong`]) {
    const authorization = { Authorization: `Bearer ${token}` }
    for (const path of ['/', '/metrics', '/rooms/', '/rooms/none', '/rooms/%zz', `/nowhere/at/all?token=${token}`]) {
      await ask(path, authorization)
      await ask(`${path}?token=${token}`, {})
    }
    for (const options of [{ headers: authorization }, { headers: { ...authorization, 'Sec-WebSocket-Version': '12' } }]) {
      const socket = new WebSocket(`${server.ws}/room?token=${token}`, ['yjs', `bearer.${token}`], options)
      socket.on('error', () => {})
      socket.on('message', data => said.push(data.toString()))
      socket.on('unexpected-response', (_, response) => said.push(JSON.stringify(response.headers)))
      socket.on('open', () => socket.send(new Uint8Array([0, 2, 99])))
      await once(socket, 'close')
    }
  }
  await server.stop('SIGTERM')
  assert.match(server.log.join('\n'), /malformed_message/, 'there is something to look at')
  assert.ok(![...said, ...server.log].join('\n').includes('hush'))
})
