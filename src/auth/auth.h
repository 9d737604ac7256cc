/* SPDX-License-Identifier: MIT */
/*
 * Who may do what: a request's room and token in, a verdict out.
 *
 *     ys_auth_check(auth, request, verdict)        one of    open          everybody
 *                          |                                 token.h       who knows a shared secret
 *              now, or later: verdict()                      jwt.h         who brings a signed token
 *                                                            web_hook.h    whom an HTTP endpoint lets in
 *                                                            callback.h    whom the program lets in
 *
 * The verdict comes through a callback, before the question returns or later: a shared token is compared on the spot,
 * another way of verifying may have to ask somebody. Whoever asks goes on in the callback either way.
 *
 * All of it belongs to one thread.
 */
#ifndef YS_AUTH_AUTH_H
#define YS_AUTH_AUTH_H

#include <stdbool.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

enum ys_access {
    YS_ACCESS_NONE,
    YS_ACCESS_READ,
    YS_ACCESS_WRITE,   /* and read */
    YS_ACCESS_UNKNOWN, /* nobody could tell: no admission, but trying again may help */
};

#define YS_VERDICT_FOREVER UINT64_MAX

struct ys_verdict {
    enum ys_access access;
    uint64_t holds_ms; /* for how long from now on; YS_VERDICT_FOREVER: as long as the connection lasts */
};

struct ys_auth_request {
    struct ysync_bytes room;  /* a room's name, decoded; empty: may the token do it in every room? */
    struct ysync_bytes token; /* empty: none was given */
    struct ysync_bytes peer;  /* the address of the other end, as text */
    bool is_websocket;        /* else plain HTTP */
    uint64_t unix_time_s;     /* what time it is */
};

/* One verdict for each question. The request's views may be gone by then. */
typedef void ys_auth_verdict_fn(void *user, struct ys_verdict verdict);

/* What each way of deciding puts first in its own struct. */
struct ys_auth {
    void (*check)(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user);
    void (*free)(struct ys_auth *auth);
};

/* Lets everybody in. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new_open(const struct ysync_alloc *alloc, struct ys_auth **out);

/* Calls `verdict` exactly once. The request is only borrowed for this call. */
static inline void ys_auth_check(struct ys_auth *auth, const struct ys_auth_request *request,
                                 ys_auth_verdict_fn *verdict, void *user)
{
    auth->check(auth, request, verdict, user);
}

/* Questions that are still open are answered from inside, with UNKNOWN (but those that a program has in hand: it must
 * answer). Accepts NULL. */
static inline void ys_auth_free(struct ys_auth *auth)
{
    if (auth)
        auth->free(auth);
}

#endif
