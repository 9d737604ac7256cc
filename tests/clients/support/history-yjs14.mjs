// SPDX-License-Identifier: MIT
// Random edits of everything that Yjs 14 can hold. There is one type for all there, with a sequence and attributes:
// text with formats, values, nested types with and without a name, subdocuments, deletions of whole subtrees, undo.
import * as Y from '@y/y'

import { formats, keys, longText, randomValue } from './values.mjs'

const roots = ['text', 'map', 'array', 'xml']

function randomType (random) {
  return new Y.Type(random.pick([null, null, 'p', 'li']))
}

function randomDoc (random) {
  return new Y.Doc({ guid: random.word(), meta: { n: random.below(9) } })
}

function editSequence (random, type) {
  const at = random.below(type.length + 1)
  random.pick([
    () => type.insert(at, random.word()),
    () => type.insert(at, random.word()),
    () => type.insert(at, random.word(), random.pick(formats)),
    () => type.insert(at, longText(random)),
    () => type.insert(at, Array.from({ length: 1 + random.below(4) }, () => randomValue(random))),
    () => type.insert(at, [randomValue(random)], random.pick(formats)),
    () => type.push([randomValue(random)]),
    () => type.insert(at, [randomType(random)]),
    () => type.insert(at, [randomDoc(random)]),
    () => type.format(at, random.below(type.length - at + 1), random.pick(formats)),
    () => at < type.length && type.delete(at, 1 + random.below(Math.min(8, type.length - at))),
    () => at < type.length && type.delete(at, 1 + random.below(type.length - at))
  ])()
}

function editAttributes (random, type) {
  const key = random.pick(keys)
  random.pick([
    () => type.setAttr(key, randomValue(random)),
    () => type.setAttr(key, randomValue(random)),
    () => type.setAttr(key, randomType(random)),
    () => type.setAttr(key, randomDoc(random)),
    () => type.deleteAttr(key)
  ])()
}

function childTypes (type) {
  return [...type.toArray(), ...type.attrValues()].filter(value => value instanceof Y.Type)
}

/** One transaction of one to four edits, in a root type or somewhere below it. */
function randomEdit (random, doc) {
  doc.transact(() => {
    for (let edits = random.below(4); edits >= 0; edits--) {
      let type = doc.get(random.pick(roots))
      for (let children; random.below(3) > 0 && (children = childTypes(type)).length > 0;) type = random.pick(children)
      random.pick([editSequence, editSequence, editAttributes])(random, type)
    }
  })
}

/** Returns where typing goes on. */
function typeAt (doc, cursor, letters) {
  const text = doc.get('text')
  const at = Math.min(cursor, text.length)
  text.insert(at, letters)
  return at + letters.length
}

function undoFor (random, doc) {
  const manager = new Y.UndoManager(roots.map(name => doc.get(name)), { captureTimeout: 0 })
  return () => random.below(3) > 0 ? manager.undo() : manager.redo()
}

function newDoc () {
  const doc = new Y.Doc()
  for (const name of roots) doc.get(name)
  return doc
}

/** A document that only takes in. Others tidy up formatting as they hear of more: edits that everybody must get. */
function newReader () {
  const doc = newDoc()
  doc.cleanupFormatting = false
  return doc
}

/** A version of Yjs, and what its clients do. */
export const yjs14 = { Y, newDoc, newReader, randomEdit, typeAt, undoFor }
