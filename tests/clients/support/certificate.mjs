// SPDX-License-Identifier: MIT
// Certificates that a test makes for itself with the openssl command, in a folder that goes with it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Certificate {
  constructor (t, name) {
    this.folder = mkdtempSync(join(tmpdir(), 'ysync-tls-'))
    this.certFile = join(this.folder, 'cert.pem')
    this.keyFile = join(this.folder, 'key.pem')
    t.after(() => rmSync(this.folder, { recursive: true }))
    this.renew(name)
  }

  /** Writes another certificate, for `name` and 127.0.0.1, into the same files. */
  renew (name) {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', '1', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1',
      '-keyout', this.keyFile, '-out', this.certFile], { stdio: 'ignore' })
    this.pem = readFileSync(this.certFile, 'utf8')
  }

  get options () {
    return ['--tls-cert', this.certFile, '--tls-key', this.keyFile]
  }
}
