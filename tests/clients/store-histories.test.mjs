// SPDX-License-Identifier: MIT
// Random histories of several clients in a room that is evicted, or whose server is stopped or killed, at any moment:
//
//     sent        what Yjs makes of all that the clients sent
//     promised    what it makes of that part of which they were told that it is saved
//
// Each time nobody is in the room any more, a new server's document holds all that was promised, and is what was sent
// when all of that was saved. In the end the clients have all of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'

import { contentOf } from './support/content.mjs'
import { yjs13 } from './support/history.mjs'
import { roundsOr, takeIn } from './support/play.mjs'
import { Random, seedFor } from './support/random.mjs'
import { Store, urlOf } from './support/store.mjs'
import { until } from './support/until.mjs'
import { Writer } from './support/writer.mjs'
import { converged } from './support/yjs-client.mjs'

const { rounds, timeout } = roundsOr(20)

/** A document that is now and then behind a line to the server. */
class Client {
  constructor (history) {
    this.history = history
    this.random = history.random
    this.doc = yjs13.newDoc()
    this.undo = yjs13.undoFor(this.random, this.doc)
    this.line = null
    this.mayLack = false /* the server may not have got what it sent */
  }

  edit () {
    if (this.random.below(8) === 0) this.undo()
    else yjs13.randomEdit(this.random, this.doc)
  }

  type () {
    let cursor = this.random.below(3)
    for (let letters = this.random.below(6); letters > 0; letters--) {
      cursor = yjs13.typeAt(this.doc, cursor, this.random.letter())
    }
  }

  /** Tells another client what it lacks, past the server, which then hears of what refers to it first. */
  whisper ({ doc, line }) {
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(doc)), line)
  }

  async connect () {
    const { t, server, room } = this.history
    this.line ??= await Writer.join(t, server, room, this.doc)
  }

  async saved () {
    if (this.line === null) return
    await this.line.saved()
    this.mayLack = false
  }

  async disconnect () {
    if (this.line === null) return
    await this.line.leave()
    this.lineHasEnded()
  }

  lineHasEnded () {
    const { sent, promised } = this.history
    for (const update of this.line.updates) takeIn(sent, update)
    for (const update of this.line.savedUpdates) takeIn(promised, update)
    this.mayLack ||= this.line.savedCount < this.line.updates.length
    this.line = null
  }
}

class History {
  constructor (t, store, random, room) {
    Object.assign(this, { t, store, random, room })
    this.sent = yjs13.newReader()
    this.promised = yjs13.newReader()
    this.options = random.below(4) === 0 ? ['--no-gc'] : []
    this.clients = Array.from({ length: 2 + random.below(3) }, () => new Client(this))
    this.ends = { evict: 0, stop: 0, kill: 0 }
  }

  async start () {
    this.server = await this.store.serve('--evict-after', '0', ...this.options)
  }

  connected () {
    return this.clients.filter(({ line }) => line !== null)
  }

  async allSaved () {
    for (const client of this.clients) await client.saved()
  }

  async evict () {
    if (this.connected().length === 0) return
    if (this.random.below(2) === 0) await this.allSaved()
    const evictions = () => this.server.log.filter(line => line.includes(' room_evicted ')).length
    const before = evictions()
    for (const client of this.connected()) await client.disconnect()
    await until('an eviction', () => evictions() > before, [[this.server.logLines, 'line']])
    this.ends.evict++
    await this.check()
  }

  /** SIGTERM, or SIGKILL in the midst of anything. */
  async restart (signal) {
    if (this.random.below(2) === 0) await this.allSaved()
    const lines = this.connected()
    await this.server.stop(signal)
    for (const client of lines) {
      await client.line.closed
      client.lineHasEnded()
    }
    await this.start()
    this.ends[signal === 'SIGTERM' ? 'stop' : 'kill']++
    await this.check()
  }

  async check () {
    const answer = await fetch(urlOf(this.server, this.room))
    const stored = yjs13.newReader()
    if (answer.status === 200) takeIn(stored, new Uint8Array(await answer.arrayBuffer()))
    else assert.equal(answer.status, 404)
    if (!this.clients.some(({ mayLack }) => mayLack)) assert.deepEqual(contentOf(stored), contentOf(this.sent))
    const before = Y.snapshot(stored)
    takeIn(stored, Y.encodeStateAsUpdate(this.promised))
    assert.ok(Y.equalSnapshots(before, Y.snapshot(stored)), 'what was promised is not there')
  }

  async play () {
    const { random } = this
    await this.start()
    for (let steps = 30 + random.below(120); steps > 0; steps--) {
      const client = random.pick(this.clients)
      await random.pick([
        () => client.edit(),
        () => client.edit(),
        () => client.type(),
        () => client.connect(),
        () => client.connect(),
        () => random.below(3) === 0 && client.whisper(random.pick(this.clients)),
        () => random.below(3) === 0 && client.saved(),
        () => random.below(3) === 0 && client.disconnect(),
        () => random.below(6) === 0 && this.evict(),
        () => random.below(8) === 0 && this.restart(random.pick(['SIGTERM', 'SIGKILL', 'SIGKILL']))
      ])()
    }
  }

  /** What clients tidy up when they hear of others is an edit again. */
  async settle () {
    for (const client of this.clients) await client.connect()
    const isSettled = () => this.clients.every(({ line }) => line.savedCount === line.updates.length)
    do {
      await converged(this.clients)
      await this.allSaved()
    } while (!isSettled())
    await converged(this.clients)
  }

  async checkEnd () {
    const [{ doc }] = this.clients
    for (const client of this.clients) assert.deepEqual(contentOf(client.doc), contentOf(doc))
    await this.restart('SIGKILL')
    assert.deepEqual(contentOf(this.sent), contentOf(doc))
    const stored = this.store.read(this.room)
    assert.ok(Y.equalSnapshots(Y.snapshot(stored), Y.snapshot(doc)))
    await this.server.stop('SIGTERM')
  }
}

test('random histories outlive evictions, stops and kills', { timeout }, async t => {
  const seed = seedFor(t)
  const store = new Store(t)
  const ends = { evict: 0, stop: 0, kill: 0 }
  for (let round = 0; round < rounds; round++) {
    const history = new History(t, store, new Random(seed + round), `room ${round}`)
    try {
      await history.play()
      await history.settle()
      await history.checkEnd()
    } catch (error) {
      error.message = `YSYNC_SEED=${seed + round} YSYNC_ROUNDS=1: ${error.message}`
      throw error
    }
    for (const end of Object.keys(ends)) ends[end] += history.ends[end]
  }
  store.mustBeInOrder()
  t.diagnostic(JSON.stringify(ends))
})
