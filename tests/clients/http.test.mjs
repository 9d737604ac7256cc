// SPDX-License-Identifier: MIT
// What a browser, a load balancer or a lost client gets over plain HTTP.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'

import { Server } from './support/server.mjs'
import { TcpClient } from './support/tcp-client.mjs'

test('GET / says that the server is well', async t => {
  const server = await Server.start(t)
  const answer = await fetch(`${server.http}/`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  assert.equal(await answer.text(), '{"status":"ok"}')
})

for (const [name, request, status] of [
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a field without a name', 'GET / HTTP/1.1\r\nHost: test\r\n: value\r\n\r\n', 400],
  ['two different lengths', 'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ['a head over 16 KiB', `GET / HTTP/1.1\r\nHost: test\r\nX: ${'x'.repeat(17000)}\r\n\r\n`, 431]
]) {
  test(`${name} is answered with ${status}, and the connection closed`, async t => {
    const server = await Server.start(t)
    const client = new TcpClient(t, server)
    await once(client.socket, 'connect')
    client.send(request)
    await client.ended
    assert.match(client.bytes.toString(), new RegExp(`^HTTP/1\\.1 ${status} `))
  })
}

const upgrade = (path, fields = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n') =>
  `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`

for (const [name, request, status] of [
  ['an upgrade without a key', upgrade('/room', 'Sec-WebSocket-Version: 13\r\n'), 400],
  ['an upgrade to another version', upgrade('/room', 'Sec-WebSocket-Version: 8\r\n'), 426],
  ['a control character in a room name', upgrade('/rooms/a%0Ab'), 400],
  ['a room name that is not UTF-8', upgrade('/rooms/%ff'), 400],
  ['a room name of 513 bytes', upgrade(`/rooms/${'x'.repeat(513)}`), 400],
  ['a room name of 512 bytes', upgrade(`/rooms/${'x'.repeat(512)}`), 101],
  ['an unknown path', 'GET /nothing/here HTTP/1.1\r\nHost: test\r\n\r\n', 404],
  ['another method', 'PUT / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n', 405]
]) {
  test(`${name} is answered with ${status}`, async t => {
    const server = await Server.start(t)
    const client = new TcpClient(t, server)
    await once(client.socket, 'connect')
    client.send(request)
    await once(client, 'bytes')
    assert.match(client.bytes.toString(), new RegExp(`^HTTP/1\\.1 ${status} `))
    client.socket.destroy()
  })
}
