// SPDX-License-Identifier: MIT
// What is stored, over HTTP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { Random, seedFor } from './support/random.mjs'
import { RawClient } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { Store, docFrom, docWithText, documentOf, openRooms, post, textOf, urlOf } from './support/store.mjs'
import { until } from './support/until.mjs'
import { Writer } from './support/writer.mjs'

const remove = (server, room) => fetch(urlOf(server, room), { method: 'DELETE' })
const list = async (server, query) => fetch(`${server.http}/rooms/?stored=1${query}`)

test('GET of a room that is stored and not open reads it, and opens none', async t => {
  const store = new Store(t)
  const first = await store.serve()
  const doc = docWithText('early')
  const vector = Buffer.from(Y.encodeStateVector(doc)).toString('base64url')
  doc.getText('text').insert(5, ' and late')
  await post(first, 'team/notes', doc)
  await first.stop('SIGTERM')

  const server = await store.serve()
  assert.equal(await textOf(server, 'team/notes'), 'early and late')
  const rest = await fetch(`${urlOf(server, 'team/notes')}?sv=${vector}`)
  assert.deepEqual(new Uint8Array(await rest.arrayBuffer()), Y.encodeStateAsUpdate(doc, Buffer.from(vector, 'base64url')))
  const head = await fetch(urlOf(server, 'team/notes'), { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(Number(head.headers.get('content-length')), Y.encodeStateAsUpdate(doc).length)
  const malformed = await fetch(`${urlOf(server, 'team/notes')}?sv=%21`)
  assert.equal(malformed.status, 400)
  assert.match(await malformed.text(), /^Malformed state vector: [^\n]+$/)
  const none = await fetch(urlOf(server, 'team'))
  assert.equal(none.status, 404)
  assert.equal(await none.text(), 'Room not found: team')
  assert.deepEqual(await openRooms(server), [])
})

test('a POST that was answered with 200 is there after a kill, whatever room it is for', async t => {
  const store = new Store(t)
  const random = new Random(seedFor(t))
  const want = new Map()
  for (let round = 0; round < 8; round++) {
    const server = await store.serve()
    for (const [room, text] of want) assert.equal(await textOf(server, room), text)
    for (let posts = 1 + random.below(4); posts > 0; posts--) {
      const room = `room ${random.below(3)}`
      const doc = await documentOf(server, room) ?? new Y.Doc()
      doc.getText('text').insert(0, `${round}.${posts} `.padEnd(random.below(2) * 100_000, 'x'))
      want.set(room, doc.getText('text').toString())
      const answer = await fetch(urlOf(server, room), { method: 'POST', body: Y.encodeStateAsUpdate(doc) })
      assert.equal(answer.status, 200)
    }
    await server.stop('SIGKILL')
    store.mustBeInOrder()
  }
})

test('DELETE of a room that is open closes its connections, and nothing of it comes back', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'neighbour', docWithText('stays'))
  const clients = [await Writer.join(t, first, 'blog'), await Writer.join(t, first, 'blog')]
  clients[0].doc.getText('text').insert(0, 'old')
  await clients[0].saved()
  clients[1].doc.getText('text').insert(0, 'x'.repeat(100_000)) /* under way to the store, perhaps */
  await until('it is applied', () => clients[0].doc.getText('text').length > 3, [[clients[0], 'message']])
  assert.equal((await remove(first, 'blog')).status, 200)
  for (const client of clients) assert.equal((await client.closed).code, 4404)
  assert.equal(await documentOf(first, 'blog'), null)
  assert.equal((await remove(first, 'blog')).status, 404)

  const joined = await Writer.join(t, first, 'blog')
  assert.equal(joined.doc.getText('text').toString(), '')
  await joined.leave()
  await first.stop('SIGTERM')
  const second = await store.serve()
  assert.equal(await documentOf(second, 'blog'), null)
  const again = await Writer.join(t, second, 'blog')
  assert.equal(again.doc.getText('text').toString(), '')
  assert.equal(await textOf(second, 'neighbour'), 'stays')
})

test('DELETE of a room that is not open removes it, and a kill does not bring it back', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'blog', docWithText('old'))
  await first.stop('SIGTERM')
  const second = await store.serve()
  assert.equal((await remove(second, 'blog')).status, 200)
  assert.equal((await remove(second, 'blog')).status, 404)
  assert.equal((await remove(second, 'never there')).status, 404)
  assert.deepEqual(await openRooms(second), [])
  await second.stop('SIGKILL')
  assert.equal(second.log.filter(line => /room_deleted/.test(line)).length, 1, second.log.join('\n'))
  const third = await store.serve()
  assert.equal(await documentOf(third, 'blog'), null)
  assert.deepEqual(await (await list(third, '')).json(), { rooms: [], next: null })
})

