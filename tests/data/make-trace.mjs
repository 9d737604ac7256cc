// SPDX-License-Identifier: MIT
// Records the editing session in trace.bin (and the text it ends with in trace.txt): two people write a text, a character
// at a time, in bursts, with typing errors taken back, words moved and paragraphs deleted. Every edit is one Yjs update:
//
//     trace.bin    repeated [u32 little-endian length][update, v1 encoding]
//
// The same seed and Yjs version make the same files: `node tests/data/make-trace.mjs` after `make test-clients`.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'

import { Random } from '../clients/support/random.mjs'

const Y = createRequire(new URL('../clients/package.json', import.meta.url))('yjs')

const EDITS = 6000
const random = new Random(3913)
const authors = [1001, 2002].map(clientID => Object.assign(new Y.Doc(), { clientID }))
const records = []

for (const author of authors) {
  author.on('update', (update, origin) => {
    if (origin === 'relay') return
    const length = Buffer.alloc(4)
    length.writeUInt32LE(update.length)
    records.push(length, update)
    for (const other of authors) if (other !== author) Y.applyUpdate(other, update, 'relay')
  })
}

function type (text, at, word) {
  for (const letter of word) {
    text.insert(at, letter)
    at += letter.length
    if (random.below(25) === 0) { /* a wrong letter, noticed at once */
      text.insert(at, 'x')
      text.delete(at, 1)
    }
  }
}

/** A place between two words, so that no character is cut. */
function someGap (text) {
  const gaps = Array.from(text.toString().matchAll(/ /g), match => match.index)
  return gaps.length > 0 ? random.pick(gaps) : 0
}

while (records.length / 2 < EDITS) {
  const text = random.pick(authors).getText('text')
  const at = random.below(3) === 0 ? someGap(text) : text.length
  if (random.below(30) === 0 && text.length > 400) {
    const from = someGap(text)
    const to = text.toString().indexOf(' ', from + 40)
    if (to > from) text.delete(from, to - from)
  } else {
    type(text, at, ` ${random.word()}`)
  }
}

const save = (name, bytes) => writeFileSync(new URL(name, import.meta.url), bytes)
save('trace.bin', Buffer.concat(records))
save('trace.txt', authors[0].getText('text').toString())
