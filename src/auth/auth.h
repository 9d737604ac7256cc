/* SPDX-License-Identifier: MIT */
/*
 * Who may do what: a request's room, token and origin in, a verdict out.
 *
 * The verdict comes through a callback, before the question returns or later: a shared token is compared on the spot,
 * another way of verifying may have to ask somebody. Whoever asks goes on in the callback either way.
 */
#ifndef YS_AUTH_AUTH_H
#define YS_AUTH_AUTH_H

#include <stdbool.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"
#include "ysync/verify.h"

enum ys_access {
    YS_ACCESS_NONE,
    YS_ACCESS_READ,
    YS_ACCESS_WRITE,   /* and read */
    YS_ACCESS_UNKNOWN, /* nobody could tell: no admission, but trying again may help */
};

struct ys_auth_request {
    struct ysync_bytes room;  /* a room's name, decoded; empty: may the token do it in every room? */
    struct ysync_bytes token; /* empty: none was given */
    struct ysync_bytes peer;  /* the address of the other end, as text */
    bool is_websocket;        /* else plain HTTP */
};

/* One verdict for each question. The request's views may be gone by then. */
typedef void ys_auth_verdict_fn(void *user, enum ys_access access);

struct ys_auth;

/* Any of the tokens opens every room; without tokens everything is open to all. They are not kept, only their digests.
 * Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new(const struct ysync_alloc *alloc, const char *const *tokens, size_t token_count,
                                         struct ys_auth **out);

/* A program's callback decides. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new_verify(const struct ysync_alloc *alloc, ysync_verify_fn *verify, void *user,
                                                struct ys_auth **out);
void ys_auth_free(struct ys_auth *auth); /* accepts NULL */

/* Calls `verdict` exactly once. The request is only borrowed for this call. */
void ys_auth_check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict,
                   void *user);

#endif
