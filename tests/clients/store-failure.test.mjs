// SPDX-License-Identifier: MIT
// A store that cannot be written to: clients go on, nobody is told that anything is saved which is not, and what was
// missing is written when it can be.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import * as Y from 'yjs'

import { HeartbeatClient } from './support/heartbeat-client.mjs'
import { RawClient, update } from './support/raw-client.mjs'
import { Store, docWithText, documentOf, metric, mustHold, openRooms, post, textOf, urlOf } from './support/store.mjs'
import { until } from './support/until.mjs'
import { Writer } from './support/writer.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const OUTAGE_MS = 6000 /* twice of what a HeartbeatClient bears without hearing anything */

const linesOf = (server, event) => server.log.filter(line => new RegExp(` ${event} `).test(line))

/** Takes all space that there is but for so many bytes; returns a function that gives it back. */
function fill (store, left = 0) {
  const path = join(store.folder, 'ballast')
  const file = openSync(path, 'w')
  for (let size = 1 << 16; size >= 1; size /= 16) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 1))
    } catch (error) {
      assert.equal(error.code, 'ENOSPC')
    }
  }
  closeSync(file)
  truncateSync(path, statSync(path).size - left)
  return () => rmSync(path)
}

const failures = {
  'a full disk': {
    prepare: (t, store) => store.mount('8m') || t.skip('a tmpfs can be mounted by root alone'),
    begin: store => fill(store),
    problem: /problem="the disk of \S+ is full: free some space"/
  },
  'a lock of another process': {
    prepare: () => true,
    begin: store => store.lock(),
    problem: /problem="another process holds \S+ locked: end it, or wait for it"/
  }
}

for (const [name, { prepare, begin, problem }] of Object.entries(failures)) {
  test(`${name}: clients go on, and what was missing is written in the end`, { timeout: 100000 }, async t => {
    const store = new Store(t)
    if (!prepare(t, store)) return
    const server = await store.serve()
    const writer = await Writer.join(t, server, 'room')
    const ada = await YjsClient.join(t, server, 'room')
    writer.doc.getText('text').insert(0, 'x'.repeat(1_000_000))
    await writer.saved()
    const heartbeats = ['room', 'room', 'other room'].map(room => new HeartbeatClient(t, server, room))
    for (const heartbeat of heartbeats) {
      await heartbeat.reached('connected')
      heartbeat.doc.getMap('map').set(`${heartbeat.doc.clientID}`, 'saved')
      await heartbeat.saved()
    }

    const end = await begin(store)
    const began = Date.now()
    const savedBefore = writer.savedCount
    writer.doc.getText('text').insert(0, 'y'.repeat(500_000))
    writer.doc.getText('text').delete(5, 100)
    for (const { doc } of heartbeats) doc.getMap('map').set(`${doc.clientID}`, 'in memory')
    await server.logged(/ store_failed /)
    ada.doc.getText('text').insert(0, 'ada, ')
    await converged([writer, ada, heartbeats[0], heartbeats[1]])
    const late = await YjsClient.join(t, server, 'room')
    await converged([late, ada])
    late.doc.getText('text').insert(0, 'late, ')
    await converged([late, writer])
    const elsewhere = await Writer.join(t, server, 'a new room')
    elsewhere.doc.getText('text').insert(0, 'elsewhere')
    const posted = await fetch(urlOf(server, 'room'), { method: 'POST', body: Y.encodeStateAsUpdate(docWithText('posted')) })
    assert.equal(posted.status, 503)
    assert.match(await posted.text(), /^The update was applied, but the store has not got it: [^\n]+$/)
    for (const heartbeat of heartbeats) {
      await until('the outage to last', () => Date.now() - began >= OUTAGE_MS, [[heartbeat, 'heard']])
      assert.deepEqual(heartbeat.closeCodes, [])
      assert.equal(heartbeat.isSaved, false)
    }
    assert.equal(writer.savedCount, savedBefore)
    assert.ok(await metric(server, 'ysync_store_errors_total') > 0)
    assert.ok(await metric(server, 'ysync_store_unsaved_rooms') + await metric(server, 'ysync_store_queue') > 0)
    assert.equal(linesOf(server, 'store_failed').length, 1, server.log.join('\n'))
    assert.match(linesOf(server, 'store_failed')[0], / error store_failed /)
    assert.match(linesOf(server, 'store_failed')[0], problem)

    const inMemory = Y.encodeStateAsUpdate(late.doc)
    await end()
    await writer.saved()
    for (const heartbeat of heartbeats) await heartbeat.saved()
    await server.logged(/ info store_recovered /)
    assert.equal(linesOf(server, 'store_failed').length, 1, server.log.join('\n'))
    writer.doc.getText('text').insert(0, 'behind all of it, ')
    await writer.saved()
    await elsewhere.saved()
    for (const client of [ada, late, ...heartbeats]) client.leave()
    await server.stop('SIGKILL')

    const next = await store.serve()
    const doc = await documentOf(next, 'room')
    mustHold(doc, [inMemory, ...writer.updates], 'room')
    assert.match(doc.getText('text').toString(), /posted/)
    assert.equal((await documentOf(next, 'other room')).getMap('map').get(`${heartbeats[2].doc.clientID}`), 'in memory')
    assert.match(await textOf(next, 'a new room'), /elsewhere/)
    await next.stop('SIGTERM')
    store.mustBeInOrder()
  })
}

