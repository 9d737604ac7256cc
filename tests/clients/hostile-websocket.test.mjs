// SPDX-License-Identifier: MIT
// Frames that no client sends, closes that no client means, and floods: the connection ends with the right code, or is
// served within bounds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as encoding from 'lib0/encoding'

import { MiB, mustGrowByLess } from './support/memory.mjs'
import { SYNC_STATUS, syncStatus } from './support/raw-client.mjs'
import { Siege } from './support/siege.mjs'
import { BINARY, CLOSE, PING, PONG, TEXT, TcpClient, frame } from './support/tcp-client.mjs'
import { until } from './support/until.mjs'

const FIN = 0x80
const CONTINUATION = 0
const status = syncStatus(new Uint8Array([1, 2, 3]))
const good = frame(FIN | BINARY, status)

const close = (code, reason = []) => frame(FIN | CLOSE, [code >> 8, code & 255, ...reason])
const withLength = (...bytes) => Buffer.from([FIN | BINARY, ...bytes, 0, 0, 0, 0])
const echoes = client => client.frames().filter(({ payload }) => payload[0] === SYNC_STATUS)

/** Closed with this code, nothing but the close frame comes after it, and the server ends the connection. */
async function mustEndWith (t, server, bytes, code) {
  const client = await TcpClient.join(t, server, 'room')
  client.send(Buffer.concat([bytes, good]))
  assert.equal(await client.closeCode(), code)
  client.send(close(code)) /* our part in it, lest it be waited for */
  await client.ended
  assert.equal(client.frames().at(-1).opcode, CLOSE)
  assert.deepEqual(echoes(client), [], 'what follows is not looked at')
}

const badFrames = [
  ['not masked', Buffer.from([FIN | BINARY, 1, 0])],
  ...[0x40, 0x20, 0x10, 0x70].map(bits => [`reserved bits ${bits.toString(16)}`, frame(FIN | bits | BINARY)]),
  ...[0x40, 0x20, 0x10].map(bits => [`reserved bits ${bits.toString(16)} of a ping`, frame(FIN | bits | PING)]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(opcode => [`opcode ${opcode}`, frame(FIN | opcode)]),
  ...[3, 11].map(opcode => [`opcode ${opcode} with a payload`, frame(FIN | opcode, [1, 2, 3])]),
  ...[CLOSE, PING, PONG].map(opcode => [`fragmented opcode ${opcode}`, frame(opcode)]),
  ...[CLOSE, PING, PONG].map(opcode => [`opcode ${opcode} of 126 bytes`, frame(FIN | opcode, Array(126).fill(32))]),
  ['a ping that declares 2^63 - 1 bytes', frame(FIN | PING, [], { declared: 2n ** 63n - 1n })],
  ['a continuation of nothing', frame(FIN | CONTINUATION, status)],
  ['a continuation of a whole message', Buffer.concat([frame(FIN | PONG), frame(CONTINUATION, status)])],
  ['a message inside of another', Buffer.concat([frame(BINARY, [1]), frame(FIN | BINARY, status)])],
  ['a text inside of a message', Buffer.concat([frame(BINARY, [1]), frame(FIN | TEXT, [65])])],
  ['5 bytes in the form for 126', withLength(FIN | 126, 0, 5)],
  ['125 bytes in the form for 65,536', withLength(FIN | 127, 0, 0, 0, 0, 0, 0, 0, 125)],
  ['65,535 bytes in the form for 65,536', withLength(FIN | 127, 0, 0, 0, 0, 0, 0, 255, 255)],
  ['2^63 bytes', withLength(FIN | 127, 128, 0, 0, 0, 0, 0, 0, 0)],
  ['2^64 - 1 bytes', withLength(FIN | 127, 255, 255, 255, 255, 255, 255, 255, 255)],
  ['a close frame of one byte', frame(FIN | CLOSE, [3])],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65535].map(code =>
    [`close code ${code}`, close(code)])
].map(([name, bytes]) => [name, bytes, 1002])

