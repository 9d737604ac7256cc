// SPDX-License-Identifier: MIT
// The examples that put sync into a program of their own: y-websocket clients against each of them.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

import { RawClient, update } from '../clients/support/raw-client.mjs'
import { program } from '../clients/support/server.mjs'
import { until } from '../clients/support/until.mjs'
import { YjsClient, converged } from '../clients/support/yjs-client.mjs'
import { WebsocketProvider, Y } from '../clients/support/yjs.mjs'

/** An example that runs until its input ends, which it must survive in good order. */
class Example extends EventEmitter {
  static async start (t, name, ...words) {
    const example = new Example(name, words.length > 0 ? words : ['0'])
    t.after(() => example.mustEndWell())
    await example.said(/^serving at /)
    example.http = /^serving at (\S+)$/.exec(example.lines[0])[1]
    example.ws = example.http.replace(/^http/, 'ws')
    return example
  }

  constructor (name, words) {
    super()
    this.lines = []
    this.process = spawn(join(dirname(program), 'examples', name), words, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exited = once(this.process, 'exit')
    createInterface({ input: this.process.stdout }).on('line', line => {
      this.lines.push(line)
      this.emit('line')
    })
  }

  said (pattern) {
    return until(`a line ${pattern}`, () => this.lines.some(line => pattern.test(line)), [[this, 'line']])
  }

  mustEndWell () {
    this.ended ??= this.end()
    return this.ended
  }

  /** As if the power had failed. */
  async mustDie () {
    this.ended = this.exited
    this.process.kill('SIGKILL')
    assert.deepEqual(await this.exited, [null, 'SIGKILL'])
  }

  async end () {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 15000)
    this.process.stdin.end()
    assert.deepEqual(await this.exited, [0, null])
    clearTimeout(timer)
  }
}

function docOf (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return doc
}

const textIs = (client, name, want) =>
  until(`${name} to be ${JSON.stringify(want)}`, () => client.doc.getText(name).toString() === want, [[client.doc, 'update']])

