// SPDX-License-Identifier: MIT
// Documents that survive: how many updates a second are on the disk, how long does a writer wait for it, what is loaded how
// fast, and what does a store cost?
//
//     node bench/store.mjs [--quick] [--runs N] [--seconds S] [--peer-seconds S] [--parts A,B] [--servers A,B] [--write]
//                          [--folder PATH] [--server-cpus LIST] [--load-cpus LIST] [--lines FILE]
//
// The servers take turns with the scenarios of bench/load, each just started, with an empty store of its own in a folder that
// must lie on a disk. Figures are medians of --runs (3); every run is also a line of JSON in build/bench/store.jsonl. Of
// what a peer took that counts as durable which is there after a simulated power cut; of ysync that which it has said to be
// kept, and it must be there. --peer-seconds (12) must be more than the ten seconds after which Hocuspocus writes at the
// latest. --write puts the tables into docs/benchmarks.md. --quick sees whether all of it works.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, closeSync, cpSync, existsSync, fdatasyncSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync,
  statSync, truncateSync, writeSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'

import * as Y from 'yjs'

import { here, lead, machine, median, short, table, versionOf, writeReport } from './page.mjs'
import { build, peersNode, pinned, servers as all, versions, withServer, ysync } from './servers.mjs'
import { durableRows, offOnRows, otherRows, scenarios } from './store-figures.mjs'
import { paperTrace, updateOf } from './traces.mjs'

const known = all.filter(({ name }) => !name.includes(' '))
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    'peer-seconds': { type: 'string' },
    parts: { type: 'string', default: 'durable,open,session,cost' },
    servers: { type: 'string', default: known.map(({ name }) => name).join() },
    folder: { type: 'string', default: here('../build/bench/store') },
    lines: { type: 'string', default: here('../build/bench/store.jsonl') },
    'server-cpus': { type: 'string', default: '1' },
    'load-cpus': { type: 'string', default: '0' }
  }
})
assert.ok(!(options.quick && options.write), '--quick has no figures to write')
assert.ok(!options.write || options.parts === Object.keys(scenarios).join(), '--write wants all parts')
const runs = Number(options.runs ?? (options.quick ? 1 : 3))
const seconds = options.seconds ?? (options.quick ? '0.3' : '3')
const peerSeconds = options['peer-seconds'] ?? (options.quick ? '1' : '12')
const servers = known.filter(({ name }) => options.servers.split(',').includes(name))
const isOurs = server => server.name === 'ysync'
const canPin = cpus().length > 1
const session = new Date().toISOString()
const folder = join(resolve(options.folder), 'run')
const syncs = join(resolve(options.folder), 'syncs')
const tools = promisify(execFile)

/* The disk */

/** What this file system is, and how many milliseconds it takes to have a page of it on the disk. */
function lookAtDisk () {
  mkdirSync(folder, { recursive: true })
  const kind = execFileSync('df', ['--output=fstype', folder]).toString().trim().split('\n').at(-1)
  assert.ok(!['tmpfs', 'ramfs'].includes(kind), `${folder} is in memory (${kind}): name a folder on a disk by --folder`)

  const path = join(folder, 'page')
  const file = openSync(path, 'w')
  const times = []
  for (let i = 0; i < 100; i++) {
    writeSync(file, Buffer.alloc(4096, i), 0, 4096, i * 4096)
    const began = performance.now()
    fdatasyncSync(file)
    times.push(performance.now() - began)
  }
  closeSync(file)
  return { kind, ms: median(times) }
}

const bytesIn = path => readdirSync(path, { withFileTypes: true, recursive: true }).filter(entry => entry.isFile())
  .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0)

/** [{ from, to, inode, bytes, path }] of each sync since the server was started; times in milliseconds. */
function readSyncs () {
  if (!existsSync(syncs)) return []
  return readFileSync(syncs, 'utf8').trim().split('\n').filter(line => line !== '').map(line => {
    const [from, to, inode, bytes, ...path] = line.split(' ')
    return { from: Number(from), to: Number(to), inode: Number(inode), bytes: Number(bytes), path: path.join(' ') }
  })
}

