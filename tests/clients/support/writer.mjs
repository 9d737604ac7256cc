// SPDX-License-Identifier: MIT
// A client with a document that asks behind each of its updates whether it is saved (102), and keeps what it sent: so a
// test knows what it has been promised.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

import { RawClient, SYNC, SYNC_STATUS, syncPayload, syncStatus, syncStep1, syncStep2, update } from './raw-client.mjs'
import { until } from './until.mjs'

const NOTHING = Y.encodeStateAsUpdate(new Y.Doc())

export class Writer extends RawClient {
  /** Connected and synced. */
  static async join (t, server, room, doc = new Y.Doc()) {
    const writer = await super.join(t, server, room, '', { doc })
    await writer.synced()
    return writer
  }

  constructor (t, server, room, query, { doc }) {
    super(t, server, room, query)
    this.doc = doc
    this.isSynced = false
    this.updates = [] /* its own, since it joined */
    this.savedCount = 0 /* so many of these are saved */
    this.onUpdate = (bytes, origin) => { if (origin !== this) this.sendUpdate(bytes) }
    this.socket.on('open', () => {
      this.send(syncStep1(Y.encodeStateVector(doc)))
      doc.on('update', this.onUpdate)
    })
    this.socket.on('close', () => doc.off('update', this.onUpdate))
    this.on('message', () => this.#take(this.received.at(-1)))
  }

  /** Those of which it was told that they are saved. */
  get savedUpdates () {
    return this.updates.slice(0, this.savedCount)
  }

  synced () {
    return until('sync', () => this.isSynced, [[this, 'message']])
  }

  saved () {
    return until('all updates to be saved', () => this.savedCount === this.updates.length, [[this, 'message']])
  }

  /** What the document has got already, or some update that it has not. */
  sendUpdate (bytes) {
    this.#sendCounted(bytes, update(bytes))
  }

  /** What it had when it joined counts as the first update. */
  #answer (bytes) {
    if (bytes.length === NOTHING.length) this.send(syncStep2(bytes))
    else this.#sendCounted(bytes, syncStep2(bytes))
  }

  #sendCounted (bytes, message) {
    this.updates.push(bytes)
    this.send(message)
    this.send(syncStatus(encoding.encode(encoder => encoding.writeVarUint(encoder, this.updates.length))))
  }

  async leave () {
    this.socket.close()
    await this.closed
  }

  /** Messages about the document are kept in it, and nowhere else. */
  #take (message) {
    if (message[0] === SYNC) {
      this.received.pop()
      if (message[1] === 0) this.#answer(Y.encodeStateAsUpdate(this.doc, syncPayload(message)))
      else Y.applyUpdate(this.doc, syncPayload(message), this)
      if (message[1] === 1) this.isSynced = true
    } else if (message[0] === SYNC_STATUS) {
      this.received.pop()
      const decoder = decoding.createDecoder(message)
      decoding.readVarUint(decoder)
      this.savedCount = decoding.readVarUint(decoding.createDecoder(decoding.readVarUint8Array(decoder)))
    }
  }
}
