// SPDX-License-Identifier: MIT
// RFC 6455 as a client sees it: the classes of cases of the Autobahn test suite, by its numbers, against the net layer
// with an echo above it (tests/net/echo_server.c).
//
// Each row sends frames, in writes of `chop` bytes if that is given, awaits the frames `want`, and then the end: the
// client closes with 1000 and is answered, or the server closes with `closes`. It is always the server that ends the
// TCP connection, and nothing comes behind its close frame.
//
// Compression, classes 12 and 13, is in conformance-deflate.test.mjs.
//
// No row depends on time. Class 6 is checked as far as it matters here: the echo takes text, ysync itself refuses it
// with 1003 whatever it holds. So the parser tells bad UTF-8 when the message is whole, not in the middle of it (what
// Autobahn calls failing fast). Reasons of close frames are checked wherever there are any.
import { test } from 'node:test'

import { startEchoServer } from './support/echo-server.mjs'
import { assertClosed, assertFrame } from './support/frame-asserts.mjs'
import { FrameClient } from './support/frame-client.mjs'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closeFrame, cut, fragments, frame } from './support/frames.mjs'

const KiB = 1024
const MiB = 1024 * KiB

const part = { fin: false }
const pattern = Buffer.from(Array.from({ length: 64 * KiB }, (_, i) => 32 + i * 7 % 89 + i % 5))

/** Text of this many bytes that does not repeat soon. */
function filler (length) {
  return Buffer.alloc(length, pattern)
}

async function play (t, port, { frames, chop, want = [], closes }) {
  const client = await FrameClient.open(t, port)
  await client.send(chop ? cut(Buffer.concat(frames), chop) : frames)
  for (const wanted of want) assertFrame(await client.next(), wanted)
  if (closes === undefined) await client.send([closeFrame(1000)])
  await assertClosed(client, closes === undefined ? 1000 : closes)
}

/** One test for the class, and in it one for each row. */
function conformance (name, rows) {
  test(name, async t => {
    const port = await startEchoServer(t)
    for (const row of rows) await t.test(row.name, t => play(t, port, row))
  })
}

/** Rows that differ in how their bytes are cut alone. */
const chopped = (row, chops) => chops.map(chop => ({ ...row, chop, name: `${row.name}, in writes of ${chop}` }))

const typed = [['text', TEXT], ['binary', BINARY]]

conformance('1 framing', typed.flatMap(([name, opcode], kind) => [
  ...[0, 125, 126, 127, 128, 65535, 65536].map((length, i) => ({
    name: `1.${kind + 1}.${i + 1} ${name} of ${length} bytes`,
    frames: [frame(opcode, filler(length))],
    want: [[opcode, filler(length)]]
  })),
  ...chopped({
    name: `1.${kind + 1}.8 ${name} of 65536 bytes`,
    frames: [frame(opcode, filler(65536))],
    want: [[opcode, filler(65536)]]
  }, [997, 1000]),
  ...chopped({
    name: `1.${kind + 1}.9 ${name} of 128 and 1000 bytes, headers in pieces`,
    frames: [frame(opcode, filler(128)), frame(opcode, filler(1000))],
    want: [[opcode, filler(128)], [opcode, filler(1000)]]
  }, [1])
]))

const tenPings = Array.from({ length: 10 }, (_, i) => `payload ${i}`)

conformance('2 pings and pongs', [
  { name: '2.1 a ping without a payload', frames: [frame(PING)], want: [[PONG, '']] },
  { name: '2.2 a ping with text', frames: [frame(PING, 'Hello')], want: [[PONG, 'Hello']] },
  {
    name: '2.3 a ping with bytes',
    frames: [frame(PING, Buffer.from('00fffefdfcfb00ff', 'hex'))],
    want: [[PONG, Buffer.from('00fffefdfcfb00ff', 'hex')]]
  },
  { name: '2.4 a ping of 125 bytes', frames: [frame(PING, filler(125))], want: [[PONG, filler(125)]] },
  { name: '2.5 a ping of 126 bytes', frames: [frame(PING, filler(126))], closes: 1002 },
  {
    name: '2.6 a ping of 125 bytes, byte by byte',
    frames: [frame(PING, filler(125))],
    chop: 1,
    want: [[PONG, filler(125)]]
  },
  { name: '2.7 a pong nobody asked for, without a payload', frames: [frame(PONG)] },
  { name: '2.8 a pong nobody asked for', frames: [frame(PONG, 'unasked')] },
  { name: '2.9 such a pong and a ping', frames: [frame(PONG, 'unasked'), frame(PING, 'ping')], want: [[PONG, 'ping']] },
  ...[undefined, 1].map((chop, i) => ({
    name: `2.${10 + i} ten pings${chop ? ', byte by byte' : ''}`,
    frames: tenPings.map(payload => frame(PING, payload)),
    chop,
    want: tenPings.map(payload => [PONG, payload])
  })),
  { name: '2.12 a pong of 126 bytes', frames: [frame(PONG, filler(126))], closes: 1002 }
])

