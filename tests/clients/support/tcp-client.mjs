// SPDX-License-Identifier: MIT
// HTTP and WebSocket written byte by byte, for requests and frames that no library would send.
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'

import { until } from './until.mjs'

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

const websocketFields = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

export const upgradeRequest = (path, fields = websocketFields) =>
  `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`

/** A whole frame as a client sends it; `head` is its first byte, `declared` a length to lie about. */
export function frame (head, payload = [], { mask = [0x12, 0x34, 0x56, 0x78], declared = payload.length } = {}) {
  const length = declared < 126
    ? [0x80 | declared]
    : declared < 65536 ? [0xfe, declared >> 8, declared & 255] : [0xff, ...bigEndian(declared)]
  return Buffer.from([head, ...length, ...mask, ...payload].map((byte, i) => {
    const at = i - 1 - length.length - mask.length
    return at < 0 ? byte : byte ^ mask[at % 4]
  }))
}

function bigEndian (number) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(number))
  return bytes
}

export class TcpClient extends EventEmitter {
  static async connect (t, server) {
    const client = new TcpClient(t, server)
    await once(client.socket, 'connect')
    return client
  }

  /** Through the opening handshake. */
  static async join (t, server, room) {
    const client = await TcpClient.connect(t, server)
    client.send(upgradeRequest(`/${room}`))
    await client.upgraded()
    return client
  }

  async upgraded () {
    await until('the handshake', () => this.bytes.includes('\r\n\r\n'), [[this, 'bytes']])
    this.head = this.bytes.subarray(0, this.bytes.indexOf('\r\n\r\n')).toString()
    this.bytes = this.bytes.subarray(this.head.length + 4)
  }

  constructor (t, server) {
    super()
    this.bytes = Buffer.alloc(0)
    this.socket = connect(server.port, '127.0.0.1').setNoDelay()
    this.socket.on('data', data => {
      this.bytes = Buffer.concat([this.bytes, data])
      this.emit('bytes')
    })
    this.socket.on('error', () => {})
    this.ended = once(this.socket, 'close')
    t.after(() => this.socket.destroy())
  }

  send (bytes) {
    this.socket.write(bytes)
  }

  /** One piece after the other, each in a packet of its own as far as TCP lets, until the server has had enough. */
  async sendInPieces (bytes, size) {
    const all = Buffer.from(bytes)
    for (let at = 0; at < all.length && this.socket.writable; at += size) {
      await new Promise(resolve => this.socket.write(all.subarray(at, at + size), () => resolve()))
    }
  }

  /** The whole HTTP answers that came so far: { status, fields, body }. */
  answers () {
    const answers = []
    let rest = this.bytes
    for (let end; (end = rest.indexOf('\r\n\r\n')) >= 0;) {
      const fields = rest.subarray(0, end).toString()
      const length = Number(/^Content-Length: (\d+)$/im.exec(fields)?.[1] ?? 0)
      if (rest.length < end + 4 + length) break
      answers.push({ status: Number(fields.slice(9, 12)), fields, body: rest.subarray(end + 4, end + 4 + length) })
      rest = rest.subarray(end + 4 + length)
    }
    return answers
  }

  async waitForAnswers (count) {
    await until(`${count} answers`, () => this.answers().length >= count, [[this, 'bytes']])
    return this.answers()
  }

  /** The whole frames that came so far: { opcode, payload }. A server does not mask. */
  frames () {
    const frames = []
    let rest = this.bytes
    while (rest.length >= 2) {
      const [headerBytes, length] = frameLength(rest)
      if (rest.length < headerBytes + length) break
      frames.push({ opcode: rest[0] & 15, payload: rest.subarray(headerBytes, headerBytes + length) })
      rest = rest.subarray(headerBytes + length)
    }
    return frames
  }

  /** The code of the server's close frame. */
  async closeCode () {
    const closing = () => this.frames().find(frame => frame.opcode === CLOSE)
    await until('a close frame', () => closing() !== undefined, [[this, 'bytes']])
    return closing().payload.readUInt16BE(0)
  }
}

function frameLength (bytes) {
  const short = bytes[1] & 127
  if (short === 126) return bytes.length < 4 ? [4, Infinity] : [4, bytes.readUInt16BE(2)]
  if (short === 127) return bytes.length < 10 ? [10, Infinity] : [10, Number(bytes.readBigUInt64BE(2))]
  return [2, short]
}
