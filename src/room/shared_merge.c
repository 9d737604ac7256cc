/* SPDX-License-Identifier: MIT */
/*
 * What was merged is known by the updates themselves: two members have the same waiting if theirs are the same blocks,
 * one by one. That is looked up by comparing pointers, and needs no notion of who left out what.
 *
 * Merging copies, so large updates go out as they are.
 */
#include "room/shared_merge.h"

#include <string.h>

#include "base/alloc.h"
#include "doc/merge.h"
#include "protocol/message.h"

/* Of messages that are merged into one. */
#define MAX_BYTES ((size_t)32 * 1024)

struct updates {
    uint32_t count;
    size_t bytes;
};

/* The next update, unless the merged one is large enough without it. */
static struct ys_blob *next_update(const struct ys_outbox *outbox, uint32_t *position, size_t bytes)
{
    struct ys_blob *update = ys_outbox_next_update(outbox, position);

    return update && update->len <= MAX_BYTES - bytes ? update : NULL;
}

static struct updates count_updates(const struct ys_outbox *outbox)
{
    struct updates updates = { 0 };
    const struct ys_blob *update;
    uint32_t position = 0;

    while ((update = next_update(outbox, &position, updates.bytes))) {
        updates.bytes += update->len;
        updates.count++;
    }
    return updates;
}

/* Is it of the updates that wait, and of all of them? */
static bool is_of(const struct ys_shared_merge *merge, const struct ys_outbox *outbox)
{
    uint32_t position = 0;

    for (uint32_t i = 0; i < merge->count; i++) {
        if (merge->updates[i] != ys_outbox_next_update(outbox, &position))
            return false;
    }
    return merge->count > 0 && !next_update(outbox, &position, merge->bytes);
}

static void put_first(struct ys_shared_merges *merges, size_t i)
{
    struct ys_shared_merge found = merges->kept[i];

    memmove(&merges->kept[1], &merges->kept[0], i * sizeof(found));
    merges->kept[0] = found;
}

/* The kept merge of what waits, which comes first from now on; NULL if there is none. */
static const struct ys_shared_merge *find(struct ys_shared_merges *merges, const struct ys_outbox *outbox)
{
    for (size_t i = 0; i < YS_SHARED_MERGES; i++) {
        if (is_of(&merges->kept[i], outbox)) {
            put_first(merges, i);
            return &merges->kept[0];
        }
    }
    return NULL;
}

/* The messages are our own, so all that can go wrong is that there is no memory. */
static enum ysync_err add(struct ys_merge *merge, const struct ys_blob *update)
{
    struct ys_message message;
    const char *problem;
    enum ysync_err err = ys_message_decode(ys_blob_bytes(update), &message, &problem);

    return err ? err : ys_merge_add(merge, message.payload, &problem);
}

static struct ys_blob *make(const struct ysync_alloc *alloc, const struct ys_outbox *outbox, uint32_t count)
{
    struct ys_blob *message = NULL;
    uint32_t position = 0;
    struct ys_merge merge;
    struct ys_buf merged;
    enum ysync_err err;

    ys_merge_init(&merge, alloc);
    ys_buf_init(&merged, alloc, SIZE_MAX);
    err = ys_merge_reserve(&merge, count);
    for (uint32_t i = 0; !err && i < count; i++)
        err = add(&merge, ys_outbox_next_update(outbox, &position));
    if (!err)
        err = ys_merge_put(&merge, &merged);
    if (!err)
        message = ys_message_encode(alloc, YS_MESSAGE_UPDATE, ys_buf_bytes(&merged));
    ys_buf_deinit(&merged);
    ys_merge_deinit(&merge);
    return message;
}

static void forget(struct ys_shared_merge *merge, const struct ysync_alloc *alloc)
{
    for (size_t i = 0; i < merge->count; i++)
        ys_blob_unref(merge->updates[i]);
    ys_free(alloc, merge->updates);
    ys_blob_unref(merge->message);
    *merge = (struct ys_shared_merge){ .count = 0 };
}

/* In the place of the one that was not used for longest; without memory for it, it is not kept. */
static void keep(struct ys_shared_merges *merges, const struct ysync_alloc *alloc, const struct ys_outbox *outbox,
                 struct updates of, struct ys_blob *message)
{
    struct ys_shared_merge *last = &merges->kept[YS_SHARED_MERGES - 1];
    struct ys_blob **updates = ys_alloc_array(alloc, of.count, sizeof(struct ys_blob *));
    uint32_t position = 0;

    if (!updates)
        return;
    for (uint32_t i = 0; i < of.count; i++)
        updates[i] = ys_blob_ref(ys_outbox_next_update(outbox, &position));
    forget(last, alloc);
    *last = (struct ys_shared_merge){ updates, of.count, of.bytes, ys_blob_ref(message) };
    put_first(merges, YS_SHARED_MERGES - 1);
}

/* Are so many updates too many for the rest of this turn? */
static bool is_too_much(struct ys_shared_merges *merges, uint32_t count)
{
    if (merges->updates + count > YS_SHARED_MERGES_UPDATES)
        return true;
    if (merges->updates + count <= YS_SHARED_MERGES_UPDATES / 2)
        return false;
    return merges->wanted++ % YS_SHARED_MERGES_SPARING != 0;
}

struct ys_blob *ys_shared_merges_take(struct ys_shared_merges *merges, const struct ysync_alloc *alloc,
                                      const struct ys_outbox *outbox, uint32_t *count)
{
    const struct ys_shared_merge *found = find(merges, outbox);
    struct updates waiting;
    struct ys_blob *message;

    if (found) {
        *count = found->count;
        return ys_blob_ref(found->message);
    }
    waiting = count_updates(outbox);
    *count = waiting.count;
    if (waiting.count < 2 || is_too_much(merges, waiting.count))
        return NULL;
    merges->updates += waiting.count;
    message = make(alloc, outbox, waiting.count);
    if (message && message->len >= waiting.bytes) {
        ys_blob_unref(message);
        return NULL;
    }
    if (message)
        keep(merges, alloc, outbox, waiting, message);
    return message;
}

void ys_shared_merges_forget(struct ys_shared_merges *merges, const struct ysync_alloc *alloc)
{
    for (size_t i = 0; i < YS_SHARED_MERGES && merges->kept[i].count > 0; i++)
        forget(&merges->kept[i], alloc);
    merges->updates = 0;
    merges->wanted = 0;
}
