/* SPDX-License-Identifier: MIT */
/*
 * Awareness updates, the payload of message 1: what each client says about itself (y-protocols awareness.js).
 *
 *     count | client clock state | client clock state | ...
 *
 *     01 | 07 | 03 | 04 "null"          client 7 is gone, as of its clock 3
 *
 * The state is JSON text with its length in front; `null` removes it. The clock orders the states of one client.
 */
#ifndef YS_PROTOCOL_AWARENESS_H
#define YS_PROTOCOL_AWARENESS_H

#include <stdbool.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/reader.h"

struct ys_awareness_entry {
    uint64_t client;
    uint64_t clock;
    struct ysync_bytes state; /* valid JSON; a view of the input */
    bool is_null;
};

/* Entries that have been validated. */
struct ys_awareness_reader {
    struct ys_reader in;
    uint64_t left;
};

/* Checks the whole payload and, if all of it is good, sets *out to its first entry.
 * MALFORMED: *problem is a static phrase. The payload must stay while the entries are read. */
YSYNC_CHECKED enum ysync_err ys_awareness_open(struct ysync_bytes payload, struct ys_awareness_reader *out,
                                               const char **problem);

/* The next entry; false when there is none. */
bool ys_awareness_next(struct ys_awareness_reader *reader, struct ys_awareness_entry *out);

/* Entries on their way into a message. */
struct ys_awareness_writer {
    struct ys_buf entries;
    uint64_t count;
};

void ys_awareness_writer_init(struct ys_awareness_writer *writer, const struct ysync_alloc *alloc);
void ys_awareness_writer_deinit(struct ys_awareness_writer *writer);

/* Never fails on the spot: ys_awareness_encode() does. */
void ys_awareness_put(struct ys_awareness_writer *writer, uint64_t client, uint64_t clock, struct ysync_bytes state);
void ys_awareness_put_null(struct ys_awareness_writer *writer, uint64_t client, uint64_t clock);

/* All entries so far as one message, ready to be shared; NULL if there was no memory for it or for an entry. */
struct ys_blob *ys_awareness_encode(const struct ys_awareness_writer *writer);

/* The entries so far; good until the writer is next changed, and only if it could be encoded. */
struct ys_awareness_reader ys_awareness_written(const struct ys_awareness_writer *writer);

#endif
