/* SPDX-License-Identifier: MIT */
/*
 * A run: everything that one client wrote, in clock order and in the bytes of the v1 update encoding.
 *
 *     data    [struct 0-4][struct 5][struct 6-31 ............][struct 32-40]
 *     marks    ^ (implied)                     ^ inside a long string    ^ about one every KiB
 *                                                                         the last struct is open: what is
 *                                                                         typed on extends it in place
 *
 * Handing out what somebody lacks is then: look up the clock, cut at most one struct in two, copy the rest.
 * Nothing is decoded for it.
 */
#ifndef YS_DOC_RUN_H
#define YS_DOC_RUN_H

#include "doc/struct.h"

/* A place to start looking from: the unit `clock` begins at byte `at`. */
struct ys_run_mark {
    uint64_t clock;
    uint32_t at;
    uint32_t struct_at; /* where the struct begins that holds it; at, unless inside a long string */
    uint32_t ordinal;   /* how many structs stand before that one */
};

/* The last struct, as far as extending it needs to know. */
struct ys_run_open {
    struct ys_id right_origin;
    uint64_t count;
    uint32_t at;
    uint32_t count_at;
    uint8_t info;
    bool can_extend;
};

struct ys_run {
    uint64_t client;
    uint64_t clock; /* the next one: this client's entry in the state vector */
    struct ys_buf data;
    struct ys_run_mark *marks;
    uint32_t mark_count;
    uint32_t struct_count;
    size_t mark_cap;
    struct ys_run_open open;
};

YSYNC_CHECKED enum ysync_err ys_run_new(const struct ysync_alloc *alloc, uint64_t client, struct ys_run **out);
void ys_run_free(struct ys_run *run); /* accepts NULL */

/* Memory for appending structs of `bytes` bytes in all, one of which may be cut. LIMIT past 4 GiB. */
YSYNC_CHECKED enum ysync_err ys_run_reserve(struct ys_run *run, size_t bytes);

/* Appends the struct with the id (client, clock - from), without its first `from` units. There is room (reserve). */
void ys_run_append(struct ys_run *run, const struct ys_struct *s, uint64_t from);

/* Appends the clocks [from, to) to an update, as one client's section of it: count of structs, client, clock, structs.
 * from < to <= clock. */
void ys_run_put(const struct ys_run *run, uint64_t from, uint64_t to, struct ys_buf *out);

/* The same without the head of the section; returns the count of structs. */
uint32_t ys_run_put_structs(const struct ys_run *run, uint64_t from, uint64_t to, struct ys_buf *out);

/* The most bytes that ys_run_put() may append up to the end. */
size_t ys_run_put_bound(const struct ys_run *run, uint64_t from);

/* Memory that it holds. */
size_t ys_run_bytes(const struct ys_run *run);

/* Aborts if an invariant does not hold. */
void ys_run_check(const struct ys_run *run);

#endif
