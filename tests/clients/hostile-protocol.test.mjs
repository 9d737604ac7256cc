// SPDX-License-Identifier: MIT
// Messages that lie, break off, or were changed at random: what is refused has no effect and closes its sender alone;
// what is taken harms no Yjs client.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

import { yjs13 } from './support/history.mjs'
import { mutate } from './support/mutate.mjs'
import { Random, seedFor } from './support/random.mjs'
import {
  AUTH, AWARENESS, QUERY_AWARENESS, RawClient, SYNC, SYNC_STATUS, awareness, syncPayload, syncStatus, syncStep1,
  syncStep2, update
} from './support/raw-client.mjs'
import { Siege } from './support/siege.mjs'
import { until } from './support/until.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

/* What a refusal may be: malformed, too large, over a limit. */
const refusals = [1007, 1009, 4413]

/** Numbers as lib0 writes them, and bytes as they are. */
const bytesOf = parts => encoding.encode(encoder => {
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else encoding.writeUint8Array(encoder, Uint8Array.from(part))
  }
})

const withLength = bytes => bytesOf([bytes.length, bytes])
const states = (...parts) => bytesOf([AWARENESS, withLength(bytesOf(parts))])
const tooLarge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10] /* 2^53 */
const endless = Array(12).fill(255)
const root = [1, 1, 97] /* the parent: a root type called "a" */
const one = (info, ...rest) => update(bytesOf([1, 1, 5, 0, [info], ...rest, 0])) /* a struct of client 5 at clock 0 */
const nested = depth => [...Array(depth).fill([117, 1]), 126].flat() /* arrays in arrays */
const deepJson = Buffer.from('['.repeat(10000) + ']'.repeat(10000))

const malformedMessages = [
  ['an empty message', []],
  ['a number without an end', [SYNC, 2, ...endless]],
  ['a tag without an end', endless],
  ['a tag of 2^53', tooLarge],
  ['an unknown kind of sync message', [SYNC, 9, 1, 0]],
  ['a sync message without a kind', [SYNC]],
  ['a length of 2^53 - 1', bytesOf([SYNC, 2, Number.MAX_SAFE_INTEGER, [0, 0]])],
  ['a length of 2^32', bytesOf([SYNC, 2, 2 ** 32, [0, 0]])],
  ['a state vector that ends early', [SYNC, 0, 2, 5, 1]],
  ['a state vector with bytes left over', syncStep1(Uint8Array.of(0, 0))],
  ['a state vector of 2^32 entries', syncStep1(bytesOf([2 ** 32, 1, 1]))],
  ['a state vector with a client of 2^53', syncStep1(bytesOf([1, tooLarge, 1]))],
  ['an update that ends early', [SYNC, 2, 20, 1, 1, 1, 0, 4]],
  ['an update of no bytes', update(new Uint8Array())],
  ['an update with bytes left over', update(Uint8Array.of(0, 0, 0))],
  ['an update of 2^32 clients', update(bytesOf([2 ** 32]))],
  ['2^32 structs', update(bytesOf([1, 2 ** 32, 5, 0, [0, 1], 0]))],
  ['a client of 2^53', update(bytesOf([1, 1, tooLarge, 0, [0, 1], 0]))],
  ['a clock past 2^53', update(bytesOf([1, 1, 5, Number.MAX_SAFE_INTEGER, [0, 2], 0]))],
  ['a struct of length 0', one(0, 0)],
  ['a skip of length 0', one(10, 0)],
  ['a struct of length 2^53', one(0, tooLarge)],
  ['a deleted piece of length 0', one(1, root, 0)],
  ['a text of length 0', one(4, root, 0)],
  ...[11, 15, 31].map(kind => [`content of kind ${kind}`, one(kind, root, 1)]),
  ['a type of kind 7', one(7, root, 7)],
  ['an origin that is itself', one(0x84, 5, 0, 1, [97])],
  ['a right origin that is itself', one(0x44, 5, 0, 1, [97])],
  ['a parent that is itself', one(4, 0, 5, 0, 1, [97])],
  ['a text longer than the update', one(4, root, 200, [97])],
  ['a text that is not UTF-8', one(4, root, 2, [0xc0, 0xaf])],
  ['half a surrogate pair in UTF-8', one(4, root, 3, [0xed, 0xa0, 0x80])],
  ['a parent key that is not UTF-8', one(4, 1, 1, [0xff], 1, [97])],
  ['an unknown kind of value', one(8, root, 1, [1])],
  ['2^32 values', one(8, root, 2 ** 32, [126])],
  ['values nested 1,000 deep', one(8, root, 1, nested(1000))],
  ['a map value of 2^32 entries', one(8, root, 1, [118], 2 ** 32)],
  ['JSON that is none', one(5, root, 1, 2, [123, 44])],
  ['JSON nested 10,000 deep', one(5, root, 1, deepJson.length, deepJson)],
  ['a deletion of length 0', update(Uint8Array.of(0, 1, 5, 1, 0, 0))],
  ['a deletion past 2^53', update(bytesOf([0, 1, 5, 1, Number.MAX_SAFE_INTEGER, 5]))],
  ['deletions of 2^32 clients', update(bytesOf([0, 2 ** 32]))],
  ['2^32 deletions', update(bytesOf([0, 1, 5, 2 ** 32, 0, 1]))],
  ['awareness that ends early', [AWARENESS, 3, 1, 9]],
  ['awareness of 2^32 clients', states(2 ** 32)],
  ['awareness that is not JSON', states(1, 9, 1, 2, [123, 44])],
  ['awareness of no JSON at all', states(1, 9, 1, 0)],
  ['awareness that is not UTF-8', states(1, 9, 1, 3, [34, 255, 34])],
  ['awareness nested 10,000 deep', states(1, 9, 1, deepJson.length, deepJson)],
  ['awareness of a client of 2^53', states(1, tooLarge, 1, 2, [123, 125])],
  ['awareness with bytes left over', states(0, 0)],
  ['a sync status longer than the message', [SYNC_STATUS, 5, 1]]
].map(([name, bytes]) => [name, Uint8Array.from(bytes)])

