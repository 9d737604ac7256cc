// SPDX-License-Identifier: MIT
// The load generator: what it sends is what Yjs understands, what it counts is what arrived, and it notices losses.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WebSocketServer } from 'ws'
import * as Y from 'yjs'

import { rows, scenarios } from '../../bench/figures.mjs'
import { short } from '../../bench/page.mjs'
import { load } from './support/load.mjs'
import { Server } from './support/server.mjs'
import { Store } from './support/store.mjs'
import { temporaryFolder } from './support/temporary-folder.mjs'
import { until } from './support/until.mjs'
import { YjsClient } from './support/yjs-client.mjs'

const firstClient = 0x40000000
const drawing = fileURLToPath(new URL('../../bench/charts.mjs', import.meta.url))

async function mustLoad (server, scenario, ...options) {
  const { code, figures, said } = await load(server.port, scenario, '--server', String(server.process.pid), ...options)
  assert.equal(code, 0, said)
  assert.equal(figures.scenario, scenario)
  return figures
}

test('a Yjs client in the room reads every character that a writer sends', async t => {
  const server = await Server.start(t)
  for (const [scenario, units] of [['fan-out-100', 1], ['steady', 5]]) {
    const room = `${scenario}-0`
    const reader = await YjsClient.join(t, server, room)
    const text = reader.doc.getText('text')
    const figures = await mustLoad(server, scenario, '--room', scenario, '--units', String(units), '--window', '16')
    assert.equal(figures.delivered, figures.sent * 10, scenario)
    assert.ok(figures.sent > 5, scenario)
    await until('all edits', () => text.length >= figures.sent * units, [[reader.doc, 'update']])
    const expected = Array.from({ length: figures.sent * units }, (_, i) => String.fromCharCode(97 + i % 26)).join('')
    assert.equal(text.toString(), expected, scenario)
    assert.equal(reader.doc.store.pendingStructs, null)
  }
})

test('both writers of a room are understood', async t => {
  const server = await Server.start(t)
  const reader = await YjsClient.join(t, server, 'load-3')
  await mustLoad(server, 'rooms')
  const clocks = [6, 7].map(i => reader.doc.store.clients.get(firstClient + i).at(-1))
  for (const last of clocks) assert.ok(last.id.clock + last.length >= 1)
  assert.equal(reader.doc.getText('text').length, reader.doc.store.clients.size === 2
    ? clocks.reduce((sum, last) => sum + last.id.clock + last.length, 0)
    : NaN)
})

test('a Yjs client sees the newest presence of everybody', async t => {
  const server = await Server.start(t)
  const observer = await YjsClient.join(t, server, 'load-0')
  const { sent } = await mustLoad(server, 'presence')
  const clocks = () => Array.from(observer.awareness.meta).filter(([id]) => id >= firstClient && id < firstClient + 10)
    .reduce((sum, [, { clock }]) => sum + clock, 0)
  await until('all clocks', () => clocks() >= sent, [[observer.awareness, 'update']])
  assert.equal(clocks(), sent)
})

test('a Yjs client gets the generated document, as the clients that join do', async t => {
  const server = await Server.start(t)
  const figures = await mustLoad(server, 'joins')
  assert.ok(figures.joined > 0)
  const reader = await YjsClient.join(t, server, 'load-0')
  assert.equal(reader.doc.getText('text').length, figures.document_clocks)
  assert.equal(reader.doc.store.pendingStructs, null)
})

test('all that the table of figures shows is measured, and drawn', async t => {
  const server = await Server.start(t, '--evict-after', '1ms')
  const folder = temporaryFolder(t)
  const measured = {}

  for (const scenario of scenarios) measured[scenario] = await mustLoad(server, scenario, '--room', scenario)
  for (const { scenario, figure } of rows) assert.ok(Number.isFinite(measured[scenario][figure]), `${scenario}: ${figure}`)
  assert.equal(measured.evictions.evicted, 1)

  const lines = Object.values(measured).flatMap(figures =>
    ['ysync', 'another <server>'].map(name => JSON.stringify({ session: '2026-01-02T03:04:05Z', server: name, ...figures })))
  writeFileSync(join(folder, 'lines'), lines.join('\n'))
  await promisify(execFile)(process.execPath, [drawing, join(folder, 'lines'), folder])
  const charts = rows.filter(row => row.chart)
  assert.deepEqual(readdirSync(folder).sort(), ['lines', ...charts.map(row => `bench-${row.scenario}.svg`)].sort())
  for (const { scenario, figure } of charts) {
    const drawn = readFileSync(join(folder, `bench-${scenario}.svg`), 'utf8')
    assert.ok(drawn.includes(`>${short(measured[scenario][figure])}</text>`), drawn)
    assert.ok(drawn.includes('>another &lt;server&gt;</text>'), drawn)
  }
})

