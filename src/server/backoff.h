/* SPDX-License-Identifier: MIT */
/*
 * Clients whose tokens are refused, and who come back at once: some reset their own back-off as soon as a socket opens,
 * and would open ten a second for ever. An address that was turned away 5 times within 10 s is turned away
 * by HTTP from then on, which those clients do take for a failure, until it has been quiet for 10 s.
 *
 * Any thread: the loops of a server have it in common. Their clocks are one.
 */
#ifndef YS_SERVER_BACKOFF_H
#define YS_SERVER_BACKOFF_H

#include <stdbool.h>

#include "base/hash.h"
#include "ysync/alloc.h"
#include "ysync/err.h"

#define YS_BACKOFF_TIMES 5
#define YS_BACKOFF_MS 10000

struct ys_backoff;

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_backoff_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed,
                                            struct ys_backoff **out);
void ys_backoff_free(struct ys_backoff *backoff); /* accepts NULL */

/* This address is being turned away: must it be by HTTP? */
bool ys_backoff_note(struct ys_backoff *backoff, const uint8_t ip[16], uint64_t now_ms);

#endif
