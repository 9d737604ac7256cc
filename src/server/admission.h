/* SPDX-License-Identifier: MIT */
/*
 * How many connections there are, in all and from each address.
 *
 *     203.0.113.9         3
 *     2001:db8:1:2::/64   1        one customer of a provider has a whole /64, so it counts as one address
 *
 * Any thread: the loops of a server have them in common.
 */
#ifndef YS_SERVER_ADMISSION_H
#define YS_SERVER_ADMISSION_H

#include "base/hash.h"
#include "net/address.h"
#include "ysync/alloc.h"
#include "ysync/err.h"

struct ys_admission;

/* 0: no limit. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_admission_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed,
                                              size_t max_connections, size_t max_per_address,
                                              struct ys_admission **out);
void ys_admission_free(struct ys_admission *admission); /* accepts NULL */

/* One more connection, to be given back if it is let in. Errors: LIMIT. */
YSYNC_CHECKED enum ysync_err ys_admission_enter(struct ys_admission *admission);
void ys_admission_leave(struct ys_admission *admission);

/* One more from this address; not from Unix sockets, of which nobody knows who is behind. Errors: LIMIT, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_admission_enter_from(struct ys_admission *admission, const struct ys_peer *peer);
void ys_admission_leave_from(struct ys_admission *admission, const struct ys_peer *peer);

#endif
