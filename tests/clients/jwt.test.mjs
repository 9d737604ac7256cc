// SPDX-License-Identifier: MIT
// Signed tokens, made by jose: which rooms they open, to whom, and for how long.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SignJWT, UnsecuredJWT, jwtVerify } from 'jose'
import WebSocket from 'ws'
import * as Y from 'yjs'

import { Random, seedFor } from './support/random.mjs'
import { AUTH, RawClient, SYNC, awareness, syncStep1, update } from './support/raw-client.mjs'
import { Server } from './support/server.mjs'
import { temporaryFolder } from './support/temporary-folder.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

const newSecret = text => ({ alg: 'HS256', privateKey: Buffer.from(text), file: `${text}\n` })

function newKeys (alg, ...options) {
  const { privateKey, publicKey } = generateKeyPairSync(...options)
  return { alg, privateKey, file: publicKey.export({ type: 'spki', format: 'pem' }) }
}

const secret = newSecret('a secret that only the tests know')
const rsa = newKeys('RS256', 'rsa', { modulusLength: 2048 })
const ec = newKeys('ES256', 'ec', { namedCurve: 'P-256' })
const unauthorized = new Uint8Array([2, 0, 12, ...Buffer.from('Unauthorized')])

const sign = ({ alg, privateKey }, claims = {}) => new SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey)

const inSeconds = seconds => Math.floor(Date.now() / 1000) + seconds

/** A server that believes what the key signed, and the key's file. */
async function serverWith (t, key, ...options) {
  const file = join(temporaryFolder(t), 'key')
  writeFileSync(file, key.file)
  const server = await Server.start(t, '--jwt-key', file, ...options)
  return { server, file }
}

function request (server, path, token, options = {}) {
  return fetch(`${server.http}${path}`, { ...options, headers: { Authorization: `Bearer ${token}` } })
}

async function mustBeRefused (t, server, room, token) {
  const client = await RawClient.join(t, server, room, `?token=${token}`)
  assert.deepEqual(await client.closed, { code: 4001, reason: 'Unauthorized' })
  assert.deepEqual(client.received, [unauthorized])
}

for (const key of [secret, rsa, ec]) {
  test(`a token signed with ${key.alg} lets clients in`, async t => {
    const { server } = await serverWith(t, key)
    const token = await sign(key, { sub: 'ada', exp: inSeconds(60) })
    const ada = await YjsClient.join(t, server, 'room', { token })
    const bob = await YjsClient.join(t, server, 'room', { token })
    ada.doc.getText('text').insert(0, 'signed')
    await converged([ada, bob])
    assert.equal(bob.doc.getText('text').toString(), 'signed')
  })

  for (const [name, protocols, options, chosen] of [
    ['an Authorization field', () => [], token => ({ headers: { Authorization: `Bearer ${token}` } }), ''],
    ['a subprotocol beside another one', token => ['yjs', `bearer.${token}`], () => ({}), 'yjs']
  ]) {
    test(`a token signed with ${key.alg} may come in ${name}`, async t => {
      const { server } = await serverWith(t, key)
      const token = await sign(key)
      const socket = new WebSocket(`${server.ws}/room`, protocols(token), options(token))
      const [greeting] = await once(socket, 'message')
      assert.equal(greeting[0], SYNC)
      assert.equal(socket.protocol, chosen)
      socket.close()
    })
  }
}

for (const [name, key, forge] of [
  ['another secret', secret, () => sign(newSecret('a secret that nobody knows'))],
  ['another key', rsa, () => sign(newKeys('RS256', 'rsa', { modulusLength: 2048 }))],
  ['another curve\'s key', ec, () => sign(newKeys('ES384', 'ec', { namedCurve: 'P-384' }))],
  ['the public key taken for a secret', rsa, () => sign({ alg: 'HS256', privateKey: Buffer.from(rsa.file) })],
  ['nothing', ec, () => new UnsecuredJWT({}).encode()],
  ['the right key, but a minute too late', ec, () => sign(ec, { exp: inSeconds(-60) })],
  ['the right key, but a minute too early', ec, () => sign(ec, { nbf: inSeconds(60) })]
]) {
  test(`a token signed with ${name} is turned away, and logged nowhere`, async t => {
    const { server } = await serverWith(t, key, '--log-level', 'debug')
    const token = await forge()
    await mustBeRefused(t, server, 'room', token)
    assert.equal((await request(server, '/rooms/', token)).status, 401)
    await server.stop('SIGTERM')
    const log = server.log.join('\n')
    for (const part of token.split('.').filter(part => part !== '')) assert.ok(!log.includes(part), log)
  })
}

