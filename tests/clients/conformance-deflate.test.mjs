// SPDX-License-Identifier: MIT
// permessage-deflate (RFC 7692) in the classes 12 and 13 of the Autobahn test suite, and what must be refused: as
// conformance.test.mjs does for the rest. The server promises to begin each message anew, so each can be inflated
// alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'

import { startEchoServer } from './support/echo-server.mjs'
import { assertClosed, assertFrame } from './support/frame-asserts.mjs'
import { FrameClient } from './support/frame-client.mjs'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closeFrame, cut, fragments, frame } from './support/frames.mjs'
import { Random } from './support/random.mjs'

const RSV1 = 4
const offer = parameters => [`Sec-WebSocket-Extensions: permessage-deflate${parameters}`]
const tail = Buffer.of(0, 0, 0xff, 0xff)

/** As RFC 7692, 7.2.1, says: flushed, and without the four bytes at the end. */
function deflate (bytes, options = {}) {
  const all = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, ...options })
  return all.subarray(0, all.length - tail.length)
}

function inflated (got) {
  if (got?.rsv !== RSV1) return got
  const payload = inflateRawSync(Buffer.concat([got.payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH })
  return { ...got, rsv: 0, payload }
}

async function open (t, port, parameters) {
  const client = await FrameClient.open(t, port, { fields: offer(parameters) })
  const accepted = /^Sec-WebSocket-Extensions: permessage-deflate(.*)$/m.exec(client.head)
  assert.ok(accepted, `accepted: ${client.head}`)
  assert.match(accepted[1], /; *server_no_context_takeover/)
  return client
}

async function play (t, port, { frames, chop, want = [], closes, parameters = '' }) {
  const client = await open(t, port, parameters)
  await client.send(chop ? cut(Buffer.concat(frames), chop) : frames)
  for (const wanted of want) assertFrame(inflated(await client.next()), wanted)
  if (closes === undefined) await client.send([closeFrame(1000)])
  await assertClosed(client, closes ?? 1000)
}

function conformance (name, rows) {
  test(name, async t => {
    const port = await startEchoServer(t, '--compress')
    for (const row of rows) await t.test(row.name, t => play(t, port, row))
  })
}

const random = new Random(7692)
const json = JSON.stringify({ name: 'a document', values: [1, 2, 3], nested: { a: null } })
const contents = [
  ['JSON', length => Buffer.alloc(length, json)],
  ['noise', length => Buffer.from(Array.from({ length }, () => 33 + random.below(90)))]
]
const typed = [['text', TEXT], ['binary', BINARY]]
const compressed = (opcode, bytes, options) => frame(opcode, deflate(bytes, options), { rsv: RSV1 })

conformance('12 messages of many sizes', contents.flatMap(([what, make]) => typed.flatMap(([kind, opcode]) =>
  [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].flatMap(length => {
    const bytes = make(length)
    const want = [[opcode, bytes], [opcode, bytes]]
    return [
      { name: `${length} bytes of ${what}, ${kind}`, frames: Array(2).fill(compressed(opcode, bytes)), want },
      {
        name: `${length} bytes of ${what}, ${kind}, in frames of 1300`,
        frames: Array(2).fill(fragments(opcode, cut(deflate(bytes), 1300), { rsv: RSV1 })).flat(),
        want
      }
    ]
  }))))

const sample = contents[0][1](20000)

conformance('13 parameters', [
  ['', {}],
  ['; client_no_context_takeover', {}],
  ['; server_no_context_takeover', {}],
  ['; client_no_context_takeover; server_no_context_takeover', {}],
  ['; client_max_window_bits', {}],
  ['; client_max_window_bits=15', {}],
  ['; client_max_window_bits=9', { windowBits: 9 }],
  ['; client_max_window_bits="12"', { windowBits: 12 }],
  ['; server_max_window_bits=15', {}],
  ['; unknown_parameter, permessage-deflate', {}],
  ['; server_max_window_bits=7, permessage-deflate', {}]
].flatMap(([parameters, options]) => [1, 6, 9].map(level => ({
  name: `permessage-deflate${parameters}, level ${level}`,
  parameters,
  frames: typed.map(([, opcode]) => compressed(opcode, sample, { ...options, level })),
  want: typed.map(([, opcode]) => [opcode, sample])
}))))

const hello = compressed(TEXT, 'Hello')
const helloBack = [TEXT, 'Hello']
const half = deflate('Hello').subarray(0, 3)
const rest = deflate('Hello').subarray(3)
const part = { fin: false }

conformance('RFC 7692: what may be sent', [
  {
    name: '7.2.3.1 one block',
    frames: [frame(TEXT, Buffer.from('f248cdc9c90700', 'hex'), { rsv: RSV1 })],
    want: [helloBack]
  },
  {
    name: '7.2.3.3 a block that is not compressed',
    frames: [compressed(TEXT, 'Hello', { level: 0 })],
    want: [helloBack]
  },
  {
    name: '7.2.3.4 a final block',
    frames: [frame(TEXT, Buffer.concat([deflateRawSync('Hello'), Buffer.of(0)]), { rsv: RSV1 })],
    want: [helloBack]
  },
  {
    name: '7.2.3.5 two blocks',
    frames: [frame(TEXT, Buffer.from('f24805000000ffffcac9c90700', 'hex'), { rsv: RSV1 })],
    want: [helloBack]
  },
  { name: '7.2.3.6 an empty message', frames: [frame(TEXT, Buffer.of(0), { rsv: RSV1 })], want: [[TEXT, '']] },
  { name: 'a message that is not compressed', frames: [frame(TEXT, 'Hello')], want: [helloBack] },
  {
    name: 'one of each, in turns',
    frames: [hello, frame(TEXT, 'Hello'), hello],
    want: [helloBack, helloBack, helloBack]
  },
  {
    name: 'byte by byte',
    frames: [hello, hello],
    chop: 1,
    want: [helloBack, helloBack]
  },
  {
    name: 'a ping among fragments',
    frames: [frame(TEXT, half, { fin: false, rsv: RSV1 }), frame(PING, 'ping'), frame(CONTINUATION, rest)],
    want: [[PONG, 'ping'], helloBack]
  },
  {
    name: 'empty fragments',
    frames: fragments(TEXT, ['', half, '', rest, ''], { rsv: RSV1 }),
    want: [helloBack]
  }
])

conformance('RFC 7692: what must not be sent', [
  {
    name: 'RSV1 on a continuation',
    frames: [frame(TEXT, half, { fin: false, rsv: RSV1 }), frame(CONTINUATION, rest, { rsv: RSV1 })],
    closes: 1002
  },
  {
    name: 'RSV1 on a continuation alone',
    frames: [frame(TEXT, 'a', part), frame(CONTINUATION, 'b', { rsv: RSV1 })],
    closes: 1002
  },
  { name: 'RSV1 on a ping', frames: [frame(PING, 'ping', { rsv: RSV1 })], closes: 1002 },
  { name: 'RSV1 on a close', frames: [frame(CLOSE, '', { rsv: RSV1 })], closes: 1002 },
  ...[1, 2, 3, 5, 6, 7].map(rsv => ({
    name: `reserved bits ${rsv}`,
    frames: [hello, frame(TEXT, deflate('Hello'), { rsv })],
    want: [helloBack],
    closes: 1002
  })),
  { name: 'what cannot be inflated', frames: [frame(BINARY, Buffer.alloc(20, 0xff), { rsv: RSV1 })], closes: 1007 },
  { name: 'text that is not UTF-8, compressed', frames: [compressed(TEXT, Buffer.of(0x61, 0xff))], closes: 1007 },
  {
    name: 'a distance beyond the beginning of the message',
    frames: [hello, frame(TEXT, Buffer.from('f200110000', 'hex'), { rsv: RSV1 })],
    want: [helloBack],
    closes: 1007
  }
])
