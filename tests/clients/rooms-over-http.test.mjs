// SPDX-License-Identifier: MIT
// One URL is one room, over HTTP as over WebSocket.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import parsePrometheusTextFormat from 'parse-prometheus-text-format'
import * as Y from 'yjs'

import { RawClient, SYNC, syncStatus, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

function docWithText (text) {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return doc
}

async function bytesOf (answer) {
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
  return new Uint8Array(await answer.arrayBuffer())
}

function textOf (...updates) {
  const doc = new Y.Doc()
  for (const bytes of updates) Y.applyUpdate(doc, bytes)
  return doc.getText('text').toString()
}

const post = (url, body, headers = {}) => fetch(url, { method: 'POST', body, headers })

test('a snapshot by GET applies to a fresh document', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'blog')
  const bob = await YjsClient.join(t, server, 'blog')
  ada.doc.getText('text').insert(0, 'a whole story')
  ada.doc.getText('text').delete(2, 6)
  await converged([ada, bob])
  const bytes = await bytesOf(await fetch(`${server.http}/rooms/blog`))
  const copy = new Y.Doc()
  Y.applyUpdate(copy, bytes)
  assert.ok(Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(bob.doc)))
  assert.equal(copy.getText('text').toString(), 'a story')
})

test('?sv= gives what a state vector lacks, and no more', async t => {
  const server = await Server.start(t)
  const doc = docWithText('early')
  const early = Y.encodeStateVector(doc)
  const first = Y.encodeStateAsUpdate(doc)
  doc.getText('text').insert(5, ' and late')
  await post(`${server.http}/rooms/blog`, Y.encodeStateAsUpdate(doc))
  const url = `${server.http}/rooms/blog?sv=${Buffer.from(early).toString('base64url')}`
  const rest = await bytesOf(await fetch(url))
  assert.deepEqual(rest, Y.encodeStateAsUpdate(doc, early))
  assert.equal(textOf(first, rest), 'early and late')
  const malformed = await fetch(`${server.http}/rooms/blog?sv=%21`)
  assert.equal(malformed.status, 400)
  assert.match(await malformed.text(), /^Malformed state vector: [^\n]+$/)
})

test('a POST is visible to connected clients at once', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'team/notes')
  const answer = await post(`${server.http}/rooms/team/notes`, Y.encodeStateAsUpdate(docWithText('from a script')))
  assert.equal(answer.status, 200)
  assert.deepEqual(await answer.json(), { ok: true })
  await until('the text', () => ada.doc.getText('text').toString() === 'from a script', [[ada.doc, 'update']])
})

test('a malformed POST changes nothing and makes no room', async t => {
  const server = await Server.start(t)
  const good = Y.encodeStateAsUpdate(docWithText('good'))
  for (const [body, text] of [
    [new Uint8Array(), /^Empty update body$/],
    [good.subarray(0, good.length - 1), /^Malformed update: [^\n]+$/],
    [new Uint8Array([...good, 0]), /^Malformed update: [^\n]+$/]
  ]) {
    const answer = await post(`${server.http}/rooms/blog`, body)
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), text)
  }
  assert.equal((await fetch(`${server.http}/rooms/blog`)).status, 404)
})

test('a room that only a POST made is evicted when nobody joins', async t => {
  const server = await Server.start(t, '--evict-after', '50ms')
  await post(`${server.http}/rooms/blog`, Y.encodeStateAsUpdate(docWithText('gone soon')))
  await server.logged(/room_evicted.*room=blog/)
  const answer = await fetch(`${server.http}/rooms/blog`)
  assert.equal(answer.status, 404)
  assert.equal(await answer.text(), 'Room not found: blog')
})

