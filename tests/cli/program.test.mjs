// SPDX-License-Identifier: MIT
// The program as a shell sees it: words in; stdout, stderr and an exit status out.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'

import { Server, program } from '../clients/support/server.mjs'
import { until } from '../clients/support/until.mjs'

function run (args, env = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 20000 })
  return { status, stdout, stderr }
}

test('--version says what the header says', () => {
  const header = readFileSync(new URL('../../include/ysync/version.h', import.meta.url), 'utf8')
  const version = /#define YSYNC_VERSION "(.*)"/.exec(header)[1]
  assert.deepEqual(run(['--version']), { status: 0, stdout: `ysync ${version}\n`, stderr: '' })
})

for (const [name, args, pattern] of [
  ['--help', ['--help'], /ysync serve \[options\]/],
  ['help', ['help'], /ysync serve \[options\]/],
  ['help serve', ['help', 'serve'], /--evict-after D .*\[60s\]/],
  ['serve --help', ['serve', '--help'], /--evict-after D .*\[60s\]/],
  ['serve --help beside something wrong', ['serve', '--port', 'x', '--help'], /--evict-after D .*\[60s\]/]
]) {
  test(`${name} goes to stdout`, () => {
    const { status, stdout, stderr } = run(args)
    assert.equal(status, 0)
    assert.match(stdout, pattern)
    assert.equal(stderr, '')
    assert.ok(stdout.split('\n').every(line => line.length <= 140), 'no line is too long to read')
  })
}

for (const [name, args, env, stderr] of [
  ['no command', [], {}, /^usage: ysync serve/],
  ['an unknown command', ['frobnicate'], {}, /^ysync: unknown command "frobnicate"/],
  ['a mistyped command', ['srve'], {}, /did you mean serve\?/],
  ['help for an unknown command', ['help', 'frobnicate'], {}, /unknown command "frobnicate"/],
  ['an unknown option', ['serve', '--frobnicate'], {}, /^ysync: unknown option --frobnicate/],
  ['a mistyped option', ['serve', '--evictafter', '5s'], {}, /--evictafter, did you mean --evict-after\?/],
  ['an option without its value', ['serve', '--port'], {}, /^ysync: --port needs a value/],
  ['a bad port', ['serve', '--port', '65536'], {}, /^ysync: --port: "65536" is not a number from 0 to 65535/],
  ['a duration without a unit', ['serve', '--evict-after=60'], {}, /^ysync: --evict-after: "60" is not a duration/],
  ['a bad choice', ['serve', '--log-level', 'loud'], {}, /^ysync: --log-level: .*error\|warn\|info\|debug/],
  ['a route without :room', ['serve', '--route', '/x'], {}, /^ysync: --route: "\/x" is not a path with :room in it/],
  ['a bad value in the environment', ['serve'], { YSYNC_PING_EVERY: 'often' }, /--ping-every \(from YSYNC_PING_EVERY\)/],
  ['two ways to authorize', ['serve', '--token', 'a', '--token-file', 'b'], {}, /^ysync: two ways to authorize at once, tokens and token_file/],
  ['an issuer and no key', ['serve', '--jwt-issuer', 'me'], {}, /^ysync: jwt_issuer without jwt_key_file/],
  ['a URL that is none', ['serve', '--verify-url', 'localhost:8080'], {}, /^ysync: verify_url is not a URL such as http:/],
  ['a URL beside a token', ['serve', '--token', 'a', '--verify-url', 'http://127.0.0.1'], {}, /^ysync: two ways to authorize at once, tokens and verify_url/],
  ['a timeout of nothing', ['serve', '--verify-timeout', '0s'], {}, /^ysync: --verify-timeout: "0s"/],
  ['a stray word', ['serve', 'now'], {}, /^ysync: unexpected argument "now"/]
]) {
  test(`${name}: one line on stderr and exit status 2`, () => {
    const result = run(args, env)
    assert.equal(result.status, 2)
    assert.equal(result.stdout, '')
    assert.match(result.stderr, stderr)
    assert.equal(result.stderr.trimEnd().split('\n').length, 1)
  })
}

for (const [name, args, stderr] of [
  ['a file that is not there', ['--token-file', '/nowhere/tokens'], /^ysync: cannot read \/nowhere\/tokens: No such file/],
  ['a key that is not there', ['--jwt-key', '/nowhere/key'], /^ysync: cannot read \/nowhere\/key: No such file/],
  ['a key that is none', ['--jwt-key', '/dev/null'], /^ysync: \/dev\/null: the JWT key is empty/],
  ['an address that is not ours', ['--host', '192.0.2.1'], /^ysync: .*192\.0\.2\.1/],
  ['a name that is no address', ['--host', 'no.such.host.invalid'], /^ysync: .*no\.such\.host\.invalid/]
]) {
  test(`${name}: one line on stderr and a failure`, () => {
    const result = run(['serve', '--port', '0', ...args])
    assert.ok(result.status === 1 || result.status === 2, `exit status ${result.status}`)
    assert.match(result.stderr.trimEnd().split('\n').at(-1), stderr)
    assert.equal(result.stdout, '')
  })
}

test('a port in use: one line that names it, and exit status 1', async t => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address()
  const result = run(['serve', '--port', String(port)])
  assert.equal(result.status, 1)
  assert.match(result.stderr, new RegExp(`^ysync: .*${port}`))
  assert.equal(result.stderr.trimEnd().split('\n').length, 1)
})

test('the environment sets options, and the command line wins', async t => {
  process.env.YSYNC_LOG_FORMAT = 'json'
  process.env.YSYNC_LOG_LEVEL = 'error'
  t.after(() => { delete process.env.YSYNC_LOG_FORMAT; delete process.env.YSYNC_LOG_LEVEL })
  const server = await Server.start(t, '--log-level', 'debug')
  await fetch(server.http)
  await server.stop('SIGTERM')
  assert.ok(server.log.length > 0, 'debug says something')
  for (const line of server.log) {
    const { time, level, event } = JSON.parse(line)
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.match(level, /^(error|warn|info|debug)$/)
    assert.ok(event)
  }
})

test('text log lines begin with the time', async t => {
  const server = await Server.start(t, '--log-level', 'debug')
  await fetch(server.http)
  await server.stop('SIGTERM')
  assert.ok(server.log.length > 0)
  for (const line of server.log) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) \w+/)
})

test('it listens on every --host and prints each address', async t => {
  const server = await Server.start(t, '--host', '127.0.0.1', '--host', '127.0.0.2')
  await until('both addresses', () => server.addresses.length === 2, [[server.stdoutLines, 'line']])
  assert.deepEqual(server.addresses.map(address => new URL(address).hostname), ['127.0.0.1', '127.0.0.2'])
  for (const address of server.addresses) assert.equal((await fetch(address)).status, 200)
})
