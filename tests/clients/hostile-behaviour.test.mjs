// SPDX-License-Identifier: MIT
// What no single message shows: too much of what is allowed, or half of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

import { MiB, mustGrowByLess } from './support/memory.mjs'
import { Random, seedFor } from './support/random.mjs'
import {
  QUERY_AWARENESS, RawClient, awareness, syncStatus, syncStep1, update
} from './support/raw-client.mjs'
import { Siege } from './support/siege.mjs'
import { BINARY, TcpClient, frame, upgradeRequest } from './support/tcp-client.mjs'
import { until } from './support/until.mjs'

const FIN = 0x80

function updateWithText (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

/** Runs `count` of them, so many at a time. */
async function inParallel (count, width, run) {
  let next = 0
  await Promise.all(Array.from({ length: width }, async () => { while (next < count) await run(next++) }))
}

const wholeHandshake = upgradeRequest('/other')
const message = frame(FIN | BINARY, update(updateWithText('half a message')))

/* How far quick clients come. */
const ways = [
  '',
  'GET / HT',
  'GET / HTTP/1.1\r\nHost: test\r\n',
  'GET / HTTP/1.1\r\nHost: test\r\n\r\n',
  'POST /rooms/other HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nhalf',
  wholeHandshake.slice(0, 60),
  wholeHandshake,
  Buffer.concat([Buffer.from(wholeHandshake), message.subarray(0, 4)]),
  Buffer.concat([Buffer.from(wholeHandshake), message.subarray(0, 20)]),
  Buffer.concat([Buffer.from(wholeHandshake), message])
]

/** Ends by FIN, by reset, or by both sides' FIN. */
async function comeAndGo (server, i) {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const way = ways[i % ways.length]
  if (way.length > 0) await new Promise(resolve => socket.write(way, resolve))
  if (i % 3 === 0 && way.length > 0) await Promise.race([once(socket, 'data'), new Promise(setImmediate)])
  if (i % 2 === 0) socket.resetAndDestroy()
  else socket.destroy()
}

test('10,000 clients that come and go at once, at any stage', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(() => inParallel(2000, 50, i => comeAndGo(siege.server, i)),
    { limit: 2 * MiB }) /* a connection and what belongs to it are about 1 KiB */
})

test('half-open peers are dropped when they do not answer pings', async t => {
  const siege = await Siege.begin(t, '--ping-every', '1s')
  const dead = []
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 100; i++) {
      const client = await TcpClient.join(t, siege.server, 'other')
      client.socket.pause() /* and nothing is ever heard of it again, not even its end */
      dead.push(client)
    }
  }, { warmUps: 1, rounds: 1 })
  for (const { socket } of dead) socket.destroy()
})

test('queries, and large sync status messages, of one that does not read', async t => {
  const siege = await Siege.begin(t)
  const states = Array.from({ length: 200 }, (_, i) => ({ client: 1000 + i, clock: 1, state: 'x'.repeat(1000) }))
  const crowd = await RawClient.join(t, siege.server, 'other')
  crowd.send(awareness(states))
  await crowd.fence()
  const queries = Buffer.concat(Array(20000).fill(frame(FIN | BINARY, [QUERY_AWARENESS])))
  const large = frame(FIN | BINARY, syncStatus(new Uint8Array(2 * MiB)))
  await siege.mustWithstand(async () => {
    for (const [flood, limit] of [[[queries, queries], 4 * MiB], [Array(10).fill(large), 12 * MiB]]) {
      const client = await TcpClient.join(t, siege.server, 'other')
      client.socket.pause()
      await mustGrowByLess(siege.server, limit, async () => {
        for (const bytes of flood) client.send(bytes)
        await siege.mustSeeEachOther()
      })
      client.socket.destroy()
    }
  }, { rounds: 8, limit: 12 * MiB }) /* where messages of 2 MiB were may be kept */
  await crowd.fence()
  crowd.socket.terminate()
})

const postTo = (room, body) => Buffer.concat([
  Buffer.from(`POST /rooms/${room} HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n`), body
])

/** Makes rooms as fast as the server answers, over one connection. */
async function makeRooms (t, server, prefix, count) {
  const body = updateWithText('a room of its own')
  const client = await TcpClient.connect(t, server)
  let answers = ''
  client.socket.removeAllListeners('data')
  client.socket.on('data', data => {
    answers += data.toString('latin1').match(/HTTP\/1\.1 \d+/g)?.join('') ?? ''
    client.emit('bytes')
  })
  for (let i = 0; i < count; i += 500) {
    client.send(Buffer.concat(Array.from({ length: 500 }, (_, k) => postTo(`${prefix}${i + k}`, body))))
    await until(`${i + 500} answers`, () => answers.split('HTTP/1.1 ').length > i + 500, [[client, 'bytes']])
  }
  client.socket.destroy()
  return answers.split('HTTP/1.1 ').slice(1).map(Number)
}