const hello = frame(TEXT, 'Hello')
const helloBack = [TEXT, 'Hello']

conformance('3 reserved bits', [
  { name: '3.1 text with RSV 1', frames: [frame(TEXT, 'Hello', { rsv: 1 })], closes: 1002 },
  ...[1, 2, 3, 4, 5, 6, 7].map(rsv => ({
    name: `3.2 text, text with RSV ${rsv}, ping`,
    frames: [hello, frame(TEXT, 'Hello', { rsv }), frame(PING)],
    want: [helloBack],
    closes: 1002
  })),
  {
    name: '3.3 in one write',
    frames: [Buffer.concat([hello, frame(TEXT, '', { rsv: 3 }), frame(PING)])],
    want: [helloBack],
    closes: 1002
  },
  {
    name: '3.4 byte by byte',
    frames: [hello, frame(TEXT, 'Hello', { rsv: 4 }), frame(PING)],
    chop: 1,
    want: [helloBack],
    closes: 1002
  },
  { name: '3.5 binary with RSV 5', frames: [frame(BINARY, filler(8), { rsv: 5 })], closes: 1002 },
  { name: '3.6 a ping with RSV 6', frames: [frame(PING, 'ping', { rsv: 6 })], closes: 1002 },
  { name: '3.7 a close with RSV 7', frames: [frame(CLOSE, '', { rsv: 7 })], closes: 1002 },
  {
    name: '3.8 RSV 4 on a continuation',
    frames: [frame(TEXT, 'a', part), frame(CONTINUATION, 'b', { rsv: 4 })],
    closes: 1002
  },
  {
    name: '3.9 RSV 2 on a ping among fragments',
    frames: [frame(TEXT, 'a', part), frame(PING, '', { rsv: 2 }), frame(CONTINUATION, 'b')],
    closes: 1002
  }
])

conformance('4 opcodes', [[3, 4, 5, 6, 7], [11, 12, 13, 14, 15]].flatMap((opcodes, kind) => opcodes.flatMap(opcode => [
  { name: `4.${kind + 1} opcode ${opcode} without a payload`, frames: [frame(opcode)], closes: 1002 },
  { name: `4.${kind + 1} opcode ${opcode}`, frames: [frame(opcode, 'reserved')], closes: 1002 },
  ...[undefined, 1].map(chop => ({
    name: `4.${kind + 1} text, opcode ${opcode}, ping${chop ? ', byte by byte' : ''}`,
    frames: [hello, frame(opcode, 'reserved'), frame(PING)],
    chop,
    want: [helloBack],
    closes: 1002
  })),
  {
    name: `4.${kind + 1} opcode ${opcode} among fragments`,
    frames: [frame(TEXT, 'a', part), frame(opcode)],
    closes: 1002
  }
])))

