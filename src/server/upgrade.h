/* SPDX-License-Identifier: MIT */
/* What a request for a WebSocket asks for: which room, with which token, in which words. */
#ifndef YS_SERVER_UPGRADE_H
#define YS_SERVER_UPGRADE_H

#include "base/buf.h"
#include "http/head.h"
#include "server/route.h"
#include "ws/handshake.h"

struct ys_upgrade {
    struct ys_ws_request request; /* views of the head, or of the two below */
    struct ys_buf protocols;      /* the offers of several fields in one list */
    struct ys_buf extensions;     /* likewise */
    struct ys_buf room;           /* decoded */
    struct ys_buf token;          /* decoded; empty: none */
};

/* Reads a head that wants a WebSocket. Returns 101, or the HTTP status to refuse it with and *why, a line for the body.
 * In either case release it with ys_upgrade_deinit(). */
int ys_upgrade_read(struct ys_upgrade *upgrade, const struct ysync_alloc *alloc, const struct ys_routes *routes,
                    const struct ys_http_head *head, const char **why);
void ys_upgrade_deinit(struct ys_upgrade *upgrade);

/* Is every Origin field one of these? A program that is no browser gives none, and is not held up: it could give any.
 * With an empty list every origin is allowed. */
bool ys_origin_is_allowed(const struct ys_http_head *head, const char *const *allowed, size_t count);

/* The token of an Authorization field, a view of the head: the one way for requests that want no WebSocket. */
struct ysync_bytes ys_bearer_token(const struct ys_http_head *head);

#endif
