// SPDX-License-Identifier: MIT
// What must come of a server, frame by frame (frame-client.mjs), and how it must end.
import assert from 'node:assert/strict'

import { CLOSE } from './frames.mjs'

/** A frame in words that fit into a line. */
function show ({ opcode, payload, fin = true, rsv = 0 }) {
  const bytes = Buffer.from(payload)
  return `opcode ${opcode}, fin ${fin}, rsv ${rsv}, ${bytes.length} bytes: ${bytes.subarray(0, 40).toString('hex')}`
}

export function assertFrame (got, [opcode, payload]) {
  const want = { opcode, payload, fin: true, rsv: 0 }
  assert.ok(got !== undefined, `the end, want ${show(want)}`)
  assert.equal(show(got), show(want))
  assert.ok(got.payload.equals(Buffer.from(payload)), 'the bytes are the same')
}

/** code: null for a close frame without one. */
export async function assertClosed (client, code) {
  const last = await client.next()
  assert.ok(last !== undefined, `the end, want a close frame of ${code}`)
  assert.equal(last.opcode, CLOSE, show(last))
  assert.equal(last.payload.length >= 2 ? last.payload.readUInt16BE(0) : null, code, last.payload.toString())
  assert.ok(await client.end(), 'the server ends the connection, and does not tear it')
  assert.deepEqual(client.frames.map(show), [], 'nothing comes behind the close frame')
}
