/* SPDX-License-Identifier: MIT */
/*
 * Transfers of libcurl's that go on while the loop runs.
 *
 *     ys_transfers_add(easy) ... the loop turns ... ended(easy, result) --> ys_transfers_remove(easy)
 *
 * Connections are kept for the transfers that follow. Only transfers that are under way touch the loop, and nothing
 * here keeps it alive.
 *
 * libcurl allocates its own memory; what belongs to libuv comes from the allocator. Everything belongs to the loop's
 * thread.
 */
#ifndef YS_AUTH_TRANSFERS_H
#define YS_AUTH_TRANSFERS_H

#include <uv.h>

#include "auth/curl.h"
#include "ysync/alloc.h"
#include "ysync/err.h"

struct ys_transfers;

/* A transfer has ended, by itself: it is to be removed now or later. Others may be added and removed from inside, but
 * the transfers must not be freed. */
typedef void ys_transfer_ended_fn(void *user, CURL *easy, CURLcode result);

/* libcurl is loaded. max_connections: of all transfers together; others wait. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_transfers_new(const struct ysync_alloc *alloc, uv_loop_t *loop, long max_connections,
                                              ys_transfer_ended_fn *ended, void *user, struct ys_transfers **out);

/* All transfers have been removed. What libuv still holds goes in the loop's next turn. Accepts NULL. */
void ys_transfers_free(struct ys_transfers *transfers);

/* Begins one, without doing anything yet. The handle stays the caller's. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_transfers_add(struct ys_transfers *transfers, CURL *easy);

/* Whether it has ended or not: then its connection is closed. Not from inside a callback of the handle's own. */
void ys_transfers_remove(struct ys_transfers *transfers, CURL *easy);

#endif
