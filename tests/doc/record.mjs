// SPDX-License-Identifier: MIT
// Updates, state vectors and delete sets as Yjs writes them, for the unit tests and the fuzzers of src/doc. Run it where
// `npm ci` has been run, in tests/clients:
//
//     cd tests/clients
//     node ../doc/record.mjs header > ../doc/recorded.h
//     node ../doc/record.mjs corpus ../../fuzz/corpus
//
// It always records the same bytes.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'package.json'))
const Y = require('yjs')
const { version } = require('yjs/package.json')

function newDoc (clientID, options) {
  const doc = new Y.Doc(options)
  doc.clientID = clientID
  return doc
}

/** The whole state of a document that one client wrote. */
function stateOf (edit, { client = 7, ...options } = {}) {
  const doc = newDoc(client, options)
  edit(doc)
  return Y.encodeStateAsUpdate(doc)
}

/** One update for each edit of one client. */
function updatesOf (edits, client = 7) {
  const doc = newDoc(client)
  const updates = []
  doc.on('update', update => updates.push(update))
  for (const edit of edits) edit(doc)
  return updates
}

const text = doc => doc.getText('t')
const map = doc => doc.getMap('m')
const array = doc => doc.getArray('a')
const xml = doc => doc.getXmlFragment('x')

const everyAny = [
  undefined, null, 0, -1, 63, 64, -64, 2 ** 31 - 1, -(2 ** 31), 2 ** 53, 0.5, 1 / 3, -0, NaN, Infinity,
  2n ** 62n, -(2n ** 63n), false, true, '', 'é€😀', {}, { a: 1, é: [null] }, [], [[[]], {}], new Uint8Array(0),
  Uint8Array.of(0, 127, 128, 255)
]

function nested (depth) {
  return depth === 0 ? 1 : { d: [nested(depth - 1)] }
}

/** Two clients that edit the same text at once, and then know of each other. */
function concurrent () {
  const docs = [newDoc(1), newDoc(2 ** 32 - 1)]
  text(docs[0]).insert(0, 'shared')
  Y.applyUpdate(docs[1], Y.encodeStateAsUpdate(docs[0]))
  text(docs[0]).insert(3, 'one')
  text(docs[1]).insert(3, 'two')
  text(docs[1]).delete(0, 2)
  Y.applyUpdate(docs[0], Y.encodeStateAsUpdate(docs[1]))
  text(docs[0]).insert(6, '!')
  return docs[0]
}

/** ContentJSON, which Yjs reads but no longer writes by itself. */
function jsonContent () {
  const update = stateOf(doc => array(doc).insert(0, [1, 2, 3]))
  const at = update.indexOf(8)
  const values = ['{"a":[1,null]}', 'undefined', '"é"']
  const body = values.flatMap(value => [Buffer.byteLength(value), ...Buffer.from(value)])
  return Uint8Array.from([...update.subarray(0, at), 2, ...update.subarray(at + 1, at + 4), values.length, ...body, 0])
}

const typing = updatesOf(Array.from('hello', (letter, at) => doc => text(doc).insert(at, letter)))
const emoji = updatesOf([
  doc => text(doc).insert(0, 'a😀b'),
  doc => text(doc).insert(2, 'x'),
  doc => text(doc).delete(1, 1)
])
const undone = updatesOf([doc => text(doc).insert(0, 'abcdef'), doc => text(doc).delete(1, 2), doc => text(doc).delete(2, 1)])

/** What a document holds whose client's first two updates never came. */
function withPending () {
  const doc = newDoc(3)
  text(doc).insert(0, 'here')
  Y.applyUpdate(doc, Y.mergeUpdates([typing[2], typing[4]]))
  return Y.encodeStateAsUpdate(doc)
}