async function mustBeRefused (t, server, room, bytes) {
  const hostile = await RawClient.join(t, server, room)
  hostile.send(bytes)
  const { code, reason } = await hostile.closed
  assert.equal(code, 1007)
  assert.notEqual(reason, '')
}

test('malformed messages close their sender with 1007, and nobody hears of them', async t => {
  const siege = await Siege.begin(t)
  const witness = await RawClient.join(t, siege.server, siege.room)
  await witness.fence()
  witness.received = []
  const attempt = (t, bytes) => mustBeRefused(t, siege.server, siege.room, bytes)
  for (const [name, bytes] of malformedMessages) await t.test(name, t => attempt(t, bytes))
  await siege.mustWithstand(() => Promise.all(malformedMessages.map(([, bytes]) => attempt(t, bytes))))
  witness.received = witness.received.filter(message => message[0] === SYNC)
  assert.equal(witness.received.length, 2, "the pair's last edits, one each way")
})

test('a good message that breaks off anywhere is malformed', async t => {
  const siege = await Siege.begin(t)
  const doc = yjs13.newDoc()
  const random = new Random(7)
  for (let i = 0; i < 10; i++) yjs13.randomEdit(random, doc)
  const whole = Y.encodeStateAsUpdate(doc)
  const vector = Y.encodeStateVector(doc)
  const cuts = Array.from({ length: 150 }, (_, i) => Math.floor(i * whole.length / 150))
  const broken = [
    ...cuts.flatMap(cut => [update(whole.subarray(0, cut)), update(whole).subarray(0, cut)]),
    ...Array.from(vector, (_, cut) => syncStep1(vector.subarray(0, cut))).slice(1) /* no bytes: no state */
  ]
  await siege.mustWithstand(async () => {
    for (const bytes of broken) await mustBeRefused(t, siege.server, 'other', bytes)
  }, { rounds: 2 })
})

/** What clients of a document that is edited at random have to say. */
function recordMessages (random) {
  const doc = yjs13.newDoc()
  const updates = []
  doc.on('update', bytes => updates.push(bytes))
  for (let i = 0; i < 40; i++) yjs13.randomEdit(random, doc)
  const whole = Y.encodeStateAsUpdate(doc)
  const client = 1 + random.below(2 ** 31)
  return [
    ...updates.map(update),
    syncStep2(whole),
    syncStep1(Y.encodeStateVector(doc)),
    awareness([{ client, clock: 1 + random.below(9), state: { name: random.word(), cursor: [1, null, 2.5] } }]),
    awareness([
      { client, clock: 20, state: {} }, { client: client + 1, clock: 3, state: 'x' }, { client, clock: 21, state: null }
    ]),
    Uint8Array.of(AUTH, 0, 1, 120),
    Uint8Array.of(QUERY_AWARENESS),
    syncStatus(Uint8Array.of(1, 2, 3)),
    Uint8Array.of(77, 1)
  ]
}