test('who makes rooms as fast as it can: they go as they came', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(async () => {
    const statuses = await makeRooms(t, siege.server, 'posted', 4000)
    assert.deepEqual([...new Set(statuses)], [200])
    await inParallel(400, 20, async i => {
      const client = await TcpClient.join(t, siege.server, `joined${i}`)
      client.send(message)
      client.socket.destroy()
    })
  })
})

test('who makes rooms as fast as it can: --max-rooms holds, and who has a room keeps it', async t => {
  const siege = await Siege.begin(t, '--max-rooms', '100', '--evict-after', '1h')
  const attack = async prefix => {
    const statuses = await makeRooms(t, siege.server, prefix, 2000)
    assert.equal(statuses.filter(status => status === 503).length, 2000 - (prefix === 'first' ? 99 : 0))
  }
  await attack('first')
  await siege.mustWithstand(() => attack('later'))
})

test('presence: more ids than one connection may have, again and again', async t => {
  const siege = await Siege.begin(t)
  const [ada] = siege.pair
  let next = 1000000
  const some = count => Array.from({ length: count }, () => ({ client: next++, clock: 1, state: { n: next } }))
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 20; i++) {
      const greedy = await RawClient.join(t, siege.server, siege.room)
      greedy.send(awareness(some(256)))
      await greedy.fence()
      const over = some(1)
      greedy.send(awareness(over))
      assert.deepEqual(await greedy.closed, { code: 4413, reason: 'too many presence states on one connection' })
      assert.ok(!ada.awareness.meta.has(over[0].client), 'what was refused is not seen')

      const atOnce = await RawClient.join(t, siege.server, siege.room)
      atOnce.send(awareness(some(5000)))
      assert.equal((await atOnce.closed).code, 4413)
    }
    const isAlone = () => ada.awareness.getStates().size === 2
    await until('the ids to be gone', isAlone, [[ada.awareness, 'change']])
  })
})

test('presence: a megabyte is refused, and as much as is allowed goes with its connection', async t => {
  const siege = await Siege.begin(t)
  const [ada] = siege.pair
  await siege.mustWithstand(async () => {
    const loud = await RawClient.join(t, siege.server, siege.room)
    loud.send(awareness([{ client: 77, clock: 1, state: 'x'.repeat(MiB) }]))
    assert.deepEqual(await loud.closed, { code: 4413, reason: 'presence state too large' })
    assert.ok(!ada.awareness.meta.has(77))

    const full = await RawClient.join(t, siege.server, 'other')
    const idle = await TcpClient.join(t, siege.server, 'other')
    idle.socket.pause()
    await mustGrowByLess(siege.server, 40 * MiB, async () => { /* 16 MiB of states, and what is being sent of them */
      for (let clock = 1; clock <= 3; clock++) {
        for (let i = 0; i < 256; i++) {
          full.send(awareness([{ client: 2000 + i, clock, state: 'x'.repeat(65000) }]))
        }
        await full.fence()
      }
    })
    full.socket.terminate()
    idle.socket.destroy()
  }, { limit: 24 * MiB }) /* once for each round it would be 64 */
})

/** `count` entries of clients at random, as no client would have them. */
function stateVector (random, count) {
  return encoding.encode(encoder => {
    encoding.writeVarUint(encoder, count)
    for (let i = 0; i < count; i++) {
      encoding.writeVarUint(encoder, random.below(2 ** 32))
      encoding.writeVarUint(encoder, 1 + random.below(100))
    }
  })
}

test('state vectors of a million entries are answered, those of ten million refused', async t => {
  const siege = await Siege.begin(t)
  const random = new Random(seedFor(t))
  const [million, millions] = [stateVector(random, 1e6), stateVector(random, 1e7)].map(syncStep1)
  await siege.mustWithstand(async () => {
    const client = await RawClient.join(t, siege.server, 'other')
    client.send(million)
    await client.waitForMessages(1, 0, 1)
    await siege.mustSeeEachOther()
    client.send(millions)
    assert.deepEqual(await client.closed, { code: 4413, reason: 'state vector too large' })
  }, { rounds: 1, limit: 8 * MiB })
})

test('structs that wait for others are held up to --max-pending', async t => {
  const siege = await Siege.begin(t, '--max-pending', '1m')
  /* A letter of client 9 each, behind one of a client that nobody knows. */
  const waiting = count => update(encoding.encode(encoder => {
    encoding.writeVarUint(encoder, count)
    for (let i = 0; i < count; i++) {
      for (const number of [1, 5000 + i, 0]) encoding.writeVarUint(encoder, number)
      encoding.writeUint8(encoder, 0x84)
      for (const number of [999999999 - i, 0, 1, 97]) encoding.writeVarUint(encoder, number)
    }
    encoding.writeVarUint(encoder, 0)
  }))
  const [some, tooMany] = [waiting(1000), waiting(200000)]
  await siege.mustWithstand(async () => {
    const client = await RawClient.join(t, siege.server, 'other')
    client.send(some)
    await client.fence()
    assert.ok((await siege.metrics())('ysync_updates_pending') > 0)
    client.send(tooMany)
    assert.equal((await client.closed).code, 4413)
  }, { limit: 8 * MiB })
})
