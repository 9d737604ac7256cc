// SPDX-License-Identifier: MIT
// What bench/document.c measures, of another library: `node --expose-gc bench/peer.mjs yjs|ywasm edit|reverse TRACE
// [STATE|COUNT]`. ywasm is yrs, the Rust port of Yjs, compiled to WebAssembly: a stand-in for it, slower than native code.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const DOCUMENTS = 50
const MEASURE_MS = 300
const UNITS_BEHIND = 20

const [name, what, path, argument] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const library = require(name)
const NewDoc = library.Doc ?? library.YDoc
const { decoding, encoding } = { decoding: require('lib0/decoding'), encoding: require('lib0/encoding') }

/** CPU time of the process, in milliseconds. */
function cpu () {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function readTrace (path) {
  const file = readFileSync(path)
  const updates = []

  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at)
    updates.push(new Uint8Array(file.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return updates
}

/** Milliseconds that the step takes once it is warm. */
function time (step) {
  let rounds = 0

  for (const start = cpu(); rounds === 0 || cpu() - start < MEASURE_MS / 2;) rounds += step() ?? 1
  rounds = 0
  const start = cpu()
  while (rounds === 0 || cpu() - start < MEASURE_MS) rounds += step() ?? 1
  return (cpu() - start) / rounds
}

/** The document's state vector, but behind in the clock of whoever wrote most. */
function vectorBehind (doc) {
  const decoder = decoding.createDecoder(library.encodeStateVector(doc))
  const encoder = encoding.createEncoder()
  const clocks = Array.from({ length: decoding.readVarUint(decoder) }, () =>
    [decoding.readVarUint(decoder), decoding.readVarUint(decoder)])
  const most = clocks.reduce((most, entry) => entry[1] > most[1] ? entry : most)

  most[1] -= UNITS_BEHIND
  encoding.writeVarUint(encoder, clocks.length)
  for (const number of clocks.flat()) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

function load (state) {
  const doc = new NewDoc()

  library.applyUpdate(doc, state)
  return doc
}

/** Memory of one loaded document: that of many, divided. What is in wasm's own memory counts as it grows. */
function memoryOf (state) {
  const memory = () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external + (library.__wasm?.memory.buffer.byteLength ?? 0)
  }

  load(state).free?.()
  globalThis.gc()
  const before = memory()
  const documents = Array.from({ length: DOCUMENTS }, () => load(state))
  globalThis.gc()
  const bytes = (memory() - before) / DOCUMENTS
  assert.equal(documents.length, DOCUMENTS)
  return bytes
}

function edit (updates) {
  const doc = new NewDoc()
  const start = cpu()

  for (const update of updates) library.applyUpdate(doc, update)
  const applied = cpu() - start
  const behind = vectorBehind(doc)
  const state = library.encodeStateAsUpdate(doc)
  const figures = {
    apply_ns: applied / updates.length * 1e6,
    whole_us: time(() => { library.encodeStateAsUpdate(doc) }) * 1e3,
    diff_us: time(() => { library.encodeStateAsUpdate(doc, behind) }) * 1e3,
    load_us: time(() => { load(state).free?.() }) * 1e3,
    loaded_bytes: memoryOf(state),
    encoded_bytes: state.length
  }
  writeFileSync(argument, state)
  return figures
}

function reverse (updates) {
  const doc = new NewDoc()
  const all = updates.slice(0, Number(argument)).reverse()
  const start = cpu()

  for (const update of all) library.applyUpdate(doc, update)
  const taken = cpu() - start
  assert.equal(doc.store?.pendingStructs ?? null, null)
  return { reverse_ms: taken }
}

console.log(JSON.stringify({ edit, reverse }[what](readTrace(path))))
