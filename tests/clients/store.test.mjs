// SPDX-License-Identifier: MIT
// Documents that outlive their rooms and their servers (--store sqlite:PATH).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { contentOf } from './support/content.mjs'
import { QUERY_AWARENESS, RawClient, SYNC, syncPayload, update } from './support/raw-client.mjs'
import { Store, bytesRead, docFrom, docWithText, documentOf, metric, openRooms, post, textOf } from './support/store.mjs'
import { until } from './support/until.mjs'
import { Writer } from './support/writer.mjs'
import { YjsClient } from './support/yjs-client.mjs'

/** Each ends a room in its way, and resolves to a server that has its store. */
const ends = {
  'its eviction': async (store, server) => {
    await server.logged(/room_evicted.*room=room/)
    return server
  },
  'SIGTERM and a new start': async (store, server) => {
    assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
    return store.serve()
  },
  'SIGKILL and a new start': async (store, server) => {
    await server.stop('SIGKILL')
    return store.serve()
  }
}

/** Of all kinds, with some that is deleted again. */
function writeMuch (doc) {
  const text = doc.getText('text')
  const map = doc.getMap('map')
  text.insert(0, 'once upon a time there was a document')
  text.delete(0, 17)
  text.format(2, 5, { bold: true })
  map.set('gone', new Y.Text('in a type that is deleted'))
  map.delete('gone')
  map.set('number', 1)
  map.set('number', 2)
  map.set('nested', new Y.Map([['bytes', Uint8Array.of(1, 2, 3)], ['list', Y.Array.from(['a', { b: null }])]]))
  map.set('subdocument', new Y.Doc({ guid: 'a guid', meta: { title: 'é' } }))
  doc.getArray('array').insert(0, [1, 'two', new Y.Doc({ guid: 'another guid' })])
  doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p'), new Y.XmlText('a paragraph')])
  doc.getXmlFragment('xml').get(0).setAttribute('class', 'wide')
}

for (const [name, end] of Object.entries(ends)) {
  test(`a document outlives ${name}`, async t => {
    const store = new Store(t)
    const first = await store.serve('--evict-after', '20ms')
    const writer = await Writer.join(t, first, 'room')
    writeMuch(writer.doc)
    await writer.saved()
    await writer.leave()
    const server = await end(store, first)
    assert.deepEqual(await openRooms(server), [])
    for (const { doc } of [{ doc: await documentOf(server, 'room') }, await YjsClient.join(t, server, 'room')]) {
      assert.deepEqual(contentOf(doc), contentOf(writer.doc))
      assert.ok(Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(writer.doc)))
    }
  })

  test(`an update that waits for another outlives ${name}`, async t => {
    const store = new Store(t)
    const first = await store.serve('--evict-after', '20ms')
    const doc = docWithText('first')
    const [early, vector] = [Y.encodeStateAsUpdate(doc), Y.encodeStateVector(doc)]
    doc.getText('text').insert(5, ', second')
    const writer = await Writer.join(t, first, 'room')
    writer.sendUpdate(Y.encodeStateAsUpdate(doc, vector))
    await writer.saved()
    await writer.leave()

    const server = await end(store, first)
    const reader = await Writer.join(t, server, 'room')
    assert.equal(await metric(server, 'ysync_updates_pending'), 1)
    const bringer = await Writer.join(t, server, 'room')
    bringer.sendUpdate(early)
    await bringer.saved()
    const text = () => reader.doc.getText('text').toString()
    await until('both', () => text() === 'first, second', [[reader, 'message']])
    assert.equal(await metric(server, 'ysync_updates_pending'), 0)
    await reader.leave()
    await bringer.leave()
    const again = await (end === ends['its eviction'] ? server : end(store, server))
    assert.equal(await textOf(again, 'room'), 'first, second')
  })

  test(`--no-gc: what was deleted outlives ${name}`, async t => {
    const store = new Store(t)
    const first = await store.serve('--evict-after', '20ms', '--no-gc')
    const writer = await Writer.join(t, first, 'room', new Y.Doc({ gc: false }))
    writer.doc.getText('text').insert(0, 'as it once was')
    const past = Y.snapshot(writer.doc)
    writer.doc.getText('text').delete(3, 7)
    await writer.saved()
    await writer.leave()
    const server = await end(store, first)
    const answer = await fetch(`${server.http}/rooms/room`)
    const doc = docFrom(new Uint8Array(await answer.arrayBuffer()), { gc: false })
    assert.equal(doc.getText('text').toString(), 'as  was')
    assert.equal(Y.createDocFromSnapshot(doc, past).getText('text').toString(), 'as it once was')
  })
}

