// SPDX-License-Identifier: MIT
// Yjs and y-websocket for tests that live outside of this folder, where node finds no packages.
export { WebsocketProvider } from 'y-websocket'
export * as Y from 'yjs'
