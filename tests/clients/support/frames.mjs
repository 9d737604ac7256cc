// SPDX-License-Identifier: MIT
// WebSocket frames (RFC 6455, 5.2) written by hand, right or wrong, and those of a server read strictly.
import { randomBytes } from 'node:crypto'

export const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

function lengthBytes (length) {
  if (length < 126) return Buffer.of(0x80 | length)
  const bytes = Buffer.alloc(length < 65536 ? 3 : 9)
  bytes[0] = 0x80 | (length < 65536 ? 126 : 127)
  if (length < 65536) bytes.writeUInt16BE(length, 1)
  else bytes.writeBigUInt64BE(BigInt(length), 1)
  return bytes
}

/** One frame as a client sends it; `rsv` is the number that the three reserved bits make: RSV1 is 4. */
export function frame (opcode, payload = '', { fin = true, rsv = 0, mask = randomBytes(4) } = {}) {
  const plain = Buffer.from(payload)
  const masked = Buffer.alloc(plain.length)
  for (let i = 0; i < plain.length; i++) masked[i] = plain[i] ^ mask[i & 3]
  return Buffer.concat([Buffer.of((fin ? 0x80 : 0) | rsv << 4 | opcode), lengthBytes(plain.length), mask, masked])
}

/** One message in as many frames as there are pieces. */
export function fragments (opcode, pieces, { rsv = 0 } = {}) {
  return pieces.map((piece, i) =>
    frame(i === 0 ? opcode : CONTINUATION, piece, { fin: i === pieces.length - 1, rsv: i === 0 ? rsv : 0 }))
}

/** The bytes in pieces of this length. */
export function cut (bytes, length) {
  const pieces = []
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length))
  return pieces
}

export function closeFrame (code, reason = '') {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame(CLOSE, Buffer.concat([head, Buffer.from(reason)]))
}

/** Takes bytes as they come, and calls back with each whole frame: { opcode, fin, rsv, payload }. Each byte is copied
 * once, however long a frame is. */
export class FrameReader {
  #chunks = []
  #length = 0
  #wanted = 2

  constructor (onFrame) {
    this.onFrame = onFrame
  }

  push (bytes) {
    this.#chunks.push(bytes)
    this.#length += bytes.length
    while (this.#length >= this.#wanted && this.#take());
  }

  /** False when more is needed: #wanted bytes. */
  #take () {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    const [start, length] = sizes(all)
    this.#wanted = start + length
    if (this.#length < this.#wanted) return false
    if (all[1] & 0x80) throw new Error('a frame of the server is masked')
    this.onFrame({
      opcode: all[0] & 15,
      fin: all[0] >= 0x80,
      rsv: all[0] >> 4 & 7,
      payload: all.subarray(start, this.#wanted)
    })
    this.#chunks = [all.subarray(this.#wanted)]
    this.#length -= this.#wanted
    this.#wanted = 2
    return true
  }
}

/** How long a frame's header is, and its payload as far as that can be told yet. */
function sizes (bytes) {
  const short = bytes[1] & 127
  if (short < 126) return [2, short]
  if (short === 126) return [4, bytes.length < 4 ? 0 : bytes.readUInt16BE(2)]
  return [10, bytes.length < 10 ? 0 : Number(bytes.readBigUInt64BE(2))]
}
