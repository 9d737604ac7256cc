// SPDX-License-Identifier: MIT
// Keys, and tokens that jose signed with them, for the unit tests of src/auth. Run it where `npm ci` has been run, in
// tests/clients:
//
//     cd tests/clients && node ../auth/record.mjs > ../auth/recorded.h
//
// The keys are new each time, and good for nothing else. Certificates are made by the program openssl.
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'package.json'))
const { SignJWT, UnsecuredJWT } = require('jose')
const { version } = require('jose/package.json')

const claims = { sub: 'ada', room: 'blog', access: 'read', exp: 4102444800 }
const secret = 'a secret of the unit tests'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })

const publicPem = ({ publicKey }, type = 'spki') => publicKey.export({ type, format: 'pem' })
const privatePem = ({ privateKey }, type = 'pkcs8', options) => privateKey.export({ type, format: 'pem', ...options })
const publicDer = ({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' })

const openssl = (input, ...args) =>
  execFileSync('sh', ['-c', 'cat | openssl "$@"', 'sh', ...args], { input, encoding: 'latin1' })

const certificate = keys =>
  openssl(privatePem(keys), 'req', '-x509', '-key', '/dev/stdin', '-subj', '/CN=test', '-days', '36500')

const keys = {
  secret,
  rsa_public: publicPem(rsa),
  rsa_public_pkcs1: publicPem(rsa, 'pkcs1'),
  rsa_certificate: certificate(rsa),
  rsa_private: privatePem(rsa),
  rsa_private_encrypted: privatePem(rsa, 'pkcs8', { cipher: 'aes-256-cbc', passphrase: 'x' }),
  rsa_1024_public: publicPem(generateKeyPairSync('rsa', { modulusLength: 1024 })),
  rsa_pss_public: publicPem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
  rsa_jwk: JSON.stringify(rsa.publicKey.export({ format: 'jwk' })),
  rsa_base64: publicDer(rsa).toString('base64'),
  rsa_der: publicDer(rsa),
  ec_public: publicPem(ec),
  ec_certificate: certificate(ec),
  ec_private: privatePem(ec),
  ec_private_sec1: privatePem(ec, 'sec1'),
  ec_base64: publicDer(ec).toString('base64'),
  p384_public: publicPem(p384),
  ed25519_public: publicPem(generateKeyPairSync('ed25519'))
}

const sign = (alg, key, header = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg, ...header }).sign(typeof key === 'string' ? Buffer.from(key) : key)

/** What a program makes of the signature that does not know of RFC 7515's own form. */
function withDerSignature (token) {
  const [header, payload, signature] = token.split('.')
  const integer = bytes => {
    const trimmed = bytes.subarray(bytes.findIndex(byte => byte !== 0))
    const value = trimmed[0] < 0x80 ? trimmed : Buffer.concat([Buffer.of(0), trimmed])
    return Buffer.concat([Buffer.of(2, value.length), value])
  }
  const raw = Buffer.from(signature, 'base64url')
  const halves = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return [header, payload, Buffer.concat([Buffer.of(0x30, halves.length), halves]).toString('base64url')].join('.')
}

const es256 = await sign('ES256', ec.privateKey)
const tokens = {
  hs256: await sign('HS256', secret, { typ: 'JWT', kid: 'any' }),
  hs256_other: await sign('HS256', 'another secret of the tests'),
  hs384: await sign('HS384', secret),
  hs512: await sign('HS512', secret),
  hs256_rsa_public: await sign('HS256', keys.rsa_public),
  hs256_rsa_public_trimmed: await sign('HS256', keys.rsa_public.trim()),
  hs256_rsa_der: await sign('HS256', publicDer(rsa)),
  hs256_ec_public: await sign('HS256', keys.ec_public),
  rs256: await sign('RS256', rsa.privateKey, { typ: 'at+jwt' }),
  rs256_other: await sign('RS256', otherRsa.privateKey),
  rs256_jwk: await sign('RS256', otherRsa.privateKey, { jwk: otherRsa.publicKey.export({ format: 'jwk' }) }),
  rs384: await sign('RS384', rsa.privateKey),
  ps256: await sign('PS256', rsa.privateKey),
  es256,
  es256_other: await sign('ES256', otherEc.privateKey),
  es256_der: withDerSignature(es256),
  es384: await sign('ES384', p384.privateKey),
  none: new UnsecuredJWT(claims).encode()
}

/** In pieces of a line each. */
function literal (text) {
  const bytes = Buffer.from(text, typeof text === 'string' ? 'utf8' : undefined)
  const pieces = []
  let piece = ''
  for (const byte of bytes) {
    if (byte === 10) piece += '\\n'
    else if (byte === 34 || byte === 92) piece += `\\${String.fromCharCode(byte)}`
    else if (byte >= 32 && byte < 127) piece += String.fromCharCode(byte)
    else piece += `\\${byte.toString(8).padStart(3, '0')}`
    if (piece.length > 100 || byte === 10) {
      pieces.push(piece)
      piece = ''
    }
  }
  if (piece !== '') pieces.push(piece)
  return pieces.map(piece => `\n    "${piece}"`).join('')
}

const row = ([name, text]) => {
  return `    { "${name}",${literal(text).replaceAll('\n    ', '\n      ')}, ${Buffer.byteLength(text)} },`
}

console.log(`/* SPDX-License-Identifier: MIT */
/* Keys of no other use, and what jose ${version} signed with them:
 * cd tests/clients && node ../auth/record.mjs > ../auth/recorded.h */
#ifndef YS_TESTS_AUTH_RECORDED_H
#define YS_TESTS_AUTH_RECORDED_H

#include <stddef.h>

struct recording {
    const char *name;
    const char *text;
    size_t len;
};

/* clang-format off */
static const struct recording keys[] = {
${Object.entries(keys).map(row).join('\n')}
};

/* All with the claims ${JSON.stringify(claims)}. */
static const struct recording tokens[] = {
${Object.entries(tokens).map(row).join('\n')}
};
/* clang-format on */

#endif`)
