/* SPDX-License-Identifier: MIT */
/*
 * What a document is made of, for the files that make it: apply.c takes in, encode.c hands out, doc.c is the rest.
 *
 *     runs       [client 9][client 7][client 2]     what each client wrote, by client from high to low
 *     deletes    what of it is deleted
 *     pending    what cannot be taken in yet
 */
#ifndef YS_DOC_DOCUMENT_H
#define YS_DOC_DOCUMENT_H

#include "doc/delete_set.h"
#include "doc/doc.h"
#include "doc/pending.h"
#include "doc/run.h"

struct ysync_doc {
    const struct ysync_alloc *alloc;
    struct ys_run **runs;
    size_t run_count;
    size_t run_cap;
    size_t latest_run; /* where the last look-up ended: the next is mostly for the same client */
    size_t run_bytes;  /* memory of all runs */
    struct ys_dset *deletes;
    struct ys_pending pending;
    size_t max_pending_bytes;
    bool has_unwoken; /* memory ran out while blocks were woken: all waiting ones are to be looked at again */
    const char *problem;
};

/* The client's run, or NULL if it has not written anything. */
struct ys_run *ys_doc_find_run(struct ysync_doc *doc, uint64_t client);

/* The client's entry in the state vector. */
static inline uint64_t ys_doc_clock(struct ysync_doc *doc, uint64_t client)
{
    const struct ys_run *run = ys_doc_find_run(doc, client);

    return run ? run->clock : 0;
}

#endif
