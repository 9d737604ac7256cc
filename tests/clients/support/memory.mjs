// SPDX-License-Identifier: MIT
// How much memory a server holds, as the kernel counts it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

export const MiB = 1024 * 1024

function statusField (status, name) {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1])
}

/** null for a program that was built with AddressSanitizer: that gives nothing back. */
function residentBytes ({ process: { pid } }) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const hasShadowMemory = statusField(status, 'VmSize') > 2 ** 40
  return hasShadowMemory ? null : statusField(status, 'VmRSS')
}

/** Holds what the server grows by while something happens against a limit. */
export async function mustGrowByLess (server, limit, happens) {
  const before = residentBytes(server)
  await happens()
  if (before === null) return
  const grown = residentBytes(server) - before
  assert.ok(grown < limit, `the server grew by ${grown} bytes; the limit is ${limit}`)
}
