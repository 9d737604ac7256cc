// SPDX-License-Identifier: MIT
// What the benchmarks print, and how it gets into docs/benchmarks.md.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export const here = path => fileURLToPath(new URL(path, import.meta.url))

export function median (numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}

/** A number with three digits that say something. */
export function short (number) {
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString('en')
  return number.toPrecision(3)
}

/** How many times better ysync, whose figure comes first, is than the best of the others. */
export function lead (figures, isMore) {
  const [ours, ...others] = figures
  const peers = others.filter(number => number !== undefined && number > 0)

  if (ours === undefined || ours <= 0 || peers.length === 0) return ''
  return `${short(isMore ? ours / Math.max(...peers) : Math.min(...peers) / ours)} x`
}

export function table (head, rows) {
  return [head, head.map((_, i) => i === 0 ? '---' : '---:'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** The version of a package that the benchmarks use. */
export function versionOf (name) {
  return JSON.parse(readFileSync(here(`node_modules/${name}/package.json`))).version
}

/** What these figures were measured on, with what. */
export function machine (versions, rounds) {
  const all = cpus()
  return `${all[0].model.trim()}, ${all.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ` +
    `${versions.join(', ')}; medians of ${rounds}.`
}

/** Puts a report into docs/benchmarks.md, where it says that this program measured it. */
export function writeReport (program, report) {
  const path = here('../docs/benchmarks.md')
  const page = readFileSync(path, 'utf8')
  const measured = new RegExp(`(<!-- measured by ${program} -->\n)[^]*?(<!-- end -->)`)

  assert.match(page, measured)
  writeFileSync(path, page.replace(measured, (_, begin, end) => `${begin}\n${report}\n\n${end}`))
}