test('a disk that is nearly full: small documents go on being saved, and large ones are tried now and then', async t => {
  const store = new Store(t)
  if (!store.mount('8m')) return t.skip('a tmpfs can be mounted by root alone')
  const server = await store.serve()
  const [large, small] = [await Writer.join(t, server, 'large'), await Writer.join(t, server, 'small')]
  for (const { doc } of [large, small]) doc.getText('text').insert(0, 'saved')
  await large.saved()
  await small.saved()
  const giveBack = fill(store, 500_000)
  large.doc.getText('text').insert(0, 'x'.repeat(1_000_000))
  await server.logged(/ store_failed /)
  const began = Date.now()
  const before = await metric(server, 'ysync_store_errors_total')
  for (let i = 0; i < 30; i++) {
    small.doc.getText('text').insert(0, 'x')
    await small.saved()
  }
  const attempts = await metric(server, 'ysync_store_errors_total') - before
  const most = 2 * (2 + Math.log2(1 + (Date.now() - began) / 100)) /* an interval grows; each may take a small one along */
  assert.ok(attempts <= most, `${attempts} attempts`)
  assert.equal(large.savedCount, 1)
  assert.equal(linesOf(server, 'store_failed').length, 1, server.log.join('\n'))
  assert.equal(linesOf(server, 'store_recovered').length, 0, server.log.join('\n'))
  giveBack()
  await large.saved()
  await server.logged(/ info store_recovered /)
  await server.stop('SIGKILL')
  mustHold(store.read('large'), large.updates, 'large')
  mustHold(store.read('small'), small.updates, 'small')
})

test('a room that is not saved is not evicted', async t => {
  const store = new Store(t)
  const server = await store.serve('--evict-after', '20ms')
  const neighbour = await Writer.join(t, server, 'neighbour')
  const writer = await Writer.join(t, server, 'room')
  const reader = await Writer.join(t, server, 'room')
  const end = await store.lock()
  writer.doc.getText('text').insert(0, 'not saved')
  await converged([writer, reader])
  await writer.leave()
  await reader.leave()
  await server.logged(/ store_failed /)
  await neighbour.leave()
  await server.logged(/ room_evicted .*room=neighbour/)
  assert.deepEqual((await openRooms(server)).map(({ id }) => id), ['room'])
  const back = await Writer.join(t, server, 'room')
  assert.equal(back.doc.getText('text').toString(), 'not saved')
  await back.leave()
  await end()
  await server.logged(/ room_evicted .*room=room/)
  assert.equal(await textOf(server, 'room'), 'not saved')
  await server.stop('SIGKILL')
  assert.equal(store.read('room').getText('text').toString(), 'not saved')
})

