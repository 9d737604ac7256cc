// SPDX-License-Identifier: MIT
// Servers that are killed while clients write as fast as they can, again and again on one file:
//
//     fresh clients write --> SIGKILL at a random moment --> the log's end is torn, at times
//          ^                                                        |
//          '--- the promised updates are all there <--- new start <-'
//
// What was promised is what an echo came for. The clients that know it do not come back: what a new server has, it has
// from the file.
import assert from 'node:assert/strict'
import * as Y from 'yjs'

import { Random, seedFor } from './random.mjs'
import { Store, documentOf, metric, mustHold, urlOf } from './store.mjs'
import { tear } from './torn-wal.mjs'
import { until } from './until.mjs'
import { Writer } from './writer.mjs'

const ROOMS = ['blog', 'team/notes', 'é']
const WRITERS = 6

/* Updates of a writer that may be on their way. */
const WINDOW = 16

/* Larger than a document that is stored with each change: then it is saved whole all the time. */
const PASTE_BYTES = 80_000
const LARGE_BYTES = 6_000_000

function edit (random, { doc }) {
  const text = doc.getText('text')
  const at = random.below(text.length + 1)
  random.pick([
    () => text.insert(at, random.word()),
    () => text.insert(at, random.word()),
    () => text.delete(at, random.below(Math.min(20, text.length - at) + 1)),
    () => doc.getMap('map').set('paste', random.word().padEnd(PASTE_BYTES, 'x')),
    () => doc.getMap('map').set(random.word(), random.below(1000))
  ])()
}

/** Writes until the connection ends. */
function writeOn (random, writer) {
  const write = () => {
    while (writer.isOpen && writer.updates.length - writer.savedCount < WINDOW) edit(random, writer)
  }
  writer.isOpen = true
  writer.closed.then(() => { writer.isOpen = false })
  writer.on('message', write)
  write()
}

/** A large document, so that the kill comes while it is written. */
function writeMuch (random, { doc }) {
  doc.getMap('map').set('large', random.word().padEnd(LARGE_BYTES, 'x'))
  doc.getText('text').insert(0, 'behind it')
  doc.getMap('map').set('large', random.word().padEnd(LARGE_BYTES, 'y'))
  doc.getText('text').insert(0, 'and behind that, ')
}

class Crashes {
  constructor (t, random) {
    this.t = t
    this.random = random
    this.store = new Store(t)
    this.promised = new Map() /* of each room the document that a server had from the file */
    this.tally = { updates: 0, promised: 0, torn: 0 }
  }

  async play (round) {
    const server = await this.store.serve()
    await this.mustHaveAll(server)
    await this.removeSome(server, round)
    const isLarge = round % 3 === 2
    const rooms = isLarge ? [...ROOMS, `large ${round}`] : ROOMS
    this.writers = await Promise.all(Array.from({ length: WRITERS }, async (_, i) => {
      const room = isLarge && i === 0 ? rooms.at(-1) : ROOMS[i % ROOMS.length]
      return Object.assign(await Writer.join(this.t, server, room), { room })
    }))
    if (isLarge) writeMuch(this.random, this.writers[0])
    for (const writer of this.writers.slice(isLarge ? 1 : 0)) writeOn(this.random, writer)
    await this.somewhen()
    await server.stop('SIGKILL')
    await Promise.all(this.writers.map(writer => writer.closed))
    if (round % 3 === 1) this.tally.torn += tear(this.random, `${this.store.path}-wal`)
  }

  /** A random moment: so many echoes later, and then some. */
  async somewhen () {
    let left = 1 + this.random.below(100)
    const count = () => { left -= this.writers.some(writer => writer.savedCount > 0) }
    for (const writer of this.writers) writer.on('message', count)
    await until('echoes', () => left <= 0, this.writers.map(writer => [writer, 'message']))
    await new Promise(resolve => setTimeout(resolve, this.random.below(60)))
  }

  /** What the last server has promised, and what one before it had. */
  async mustHaveAll (server) {
    const rooms = new Set([...this.promised.keys(), ...this.writers?.map(({ room }) => room) ?? []])
    for (const room of rooms) {
      const before = this.promised.get(room)
      const doc = await documentOf(server, room) ?? new Y.Doc()
      if (before) mustHold(doc, [Y.encodeStateAsUpdate(before)], `${room}, from earlier`)
      for (const writer of this.writers.filter(writer => writer.room === room)) {
        mustHold(doc, writer.savedUpdates, room)
        this.tally.updates += writer.updates.length
        this.tally.promised += writer.savedCount
      }
      this.promised.set(room, doc)
    }
    assert.equal(await metric(server, 'ysync_store_errors_total'), 0)
    this.store.mustBeInOrder()
  }

  /** What is large, and now and then the others too, before they are: a new one then takes its place. */
  async removeSome (server, round) {
    for (const room of this.promised.keys()) {
      if (ROOMS.includes(room) && round % 8 !== 0) continue
      await fetch(urlOf(server, room), { method: 'DELETE' })
      this.promised.delete(room)
    }
  }
}

export async function crash (t, rounds) {
  const seed = seedFor(t)
  const crashes = new Crashes(t, new Random(seed))
  for (let round = 0; round < rounds; round++) await crashes.play(round)
  await crashes.mustHaveAll(await crashes.store.serve())
  t.diagnostic(JSON.stringify(crashes.tally))
  assert.ok(crashes.tally.promised > 0)
}
