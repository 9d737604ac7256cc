// SPDX-License-Identifier: MIT
// What the document accepts, it hands on to everybody: so no Yjs client may throw on it, nor on what is handed out after
// it. Held against the inputs of the fuzzers, and against updates of Yjs's own with bytes changed at random.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import * as Y from 'yjs'

import { mutate } from './support/mutate.mjs'
import { Random, seedFor } from './support/random.mjs'
import { Relay } from './support/relay.mjs'

const corpus = fileURLToPath(new URL('../../fuzz/corpus', import.meta.url))
const rounds = Number(process.env.YSYNC_ROUNDS ?? 2000)

function filesOf (folder) {
  return fs.readdirSync(path.join(corpus, folder)).map(name => [name, fs.readFileSync(path.join(corpus, folder, name))])
}

/** The updates that are inputs of fuzz_update, and the two that make up one of fuzz_two_updates. */
function corpusUpdates () {
  const pairs = filesOf('two_updates').filter(([, bytes]) => bytes.length > 2).flatMap(([name, bytes]) => {
    const split = 2 + bytes.readUInt16LE(0)
    return [[`${name}, first`, bytes.subarray(2, split)], [`${name}, second`, bytes.subarray(split)]]
  })
  return [...filesOf('update'), ...pairs]
}

/** A client that takes in all of these, and then goes on as clients do: it sends its state, and that of others. */
function checkClient (updates) {
  const doc = new Y.Doc()
  const other = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  Y.encodeStateVector(doc)
}

/** True if the relay took it, in which case no client threw. */
async function check (relay, name, update, before) {
  await relay.reset()
  if (before) await relay.apply(before)
  if (await relay.applyBad(update) !== 0) return false
  const whole = await relay.diff()
  for (const [what, updates] of [['the update', [update]], ['what was handed out', [whole]],
    ['what was handed out later', [before ?? update, whole]]]) {
    try {
      checkClient(updates)
    } catch (error) {
      assert.fail(`${name}: Yjs throws on ${what}: ${error.message}\n${Buffer.from(update).toString('hex')}`)
    }
  }
  return true
}

function newRelay (t) {
  const relay = new Relay({ quiet: true })
  t.after(() => relay.close())
  return relay
}

test('Yjs takes what the document takes of the inputs of the fuzzers', async t => {
  const relay = newRelay(t)
  let accepted = 0
  for (const [name, bytes] of corpusUpdates()) accepted += await check(relay, name, bytes)
  assert.ok(accepted >= 30, `only ${accepted} were accepted`)
})

test('Yjs takes what the document takes of updates that were changed at random', { timeout: 600_000 }, async t => {
  const seed = seedFor(t)
  const relay = newRelay(t)
  const updates = corpusUpdates().filter(([, bytes]) => bytes.length > 2)
  let accepted = 0
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed + round)
    const [name, bytes] = random.pick(updates)
    const before = random.below(2) === 0 ? fs.readFileSync(path.join(corpus, 'update', 'two_clients')) : undefined
    accepted += await check(relay, `YSYNC_SEED=${seed + round} YSYNC_ROUNDS=1 (${name})`, mutate(random, bytes), before)
  }
  if (rounds > 100) assert.ok(accepted > rounds / 20, `only ${accepted} of ${rounds} were accepted`)
})
