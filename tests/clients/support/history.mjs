// SPDX-License-Identifier: MIT
// Random edits of everything that Yjs 13 can hold: text with formats and embeds, maps, arrays, nested types, XML,
// subdocuments, binary values, deletions of whole subtrees, undo.
import * as Y from 'yjs'

import { formats, keys, longText, randomValue } from './values.mjs'

const roots = {
  text: doc => doc.getText('text'),
  map: doc => doc.getMap('map'),
  array: doc => doc.getArray('array'),
  xml: doc => doc.getXmlFragment('xml')
}

function randomType (random) {
  return random.pick([
    () => new Y.Text(random.word()),
    () => new Y.Map(),
    () => new Y.Array(),
    () => new Y.XmlFragment()
  ])()
}

function randomNode (random) {
  return random.pick([() => new Y.XmlElement(random.pick(['p', 'h1', 'li'])), () => new Y.XmlText(random.word())])()
}

function editText (random, text) {
  const at = random.below(text.length + 1)
  random.pick([
    () => text.insert(at, random.word()),
    () => text.insert(at, random.word()),
    () => text.insert(at, random.word(), random.pick(formats)),
    () => text.insert(at, longText(random)),
    () => text.insertEmbed(at, { image: random.word() }),
    () => text.format(at, random.below(text.length - at + 1), random.pick(formats)),
    () => text.delete(at, random.below(Math.min(8, text.length - at) + 1)),
    () => text.delete(at, random.below(text.length - at + 1))
  ])()
}

function editMap (random, map) {
  const key = random.pick(keys)
  random.pick([
    () => map.set(key, randomValue(random)),
    () => map.set(key, randomValue(random)),
    () => map.set(key, randomType(random)),
    () => map.set(key, new Y.Doc({ guid: random.word(), meta: { n: random.below(9) } })),
    () => map.delete(key)
  ])()
}

function editArray (random, array) {
  const at = random.below(array.length + 1)
  random.pick([
    () => array.insert(at, Array.from({ length: 1 + random.below(4) }, () => randomValue(random) ?? null)),
    () => array.push([randomValue(random) ?? null]),
    () => array.insert(at, [randomType(random)]),
    () => array.insert(at, [new Y.Doc({ guid: random.word() })]),
    () => array.delete(at, random.below(Math.min(5, array.length - at) + 1))
  ])()
}

function editXml (random, parent) {
  const at = random.below(parent.length + 1)
  random.pick([
    () => parent.insert(at, [randomNode(random)]),
    () => parent.insert(at, [randomNode(random)]),
    () => parent.delete(at, random.below(Math.min(3, parent.length - at) + 1)),
    () => parent instanceof Y.XmlElement && parent.setAttribute(random.pick(keys), random.word()),
    () => parent instanceof Y.XmlElement && parent.removeAttribute(random.pick(keys))
  ])()
}

/** The shared types among a type's children. */
function childTypes (type) {
  const values = type instanceof Y.Map
    ? Array.from(type.values())
    : type instanceof Y.Array || type instanceof Y.XmlFragment ? type.toArray() : []
  return values.filter(value => value instanceof Y.AbstractType)
}

function editType (random, type) {
  if (type instanceof Y.Text) editText(random, type)
  else if (type instanceof Y.Map) editMap(random, type)
  else if (type instanceof Y.Array) editArray(random, type)
  else editXml(random, type)
}

/** One transaction of one to four edits, in a root type or somewhere below it. */
function randomEdit (random, doc) {
  doc.transact(() => {
    for (let edits = random.below(4); edits >= 0; edits--) {
      let type = random.pick(Object.values(roots))(doc)
      for (let children; random.below(3) > 0 && (children = childTypes(type)).length > 0;) type = random.pick(children)
      editType(random, type)
    }
  })
}

/** Adds undo and redo to a document: returns a function that does one or the other. */
function undoFor (random, doc) {
  const manager = new Y.UndoManager(Object.values(roots).map(root => root(doc)), { captureTimeout: 0 })
  return () => random.below(3) > 0 ? manager.undo() : manager.redo()
}

/** Returns where typing goes on. */
function typeAt (doc, cursor, letters) {
  const text = doc.getText('text')
  const at = Math.min(cursor, text.length)
  text.insert(at, letters)
  return at + letters.length
}

function newDoc () {
  const doc = new Y.Doc()
  for (const root of Object.values(roots)) root(doc)
  return doc
}

/** A document that only takes in. Others tidy up formatting as they hear of more: edits that everybody must get. */
function newReader () {
  const doc = newDoc()
  doc.on('beforeTransaction', transaction => {
    Object.defineProperty(transaction, '_needFormattingCleanup', { get: () => false, set () {} })
  })
  return doc
}

/** A version of Yjs, and what its clients do. */
export const yjs13 = { Y, newDoc, newReader, randomEdit, typeAt, undoFor }
