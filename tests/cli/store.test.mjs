// SPDX-License-Identifier: MIT
// `ysync store` as a shell sees it, on files that hold documents of Yjs.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, openSync, closeSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { RawClient, update } from '../clients/support/raw-client.mjs'
import { Server, program } from '../clients/support/server.mjs'
import { temporaryFolder } from '../clients/support/temporary-folder.mjs'
import { until } from '../clients/support/until.mjs'
import { YjsClient } from '../clients/support/yjs-client.mjs'
import { Y } from '../clients/support/yjs.mjs'

function run (args, options = {}) {
  const { status, stdout, stderr } = spawnSync(program, ['store', ...args], { timeout: 30000, ...options })
  return { status, stdout: stdout?.toString(), stderr: stderr.toString(), bytes: stdout }
}

/** Runs what must work, and returns what it wrote. */
function good (args, options) {
  const { status, bytes, stderr } = run(args, options)
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, args.join(' '))
  return bytes
}

/** One line on stderr, nothing on stdout. */
function bad (args, status, pattern, options) {
  const result = run(args, options)
  assert.equal(result.status, status, result.stderr)
  assert.match(result.stderr, /^ysync: [^\n]+\n$/)
  assert.match(result.stderr, pattern)
  assert.equal(result.stdout, '')
}

const lines = bytes => bytes.toString().trimEnd().split('\n').filter(line => line !== '')

const sql = (file, statement) => execFileSync('sqlite3', [file, statement], { encoding: 'utf8' })
const roomId = name => `(SELECT id FROM rooms WHERE name = '${name}')`

function docOf (text, options) {
  const doc = new Y.Doc(options)
  doc.getText('text').insert(0, text)
  return doc
}

function docFrom (update, options) {
  const doc = new Y.Doc(options)
  Y.applyUpdate(doc, update)
  return doc
}

const textOf = update => docFrom(update).getText('text').toString()

/** A store in a folder of the test's own, with these rooms: name -> text. */
function storeOf (t, rooms) {
  const folder = temporaryFolder(t)
  const path = join(folder, 'docs.db')
  for (const [name, text] of Object.entries(rooms)) good(['import', path, name], { input: Y.encodeStateAsUpdate(docOf(text)) })
  return { folder, path }
}

test('import, export: through pipes and through files', t => {
  const { folder, path } = storeOf(t, {})
  const [from, to] = [join(folder, 'from.bin'), join(folder, 'to.bin')]
  const input = Y.encodeStateAsUpdate(docOf('hello'))
  writeFileSync(from, input)
  good(['import', path, 'piped'], { input })
  good(['import', path, 'dash', '-'], { input })
  good(['import', path, 'file', from])
  good(['import', `sqlite:${path}`, 'scheme', from])
  for (const room of ['piped', 'dash', 'file', 'scheme']) {
    assert.equal(textOf(good(['export', path, room])), 'hello')
    assert.equal(textOf(good(['export', path, room, '-'])), 'hello')
    assert.equal(good(['export', `sqlite:${path}`, room, to]).length, 0)
    assert.equal(textOf(readFileSync(to)), 'hello')
  }
})

test('import: adds to what is there', t => {
  const { path } = storeOf(t, {})
  const [a, b] = [docOf('from a '), docOf('from b ')]
  good(['import', path, 'room'], { input: Y.encodeStateAsUpdate(a) })
  good(['import', path, 'room'], { input: Y.encodeStateAsUpdate(b) })
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
  assert.equal(textOf(good(['export', path, 'room'])), a.getText('text').toString())
})

test('import: what has to wait for another update is kept', t => {
  const { path } = storeOf(t, {})
  const doc = docOf('first')
  const first = Y.encodeStateAsUpdate(doc)
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(5, ' second')
  good(['import', path, 'room'], { input: Y.encodeStateAsUpdate(doc, before) })
  good(['compact', path])
  assert.equal(textOf(good(['export', path, 'room'])), '')
  good(['import', path, 'room'], { input: first })
  assert.equal(textOf(good(['export', path, 'room'])), 'first second')
})

