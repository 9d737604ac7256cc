/* SPDX-License-Identifier: MIT */
/*
 * Planning: which structs of an update are new, and how far each client's can be taken in now. Nothing changes yet.
 *
 * A struct is ready when its clock is at most its client's clock, and everything that it refers to is there. The
 * clients of one update refer to each other, so planning walks them as Yjs does (integrateStructs): a client that
 * cannot go on waits on a stack for the one it needs; if that one cannot get there either, all on the stack are stuck,
 * and what is left of their blocks has to wait.
 *
 *     update    client 9 [0-4)  client 7 [3-8)            client 7 needs 9's clock 2, which is planned by then
 *     works     client 9: 0 -> 4   client 7: 3 -> 8       from the clock now to the clock when all is in
 */
#ifndef YS_DOC_PLAN_H
#define YS_DOC_PLAN_H

#include "doc/document.h"
#include "doc/update.h"

/* One client's part in an update: its blocks, in order, and how far they can be taken in. */
struct ys_work {
    uint64_t client;
    struct ys_run *run;    /* NULL: it has none */
    uint64_t before;       /* the client's clock now ... */
    uint64_t clock;        /* ... and when what is planned so far has been taken in */
    uint64_t goal;         /* on the stack: the clock that the one below waits for */
    struct ys_id needs;    /* what it stopped for */
    struct ys_work *below; /* on the stack */
    size_t block;          /* the block that `walk` is in */
    size_t first_block;
    size_t end_block;
    size_t ready_bytes; /* of the structs planned so far */
    struct ys_block_walk walk;
    bool is_new_run; /* `run` was made for this, and is not the document's yet */
    bool is_stuck;
    bool is_on_stack;
};

/* It cannot be copied by assignment. */
struct ys_plan {
    struct ysync_doc *doc;
    const struct ys_update *update;
    struct ys_work *works; /* by client from high to low */
    size_t work_count;
    size_t work_cap;
    struct ys_ranges implied; /* deletions that are planned, by structs that are GC or deleted; not sorted */
    struct ys_work few[1];
};

void ys_plan_init(struct ys_plan *plan, struct ysync_doc *doc, const struct ys_update *update);
void ys_plan_deinit(struct ys_plan *plan);

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_plan_make(struct ys_plan *plan);

#endif