test('clocks may differ by half a minute', async t => {
  const { server } = await serverWith(t, secret)
  for (const claims of [{ exp: inSeconds(-15) }, { nbf: inSeconds(15) }]) {
    await YjsClient.join(t, server, 'room', { token: await sign(secret, claims) })
  }
})

test('a connection ends when its token does, and another one goes on', async t => {
  const { server } = await serverWith(t, secret)
  const exp = inSeconds(3)
  const ada = await YjsClient.join(t, server, 'room', { token: await sign(secret, { exp: inSeconds(60) }) })
  const bob = await RawClient.join(t, server, 'room', `?token=${await sign(secret, { exp })}`)
  await bob.fence()
  assert.equal((await bob.closed).code, 4001)
  const lateMs = Date.now() - exp * 1000
  assert.ok(lateMs > -500 && lateMs < 5000, `closed ${lateMs} ms behind exp`)

  const carol = await YjsClient.join(t, server, 'room', { token: await sign(secret) })
  ada.doc.getText('text').insert(0, 'still here')
  await converged([ada, carol])
})

test('a token opens the rooms that it names', async t => {
  const { server } = await serverWith(t, secret)
  const token = await sign(secret, { room: ['blog', 'team/*'] })
  for (const room of ['blog', 'team/notes', 'rooms/team/notes']) await YjsClient.join(t, server, room, { token })
  for (const room of ['blog2', 'team', 'other']) await mustBeRefused(t, server, room, token)
  await mustBeRefused(t, server, 'blog', await sign(secret, { room: [] }))
})

test('who may only read gets everything, is seen, and changes nothing', async t => {
  const { server } = await serverWith(t, ec)
  const token = access => sign(ec, { access })
  const writer = await YjsClient.join(t, server, 'room', { token: await token('write') })
  const reader = await RawClient.join(t, server, 'room', `?token=${await token('read')}`)
  writer.doc.getText('text').insert(0, 'written')
  await reader.waitForMessages(1, SYNC, 2)

  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'not allowed')
  reader.send(update(Y.encodeStateAsUpdate(doc)))
  await reader.waitForMessages(1, AUTH, 0)
  const seen = once(writer.awareness, 'change')
  reader.send(awareness([{ client: 7, clock: 1, state: { name: 'reader' } }]))
  await seen
  assert.deepEqual(writer.awareness.getStates().get(7), { name: 'reader' })

  reader.send(syncStep1(new Uint8Array([0])))
  await reader.fence()
  assert.equal(writer.doc.getText('text').toString(), 'written')
  const read = await request(server, '/rooms/room', await token('read'))
  assert.equal(read.status, 200)
  const fetched = new Y.Doc()
  Y.applyUpdate(fetched, new Uint8Array(await read.arrayBuffer()))
  assert.equal(fetched.getText('text').toString(), 'written')
})

test('the list of rooms and the metrics need a token for every room', async t => {
  const { server } = await serverWith(t, rsa)
  for (const [claims, status] of [
    [{}, 200], [{ room: '*' }, 200], [{ access: 'read' }, 200],
    [{ room: 'blog' }, 401], [{ room: ['a*', 'b'] }, 401], [{ room: [] }, 401], [{ room: '' }, 401]
  ]) {
    const token = await sign(rsa, claims)
    for (const path of ['/rooms/', '/metrics']) {
      const answer = await request(server, path, token)
      assert.equal(answer.status, status, `${path} with ${JSON.stringify(claims)}`)
      await answer.arrayBuffer()
    }
  }
  const inUrl = await fetch(`${server.http}/rooms/?token=${await sign(rsa)}`)
  assert.equal(inUrl.status, 401)
})