test('import: names that people give to rooms', t => {
  const names = ['blog', 'team/my notes', 'Ünïcödé €', 'a\\b', '-', '-x', "it's", 'x'.repeat(512)]
  const { path } = storeOf(t, Object.fromEntries(names.map(name => [name, `text of ${name}`])))
  for (const name of names) assert.equal(textOf(good(['export', path, name])), `text of ${name}`)
  good(['import', path, '--', '--help'], { input: Y.encodeStateAsUpdate(docOf('behind --')) })
  assert.equal(textOf(good(['export', path, '--', '--help'])), 'behind --')
  const listed = lines(good(['list', path])).map(line => line.split('\t')[0])
  assert.deepEqual(listed, [...names, '--help'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
})

test('import: what is no update changes nothing', t => {
  const { folder, path } = storeOf(t, { room: 'as it was' })
  const before = readFileSync(path)
  for (const [input, options] of [['nonsense'], [''], [Y.encodeStateAsUpdateV2(docOf('version 2'))]]) {
    bad(['import', path, 'room'], 1, /standard input is no Yjs update/, { input, ...options })
    bad(['import', path, 'other'], 1, /standard input is no Yjs update/, { input, ...options })
  }
  assert.ok(before.equals(readFileSync(path)))
  const other = join(folder, 'other.db')
  bad(['import', other, 'room'], 1, /standard input is no Yjs update/, { input: 'nonsense' })
  assert.ok(!existsSync(other), 'and makes no file')
  bad(['import', path, 'room', join(folder, 'nowhere')], 1, /cannot read .*nowhere: No such file/)
  bad(['import', path, 'room', folder], 1, /cannot read .*: Is a directory/)
})

test('list: names and bytes, in the order of the names', t => {
  const { path } = storeOf(t, { b: 'x'.repeat(1000), a: 'x', c: 'x'.repeat(5000) })
  const rows = lines(good(['list', path])).map(line => line.split('\t'))
  assert.deepEqual(rows.map(([name]) => name), ['a', 'b', 'c'])
  const bytes = rows.map(([, count]) => Number(count))
  assert.ok(bytes[0] > 0 && bytes[0] < 1000, `${bytes}`)
  assert.ok(bytes[1] > 1000 && bytes[1] < 2000, `${bytes}`)
  assert.ok(bytes[2] > 5000 && bytes[2] < 6000, `${bytes}`)
})

test('list: more rooms than are asked for at a time', t => {
  const { path } = storeOf(t, { 'room 0': 'x' })
  sql(path, 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 599) ' +
    "INSERT INTO rooms (name) SELECT 'room ' || i FROM n;" +
    `INSERT INTO snapshots SELECT rooms.id, 0, bytes FROM rooms, snapshots WHERE room = ${roomId('room 0')} AND rooms.id != room`)
  assert.equal(lines(good(['list', path])).length, 600)
  assert.equal(good(['check', path]).toString(), '600 rooms, 0 damaged\n')
})

test('list: one room is one line whatever it is called', t => {
  const { path } = storeOf(t, { a: 'x', b: 'x', c: 'x' })
  sql(path, "UPDATE rooms SET name = 'a' || char(10) || 'b\\' WHERE name = 'a'")
  sql(path, "UPDATE rooms SET name = CAST(x'62ff' AS TEXT) WHERE name = 'b'")
  assert.deepEqual(lines(good(['list', path])).map(line => line.split('\t')[0]), ['a\\x0ab\\\\', 'b\\xff', 'c'])
  assert.equal(textOf(good(['export', path, 'a\nb\\'])), 'x')
})

test('check: a store in order', t => {
  const { path } = storeOf(t, { a: 'x', b: 'x' })
  assert.equal(good(['check', path]).toString(), '2 rooms, 0 damaged\n')
})

test('check: damaged rooms are named, and the others counted', t => {
  const { path } = storeOf(t, { a: 'x', b: 'x', c: 'x', d: 'x' })
  sql(path, `UPDATE snapshots SET bytes = x'00' WHERE room = ${roomId('b')}`)
  sql(path, `INSERT INTO updates VALUES (${roomId('c')}, 1000, x'ff')`)
  const { status, stdout, stderr } = run(['check', path])
  assert.deepEqual({ status, stderr }, { status: 1, stderr: '' })
  assert.equal(stdout, 'b\tthe stored snapshot is damaged\nc\ta stored update is damaged\n4 rooms, 2 damaged\n')
  bad(['export', path, 'b'], 1, /docs\.db: room "b": the stored snapshot is damaged/)
  bad(['import', path, 'b'], 1, /docs\.db: room "b": the stored snapshot is damaged/, { input: Y.encodeStateAsUpdate(docOf('y')) })
  assert.equal(textOf(good(['export', path, 'd'])), 'x')
})

test('check: a damaged file', t => {
  const { path } = storeOf(t, { a: 'x'.repeat(100000), b: 'x'.repeat(100000) })
  const bytes = readFileSync(path)
  bytes.fill(0xa5, bytes.length / 2)
  writeFileSync(path, bytes)
  const { status, stderr } = run(['check', path])
  assert.equal(status, 1)
  assert.match(stderr, /docs\.db/)
})

test('compact: damaged rooms stay as they are, and the others are compacted', t => {
  const { path } = storeOf(t, { a: 'x', b: 'x', c: 'x' })
  sql(path, `UPDATE snapshots SET bytes = x'00' WHERE room = ${roomId('b')}`)
  const { status, stdout, stderr } = run(['compact', path])
  assert.equal(status, 1)
  assert.match(stdout, /^2 rooms, \d+ bytes before, \d+ after\n$/)
  assert.match(stderr, /^ysync: .*docs\.db: room "b": the stored snapshot is damaged\n$/)
  assert.equal(sql(path, `SELECT hex(bytes) FROM snapshots WHERE room = ${roomId('b')}`), '00\n')
  assert.equal(textOf(good(['export', path, 'c'])), 'x')
})

/** A document that remembers a text which is not there any more, and the snapshot that shows it. */
function docWithPast (text) {
  const doc = docOf(text, { gc: false })
  const past = Y.snapshot(doc)
  doc.getText('text').delete(0, text.length)
  doc.getText('text').insert(0, 'now')
  return { doc, past }
}

test('compact: drops what is deleted, and gives the space back', t => {
  const { path } = storeOf(t, { other: 'stays' })
  const { doc, past } = docWithPast('x'.repeat(1000000))
  good(['import', path, 'room'], { input: Y.encodeStateAsUpdate(doc) })

  const kept = docFrom(good(['export', path, 'room']), { gc: false })
  assert.equal(Y.createDocFromSnapshot(kept, past).getText('text').length, 1000000, 'import and export drop nothing')

  const before = statSync(path).size
  const [, rooms, was, is] = /^(\d+) rooms, (\d+) bytes before, (\d+) after\n$/.exec(good(['compact', path]).toString())
  assert.equal(rooms, '2')
  assert.equal(Number(was), before)
  assert.equal(Number(is), statSync(path).size)
  assert.ok(Number(is) < Number(was) - 900000, `${was} -> ${is}`)
  assert.equal(textOf(good(['export', path, 'room'])), 'now')
  assert.equal(textOf(good(['export', path, 'other'])), 'stays')
  assert.ok(good(['export', path, 'room']).length < 1000)
})

test('compact: the past stays with --no-gc', t => {
  const { path } = storeOf(t, {})
  const { doc, past } = docWithPast('as it once was')
  good(['import', path, 'room'], { input: Y.encodeStateAsUpdate(doc) })
  good(['compact', '--no-gc', path])
  good(['compact', path, 'room', '--no-gc'])
  good(['compact', path], { env: { ...process.env, YSYNC_NO_GC: 'on' } })
  const kept = docFrom(good(['export', path, 'room']), { gc: false })
  assert.equal(Y.createDocFromSnapshot(kept, past).getText('text').toString(), 'as it once was')
})

test('compact: one room alone', t => {
  const { path } = storeOf(t, {})
  for (const room of ['a', 'b']) good(['import', path, room], { input: Y.encodeStateAsUpdate(docWithPast('x'.repeat(10000)).doc) })
  assert.match(good(['compact', path, 'b']).toString(), /^1 rooms, /)
  assert.ok(good(['export', path, 'a']).length > 10000)
  assert.ok(good(['export', path, 'b']).length < 1000)
  const { status, stderr } = run(['compact', path, 'c'])
  assert.equal(status, 1)
  assert.match(stderr, /^ysync: .*docs\.db: room "c": there is no such room\n$/)
})

test('while a server runs, what only reads works, and what writes says who is in the way', async t => {
  const { path } = storeOf(t, { room: 'stored' })
  const server = await Server.start(t, '--store', `sqlite:${path}`)
  const client = await RawClient.join(t, server, 'live')
  client.send(update(Y.encodeStateAsUpdate(docOf('written just now'))))
  await client.fence()

  assert.deepEqual(lines(good(['list', path])).map(line => line.split('\t')[0]), ['live', 'room'])
  assert.equal(good(['check', path]).toString(), '2 rooms, 0 damaged\n')
  assert.equal(textOf(good(['export', path, 'live'])), 'written just now')
  const before = good(['export', path, 'room'])
  bad(['import', path, 'room'], 1, /docs\.db is in use by another process/, { input: Y.encodeStateAsUpdate(docOf('more')) })
  bad(['compact', path], 1, /docs\.db is in use by another process/)
  assert.ok(before.equals(good(['export', path, 'room'])))

  await server.stop('SIGTERM')
  good(['compact', path])
  assert.equal(textOf(good(['export', path, 'live'])), 'written just now')
})

test('what is imported is there for a server, and what it stores is exported', async t => {
  const { path } = storeOf(t, { room: 'imported' })
  const server = await Server.start(t, '--store', `sqlite:${path}`)
  const client = await YjsClient.join(t, server, 'room')
  await until('the text', () => client.doc.getText('text').toString() === 'imported', [[client.doc, 'update']])
  client.doc.getText('text').insert(8, ', and changed')
  client.leave()
  await server.stop('SIGTERM')
  assert.equal(textOf(good(['export', path, 'room'])), 'imported, and changed')
})

test('what is not there', t => {
  const { folder, path } = storeOf(t, { room: 'x' })
  const [nowhere, to] = [join(folder, 'nowhere.db'), join(folder, 'to.bin')]
  for (const args of [['list', nowhere], ['check', nowhere], ['export', nowhere, 'room', to], ['compact', nowhere]]) {
    bad(args, 1, /nowhere\.db/)
    assert.ok(!existsSync(nowhere), 'and it is not made')
  }
  bad(['export', path, 'other', to], 1, /docs\.db: room "other": there is no such room/)
  bad(['import', join(folder, 'no', 'docs.db'), 'room'], 1, /no/, { input: Y.encodeStateAsUpdate(docOf('x')) })
  assert.ok(!existsSync(to))
})

test('what is no store', t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'notes.txt')
  writeFileSync(path, 'shopping list\n'.repeat(1000))
  const withUpdate = { input: Y.encodeStateAsUpdate(docOf('x')) }
  for (const args of [['list', path], ['check', path], ['export', path, 'room', '-'], ['compact', path], ['import', path, 'room']]) {
    bad(args, 1, /notes\.txt/, withUpdate)
  }
  assert.equal(readFileSync(path, 'utf8'), 'shopping list\n'.repeat(1000))
})