const updates = {
  empty: Y.encodeStateAsUpdate(newDoc(7)),
  text: stateOf(doc => text(doc).insert(0, 'hi')),
  emoji: Y.mergeUpdates(emoji),
  long_text: stateOf(doc => text(doc).insert(0, 'é€😀 '.repeat(40))),
  formats: stateOf(doc => {
    text(doc).insert(0, 'bold and plain')
    text(doc).format(0, 4, { bold: true, link: { href: 'https://example.org/' } })
    text(doc).format(2, 6, { bold: null })
  }),
  embeds: stateOf(doc => {
    text(doc).insertEmbed(0, { image: 'a.png', size: [1, 2.5] })
    text(doc).insertEmbed(1, { rule: null }, { width: '3' })
  }),
  map: stateOf(doc => {
    map(doc).set('a', 1)
    map(doc).set('a', 'two')
    map(doc).set('key with é', [1, { b: null }])
    map(doc).delete('a')
  }),
  array: stateOf(doc => {
    array(doc).insert(0, [1, 2, 3, 4])
    array(doc).insert(2, ['x'])
    array(doc).delete(0, 2)
  }),
  every_any: stateOf(doc => array(doc).insert(0, everyAny.map(value => [value]))),
  deep_any: stateOf(doc => map(doc).set('deep', nested(20))),
  json: jsonContent(),
  binary: stateOf(doc => array(doc).insert(0, [Uint8Array.from({ length: 200 }, (_, i) => i), new Uint8Array(0)])),
  nested: stateOf(doc => {
    const inner = new Y.Map()
    array(doc).insert(0, [new Y.Array(), inner, new Y.Text('in a text')])
    inner.set('text', new Y.Text('deeper'))
    inner.set('list', Y.Array.from([1, new Y.Map()]))
  }),
  xml: stateOf(doc => {
    const p = new Y.XmlElement('p')
    xml(doc).insert(0, [p, new Y.XmlText('tail'), new Y.XmlHook('hook')])
    p.setAttribute('class', 'é')
    p.insert(0, [new Y.XmlText('in p'), new Y.XmlElement('br')])
  }),
  subdocuments: stateOf(doc => {
    map(doc).set('plain', new Y.Doc({ guid: 'one' }))
    map(doc).set('options', new Y.Doc({ guid: 'two', autoLoad: true, gc: false, meta: { n: [1] } }))
  }),
  deletions: Y.mergeUpdates(undone),
  only_deletions: undone[1],
  kept: stateOf(doc => { text(doc).insert(0, 'abc'); text(doc).delete(1, 1) }, { gc: false }),
  collected: stateOf(doc => {
    array(doc).insert(0, [new Y.Text('gone with its children'), 'stays'])
    array(doc).delete(0, 1)
  }),
  two_clients: Y.encodeStateAsUpdate(concurrent()),
  large_client: stateOf(doc => text(doc).insert(0, 'far'), { client: 2 ** 53 - 1 }),
  with_skip: Y.mergeUpdates([typing[0], typing[3]]),
  with_pending: withPending(),
  typing_1: typing[0],
  typing_2: typing[1],
  typing_3: typing[2],
  typing_4: typing[3],
  typing_5: typing[4],
  typing_all: Y.mergeUpdates(typing)
}

const stateVectors = {
  none: Y.encodeStateVector(newDoc(7)),
  two: Y.encodeStateVector(concurrent())
}

/** A delete set is the end of an update: here, of one without structs. */
const deleteSets = Object.fromEntries(['deletions', 'only_deletions', 'map', 'two_clients', 'empty'].map(name => {
  const whole = updates[name]
  return [name, Y.diffUpdate(whole, Y.encodeStateVectorFromUpdate(whole)).subarray(1)]
}))

function arrayOf (name, bytes) {
  const lines = Buffer.from(bytes).toString('hex').replace(/(..)/g, '0x$1, ').match(/.{1,108}/g) ?? []
  return `static const uint8_t ${name}[] = {\n${lines.map(line => `    ${line.trimEnd()}\n`).join('')}};\n`
}

function tableOf (name, recordings, prefix) {
  const rows = Object.keys(recordings).map(key => `    { "${key}", { ${prefix}${key}, sizeof(${prefix}${key}) } },\n`)
  return `static const struct recording ${name}[] = {\n${rows.join('')}};\n`
}

function header () {
  const arrays = (recordings, prefix) => Object.entries(recordings).map(([name, bytes]) => arrayOf(prefix + name, bytes))
  return `/* SPDX-License-Identifier: MIT */
/* What yjs ${version} wrote. Made by record.mjs: cd tests/clients && node ../doc/record.mjs header > ../doc/recorded.h */
#ifndef YS_TEST_DOC_RECORDED_H
#define YS_TEST_DOC_RECORDED_H

#include <stdint.h>

#include "ysync/bytes.h"

struct recording {
    const char *name;
    struct ysync_bytes bytes;
};

/* clang-format off */
${[...arrays(updates, 'update_'), ...arrays(stateVectors, 'state_vector_'), ...arrays(deleteSets, 'delete_set_')].join('')}
static const struct ysync_bytes recorded_typing[] = {
${[1, 2, 3, 4, 5].map(n => `    { update_typing_${n}, sizeof(update_typing_${n}) },\n`).join('')}};

${tableOf('recorded_updates', updates, 'update_')}
${tableOf('recorded_state_vectors', stateVectors, 'state_vector_')}
${tableOf('recorded_delete_sets', deleteSets, 'delete_set_')}/* clang-format on */

#endif
`
}

/** Seeds of the fuzz targets: a file each. */
function writeCorpus (folder) {
  const write = (target, recordings) => {
    fs.mkdirSync(path.join(folder, target), { recursive: true })
    for (const [name, bytes] of Object.entries(recordings)) fs.writeFileSync(path.join(folder, target, name), bytes)
  }
  const pair = (a, b) => Buffer.concat([Buffer.of(a.length & 255, a.length >> 8), a, b])
  write('update', updates)
  write('state_vector', stateVectors)
  write('delete_set', deleteSets)
  write('two_updates', {
    typing: pair(typing[0], Y.mergeUpdates(typing.slice(1))),
    reverse: pair(typing[1], typing[0]),
    overlap: pair(Y.mergeUpdates(typing.slice(0, 3)), Y.mergeUpdates(typing.slice(1, 4))),
    same: pair(updates.two_clients, updates.two_clients),
    strangers: pair(updates.formats, updates.two_clients),
    deletions: pair(undone[1], undone[0]),
    pending: pair(updates.with_pending, updates.typing_all),
    skips: pair(updates.with_skip, Y.mergeUpdates([typing[1], typing[2]]))
  })
}

const [command, folder] = process.argv.slice(2)
if (command === 'header') process.stdout.write(header())
else if (command === 'corpus' && folder) writeCorpus(folder)
else throw new Error('usage: record.mjs header | corpus FOLDER')