/* What has been kept */

const clocksOf = state => [...Y.decodeStateVector(state).values()].reduce((sum, clock) => sum + clock, 0)

async function storedByYsync () {
  const path = `${folder}/docs.db`
  const { stdout } = await tools(ysync, ['store', 'list', path])
  let clocks = 0

  for (const line of stdout.split('\n').filter(line => line !== '')) {
    const { stdout: update } =
      await tools(ysync, ['store', 'export', path, line.split('\t')[0]], { encoding: 'buffer', maxBuffer: 2 ** 28 })
    clocks += clocksOf(Y.encodeStateVectorFromUpdate(update))
  }
  return clocks
}

async function storedByPeer (kind, path) {
  return Number((await tools(peersNode, [here('stored.mjs'), kind, path])).stdout)
}

/** Files of LevelDB only grow: a power cut may take what lies behind their last sync. CURRENT was synced under another name. */
function cutPower (from, to) {
  const synced = new Map(readSyncs().map(({ inode, bytes }) => [inode, bytes]))

  cpSync(from, to, { recursive: true })
  for (const name of readdirSync(from).filter(name => name !== 'CURRENT')) {
    truncateSync(join(to, name), Math.min(statSync(join(from, name)).size, synced.get(statSync(join(from, name)).ino) ?? 0))
  }
}

/** How many of the updates are kept: written, so that they survive the end of the process, and synced. */
const kept = {
  'sqlite:': async () => {
    const stored = await storedByYsync()
    return { written: stored, synced: stored }
  },

  /* SQLite has synced what it committed, and rolls back the rest */
  'extension-sqlite': async () => {
    const stored = await storedByPeer('sqlite', `${folder}/docs.db`)
    return { written: stored, synced: stored }
  },

  'y-leveldb': async () => {
    cutPower(`${folder}/docs`, `${folder}/cut`)
    return { written: await storedByPeer('leveldb', `${folder}/docs`), synced: await storedByPeer('leveldb', `${folder}/cut`) }
  }
}

/** The longest that an update was taken and not yet on the disk, in seconds, of one room: what comes when a save has begun
 * is part of the next one. isOpen: it was not over when the server was killed. */
function longestWindow (figures) {
  const saves = []

  for (const { from, to, path } of readSyncs()) {
    if (from < figures.began_ms || !/docs\.db|\.ldb/.test(path)) continue
    if (saves.length > 0 && from - saves.at(-1).to < 300) saves.at(-1).to = to
    else saves.push({ from, to })
  }
  const begins = [figures.began_ms, ...saves.map(({ from }) => from)]
  const ends = [...saves.map(({ to }) => to), figures.to_ms]
  const windows = begins.map((begin, i) => (ends[i] - begin) / 1000)
  const longest = Math.max(...windows)

  return { window_s: longest, is_open: longest === windows.at(-1) }
}

/* Runs */

async function load (server, { port, pid }, scenario, ...more) {
  const [program, ...args] = pinned(canPin ? options['load-cpus'] : null, [`${build}/bench/bench_load`, scenario,
    '--port', String(port), '--server', String(pid), '--dialect', server.dialect ?? 'y-websocket',
    '--ask', isOurs(server) ? 'status' : 'step1', ...more])
  return JSON.parse((await tools(program, args)).stdout)
}

/** Starts a server on the folder, which is emptied before unless it `continues`. */
function started (server, { continues = false, isStoring = true, ...more }, use) {
  if (!continues) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }
  rmSync(syncs, { force: true })
  const processors = canPin ? options['server-cpus'] : null
  return withServer(server, { processors, folder: isStoring ? folder : undefined, ...more }, use)
}

