// SPDX-License-Identifier: MIT
// A bare WebSocket that speaks the protocol by hand, for what a well-behaved client would never show.
import { EventEmitter, once } from 'node:events'

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'

import { until } from './until.mjs'

export const SYNC = 0
export const AWARENESS = 1
export const AUTH = 2
export const QUERY_AWARENESS = 3
export const SYNC_STATUS = 102

export class RawClient extends EventEmitter {
  /** options: those of `ws`. */
  static async join (t, server, room, query = '', options = {}) {
    const client = new this(t, server, room, query, options)
    await once(client.socket, 'open')
    return client
  }

  constructor (t, server, room, query = '', options = {}) {
    super()
    this.received = []
    this.socket = new WebSocket(`${server.ws}/${room}${query}`, options)
    this.socket.on('message', data => {
      this.received.push(new Uint8Array(data))
      this.emit('message')
    })
    this.socket.on('error', () => {}) /* the close says it too */
    this.closed = new Promise(resolve =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })))
    t.after(() => this.socket.terminate())
  }

  send (bytes) {
    this.socket.send(bytes)
  }

  /** The messages that came so far whose first numbers are these. */
  messages (...tags) {
    return this.received.filter(message => tags.every((tag, i) => message[i] === tag))
  }

  waitForMessages (count, ...tags) {
    return until(`${count} messages ${tags}`, () => this.messages(...tags).length >= count, [[this, 'message']])
  }

  /** Returns when the server has taken in all that was sent before, and what it sent before has arrived. */
  async fence () {
    const before = this.messages(SYNC_STATUS).length
    this.send(syncStatus(encoding.toUint8Array(encoding.createEncoder())))
    await this.waitForMessages(before + 1, SYNC_STATUS)
  }
}

const message = write => encoding.encode(write)

export const syncStep1 = stateVector => message(encoder => {
  encoding.writeVarUint(encoder, SYNC)
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint8Array(encoder, stateVector)
})

export const syncStep2 = bytes => message(encoder => {
  encoding.writeVarUint(encoder, SYNC)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint8Array(encoder, bytes)
})

export const update = bytes => message(encoder => {
  encoding.writeVarUint(encoder, SYNC)
  encoding.writeVarUint(encoder, 2)
  encoding.writeVarUint8Array(encoder, bytes)
})

export const syncStatus = bytes => message(encoder => {
  encoding.writeVarUint(encoder, SYNC_STATUS)
  encoding.writeVarUint8Array(encoder, bytes)
})

export const awareness = entries => message(encoder => {
  encoding.writeVarUint(encoder, AWARENESS)
  encoding.writeVarUint8Array(encoder, encoding.encode(inner => {
    encoding.writeVarUint(inner, entries.length)
    for (const { client, clock, state } of entries) {
      encoding.writeVarUint(inner, client)
      encoding.writeVarUint(inner, clock)
      encoding.writeVarString(inner, JSON.stringify(state))
    }
  }))
})

/** The bytes inside a sync message: the state vector or the update. */
export function syncPayload (message) {
  const decoder = decoding.createDecoder(message)
  decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  return decoding.readVarUint8Array(decoder)
}

export function awarenessEntries (message) {
  const outer = decoding.createDecoder(message)
  decoding.readVarUint(outer)
  const decoder = decoding.createDecoder(decoding.readVarUint8Array(outer))
  return Array.from({ length: decoding.readVarUint(decoder) }, () => ({
    client: decoding.readVarUint(decoder),
    clock: decoding.readVarUint(decoder),
    state: JSON.parse(decoding.readVarString(decoder))
  }))
}
