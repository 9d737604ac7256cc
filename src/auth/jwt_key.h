/* SPDX-License-Identifier: MIT */
/*
 * The key that signed tokens are held against, and with it the one algorithm that they may be signed with (RFC 7518,
 * 3):
 *
 *     what the file holds                                            algorithm   signature
 *     -----BEGIN PUBLIC KEY-----, CERTIFICATE: RSA, 2048 bits up     RS256       as long as the key
 *     the same: EC on the curve P-256                                ES256       64 bytes, r and s
 *     anything that is no key in another format: a secret            HS256       32 bytes
 */
#ifndef YS_AUTH_JWT_KEY_H
#define YS_AUTH_JWT_KEY_H

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"
#include "ysync/problem.h"

/* A secret shorter than this could be guessed. */
#define YS_JWT_MIN_SECRET_BYTES 16

/* Whole chains of certificates are shorter. */
#define YS_JWT_MAX_KEY_BYTES 65536

struct ys_jwt_key;

/* Keeps nothing of the file but copies. problem (may be NULL) is written on errors, and shows nothing of the file:
 * INVALID_ARG (no key that tokens can be held against), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_jwt_key_new(const struct ysync_alloc *alloc, struct ysync_bytes file,
                                            struct ys_jwt_key **out, struct ysync_problem *problem);

/* Wipes a secret. Accepts NULL. */
void ys_jwt_key_free(struct ys_jwt_key *key);

/* "RS256", "ES256" or "HS256". */
const char *ys_jwt_key_algorithm(const struct ys_jwt_key *key);

/* DENIED: this is not the text's signature; NOMEM. */
YSYNC_CHECKED enum ysync_err ys_jwt_key_verify(const struct ys_jwt_key *key, struct ysync_bytes text,
                                               struct ysync_bytes signature);

#endif