test('the list of rooms has their names and how many are connected', async t => {
  const server = await Server.start(t)
  const list = async () => (await fetch(`${server.http}/rooms/`)).json()
  assert.deepEqual(await list(), { rooms: [] })
  await YjsClient.join(t, server, 'blog')
  await YjsClient.join(t, server, 'blog')
  const leaving = await RawClient.join(t, server, 'a%22b%5C')
  assert.deepEqual(await list(), { rooms: [{ id: 'a"b\\', connections: 1 }, { id: 'blog', connections: 2 }] })
  leaving.socket.close()
  await leaving.closed
  assert.deepEqual((await list()).rooms[0], { id: 'a"b\\', connections: 0 })
})

test('DELETE closes connections with 4404 and leaves nothing behind', async t => {
  const server = await Server.start(t)
  const clients = [await RawClient.join(t, server, 'blog'), await RawClient.join(t, server, 'blog')]
  const neighbour = await RawClient.join(t, server, 'other')
  clients[0].send(update(Y.encodeStateAsUpdate(docWithText('old'))))
  await clients[0].fence()
  assert.equal((await fetch(`${server.http}/rooms/blog`, { method: 'DELETE' })).status, 200)
  for (const client of clients) assert.equal((await client.closed).code, 4404)
  assert.equal((await fetch(`${server.http}/rooms/blog`, { method: 'DELETE' })).status, 404)
  await neighbour.fence()
  await post(`${server.http}/rooms/blog`, Y.encodeStateAsUpdate(docWithText('new')))
  assert.equal(textOf(await bytesOf(await fetch(`${server.http}/rooms/blog`))), 'new')
})

test('HEAD answers as GET does, without the body', async t => {
  const server = await Server.start(t)
  await post(`${server.http}/rooms/blog`, Y.encodeStateAsUpdate(docWithText('text')))
  for (const path of ['/', '/rooms/', '/rooms/blog', '/rooms/none']) {
    const get = await fetch(server.http + path)
    const head = await fetch(server.http + path, { method: 'HEAD' })
    assert.equal(head.status, get.status)
    for (const field of ['content-type', 'content-length']) assert.equal(head.headers.get(field), get.headers.get(field))
    assert.equal(await head.text(), '')
  }
})

test('a large document arrives whole, at many clients at once', async t => {
  const server = await Server.start(t)
  const doc = docWithText('x'.repeat(5_000_000))
  await post(`${server.http}/rooms/blog`, Y.encodeStateAsUpdate(doc))
  const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(`${server.http}/rooms/blog`)))
  for (const answer of answers) assert.deepEqual(await bytesOf(answer), Y.encodeStateAsUpdate(doc))
})

test('a body over --max-message is refused with 413', async t => {
  const server = await Server.start(t, '--max-message', '4k')
  const answer = await post(`${server.http}/rooms/blog`, new Uint8Array(4097))
  assert.equal(answer.status, 413)
  assert.equal((await post(`${server.http}/rooms/blog`, new Uint8Array(4096))).status, 400)
})

test('the list stays at /rooms/ when the route has no directory of its own', async t => {
  const server = await Server.start(t, '--route', '/:room')
  await post(`${server.http}/blog`, Y.encodeStateAsUpdate(docWithText('text')))
  assert.deepEqual(await (await fetch(`${server.http}/rooms/`)).json(), { rooms: [{ id: 'blog', connections: 0 }] })
  assert.deepEqual(await (await fetch(`${server.http}/`)).json(), { status: 'ok' })
})

test('text behind :room belongs to the route', async t => {
  const server = await Server.start(t, '--route', '/workspaces/:room/sync')
  const url = `${server.http}/workspaces/team/a%20b/sync`
  await post(url, Y.encodeStateAsUpdate(docWithText('text')))
  assert.equal(textOf(await bytesOf(await fetch(url))), 'text')
  assert.equal((await fetch(`${server.http}/workspaces/team/a%20b`)).status, 404)
  assert.deepEqual(await (await fetch(`${server.http}/workspaces/`)).json(),
    { rooms: [{ id: 'team/a b', connections: 0 }] })
})

