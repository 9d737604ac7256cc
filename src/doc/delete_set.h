/* SPDX-License-Identifier: MIT */
/*
 * Delete set: one sorted array of ranges per client.
 *
 *     client 9   [2,4)
 *     client 7   [0,3) [5,9)        clocks 3 and 4 are still alive
 *
 * Ranges never touch or overlap, and clients run from high to low as Yjs writes them, so encoding is
 * a plain walk and two sets holding the same clocks encode to the same bytes.
 *
 * Of a base (base_update.h) the delete set is left in its bytes, frozen; a client's ranges are thawed when
 * they are first looked into. So a document that is only handed out costs nothing here.
 *
 * Ranges may lie beyond what their client is known to have written: a deletion may come before what it
 * deletes, and waits here.
 */
#ifndef YS_DOC_DELETE_SET_H
#define YS_DOC_DELETE_SET_H

#include "doc/ranges.h"

/* The clocks of each client that are deleted. Owned by one document. */
struct ys_dset;

YSYNC_CHECKED enum ysync_err ys_dset_new(const struct ysync_alloc *alloc, struct ys_dset **out);
void ys_dset_free(struct ys_dset *set); /* accepts NULL */

/* Empties the set and makes it what these bytes of the v1 encoding say, sorted, with so many ranges. They must stay as
 * long as the set, or until it is frozen again. */
void ys_dset_freeze(struct ys_dset *set, struct ysync_bytes bytes, size_t range_count);

/* Thaws those clients of the sorted `ranges` that are frozen: the functions below want that done. The set holds the
 * same clocks as before, whatever is returned. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_dset_thaw(struct ys_dset *set, const struct ys_ranges *ranges);

/* Has anything of the client been looked into since the set was frozen? */
bool ys_dset_is_thawed(const struct ys_dset *set, uint64_t client);

bool ys_dset_has_thawed(const struct ys_dset *set); /* of any client */

bool ys_dset_contains(const struct ys_dset *set, uint64_t client, uint64_t clock);

/* The first range of the client that ends behind `clock`; false if there is none. */
bool ys_dset_next(const struct ys_dset *set, uint64_t client, uint64_t clock, struct ys_range *out);

/* Adds to `missing` what of the sorted `ranges` is not in the set: sorted too. NOMEM may leave a part of it there. */
YSYNC_CHECKED enum ysync_err ys_dset_missing(const struct ys_dset *set, const struct ys_ranges *ranges,
                                             struct ys_ranges *missing);

/* Memory for adding the sorted `ranges`; the set holds the same clocks as before, whatever is returned. */
YSYNC_CHECKED enum ysync_err ys_dset_reserve(struct ys_dset *set, const struct ys_ranges *ranges);

/* Adds the sorted `ranges`, for which there is room (reserve). */
void ys_dset_add(struct ys_dset *set, const struct ys_ranges *ranges);

/* How many ranges there are in all, and memory that the set holds: both in constant time. */
size_t ys_dset_range_count(const struct ys_dset *set);
size_t ys_dset_bytes(const struct ys_dset *set);

/* Appends the set in the v1 encoding: at most ys_dset_put_bound() bytes. What it wrote is kept until the set changes.
 */
void ys_dset_put(struct ys_dset *set, struct ys_buf *out);
size_t ys_dset_put_bound(const struct ys_dset *set);

/* Aborts if an invariant does not hold. */
void ys_dset_check(const struct ys_dset *set);

#endif