test('DELETE again and again, while somebody writes without a pause', async t => {
  const store = new Store(t)
  const server = await store.serve()
  for (let round = 0; round < 10; round++) {
    const writer = await Writer.join(t, server, 'blog')
    assert.equal(writer.doc.getText('text').length, 0, 'what was deleted is back')
    const write = () => {
      if (writer.updates.length - writer.savedCount < 16) writer.doc.getText('text').insert(0, 'x'.repeat(10_000))
    }
    for (let i = 0; i < 8; i++) write()
    writer.on('message', write)
    writer.closed.then(() => writer.off('message', write))
    await until('something is saved', () => writer.savedCount > round, [[writer, 'message']])
    assert.equal((await remove(server, 'blog')).status, 200)
    assert.equal((await writer.closed).code, 4404)
    assert.equal(await documentOf(server, 'blog'), null)
  }
  await server.stop('SIGTERM')
  assert.equal(store.sql('SELECT count(*) FROM rooms'), '0\n')
  assert.equal(store.sql('SELECT count(*) FROM updates'), '0\n')
  assert.equal(store.sql('SELECT count(*) FROM snapshots'), '0\n')
})

/** Names that need care in addresses and in JSON, and others. */
const names = ['team/notes', 'a"quoted"', 'back\\slash', "it's", 'Ünïcödé €', '🙂', '日本', 'a b', 'a+b', '100%', 'a&b=c',
  '?', '#', ...Array.from({ length: 237 }, (_, i) => `room ${i}`)]
const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

test('GET /rooms/?stored=1 gives all 250 rooms, page by page', async t => {
  const store = new Store(t)
  const server = await store.serve()
  await Promise.all(names.map(name => post(server, name, docWithText(name))))
  for (const limit of [1, 7, 100, 249, 250, 251, 1000, undefined]) {
    const pages = []
    let after = null
    do {
      const query = (limit ? `&limit=${limit}` : '') + (after === null ? '' : `&after=${encodeURIComponent(after)}`)
      const answer = await list(server, query)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('content-type'), 'application/json')
      const { rooms, next } = await answer.json()
      pages.push(rooms.map(({ id }) => id))
      for (const { bytes } of rooms) assert.ok(Number.isInteger(bytes) && bytes > 0)
      after = next
    } while (after !== null && pages.length <= names.length + 1)
    assert.deepEqual(pages.flat(), sorted, `limit ${limit}`)
    if (limit) for (const page of pages.slice(0, -1)) assert.equal(page.length, limit)
  }
  for (const name of names) assert.equal(await textOf(server, name), name)
})

test('what a list of stored rooms may be asked for', async t => {
  const store = new Store(t)
  const server = await store.serve()
  await post(server, 'blog', docWithText('text'))
  for (const limit of ['', '0', '-1', '1001', '1e2', '7x', '99999999999999999999', '%31%']) {
    const answer = await list(server, `&limit=${limit}`)
    assert.equal(answer.status, 400, limit)
    assert.match(await answer.text(), /^Malformed limit: [^\n]+$/)
  }
  const malformed = await list(server, '&after=%zz')
  assert.equal(malformed.status, 400)
  assert.match(await malformed.text(), /^Malformed after: [^\n]+$/)
  assert.deepEqual((await (await list(server, '&after=zzz')).json()).rooms, [])
  assert.deepEqual(await (await fetch(`${server.http}/rooms/?stored=0`)).json(), { rooms: [{ id: 'blog', connections: 0 }] })
})

test('without a store there is no list of stored rooms', async t => {
  const server = await Server.start(t)
  const answer = await list(server, '')
  assert.equal(answer.status, 404)
  assert.match(await answer.text(), /^[^\n]+$/)
})

test('a list of stored rooms needs a token where there are tokens', async t => {
  const store = new Store(t)
  const server = await store.serve('--token', 'open-sesame')
  assert.equal((await list(server, '')).status, 401)
  const answer = await fetch(`${server.http}/rooms/?stored=1`, { headers: { Authorization: 'Bearer open-sesame' } })
  assert.deepEqual(await answer.json(), { rooms: [], next: null })
})

test('GET, HEAD, DELETE and joins of one room at once', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'blog', docWithText('x'.repeat(500_000)))
  await first.stop('SIGTERM')
  const server = await store.serve('--evict-after', '0')
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    if (i % 4 === 0) return Writer.join(t, server, 'blog')
    return fetch(urlOf(server, 'blog'))
  }))
  for (const answer of answers) {
    if (answer instanceof RawClient) assert.equal(answer.doc.getText('text').length, 500_000)
    else assert.equal(docFrom(new Uint8Array(await answer.arrayBuffer())).getText('text').length, 500_000)
  }
  assert.deepEqual((await openRooms(server)).map(({ connections }) => connections), [5])
})