test('a full disk under what is printed is an error', t => {
  const { path } = storeOf(t, { room: 'x'.repeat(100000) })
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  for (const args of [['list', path], ['check', path], ['export', path, 'room'], ['export', path, 'room', '/dev/full'], ['compact', path]]) {
    const { status, stderr } = run(args, { stdio: ['ignore', full, 'pipe'] })
    assert.equal(status, 1, args.join(' '))
    assert.match(stderr, /^ysync: [^\n]*cannot write [^\n]*: No space left on device\n$/)
  }
})

test('a reader that goes away is an error', t => {
  const { path } = storeOf(t, { room: 'x'.repeat(1000000) })
  const pipe = `"$0" store export "$1" room | head -c 10 >/dev/null; exit "\${PIPESTATUS[0]}"`
  const { status, stderr } = spawnSync('bash', ['-c', pipe, program, path], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /^ysync: .*docs\.db: room "room": cannot write standard output: Broken pipe\n$/)
})

test('export: bytes are not thrown at a terminal', t => {
  const { path } = storeOf(t, { room: 'seen' })
  const at = words => spawnSync('script', ['-qec', `'${program}' store export '${path}' room ${words}`, '/dev/null'],
    { encoding: 'latin1', timeout: 30000 })
  if (at('').error?.code === 'ENOENT') return t.skip('there is no program script')
  assert.equal(at('').status, 2)
  assert.match(at('').stdout, /^ysync: an update is nothing for a terminal: name a file, or - /)
  assert.equal(at('-').status, 0)
  assert.match(at('-').stdout, /seen/)
})

