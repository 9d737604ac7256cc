// SPDX-License-Identifier: MIT
// A document of ours behind a pipe (tests/doc/relay.c).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const program = process.env.YSYNC_RELAY ?? path.join(path.dirname(process.env.YSYNC_PROGRAM), 'relay')

export const gc = { compact: 0, eager: 1, off: 2 }

export class Relay {
  /** quiet: do not show what was wrong with what it refused. */
  constructor ({ quiet = false } = {}) {
    this.process = spawn(program, { stdio: ['pipe', 'pipe', quiet ? 'ignore' : 'inherit'] })
    this.exit = once(this.process, 'exit')
    this.received = Buffer.alloc(0)
    this.waiting = []
    this.process.stdout.on('data', bytes => this.#receive(bytes))
    this.exit.then(([code, signal]) => {
      this.ended = new Error(`the relay ended with ${signal ?? code}`)
      for (const { reject } of this.waiting) reject(this.ended)
    })
  }

  /** Forget everything: a new document. */
  reset () {
    return this.#ask('n', [])
  }

  /** Resolves to what was new: [{ origin, bytes }]. */
  async apply (update, origin = 0) {
    const head = Buffer.alloc(4)
    head.writeUInt32LE(origin)
    return (await this.#ask('a', [head, update])).entries
  }

  /** What a malformed update is answered with: the error's number. */
  async applyBad (update) {
    return (await this.#ask('a', [Buffer.alloc(4), update], true)).err
  }

  async diff (stateVector = new Uint8Array()) {
    return (await this.#ask('d', [stateVector])).entries[0].bytes
  }

  async stateVector () {
    return (await this.#ask('s', [])).entries[0].bytes
  }

  async lacks (update) {
    return (await this.#ask('l', [update])).entries[0].bytes[0] === 1
  }

  /** At most 64 updates made one. */
  async merge (updates) {
    const parts = updates.flatMap(update => {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(update.length)
      return [head, update]
    })
    return (await this.#ask('m', parts)).entries[0].bytes
  }

  /** What becomes of deleted content: one of `gc`. */
  setGc (mode) {
    return this.#ask('g', [Uint8Array.of(mode)])
  }

  /** Compacts the document; or only begins to, and goes on by so many bytes with each call. */
  compact (step) {
    return this.#ask('c', step === undefined ? [] : [Uint8Array.of(step)])
  }

  saveAndLoad () {
    return this.#ask('v', [])
  }

  async close () {
    this.process.stdin.end()
    const [code] = await this.exit
    if (code !== 0) throw new Error(`the relay ended with ${code}`)
  }

  async #ask (command, parts, mayFail = false) {
    if (this.ended) throw this.ended
    const head = Buffer.alloc(5)
    head.write(command, 'latin1')
    head.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0), 1)
    this.process.stdin.write(Buffer.concat([head, ...parts]))
    const answer = await new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
    if (answer.err !== 0 && !mayFail) throw new Error(`${command} failed with error ${answer.err}`)
    return answer
  }

  #receive (bytes) {
    this.received = Buffer.concat([this.received, bytes])
    for (let answer; this.waiting.length > 0 && (answer = this.#takeAnswer()) !== null;) {
      this.waiting.shift().resolve(answer)
    }
  }

  /** One whole answer from the front of what was received; null if it is not all there. */
  #takeAnswer () {
    const bytes = this.received
    if (bytes.length < 8) return null
    const entries = []
    let at = 8
    for (let left = bytes.readUInt32LE(4); left > 0; left--) {
      if (bytes.length < at + 8) return null
      const end = at + 8 + bytes.readUInt32LE(at + 4)
      if (bytes.length < end) return null
      entries.push({ origin: bytes.readUInt32LE(at), bytes: Uint8Array.from(bytes.subarray(at + 8, end)) })
      at = end
    }
    this.received = bytes.subarray(at)
    return { err: bytes.readUInt32LE(0), entries }
  }
}
