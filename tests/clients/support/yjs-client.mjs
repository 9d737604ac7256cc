// SPDX-License-Identifier: MIT
// A Yjs document behind y-websocket's own provider, as an application would have it.
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

import { until } from './until.mjs'

process.setMaxListeners(0) /* y-websocket adds one for each client */

/** WebSockets that trust the server's certificate, if it has one. */
function socketFor ({ ca }) {
  if (!ca) return WebSocket
  return class extends WebSocket {
    constructor (url, protocols) {
      super(url, protocols, { ca })
    }
  }
}

export class YjsClient {
  /** Connected and synced. */
  static async join (t, server, room, params = {}, Socket = socketFor(server)) {
    const client = new YjsClient(t, server, room, params, Socket)
    await client.synced()
    return client
  }

  constructor (t, server, room, params = {}, Socket = socketFor(server)) {
    this.doc = new Y.Doc()
    this.provider = new WebsocketProvider(server.ws, room, this.doc,
      { WebSocketPolyfill: Socket, disableBc: true, params, maxBackoffTime: 500 })
    this.awareness = this.provider.awareness
    t.after(() => this.leave())
  }

  synced () {
    return until('sync', () => this.provider.synced, [[this.provider, 'sync']])
  }

  async goOffline () {
    this.provider.disconnect()
    await until('disconnection', () => !this.provider.wsconnected, [[this.provider, 'status']])
  }

  goOnline () {
    this.provider.connect()
    return this.synced()
  }

  leave () {
    this.provider.destroy()
    this.doc.destroy()
  }
}

/** Waits until all clients hold the same structs and the same deletions. */
export function converged (clients) {
  const snapshots = () => clients.map(client => Y.snapshot(client.doc))
  const same = () => {
    const [first, ...others] = snapshots()
    return others.every(other => Y.equalSnapshots(first, other))
  }
  return until('convergence', same, clients.map(client => [client.doc, 'afterTransaction']))
}

/** All that a reader sees of the document. */
export function contentOf ({ doc }) {
  return {
    text: doc.getText('text').toDelta(),
    map: doc.getMap('map').toJSON(),
    array: doc.getArray('array').toJSON(),
    xml: doc.getXmlFragment('xml').toString()
  }
}
