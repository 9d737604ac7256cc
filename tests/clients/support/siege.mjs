// SPDX-License-Identifier: MIT
// What every attack is measured by. A well-behaved pair of real clients stays in a room meanwhile:
//
//     begin --> the pair syncs --> the attack, twice: all that is kept for reuse is there then
//       --> the state of the server --> the attack, some times more --> the same state again, and hardly more memory
//       --> the pair still syncs both ways, and was never disconnected
//
// A leak of a single connection's or message's worth shows because the attack is repeated.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { get } from 'node:http'

import { MiB, mustNotGoOnGrowing } from './memory.mjs'
import { Server } from './server.mjs'
import { until } from './until.mjs'
import { YjsClient, converged } from './yjs-client.mjs'

const PATIENCE_MS = 30000

/* What an attack must leave as it was. */
const gauges = ['ysync_connections', 'ysync_rooms', 'ysync_document_bytes', 'ysync_updates_pending']

/** Not with fetch(), which keeps connections of its own. */
function textOf (url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', piece => { text += piece })
      answer.on('end', () => resolve(text))
    }).on('error', reject)
  })
}

export class Siege {
  /** Rooms that the attack makes are gone at once when it leaves them. */
  static async begin (t, ...options) {
    const siege = new Siege()
    siege.server = await Server.start(t, '--evict-after', '0', ...options)
    siege.pair = [await YjsClient.join(t, siege.server, siege.room), await YjsClient.join(t, siege.server, siege.room)]
    for (const { provider } of siege.pair) provider.on('connection-close', () => siege.closes++)
    await siege.mustSync()
    return siege
  }

  constructor () {
    this.room = 'room' /* the pair's */
    this.closes = 0
    this.signs = 0
  }

  async metrics () {
    const text = await textOf(`${this.server.http}/metrics`)
    return name => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)[1])
  }

  async mustWithstand (attack, { warmUps = 2, rounds = 4, limit = 4 * MiB } = {}) {
    const before = await this.#state()
    for (let i = 0; i < warmUps; i++) await attack()
    await this.#mustReturnTo(before)
    await mustNotGoOnGrowing(this.server, limit, async () => {
      for (let i = 0; i < rounds; i++) await attack()
      await this.#mustReturnTo(before)
    })
    await this.mustSync()
  }

  /** Both ways: a shared document, and who is there. */
  async mustSync () {
    for (const [from, to] of this.#directions()) {
      from.doc.getMap('signs').set('sign', `${++this.signs} from ${from.doc.clientID}`)
      await converged(this.pair)
      assert.equal(to.doc.getMap('signs').get('sign'), from.doc.getMap('signs').get('sign'))
    }
    await this.mustSeeEachOther()
  }

  /** For the midst of an attack: the pair is served, and the room's document stays what it is. */
  async mustSeeEachOther () {
    for (const [from, to] of this.#directions()) {
      const sign = ++this.signs
      from.awareness.setLocalStateField('sign', sign)
      await until('presence', () => to.awareness.getStates().get(from.doc.clientID)?.sign === sign,
        [[to.awareness, 'change']])
    }
    assert.equal(this.closes, 0, 'the pair was disconnected')
  }

  #directions () {
    const [ada, bob] = this.pair
    return [[ada, bob], [bob, ada]]
  }

  async #state () {
    const value = await this.metrics()
    return {
      ...Object.fromEntries(gauges.map(name => [name, value(name)])),
      openFiles: readdirSync(`/proc/${this.server.process.pid}/fd`).length
    }
  }

  /** The server needs some turns to see the ends of all connections; the one that asks may still count as a file. */
  async #mustReturnTo (before) {
    const deadline = Date.now() + PATIENCE_MS
    const isAsBefore = state =>
      state.openFiles <= before.openFiles && gauges.every(name => state[name] === before[name])
    let state = await this.#state()
    while (!isAsBefore(state) && Date.now() < deadline) state = await this.#state()
    assert.ok(isAsBefore(state), `left behind: ${JSON.stringify(state)}, before: ${JSON.stringify(before)}`)
  }
}
