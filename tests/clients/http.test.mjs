// SPDX-License-Identifier: MIT
// What a browser, a load balancer or a lost client gets over plain HTTP. What attackers get: hostile-http.test.mjs.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'

import { Server } from './support/server.mjs'
import { TcpClient, upgradeRequest } from './support/tcp-client.mjs'

test('GET / says that the server is well', async t => {
  const server = await Server.start(t)
  const answer = await fetch(`${server.http}/`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  assert.equal(await answer.text(), '{"status":"ok"}')
})

for (const [name, request, status] of [
  ['a room name of 512 bytes', upgradeRequest(`/rooms/${'x'.repeat(512)}`), 101],
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
