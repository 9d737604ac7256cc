/* SPDX-License-Identifier: MIT */
/*
 * An HTTP endpoint decides.
 *
 *     POST url  {"token":"...","room":"blog","peer":"127.0.0.1:50312","transport":"websocket"}
 *          200  {"access":"read"}        lets in; "write" too
 *          401, 403                      does not
 *          all else, or nothing in time  nobody knows: UNKNOWN, never an admission
 *
 * `token` is "" where none was given; `room` is null where the question is about every room. A token that is not UTF-8
 * cannot be put in JSON: nobody has given it out, so it is refused without asking.
 *
 * Many questions may be on their way at once, over connections that are kept alive. An answer with `Cache-Control:
 * max-age=N` is good for others that bring the same token for the same room over the same transport, for at most 5 s.
 *
 * The endpoint is asked directly, whatever proxies the environment names, and its redirects are not followed: tokens
 * go where the configuration says and nowhere else.
 */
#ifndef YS_AUTH_WEB_HOOK_H
#define YS_AUTH_WEB_HOOK_H

#include "auth/auth.h"
#include "base/log.h"
#include "ysync/problem.h"

struct uv_loop_s;

#define YS_WEB_HOOK_MAX_TIMEOUT_MS ((uint64_t)3600 * 1000)

/* Questions that are on their way at once, each on a connection of its own; and that wait for one of these. */
#define YS_WEB_HOOK_MAX_ASKED 128
#define YS_WEB_HOOK_MAX_WAITING 10000

/* What all open questions take together. */
#define YS_WEB_HOOK_MAX_QUESTION_BYTES ((size_t)16 * 1024 * 1024)

/* Answers that are remembered, and for how long at most. */
#define YS_WEB_HOOK_MAX_REMEMBERED 1000
#define YS_WEB_HOOK_MAX_AGE_S 5

struct ys_web_hook_config {
    struct uv_loop_s *loop;      /* outlives it; what libuv still holds after ys_auth_free() goes in its next turns */
    const char *url;             /* http: or https: */
    uint64_t timeout_ms;         /* from a question to its verdict, waiting included; at least 1 */
    const struct ysync_log *log; /* hears why nobody could tell; kept; may be NULL */
};

/* Copies the configuration. It does not keep the loop alive: who waits for a verdict does. Not to be freed from inside
 * a verdict. problem (may be NULL) is written on errors: INVALID_ARG (the URL, the timeout), NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_auth_new_web_hook(const struct ysync_alloc *alloc,
                                                  const struct ys_web_hook_config *config, struct ys_auth **out,
                                                  struct ysync_problem *problem);

#endif
