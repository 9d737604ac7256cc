// SPDX-License-Identifier: MIT
// How long does a recorded editing session take through one WebSocket, update by update, and what does it cost the server?
//
//     node bench/trace-over-websocket.mjs [FOLDER]
//
// FOLDER holds updates (NAME.bin or NAME-updates.bin: repeated [u32 little-endian length][update]) and the text that they
// end with (NAME.txt or NAME-final.txt). A fresh y-websocket client then checks that this is what the server hands out.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.env.YSYNC_PROGRAM ??= fileURLToPath(new URL('../build/release/ysync', import.meta.url))
const { replay } = await import('../tests/clients/support/replay.mjs')
const { Server } = await import('../tests/clients/support/server.mjs')
const { YjsClient } = await import('../tests/clients/support/yjs-client.mjs')

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']))

/** User and system time of a process, in seconds: fields 14 and 15 of /proc/PID/stat, counted behind the name. */
function cpuSeconds (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function residentMegabytes (pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}

/** Stands in for a test: keeps what is to be undone. */
class Cleanup {
  undo = []

  after (step) {
    this.undo.unshift(step)
  }

  async run () {
    for (const step of this.undo) await step()
  }
}

function load (folder) {
  const names = readdirSync(folder)
  const find = (...endings) => readFileSync(join(folder, endings.flatMap(e => names.filter(n => n.endsWith(e)))[0]))
  return { updates: find('-updates.bin', '.bin'), text: find('-final.txt', '.txt').toString() }
}

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../tests/data', import.meta.url)))
const { updates, text } = load(folder)
const cleanup = new Cleanup()
try {
  const server = await Server.start(cleanup, '--log-level', 'warn')
  const pid = server.process.pid
  const [emptyMegabytes, idleSeconds] = [residentMegabytes(pid), cpuSeconds(pid)]

  const began = performance.now()
  const count = await replay(cleanup, server, 'trace', updates)
  const wall = (performance.now() - began) / 1000
  const cpu = cpuSeconds(pid) - idleSeconds

  const joining = performance.now()
  const reader = await YjsClient.join(cleanup, server, 'trace')
  const joined = performance.now() - joining
  assert.equal(reader.doc.getText('text').toString(), text, 'the text differs from the recorded one')

  console.log(`${count} updates (${updates.length} bytes) from ${folder}`)
  console.log(`  wall time            ${wall.toFixed(2)} s, ${Math.round(count / wall)} updates/s (one node client sends)`)
  console.log(`  server CPU           ${cpu.toFixed(2)} s, ${(cpu / count * 1e6).toFixed(2)} us an update`)
  console.log(`  server memory        ${residentMegabytes(pid).toFixed(1)} MB resident, ${emptyMegabytes.toFixed(1)} MB before`)
  console.log(`  a fresh y-websocket client joined in ${joined.toFixed(0)} ms, its text exactly the recorded one`)
} finally {
  await cleanup.run()
}
process.exit()
