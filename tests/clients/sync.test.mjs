// SPDX-License-Identifier: MIT
// Documents: what one y-websocket client does reaches the others, in whatever order they come and go.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { Random, seedFor } from './support/random.mjs'
import { Server } from './support/server.mjs'
import { YjsClient, contentOf, converged } from './support/yjs-client.mjs'

/** One edit of each kind that Yjs has; `who` tells the two editors apart. */
function editEverything ({ doc }, who) {
  doc.getText('text').insert(0, `${who} writes naïve €uro 😀. `)
  doc.getText('text').format(0, 3, { bold: true })
  doc.getMap('map').set(who, { deep: [1, 2.5, null, true, 'x'], big: 2n ** 62n })
  doc.getMap('map').set('both', who)
  doc.getMap('map').set(`bytes of ${who}`, new Uint8Array([0, 127, 128, 255]))
  doc.getArray('array').push([who, 1, { nested: who }])
  const nested = new Y.Map()
  doc.getArray('array').insert(0, [nested])
  nested.set('text', new Y.Text(`inside, by ${who}`))
  nested.set('list', Y.Array.from([1, 2, 3]))
  const element = new Y.XmlElement('p')
  doc.getXmlFragment('xml').push([element])
  element.setAttribute('author', who)
  element.insert(0, [new Y.XmlText(`a paragraph by ${who}`)])
  doc.getArray('array').delete(1, 1)
}

test('two clients edit everything in one room, one after the other', async t => {
  const server = await Server.start(t)
  const [ada, bob] = await Promise.all([YjsClient.join(t, server, 'room'), YjsClient.join(t, server, 'room')])

  editEverything(ada, 'ada')
  await converged([ada, bob])
  assert.deepEqual(contentOf(bob), contentOf(ada))

  editEverything(bob, 'bob')
  await converged([ada, bob])
  assert.deepEqual(contentOf(bob), contentOf(ada))
  assert.match(bob.doc.getText('text').toString(), /^bob writes naïve €uro 😀\. ada writes/)
  assert.deepEqual(ada.doc.getMap('map').get('bytes of bob'), new Uint8Array([0, 127, 128, 255]))
  assert.equal(ada.doc.getMap('map').get('both'), 'bob')
})

test('two clients edit everything in one room, at the same time', async t => {
  const server = await Server.start(t)
  const [ada, bob] = await Promise.all([YjsClient.join(t, server, 'room'), YjsClient.join(t, server, 'room')])

  for (let round = 0; round < 10; round++) {
    editEverything(ada, 'ada')
    editEverything(bob, 'bob')
  }
  await converged([ada, bob])
  assert.deepEqual(contentOf(bob), contentOf(ada))
  assert.equal(ada.doc.getXmlFragment('xml').length, 20)
})

test('a late joiner gets everything', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'room')
  const bob = await YjsClient.join(t, server, 'room')
  editEverything(ada, 'ada')
  editEverything(bob, 'bob')
  await converged([ada, bob])

  const late = await YjsClient.join(t, server, 'room')
  await converged([ada, late])
  assert.deepEqual(contentOf(late), contentOf(ada))
})

test('what one joiner brings along reaches those who are there', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'room')
  const bob = new YjsClient(t, server, 'room')
  editEverything(bob, 'bob')

  await bob.synced()
  await converged([ada, bob])
  assert.deepEqual(contentOf(ada), contentOf(bob))
})

test('rooms are isolated', async t => {
  const server = await Server.start(t)
  const names = ['one', 'two', 'team/notes', 'team', 'rooms/one']
  const clients = await Promise.all(names.map(name => YjsClient.join(t, server, name)))
  clients.forEach(({ doc }, i) => doc.getText('text').insert(0, `in ${names[i]}`))
  const visitors = await Promise.all(names.map(name => YjsClient.join(t, server, name)))

  /* "/rooms/one" and "/one" are two ways to the same room; all others are rooms of their own */
  await Promise.all(clients.slice(1, 4).map((client, i) => converged([client, visitors[i + 1]])))
  for (const i of [1, 2, 3]) assert.equal(visitors[i].doc.getText('text').toString(), `in ${names[i]}`)
  await converged([clients[0], clients[4], visitors[0], visitors[4]])
  assert.equal(visitors[0].doc.getText('text').length, 'in one'.length + 'in rooms/one'.length)
})

test('edits made offline on both sides merge when they reconnect', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'room')
  const bob = await YjsClient.join(t, server, 'room')
  ada.doc.getText('text').insert(0, 'shared')
  await converged([ada, bob])

  await Promise.all([ada.goOffline(), bob.goOffline()])
  ada.doc.getText('text').insert(0, 'before ')
  ada.doc.getText('text').delete(7, 2)
  bob.doc.getText('text').insert(6, ' after')
  bob.doc.getText('text').delete(4, 2)
  await Promise.all([ada.goOnline(), bob.goOnline()])
  await converged([ada, bob])
  assert.equal(ada.doc.getText('text').toString(), 'before ar after')
  assert.deepEqual(contentOf(bob), contentOf(ada))
})

function editAtRandom ({ doc }, random) {
  const text = doc.getText('text')
  const map = doc.getMap('map')
  const array = doc.getArray('array')
  const xml = doc.getXmlFragment('xml')
  const edits = [
    () => text.insert(random.below(text.length + 1), random.word()),
    () => text.insert(random.below(text.length + 1), random.word(), { italic: true }),
    () => text.length > 3 && text.delete(random.below(text.length - 3), 1 + random.below(3)),
    () => map.set(random.pick(['a', 'b', 'c']), random.word()),
    () => map.set(random.pick(['a', 'b', 'c']), new Y.Text(random.word())),
    () => map.delete(random.pick(['a', 'b', 'c'])),
    () => array.insert(random.below(array.length + 1), [random.below(1000), new Uint8Array([random.below(256)])]),
    () => array.length > 0 && array.delete(random.below(array.length), 1),
    () => xml.insert(random.below(xml.length + 1), [new Y.XmlElement(random.pick(['p', 'em', 'h1']))]),
    () => xml.length > 0 && xml.get(random.below(xml.length)).insert(0, [new Y.XmlText(random.word())])
  ]
  random.pick(edits)()
}

test('20 clients that edit at random, and come and go, converge', { timeout: 120000 }, async t => {
  const server = await Server.start(t)
  const random = new Random(seedFor(t))
  const clients = await Promise.all(Array.from({ length: 20 }, () => YjsClient.join(t, server, 'crowd')))

  for (let round = 0; round < 15; round++) {
    const traveller = random.pick(clients)
    await traveller.goOffline()
    for (let i = 0; i < 40; i++) editAtRandom(random.pick(clients), random)
    await traveller.goOnline()
  }
  await converged(clients)
  const late = await YjsClient.join(t, server, 'crowd')
  await converged([...clients, late])
  for (const client of [...clients.slice(1), late]) assert.deepEqual(contentOf(client), contentOf(clients[0]))
})
