// SPDX-License-Identifier: MIT
// --echo: clients of Yjs 14 tell by the content ids of what comes back which of their edits have been taken in.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ConfirmingClient } from './support/confirming-client.mjs'
import { MiB } from './support/memory.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/until.mjs'

const edits = [
  ['an insertion', type => type.insert(0, 'some text')],
  ['a deletion', type => type.delete(2, 4)],
  ['a formatted insertion', type => type.insert(1, 'bold', { bold: true })],
  ['a map entry', type => type.setAttr('key', 1)],
  ['an overwritten map entry', type => type.setAttr('key', 2)],
  ['a removed map entry', type => type.deleteAttr('key')],
  ['values', type => type.insert(0, [1, null, { a: [true] }])]
]

test('every kind of edit is confirmed by its echo', async t => {
  const server = await Server.start(t, '--echo')
  const client = await ConfirmingClient.join(t, server, 'room')
  for (const [name, edit] of edits) {
    await t.test(name, async () => {
      edit(client.doc.get('type'))
      assert.equal(client.isConfirmed, false)
      await client.confirmed()
    })
  }
})

test('edits are confirmed by their own echo, not by what others write', async t => {
  const server = await Server.start(t, '--echo')
  const [a, b] = [await ConfirmingClient.join(t, server, 'room'), await ConfirmingClient.join(t, server, 'room')]
  for (let i = 0; i < 200; i++) {
    a.doc.get('type').insert(0, `a${i}`)
    b.doc.get('type').insert(0, `b${i}`)
    if (i % 3 === 0) a.doc.get('type').delete(0, 1)
  }
  await Promise.all([a.confirmed(), b.confirmed()])
  await Promise.all([a.fence(), b.fence()])
  assert.deepEqual(a.doc.get('type').toJSON(), b.doc.get('type').toJSON())
})

test('without --echo nothing is confirmed', async t => {
  const server = await Server.start(t)
  const client = await ConfirmingClient.join(t, server, 'room')
  client.doc.get('type').insert(0, 'text')
  await client.fence()
  assert.equal(client.isConfirmed, false)
})

test('echoes that were dropped for a slow reader are made up for', async t => {
  const server = await Server.start(t, '--echo')
  const client = await ConfirmingClient.join(t, server, 'room')
  const count = 24 * MiB / 65536
  client.socket.pause()
  for (let i = 0; i < count; i++) client.doc.get('type').setAttr('key', `${i} `.padEnd(65536, 'x'))
  const other = await ConfirmingClient.join(t, server, 'room')
  const isLast = () => `${other.doc.get('type').getAttr('key')}`.startsWith(`${count - 1} `)
  await until('the last edit', isLast, [[other, 'message']])
  assert.equal(client.isConfirmed, false)
  client.socket.resume()
  await client.confirmed()
  assert.ok(client.updateCount < count, 'some of the echoes were dropped')
})
