import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Store, documentOf, mustHold, docWithText, post, textOf } from './support/store.mjs'
import { Writer } from './support/writer.mjs'
for (const [name, pattern] of [['PATH', /^rooms\.db$/], ['WAL', /^rooms\.db-wal$/], ['both', /^rooms\.db(-wal)?$/], ['all', /^rooms\.db/]])
for (const after of ['nothing', 'get', 'evict'])
test(name + ' ' + after, async t => {
  const store = new Store(t)
  const server = await store.serve('--evict-after', '20ms')
  await post(server, 'other', docWithText('not touched since'))
  const writer = await Writer.join(t, server, 'room')
  writer.doc.getText('text').insert(0, 'x'.repeat(1000))
  await writer.saved()
  for (const file of readdirSync(store.folder).filter(file => pattern.test(file))) rmSync(join(store.folder, file))
  if (after === 'get') assert.equal(await textOf(server, 'other'), 'not touched since')
  if (after === 'evict') { await writer.leave(); await server.logged(/room_evicted.*room=room/); assert.equal(await textOf(server, 'other'), 'not touched since') }
  await server.stop('SIGTERM')
  console.log(name, after, readdirSync(store.folder).join(' '))
  const next = await store.serve()
  console.log(name, after, (await documentOf(next, 'room')) !== null, (await documentOf(next, 'other')) !== null)
})
