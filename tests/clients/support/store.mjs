// SPDX-License-Identifier: MIT
// A store in a folder of the test's own, and what of it can be seen from outside: by HTTP while a server has it, and by
// other programs.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'

import { Server, program } from './server.mjs'

export class Store {
  #cleanUps = []

  /** When the test ends the servers do, and then the folder goes. */
  constructor (t) {
    this.folder = mkdtempSync(join(tmpdir(), 'ysync-store-'))
    this.path = join(this.folder, 'rooms.db')
    t.after(async () => {
      try {
        for (const cleanUp of this.#cleanUps) await cleanUp()
      } finally {
        if (this.isMounted) execFileSync('umount', ['--lazy', this.folder])
        rmSync(this.folder, { recursive: true })
      }
    })
  }

  after (cleanUp) {
    this.#cleanUps.push(cleanUp)
  }

  /** Makes the folder a file system of this size. False where that is not possible. */
  mount (bytes) {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'ysync-test', this.folder])
    this.isMounted = status === 0
    return this.isMounted
  }

  /** A server that has it. */
  serve (...options) {
    return Server.start(this, '--store', `sqlite:${this.path}`, ...options)
  }

  /** Runs statements with SQLite's own program, and returns what they print. */
  sql (statements) {
    return execFileSync('sqlite3', [this.path, statements], { encoding: 'utf8' })
  }

  /** As another program that writes to it would: resolves when it is locked, to a function that lets go. */
  async lock () {
    const sqlite3 = spawn('sqlite3', [this.path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(sqlite3, 'exit')
    this.after(() => sqlite3.kill('SIGKILL'))
    sqlite3.stdin.write(".timeout 20000\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n")
    const [said] = await once(sqlite3.stdout, 'data')
    assert.equal(said.toString(), 'locked\n')
    return async () => {
      sqlite3.stdin.end('ROLLBACK;\n')
      await ended
    }
  }

  /** Runs `ysync store` with these arguments: { status, stdout, stderr }. */
  command (...args) {
    return spawnSync(program, ['store', ...args], { encoding: 'utf8' })
  }

  mustBeInOrder (path = this.path) {
    const { status, stdout, stderr } = this.command('check', path)
    assert.match(stdout, /^\d+ rooms, 0 damaged\n$/, stderr)
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  }

  /** The document as it is stored, whoever has the store. */
  read (room, path = this.path) {
    return docFrom(execFileSync(program, ['store', 'export', path, room], { maxBuffer: 2 ** 30 }))
  }
}

export function docFrom (update, options) {
  const doc = new Y.Doc(options)
  Y.applyUpdate(doc, update)
  return doc
}

export function docWithText (text, options) {
  const doc = new Y.Doc(options)
  doc.getText('text').insert(0, text)
  return doc
}

export const urlOf = (server, room) => `${server.http}/rooms/${room.split('/').map(encodeURIComponent).join('/')}`

/** The document of a room, by HTTP; null if there is none. */
export async function documentOf (server, room) {
  const answer = await fetch(urlOf(server, room))
  if (answer.status === 404) return null
  assert.equal(answer.status, 200)
  return docFrom(new Uint8Array(await answer.arrayBuffer()))
}

export async function textOf (server, room) {
  return (await documentOf(server, room))?.getText('text').toString()
}

/** Resolves when the store has it. */
export async function post (server, room, doc) {
  const answer = await fetch(urlOf(server, room), { method: 'POST', body: Y.encodeStateAsUpdate(doc) })
  assert.equal(answer.status, 200, await answer.text())
}

export async function openRooms (server) {
  return (await (await fetch(`${server.http}/rooms/`)).json()).rooms
}

export async function metric (server, name) {
  const text = await (await fetch(`${server.http}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)[1])
}

/** What a server has read so far, from files and from sockets alike. */
export function bytesRead ({ process: { pid } }) {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))[1])
}

/** All that these updates say must be in the document. */
export function mustHold (doc, updates, what) {
  if (updates.length === 0) return
  const before = Y.snapshot(doc)
  Y.applyUpdate(doc, Y.mergeUpdates(updates))
  assert.ok(doc.store.pendingStructs === null && doc.store.pendingDs === null, `${what}: something is missing before it`)
  assert.ok(Y.equalSnapshots(before, Y.snapshot(doc)), `${what}: something is missing`)
}
