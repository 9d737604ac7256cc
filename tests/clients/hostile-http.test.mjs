// SPDX-License-Identifier: MIT
// HTTP as attackers write it: nothing is understood in two ways, nothing is kept, and nobody else notices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { MiB, mustGrowByLess } from './support/memory.mjs'
import { RawClient, SYNC_STATUS, syncStatus, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { Siege } from './support/siege.mjs'
import { BINARY, TcpClient, frame, upgradeRequest } from './support/tcp-client.mjs'
import { until } from './support/until.mjs'

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n'

const get = (path, fields = '') => `GET ${path} HTTP/1.1\r\nHost: test\r\n${fields}\r\n`
const post = (fields, body = '') => `POST /rooms/none HTTP/1.1\r\nHost: test\r\n${fields}\r\n${body}`
const chunked = (body, coding = 'chunked') => post(`Transfer-Encoding: ${coding}\r\n`, body)

/** Answered once, then closed: what stands behind it is no request. */
async function mustEndWith (t, server, request, status) {
  const client = await TcpClient.connect(t, server)
  client.send(request)
  client.send(SMUGGLED)
  await client.ended
  assert.deepEqual(client.answers().map(answer => answer.status), [status], client.bytes.toString())
  assert.match(client.answers()[0].fields, /^Connection: close$/m)
}

/** Each row by name; then all of them at once, again and again. */
async function mustRefuse (t, rows) {
  const siege = await Siege.begin(t)
  for (const [name, request, status] of rows) {
    await t.test(`${name}: ${status}`, t => mustEndWith(t, siege.server, request, status))
  }
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 5; i++) {
      await Promise.all(rows.map(([, request, status]) => mustEndWith(t, siege.server, request, status)))
    }
  })
}