const badPayloads = [
  ['a close reason that is not UTF-8', close(1000, [0xff]), 1007],
  ['a close reason that is cut short', close(1000, [0xe2, 0x82]), 1007],
  ['a close reason with a surrogate', close(1000, [0xed, 0xa0, 0x80]), 1007],
  ['a text', frame(FIN | TEXT, [65]), 1003],
  ['an empty text', frame(FIN | TEXT), 1003],
  ['a text in two parts', Buffer.concat([frame(TEXT, [65]), frame(FIN | CONTINUATION, [66])]), 1003],
  ['a text that is not UTF-8', frame(FIN | TEXT, [0xc0, 0xaf]), 1007],
  ['an empty message', frame(FIN | BINARY), 1007],
  ['2^62 bytes', frame(FIN | BINARY, [], { declared: 2n ** 62n }), 1009],
  ['2^31 bytes', frame(FIN | BINARY, [], { declared: 2 ** 31 }), 1009],
  ['2^32 + 1 bytes', frame(FIN | BINARY, [], { declared: 2 ** 32 + 1 }), 1009],
  ['1 MiB and 1 byte', frame(FIN | BINARY, [], { declared: MiB + 1 }), 1009],
  ['a continuation past the limit',
    Buffer.concat([frame(BINARY, [1]), frame(CONTINUATION, [], { declared: MiB })]), 1009]
]

test('frames that break RFC 6455, or cannot be taken, end their connection', async t => {
  const siege = await Siege.begin(t, '--max-message', '1m')
  const rows = [...badFrames, ...badPayloads]
  for (const [name, bytes, code] of rows) {
    await t.test(`${name}: ${code}`, t => mustEndWith(t, siege.server, bytes, code))
  }
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 3; i++) {
      await Promise.all(rows.map(([, bytes, code]) => mustEndWith(t, siege.server, bytes, code)))
    }
  })
})

const goodCloses = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]

test('a close is answered with its code, and what comes after it is not looked at', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(() => Promise.all([
    ...goodCloses.map(code => mustEndWith(t, siege.server, close(code, Buffer.from('ü'.repeat(61))), code)),
    mustEndWith(t, siege.server, Buffer.concat([close(1000), Buffer.alloc(100000, 255)]), 1000),
    mustEndWith(t, siege.server, Buffer.concat([frame(BINARY, [1]), close(1001)]), 1001)
  ]))
  const client = await TcpClient.join(t, siege.server, 'room')
  client.send(Buffer.concat([frame(FIN | CLOSE), good]))
  await client.ended
  assert.deepEqual(client.frames().filter(({ opcode }) => opcode === CLOSE).map(({ payload }) => payload.length), [0])
  assert.deepEqual(echoes(client), [])
})

test('a server that closes and gets no answer ends the connection after 5 s', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(async () => {
    const begin = Date.now()
    const clients = await Promise.all(Array.from({ length: 50 }, () => TcpClient.join(t, siege.server, 'room')))
    for (const client of clients) client.send(frame(FIN | TEXT, [65])) /* and no close frame, ever */
    for (const client of clients) assert.equal(await client.closeCode(), 1003)
    const chatter = clients.map(client => setInterval(() => client.send(good), 500))
    await Promise.all(clients.map(({ ended }) => ended))
    for (const timer of chatter) clearInterval(timer)
    const elapsed = Date.now() - begin
    assert.ok(elapsed > 4500 && elapsed < 15000, `${elapsed} ms`)
  }, { warmUps: 1, rounds: 0 })
})

