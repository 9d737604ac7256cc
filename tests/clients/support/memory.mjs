// SPDX-License-Identifier: MIT
// How much memory a server holds, as the kernel counts it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

export const MiB = 1024 * 1024

function statusField (status, name) {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1])
}

/** null for a program that was built with AddressSanitizer: that gives nothing back. */
export function residentBytes ({ process: { pid } }) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const hasShadowMemory = statusField(status, 'VmSize') > 2 ** 40
  return hasShadowMemory ? null : statusField(status, 'VmRSS')
}

/** The same, for what may be done again and again. Each event loop has memory of its own, which grows when the loop first
 * gets much to do, and the kernel chooses which loop takes a connection: so it may grow once for each, but what leaks grows
 * every time. */
export async function mustNotGoOnGrowing (server, limit, happens, loops = 2) {
  for (let i = 0; i < loops; i++) {
    const before = residentBytes(server)
    await happens()
    if (before === null || residentBytes(server) - before < limit) return
  }
  await mustGrowByLess(server, limit, happens)
}

/** Holds what the server grows by while something happens against a limit. */
export async function mustGrowByLess (server, limit, happens) {
  const before = residentBytes(server)
  await happens()
  if (before === null) return
  const grown = residentBytes(server) - before
  assert.ok(grown < limit, `the server grew by ${grown} bytes; the limit is ${limit}`)
}
