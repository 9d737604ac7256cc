// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of the test's own, which goes when it ends. */
export function temporaryFolder (t) {
  const folder = mkdtempSync(join(tmpdir(), 'ysync-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
