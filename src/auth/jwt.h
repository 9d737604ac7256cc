/* SPDX-License-Identifier: MIT */
/*
 * Signed tokens: JSON Web Tokens (RFC 7519) in compact form, signed with HS256, RS256 or ES256 (RFC 7515, RFC 7518).
 *
 *     key is                                 token must be signed with
 *     an RSA public key in PEM               RS256
 *     a P-256 public key in PEM              ES256
 *     anything else: a secret                HS256
 *
 * So the key says which algorithm counts, and never the token: neither "none" passes, nor a public key that is used as
 * an HMAC secret.
 *
 *     {"exp":1767225600, "room":["blog","team-*"], "access":"read"}
 */
#ifndef YS_AUTH_JWT_H
#define YS_AUTH_JWT_H

#include "auth/auth.h"
#include "ysync/problem.h"

/* For `exp` and `nbf`: how far clocks may be apart. */
#define YS_JWT_LEEWAY_S 30

struct ys_jwt_config {
    struct ysync_bytes key; /* the key's file, whole; a secret without the newline it ends in */
    const char *issuer;     /* what `iss` must be; NULL: anything */
    const char *audience;   /* what `aud` must be, or hold; NULL: anything */
};

/* Nothing of the configuration is kept but copies. problem (may be NULL) is written on errors: INVALID_ARG (a key that
 * is none, too short, or of another kind), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new_jwt(const struct ysync_alloc *alloc, const struct ys_jwt_config *config,
                                             struct ys_auth **out, struct ysync_problem *problem);

#endif