test('a client that stays is in the same room as long as its server lives', async t => {
  const store = new Store(t)
  const first = await store.serve()
  const [ada, bob] = [await YjsClient.join(t, first, 'room'), await YjsClient.join(t, first, 'room')]
  ada.doc.getText('text').insert(0, 'before')
  await until('the text', () => bob.doc.getText('text').length > 0, [[bob.doc, 'update']])
  const offline = until('disconnection', () => !ada.provider.wsconnected, [[ada.provider, 'status']])
  await first.stop('SIGTERM')
  await offline
  bob.leave()
  ada.doc.getText('text').insert(6, ' and in between')

  const second = await store.serve('--port', String(first.port))
  const late = await YjsClient.join(t, second, 'room')
  assert.match(late.doc.getText('text').toString(), /^before/)
  await until('the rest', () => late.doc.getText('text').toString() === 'before and in between', [[late.doc, 'update']])
})

test('--echo: an update comes back when it is stored, and not before', async t => {
  const store = new Store(t)
  const server = await store.serve('--echo')
  const [ada, bob] = [await RawClient.join(t, server, 'room'), await Writer.join(t, server, 'room')]
  bob.doc.getText('text').insert(0, 'saved ')
  await bob.saved()
  const letGo = await store.lock()
  const bytes = Y.encodeStateAsUpdate(docWithText('by ada'))
  const echoes = () => ada.messages(SYNC, 2).filter(message => Buffer.from(syncPayload(message)).equals(bytes))
  ada.send(update(bytes))
  await until('bob has it', () => bob.doc.getText('text').length > 6, [[bob, 'message']])
  ada.send(Uint8Array.of(QUERY_AWARENESS)) /* its answer does not wait for the store */
  await ada.waitForMessages(1, 1)
  assert.equal(echoes().length, 0)
  await letGo()
  await until('the echo', () => echoes().length === 1, [[ada, 'message']])
  await ada.fence()
  await server.stop('SIGKILL')
  assert.match(store.read('room').getText('text').toString(), /by ada/)
})

test('many who come at once after a start: each has it all when it is synced, and it is read once', async t => {
  const store = new Store(t)
  const first = await store.serve()
  const length = 3_000_000
  await post(first, 'room', docWithText('x'.repeat(length)))
  await first.stop('SIGTERM')

  const server = await store.serve()
  const before = bytesRead(server)
  const clients = Array.from({ length: 40 }, () => new YjsClient(t, server, 'room'))
  await Promise.all(clients.map(async ({ doc, provider }) => {
    const lengths = []
    provider.on('sync', isSynced => { if (isSynced) lengths.push(doc.getText('text').length) })
    await until('sync', () => lengths.length > 0, [[provider, 'sync']])
    assert.deepEqual(lengths, [length])
  }))
  const read = bytesRead(server) - before
  assert.ok(read > length && read < 2 * length, `${read} bytes were read`)
})

test('whoever writes before the room is loaded is heard when it is', async t => {
  const store = new Store(t)
  const first = await store.serve()
  await post(first, 'room', docWithText('x'.repeat(1_000_000)))
  await first.stop('SIGTERM')
  const server = await store.serve()
  const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.join(t, server, 'room')))
  clients.forEach((client, i) => {
    const doc = new Y.Doc()
    doc.getMap('map').set(`client ${i}`, i)
    client.send(update(Y.encodeStateAsUpdate(doc)))
  })
  await Promise.all(clients.map(client => client.fence()))
  await server.stop('SIGKILL')
  const doc = store.read('room')
  assert.equal(doc.getText('text').length, 1_000_000)
  assert.deepEqual(doc.getMap('map').size, 8)
})

test('metrics count what the store does', async t => {
  const store = new Store(t)
  const server = await store.serve()
  const commits = () => metric(server, 'ysync_store_commit_seconds_count')
  assert.equal(await commits(), 0)
  const writer = await Writer.join(t, server, 'room')
  for (let i = 0; i < 3; i++) {
    writer.doc.getText('text').insert(0, 'x')
    await writer.saved()
  }
  assert.ok(await commits() >= 3)
  const values = async () => Promise.all(['queue', 'unsaved_rooms', 'errors_total']
    .map(name => metric(server, `ysync_store_${name}`)))
  assert.deepEqual(await values(), [0, 0, 0])

  const letGo = await store.lock()
  const reader = await Writer.join(t, server, 'room')
  writer.doc.getText('text').insert(0, 'y')
  await until('it is applied', () => reader.doc.getText('text').length === 4, [[reader, 'message']])
  const [queued, unsaved] = await values()
  assert.ok(queued + unsaved > 0, `${queued} ${unsaved}`)
  await letGo()
  await writer.saved()
  assert.deepEqual((await values()).slice(0, 2), [0, 0])
})
