// SPDX-License-Identifier: MIT
// How much load do sync servers take, what does it cost, and how long do clients wait?
//
//     node bench/server.mjs [--quick] [--runs N] [--seconds S] [--scenarios A,B] [--servers A,B] [--write]
//                           [--server-cpus LIST] [--load-cpus LIST] [--lines FILE]
//
// For each scenario of bench/load the servers take turns, each just started and on a processor of its own, as often as
// --runs says (5). Figures are medians; every run is also a line of JSON in build/bench/server.jsonl. A run in which something
// did not arrive has no figures, and makes this fail in the end. --write puts the table into docs/benchmarks.md. --quick
// sees in half a minute whether all of it works. YSYNC_BUILD names the build that is measured, if it is not that of `make`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs, promisify } from 'node:util'

import { rows, scenarios } from './figures.mjs'
import { here, lead, machine, median, short, table, writeReport } from './page.mjs'
import { build, pinned, servers, versions, withServer } from './servers.mjs'
import { paperTrace, updateOf } from './traces.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    scenarios: { type: 'string', default: scenarios.join() },
    servers: { type: 'string', default: servers.map(({ name }) => name).join() },
    lines: { type: 'string', default: here('../build/bench/server.jsonl') },
    'server-cpus': { type: 'string', default: '1' },
    'load-cpus': { type: 'string', default: '0' }
  }
})
const runs = Number(options.runs ?? (options.quick ? 1 : 5))
const seconds = options.seconds ?? (options.quick ? '0.3' : '2')
assert.ok(!(options.quick && options.write), '--quick has no figures to write')
const canPin = cpus().length > 1
const session = new Date().toISOString()

/** One run: the figures that bench/load prints. */
function run (server, scenario, documentOptions) {
  const processors = canPin ? options['server-cpus'] : null

  return withServer(server, { processors, evicting: scenario === 'evictions' }, async ({ port, pid }) => {
    const [program, ...args] = pinned(canPin ? options['load-cpus'] : null, [`${build}/bench/bench_load`, scenario,
      '--port', String(port), '--server', String(pid), '--dialect', server.dialect ?? 'y-websocket',
      '--seconds', seconds, ...documentOptions, ...(options.quick ? ['--quick'] : [])])
    const { stdout } = await promisify(execFile)(program, args)
    return JSON.parse(stdout)
  })
}

/** { scenario: { server: [figures of each run] } }, and what went wrong. */
async function measure () {
  const chosen = servers.filter(({ name }) => options.servers.split(',').includes(name))
  const documentOptions = options.quick ? [] : ['--document', updateOf(paperTrace().path)]
  const measured = {}
  const failures = []

  for (const scenario of options.scenarios.split(',')) {
    measured[scenario] = Object.fromEntries(chosen.map(({ name }) => [name, []]))
    for (let i = 0; i < runs; i++) {
      for (const server of chosen) {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${scenario}, ${i + 1} of ${runs}: ${server.name}`)
        try {
          const figures = await run(server, scenario, documentOptions)
          measured[scenario][server.name].push(figures)
          appendFileSync(options.lines, JSON.stringify({ session, server: server.name, ...figures }) + '\n')
        } catch (error) {
          failures.push(`${scenario}, ${server.name}: ${error.stderr ?? error.message}`)
        }
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  return { measured, failures, names: chosen.map(({ name }) => name) }
}

function tableOf ({ measured, names }) {
  const peers = names.filter(name => !name.startsWith('ysync'))

  return table(['', ...names, 'ysync / best peer', 'wanted'], rows.filter(({ scenario }) => measured[scenario]).map(
    ({ scenario, figure, label, scale = 1, isMore = false, wanted = '' }) => {
      const of = name => {
        const all = (measured[scenario][name] ?? []).map(figures => figures[figure])
        return all.length > 0 && all.every(Number.isFinite) ? median(all) / scale : undefined
      }
      const shown = names.map(of).map(number => number === undefined ? 'failed' : short(number))
      return [label, ...shown, lead(['ysync', ...peers].map(of), isMore), wanted]
    }))
}

mkdirSync(dirname(options.lines), { recursive: true })
mkdirSync(here('../build/bench'), { recursive: true })
const results = await measure()
const report = [machine(versions(), runs), tableOf(results)].join('\n\n')

console.log(report)
if (options.quick) console.log('\n--quick: a tenth of everything, and no time to warm up. The figures say nothing.')
for (const failure of results.failures) console.error(`failed: ${failure}`)
if (options.write && results.failures.length === 0) writeReport('bench/server.mjs', report)
process.exitCode = results.failures.length > 0 ? 1 : 0
