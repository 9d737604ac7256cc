// SPDX-License-Identifier: MIT
// A room played through: clients of one or several versions of Yjs write random histories, which travel through a relay
// of ours, out of order, twice, or not at the first try. At any moment the relay must hold what Yjs would hold in its
// place, and in the end all must hold the same.
import assert from 'node:assert/strict'

import { contentOf } from './content.mjs'
import { yjs13 } from './history.mjs'
import { Random, seedFor } from './random.mjs'
import { Relay, gc } from './relay.mjs'

function loaded ({ Y, newReader }, ...updates) {
  const doc = newReader()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function clocksOf (stateVector) {
  return yjs13.Y.decodeStateVector(stateVector)
}

function sumOfClocks (doc) {
  return Array.from(clocksOf(yjs13.Y.encodeStateVector(doc)).values()).reduce((sum, clock) => sum + clock, 0)
}

function deletesOf (update) {
  const { ds } = yjs13.Y.decodeUpdate(update)
  return Array.from(ds.clients, ([client, ranges]) => [client, ranges.map(({ clock, len }) => [clock, len])])
    .sort((a, b) => a[0] - b[0])
}

/** Yjs 13 leaves some structs pending although all that they need has come, until more comes: it notes one missing clock
 * for each client, not always the lowest; and it looks at what a struct refers to before it looks whether the struct is
 * known, which those that were collected elsewhere often are. A relay does not have to wait for that: nor does this. */
export function takeIn (doc, update) {
  const { Y } = yjs13
  Y.applyUpdate(doc, Y.diffUpdate(update, Y.encodeStateVector(doc)))
  for (let before = -1; doc.store.pendingStructs !== null && before < sumOfClocks(doc);) {
    const waiting = Y.diffUpdateV2(doc.store.pendingStructs.update, Y.encodeStateVector(doc))
    doc.store.pendingStructs = null
    before = sumOfClocks(doc)
    Y.applyUpdateV2(doc, waiting)
  }
}

/** The relay, and beside it two documents of Yjs 13: `server` takes what the relay takes, `follower` what it passes on.
 * (Yjs 14 would not do: what it makes of structs behind a gap depends on the way in which it heard of them.) */
class Room {
  constructor (relay, versions) {
    this.relay = relay
    this.versions = versions
    this.clients = []
    this.sent = []
    this.wasSaved = false
    this.server = yjs13.newReader()
    this.follower = yjs13.newReader()
  }

  join (random) {
    const client = new Client(random, random.pick(this.versions), this)
    this.clients.push(client)
    return client
  }

  /** Takes a message in, and passes on what was new to everybody else. */
  async take (message, from) {
    const { Y } = yjs13
    const before = sumOfClocks(this.follower)
    let passedOn = 0
    this.sent.push(...Y.decodeUpdate(message).structs.map(struct => ({ from, struct })))
    takeIn(this.server, message)
    for (const { origin, bytes } of await this.relay.apply(message, from)) {
      Y.applyUpdate(this.follower, bytes)
      for (const struct of Y.decodeUpdate(bytes).structs) {
        passedOn += struct.length
        assert.ok(this.#hasSent(origin, struct.id), `${origin} is said to have sent what somebody else did`)
      }
      for (const client of this.clients) {
        if (client.number !== origin) client.incoming.push(bytes)
      }
    }
    assert.equal(this.follower.store.pendingStructs, null, 'what is passed on must not have to wait for anything')
    assert.equal(passedOn, sumOfClocks(this.follower) - before, 'what is passed on must be new')
    await this.checkStateVector()
  }

  /** What is pending when a document is saved has no origin (0) any more. */
  #hasSent (number, { client, clock }) {
    if (number === 0) return this.wasSaved
    return this.sent.some(({ from, struct: { id, length } }) =>
      from === number && id.client === client && id.clock <= clock && clock < id.clock + length)
  }

  saveAndLoad () {
    this.wasSaved = true
    return this.relay.saveAndLoad()
  }

  async checkStateVector () {
    assert.deepEqual(clocksOf(await this.relay.stateVector()), clocksOf(yjs13.Y.encodeStateVector(this.server)))
  }

  /** What it hands out must be what the server holds; of which what a client lacks must be as good as all for it. */
  async checkAgainstServer ({ doc, Y }) {
    const whole = await this.relay.diff()
    const state = Y.encodeStateAsUpdate(doc)
    const lacked = await this.relay.diff(Y.encodeStateVector(doc))
    assert.deepEqual(contentOf(loaded(yjs13, whole)), contentOf(this.server))
    assert.deepEqual(contentOf(loaded(yjs13, state, lacked)), contentOf(loaded(yjs13, state, whole)))
  }
}

/** Has the document taken in all that it heard of? */
function isWhole (Y, doc) {
  const { structs } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc))
  return doc.store.pendingStructs === null && !structs.some(struct => struct instanceof Y.Skip)
}