const inTwo = fragments(TEXT, ['fragment1', 'fragment2'])
const inTwoBack = [TEXT, 'fragment1fragment2']
const inFive = fragments(TEXT, ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'])
const inFiveBack = [TEXT, 'fragment1fragment2fragment3fragment4fragment5']
const stray = fin => frame(CONTINUATION, 'stray', { fin })

/** Each as it is, all in one write, and byte by byte. */
const cutInWays = row => [
  row,
  { ...row, frames: [Buffer.concat(row.frames)], name: `${row.name}, in one write` },
  { ...row, chop: 1, name: `${row.name}, byte by byte` }
]

conformance('5 fragmentation', [
  { name: '5.1 a ping in two fragments', frames: fragments(PING, ['a', 'b']), closes: 1002 },
  { name: '5.2 a pong in two fragments', frames: fragments(PONG, ['a', 'b']), closes: 1002 },
  { name: '5.3 text in two fragments', frames: inTwo, want: [inTwoBack] },
  {
    name: '5.6 text in two fragments, a ping between',
    frames: [inTwo[0], frame(PING, 'ping'), inTwo[1]],
    want: [[PONG, 'ping'], inTwoBack]
  },
  { name: '5.9 a final continuation of nothing, then text', frames: [stray(true), hello], closes: 1002 },
  { name: '5.12 a continuation of nothing, then text', frames: [stray(false), hello], closes: 1002 },
  {
    name: '5.15 text in two fragments, a continuation of nothing, text',
    frames: [...inTwo, stray(false), hello],
    want: [inTwoBack],
    closes: 1002
  },
  { name: '5.16 twice a continuation and a text', frames: [stray(false), hello, stray(false), hello], closes: 1002 },
  {
    name: '5.17 twice a final continuation and a text',
    frames: [stray(true), hello, stray(true), hello],
    closes: 1002
  },
  {
    name: '5.18 text in two fragments that both say text',
    frames: [frame(TEXT, 'fragment1', part), frame(TEXT, 'fragment2')],
    closes: 1002
  },
  {
    name: '5.19 text in five fragments with pings between',
    frames: [...inFive.slice(0, 2), frame(PING, 'one'), ...inFive.slice(2, 4), frame(PING, 'two'), inFive[4]],
    want: [[PONG, 'one'], [PONG, 'two'], inFiveBack]
  },
  {
    name: '5.21 binary in empty fragments',
    frames: fragments(BINARY, ['', 'a', '', '', 'b', '']),
    want: [[BINARY, 'ab']]
  },
  {
    name: '5.22 a close among fragments',
    frames: [inTwo[0], closeFrame(1000), inTwo[1]],
    closes: 1000
  }
].flatMap(cutInWays))

const hex = string => Buffer.from(string.replaceAll(' ', ''), 'hex')
const goodText = [
  ['Greek', 'ce ba e1 bd b9 cf 83 ce bc ce b5'],
  ['the first and the last of one byte', '00 7f'],
  ['the first and the last of two bytes', 'c2 80 df bf'],
  ['the first and the last of three bytes', 'e0 a0 80 ef bf bf'],
  ['the first and the last of four bytes', 'f0 90 80 80 f4 8f bf bf'],
  ['right before and behind the surrogates', 'ed 9f bf ee 80 80'],
  ['characters that are none', 'ef bf be ef b7 90 f0 9f bf bf'],
  ['a byte order mark', 'ef bb bf 61']
].map(([name, bytes]) => [name, hex(bytes)])
const badText = [
  ['a surrogate in the middle', 'ce ba ed a0 80 65 64'],
  ['a pair of surrogates', 'ed af bf ed bf bf'],
  ['one byte too few, of two', 'ce'],
  ['one byte too few, of three', '61 e1 bd'],
  ['one byte too few, of four', 'f0 90 8d'],
  ['a continuation alone', '80'],
  ['too many continuations', 'ce ba 80'],
  ['a beginning behind a beginning', 'c3 c3 a4'],
  ['a slash in two bytes', 'c0 af'],
  ['a slash in three bytes', 'e0 80 af'],
  ['a slash in four bytes', 'f0 80 80 af'],
  ['the highest that is too long in two', 'c1 bf'],
  ['the highest that is too long in three', 'e0 9f bf'],
  ['the highest that is too long in four', 'f0 8f bf bf'],
  ['beyond U+10FFFF', 'f4 90 80 80'],
  ['five bytes', 'f8 88 80 80 80'],
  ['six bytes', 'fc 84 80 80 80 80'],
  ['0xfe', '61 fe'],
  ['0xff', 'ff 61']
].map(([name, bytes]) => [name, hex(bytes)])

conformance('6 UTF-8', [
  { name: '6.1.1 empty text', frames: [frame(TEXT)], want: [[TEXT, '']] },
  { name: '6.1.2 text in three empty fragments', frames: fragments(TEXT, ['', '', '']), want: [[TEXT, '']] },
  { name: '6.1.3 the middle one not empty', frames: fragments(TEXT, ['', 'middle', '']), want: [[TEXT, 'middle']] },
  ...goodText.flatMap(([name, bytes]) => [
    { name: `6.2 ${name}`, frames: [frame(TEXT, bytes)], want: [[TEXT, bytes]] },
    { name: `6.2 ${name}, a fragment for each byte`, frames: fragments(TEXT, cut(bytes, 1)), want: [[TEXT, bytes]] },
    { name: `6.2 ${name}, byte by byte`, frames: [frame(TEXT, bytes)], chop: 1, want: [[TEXT, bytes]] }
  ]),
  ...badText.flatMap(([name, bytes]) => [
    { name: `6.3 ${name}`, frames: [frame(TEXT, bytes)], closes: 1007 },
    { name: `6.3 ${name}, a fragment for each byte`, frames: fragments(TEXT, cut(bytes, 1)), closes: 1007 },
    { name: `6.3 ${name} is good in binary`, frames: [frame(BINARY, bytes)], want: [[BINARY, bytes]] }
  ]),
  {
    name: '6.4 bad text is told when it is whole',
    frames: fragments(TEXT, ['good', hex('f4 90 80 80'), 'good']),
    closes: 1007
  }
])

/** What may be sent, and what may not (RFC 6455, 7.4). */
const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
const badCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]