test('messages in parts, with pings between them, a byte at a time, masked with anything', async t => {
  const siege = await Siege.begin(t)
  const parts = Buffer.concat([
    frame(BINARY), frame(FIN | PING, [1]), frame(CONTINUATION, status.subarray(0, 1)), frame(FIN | PONG, [9]),
    ...Array.from({ length: 300 }, () => frame(CONTINUATION)),
    frame(FIN | CONTINUATION, status.subarray(1), { mask: [255, 255, 255, 255] }),
    frame(FIN | BINARY, status, { mask: [0, 0, 0, 0] }), frame(FIN | PING, Array(125).fill(7))
  ])
  const large = syncStatus(new Uint8Array(70000).map((_, i) => i))
  await siege.mustWithstand(async () => {
    const client = await TcpClient.join(t, siege.server, 'room')
    await client.sendInPieces(parts, 1)
    await client.sendInPieces(frame(FIN | BINARY, large), 997)
    await until('three echoes', () => echoes(client).length === 3, [[client, 'bytes']])
    assert.deepEqual(echoes(client).map(({ payload }) => new Uint8Array(payload)), [status, status, large])
    const pongs = client.frames().filter(({ opcode }) => opcode === PONG)
    assert.deepEqual(pongs.map(({ payload }) => payload.length), [1, 125])
    client.socket.destroy()
  })
})

test('fragments without an end are held up to the limit, and not beyond', async t => {
  const siege = await Siege.begin(t, '--max-message', '4m')
  const part = frame(CONTINUATION, Buffer.alloc(64 * 1024, 120))
  await siege.mustWithstand(async () => {
    const client = await TcpClient.join(t, siege.server, 'room')
    client.send(frame(BINARY, [120]))
    await mustGrowByLess(siege.server, 12 * MiB, async () => {
      await client.sendInPieces(Buffer.concat(Array(80).fill(part)), 64 * 1024)
      assert.equal(await client.closeCode(), 1009)
    })
    await client.ended

    const patient = await TcpClient.join(t, siege.server, 'room') /* of nothing, any number of parts may come */
    patient.send(frame(BINARY))
    patient.send(Buffer.concat(Array(100000).fill(frame(CONTINUATION))))
    patient.send(Buffer.concat([frame(FIN | CONTINUATION, status), good]))
    await until('the echoes', () => echoes(patient).length === 2, [[patient, 'bytes']])
    patient.socket.destroy()
  }, { rounds: 8, limit: 6 * MiB }) /* one message is 4 MiB: where it was may be kept */
})

test('hundreds of frames that declare much and bring little cost what they bring', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => TcpClient.join(t, siege.server, 'room')))
    await mustGrowByLess(siege.server, 16 * MiB, async () => {
      for (const client of clients) client.send(frame(FIN | BINARY, Buffer.alloc(1000), { declared: 60 * MiB }))
      await siege.mustSeeEachOther()
    })
    for (const client of clients) client.socket.destroy()
  })
})

test('who floods with pings, or with sync status, and does not read costs little', async t => {
  const siege = await Siege.begin(t)
  const pings = Buffer.concat(Array(5000).fill(frame(FIN | PING, Array(125).fill(7))))
  const numbered = i => frame(FIN | BINARY, syncStatus(encoding.encode(encoder => encoding.writeUint32(encoder, i))))
  const statuses = Buffer.concat(Array.from({ length: 20000 }, (_, i) => numbered(i)))
  await siege.mustWithstand(async () => {
    for (const flood of [pings, statuses]) {
      const client = await TcpClient.join(t, siege.server, 'room')
      client.socket.pause()
      await mustGrowByLess(siege.server, 8 * MiB, async () => {
        for (let i = 0; i < 20; i++) client.send(flood)
        await siege.mustSeeEachOther()
      })
      client.socket.destroy()
    }
  })
})

test('every ping of a peer that reads is answered, in order', async t => {
  const siege = await Siege.begin(t)
  const payload = i => [i >> 8, i & 255]
  const client = await TcpClient.join(t, siege.server, 'room')
  const count = 3000
  client.send(Buffer.concat(Array.from({ length: count }, (_, i) => frame(FIN | PING, payload(i)))))
  const pongs = () => client.frames().filter(({ opcode }) => opcode === PONG).map(({ payload }) => [...payload])
  client.send(good)
  await until('the echo', () => echoes(client).length === 1, [[client, 'bytes']])
  assert.deepEqual(pongs(), Array.from({ length: count }, (_, i) => payload(i)))
  client.socket.destroy()
  await siege.mustSync()
})