/** What was merged must say what Yjs says by it, and bring a document to the same state as the single updates. */
function checkMerged (version, state, updates, merged) {
  const theirs = yjs13.Y.mergeUpdates(updates)
  assert.deepEqual(deletesOf(merged), deletesOf(theirs))
  assert.deepEqual(referencesOf(merged), referencesOf(theirs))
  const one = loaded(version, state, merged)
  const each = loaded(version, state, ...updates)
  if (isWhole(version.Y, one) && isWhole(version.Y, each)) assert.deepEqual(contentOf(one), contentOf(each))
}

/** A Y.Doc with a queue in each direction: messages are taken from them in any order. */
class Client {
  constructor (random, version, room) {
    this.random = random
    this.version = version
    this.Y = version.Y
    this.room = room
    this.number = room.clients.length + 1
    this.incoming = []
    this.outgoing = []
    this.slowness = random.pick([1, 1, 2, 8])
    this.doc = version.newDoc()
    this.doc.clientID = random.pick([this.number, this.number, random.below(2 ** 32), random.below(2 ** 53)])
    this.undo = version.undoFor(random, this.doc)
    this.doc.on('update', (update, origin) => { if (origin !== room) this.outgoing.push(update) })
  }

  edit () {
    if (this.random.below(12) === 0) this.undo()
    else this.version.randomEdit(this.random, this.doc)
  }

  /** Letter by letter, each a message, at a place where others type too: structs that extend each other, or would if
   * nobody had come between. Now and then it is much, so that the lengths of structs take more bytes. */
  type () {
    const at = this.random.below(3)
    const first = this.random.below(40) === 0 ? 'n'.repeat(16380) : this.random.letter()
    let cursor = this.version.typeAt(this.doc, at, first)
    for (let letters = this.random.below(6); letters > 0; letters--) {
      if (this.random.below(3) === 0) this.receive()
      cursor = this.version.typeAt(this.doc, cursor, this.random.letter())
    }
  }

  /** Has written much before the relay hears of it; what another one deleted of it since comes first. */
  async bringMuch (other) {
    for (let edits = 20; edits > 0; edits--) this.edit()
    this.outgoing.length = 0
    this.whisper(other)
    for (let edits = 3; edits > 0; edits--) other.edit()
    const nothingButDeletions = other.Y.encodeStateAsUpdate(other.doc, other.Y.encodeStateVector(other.doc))
    if (this.random.below(2) === 0) await this.room.take(nothingButDeletions, other.number)
    await this.sync()
    await this.room.checkAgainstServer(other)
  }

