// SPDX-License-Identifier: MIT
// A sync provider of another make than y-websocket, as applications write them: it watches its line with sync status
// messages (102) and shows its user whether all edits are saved.
//
//     offline --> connecting --> handshaking --sync step 2--> connected
//        ^            |              |                            |
//        '------------+-- backoff ---+----- closed, no answer ----'
//
// After 2 s of silence it sends 102, and closes when nothing at all comes within 3 s. After each local edit it sends 102
// with its local version; edits are saved when the echo has the newest one.
import { EventEmitter } from 'node:events'

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

import { AUTH, AWARENESS, SYNC, SYNC_STATUS, syncStatus } from './raw-client.mjs'
import { until } from './until.mjs'

const PROBE_AFTER_MS = 2000
const GIVE_UP_AFTER_MS = 3000
const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1000

const message = write => encoding.encode(write)

export class HeartbeatClient extends EventEmitter {
  constructor (t, server, room, { token, state = null } = {}) {
    super()
    this.url = `${server.ws}/${room}${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`
    this.doc = new Y.Doc()
    this.awareness = new Awareness(this.doc)
    this.awareness.setLocalState(state)
    this.status = 'offline'
    this.statuses = [] /* all there have been */
    this.savedStates = [] /* what its user was shown */
    this.localVersion = 0
    this.savedVersion = 0
    this.failures = 0
    this.probeCount = 0
    this.closeCodes = []
    this.doc.on('update', (update, origin) => { if (origin !== this) this.#edited(update) })
    this.awareness.on('update', (_, origin) => { if (origin === 'local') this.#sendAwareness() })
    this.wanted = true
    this.#supervise()
    t.after(() => this.leave())
  }

  get isSaved () {
    return this.savedVersion === this.localVersion
  }

  reached (status) {
    return until(`status ${status}`, () => this.status === status, [[this, 'status']])
  }

  saved () {
    return until('all edits to be saved', () => this.isSaved, [[this, 'saved']])
  }

  leave () {
    this.wanted = false
    this.socket?.terminate()
    clearTimeout(this.backoff)
    this.awareness.destroy()
    this.doc.destroy()
  }

  /** Opens one connection after the other. */
  #supervise () {
    if (!this.wanted) return
    this.#setStatus('connecting')
    const socket = this.socket = new WebSocket(this.url)
    socket.on('open', () => this.#opened())
    socket.on('message', data => this.#receive(new Uint8Array(data)))
    socket.on('error', () => {})
    socket.on('close', code => {
      clearTimeout(this.watch)
      this.closeCodes.push(code)
      this.#setStatus('offline')
      const delayMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.failures++)
      this.backoff = setTimeout(() => this.#supervise(), delayMs)
    })
  }

  #opened () {
    this.#setStatus('handshaking')
    this.#watch()
    this.#send(message(encoder => {
      encoding.writeVarUint(encoder, SYNC)
      sync.writeSyncStep1(encoder, this.doc)
    }))
    this.#sendAwareness()
  }

  #receive (bytes) {
    this.#watch()
    this.heardSinceProbe = true
    this.emit('heard')
    const decoder = decoding.createDecoder(bytes)
    switch (decoding.readVarUint(decoder)) {
      case SYNC: return this.#receiveSync(decoder)
      case AWARENESS:
        return applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this)
      case SYNC_STATUS: return this.#heardOf(decoding.createDecoder(decoding.readVarUint8Array(decoder)))
      case AUTH: return this.emit('denied')
    }
  }

  #receiveSync (decoder) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, SYNC)
    const type = sync.readSyncMessage(decoder, encoder, this.doc, this)
    if (encoding.length(encoder) > 1) this.#send(encoding.toUint8Array(encoder))
    if (type === sync.messageYjsSyncStep1) this.#sendVersion() /* behind the answer, which held all that was edited */
    if (type === sync.messageYjsSyncStep2 && this.status === 'handshaking') {
      this.failures = 0
      this.#setStatus('connected')
    }
  }

  #heardOf (decoder) {
    this.savedVersion = Math.max(this.savedVersion, decoding.readVarUint(decoder))
    this.#showSaved()
  }

  #edited (update) {
    this.localVersion++
    this.#showSaved()
    this.#send(message(encoder => {
      encoding.writeVarUint(encoder, SYNC)
      sync.writeUpdate(encoder, update)
    }))
    this.#sendVersion()
  }

  #showSaved () {
    if (this.savedStates.at(-1) === this.isSaved) return
    this.savedStates.push(this.isSaved)
    this.emit('saved')
  }

  #sendVersion () {
    this.#send(syncStatus(message(encoder => encoding.writeVarUint(encoder, this.localVersion))))
  }

  #sendAwareness () {
    if (this.awareness.getLocalState() === null) return
    this.#send(message(encoder => {
      encoding.writeVarUint(encoder, AWARENESS)
      encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.awareness, [this.doc.clientID]))
    }))
  }

  #send (bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes)
  }

  /** Something was heard, or the line has just been opened. */
  #watch () {
    clearTimeout(this.watch)
    this.watch = setTimeout(() => {
      this.probeCount++
      this.heardSinceProbe = false
      this.#sendVersion()
      this.watch = setTimeout(() => this.socket.terminate(), GIVE_UP_AFTER_MS)
    }, PROBE_AFTER_MS)
  }

  #setStatus (status) {
    this.status = status
    this.statuses.push(status)
    this.emit('status')
  }
}
