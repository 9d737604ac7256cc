// SPDX-License-Identifier: MIT
// The load generator of the benchmarks (bench/load), run briefly.
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'

import { program } from './server.mjs'

const generator = join(dirname(program), 'bench', 'bench_load')

/** Resolves when it has ended: { code, figures, said }. */
export function load (port, scenario, ...options) {
  const args = [scenario, '--port', String(port), '--quick', '--seconds', '0.1', ...options]

  return new Promise(resolve => execFile(generator, args, (error, stdout, stderr) =>
    resolve({ code: error?.code ?? 0, figures: stdout ? JSON.parse(stdout) : null, said: stderr })))
}
