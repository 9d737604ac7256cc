// SPDX-License-Identifier: MIT
// A WebSocket that sends the bytes it is given, in the pieces it is given, and hands out the server's frames one by
// one.
import { EventEmitter } from 'node:events'
import { connect } from 'node:net'

import { FrameReader } from './frames.mjs'
import { until } from './until.mjs'

export class FrameClient extends EventEmitter {
  /** Through the opening handshake; `fields` are more lines of the request. */
  static async open (t, port, { path = '/', fields = [] } = {}) {
    const client = new FrameClient(t, port)
    await client.send([Buffer.from([`GET ${path} HTTP/1.1`, 'Host: test', 'Connection: Upgrade', 'Upgrade: websocket',
      'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...fields, '', ''].join('\r\n'))])
    await client.#until('the handshake', () => client.head !== undefined)
    if (!client.head.startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${client.head}`)
    return client
  }

  constructor (t, port) {
    super()
    this.frames = [] /* that nobody has taken */
    this.hasEnded = false /* their FIN has come */
    this.reader = new FrameReader(frame => this.frames.push(frame))
    this.early = Buffer.alloc(0)
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay()
    this.socket.on('data', data => {
      if (this.head === undefined) this.#takeHead(data)
      else this.reader.push(data)
      this.emit('change')
    })
    this.socket.on('error', error => { this.error = error })
    this.socket.on('end', () => {
      this.hasEnded = true
      this.emit('change')
    })
    this.socket.on('close', () => this.emit('change'))
    t.after(() => this.socket.destroy())
  }

  #takeHead (data) {
    this.early = Buffer.concat([this.early, data])
    const end = this.early.indexOf('\r\n\r\n')
    if (end < 0) return
    this.head = this.early.subarray(0, end + 2).toString()
    this.reader.push(this.early.subarray(end + 4))
  }

  #until (what, holds) {
    return until(what, () => holds() || this.hasEnded || this.socket.destroyed, [[this, 'change']])
  }

  /** Each piece in a write of its own. What the server has no ears for any more is no failure. */
  async send (pieces) {
    for (const piece of pieces) await new Promise(resolve => this.socket.write(piece, () => resolve()))
  }

  /** The next frame of the server, or undefined if it has ended instead. */
  async next () {
    await this.#until('a frame', () => this.frames.length > 0)
    return this.frames.shift()
  }

  /** Waits for the server to end the connection; false if it was torn instead. */
  async end () {
    await this.#until('the end', () => false)
    this.socket.end()
    return this.hasEnded && this.error === undefined
  }
}
