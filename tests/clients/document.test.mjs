// SPDX-License-Identifier: MIT
// The document against Yjs: random histories of several clients travel through a relay of ours, out of order, twice, or
// not at the first try; in the end all must hold what Yjs holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as Y from 'yjs'

import { contentOf, randomEdit, roots, undoFor } from './support/history.mjs'
import { Random, seedFor } from './support/random.mjs'
import { Relay, gc } from './support/relay.mjs'

const rounds = Number(process.env.YSYNC_ROUNDS ?? 200)

/** A Y.Doc with a queue in each direction: messages are taken from them in any order. */
class Client {
  constructor (random, number, hub) {
    this.random = random
    this.number = number
    this.hub = hub
    this.incoming = []
    this.outgoing = []
    this.doc = new Y.Doc()
    this.doc.clientID = random.below(2) ? number + 1 : random.below(2 ** 32)
    for (const root of Object.values(roots)) root(this.doc)
    this.undo = undoFor(random, this.doc)
    this.doc.on('update', (update, origin) => { if (origin !== hub) this.outgoing.push(update) })
  }

  edit () {
    if (this.random.below(12) === 0) this.undo()
    else randomEdit(this.random, this.doc)
  }

  /** Takes a message from the queue, mostly the first one; it may stay there, to come twice, or get lost until sync. */
  #take (queue) {
    const at = this.random.below(3) === 0 ? this.random.below(queue.length) : 0
    const [message] = this.random.below(10) === 0 ? [queue[at]] : queue.splice(at, 1)
    return this.random.below(20) === 0 ? null : message
  }

  async send (relay) {
    if (this.outgoing.length === 0) return
    let message = this.#take(this.outgoing)
    if (message !== null && this.outgoing.length > 1 && this.random.below(6) === 0) {
      message = Y.mergeUpdates([message, ...this.outgoing.splice(this.random.below(this.outgoing.length), 1)])
    }
    if (message !== null) await this.sendNow(relay, message)
  }

  async sendNow (relay, message) {
    for (const { origin, bytes } of await relay.apply(message, this.number)) {
      for (const other of this.hub) {
        if (other.number !== origin) other.incoming.push(bytes)
      }
    }
  }

  receive () {
    if (this.incoming.length === 0) return
    const message = this.#take(this.incoming)
    if (message !== null) Y.applyUpdate(this.doc, message, this.hub)
  }

  /** Sync steps 1 and 2 in both directions. */
  async sync (relay) {
    Y.applyUpdate(this.doc, await relay.diff(Y.encodeStateVector(this.doc)), this.hub)
    await this.sendNow(relay, Y.encodeStateAsUpdate(this.doc, await relay.stateVector()))
  }
}

function loaded (...updates) {
  const doc = new Y.Doc()
  for (const root of Object.values(roots)) root(doc)
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function deletesOf (update) {
  const { ds } = Y.decodeUpdate(update)
  return Array.from(ds.clients, ([client, ranges]) => [client, ranges.map(({ clock, len }) => [clock, len])])
    .sort((a, b) => a[0] - b[0])
}

async function playRound (relay, random) {
  const hub = []
  const halfway = []
  await relay.reset()
  await relay.setGc(random.pick([gc.compact, gc.compact, gc.eager, gc.off]))
  for (let n = 2 + random.below(random.pick([3, 8, 28])); n > 0; n--) hub.push(new Client(random, n, hub))
  for (let steps = 20 + random.below(200); steps > 0; steps--) {
    const client = random.pick(hub)
    await random.pick([
      () => client.edit(),
      () => client.edit(),
      () => client.send(relay),
      () => client.send(relay),
      () => client.receive(),
      () => client.receive(),
      () => random.below(8) === 0 && client.sync(relay),
      async () => random.below(20) === 0 && halfway.push(await relay.diff()),
      () => random.below(30) === 0 && relay.saveAndLoad(),
      () => random.below(8) === 0 && relay.compact(random.pick([undefined, 1, 60, 200])),
      async () => {
        if (random.below(20) > 0) return
        const joiner = new Client(random, hub.length + 1, hub)
        hub.push(joiner)
        await joiner.sync(relay)
      }
    ])()
  }
  return { hub, halfway }
}

/** Until nobody has anything for anybody: what a client tidies up when it hears of others is an edit again. */
async function settle (relay, hub) {
  for (const client of hub) await client.sync(relay)
  for (const client of hub) await client.sync(relay)
  for (let quiet = false; !quiet;) {
    quiet = true
    for (const client of hub) {
      client.incoming.length = 0
      if (client.outgoing.length > 0) quiet = false
      client.outgoing.length = 0
      await client.sync(relay)
    }
  }
  for (const client of hub) await client.sync(relay)
}

async function checkRound (relay, random, { hub, halfway }) {
  if (random.below(2) === 0) await relay.compact()
  const whole = await relay.diff()
  const oracle = hub[0].doc
  const fresh = loaded(whole)

  assert.deepEqual(Y.decodeStateVector(await relay.stateVector()), Y.decodeStateVector(Y.encodeStateVector(oracle)))
  assert.deepEqual(contentOf(fresh), contentOf(oracle))
  for (const { doc } of hub) assert.deepEqual(contentOf(doc), contentOf(oracle))
  assert.deepEqual(deletesOf(whole), deletesOf(Y.encodeStateAsUpdate(oracle)))
  for (const update of halfway) {
    const peer = loaded(update)
    Y.applyUpdate(peer, await relay.diff(Y.encodeStateVector(peer)))
    assert.deepEqual(contentOf(peer), contentOf(oracle))
  }
  /* What the relay hands out is a document for another relay. */
  assert.equal(await relay.lacks(whole), false)
  await relay.reset()
  await relay.apply(whole)
  assert.deepEqual(Buffer.from(await relay.diff()), Buffer.from(whole))
}

test('random histories end as they end in Yjs', { timeout: 600_000 * Math.ceil(rounds / 200) }, async t => {
  const seed = seedFor(t)
  const relay = new Relay()
  t.after(() => relay.close())
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed + round)
    try {
      const played = await playRound(relay, random)
      await settle(relay, played.hub)
      await checkRound(relay, random, played)
    } catch (error) {
      error.message = `YSYNC_SEED=${seed + round} YSYNC_ROUNDS=1: ${error.message}`
      throw error
    }
  }
})
