// SPDX-License-Identifier: MIT
// The editing histories that the benchmarks replay, made with Yjs: the same seed and Yjs version make the same files.
// Each is repeated [u32 little-endian length][update, v1 encoding].
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import * as Y from 'yjs'

import { Random } from '../tests/clients/support/random.mjs'

const folder = fileURLToPath(new URL('../build/bench/', import.meta.url))
const recorded = fileURLToPath(new URL('../../shared/data/', import.meta.url))

/** Like the ids that Yjs picks. */
const clientId = random => random.below(2 ** 32)

const letters = 'eeeeeeeeeeettttttttaaaaaaaaooooooonnnnnnniiiiiiissssssrrrrrrhhhhhlllldddccuummffggppwwyybbvk'
const word = random => Array.from({ length: 1 + random.below(9) }, () => random.pick(letters)).join('')
const sentence = (random, words) => Array.from({ length: words }, () => word(random)).join(' ')

class Recording {
  records = []

  /** Keeps what is written in this document by itself. */
  listen (doc) {
    doc.on('update', (update, origin) => { if (origin !== 'remote') this.add(update) })
  }

  add (update) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(update.length)
    this.records.push(length, update)
  }

  get count () {
    return this.records.length / 2
  }

  get bytes () {
    return Buffer.concat(this.records)
  }
}

/** One author writes a paper, one character an update: as many insertions and deletions, in strokes of the same lengths, as
 * the B4 trace has. Stands in for it where it is not at hand. */
function paper () {
  const random = new Random(4)
  const recording = new Recording()
  const doc = new Y.Doc()
  const text = doc.getText('text')

  doc.clientID = clientId(random)
  recording.listen(doc)
  while (recording.count < 259778) {
    const at = random.below(4) > 0 ? text.length : random.below(text.length + 1)
    const stroke = 1 + random.below(28)
    if (random.below(100) < 43 && at > 0) {
      for (let i = 0; i < stroke && at - i > 0; i++) text.delete(at - i - 1, 1)
    } else {
      for (let i = 0; i < stroke; i++) text.insert(at + i, random.below(6) === 0 ? ' ' : random.pick(letters))
    }
  }
  return recording.bytes
}

/** What somebody does next in a document that holds a bit of everything. */
function editAnything (random, doc, undo) {
  const [text, map, array, xml] = [doc.getText('text'), doc.getMap('map'), doc.getArray('array'), doc.getXmlFragment('xml')]
  const task = random.below(100)
  const at = random.below(text.length + 1)

  if (task < 40) text.insert(at, word(random))
  else if (task < 52) text.delete(at, Math.min(text.length - at, 1 + random.below(12)))
  else if (task < 57) text.format(at, Math.min(text.length - at, 1 + random.below(20)), { bold: random.pick([true, null]) })
  else if (task < 70) map.set(`field ${random.below(60)}`, random.pick([random.below(1000), sentence(random, 2), true]))
  else if (task < 80) array.insert(random.below(array.length + 1), [{ name: word(random), done: random.below(2) === 0 }])
  else if (task < 84 && array.length > 0) array.delete(random.below(array.length), 1)
  else if (task < 90) addParagraph(random, xml)
  else if (task < 92 && xml.length > 0) xml.delete(random.below(xml.length), 1)
  else if (task < 97 && xml.length > 0) {
    const inner = xml.get(random.below(xml.length)).get(0)
    inner.insert(random.below(inner.length + 1), word(random))
  } else undo.undo()
}

function addParagraph (random, xml) {
  const element = new Y.XmlElement('paragraph')
  element.setAttribute('style', random.pick(['body', 'quote']))
  element.insert(0, [new Y.XmlText(sentence(random, 4))])
  xml.insert(random.below(xml.length + 1), [element])
}

