// SPDX-License-Identifier: MIT
// The examples do what their comments and the README say.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { program } from '../clients/support/server.mjs'

const example = name => join(dirname(program), 'examples', name)

test('document: what came in the wrong order is applied when it can be', () => {
  assert.equal(execFileSync(example('document'), { encoding: 'utf8' }),
    'new from 1: 18 bytes\n' +
    'new from 2: 16 bytes\n' +
    'state vector: 02 02 07 01 05\n' +
    'what client 1 lacks: 01 01 02 00 84 01 04 07 2c 20 77 6f 72 6c 64 00\n')
})

test('smallest_server: serves until its input ends', async t => {
  const server = spawn(example('smallest_server'), ['0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => server.kill('SIGKILL'))
  const [line] = await once(server.stdout, 'data')
  const address = /^serving at (http:\/\/\S+)\n$/.exec(line.toString())
  assert.ok(address, `unexpected: ${line}`)
  const answer = await fetch(address[1])
  assert.equal(await answer.text(), '{"status":"ok"}')
  server.stdin.end()
  assert.deepEqual(await once(server, 'exit'), [0, null])
})
