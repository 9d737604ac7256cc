// SPDX-License-Identifier: MIT
// A WebSocket written byte by byte, for frames that no library would send.
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'

import { until } from './until.mjs'

export const CLOSE = 8
export const PING = 9

export class TcpClient extends EventEmitter {
  /** Through the opening handshake. */
  static async join (t, server, room) {
    const client = new TcpClient(t, server)
    await once(client.socket, 'connect')
    client.send(`GET /${room} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    await until('the handshake', () => client.bytes.includes('\r\n\r\n'), [[client, 'bytes']])
    client.head = client.bytes.subarray(0, client.bytes.indexOf('\r\n\r\n')).toString()
    client.bytes = client.bytes.subarray(client.head.length + 4)
    return client
  }

  constructor (t, server) {
    super()
    this.bytes = Buffer.alloc(0)
    this.socket = connect(server.port, '127.0.0.1')
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
