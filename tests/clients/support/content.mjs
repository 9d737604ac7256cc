// SPDX-License-Identifier: MIT
// All that a document holds, in a form that assert.deepEqual compares and prints. It is read from the items themselves,
// which are built alike in Yjs 13 and 14; what the public methods of the two make of them is not.
import { isDeepStrictEqual } from 'node:util'

/** An edit may fall between the halves of a surrogate pair. Whether a peer then shows the pair or two replacement
 * characters depends, in Yjs, on when it heard of what stood between them; so they count as the same. */
function text (string) {
  return string.replace(/[\ud800-\udfff]/g, '\ufffd')
}

function plain (value) {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

/** The values of an item's content, one for each clock that it covers. */
function valuesOf (content) {
  if ('type' in content) return [nestedContent(content.type)]
  if ('opts' in content) return [subdocument(content)]
  return content.getContent().map(plain)
}

/** A subdocument is known by its guid and options; what else hangs on the object is this process's own. */
function subdocument ({ doc, opts }) {
  return { guid: doc.guid, opts: plain(opts) }
}

/** What stands in the sequence of a type: values and stretches of text, with their formats. */
function childrenOf (type) {
  const children = []
  const format = {}
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    if ('key' in item.content) setFormat(format, item.content)
    else if ('str' in item.content) appendText(children, text(item.content.str), { ...format })
    else children.push(...valuesOf(item.content).map(value => ({ value, format: { ...format } })))
  }
  return children
}

function setFormat (format, { key, value }) {
  if (value === null) delete format[key]
  else format[key] = value
}

function appendText (children, text, format) {
  const last = children.at(-1)
  if (last !== undefined && 'text' in last && isDeepStrictEqual(last.format, format)) last.text += text
  else children.push({ text, format })
}

function typeContent (type) {
  const entries = Array.from(type._map).filter(([, item]) => !item.deleted).sort(([a], [b]) => a < b ? -1 : 1)
  return {
    entries: Object.fromEntries(entries.map(([key, item]) => [key, valuesOf(item.content).at(-1)])),
    children: childrenOf(type)
  }
}

/** What the type is, it says when it is written. */
function nestedContent (type) {
  const kind = []
  type._write({ writeTypeRef: ref => kind.push(ref), writeKey: name => kind.push(name) })
  return { kind, ...typeContent(type) }
}

export function contentOf (doc) {
  return Object.fromEntries(Array.from(doc.share, ([name, type]) => [name, typeContent(type)]))
}
