// SPDX-License-Identifier: MIT
// What the first page and the manuals show is what works.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

import { Server } from './support/server.mjs'
import { Store } from './support/store.mjs'
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

/* It is written beside the tests, where node finds its packages. */
test('the script in docs/store.md reads a document without ysync', async t => {
  const script = /```js\n([^]*?)```/.exec(file('docs/store.md'))[1]
  const path = fileURLToPath(new URL(`rescue-${process.pid}.mjs`, import.meta.url))
  const store = new Store(t)
  const server = await store.serve()
  const ada = await YjsClient.join(t, server, 'team/böoks')
  t.after(() => rmSync(path))
  writeFileSync(path, script)
  for (const word of ['a snapshot, ', 'and ', 'some ', 'updates']) {
    const text = ada.doc.getText('text')
    text.insert(text.length, word)
    const answer = await fetch(`${server.http}/rooms/${encodeURIComponent('team/böoks')}`,
      { method: 'POST', body: Y.encodeStateAsUpdate(ada.doc) })
    assert.equal(answer.status, 200) /* it is stored */
  }
  assert.notEqual(store.sql('SELECT count(*) FROM updates').trim(), '0')
  const doc = new Y.Doc()
  Y.applyUpdate(doc, execFileSync('node', [path, store.path, 'team/böoks']))
  assert.equal(doc.getText('text').toString(), 'a snapshot, and some updates')
})