/** Sends what one says to all others, but for updates that `drops` says. */
async function relay (t, drops) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  let updates = 0

  t.after(() => { for (const socket of server.clients) socket.terminate(); server.close() })
  server.on('connection', socket => {
    socket.send(Uint8Array.of(0, 0, 1, 0))
    socket.on('message', message => {
      if (message[0] === 0 && message[1] === 0) socket.send(Uint8Array.of(0, 1, 2, 0, 0))
      if (message[0] !== 0 || message[1] !== 2 || drops(++updates)) return
      for (const other of server.clients) if (other !== socket) other.send(message)
    })
  })
  await once(server, 'listening')
  return server.address().port
}

test('a server that loses an update has no figures', async t => {
  const intact = await load(await relay(t, () => false), 'steady')
  assert.equal(intact.code, 0, intact.said)
  for (const [drops, complaint] of [[n => n === 3, /came too early/], [n => n >= 3, /\d+ of \d+ deliveries are missing/]]) {
    const { code, said } = await load(await relay(t, drops), 'steady')
    assert.equal(code, 1)
    assert.match(said, complaint)
  }
})

test('what it counts as kept outlives the server', async t => {
  const store = new Store(t)
  for (const [scenario, rooms] of [['wait-10', 10], ['pour-10', 10], ['wait-100-together', 1]]) {
    const server = await store.serve()
    const figures = await mustLoad(server, scenario, '--room', scenario, '--cut')
    assert.deepEqual(await server.stop('SIGKILL'), { code: null, signal: 'SIGKILL' })
    const names = Array.from({ length: rooms }, (_, i) => `${scenario}-${i}`)
    const stored = store.sql('SELECT name FROM rooms').split('\n') /* a slow one may have nothing when it is cut off */
    const kept = names.filter(name => stored.includes(name)).map(name => store.read(name).getText('text').length)
      .reduce((sum, length) => sum + length, 0)
    assert.ok(figures.acknowledged > 0 && figures.acknowledged <= figures.sent, scenario)
    assert.ok(kept >= figures.acknowledged && kept <= figures.sent, `${scenario}: ${figures.acknowledged} <= ${kept}`)
  }
})

test('an acknowledgement that does not come is no figure', async t => {
  const { code, said } = await load(await relay(t, () => false), 'wait-1', '--ask', 'status')
  assert.equal(code, 1)
  assert.match(said, /1 of 1 edits were not acknowledged/)
})

test('it finds the documents that it brought when the server is another one, and misses others', async t => {
  const store = new Store(t)
  const trace = fileURLToPath(new URL('../data/trace.bin', import.meta.url))
  const document = join(store.folder, 'document')
  const first = await store.serve()
  const session = await mustLoad(first, 'session', '--room', 'session', '--trace', trace)
  assert.ok(session.edits > 0 && session.seconds > 0)
  await mustLoad(first, 'keep')
  await first.stop('SIGTERM')
  writeFileSync(document, Y.encodeStateAsUpdate(store.read('session-0')))

  const second = await store.serve()
  assert.ok((await mustLoad(second, 'open')).cpu_ms > 0)
  await mustLoad(second, 'open-1', '--room', 'session', '--document', document)
  const { code, said } = await load(second.port, 'open-1', '--room', 'nobody', '--server', String(second.process.pid))
  assert.equal(code, 1)
  assert.match(said, /nobody-0: 0 of \d+ clocks were kept/)
})

test('a server that turns clients away has no figures', async t => {
  const server = await Server.start(t, '--max-connections', '5')
  const { code, said } = await load(server.port, 'steady')
  assert.equal(code, 1)
  assert.match(said, /the server answered HTTP\/1\.1 503/)
})
