// SPDX-License-Identifier: MIT
// What the first page shows is what works.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'
import { YjsClient } from './support/yjs-client.mjs'

const file = path => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const readme = file('README.md')

/** The page's script as a function of what a browser gives it; its imports are those of npm. */
function pageScript (serverUrl) {
  const script = /<script type="module">\n([^]*?)<\/script>/.exec(readme)[1]
  const body = script.replace(/^ *import .*$/gm, '').replace('ws://127.0.0.1:3913', serverUrl)
  assert.ok(body.includes(serverUrl))
  return new Function('Y', 'WebsocketProvider', 'document', 'form', 'line', 'list', body)
}

test('the page in the README works', async t => {
  const server = await Server.start(t)
  class Provider extends WebsocketProvider {
    constructor (url, room, doc) {
      super(url, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
      t.after(() => { this.destroy(); doc.destroy() })
    }
  }
  const [form, line, list] = [{}, {}, { items: [], replaceChildren (...items) { this.items = items } }]
  pageScript(server.ws)(Y, Provider, { createElement: name => ({ name }) }, form, line, list)
  const other = await YjsClient.join(t, server, 'my-room')
  const lines = other.doc.getArray('lines')

  line.value = 'from the page'
  form.onsubmit()
  assert.equal(line.value, '')
  await until('the line', () => lines.length === 1, [[other.doc, 'update']])
  assert.deepEqual(lines.toJSON(), ['from the page'])
  assert.deepEqual(list.items, [{ name: 'li', textContent: 'from the page' }])
})

test('the program in the README is the example', () => {
  const example = file('examples/smallest_server.c')
  assert.ok(readme.includes('```c\n' + example.slice(example.indexOf('#include')) + '```\n'))
})