test('with a shared token only the Authorization field counts', async t => {
  const server = await Server.start(t, '--token', 'open-sesame')
  const authorized = { Authorization: 'Bearer open-sesame' }
  const bytes = Y.encodeStateAsUpdate(docWithText('secret'))
  for (const path of ['/rooms/', '/rooms/blog', '/metrics']) {
    for (const query of ['', '?token=open-sesame']) {
      const answer = await fetch(server.http + path + query)
      assert.equal(answer.status, 401, path + query)
      assert.match(answer.headers.get('www-authenticate'), /^Bearer/)
      assert.equal(await answer.text(), 'Unauthorized')
    }
  }
  assert.equal((await post(`${server.http}/rooms/blog`, bytes)).status, 401)
  assert.equal((await post(`${server.http}/rooms/blog`, bytes, authorized)).status, 200)
  assert.equal(textOf(await bytesOf(await fetch(`${server.http}/rooms/blog`, { headers: authorized }))), 'secret')
  for (const path of ['/rooms/', '/metrics']) {
    assert.equal((await fetch(server.http + path, { headers: authorized })).status, 200)
  }
})

const metricTypes = {
  ysync_connections: 'GAUGE',
  ysync_rooms: 'GAUGE',
  ysync_messages_received_total: 'COUNTER',
  ysync_messages_sent_total: 'COUNTER',
  ysync_bytes_received_total: 'COUNTER',
  ysync_bytes_sent_total: 'COUNTER',
  ysync_updates_applied_total: 'COUNTER',
  ysync_updates_pending: 'GAUGE',
  ysync_document_bytes: 'GAUGE',
  ysync_resyncs_total: 'COUNTER',
  ysync_rejected_total: 'COUNTER',
  ysync_evictions_total: 'COUNTER',
  ysync_store_errors_total: 'COUNTER',
  ysync_apply_seconds: 'HISTOGRAM',
  ysync_store_commit_seconds: 'HISTOGRAM',
  process_resident_memory_bytes: 'GAUGE'
}

test('metrics are what Prometheus reads', async t => {
  const server = await Server.start(t)
  const client = await RawClient.join(t, server, 'blog')
  await RawClient.join(t, server, 'blog')
  client.send(update(Y.encodeStateAsUpdate(docWithText('text'))))
  client.send(syncStatus(new Uint8Array([1])))
  await client.fence()
  const malformed = await RawClient.join(t, server, 'blog')
  malformed.send(new Uint8Array([SYNC, 9]))
  await malformed.closed

  const answer = await fetch(`${server.http}/metrics`)
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  const families = new Map(parsePrometheusTextFormat(await answer.text()).map(family => [family.name, family]))
  for (const [name, type] of Object.entries(metricTypes)) {
    assert.equal(families.get(name)?.type, type, name)
    assert.ok(families.get(name).help, name)
  }
  const value = (name, labels = {}) => Number(families.get(name).metrics.find(metric =>
    Object.entries(labels).every(([label, text]) => metric.labels?.[label] === text)).value)
  assert.equal(value('ysync_connections'), 2)
  assert.equal(value('ysync_rooms'), 1)
  assert.equal(value('ysync_updates_applied_total'), 1)
  assert.equal(value('ysync_messages_received_total', { type: 'update' }), 1)
  assert.equal(value('ysync_messages_received_total', { type: 'sync_status' }), 2)
  assert.equal(value('ysync_rejected_total', { reason: 'malformed' }), 1)
  assert.ok(value('ysync_bytes_received_total') > 0)
  assert.ok(value('ysync_document_bytes') > 0)
  const [apply] = families.get('ysync_apply_seconds').metrics
  assert.equal(Number(apply.count), 1)
  assert.equal(Number(apply.buckets['+Inf']), 1)
  const [commit] = families.get('ysync_store_commit_seconds').metrics
  assert.equal(Number(commit.count), 0)
})