conformance('7 closing', [
  {
    name: '7.1.1 text and a close in one write',
    frames: [Buffer.concat([hello, closeFrame(1000)])],
    want: [helloBack],
    closes: 1000
  },
  { name: '7.1.2 two closes', frames: [closeFrame(1000), closeFrame(1000)], closes: 1000 },
  { name: '7.1.3 a ping behind the close', frames: [closeFrame(1000), frame(PING)], closes: 1000 },
  { name: '7.1.4 text behind the close', frames: [closeFrame(1000), hello], closes: 1000 },
  {
    name: '7.1.5 the rest of a message behind the close',
    frames: [inTwo[0], closeFrame(1000), inTwo[1]],
    closes: 1000
  },
  {
    name: '7.1.6 nonsense behind the close',
    frames: [Buffer.concat([closeFrame(1000), Buffer.alloc(100000, 0xff)])],
    closes: 1000
  },
  { name: '7.3.1 a close without a payload', frames: [frame(CLOSE)], closes: null },
  { name: '7.3.2 a close of one byte', frames: [frame(CLOSE, 'a')], closes: 1002 },
  { name: '7.3.3 a close with a code', frames: [closeFrame(1000)], closes: 1000 },
  { name: '7.3.4 a close with a reason', frames: [closeFrame(1000, 'Hello World!')], closes: 1000 },
  { name: '7.3.5 a close of 125 bytes', frames: [closeFrame(1000, filler(123))], closes: 1000 },
  { name: '7.3.6 a close of 126 bytes', frames: [closeFrame(1000, filler(124))], closes: 1002 },
  ...goodText.map(([name, bytes]) =>
    ({ name: `7.5 a reason of ${name}`, frames: [closeFrame(1000, bytes)], closes: 1000 })),
  ...badText.map(([name, bytes]) =>
    ({ name: `7.5.1 a reason of ${name}`, frames: [closeFrame(1000, bytes)], closes: 1007 })),
  ...goodCodes.map((code, i) => ({ name: `7.7.${i + 1} code ${code}`, frames: [closeFrame(code)], closes: code })),
  ...badCodes.map((code, i) => ({ name: `7.9.${i + 1} code ${code}`, frames: [closeFrame(code)], closes: 1002 })),
  ...badCodes.map((code, i) => ({
    name: `7.13.${i + 1} code ${code} with a reason, byte by byte`,
    frames: [closeFrame(code, 'reason')],
    chop: 1,
    closes: 1002
  }))
])

const whole = (opcode, length) => ({ frames: [frame(opcode, filler(length))], want: [[opcode, filler(length)]] })

conformance('9 limits', typed.flatMap(([name, opcode], kind) => [
  ...[64 * KiB, 256 * KiB, MiB, 4 * MiB, 16 * MiB].map((length, i) => ({
    name: `9.${1 + kind}.${1 + i} ${name} of ${length} bytes`,
    ...whole(opcode, length)
  })),
  ...[64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB].map((size, i) => ({
    name: `9.${3 + kind}.${1 + i} ${name} of 4 MiB in frames of ${size} bytes`,
    frames: [Buffer.concat(fragments(opcode, cut(filler(4 * MiB), size)))],
    want: [[opcode, filler(4 * MiB)]]
  })),
  ...[64, 128, 256, 512, KiB, 2 * KiB].map((chop, i) => ({
    name: `9.${5 + kind}.${1 + i} ${name} of 256 KiB in writes of ${chop} bytes`,
    ...whole(opcode, 256 * KiB),
    chop
  }))
]))

test('9 round trips', async t => {
  const port = await startEchoServer(t)
  for (const [name, opcode] of typed) {
    for (const length of [0, 16, 64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB]) {
      await t.test(`${name}: one after the other, ${length} bytes each`, async t => {
        const client = await FrameClient.open(t, port)
        const message = frame(opcode, filler(length))
        for (let i = 0; i < (length > KiB ? 100 : 1000); i++) {
          await client.send([message])
          assertFrame(await client.next(), [opcode, filler(length)])
        }
        await client.send([closeFrame(1000)])
        await assertClosed(client, 1000)
      })
    }
  }
})

conformance('10 frames as some clients make them', typed.map(([name, opcode]) => ({
  name: `10.1.1 ${name} of 65536 bytes in frames of 1300`,
  frames: fragments(opcode, cut(filler(65536), 1300)),
  want: [[opcode, filler(65536)]]
})))