const ambiguousRequests = [
  ['Content-Length beside Transfer-Encoding',
    post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['Transfer-Encoding beside Content-Length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'), 400],
  ['two different lengths', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'x'), 400],
  ['twice the same length', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'x'), 400],
  ['a list of lengths', post('Content-Length: 1, 1\r\n', 'x'), 400],
  ['a length with a sign', post('Content-Length: +1\r\n', 'x'), 400],
  ['a negative length', post('Content-Length: -1\r\n', 'x'), 400],
  ['a hexadecimal length', post('Content-Length: 0x1\r\n', 'x'), 400],
  ['an empty length', post('Content-Length:\r\n', 'x'), 400],
  ['a length of 2^64 + 1', post('Content-Length: 18446744073709551617\r\n', 'x'), 400],
  ['a folded field', get('/', 'X: a\r\n b: c\r\n'), 400],
  ['a folded Transfer-Encoding', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'), 400],
  ['a space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'), 400],
  ['a space before a field', 'GET / HTTP/1.1\r\n Host: test\r\n\r\n', 400],
  ['a field without a name', get('/', ': value\r\n'), 400],
  ['a field without a colon', get('/', 'Field\r\n'), 400],
  ['a bare LF', 'GET / HTTP/1.1\nHost: test\n\n', 400],
  ['a bare LF between fields', get('/', 'A: b\nContent-Length: 5\r\n'), 400],
  ['a bare CR in a field', get('/', 'A: b\rContent-Length: 5\r\n'), 400],
  ['a bare CR at the end', 'GET / HTTP/1.1\r\nHost: test\r\n\r\r\n', 400],
  ['a NUL in a field', get('/', 'A: b\0c\r\n'), 400],
  ['a NUL in the target', get('/rooms/a\0b'), 400],
  ['an unknown coding', chunked('0\r\n\r\n', 'gzip, chunked'), 501],
  ['chunked, but not at the end', chunked('0\r\n\r\n', 'chunked, identity'), 400],
  ['chunked twice', chunked('0\r\n\r\n', 'chunked, chunked'), 400],
  ['a coding that only looks like chunked', chunked('0\r\n\r\n', 'xchunked'), 501],
  ['a coding behind a vertical tab', chunked('0\r\n\r\n', '\x0bchunked'), 400],
  ['no coding at all', chunked('0\r\n\r\n', ''), 400],
  ['two Transfer-Encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['chunked in HTTP/1.0', 'POST /rooms/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['a chunk without a size', chunked('\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk of negative size', chunked('-1\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size of 2^64 + 3', chunked('10000000000000003\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk longer than its size', chunked('2\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk shorter than its size', chunked('4\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk extension with a bare LF', chunked('3;a\nabc\r\n0\r\n\r\n'), 400],
  ['a space behind a chunk size', chunked('3 \r\nabc\r\n0\r\n\r\n'), 400],
  ['a folded trailer', chunked('0\r\nA: b\r\n c\r\n\r\n'), 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', get('/', 'Host: other\r\n'), 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: test/rooms\r\n\r\n', 400]
]

test('requests that could be understood in two ways are refused, and so is what follows them', async t => {
  await mustRefuse(t, ambiguousRequests)
})

const strangeRequests = [
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['HTTP/2 without being asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: test\r\n\r\n', 400],
  ['a lower-case protocol', 'GET / http/1.1\r\nHost: test\r\n\r\n', 400],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: test\r\n\r\n', 400],
  ['a tab for a space', 'GET\t/ HTTP/1.1\r\nHost: test\r\n\r\n', 400],
  ['a space in the target', 'GET /rooms/a b HTTP/1.1\r\nHost: test\r\n\r\n', 400],
  ['a method that is no token', 'G(T / HTTP/1.1\r\nHost: test\r\n\r\n', 400],
  ['TLS', Buffer.from('16030100c8010000c40303000102030405060708', 'hex'), 400],
  ['CONNECT', 'CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n', 400],
  ['a target without a slash', get('rooms/a'), 400],
  ['a target in absolute form without a host', get('http:///rooms/a'), 400],
  ['a fragment in the target', get('/rooms/a#b'), 400],
  ['bytes above ASCII in the target', get('/rooms/é'), 400]
]

test('what is no request that we know is refused', t => mustRefuse(t, strangeRequests))

const largeRequests = [
  ['a field of 17 KiB', get('/', `X: ${'x'.repeat(17000)}\r\n`), 431],
  ['a field name of 17 KiB', get('/', `${'x'.repeat(17000)}: x\r\n`), 431],
  ['a target of 17 KiB', get(`/${'x'.repeat(17000)}`), 431],
  ['a method of 17 KiB', `${'X'.repeat(17000)} / HTTP/1.1\r\nHost: test\r\n\r\n`, 431],
  ['101 fields', get('/', 'A: b\r\n'.repeat(100)), 431],
  ['chunk extensions without an end', chunked(`1;${'x'.repeat(20000)}`), 431],
  ['a trailer without an end', chunked(`0\r\n${'A: b\r\n'.repeat(5000)}`), 431],
  ['a target of 15 KiB', get(`/rooms/${'x'.repeat(15000)}`, 'Connection: close\r\n'), 400]
]

test('heads, extensions and trailers that are too large are refused', t => mustRefuse(t, largeRequests))

test('a head that never ends is not taken in', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(async () => {
    for (const endless of ['x', 'A: b\r\n']) {
      const client = await TcpClient.connect(t, siege.server)
      client.send('GET / HTTP/1.1\r\n')
      await client.sendInPieces(endless.repeat(4 * MiB / endless.length), 64 * 1024)
      await client.ended
      assert.match(client.bytes.toString(), /^HTTP\/1\.1 431 |^$/) /* a reset may take the answer away */
    }
  })
})

test('a head, a body and a handshake are understood a byte at a time', async t => {
  const siege = await Siege.begin(t)
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'slow')
  const body = Buffer.from(Y.encodeStateAsUpdate(doc)).toString('latin1')
  const chunks = Array.from(body, byte => `1;a=b\r\n${byte}\r\n`).join('')
  const request = Buffer.from(chunked(`${chunks}0\r\nA: b\r\n\r\n`) + upgradeRequest('/none'), 'latin1')
  await siege.mustWithstand(async () => {
    const client = await TcpClient.connect(t, siege.server)
    await client.sendInPieces(request, 1)
    const answers = await client.waitForAnswers(2)
    assert.deepEqual(answers.map(({ status, body }) => [status, `${body}`]), [[200, '{"ok":true}'], [101, '']])
    client.socket.destroy()
  })
})

/* A body that was promised and does not come, or not for now. */
test('hundreds of bodies that stand still hinder nobody, and go with their connections', async t => {
  const siege = await Siege.begin(t, '--max-message', '1m')
  await siege.mustWithstand(async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => TcpClient.connect(t, siege.server)))
    for (const client of clients) client.send(post('Content-Length: 100000\r\n', 'x'.repeat(50000)))
    await siege.mustSeeEachOther()
    for (const client of clients) client.socket.destroy()
  })
})