/** Until the server has done what it still has to do. */
async function quiet (pid) {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  let still = 0

  for (let i = 0, before = ticks(); i < 1200 && still < 4; i++) {
    await setTimeout(250)
    const now = ticks()
    still = now - before <= 1 ? still + 1 : 0
    before = now
  }
  assert.equal(still, 4, 'the server does not come to rest')
}

const documents = { open: options.quick ? ['--quick'] : ['--document', updateOf(paperTrace().path)] }
const trace = options.quick ? here('../tests/data/trace.bin') : paperTrace().path
documents.session = ['--document', updateOf(trace)]

const parts = {
  async durable (server, scenario) {
    const figures = await started(server, { syncs }, to => load(server, to, scenario, '--cut', '--seconds',
      isOurs(server) ? seconds : peerSeconds))
    const { written, synced } = await kept[server.store]()
    const noted = readSyncs().filter(({ from }) => from >= figures.from_ms && from < figures.to_ms)

    assert.ok(!isOurs(server) || synced >= figures.acknowledged,
      `${figures.acknowledged} updates were acknowledged, ${synced} kept`)
    return {
      ...figures,
      written,
      synced,
      synced_per_s: isOurs(server) ? figures.updates_per_s : synced / figures.all_seconds,
      written_per_s: written / figures.all_seconds,
      syncs_per_s: noted.length / figures.seconds,
      ...(isOurs(server) ? { window_s: figures.max_ms / 1000, is_open: false } : longestWindow(figures))
    }
  },

  /* The server is another process when rooms are opened, so nothing is in its memory. */
  async open (server, scenario) {
    await started(server, { politely: true }, async to => {
      await load(server, to, 'keep', ...documents.open)
      await quiet(to.pid)
    })
    return started(server, { continues: true }, to => load(server, to, scenario, ...documents.open))
  },

  async session (server) {
    const brought = await started(server, { politely: true }, async to => {
      const figures = await load(server, to, 'session', '--trace', trace, ...documents.session)
      await quiet(to.pid)
      const written = Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${to.pid}/io`, 'utf8'))[1])
      return { ...figures, written_bytes_per_edit: (written - figures.written_bytes_before) / figures.edits }
    })
    const disk_bytes = bytesIn(folder)
    const opened = await started(server, { continues: true }, to => load(server, to, 'open-1', ...documents.session))
    return { ...brought, disk_bytes, opened_ms: opened.p50_ms, opened_cpu_ms: opened.cpu_ms }
  },

  async cost (server, scenario) {
    const figures = {}
    for (const [name, isStoring] of [['off', false], ['on', true]]) {
      const measured = await started(server, { isStoring }, to =>
        load(server, to, scenario, '--seconds', seconds, ...(options.quick ? ['--quick'] : [])))
      for (const [figure, value] of Object.entries(measured)) figures[`${figure}_${name}`] = value
    }
    return figures
  }
}

async function measure () {
  const measured = {}
  const failures = []

  for (const part of options.parts.split(',')) {
    for (const scenario of scenarios[part]) {
      measured[scenario] = Object.fromEntries(servers.map(({ name }) => [name, []]))
      for (let i = 0; i < runs; i++) {
        for (const server of servers) {
          if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${part}, ${scenario}, ${i + 1} of ${runs}: ${server.name}`)
          try {
            const figures = { ...await parts[part](server, scenario), scenario }
            measured[scenario][server.name].push(figures)
            appendFileSync(options.lines, JSON.stringify({ session, server: server.name, ...figures }) + '\n')
          } catch (error) {
            failures.push(`${scenario}, ${server.name}: ${error.stderr || error.message}`)
          }
        }
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  rmSync(folder, { recursive: true, force: true })
  return { measured, failures }
}

/* Tables */

const titleOf = ({ name, store }) => isOurs({ name }) ? name : `${name}, ${store}`

/** The median of a figure, or undefined where a run has failed. */
function figureOf (measured, scenario, figure, name, scale = 1) {
  const values = (measured[scenario]?.[name] ?? []).map(figures => figures[figure])
  return values.length > 0 && values.every(Number.isFinite) ? median(values) / scale : undefined
}

const shown = number => number === undefined ? 'failed' : short(number)
const isMeasured = measured => ({ scenario }) => measured[scenario] !== undefined

/** No table at all where nothing of it was measured. */
const tables = (measured, ...all) => all.filter(([rows]) => rows.some(isMeasured(measured))).map(([, make]) => make(measured))

function durableTable (measured) {
  const peers = servers.filter(server => !isOurs(server))
  const notSynced = peers.flatMap(server => [
    ...(server.store === 'y-leveldb' ? [{ server, figure: 'written_per_s', title: `written by ${server.store}` }] : []),
    { server, figure: 'updates_per_s', title: `taken by ${server.name}` }
  ])
  const head = ['on the disk:', ...servers.map(titleOf), 'ysync / best peer',
    ...notSynced.map(({ title }) => `not on the disk: ${title}`)]

  return table(head, durableRows.filter(isMeasured(measured)).map(({ scenario, label }) => {
    const synced = servers.map(({ name }) => figureOf(measured, scenario, 'synced_per_s', name))
    const others = notSynced.map(({ server, figure }) => figureOf(measured, scenario, figure, server.name))
    return [label, ...synced.map(shown), isOurs(servers[0]) ? lead(synced, true) : '', ...others.map(shown)]
  }))
}

function otherTable (measured) {
  return table(['', ...servers.map(titleOf), 'ysync / best peer'], otherRows.filter(isMeasured(measured)).map(
    ({ scenario, figure, label, scale, isMore = false, isOursAlone = false, isWindow = false, isNeutral = false }) => {
      const numbers = servers.map(server =>
        isOursAlone && !isOurs(server) ? undefined : figureOf(measured, scenario, figure, server.name, scale))
      const texts = servers.map((server, i) => {
        const isOpen = isWindow && measured[scenario][server.name].some(({ is_open: isOpen }) => isOpen)
        return isOursAlone && !isOurs(server) ? 'says nothing' : `${isOpen ? '> ' : ''}${shown(numbers[i])}`
      })
      return [label, ...texts, isNeutral || !isOurs(servers[0]) ? '' : lead(numbers, isMore)]
    }))
}

function offOnTable (measured) {
  const head = ['', ...servers.flatMap(server => [`${server.name}, without`, `with ${server.store.replace(':', '')}`])]

  return table(head, offOnRows.filter(isMeasured(measured)).map(({ scenario, figure, label, scale }) =>
    [label, ...servers.flatMap(({ name }) =>
      ['off', 'on'].map(state => shown(figureOf(measured, scenario, `${figure}_${state}`, name, scale))))]))
}

mkdirSync(dirname(options.lines), { recursive: true })
const disk = lookAtDisk()
const results = await measure()
const about = machine([...versions(), `y-leveldb ${versionOf('y-leveldb')}`,
  `@hocuspocus/extension-sqlite ${versionOf('@hocuspocus/extension-sqlite')}`], runs)
const on = `Stored on ${disk.kind}, where to write and sync a page (fdatasync) takes ${short(disk.ms)} ms.`
const report = [`${about} ${on}`, ...tables(results.measured, [durableRows, durableTable], [otherRows, otherTable],
  [offOnRows, offOnTable])].join('\n\n')

console.log(report)
if (options.quick) console.log('\n--quick: there was no time to measure anything. The figures say nothing.')
if (disk.ms < 0.02) console.log('\nTo sync costs next to nothing here: this may be no disk, or one that does not do as it says.')
for (const failure of results.failures) console.error(`failed: ${failure}`)
if (options.write && results.failures.length === 0) writeReport('bench/store.mjs', report)
process.exitCode = results.failures.length > 0 ? 1 : 0