  /** Tells another client what it lacks, past the relay, which then hears of what refers to it first. */
  whisper ({ doc, Y }) {
    Y.applyUpdate(doc, this.Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(doc)), this.room)
  }

  /** Writes, and tells another one past the relay; which hears of what that one makes of it first. */
  async inspire (other) {
    this.edit()
    this.type()
    this.whisper(other)
    other.type()
    other.edit()
    while (other.outgoing.length > this.random.below(4)) await other.send()
  }

  /** Takes a message from the queue, mostly the first one; it may stay there, to come twice, or get lost until sync. */
  #take (queue) {
    const at = this.random.below(3) === 0 ? this.random.below(queue.length) : 0
    const [message] = this.random.below(10) === 0 ? [queue[at]] : queue.splice(at, 1)
    return this.random.below(20) === 0 ? null : message
  }

  async send () {
    if (this.outgoing.length === 0 || this.random.below(this.slowness) > 0) return
    let message = this.#take(this.outgoing)
    if (message !== null && this.outgoing.length > 1 && this.random.below(6) === 0) {
      message = this.Y.mergeUpdates([message, ...this.outgoing.splice(this.random.below(this.outgoing.length), 1)])
    }
    if (message !== null) await this.room.take(message, this.number)
  }

  receive () {
    if (this.incoming.length === 0) return
    const message = this.#take(this.incoming)
    if (message !== null) this.Y.applyUpdate(this.doc, message, this.room)
  }

  /** Takes what waits as one message, which must say what the single ones say. */
  async receiveMerged () {
    const waiting = this.incoming.splice(0, 1 + this.random.below(40))
    const merged = await this.room.relay.merge(waiting)
    checkMerged(this.version, this.Y.encodeStateAsUpdate(this.doc), waiting, merged)
    this.Y.applyUpdate(this.doc, merged, this.room)
  }

  /** Sync steps 1 and 2 in both directions. */
  async sync () {
    const { relay } = this.room
    this.Y.applyUpdate(this.doc, await relay.diff(this.Y.encodeStateVector(this.doc)), this.room)
    await this.room.take(this.Y.encodeStateAsUpdate(this.doc, await relay.stateVector()), this.number)
  }
}

async function play (room, random) {
  const { relay } = room
  const halfway = []
  await relay.reset()
  room.gc = random.pick([gc.compact, gc.compact, gc.eager, gc.off])
  await relay.setGc(room.gc)
  for (let n = 2 + random.below(random.pick([3, 8, 28])); n > 0; n--) room.join(random)
  if (random.below(4) === 0) await room.clients[0].bringMuch(room.clients[1])
  for (let steps = 20 + random.below(200); steps > 0; steps--) {
    const client = random.pick(room.clients)
    await random.pick([
      () => client.edit(),
      () => client.edit(),
      () => random.below(2) === 0 && client.type(),
      () => client.send(),
      () => client.send(),
      () => client.receive(),
      () => client.receive(),
      () => random.below(2) === 0 && client.receiveMerged(),
      () => random.below(3) === 0 && client.inspire(random.pick(room.clients)),
      () => random.below(8) === 0 && client.sync(),
      async () => random.below(20) === 0 && halfway.push(await relay.diff()),
      () => random.below(30) === 0 && room.saveAndLoad(),
      () => random.below(8) === 0 && relay.compact(random.pick([undefined, 1, 60, 200])),
      () => random.below(4) === 0 && room.checkAgainstServer(client),
      () => random.below(20) === 0 && room.join(random).sync()
    ])()
  }
  return halfway
}

/** The deleted clocks whose content is still there. */
function deletedContentOf (update) {
  const { structs, ds } = yjs13.Y.decodeUpdate(update)
  const isDeleted = (client, clock) =>
    (ds.clients.get(client) ?? []).some(range => range.clock <= clock && clock < range.clock + range.len)
  return structs.filter(({ content }) => content && !(content instanceof yjs13.Y.ContentDeleted))
    .flatMap(({ id, length }) => Array.from({ length }, (_, i) => [id.client, id.clock + i]))
    .filter(([client, clock]) => isDeleted(client, clock))
}

/** What each clock of the items refers to, however they were cut and merged. */
function referencesOf (update) {
  const references = new Map()
  for (const { id, length, origin, rightOrigin, content } of yjs13.Y.decodeUpdate(update).structs) {
    for (let i = 0; content && i < length; i++) {
      const left = i === 0 ? origin && `${origin.client}:${origin.clock}` : `${id.client}:${id.clock + i - 1}`
      const right = rightOrigin && `${rightOrigin.client}:${rightOrigin.clock}`
      references.set(`${id.client}:${id.clock + i}`, `${left} ${right}`)
    }
  }
  return references
}

