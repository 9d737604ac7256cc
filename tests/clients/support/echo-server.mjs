// SPDX-License-Identifier: MIT
// The net layer with an echo above it (tests/net/echo_server.c).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { program as ysync } from './server.mjs'

const program = process.env.YSYNC_ECHO_SERVER ?? path.join(path.dirname(ysync), 'echo_server')

/** Starts one and returns its port. When the test ends it must stop cleanly, which a program that was built with
 * sanitizers does not if they found something. */
export async function startEchoServer (t, ...options) {
  const server = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(server, 'exit')
  let complaints = ''
  server.stderr.on('data', bytes => { complaints += bytes })
  t.after(async () => {
    server.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null], complaints)
  })
  const [line] = await Promise.race([
    once(createInterface({ input: server.stdout }), 'line'),
    exited.then(([code, signal]) => { throw new Error(`echo_server ended with ${signal ?? code}: ${complaints}`) })
  ])
  return Number(/^listening on 127\.0\.0\.1:(\d+)$/.exec(line)[1])
}
