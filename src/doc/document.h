/* SPDX-License-Identifier: MIT */
/*
 * What a document is made of, for the files that make it: apply.c takes in, encode.c hands out, doc.c is the rest.
 *
 *     base       one immutable update: clients 9, 7, 5 ... up to some clock of each     (base_update.h)
 *     runs       [client 9][client 7][client 2]     what was written since               (run.h)
 *     deletes    what of it is deleted                                                  (delete_set.h)
 *     pending    what cannot be taken in yet                                            (pending.h)
 *
 * Now and then base and runs are made a new base (compact.h).
 */
#ifndef YS_DOC_DOCUMENT_H
#define YS_DOC_DOCUMENT_H

#include "doc/base_update.h"
#include "doc/delete_set.h"
#include "doc/doc.h"
#include "doc/pending.h"
#include "doc/run.h"

struct ys_compaction;

/* Most rooms are small or empty: what is not needed yet is not there, and the rest is packed. */
struct ysync_doc {
    const struct ysync_alloc *alloc;
    struct ys_base *base; /* NULL: none yet */
    struct ys_run **runs; /* by client from high to low */
    size_t run_count;
    size_t run_cap;
    size_t run_bytes; /* memory of all runs */
    struct ys_dset *deletes;
    uint64_t garbage;                 /* clocks that were deleted since the base was made */
    size_t compact_later;             /* how much more there must be to gain, as the last try failed */
    struct ys_compaction *compaction; /* the one under way, or NULL */
    struct ys_pending pending;
    size_t max_pending_bytes;
    const char *problem;
    uint32_t latest_run;              /* where the last look-up ended: the next is mostly for the same client */
    unsigned compact_step_bytes : 24; /* what one call adds to a compaction ... */
    unsigned compact_factor : 4; /* ... and for each byte that it brings, so that compaction outruns what comes in */
    unsigned gc : 2;             /* enum ysync_gc */
    bool is_adopted : 1;         /* the base is an update as it came: neighbours in it may not be merged yet */
    bool has_structure : 1;      /* there may be types or GCs, through which deletions spread */
    bool has_unwoken : 1; /* memory ran out while blocks were woken: all waiting ones are to be looked at again */
};

/* The client's run, or NULL if it has not written since the base was made. */
struct ys_run *ys_doc_find_run(struct ysync_doc *doc, uint64_t client);

/* The client's entry in the state vector. */
uint64_t ys_doc_clock(struct ysync_doc *doc, uint64_t client);

/* The state vector as an array, by client from high to low: *out is for the caller to ys_free(). Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_doc_clocks(const struct ysync_doc *doc, struct ys_id **out, size_t *count);

size_t ys_doc_client_count(const struct ysync_doc *doc);

/* Appends the clocks [from, to) of a client to an update, as a section: count of structs, client, clock, structs.
 * from < to <= the client's clock. */
void ys_doc_put_section(struct ysync_doc *doc, uint64_t client, uint64_t from, uint64_t to, struct ys_buf *out);

#endif