for (const [name, args, pattern] of [
  ['no command', [], /^usage: ysync store COMMAND/],
  ['an unknown command', ['frobnicate'], /^ysync: unknown command "store frobnicate" \(ysync store --help lists them\)$/],
  ['a mistyped command', ['exprot', 'docs.db', 'room'], /did you mean store export\?$/],
  ['list without a path', ['list'], /^usage: ysync store list PATH /],
  ['list with too much', ['list', 'docs.db', 'room'], /^ysync: unexpected argument "room" \(usage: ysync store list PATH\)$/],
  ['export without a room', ['export', 'docs.db'], /^usage: ysync store export PATH ROOM \[FILE\] /],
  ['export with too much', ['export', 'docs.db', 'room', 'file', 'more'], /^ysync: unexpected argument "more"/],
  ['import without a room', ['import', 'docs.db'], /^usage: ysync store import PATH ROOM \[FILE\] /],
  ['import into a room without a name', ['import', 'docs.db', ''], /^ysync: no client could ask for a room of that name/],
  ['import into a room of two lines', ['import', 'docs.db', 'a\nb'], /^ysync: no client could ask for a room of that name/],
  ['import into a room with a long name', ['import', 'docs.db', 'x'.repeat(513)], /^ysync: no client could ask for a room/],
  ['compact with too much', ['compact', 'docs.db', 'room', 'more'], /^ysync: unexpected argument "more"/],
  ['an unknown option', ['list', 'docs.db', '--frobnicate'], /^ysync: unknown option --frobnicate/],
  ['a mistyped option', ['compact', '--nogc', 'docs.db'], /^ysync: unknown option --nogc, did you mean --no-gc\?$/],
  ['an option of another command', ['list', '--no-gc', 'docs.db'], /^ysync: unknown option --no-gc/]
]) {
  test(`${name}: one line on stderr and exit status 2`, () => {
    const { status, stdout, stderr } = run(args, { cwd: '/' })
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr.trimEnd(), pattern)
    assert.equal(stderr.trimEnd().split('\n').length, 1)
  })
}

for (const [name, args] of [
  ['store --help', ['store', '--help']],
  ['store -h', ['store', '-h']],
  ['help store', ['help', 'store']],
  ['store list --help', ['store', 'list', '--help']],
  ['store export PATH --help', ['store', 'export', 'docs.db', '--help']]
]) {
  test(`${name} goes to stdout, with an example of each command`, () => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
    for (const command of ['list', 'check', 'export', 'import', 'compact']) {
      assert.match(stdout, new RegExp(`\\$ ysync store ${command} docs\\.db`))
    }
    assert.ok(stdout.split('\n').every(line => line.length <= 120), 'no line is too long to read')
  })
}
