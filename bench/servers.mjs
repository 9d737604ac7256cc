// SPDX-License-Identifier: MIT
// The servers that are measured: how each is started, on which processors, and when it is ready.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

import { here, versionOf } from './page.mjs'

export const build = process.env.YSYNC_BUILD ?? here('../build/release')
export const ysync = `${build}/ysync`
assert.ok(existsSync(ysync), `${ysync} is not there: make builds it`)
export const peersNode = here('node_modules/node/bin/node') /* Hocuspocus wants a newer one than many systems have */

const patienceMs = 30_000

const versionBy = command => execFileSync(command, ['--version']).toString().trim().replace(/^(ysync |v)/, '')
const knowsThreads = () => execFileSync(ysync, ['help', 'serve']).toString().includes('--threads')

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** `command` gets a port for the case that the server cannot pick one; `evicting` is how documents go when nobody is there;
 * in `folder`, if it is given, they are kept, in the way that `store` names. */
const ysyncServer = (name, ...options) => ({
  name,
  version: () => versionBy(ysync),
  store: 'sqlite:',
  command: ({ evicting, folder }) => [ysync, 'serve', '--port', '0', '--log-level', 'warn', ...options,
    ...(evicting ? ['--evict-after', '100ms'] : []), ...(folder ? ['--store', `sqlite:${folder}/docs.db`] : [])],
  ready: /^ysync: listening on .*:(\d+)$/
})

const all = [
  ysyncServer('ysync'),
  { ...ysyncServer('ysync --threads 1', '--threads', '1'), exists: knowsThreads },
  {
    name: '@y/websocket-server',
    version: () => versionOf('@y/websocket-server'),
    command: () => [peersNode, here('node_modules/@y/websocket-server/src/server.js')],
    environment: ({ port, folder }) =>
      ({ HOST: '127.0.0.1', PORT: String(port), ...(folder ? { YPERSISTENCE: `${folder}/docs` } : {}) }),
    store: 'y-leveldb',
    ready: /^running at '127\.0\.0\.1' on port (\d+)$/
  },
  {
    name: 'Hocuspocus',
    version: () => versionOf('@hocuspocus/server'),
    dialect: 'hocuspocus',
    command: ({ folder }) => [peersNode, here('hocuspocus.mjs'), ...(folder ? [`${folder}/docs.db`] : [])],
    store: 'extension-sqlite',
    ready: /^listening on port (\d+)$/
  }
]

export const servers = all.filter(({ exists }) => exists?.() ?? true)

/** What they are, for the report. */
export const versions = () =>
  [...servers.filter(({ name }) => !name.includes(' ')).map(server => `${server.name} ${server.version()}`),
    `Node ${versionBy(peersNode)} for the servers written in JavaScript`]

/** A command that runs on these processors only, if there is a choice. */
export const pinned = (processors, command) => processors === null ? command : ['taskset', '-c', processors, ...command]

/** Runs a server while `use` runs: use({ port, pid }). What it syncs is noted in the file `syncs`, if that is given;
 * `politely` lets it end by itself, with what it has to do then. */
export async function withServer (server, { processors, evicting = false, folder, syncs, politely = false }, use) {
  const port = await freePort()
  const [program, ...args] = pinned(processors, server.command({ port, evicting, folder }))
  const counting = syncs ? { LD_PRELOAD: `${build}/bench/bench_synced.so`, YSYNC_BENCH_SYNCS: syncs } : {}
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...server.environment?.({ port, folder }), ...counting }
  })
  const said = []
  const exited = once(child, 'exit')

  createInterface({ input: child.stderr }).on('line', line => { if (said.push(line) > 20) said.shift() })
  try {
    const address = await readyLine(child, server.ready)
    const used = await use({ port: Number(address[1]), pid: child.pid })
    if (politely) {
      child.kill('SIGTERM')
      await Promise.race([exited, setTimeout(patienceMs).then(() => { throw new Error('the server does not end') })])
    }
    return used
  } catch (error) {
    error.message += said.map(line => `\n    ${server.name}: ${line}`).join('')
    throw error
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

function readyLine (child, pattern) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => { if (pattern.test(line)) resolve(pattern.exec(line)) })
    child.once('error', reject)
    child.once('exit', () => reject(new Error('the server ended')))
  })
}
