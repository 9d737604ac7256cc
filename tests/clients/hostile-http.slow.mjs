// SPDX-License-Identifier: MIT
// Slow: requests that come a byte at a time, and never to an end.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Siege } from './support/siege.mjs'
import { TcpClient } from './support/tcp-client.mjs'

/** Opens `count` connections that send `begin` at once, and what `byte` returns once a second. Each must be answered
 * with 408 between these seconds, and closed. */
async function trickle (t, server, count, begin, byte, [earliest, latest]) {
  const start = Date.now()
  const clients = await Promise.all(Array.from({ length: count }, () => TcpClient.connect(t, server)))
  for (const client of clients) client.send(begin)
  const timers = clients.map(client => setInterval(() => client.socket.writable && client.send(byte()), 1000))
  await Promise.all(clients.map(async (client, i) => {
    await client.ended
    clearInterval(timers[i])
    const seconds = (Date.now() - start) / 1000
    assert.deepEqual(client.answers().map(({ status }) => status), [408])
    assert.ok(seconds > earliest && seconds < latest, `after ${seconds} s`)
  }))
}

test('200 heads that trickle end after 10 s', { timeout: 100000 }, async t => {
  const siege = await Siege.begin(t)
  const begin = 'GET / HTTP/1.1\r\nHost: test\r\nX: '
  await siege.mustWithstand(() => trickle(t, siege.server, 200, begin, () => 'x', [9, 15]), { warmUps: 1, rounds: 1 })
})

test('200 bodies that trickle end after a minute', { timeout: 300000 }, async t => {
  const siege = await Siege.begin(t)
  const begin = 'POST /rooms/other HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n'
  await siege.mustWithstand(() => trickle(t, siege.server, 200, begin, () => 'x', [55, 75]), { warmUps: 1, rounds: 0 })
})

test('200 bodies in chunks of one byte end after a minute', { timeout: 300000 }, async t => {
  const siege = await Siege.begin(t)
  const begin = 'POST /rooms/other HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n'
  await siege.mustWithstand(() => trickle(t, siege.server, 200, begin, () => '1\r\nx\r\n', [55, 75]),
    { warmUps: 1, rounds: 0 })
})
