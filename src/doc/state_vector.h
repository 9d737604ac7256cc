/* SPDX-License-Identifier: MIT */
/*
 * State vectors of the v1 encoding: a count, then client and clock, saying "of this client I have everything
 * below this clock".
 *
 *     02 | 09 05 | 07 28        client 9 up to 5, client 7 up to 40
 */
#ifndef YS_DOC_STATE_VECTOR_H
#define YS_DOC_STATE_VECTOR_H

#include "base/buf.h"
#include "base/reader.h"
#include "doc/struct.h"

/* Short ones need no memory but their own; so it cannot be copied by assignment. */
struct ys_state_vector {
    struct ys_id *entries; /* by client from high to low; each client once */
    size_t count;
    size_t cap;
    struct ys_id few[8];
};

void ys_state_vector_init(struct ys_state_vector *vector);
void ys_state_vector_deinit(struct ys_state_vector *vector, const struct ysync_alloc *alloc);

/* Reads one that a peer wrote, to the end of its bytes; no bytes at all are an empty one. Of a client that is named
 * twice the lower clock counts: too much is harmless, too little is not. */
YSYNC_CHECKED enum ysync_err ys_state_vector_decode(struct ys_state_vector *vector, const struct ysync_alloc *alloc,
                                                    struct ys_reader *in);

/* The clock of a client, 0 if it has none. Asking for clients from high to low, with *hint 0 at first, makes the whole
 * walk linear. */
uint64_t ys_state_vector_clock(const struct ys_state_vector *vector, uint64_t client, size_t *hint);

#endif