/** Changed within its length, so that it is looked into, or as a whole. */
function mutateMessage (random, message) {
  if (message[0] !== SYNC || random.below(4) === 0) return mutate(random, message)
  return bytesOf([message.subarray(0, 2), withLength(mutate(random, syncPayload(message)))])
}

/** Clients that come back whenever they have been closed. */
class Attackers {
  constructor (t, server, room, count) {
    this.join = () => RawClient.join(t, server, room)
    this.clients = Array(count).fill(null)
    this.accepted = 0
    this.refused = 0
  }

  /** True if it was taken. */
  async send (i, bytes) {
    const client = this.clients[i] ??= await this.join()
    client.received = []
    client.send(bytes)
    client.send(fence)
    const isTaken = await Promise.race([echoed(client), client.closed.then(() => false)])
    if (isTaken) {
      this.accepted++
      return true
    }
    this.clients[i] = null
    this.refused++
    const { code, reason } = await client.closed
    assert.ok(refusals.includes(code), `closed with ${code} ${reason}`)
    return false
  }

  async leave () {
    for (const client of this.clients) {
      client?.socket.close()
      await client?.closed
    }
  }
}

const fence = syncStatus(Buffer.from('the fence of this test'))

async function echoed (client) {
  const isFence = message => Buffer.compare(message, fence) === 0
  while (!client.received.some(isFence)) await once(client, 'message')
  return true
}

test('messages changed at random: what is refused leaves no trace', async t => {
  const seed = seedFor(t)
  const siege = await Siege.begin(t)
  let round = 0
  await siege.mustWithstand(async () => {
    const random = new Random(seed + round++)
    const messages = recordMessages(random)
    const witness = await RawClient.join(t, siege.server, 'other')
    const attackers = new Attackers(t, siege.server, 'other', 3)
    for (let i = 0; i < 500; i++) {
      const mutant = mutateMessage(random, random.pick(messages))
      await witness.fence()
      witness.received = []
      if (await attackers.send(i % 3, mutant)) continue
      await witness.fence()
      const heard = witness.messages(SYNC)
      assert.deepEqual(heard, [], `YSYNC_SEED=${seed + round - 1}: ${Buffer.from(mutant).toString('hex')}`)
    }
    t.diagnostic(`${attackers.accepted} accepted, ${attackers.refused} refused`)
    assert.ok(attackers.accepted > 50 && attackers.refused > 50)
    await attackers.leave()
    witness.socket.close()
    await witness.closed
  })
})

test('messages changed at random: what is taken is the same for all, and edits go on', async t => {
  const seed = seedFor(t)
  const siege = await Siege.begin(t)
  const random = new Random(seed)
  const messages = recordMessages(random)
  const witness = await RawClient.join(t, siege.server, siege.room)
  const attackers = new Attackers(t, siege.server, siege.room, 4)
  witness.send(syncStep1(Uint8Array.of(0)))
  for (let i = 0; i < 3000; i++) {
    await attackers.send(i % 4, mutateMessage(random, random.pick(messages)))
    if (i % 500 === 0) await converged(siege.pair)
  }
  t.diagnostic(`${attackers.accepted} accepted, ${attackers.refused} refused`)
  await attackers.leave()
  await siege.mustSync()
  await witness.fence()

  /* Who was told the same holds the same. Who comes late need not: where the origins of structs were changed, Yjs's own
   * order depends on the order in which it heard of them. It syncs, and takes part in what is edited from then on. */
  const told = [...witness.messages(SYNC, 1), ...witness.messages(SYNC, 2)].map(syncPayload)
  const oracle = new Y.Doc()
  for (const bytes of told) Y.applyUpdate(oracle, bytes)
  await converged([...siege.pair, { doc: oracle }])
  const fresh = await YjsClient.join(t, siege.server, siege.room)
  const hears = (from, to) => until('an edit', () => to.doc.getMap('late').get('from') === from, [[to.doc, 'update']])
  siege.pair[0].doc.getMap('late').set('from', 'ada')
  await hears('ada', fresh)
  fresh.doc.getMap('late').set('from', 'fresh')
  await hears('fresh', siege.pair[1])
})
