/* SPDX-License-Identifier: MIT */
/*
 * Verdicts that somebody gave and that may be used again for a while.
 *
 *     key                                      verdict    until
 *     SHA-256 of room, token and transport     write      12:00:05
 *     ...                                      none       12:00:03
 *
 * So no token is kept. When the cache is full, the verdict that was put in first goes. Times are milliseconds of one
 * monotonic clock, which the caller reads.
 */
#ifndef YS_AUTH_VERDICT_CACHE_H
#define YS_AUTH_VERDICT_CACHE_H

#include "auth/auth.h"

struct ys_verdict_cache;

struct ys_verdict_key {
    uint8_t digest[32];
};

/* The key of all requests that bring the same token for the same room in the same way, whoever their peers are. Errors:
 * NOMEM. */
YSYNC_CHECKED enum ysync_err ys_verdict_key_of(const struct ys_auth_request *request, struct ys_verdict_key *out);

/* max_entries is at least 1. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_verdict_cache_new(const struct ysync_alloc *alloc, size_t max_entries,
                                                  struct ys_verdict_cache **out);
void ys_verdict_cache_free(struct ys_verdict_cache *cache); /* accepts NULL */

/* Is there a verdict that still holds? */
bool ys_verdict_cache_find(struct ys_verdict_cache *cache, const struct ys_verdict_key *key, uint64_t now_ms,
                           enum ys_access *out);

/* Keeps a verdict up to, and without, the millisecond `until_ms`; in the place of an older one. Without memory nothing
 * is kept. */
void ys_verdict_cache_put(struct ys_verdict_cache *cache, const struct ys_verdict_key *key, enum ys_access access,
                          uint64_t until_ms);

#endif
