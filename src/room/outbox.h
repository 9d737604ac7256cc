/* SPDX-License-Identifier: MIT */
/*
 * What waits to be sent to one member, in order: finished messages, shared with other members, and intents, which
 * become messages only when they are taken.
 *
 *     first                                          taken from the front, put at the end
 *       [ greeting ][ update ][ step 2 for SV ][ presence ][ free ][ free ]
 *                     |         |                |
 *                   a blob    a state vector   a blob          two slots are always kept free for the marks
 *
 * A client that does not read makes nothing grow. Past max_bytes
 *  - its updates are dropped for one mark, "has everything up to this state vector"; whatever is put while the mark is
 *    there is covered by the difference that the mark becomes when it is taken;
 *  - its presence messages are dropped for another, "has all changes before this one";
 *  - of its requests only so many are remembered, and so many bytes of their state vectors: who asks for more is given
 *    everything. State vectors leave messages their room: who asks, and reads, is not a slow reader;
 *  - messages that acknowledge (102) can be neither dropped nor merged, so there the limit is an error.
 * A single message is allowed to be larger than max_bytes. Falling behind needs no memory.
 */
#ifndef YS_ROOM_OUTBOX_H
#define YS_ROOM_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/blob.h"
#include "doc/doc.h"
#include "ysync/err.h"

enum ys_outbox_kind {
    YS_OUTBOX_REPLY,          /* blob: a message */
    YS_OUTBOX_UPDATE,         /* blob: a message */
    YS_OUTBOX_PRESENCE,       /* blob: a message */
    YS_OUTBOX_STEP1,          /* intent: sync step 1 */
    YS_OUTBOX_STATES,         /* intent: all presence states */
    YS_OUTBOX_STEP2,          /* intent; blob: the state vector, NULL for the empty one */
    YS_OUTBOX_MISSED_UPDATES, /* mark; blob: the state vector, NULL for the empty one */
    YS_OUTBOX_MISSED_PRESENCE /* mark: the changes from presence_since on */
};

struct ys_outbox_slot {
    enum ys_outbox_kind kind;
    struct ys_blob *blob;
};

/* Unanswered requests of one kind that are remembered one by one. */
#define YS_OUTBOX_MAX_REQUESTS 8

/* Enough for a greeting and the marks. */
#define YS_OUTBOX_INLINE_SLOTS 4

struct ys_outbox {
    const struct ysync_alloc *alloc;
    struct ys_outbox_slot *slots; /* a ring; inline_slots, or on the heap while there are more */
    uint32_t slot_count;          /* a power of two */
    uint32_t first;
    uint32_t count;
    uint32_t counts[YS_OUTBOX_MISSED_PRESENCE + 1]; /* of each kind */
    uint32_t unmerged;                              /* the next so many updates are not to be merged */
    size_t bytes;                                   /* of messages, and of slots */
    size_t requested_bytes;                         /* of the state vectors of requests: max_bytes, or one */
    size_t max_bytes;
    uint64_t presence_since; /* the oldest change that a PRESENCE or MISSED_PRESENCE slot may be about */
    uint64_t missed_in;      /* the number of the change to the document during which the mark was set */
    struct ys_outbox_slot inline_slots[YS_OUTBOX_INLINE_SLOTS];
};

void ys_outbox_init(struct ys_outbox *outbox, const struct ysync_alloc *alloc, size_t max_bytes);
void ys_outbox_deinit(struct ys_outbox *outbox);

static inline bool ys_outbox_is_empty(const struct ys_outbox *outbox)
{
    return outbox->count == 0;
}

/* The i-th slot from the front. */
static inline struct ys_outbox_slot *ys_outbox_slot_at(const struct ys_outbox *outbox, uint32_t i)
{
    return &outbox->slots[(outbox->first + i) & (outbox->slot_count - 1)];
}

/* Sync step 1, and the presence states if there are any. Into a new outbox: cannot fail. */
void ys_outbox_put_greeting(struct ys_outbox *outbox, bool has_states);

/* An update that the document has taken in already, by its change_number-th change. Takes its own reference. NULL:
 * there was no memory for it. Cannot fail. */
void ys_outbox_put_update(struct ys_outbox *outbox, const struct ysync_doc *doc, uint64_t change_number,
                          struct ys_blob *message);

/* A presence message with nothing older than the since-th change. Takes its own reference; NULL: there was no memory
 * for it. Cannot fail. */
void ys_outbox_put_presence(struct ys_outbox *outbox, uint64_t since, struct ys_blob *message);

/* A message that must not get lost: takes its own reference. Errors: LIMIT, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_outbox_put_reply(struct ys_outbox *outbox, const struct ysync_doc *doc,
                                                 struct ys_blob *message);

/* The state vector is copied. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_outbox_put_step2(struct ys_outbox *outbox, struct ysync_bytes state_vector);

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_outbox_put_states(struct ys_outbox *outbox);

/* What to take next. There is something. */
const struct ys_outbox_slot *ys_outbox_front(const struct ys_outbox *outbox);

/* The front, which asks for a difference, asks for what this state vector lacks from now on. Takes the reference. */
void ys_outbox_lower_front(struct ys_outbox *outbox, struct ys_blob *state_vector);

/* Removes the front; its blob, with its reference, is the caller's. */
struct ys_blob *ys_outbox_pop(struct ys_outbox *outbox);

/* The updates that may leave together, ahead of what stands between them, which is presence: start with *position = 0,
 * until NULL. */
static inline struct ys_blob *ys_outbox_next_update(const struct ys_outbox *outbox, uint32_t *position)
{
    while (*position < outbox->count) {
        const struct ys_outbox_slot *slot = ys_outbox_slot_at(outbox, (*position)++);

        if (slot->kind == YS_OUTBOX_UPDATE)
            return slot->blob;
        if (slot->kind != YS_OUTBOX_PRESENCE && slot->kind != YS_OUTBOX_MISSED_PRESENCE)
            return NULL;
    }
    return NULL;
}

/* Removes the first `count` of these, which there are. */
void ys_outbox_drop_updates(struct ys_outbox *outbox, uint32_t count);

#endif