test('issuer and audience must be those of the options', async t => {
  const { server } = await serverWith(t, secret, '--jwt-issuer', 'https://login.example', '--jwt-audience', 'ysync')
  const right = { iss: 'https://login.example', aud: ['other', 'ysync'] }
  await YjsClient.join(t, server, 'room', { token: await sign(secret, right) })
  for (const wrong of [{ iss: 'https://other.example' }, { iss: undefined }, { aud: 'other' }, { aud: undefined }]) {
    assert.equal((await request(server, '/rooms/', await sign(secret, { ...right, ...wrong }))).status, 401)
  }
})

test('the key is read again on SIGHUP, and who is connected stays', async t => {
  const { server, file } = await serverWith(t, secret)
  const old = await sign(secret)
  const ada = await YjsClient.join(t, server, 'room', { token: old })

  writeFileSync(file, ec.file)
  server.process.kill('SIGHUP')
  await server.logged(/ info reloaded /)
  await mustBeRefused(t, server, 'room', old)
  const bob = await YjsClient.join(t, server, 'room', { token: await sign(ec) })
  ada.doc.getText('text').insert(0, 'still here')
  await converged([ada, bob])

  writeFileSync(file, 'short')
  server.process.kill('SIGHUP')
  await server.logged(/ error reload_failed problem=".*: the JWT key is a secret of fewer than 16 bytes"/)
  await YjsClient.join(t, server, 'room', { token: await sign(ec) })
})

/** What a token is good for, by jose's opinion of all that the standard says, and by ours of the rest. */
async function accessOf (token, room, options) {
  const { payload } = await jwtVerify(token, secret.privateKey, { algorithms: ['HS256'], clockTolerance: 30, ...options })
    .catch(() => ({ payload: { room: [] } }))
  const patterns = 'room' in payload ? [payload.room].flat() : ['*']
  const matches = pattern => pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : room === pattern
  if (!patterns.every(pattern => typeof pattern === 'string') || !patterns.some(matches)) return 'none'
  return 'access' in payload && payload.access !== 'write' ? 'read' : 'write'
}

test('random tokens are judged as jose judges them', async t => {
  const random = new Random(seedFor(t))
  const options = { issuer: 'me', audience: 'ysync' }
  const { server } = await serverWith(t, secret, '--jwt-issuer', 'me', '--jwt-audience', 'ysync')
  const times = [-1e9, -40, -20, -5, 5, 20, 40, 1e9]
  const values = {
    exp: () => random.pick([inSeconds(random.pick(times)), inSeconds(random.pick(times)) + 0.5, 'soon', 1e300, null]),
    nbf: () => random.pick([inSeconds(random.pick(times)), 0, -1, '0', true]),
    iss: () => random.pick(['you', 'me ', ['me'], 7]),
    aud: () => random.pick(['other', ['a', 'ysync'], ['a', 'b'], [], [['ysync']]]),
    room: () => random.pick(['blog', 'b*', '*', 'team/*', ['a', 'blog'], ['a', 'bl*', 7], [], {}, 'bläg😀', '\u0000']),
    access: () => random.pick(['read', 'write', 'Write', null, ['write']])
  }
  const statuses = { none: 401, read: 403, write: 400 } /* of a POST without a body */
  const seen = new Set()
  for (let round = 0; round < 400; round++) {
    const claims = { iss: 'me', aud: 'ysync', exp: inSeconds(60) }
    for (let changes = random.below(3); changes > 0; changes--) {
      const name = random.pick(Object.keys(values))
      if (random.below(6) === 0) delete claims[name]
      else claims[name] = values[name]()
    }
    const alg = random.pick(['HS256', 'HS256', 'HS256', 'HS256', 'HS384'])
    const token = await sign({ ...secret, alg }, claims)
    const room = random.pick(['blog', 'blog', 'team/notes', 'bläg😀'])
    const want = await accessOf(token, room, options)
    const answer = await request(server, `/rooms/${encodeURIComponent(room)}`, token, { method: 'POST' })
    await answer.arrayBuffer()
    assert.equal(answer.status, statuses[want], `${alg} ${JSON.stringify(claims)} for ${room}`)
    seen.add(want)
  }
  assert.equal(seen.size, 3)
})