const goodKey = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const goodVersion = 'Sec-WebSocket-Version: 13\r\n'
const closing = 'Connection: close\r\n'
const upgrade = fields => upgradeRequest('/rooms/none', fields)
const badUpgrades = [
  ['no key', upgrade(goodVersion), 400],
  ['an empty key', upgrade(`${goodVersion}Sec-WebSocket-Key:\r\n`), 400],
  ['a key of 15 bytes', upgrade(`${goodVersion}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n`), 400],
  ['a key that is not base64', upgrade(`${goodVersion}Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n`), 400],
  ['two keys', upgrade(goodVersion + goodKey + goodKey), 400],
  ['two versions', upgrade(goodVersion + goodVersion + goodKey), 400],
  ['no version', upgrade(goodKey), 426],
  ['version 8', upgrade(`${goodKey}Sec-WebSocket-Version: 8\r\n`), 426],
  ['version 13.0', upgrade(`${goodKey}Sec-WebSocket-Version: 13.0\r\n`), 426],
  ['a version of 2^32 + 13', upgrade(`${goodKey}Sec-WebSocket-Version: 4294967309\r\n`), 426],
  ['a room name that cannot be', upgradeRequest('/rooms/%ff'), 400],
  ['a room without a name', upgradeRequest('/rooms/'), 400],
  ['a POST', upgrade().replace('GET', 'POST'), 400],
  ['a DELETE', upgrade().replace('GET', 'DELETE'), 404],
  ['a body', `${upgrade(`${goodVersion}${goodKey}Content-Length: 5\r\n`)}hello`, 404],
  ['HTTP/1.0', upgrade().replace('HTTP/1.1', 'HTTP/1.0'), 404],
  ['Upgrade without Connection', get('/rooms/none', `Upgrade: websocket\r\n${goodVersion}${goodKey}`), 404],
  ['Connection without Upgrade', get('/rooms/none', `Connection: Upgrade\r\n${goodVersion}${goodKey}`), 404],
  ['another protocol', upgrade().replace('websocket', 'h2c'), 404]
]

test('handshakes that are none are refused, and the connection serves the next request', async t => {
  const siege = await Siege.begin(t)
  const attempt = async (t, request, status) => {
    const client = await TcpClient.connect(t, siege.server)
    client.send(request + get('/', closing))
    const answers = await client.waitForAnswers(request.includes('HTTP/1.0') ? 1 : 2)
    assert.equal(answers[0].status, status)
    assert.equal(/^Sec-WebSocket-Version: 13$/m.test(answers[0].fields), status === 426)
    if (answers.length > 1) assert.equal(`${answers[1].body}`, '{"status":"ok"}')
    await client.ended
  }
  for (const [name, request, status] of badUpgrades) {
    await t.test(`${name}: ${status}`, t => attempt(t, request, status))
  }
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 10; i++) await Promise.all(badUpgrades.map(([, ...row]) => attempt(t, ...row)))
  })
})

