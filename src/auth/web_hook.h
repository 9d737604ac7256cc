/* SPDX-License-Identifier: MIT */
/*
 * An HTTP endpoint decides.
 *
 *     POST url  {"token":"...","room":"blog","peer":"127.0.0.1:50312","transport":"websocket"}
 *          200  {"access":"read"}        lets in; "write" too
 *          401, 403                      does not
 *          all else, or nothing in time  nobody knows: UNKNOWN, never an admission
 *
 * Many questions may be on their way at once, over connections that are kept alive. An answer with `Cache-Control:
 * max-age=N` is good for others that bring the same token for the same room, for at most 5 s.
 */
#ifndef YS_AUTH_WEB_HOOK_H
#define YS_AUTH_WEB_HOOK_H

#include "auth/auth.h"
#include "ysync/problem.h"

struct uv_loop_s;

struct ys_web_hook_config {
    struct uv_loop_s *loop; /* outlives it; what libuv still holds after ys_auth_free() goes in its next turns */
    const char *url;        /* http: or https: */
    uint64_t timeout_ms;    /* for one answer */
};

/* Copies the configuration. It does not keep the loop alive by itself: a question that is open does. problem (may be
 * NULL) is written on errors: INVALID_ARG (the URL), NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_auth_new_web_hook(const struct ysync_alloc *alloc,
                                                  const struct ys_web_hook_config *config, struct ys_auth **out,
                                                  struct ysync_problem *problem);

#endif
