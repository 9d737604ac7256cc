// SPDX-License-Identifier: MIT
// A client that stops reading, and goes on later: its socket is paused, so that the server's output backs up.
import * as Y from 'yjs'

import { RawClient, SYNC, syncPayload, syncStep1 } from './raw-client.mjs'

export class SlowReader extends RawClient {
  static async join (t, server, room) {
    const reader = await super.join(t, server, room)
    reader.send(syncStep1(Y.encodeStateVector(reader.doc)))
    await reader.fence()
    return reader
  }

  constructor (...args) {
    super(...args)
    this.doc = new Y.Doc()
    this.updateCount = 0
    this.on('message', () => this.#applyLast())
  }

  stopReading () {
    this.socket.pause()
  }

  goOnReading () {
    this.socket.resume()
  }

  /** Takes an update into the document, and keeps it no longer: there will be many. */
  #applyLast () {
    const message = this.received.at(-1)
    if (message[0] !== SYNC || message[1] === 0) return
    this.received.pop()
    this.updateCount++
    Y.applyUpdate(this.doc, syncPayload(message))
  }
}
