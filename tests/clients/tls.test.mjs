// SPDX-License-Identifier: MIT
// https and wss, with the clients that people have: node's own, y-websocket, curl.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { test } from 'node:test'
import tls from 'node:tls'
import * as Y from 'yjs'

import { Certificate } from './support/certificate.mjs'
import { Server, program } from './support/server.mjs'
import { YjsClient, converged } from './support/yjs-client.mjs'

async function start (t, ...options) {
  const certificate = new Certificate(t, 'first')
  const server = await Server.start(t, ...certificate.options, ...options)
  server.certificate = certificate
  server.ca = certificate.pem
  return server
}

/** A handshake and nothing else; an error if there is none. */
async function shakeHands (t, server, options = {}) {
  const socket = tls.connect({ host: '127.0.0.1', port: server.port, ca: server.ca, ...options })
  t.after(() => socket.destroy())
  socket.on('error', () => {}) /* at the end of the test the server goes first */
  await once(socket, 'secureConnect')
  return socket
}

/** { status, body, socket } */
async function get (client, options) {
  const request = client.get({ host: '127.0.0.1', path: '/', agent: false, ...options })
  const [response] = await once(request, 'response')
  let body = ''
  for await (const piece of response) body += piece
  return { status: response.statusCode, body, socket: response.socket }
}

test('the address is announced as https, and answers', async t => {
  const server = await start(t)
  assert.match(server.http, /^https:\/\/127\.0\.0\.1:\d+$/)
  const { status, body } = await get(https, { port: server.port, ca: server.ca })
  assert.deepEqual({ status, body }, { status: 200, body: '{"status":"ok"}' })
})

test('y-websocket clients meet over wss', async t => {
  const server = await start(t)
  const ada = await YjsClient.join(t, server, 'room')
  const bob = await YjsClient.join(t, server, 'room')
  ada.doc.getText('text').insert(0, 'behind closed doors')
  await converged([ada, bob])
  assert.equal(bob.doc.getText('text').toString(), 'behind closed doors')
})

test('5 MB go both ways', async t => {
  const server = await start(t)
  const ada = await YjsClient.join(t, server, 'room')
  for (let i = 0; i < 50; i++) ada.doc.getArray('array').push([String(i).repeat(100000 / String(i).length)])
  const bob = await YjsClient.join(t, server, 'room')
  await converged([ada, bob])
  assert.ok(Y.encodeStateAsUpdate(bob.doc).length > 4.9e6)
})

test('compressed messages travel over wss as well', async t => {
  const server = await start(t, '--compress')
  const ada = await YjsClient.join(t, server, 'room')
  const bob = await YjsClient.join(t, server, 'room')
  assert.match(ada.provider.ws.extensions, /permessage-deflate/)
  for (let i = 0; i < 20; i++) ada.doc.getText('text').insert(0, 'again and again '.repeat(1000 * i))
  await converged([ada, bob])
  assert.equal(bob.doc.getText('text').length, 16000 * 190)
})

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`${version} is spoken, and a session is resumed`, async t => {
    const server = await start(t)
    const versions = { minVersion: version, maxVersion: version }
    const first = await shakeHands(t, server, versions)
    assert.equal(first.getProtocol(), version)
    assert.equal(first.isSessionReused(), false)
    first.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    const session = first.getSession() && version === 'TLSv1.2' ? first.getSession() : (await once(first, 'session'))[0]
    first.end()
    const second = await shakeHands(t, server, { ...versions, session })
    assert.equal(second.isSessionReused(), true)
  })
}

test('TLS 1.1 is refused', async t => {
  const server = await start(t)
  await assert.rejects(
    shakeHands(t, server, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  const { body } = await get(https, { port: server.port, ca: server.ca, path: '/metrics' })
  assert.match(body, /ysync_rejected_total{reason="bad_handshake"} 1/)
})

test('http/1.1 is what is negotiated, or nothing', async t => {
  const server = await start(t)
  const both = await shakeHands(t, server, { ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(both.alpnProtocol, 'http/1.1')
  const none = await shakeHands(t, server)
  assert.equal(none.alpnProtocol, false)
  await assert.rejects(shakeHands(t, server, { ALPNProtocols: ['h2'] }),
    { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})

test('http:// to the port gets a clear 400', async t => {
  const server = await start(t)
  const { status, body } = await get(http, { port: server.port })
  assert.deepEqual({ status, body: body.trim() },
    { status: 400, body: 'This port speaks TLS: use https:// or wss://' })
})

test('a certificate is renewed by SIGHUP while clients stay', async t => {
  const server = await start(t)
  const name = async () => (await shakeHands(t, server)).getPeerCertificate().subject.CN
  const ada = await YjsClient.join(t, server, 'room')
  let losses = 0
  ada.provider.on('status', ({ status }) => { losses += status === 'disconnected' })
  assert.equal(await name(), 'first')

  server.certificate.renew('second')
  server.process.kill('SIGHUP')
  await server.logged(/ reloaded /)
  server.ca = server.certificate.pem
  assert.equal(await name(), 'second')
  const bob = await YjsClient.join(t, server, 'room')
  ada.doc.getText('text').insert(0, 'still here')
  await converged([ada, bob])
  assert.equal(losses, 0)
})

test('a renewal that went wrong changes nothing, and one line says why', async t => {
  const server = await start(t)
  writeFileSync(server.certificate.certFile, 'half a certificate')
  server.process.kill('SIGHUP')
  await server.logged(/ error reload_failed .*cert\.pem.*PEM/)
  const socket = await shakeHands(t, server)
  assert.equal(socket.getPeerCertificate().subject.CN, 'first')
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

for (const [name, options] of [
  ['as it comes', []],
  ['with TLS 1.2 at most', ['--tls-max', '1.2']],
  ['with TLS 1.3 at least', ['--tlsv1.3']]
]) {
  test(`curl ${name}`, { skip: !hasCurl && 'curl is not installed' }, async t => {
    const server = await start(t)
    const out = execFileSync('curl', ['-sS', '--cacert', server.certificate.certFile, ...options,
      `${server.http}/`, `${server.http}/`], { encoding: 'utf8', timeout: 10000 })
    assert.equal(out, '{"status":"ok"}'.repeat(2))
  })
}

test('what is wrong with the files is one line that names them', t => {
  const certificate = new Certificate(t, 'first')
  const other = new Certificate(t, 'other')
  for (const [name, options, status, pattern] of [
    ['no key', ['--tls-cert', certificate.certFile], 2, /--tls-key\) is missing/],
    ['no certificate', ['--tls-key', certificate.keyFile], 2, /--tls-cert\) is missing/],
    ['an unreadable file', ['--tls-cert', '/no/such.pem', '--tls-key', certificate.keyFile], 1, /\/no\/such\.pem: no such file/],
    ['a key for a certificate', ['--tls-cert', certificate.keyFile, '--tls-key', certificate.keyFile], 1, /key\.pem/],
    ['another key', ['--tls-cert', certificate.certFile, '--tls-key', other.keyFile], 1, /not the key of the certificate/]
  ]) {
    const result = spawnSync(program, ['serve', '--port', '0', ...options], { encoding: 'utf8', timeout: 10000 })
    assert.equal(result.status, status, `${name}: ${result.stderr}`)
    assert.match(result.stderr, pattern, name)
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, name)
    assert.equal(result.stdout, '', name)
  }
})
