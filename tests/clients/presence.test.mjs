// SPDX-License-Identifier: MIT
// Who is there, where their cursors are, and what that costs.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import * as decoding from 'lib0/decoding'

import { AWARENESS, RawClient, awarenessEntries, syncStatus, SYNC_STATUS } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'
import { YjsClient } from './support/yjs-client.mjs'

const sees = (watcher, what, holds) =>
  until(what, () => holds(watcher.awareness.getStates()), [[watcher.awareness, 'change']])

test('a joiner sees who is there', async t => {
  const server = await Server.start(t)
  const ada = await YjsClient.join(t, server, 'room')
  ada.awareness.setLocalState({ name: 'ada', cursor: { line: 3 } })
  const bob = await YjsClient.join(t, server, 'room')
  bob.awareness.setLocalState({ name: 'bob' })

  await sees(bob, 'ada at bob', states => states.has(ada.doc.clientID))
  await sees(ada, 'bob at ada', states => states.get(bob.doc.clientID)?.name === 'bob')
  assert.deepEqual(bob.awareness.getStates().get(ada.doc.clientID), { name: 'ada', cursor: { line: 3 } })
})

test('presence is told to the same room only', async t => {
  const server = await Server.start(t)
  const elsewhere = await RawClient.join(t, server, 'elsewhere')
  const [ada, bob] = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  ada.awareness.setLocalState({ name: 'ada' })
  await sees(bob, 'ada at bob', states => states.get(ada.doc.clientID)?.name === 'ada')
  await elsewhere.fence()
  assert.deepEqual(elsewhere.messages(AWARENESS), [])
})

test('a client that leaves disappears, and one that comes back is seen again', async t => {
  const server = await Server.start(t)
  const [ada, bob] = [await YjsClient.join(t, server, 'room'), await YjsClient.join(t, server, 'room')]
  ada.awareness.setLocalState({ name: 'ada' })
  await sees(bob, 'ada at bob', states => states.has(ada.doc.clientID))
  await ada.goOffline()
  await sees(bob, 'ada gone', states => !states.has(ada.doc.clientID))
  ada.awareness.setLocalState({ name: 'ada again' })
  await ada.goOnline()
  await sees(bob, 'ada back', states => states.get(ada.doc.clientID)?.name === 'ada again')
})

test('a client whose process is killed disappears at once', async t => {
  const server = await Server.start(t)
  const bob = await YjsClient.join(t, server, 'room')
  const script = fileURLToPath(new URL('support/present.mjs', import.meta.url))
  const victim = spawn(process.execPath, [script, server.ws, 'room'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => victim.kill('SIGKILL'))
  const [line] = await once(victim.stdout, 'data')
  const id = Number(line)
  await sees(bob, 'the victim', states => states.get(id)?.name === 'victim')

  const killed = performance.now()
  victim.kill('SIGKILL')
  await sees(bob, 'the victim gone', states => !states.has(id))
  const elapsed = performance.now() - killed
  assert.ok(elapsed < 5000, `it took ${Math.round(elapsed)} ms; clients that went silent are only dropped after 30 s`)
})

/** Moves every cursor and returns how many awareness messages the server sent to all of them for that. */
async function messagesForMovingCursors (t, clientCount, moves) {
  const server = await Server.start(t)
  const clients = []
  for (let i = 0; i < clientCount; i++) clients.push(await YjsClient.join(t, server, 'cursors'))
  let awarenessMessages = 0
  for (const { provider } of clients) {
    provider.ws.on('message', data => { if (new Uint8Array(data)[0] === AWARENESS) awarenessMessages++ })
  }
  const allSee = move => Promise.all(clients.map(watcher => sees(watcher, `move ${move}`, states =>
    clients.every(({ doc }) => states.get(doc.clientID)?.move === move))))

  clients.forEach(({ awareness }) => awareness.setLocalState({ move: 0 }))
  await allSee(0)
  await fenceTwice(clients)
  awarenessMessages = 0
  for (let move = 1; move <= moves; move++) {
    clients.forEach(({ awareness }) => awareness.setLocalState({ move }))
    await allSee(move)
  }
  await fenceTwice(clients)
  return awarenessMessages
}

/* Once round to the server and back shows that what the clients sent has been taken in; the second time, that what
 * the server sent the others because of it has arrived. */
async function fenceTwice (clients) {
  await fence(clients)
  await fence(clients)
}

function fence (clients) {
  return Promise.all(clients.map(({ provider }) => new Promise(resolve => {
    provider.messageHandlers[SYNC_STATUS] = (_encoder, decoder) => {
      decoding.readVarUint8Array(decoder)
      resolve()
    }
    provider.ws.send(syncStatus(new Uint8Array()))
  })))
}

for (const clientCount of [5, 10, 20]) {
  test(`${clientCount} moving cursors: each move is sent once to each of the others`, async t => {
    const moves = 10
    assert.equal(await messagesForMovingCursors(t, clientCount, moves), moves * clientCount * (clientCount - 1))
  })
}

test('a relayed state is not relayed again when its receivers send it back', async t => {
  const server = await Server.start(t)
  const watcher = await RawClient.join(t, server, 'room')
  const ada = await YjsClient.join(t, server, 'room')
  const others = await Promise.all(Array.from({ length: 9 }, () => YjsClient.join(t, server, 'room')))
  ada.awareness.setLocalState({ name: 'ada' })
  await Promise.all(others.map(other => sees(other, 'ada', states => states.get(ada.doc.clientID)?.name === 'ada')))
  await fenceTwice([ada, ...others])
  await watcher.fence()
  const told = watcher.messages(AWARENESS).flatMap(awarenessEntries)
    .filter(entry => entry.client === ada.doc.clientID && entry.state?.name === 'ada')
  assert.equal(told.length, 1)
})