test('plugin_beside_http: its page and rooms, on one port', async t => {
  const example = await Example.start(t, 'plugin_beside_http')
  const page = await fetch(example.http)
  assert.match(await page.text(), /^<h1>This page is the program's/)
  const [a, b] = [await YjsClient.join(t, example, 'room'), await YjsClient.join(t, example, 'room')]
  a.doc.getText('text').insert(0, 'hello')
  await textIs(b, 'text', 'hello')
  b.doc.getText('text').insert(5, ' back')
  await converged([a, b])
  assert.deepEqual(await (await fetch(`${example.http}/rooms/`)).json(), { rooms: [{ id: 'room', connections: 2 }] })
  assert.equal((await fetch(example.http)).status, 200)
})

test('plugin_beside_http: clients are told when it ends', async t => {
  const example = await Example.start(t, 'plugin_beside_http')
  const client = await RawClient.join(t, example, 'room')
  example.process.stdin.end()
  assert.equal((await client.closed).code, 1001)
})

test('integrated: what the program writes reaches clients, and the other way round', async t => {
  const example = await Example.start(t, 'integrated')
  example.process.stdin.write('before anybody came\n')
  await example.said(/^the program wrote/)
  const a = await YjsClient.join(t, example, 'journal')
  await textIs(a, 'log', 'before anybody came\n')
  example.process.stdin.write('and while you are here\n')
  await textIs(a, 'log', 'before anybody came\nand while you are here\n')
  a.doc.getText('log').insert(0, '# ')
  await example.said(/^a client wrote/)
  a.leave()
  await example.said(/^evicted$/)
  const b = await YjsClient.join(t, example, 'journal') // the document was not the room's to lose
  await textIs(b, 'log', '# before anybody came\nand while you are here\n')
  example.process.stdin.write('still\n')
  await textIs(b, 'log', '# before anybody came\nand while you are here\nstill\n')
})

test('integrated: rooms without a document are refused', async t => {
  const example = await Example.start(t, 'integrated')
  const refused = await RawClient.join(t, example, 'nowhere')
  assert.deepEqual(await refused.closed, { code: 4004, reason: 'Room not found: nowhere' })
  assert.equal(refused.received.length, 0)
  const get = await fetch(`${example.http}/rooms/nowhere`)
  assert.equal(get.status, 404)
  assert.equal(await get.text(), 'Room not found: nowhere')
  const post = await fetch(`${example.http}/rooms/nowhere`, { method: 'POST', body: Uint8Array.of(0, 0) })
  assert.equal(post.status, 404)
  const journal = await fetch(`${example.http}/rooms/journal`)
  assert.equal(journal.status, 200)
})

test('verify_later: verdicts that take their time', async t => {
  const example = await Example.start(t, 'verify_later')
  const [writer, reader] = await Promise.all([
    YjsClient.join(t, example, 'room', { token: 'write' }),
    YjsClient.join(t, example, 'room', { token: 'read' })
  ])
  writer.doc.getText('text').insert(0, 'hello')
  await textIs(reader, 'text', 'hello')
  const denied = await RawClient.join(t, example, 'room', '?token=guess')
  assert.deepEqual(await denied.closed, { code: 4001, reason: 'Unauthorized' })
  const get = await fetch(`${example.http}/rooms/room`, { headers: { Authorization: 'Bearer read' } })
  assert.equal(get.status, 200)
  const post = await fetch(`${example.http}/rooms/room`,
    { method: 'POST', headers: { Authorization: 'Bearer read' }, body: Uint8Array.of(0, 0) })
  assert.equal(post.status, 403)
  assert.equal((await fetch(`${example.http}/rooms/room`)).status, 401)
})

test('verify_later: clients that leave before the answer, and an end before it', async t => {
  const example = await Example.start(t, 'verify_later')
  const impatient = Array.from({ length: 20 }, () => new RawClient(t, example, 'room', '?token=write'))
  const patient = YjsClient.join(t, example, 'room', { token: 'write' })
  for (const client of impatient) client.socket.terminate()
  await patient
  void new RawClient(t, example, 'room', '?token=write') // is asked about when the end comes
})

/** What y-websocket needs of a WebSocket, over a Unix socket: messages with their length in front. */
const framedSocketTo = path => class {
  OPEN = 1

  constructor (url) {
    this.socket = connect(path)
    this.waiting = Buffer.alloc(0)
    this.readyState = 0
    this.socket.on('connect', () => {
      this.readyState = 1
      this.send(new TextEncoder().encode(new URL(url).pathname.slice(1)))
      this.onopen?.()
    })
    this.socket.on('data', data => this.take(data))
    this.socket.on('close', () => {
      this.readyState = 3
      this.onclose?.({ code: 1006 })
    })
    this.socket.on('error', () => {})
  }

  send (message) {
    const header = Buffer.alloc(4)
    header.writeUInt32LE(message.length)
    this.socket.write(Buffer.concat([header, message]))
  }

  take (data) {
    this.waiting = Buffer.concat([this.waiting, data])
    while (this.waiting.length >= 4 && this.waiting.length - 4 >= this.waiting.readUInt32LE()) {
      const end = 4 + this.waiting.readUInt32LE()
      const message = Uint8Array.from(this.waiting.subarray(4, end))
      this.waiting = this.waiting.subarray(end)
      this.onmessage?.({ data: message.buffer })
    }
  }

  close () { this.socket.destroy() }
}

function joinBySocket (t, path, room) {
  const WebSocketPolyfill = framedSocketTo(path)
  const doc = new Y.Doc()
  const provider = new WebsocketProvider('ws://unix', room, doc, { WebSocketPolyfill, disableBc: true })
  t.after(() => { provider.destroy(); doc.destroy() })
  return { doc, provider, synced: () => until('sync', () => provider.synced, [[provider, 'sync']]) }
}

async function startPollLoop (t) {
  const folder = mkdtempSync(join(tmpdir(), 'ysync-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return Example.start(t, 'poll_loop', join(folder, 'socket'))
}

test('poll_loop: y-websocket over a Unix socket', async t => {
  const example = await startPollLoop(t)
  const [a, b, c] = ['room', 'room', 'other'].map(room => joinBySocket(t, example.http, room))
  await Promise.all([a, b, c].map(client => client.synced()))
  a.doc.getText('text').insert(0, 'hello')
  await textIs(b, 'text', 'hello')
  a.provider.awareness.setLocalState({ name: 'Ada' })
  await until('presence', () => b.provider.awareness.getStates().get(a.doc.clientID)?.name === 'Ada',
    [[b.provider.awareness, 'change']])
  assert.equal(c.doc.getText('text').toString(), '')
  a.provider.destroy()
  await until('absence', () => !b.provider.awareness.getStates().has(a.doc.clientID),
    [[b.provider.awareness, 'change']])
})

test('poll_loop: who does not read catches up later', async t => {
  const example = await startPollLoop(t)
  const [a, b, slow] = ['room', 'room', 'room'].map(room => joinBySocket(t, example.http, room))
  await Promise.all([a, b, slow].map(client => client.synced()))
  slow.provider.ws.socket.pause()
  const text = a.doc.getText('text')
  for (let i = 0; i < 400; i++) text.insert(text.length, `${i}`.padEnd(10000, '.')) // 4 MB
  await until('the fast one', () => b.doc.getText('text').length === 4000000, [[b.doc, 'update']])
  slow.provider.ws.socket.resume()
  await until('the slow one', () => slow.doc.getText('text').length === 4000000, [[slow.doc, 'update']])
  await converged([a, b, slow])
})

test('poll_loop: who talks nonsense is sent away alone', async t => {
  const example = await startPollLoop(t)
  const good = joinBySocket(t, example.http, 'room')
  await good.synced()
  const bad = connect(example.http)
  bad.write(Buffer.from([4, 0, 0, 0, ...Buffer.from('room'), 1, 0, 0, 0, 0]))
  bad.resume()
  await once(bad, 'close')
  const other = joinBySocket(t, example.http, 'room')
  await other.synced()
  good.doc.getText('text').insert(0, 'still here')
  await textIs(other, 'text', 'still here')
})

/** A folder of the test's own, and programs that keep rooms in it, one after the other. */
function fileStore (t) {
  const folder = mkdtempSync(join(tmpdir(), 'ysync-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = room => join(folder, `${Buffer.from(room).toString('hex')}.room`)
  return { file, start: () => Example.start(t, 'file_store', folder, '0') }
}

test('file_store: what was written is there after a restart', async t => {
  const store = fileStore(t)
  const rooms = ['blog', 'team/notes']
  const first = await store.start()
  for (const room of rooms) {
    const client = await YjsClient.join(t, first, room)
    client.doc.getText('text').insert(0, `text of ${room}`)
    client.leave()
  }
  await first.mustEndWell()

  const second = await store.start()
  for (const room of rooms) {
    const client = await YjsClient.join(t, second, room)
    await textIs(client, 'text', `text of ${room}`)
    client.doc.getText('text').insert(0, 'more ')
    client.leave()
  }
  await second.mustEndWell()

  const third = await store.start()
  for (const room of rooms) await textIs(await YjsClient.join(t, third, room), 'text', `more text of ${room}`)
})

test('file_store: a room that is deleted is gone, and its file with it', async t => {
  const store = fileStore(t)
  const first = await store.start()
  const body = Y.encodeStateAsUpdate(docOf('not for long'))
  assert.equal((await fetch(`${first.http}/rooms/blog`, { method: 'POST', body })).status, 200)
  assert.ok(existsSync(store.file('blog')))
  assert.equal((await fetch(`${first.http}/rooms/blog`, { method: 'DELETE' })).status, 200)
  assert.ok(!existsSync(store.file('blog')))
  await first.mustEndWell()
  const second = await store.start()
  assert.equal((await fetch(`${second.http}/rooms/blog`)).status, 404)
})

test('file_store: what clients were told is saved survives a crash, and half a record does no harm', async t => {
  const store = fileStore(t)
  const doc = docOf('')
  let wanted = ''
  for (const word of ['one ', 'two ', 'three ']) {
    const example = await store.start()
    const client = await RawClient.join(t, example, 'room')
    for (const letter of word) {
      const before = Y.encodeStateVector(doc)
      doc.getText('text').insert(wanted.length, letter)
      wanted += letter
      client.send(update(Y.encodeStateAsUpdate(doc, before)))
    }
    await client.fence()
    await example.mustDie()
    appendFileSync(store.file('room'), Buffer.from([100, 0, 0, 0, 1, 1])) // an update of 100 bytes that was begun
  }
  const last = await YjsClient.join(t, await store.start(), 'room')
  await textIs(last, 'text', 'one two three ')
})

test('file_store: a room whose name makes no file is refused, and others are kept', async t => {
  const store = fileStore(t)
  const example = await store.start()
  const refused = await RawClient.join(t, example, 'x'.repeat(121))
  assert.deepEqual(await refused.closed, { code: 1013, reason: 'the document cannot be loaded now' })
  const client = await RawClient.join(t, example, 'x'.repeat(120))
  client.send(update(Y.encodeStateAsUpdate(docOf('kept'))))
  await client.fence()
  assert.ok(existsSync(store.file('x'.repeat(120))))
})
