// SPDX-License-Identifier: MIT
// Several event loops: which of them a room belongs to, and which took the connection, nobody can tell from outside.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import * as Y from 'yjs'

import { RawClient } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { temporaryFolder } from './support/temporary-folder.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const rooms = Array.from({ length: 24 }, (_, i) => `room-${String(i).padStart(2, '0')}`)

function updateWith (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

/** One request over the agent's only connection: { status, body }. */
function ask (agent, server, method, path, body) {
  return new Promise((resolve, reject) => {
    const asked = request(`${server.http}${path}`, { agent, method }, response => {
      const pieces = []
      response.on('data', piece => pieces.push(piece))
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(pieces) }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

for (const threads of [1, 4]) {
  test(`pairs in many rooms sync with --threads ${threads}`, async t => {
    const server = await Server.start(t, '--threads', String(threads))
    await Promise.all(rooms.map(async room => {
      const [ada, bob] = await Promise.all([YjsClient.join(t, server, room), YjsClient.join(t, server, room)])
      ada.doc.getText('text').insert(0, `${room} `)
      bob.doc.getMap('map').set('room', room)
      await converged([ada, bob])
      assert.equal(bob.doc.getText('text').toString(), `${room} `)
    }))
    const list = await (await fetch(`${server.http}/rooms/`)).json()
    assert.deepEqual(list.rooms, rooms.map(id => ({ id, connections: 2 })))
    const metrics = await (await fetch(`${server.http}/metrics`)).text()
    assert.match(metrics, new RegExp(`^ysync_rooms ${rooms.length}$`, 'm'))
    assert.match(metrics, new RegExp(`^ysync_connections ${2 * rooms.length}$`, 'm'))
  })
}

test('requests on one connection may be for rooms of all loops', async t => {
  const server = await Server.start(t, '--threads', '4')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  let sockets = 0
  agent.on('free', socket => { sockets += socket.seen ? 0 : 1; socket.seen = true })
  for (const room of rooms) {
    const { status } = await ask(agent, server, 'POST', `/rooms/${room}`, updateWith(room.repeat(10000)))
    assert.equal(status, 200)
  }
  for (const room of rooms) {
    const { status, body } = await ask(agent, server, 'GET', `/rooms/${room}`)
    assert.equal(status, 200)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, body)
    assert.equal(doc.getText('text').toString(), room.repeat(10000))
  }
  for (const room of rooms) assert.equal((await ask(agent, server, 'DELETE', `/rooms/${room}`)).status, 200)
  assert.equal((await ask(agent, server, 'GET', '/rooms/')).body.toString(), '{"rooms":[]}')
  assert.equal(sockets, 1)
})

test('pipelined requests for rooms of all loops are answered in their order', async t => {
  const server = await Server.start(t, '--threads', '4')
  for (const room of rooms) await fetch(`${server.http}/rooms/${room}`, { method: 'POST', body: updateWith(room) })
  const { createConnection } = await import('node:net')
  const socket = createConnection(server.port, '127.0.0.1')
  t.after(() => socket.destroy())
  const paths = rooms.flatMap(room => [`/rooms/${room}`, '/', '/rooms/none', '/rooms/'])
  socket.write(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''))
  socket.end()
  let text = ''
  socket.setEncoding('latin1').on('data', data => { text += data })
  await once(socket, 'end')
  const answers = text.split(/(?=HTTP\/1\.1 \d)/)
  assert.equal(answers.length, paths.length)
  answers.forEach((answer, i) => {
    const path = paths[i]
    const want = path === '/' ? '{"status":"ok"}' : path === '/rooms/none' ? 'Room not found: none' : path === '/rooms/' ? '{"rooms":[' : path.slice(7)
    assert.ok(answer.includes(want), `${path}: ${answer}`)
  })
})

test('--max-connections, --max-connections-per-ip and --max-rooms count over all loops', async t => {
  const refusal = async (server, room) => {
    const socket = new WebSocket(`${server.ws}/${room}`)
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    socket.terminate()
    return response.statusCode
  }
  for (const [option, status] of [['--max-connections', 503], ['--max-connections-per-ip', 429], ['--max-rooms', 503]]) {
    const server = await Server.start(t, '--threads', '4', option, '8')
    for (const room of rooms.slice(0, 8)) await RawClient.join(t, server, room)
    for (const room of rooms.slice(8, 16)) assert.equal(await refusal(server, room), status, option)
  }
})

test('SIGHUP reaches all loops, and so does SIGTERM', async t => {
  const file = join(temporaryFolder(t), 'tokens')
  writeFileSync(file, 'old\n')
  const server = await Server.start(t, '--threads', '4', '--token-file', file)
  const clients = await Promise.all(rooms.map(room => RawClient.join(t, server, room, '?token=old')))
  writeFileSync(file, 'new\n')
  server.process.kill('SIGHUP')
  await server.logged(/ info reloaded /)
  clients.push(...await Promise.all(rooms.map(room => RawClient.join(t, server, room, '?token=new'))))
  for (const client of clients) await client.fence()
  const closed = Promise.all(clients.map(client => client.closed))
  await server.stop('SIGTERM')
  for (const { code } of await closed) assert.equal(code, 1001)
})

test('10 loops whose connections come and go stop in good order', async t => {
  const server = await Server.start(t, '--threads', '10', '--evict-after', '0')
  const sockets = Array.from({ length: 400 }, (_, i) => {
    const socket = new WebSocket(`${server.ws}/${rooms[i % rooms.length]}`)
    socket.on('error', () => {})
    if (i % 3 === 0) socket.on('open', () => socket.terminate())
    return socket
  })
  await once(sockets.at(-1), 'open')
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
})
