// SPDX-License-Identifier: MIT
// Many bytes of updates to a document that stays small: one key of a map is overwritten again and again.
import { MiB } from './memory.mjs'
import { until } from './until.mjs'

export const VALUE_BYTES = 64 * 1024

/** Overwrites the key with `bytes` bytes of values in all. Goes on only when the reader, another YjsClient, has got
 * what was sent, each update as a message of its own: so the reader never falls behind. */
export async function flood (writer, reader, bytes) {
  const map = writer.doc.getMap('flood')
  let [sent, received] = [0, 0]
  const count = () => received++
  reader.doc.on('update', count)
  while (sent * VALUE_BYTES < bytes) {
    for (let i = 0; i < MiB / 4 / VALUE_BYTES; i++) {
      map.set('key', `${sent} `.padEnd(VALUE_BYTES, 'x'))
      sent++
    }
    await until(`${sent} updates`, () => received === sent, [[reader.doc, 'update']])
  }
  reader.doc.off('update', count)
}
