/* SPDX-License-Identifier: MIT */
/*
 * Ranges of deleted clocks on their way in or out: a plain list, in the order of the wire or sorted.
 *
 *     (client 9, 2, 2) (client 7, 0, 3) (client 7, 5, 4)        9: [2,4)  7: [0,3) [5,9)
 */
#ifndef YS_DOC_RANGES_H
#define YS_DOC_RANGES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/reader.h"

/* [clock, clock + len) of a client. */
struct ys_range {
    uint64_t client;
    uint64_t clock;
    uint64_t len;
};

/* A list of ranges. "Sorted": clients from high to low, clocks from low to high, and no two touch. Most lists hold one
 * or two and need no memory but their own; so a list cannot be copied by assignment. */
struct ys_ranges {
    struct ys_range *items;
    size_t count;
    size_t cap;
    struct ys_range few[2];
};

void ys_ranges_init(struct ys_ranges *ranges);
void ys_ranges_deinit(struct ys_ranges *ranges, const struct ysync_alloc *alloc);

/* Appends; NOMEM leaves the list as it was. */
YSYNC_CHECKED enum ysync_err ys_ranges_add(struct ys_ranges *ranges, const struct ysync_alloc *alloc,
                                           struct ys_range range);

bool ys_ranges_is_sorted(const struct ys_ranges *ranges);

/* Brings the list into order and joins what touches. */
void ys_ranges_sort(struct ys_ranges *ranges);

/* Reads a delete set of the v1 encoding to its end, adding its ranges to the list, as they come. MALFORMED if a
 * count or a range cannot be true, or a range has length 0 (Yjs throws on one that it has to keep for later). */
YSYNC_CHECKED enum ysync_err ys_ranges_decode(struct ys_ranges *ranges, const struct ysync_alloc *alloc,
                                              struct ys_reader *in);

/* Is every clock of the sorted `part` in the sorted `whole`? */
bool ys_ranges_contain(const struct ys_ranges *whole, const struct ys_ranges *part);

/* How many clocks the sorted list covers. */
uint64_t ys_ranges_clocks(const struct ys_ranges *ranges);

/* How many of the items from `i` on belong to the same client: the step of a walk over clients. */
size_t ys_ranges_client_count(const struct ys_ranges *ranges, size_t i);

/* Appends the sorted list in the v1 encoding. */
void ys_ranges_put(const struct ys_ranges *ranges, struct ys_buf *out);

#endif
