/* SPDX-License-Identifier: MIT */
/*
 * A run: what one client goes on writing, in clock order and in the bytes of the v1 update encoding. The last
 * struct is open: what is typed on extends it in place.
 *
 *     data    [struct 32-40][struct 41][struct 42-97 ...open         a span (span.h) that grows
 */
#ifndef YS_DOC_RUN_H
#define YS_DOC_RUN_H

#include "doc/span.h"

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
    uint64_t start; /* the clock of the first struct */
    uint64_t clock; /* the next one: this client's entry in the state vector */
    struct ys_buf data;
    struct ys_marks marks;
    uint32_t struct_count;
    struct ys_run_open open;
};

/* An empty one whose first struct will have the id `start`. */
YSYNC_CHECKED enum ysync_err ys_run_new(const struct ysync_alloc *alloc, struct ys_id start, struct ys_run **out);
void ys_run_free(struct ys_run *run); /* accepts NULL */

/* Makes it empty, and another client's perhaps, with the memory that it has. */
void ys_run_restart(struct ys_run *run, struct ys_id start);

/* Memory for appending structs of `bytes` bytes in all, one of which may be cut. LIMIT past 4 GiB. */
YSYNC_CHECKED enum ysync_err ys_run_reserve(struct ys_run *run, size_t bytes);

/* Appends the struct with the id (client, clock - from), without its first `from` units. There is room (reserve). */
void ys_run_append(struct ys_run *run, const struct ys_struct *s, uint64_t from);

/* What it holds, until it is next changed. */
struct ys_span ys_run_span(const struct ys_run *run);

/* Memory that it holds. */
size_t ys_run_bytes(const struct ys_run *run);

/* Aborts if an invariant does not hold. */
void ys_run_check(const struct ys_run *run);

#endif
