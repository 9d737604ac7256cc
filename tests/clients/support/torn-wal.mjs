// SPDX-License-Identifier: MIT
// What a machine that loses its power may leave of a write-ahead log: an end that was being written, of which a part is
// there.
//
//     header (32 bytes) | frame | frame | frame that commits | frame | fra
//                                                           ^--- from here on it may look like anything
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const SALT_BYTES = 8

/** Where the last transaction ends that SQLite would find. Frames of an earlier use of the file have another salt. */
function endOfCommitted (wal) {
  const frameBytes = FRAME_HEADER_BYTES + wal.readUInt32BE(8)
  const salt = wal.subarray(16, 16 + SALT_BYTES)
  let end = HEADER_BYTES
  for (let at = HEADER_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 8 + SALT_BYTES).equals(salt)) break
    if (wal.readUInt32BE(at + 4) !== 0) end = at + frameBytes
  }
  return { end, frameBytes, salt }
}

/** Cuts the log inside of a frame behind the last commit, and writes some there if there was none: half a page that
 * pretends to commit. False if there is no log. */
export function tear (random, path) {
  if (!existsSync(path)) return false
  const wal = readFileSync(path)
  if (wal.length < HEADER_BYTES) return false
  const { end, frameBytes, salt } = endOfCommitted(wal)
  const file = openSync(path, 'r+')
  const torn = Buffer.from(Uint8Array.from({ length: 1 + random.below(frameBytes - 1) }, () => random.below(256)))
  if (torn.length >= FRAME_HEADER_BYTES) {
    torn.writeUInt32BE(1, 0)
    torn.writeUInt32BE(2, 4)
    salt.copy(torn, 8)
  }
  if (wal.length > end && random.below(2) === 0) ftruncateSync(file, end + random.below(Math.min(frameBytes, wal.length - end)))
  else writeSync(file, torn, 0, torn.length, end)
  closeSync(file)
  return true
}