test('frames in the packet of the handshake are read, and a request there is no frame', async t => {
  const siege = await Siege.begin(t)
  const status = frame(0x80 | BINARY, syncStatus(new Uint8Array([7])))
  await siege.mustWithstand(async () => {
    const [early, confused] = await Promise.all([1, 2].map(() => TcpClient.connect(t, siege.server)))
    early.send(Buffer.concat([Buffer.from(upgradeRequest('/none')), ...Array(500).fill(status)]))
    await early.upgraded()
    const echoes = () => early.frames().filter(({ payload }) => payload[0] === SYNC_STATUS)
    await until('500 echoes', () => echoes().length === 500, [[early, 'bytes']])
    confused.send(upgradeRequest('/none') + SMUGGLED)
    await confused.upgraded()
    assert.equal(await confused.closeCode(), 1002)
    early.socket.destroy()
    await confused.ended
  })
})

const impossibleNames = [
  ['CR LF', 'a%0d%0aX-Injected:%201'],
  ['LF', 'a%0aX-Injected:%201'],
  ['NUL', 'a%00b'],
  ['ESC', 'a%1b%5b2J'],
  ['DEL', 'a%7f'],
  ['a C1 control character', 'a%c2%85b'],
  ['UTF-8 cut short', 'a%e2%82'],
  ['UTF-8 that is overlong', 'a%c0%afb'],
  ['a surrogate', 'a%ed%a0%80'],
  ['half a percent-encoding', 'a%4'],
  ['a percent-encoding that is none', 'a%zz'],
  ['513 bytes', 'x'.repeat(513)],
  ['513 bytes, encoded', '%78'.repeat(513)]
]

test('room names that cannot be are refused, and nothing of them gets into a head', async t => {
  const siege = await Siege.begin(t)
  const attempt = async (t, name) => {
    const client = await TcpClient.connect(t, siege.server)
    client.send(get(`/rooms/${name}`) + `DELETE /rooms/${name} HTTP/1.1\r\nHost: test\r\n\r\n` +
      upgradeRequest(`/rooms/${name}`) + post('Content-Length: 0\r\n').replace('/none', `/${name}`))
    const answers = await client.waitForAnswers(4)
    assert.deepEqual(answers.map(({ status }) => status), [400, 400, 400, 400])
    for (const { fields } of answers) assert.doesNotMatch(fields, /Injected/)
    client.socket.destroy()
  }
  for (const [what, name] of impossibleNames) await t.test(what, t => attempt(t, name))
  await siege.mustWithstand(() => Promise.all(impossibleNames.map(([, name]) => attempt(t, name))))
})

const oddNames = [
  '"', '\\', '\\"},{"id":"x', '<script>alert(1)</script>', '&amp;', "'; DROP TABLE rooms;--", '{}[]', '=', 'a=b c=d',
  ' ',
  'level=error event=fake', '%s%n%x', '%0a', '../../etc/passwd', 'ysync_rooms{x="y"} 7', '\u2028\u2029',
  '\u202etxt.exe', '😀é', '\ufeff', 'x'.repeat(512)
]

test('odd room names are data wherever they appear: in bodies, in the list, in log lines', async t => {
  const siege = await Siege.begin(t, '--log-level', 'debug', '--log-format', 'json')
  const { server } = siege
  const pathOf = name => `/rooms/${encodeURIComponent(name)}`
  await siege.mustWithstand(async () => {
    const missing = await TcpClient.connect(t, server)
    for (const name of oddNames) missing.send(get(pathOf(name)))
    const answers = await missing.waitForAnswers(oddNames.length)
    for (const [i, { status, fields, body }] of answers.entries()) {
      assert.deepEqual([status, `${body}`], [404, `Room not found: ${oddNames[i]}`])
      assert.match(fields, /^Content-Type: text\/plain; charset=utf-8$/m)
    }

    const present = []
    for (const name of oddNames) present.push(await RawClient.join(t, server, pathOf(name).slice(1)))
    missing.send(get('/rooms/', closing))
    const { rooms } = JSON.parse((await missing.waitForAnswers(oddNames.length + 1)).at(-1).body)
    const connections = [[siege.room, 2], ...oddNames.map(name => [name, 1])]
    assert.deepEqual(new Map(rooms.map(room => [room.id, room.connections])), new Map(connections))
    const value = await siege.metrics()
    assert.equal(value('ysync_rooms'), connections.length)
    for (const client of present) {
      client.send(new Uint8Array()) /* malformed, which is logged with the room's name */
      await client.closed
    }
  })
  await server.stop('SIGTERM')
  const logged = server.log.map(line => JSON.parse(line)).filter(({ event }) => event === 'malformed_message')
  assert.deepEqual(new Set(logged.map(({ room }) => room)), new Set(oddNames))
  for (const pair of siege.pair) pair.leave()
})