/** Thirty people work on a text, a form, a list and a tree at once; each sees the work of the others a little later. */
function team () {
  const random = new Random(30)
  const recording = new Recording()
  const people = Array.from({ length: 30 }, () => {
    const doc = new Y.Doc()
    doc.clientID = clientId(random)
    const types = [doc.getText('text'), doc.getMap('map'), doc.getArray('array'), doc.getXmlFragment('xml')]
    return { doc, undo: new Y.UndoManager(types, { captureTimeout: 0 }), inbox: [] }
  })

  for (const person of people) {
    recording.listen(person.doc)
    person.doc.on('update', (update, origin) => {
      if (origin !== 'remote') for (const other of people) if (other !== person) other.inbox.push(update)
    })
  }
  while (recording.count < 20000) {
    const { doc, undo, inbox } = random.pick(people)
    if (inbox.length > 0) doc.transact(() => { for (const update of inbox.splice(0)) Y.applyUpdate(doc, update) }, 'remote')
    for (let i = random.below(20); i >= 0; i--) editAnything(random, doc, undo)
  }
  return recording.bytes
}

/** Two thousand sessions, one after the other, of a new client id each: a few words typed into a text, some taken back, and
 * now and then a field of a form. */
function visitors () {
  const random = new Random(2000)
  const recording = new Recording()
  const doc = new Y.Doc()
  const text = doc.getText('text')

  recording.listen(doc)
  for (let i = 0; i < 2000; i++) {
    doc.clientID = clientId(random)
    const typed = `${sentence(random, 1 + random.below(6))} `
    let at = random.below(text.length + 1)
    for (const letter of typed) text.insert(at++, letter)
    if (random.below(3) === 0) for (let wrong = random.below(8); wrong > 0; wrong--) text.delete(--at, 1)
    if (random.below(4) === 0) doc.getMap('map').set(`field ${random.below(100)}`, word(random))
  }
  return recording.bytes
}

/** A text of ten megabytes, written in paragraphs and letters; then as many paragraphs go as come. */
function book (authorCount) {
  const random = new Random(10)
  const recording = new Recording()
  const doc = new Y.Doc()
  const text = doc.getText('text')
  const authors = Array.from({ length: authorCount }, () => clientId(random))

  recording.listen(doc)
  for (let i = 0; i < 60000; i++) {
    const at = random.below(text.length + 1)
    doc.clientID = random.pick(authors)
    if (text.length > 10e6) text.delete(Math.min(at, text.length - 500), 500)
    else if (random.below(3) > 0) text.insert(at, sentence(random, 90))
    else for (const [j, letter] of Array.from(word(random)).entries()) text.insert(at + j, letter)
  }
  return recording.bytes
}

const makers = { paper, team, visitors, 'book-of-8': () => book(8), 'book-of-1': () => book(1) }

/** The path of a trace, which is made when it is not there, or older than this file. */
function made (name) {
  const path = `${folder}${name}.bin`

  if (!existsSync(path) || statSync(path).mtimeMs < statSync(fileURLToPath(import.meta.url)).mtimeMs) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, makers[name]())
  }
  return path
}

/** The editing session of one author: { path, name, text } with the text it must end with, where that is known. */
export function paperTrace () {
  if (!existsSync(`${recorded}b4-updates.bin`)) return { name: 'a paper like B4', path: made('paper') }
  return { name: 'B4', path: `${recorded}b4-updates.bin`, textPath: `${recorded}b4-final.txt` }
}

/** The path of a file with all of a trace as Yjs encodes it, in one update: 311 kB of the paper. */
export function updateOf (trace) {
  const path = `${folder}${basename(trace, '.bin')}.update`

  if (!existsSync(path)) {
    const file = readFileSync(trace)
    const doc = new Y.Doc()
    for (let at = 0; at < file.length; at += 4 + file.readUInt32LE(at)) {
      Y.applyUpdate(doc, file.subarray(at + 4, at + 4 + file.readUInt32LE(at)))
    }
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, Y.encodeStateAsUpdate(doc))
  }
  return path
}

export const teamTrace = () => ({ name: '30 clients', path: made('team') })
export const visitorsTrace = () => ({ name: '2,000 old clients', path: made('visitors') })
export const bookTraces = () => [
  { name: '10 MB by 8 clients', path: made('book-of-8') },
  { name: '10 MB by 1 client', path: made('book-of-1') }
]
