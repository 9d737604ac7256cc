/* SPDX-License-Identifier: MIT */
/*
 * Updates that wait together leave as one, and what several members have waiting is merged once for all of them.
 *
 *     Bob      [u1][u2][presence][u3]            [u1+u2+u3]  [presence]
 *     Carol    [u1][u2][presence][u3]            the same block, by reference
 *     Ada      [u1][presence][u3]     wrote u2   [u1+u3]     [presence]
 *
 * Nothing is held back for it: an update that finds its reader's line free leaves alone, at once.
 *
 * The merges of late are kept, with the updates that they were made of, until ys_shared_merges_forget(): the transport
 * says so when everybody has taken what there was.
 */
#ifndef YS_ROOM_SHARED_MERGE_H
#define YS_ROOM_SHARED_MERGE_H

#include "base/blob.h"
#include "room/outbox.h"

/* How many merges are kept: readers have one in common, each writer has its own. */
#define YS_SHARED_MERGES 4

/* How many updates are merged in a turn, which takes about a millisecond; in the second half only for every so many-th
 * member that needs a merge of its own. So if hundreds write at once some of them are sent what there is one by one,
 * and what all readers have in common is merged all the same. */
#define YS_SHARED_MERGES_UPDATES 4096
#define YS_SHARED_MERGES_SPARING 8

struct ys_shared_merge {
    struct ys_blob **updates; /* each with a reference */
    uint32_t count;
    size_t bytes; /* of the updates */
    struct ys_blob *message;
};

/* Those of one hub. Start with { 0 }. */
struct ys_shared_merges {
    struct ys_shared_merge kept[YS_SHARED_MERGES]; /* the one that was used last comes first; unused: count is 0 */
    size_t updates;                                /* that were merged in this turn */
    size_t wanted;                                 /* merges, since there is need to be sparing */
};

/* One message that says what the updates at the front of the outbox say, a reference of the caller's; and how many they
 * are. NULL if these had better be sent one by one. The outbox is as it was. */
struct ys_blob *ys_shared_merges_take(struct ys_shared_merges *merges, const struct ysync_alloc *alloc,
                                      const struct ys_outbox *outbox, uint32_t *count);

void ys_shared_merges_forget(struct ys_shared_merges *merges, const struct ysync_alloc *alloc);

#endif