test('odd room names stay within their line of a text log', async t => {
  const server = await Server.start(t, '--log-level', 'debug')
  for (const name of oddNames) await RawClient.join(t, server, `rooms/${encodeURIComponent(name)}`)
  await server.stop('SIGTERM')
  const opened = server.log.filter(line => /connection_opened/.test(line))
  assert.equal(opened.length, oddNames.length)
  for (const [i, line] of opened.entries()) {
    const [, value] = /^\S+ debug connection_opened peer=\S+ room=(.*)$/s.exec(line)
    assert.equal(value.startsWith('"') ? JSON.parse(value) : value, oddNames[i])
  }
})

test('targets in absolute form mean what they say, and trace nothing back', async t => {
  const siege = await Siege.begin(t)
  const client = await TcpClient.connect(t, siege.server)
  client.send(get('http://elsewhere.example/rooms/none', 'X-Secret: open-sesame\r\n') + get('http://test?x') +
    'TRACE / HTTP/1.1\r\nHost: test\r\nX-Secret: open-sesame\r\n\r\n' + 'OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n')
  const answers = await client.waitForAnswers(4)
  assert.deepEqual(answers.slice(0, 3).map(({ status }) => status), [404, 200, 405])
  assert.ok(answers[3].status >= 400)
  assert.doesNotMatch(client.bytes.toString(), /open-sesame/)
  await siege.mustSync()
})

test('thousands of requests without reading an answer: the rest waits outside', async t => {
  const siege = await Siege.begin(t)
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'x'.repeat(100 * 1024))
  const writer = await RawClient.join(t, siege.server, siege.room)
  writer.send(update(Y.encodeStateAsUpdate(doc)))
  await writer.fence()
  writer.socket.terminate()
  await siege.mustWithstand(async () => {
    const client = await TcpClient.connect(t, siege.server)
    client.socket.pause()
    await mustGrowByLess(siege.server, 8 * MiB, async () => {
      client.send(get(`/rooms/${siege.room}`).repeat(20000))
      await siege.mustSeeEachOther()
    })
    client.socket.destroy()
  })

  const count = 300
  const patient = await TcpClient.connect(t, siege.server)
  let bytes = 0
  patient.socket.removeAllListeners('data')
  patient.socket.on('data', data => {
    bytes += data.length
    patient.emit('bytes')
  })
  patient.socket.pause()
  patient.send((get(`/rooms/${siege.room}`) + get('/')).repeat(count) + get('/', closing))
  await siege.mustSync()
  patient.socket.resume()
  await patient.ended
  assert.ok(bytes > count * 100 * 1024, `${bytes} bytes of answers`)
})

test('who comes with a request and is gone before the answer leaves nothing', async t => {
  const siege = await Siege.begin(t)
  await siege.mustWithstand(async () => {
    for (let i = 0; i < 300; i++) {
      const client = await TcpClient.connect(t, siege.server)
      client.send(i % 2 ? get('/rooms/') : upgradeRequest('/none'))
      if (i % 3 === 0) client.socket.resetAndDestroy()
      else client.socket.end()
      if (i % 3 === 1) await client.ended
      client.socket.destroy()
    }
  })
})
