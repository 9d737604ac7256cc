// SPDX-License-Identifier: MIT
// A client in a process of its own, to be killed: prints its client id once it is synced and has announced itself.
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const [serverUrl, room] = process.argv.slice(2)
const doc = new Y.Doc()
const provider = new WebsocketProvider(serverUrl, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
provider.awareness.setLocalState({ name: 'victim' })
provider.once('synced', () => console.log(doc.clientID))
