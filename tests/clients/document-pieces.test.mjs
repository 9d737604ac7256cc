// SPDX-License-Identifier: MIT
// Updates that come in pieces, cut and merged anew, with gaps, and without what they refer to: whatever of them a Yjs
// client can take in is taken in at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { contentOf } from './support/content.mjs'
import { yjs13 } from './support/history.mjs'
import { roundsOr } from './support/play.mjs'
import { Random, seedFor } from './support/random.mjs'
import { Relay } from './support/relay.mjs'

const { rounds, timeout } = roundsOr(300)

/** A few writers who write between each other's letters, in a text that is now and then replaced: then what was in the
 * old one is collected by whoever hears of it. What they write elsewhere refers to nobody else. From some of them nothing comes for long. */
class Writers {
  constructor (random) {
    this.random = random
    this.silent = new Set([1, 1 + random.below(4)])
    this.updates = []
    this.states = [] /* of whomever, at any time */
    this.docs = Array.from({ length: 2 + random.below(3) }, (_, i) => {
      const doc = yjs13.newDoc()
      doc.clientID = i + 1
      doc.on('update', (update, origin) => {
        if (origin !== this) this.updates.push(update)
        this.states.push(Y.encodeStateAsUpdate(doc))
      })
      return doc
    })
  }

  edit () {
    const doc = this.random.pick(this.docs)
    const map = doc.getMap('map')
    const text = map.get('text')
    if (this.random.below(3) === 0) map.set(`of ${doc.clientID}`, this.random.below(9))
    else if (text === undefined || this.random.below(8) === 0) map.set('text', new Y.Text('new'))
    else if (this.random.below(8) === 0) map.delete('text')
    else text.insert(this.random.below(text.length + 1), 'abc'.slice(this.random.below(3)))
  }

  share () {
    const [from, to] = [this.random.pick(this.docs), this.random.pick(this.docs)]
    Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), this)
  }

  /** Of each client all, nothing, or what follows a clock. */
  #cut (update) {
    const { to } = Y.parseUpdateMeta(update)
    const from = (client, end) => this.silent.has(client) ? end : this.random.pick([0, end, this.random.below(end + 1)])
    const vector = Array.from(to, ([client, end]) => [client, from(client, end)])
    return Y.diffUpdate(update, Y.encodeStateVector(new Map(vector)))
  }

  piece () {
    const some = Array.from({ length: this.random.below(3) }, () => this.random.pick(this.updates))
    if (some.length === 0 || this.random.below(3) === 0) some.push(this.random.pick(this.states))
    return Y.mergeUpdates(some.map(update => this.#cut(update)))
  }
}

/** A document of Yjs that takes in whatever can be, however it came: of each update it remembers what does not fit yet.
 * (Yjs itself merges such pieces, and then has one of two that hold the same clocks.) */
class Ideal {
  constructor () {
    this.doc = yjs13.newReader()
    this.waiting = []
  }

  clocks () {
    return Y.decodeStateVector(Y.encodeStateVector(this.doc))
  }

  take (update) {
    this.waiting.push(update)
    for (let before = null; before === null || sumOf(before) < sumOf(this.clocks());) {
      before = this.clocks()
      for (const update of this.waiting) {
        Y.applyUpdate(this.doc, Y.diffUpdate(update, Y.encodeStateVector(this.doc)))
        this.doc.store.pendingStructs = null
      }
    }
    const isLacking = ([client, end]) => end > (this.clocks().get(client) ?? 0)
    this.waiting = this.waiting.filter(update => Array.from(Y.parseUpdateMeta(update).to).some(isLacking))
  }
}

const sumOf = clocks => Array.from(clocks.values()).reduce((sum, clock) => sum + clock, 0)

/** What was told and checked. */
const tally = { updates: 0, lacking: 0 }

async function play (relay, random) {
  const writers = new Writers(random)
  const ideal = new Ideal()
  const follower = new Ideal()
  const take = async update => {
    ideal.take(update)
    for (const { bytes } of await relay.apply(update)) follower.take(bytes)
    const clocks = Y.decodeStateVector(await relay.stateVector())
    const late = new Ideal()
    late.take(await relay.diff())
    assert.deepEqual(follower.clocks(), clocks, 'what is told must be what is there')
    assert.deepEqual(late.clocks(), clocks, 'who comes late must get no more than who was there')
    for (const [client, clock] of clocks) assert.ok(clock <= ideal.clocks().get(client), 'more than there can be')
    tally.updates++
    tally.lacking += sumOf(clocks) < sumOf(ideal.clocks())
  }

  await relay.reset()
  writers.docs[0].getMap('map').set('text', new Y.Text('new'))
  for (let steps = 20 + random.below(80); steps > 0; steps--) {
    await random.pick([
      () => writers.edit(),
      () => writers.edit(),
      () => writers.share(),
      () => random.below(20) === 0 && writers.silent.clear(),
      () => take(writers.piece())
    ])()
  }
  for (const doc of writers.docs) await take(Y.encodeStateAsUpdate(doc))
  for (const doc of writers.docs) Y.applyUpdate(doc, await relay.diff(), writers)
  for (const doc of [ideal.doc, follower.doc, ...writers.docs]) assert.deepEqual(contentOf(doc), contentOf(writers.docs[0]))
}

test('what waits is taken in as soon as it can be', { timeout }, async t => {
  const seed = seedFor(t)
  const relay = new Relay()
  t.after(() => relay.close())
  for (let round = 0; round < rounds; round++) {
    try {
      await play(relay, new Random(seed + round))
    } catch (error) {
      error.message = `YSYNC_SEED=${seed + round} YSYNC_ROUNDS=1: ${error.message}`
      throw error
    }
  }
  /* Of two pieces that begin at the same clock only the longer is kept, though the other may have come as GC, which
   * refers to nothing. That is rare. */
  t.diagnostic(`${tally.updates} updates; ${tally.lacking} times there could have been more`)
  assert.ok(tally.lacking <= tally.updates / 100)
})
