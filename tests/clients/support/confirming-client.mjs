// SPDX-License-Identifier: MIT
// A Yjs 14 client that knows which of its edits the server has: those whose content ids came back in an echo (--echo).
import * as Y from '@y/y'

import { RawClient, SYNC, syncPayload, syncStep1, update } from './raw-client.mjs'
import { until } from './until.mjs'

export class ConfirmingClient extends RawClient {
  static async join (t, server, room) {
    const client = await super.join(t, server, room)
    client.send(syncStep1(Y.encodeStateVector(client.doc)))
    await client.fence()
    return client
  }

  constructor (...args) {
    super(...args)
    this.doc = new Y.Doc()
    this.unconfirmed = Y.createContentIds()
    this.updateCount = 0
    this.doc.on('update', (bytes, origin) => { if (origin !== this) this.#edited(bytes) })
    this.on('message', () => this.#take(this.received.at(-1)))
  }

  get isConfirmed () {
    return this.unconfirmed.inserts.isEmpty() && this.unconfirmed.deletes.isEmpty()
  }

  confirmed () {
    return until('all edits to be confirmed', () => this.isConfirmed, [[this, 'message']])
  }

  #edited (bytes) {
    this.unconfirmed = Y.mergeContentIds([this.unconfirmed, Y.createContentIdsFromUpdate(bytes)])
    this.send(update(bytes))
  }

  #take (message) {
    if (message[0] !== SYNC || message[1] === 0) return
    const bytes = syncPayload(message)
    this.updateCount++
    this.unconfirmed = Y.excludeContentIds(this.unconfirmed, Y.createContentIdsFromUpdate(bytes))
    Y.applyUpdate(this.doc, bytes, this)
  }
}