/** Where both have an item, it must refer to the same: which of them are GC may differ. */
function assertSameReferences (update, other) {
  const references = referencesOf(update)
  for (const [id, wanted] of referencesOf(other)) {
    if (references.has(id)) assert.equal(references.get(id), wanted, `${id} refers to something else`)
  }
}

/** Until nobody has anything for anybody: what a client tidies up when it hears of others is an edit again. */
async function settle ({ clients }) {
  for (const client of clients) await client.sync()
  for (const client of clients) await client.sync()
  for (let quiet = false; !quiet;) {
    quiet = true
    for (const client of clients) {
      client.incoming.length = 0
      if (client.outgoing.length > 0) quiet = false
      client.outgoing.length = 0
      await client.sync()
    }
  }
  for (const client of clients) await client.sync()
}

async function checkEnd (room, random, halfway) {
  const { relay, clients, server, follower, versions } = room
  const kept = deletedContentOf(await relay.diff())
  if (random.below(2) === 0) {
    await relay.compact()
    if (room.gc === gc.eager) assert.deepEqual(deletedContentOf(await relay.diff()), [])
    if (room.gc === gc.off) assert.deepEqual(deletedContentOf(await relay.diff()), kept)
  }
  const whole = await relay.diff()
  const { doc: oracle, version } = clients[0]

  assert.deepEqual(clocksOf(await relay.stateVector()), clocksOf(version.Y.encodeStateVector(oracle)))
  assert.deepEqual(deletesOf(whole), deletesOf(version.Y.encodeStateAsUpdate(oracle)))
  for (const { doc } of clients) assert.deepEqual(contentOf(doc), contentOf(oracle))
  for (const version of versions) assert.deepEqual(contentOf(loaded(version, whole)), contentOf(oracle))
  assert.deepEqual(contentOf(follower), contentOf(oracle))
  for (const doc of [server, follower]) assertSameReferences(whole, yjs13.Y.encodeStateAsUpdate(doc))
  for (const update of halfway) {
    const version = random.pick(versions)
    const peer = loaded(version, update)
    version.Y.applyUpdate(peer, await relay.diff(version.Y.encodeStateVector(peer)))
    assert.deepEqual(contentOf(peer), contentOf(oracle))
  }
}

/** What the relay hands out is a document for another relay, which may merge more of it; a third finds no more. */
async function checkHandedOn (relay) {
  const whole = await relay.diff()
  const content = contentOf(loaded(yjs13, whole))
  assert.equal(await relay.lacks(whole), false)
  await relay.reset()
  await relay.apply(whole)
  const again = await relay.diff()
  assert.deepEqual(contentOf(loaded(yjs13, again)), content)
  assert.deepEqual(deletesOf(again), deletesOf(whole))
  await relay.reset()
  await relay.apply(again)
  assert.deepEqual(Buffer.from(await relay.diff()), Buffer.from(again))
}

/** Plays so many rooms with clients of these versions. */
export async function playRooms (t, versions, rounds) {
  const seed = seedFor(t)
  const relay = new Relay()
  t.after(() => relay.close())
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed + round)
    try {
      const room = new Room(relay, versions)
      const halfway = await play(room, random)
      await settle(room)
      await checkEnd(room, random, halfway)
      await checkHandedOn(relay)
    } catch (error) {
      error.message = `YSYNC_SEED=${seed + round} YSYNC_ROUNDS=1: ${error.message}`
      throw error
    }
  }
}

/** The rounds asked for, and the time to allow for them. */
export function roundsOr (usual) {
  const rounds = Number(process.env.YSYNC_ROUNDS ?? usual)
  return { rounds, timeout: 600_000 * Math.ceil(rounds / 200) }
}