/** The status that a WebSocket is refused with. */
async function refusal (server, room) {
  const socket = new WebSocket(`${server.ws}/${room}`)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  socket.terminate()
  return response.statusCode
}

test('--max-memory: what cannot be evicted keeps new rooms out', async t => {
  const store = new Store(t)
  const server = await store.serve('--evict-after', '20ms', '--max-memory', '1m')
  const writer = await Writer.join(t, server, 'room')
  const reader = await Writer.join(t, server, 'room')
  const end = await store.lock()
  writer.doc.getText('text').insert(0, 'x'.repeat(2_000_000))
  await converged([writer, reader])
  await writer.leave()
  await reader.leave()
  assert.equal(await refusal(server, 'other'), 503)
  const posted = await fetch(urlOf(server, 'other'), { method: 'POST', body: Y.encodeStateAsUpdate(docWithText('x')) })
  assert.equal(posted.status, 503)
  const back = await Writer.join(t, server, 'room')
  assert.equal(back.doc.getText('text').length, 2_000_000)
  await back.leave()
  await end()
  await server.logged(/ room_evicted .*room=room/)
  await post(server, 'other', docWithText('there is room again'))
})

for (const [name, pattern] of [
  ['PATH', /^rooms\.db$/],
  ['PATH-wal', /^rooms\.db-wal$/],
  ['PATH and PATH-wal', /^rooms\.db(-wal)?$/],
  ['PATH-shm', /^rooms\.db-shm$/],
  ['PATH-lock', /^rooms\.db-lock$/],
  ['all of PATH', /^rooms\.db/]
]) {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    test(`${name} is deleted while in use: what was saved is there after the next change and ${signal}`, async t => {
      const store = new Store(t)
      const server = await store.serve()
      await post(server, 'other', docWithText('not touched since'))
      const writer = await Writer.join(t, server, 'room')
      writer.doc.getText('text').insert(0, 'x'.repeat(100_000))
      await writer.saved()
      const names = readdirSync(store.folder).filter(file => pattern.test(file))
      assert.ok(names.length > 0)
      for (const file of names) rmSync(join(store.folder, file))
      writer.doc.getText('text').insert(0, 'and behind, ')
      await writer.saved()
      await writer.leave()
      await server.stop(signal)
      const next = await store.serve()
      mustHold(await documentOf(next, 'room'), writer.updates, 'room')
      assert.equal(await textOf(next, 'other'), 'not touched since')
      store.mustBeInOrder()
    })
  }
}

test('all of PATH is deleted while in use, and nothing is written any more: SIGTERM writes it anew', async t => {
  const store = new Store(t)
  const server = await store.serve()
  await post(server, 'room', docWithText('saved'))
  for (const file of readdirSync(store.folder)) rmSync(join(store.folder, file))
  await server.stop('SIGTERM')
  assert.equal(store.read('room').getText('text').toString(), 'saved')
})

test('SIGTERM while echoes are outstanding: what was applied is stored', async t => {
  const store = new Store(t)
  const server = await store.serve()
  const writers = await Promise.all(['a', 'b', 'c'].map(room => Writer.join(t, server, room)))
  const readers = await Promise.all(['a', 'b', 'c'].map(room => Writer.join(t, server, room)))
  const end = await store.lock()
  for (const { doc } of writers) doc.getText('text').insert(0, 'applied')
  for (const i of [0, 1, 2]) await converged([writers[i], readers[i]])
  const stopped = server.stop('SIGTERM')
  await server.logged(/ stopping /)
  await end()
  assert.deepEqual(await stopped, { code: 0, signal: null })
  for (const { closed } of [...writers, ...readers]) assert.equal((await closed).code, 1001)
  assert.equal(linesOf(server, 'stopped_unsaved').length, 0, server.log.join('\n'))
  for (const room of ['a', 'b', 'c']) assert.equal(store.read(room).getText('text').toString(), 'applied')
})

