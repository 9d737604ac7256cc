// SPDX-License-Identifier: MIT
// Starts the built program and talks to it as an operator would: addresses from stdout, events from the log on stderr.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { until } from './until.mjs'

export const program = process.env.YSYNC_PROGRAM ??
  fileURLToPath(new URL('../../../build/debug/ysync', import.meta.url))

export class Server {
  /** Runs `ysync serve` with these options; resolves when it listens. When the test `t` ends it must stop cleanly, which
   * a program that was built with sanitizers does not if they found something. */
  static async start (t, ...options) {
    const server = new Server(options)
    t.after(() => server.mustStopCleanly())
    await server.listening()
    return server
  }

  constructor (options) {
    this.process = spawn(program, ['serve', '--port', '0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.addresses = []
    this.log = []
    this.logLines = createInterface({ input: this.process.stderr })
    this.logLines.on('line', line => this.log.push(line))
    this.logEnded = once(this.logLines, 'close')
    this.exited = once(this.process, 'exit').then(([code, signal]) => ({ code, signal }))
  }

  async listening () {
    this.stdoutLines = createInterface({ input: this.process.stdout })
    this.stdoutLines.on('line', line => this.announce(line))
    await Promise.race([
      once(this.stdoutLines, 'line'),
      this.exited.then(exit => { throw new Error(`the server ended: ${JSON.stringify(exit)} ${this.log.join('\n')}`) })
    ])
    this.http = this.addresses[0]
    this.ws = this.http.replace(/^http/, 'ws')
    this.port = Number(new URL(this.http).port)
  }

  announce (line) {
    const address = /^ysync: listening on (https?:\/\/\S+)$/.exec(line)
    if (!address) throw new Error(`unexpected line on stdout: ${line}`)
    this.addresses.push(address[1])
  }

  /** Waits for a log line that matches. */
  logged (pattern) {
    return until(`a log line ${pattern}`, () => this.log.some(line => pattern.test(line)), [[this.logLines, 'line']])
  }

  /** It must not have ended by itself, and sanitizers must have found nothing. */
  async mustStopCleanly () {
    if (!this.wasToldToStop) {
      const timer = setTimeout(() => this.process.kill('SIGKILL'), 15000)
      const exit = await this.stop('SIGTERM')
      clearTimeout(timer)
      assert.deepEqual(exit, { code: 0, signal: null }, this.log.join('\n'))
    }
    await this.logEnded
    assert.doesNotMatch(this.log.join('\n'), /Sanitizer|runtime error:/)
  }

  /** Sends a signal and waits for the end: { code, signal }. */
  stop (signal) {
    this.wasToldToStop = true
    this.process.kill(signal)
    return this.exited
  }
}
