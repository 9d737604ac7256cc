// SPDX-License-Identifier: MIT
// A recorded editing session, keystroke by keystroke, through one connection: see ../data/make-trace.mjs.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { replay } from './support/replay.mjs'
import { Server } from './support/server.mjs'
import { YjsClient } from './support/yjs-client.mjs'

const data = name => new URL(`../data/${name}`, import.meta.url)

test('a fresh client ends with exactly the text that the recorded session ended with', async t => {
  const server = await Server.start(t)
  const edits = await replay(t, server, 'trace', readFileSync(data('trace.bin')))
  assert.ok(edits > 4000, `${edits} edits`)
  const reader = await YjsClient.join(t, server, 'trace')
  assert.equal(reader.doc.getText('text').toString(), readFileSync(data('trace.txt'), 'utf8'))
})