test('SIGTERM while the store fails for good: it says what is lost, and ends in time', async t => {
  const store = new Store(t)
  const server = await store.serve('--shutdown-timeout', '1s')
  const [writer, reader] = [await Writer.join(t, server, 'room'), await Writer.join(t, server, 'room')]
  writer.doc.getText('text').insert(0, 'saved')
  await writer.saved()
  const end = await store.lock()
  writer.doc.getText('text').insert(0, 'not ')
  await until('it is applied', () => reader.doc.getText('text').length > 5, [[reader, 'message']])
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  await end()
  assert.equal(writer.savedCount, 1)
  assert.match(linesOf(server, 'stopped_unsaved').join('\n'), /^\S+ error stopped_unsaved .*effect=.+$/)
  mustHold(store.read('room'), writer.savedUpdates, 'room')
})

for (const second of ['SIGTERM', 'SIGINT']) {
  test(`${second} while stopping waits for the store: the end at once, and nothing is lost that was promised`, async t => {
    const store = new Store(t)
    const server = await store.serve('--shutdown-timeout', '10m')
    const [writer, reader] = [await Writer.join(t, server, 'room'), await Writer.join(t, server, 'room')]
    writer.doc.getText('text').insert(0, 'saved')
    await writer.saved()
    const end = await store.lock()
    writer.doc.getText('text').insert(0, 'not ')
    await until('it is applied', () => reader.doc.getText('text').length > 5, [[reader, 'message']])
    server.stop('SIGTERM')
    await server.logged(/ stopping /)
    assert.deepEqual(await server.stop(second), { code: second === 'SIGTERM' ? 143 : 130, signal: null })
    await writer.closed
    assert.equal(writer.savedCount, 1)
    await end()
    const next = await store.serve()
    mustHold(await documentOf(next, 'room'), writer.savedUpdates, 'room')
  })
}

/* A client that is closed with 4400 to 4499 does not come back. */
test('who asks for more than can wait for the store is told to come back', { timeout: 60000 }, async t => {
  const store = new Store(t)
  const server = await store.serve('--send-buffer', '4k')
  const [writer, reader] = [await Writer.join(t, server, 'room'), await Writer.join(t, server, 'room')]
  const end = await store.lock()
  for (let i = 0; i < 200; i++) writer.doc.getText('text').insert(0, 'x')
  const { code, reason } = await writer.closed
  assert.equal(code, 1013)
  assert.match(reason, /wait for the store/)
  assert.ok(reader.doc.getText('text').length > 0, 'what was applied is there')
  const back = await Writer.join(t, server, 'room', writer.doc)
  await converged([back, reader])
  await end()
  await back.saved()
  assert.equal(back.doc.getText('text').length, 200)
})

test('who sends more than can wait for a room that is not loaded is told to come back', { timeout: 60000 }, async t => {
  const store = new Store(t)
  const server = await store.serve('--send-buffer', '4k', '--threads', '1')
  const busy = await Writer.join(t, server, 'room')
  const end = await store.lock()
  busy.doc.getText('text').insert(0, 'keeps the store waiting')
  const early = await RawClient.join(t, server, 'other')
  for (let i = 0; i < 10; i++) early.send(update(Y.encodeStateAsUpdate(docWithText('x'.repeat(1000)))))
  const { code, reason } = await early.closed
  assert.equal(code, 1013)
  assert.match(reason, /before the room was loaded/)
  await end()
  await busy.saved()
  assert.equal(await textOf(server, 'other'), '', 'nothing of it was applied')
})
