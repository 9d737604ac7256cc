// SPDX-License-Identifier: MIT
// An HTTP endpoint that the server asks who may come in (--verify-url).
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

import { until } from './until.mjs'

/** What to answer a question with. */
export const allow = (access, headers = {}) => response => {
  response.writeHead(200, headers)
  response.end(JSON.stringify({ access }))
}
export const status = (code, body = '', headers = {}) => response => {
  response.writeHead(code, headers)
  response.end(body)
}

/** Emits `question` for each one, which `questions` keeps in the order in which they came. */
export class Endpoint extends EventEmitter {
  /** decide: a question (token, room, peer, transport) in, one of the answers above out; null: it says nothing. */
  static async start (t, decide, port = 0, create = createServer) {
    const endpoint = new Endpoint(decide, create)
    t.after(() => endpoint.stop())
    endpoint.server.listen(port, '127.0.0.1')
    await once(endpoint.server, 'listening')
    endpoint.port = endpoint.server.address().port
    endpoint.url = `http://127.0.0.1:${endpoint.port}/verify`
    return endpoint
  }

  constructor (decide, create) {
    super()
    this.decide = decide
    this.questions = []
    this.heads = []
    this.connectionCount = 0
    this.silent = [] /* responses that nobody gave */
    this.server = create((request, response) => this.#take(request, response))
    this.server.on('connection', () => this.connectionCount++)
  }

  asked (count) {
    return until(`${count} questions`, () => this.questions.length >= count, [[this, 'question']])
  }

  /** As if the machine were switched off. */
  stop () {
    this.server.closeAllConnections()
    this.server.close()
  }

  async #take (request, response) {
    const question = await json(request)
    const answer = this.decide(question)
    this.heads.push(request)
    this.questions.push(question)
    if (answer) answer(response)
    else this.silent.push(response)
    this.emit('question')
  }
}
