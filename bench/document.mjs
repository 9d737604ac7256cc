// SPDX-License-Identifier: MIT
// How long does a document take to apply, hand out and load, and how much memory does it hold, beside Yjs and ywasm?
//
//     node bench/document.mjs [--quick] [--write]
//
// Every figure is the median of five rounds (one with --quick), in each of which the three take turns on the same traces;
// what they end with is compared. --write also puts the tables into docs/benchmarks.md, with the figures that take minutes.
// YSYNC_BENCH names the program that measures ysync, if it is not that of `make`.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import * as Y from 'yjs'

import { here, machine, median, short, table, versionOf, writeReport } from './page.mjs'
import { bookTraces, paperTrace, teamTrace, visitorsTrace } from './traces.mjs'

const program = process.env.YSYNC_BENCH ?? here('../build/release/bench/bench_document')
const writes = process.argv.includes('--write')
const rounds = process.argv.includes('--quick') ? 1 : 5
const libraries = ['ysync', 'yjs', 'ywasm']
const manyInReverse = 30000
const fewInReverse = 3000

function run (library, ...args) {
  const [command, first] = library === 'ysync' ? [program, []] : [process.execPath, ['--expose-gc', here('peer.mjs'), library]]
  return JSON.parse(execFileSync(command, [...first, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** { library: { figure: median } } of runs that take turns. `of` says who runs what: { library: arguments }. */
function measure (of) {
  const runs = Object.fromEntries(Object.keys(of).map(library => [library, []]))

  for (let round = 0; round < rounds; round++) {
    for (const [library, args] of Object.entries(of)) runs[library].push(run(library, ...args))
  }
  return Object.fromEntries(Object.entries(runs).map(([library, all]) =>
    [library, Object.fromEntries(Object.keys(all[0]).map(figure => [figure, median(all.map(one => one[figure]))]))]))
}

/** A text with its formats, whatever marks make them: Yjs drops superfluous ones now and then. */
function formatted (text) {
  const pieces = []

  for (const { insert, attributes = {} } of text.toDelta()) {
    const last = pieces[pieces.length - 1]
    if (last && JSON.stringify(last.attributes) === JSON.stringify(attributes)) last.insert += insert
    else pieces.push({ insert, attributes })
  }
  return pieces
}

/** All that a document says, to be compared. */
function contentOf (doc) {
  return [formatted(doc.getText('text')), doc.getMap('map').toJSON(), doc.getArray('array').toJSON(),
    doc.getXmlFragment('xml').toString()]
}

/** Are these whole states what Yjs makes of the trace? */
function check (trace, paths) {
  const file = readFileSync(trace.path)
  const expected = new Y.Doc()

  for (let at = 0; at < file.length; at += 4 + file.readUInt32LE(at)) {
    Y.applyUpdate(expected, file.subarray(at + 4, at + 4 + file.readUInt32LE(at)))
  }
  if (trace.textPath) assert.equal(expected.getText('text').toString(), readFileSync(trace.textPath, 'utf8'))
  for (const path of paths) {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, readFileSync(path))
    assert.ok(isDeepStrictEqual(contentOf(doc), contentOf(expected)), `${path} does not hold what the trace ends with`)
    assert.deepEqual(Y.encodeStateVector(doc), Y.encodeStateVector(expected), `${path}: the clocks differ`)
  }
}

function edit (trace) {
  const folder = mkdtempSync(join(tmpdir(), 'ysync-bench-'))
  const paths = Object.fromEntries(libraries.map(library => [library, join(folder, library)]))
  const figures = measure(Object.fromEntries(libraries.map(library => [library, ['edit', trace.path, paths[library]]])))

  check(trace, Object.values(paths))
  rmSync(folder, { recursive: true })
  return figures
}

/** A figure of all libraries, and how many times ysync's the one of Yjs is. */
function row (what, { ysync, yjs, ywasm }, figure, scale = 1, goal = '') {
  const [ours, theirs, wasm] = [ysync, yjs, ywasm].map(figures => figures?.[figure] / scale)

  return [what, short(ours), short(theirs), ywasm ? short(wasm) : '', `${short(theirs / ours)} x`, goal]
}

function timeRows ({ name }, figures, goals) {
  return [
    row(`${name}: apply one update at a time, ns each`, figures, 'apply_ns', 1, goals.apply),
    row(`${name}: hand out the whole state, us`, figures, 'whole_us', 1, goals.whole),
    row(`${name}: hand out what is new since 20 units before the end, us`, figures, 'diff_us', 1, goals.diff),
    row(`${name}: load the whole state and validate it, us`, figures, 'load_us', 1, goals.load)
  ]
}

function sizeRows ({ name }, figures) {
  return [
    row(`${name}: encoded, kB`, figures, 'encoded_bytes', 1000),
    row(`${name}: memory of a loaded document, kB`, figures, 'loaded_bytes', 1000)
  ]
}

function shareRows ({ name }, { ysync, yjs }, goals) {
  return [
    [`${name}: encoded size / that of Yjs`, ysync.encoded_bytes / yjs.encoded_bytes, goals.encoded],
    [`${name}: memory of a loaded document / its encoded size`, ysync.loaded_bytes / ysync.encoded_bytes, goals.memory],
    [`${name}: the same in Yjs`, yjs.loaded_bytes / yjs.encoded_bytes],
    [`${name}: memory of a document as editing left it / its encoded size`, ysync.live_bytes / ysync.encoded_bytes]
  ].map(([what, ratio, goal = '']) => [what, ratio.toFixed(2), goal])
}

function reverseRows (trace) {
  const few = ['reverse', trace.path, String(fewInReverse)]
  const many = ['reverse', trace.path, String(manyInReverse)]
  const fewFigures = measure(Object.fromEntries(libraries.map(library => [library, few])))
  const manyFigures = measure({ ysync: many })
  const rows = [row(`${fewInReverse.toLocaleString('en')} updates in reverse order, ms`, fewFigures, 'reverse_ms')]
  const label = `${manyInReverse.toLocaleString('en')} updates in reverse order, ms`

  if (!writes) return [...rows, [label, short(manyFigures.ysync.reverse_ms), '', '', '', '']]
  for (const library of ['yjs', 'ywasm']) manyFigures[library] = run(library, ...many) /* minutes: once */
  return [...rows, row(label, manyFigures, 'reverse_ms')]
}

/** How long calls take while compaction goes on. */
function pauseRows ({ name, path }) {
  const { ysync } = measure({ ysync: ['pause', path] })
  const what = `${ysync.calls.toLocaleString('en')} calls during ${ysync.compactions} compactions`

  return [
    [`${name}: ${what}, median, us`, short(ysync.median_us), ''],
    [`${name}: 99.9 % of them, us`, short(ysync.p999_us), ''],
    [`${name}: the longest, us`, short(ysync.max_us), '']
  ]
}

const [paper, team, visitors] = [paperTrace(), teamTrace(), visitorsTrace()]
const [paperFigures, teamFigures, visitorsFigures] = [paper, team, visitors].map(edit)
const times = table(['', 'ysync', 'yjs', 'ywasm', 'yjs / ysync', 'at least'], [
  ...timeRows(paper, paperFigures, { apply: '150 x', whole: '500 x', diff: '50 x', load: '40 x' }),
  ...timeRows(team, teamFigures, {}),
  ...timeRows(visitors, visitorsFigures, {}),
  ...reverseRows(paper),
  ...[[paper, paperFigures], [team, teamFigures], [visitors, visitorsFigures]].flatMap(of => sizeRows(...of))
])
const shares = table(['', 'measured', 'at most'], [
  ...shareRows(paper, paperFigures, { encoded: '0.70', memory: '1.10' }),
  ...shareRows(team, teamFigures, { encoded: '1.00', memory: '1.10' }),
  ...shareRows(visitors, visitorsFigures, { memory: '1.30' })
])
const others = table(['', 'measured', 'below'], [
  [`${visitors.name}: restore from a snapshot of ${short(visitorsFigures.ysync.saved_bytes / 1000)} kB, us`,
    short(visitorsFigures.ysync.restore_us), '20'],
  [`${paper.name}: restore from a snapshot of ${short(paperFigures.ysync.saved_bytes / 1000)} kB, us`,
    short(paperFigures.ysync.restore_us), ''],
  ...bookTraces().flatMap(pauseRows)
])
const versions = [`Node ${process.versions.node}`, ...['yjs', 'ywasm'].map(name => `${name} ${versionOf(name)}`)]
const report = [machine(versions, rounds), times, shares, others].join('\n\n')

console.log(report)
if (writes) writeReport('bench/document.mjs', report)
