/* SPDX-License-Identifier: MIT */
/*
 * The ring lives inside the outbox as long as there is little in it, moves to the heap when it grows, and comes back as
 * soon as that is possible: most members have nothing waiting most of the time.
 *
 * The state vector of the mark is the document's at that moment, lowered to where the dropped updates begin
 * (catch_up.h). Later changes lie behind it. Not so the rest of the very change that was going on: the document may
 * release the updates of several origins at once, has all of them by then, and hands them out one after the other. So
 * the mark remembers which change it was set in, and is lowered further by what follows from the same one.
 */
#include "room/outbox.h"

#include <assert.h>

#include "base/alloc.h"
#include "room/catch_up.h"

/* For the two marks. */
#define RESERVED_SLOTS 2

/* The first ring on the heap. */
#define MIN_HEAP_SLOTS 16

void ys_outbox_init(struct ys_outbox *outbox, const struct ysync_alloc *alloc, size_t max_bytes)
{
    *outbox = (struct ys_outbox){ .alloc = alloc, .max_bytes = max_bytes, .slot_count = YS_OUTBOX_INLINE_SLOTS };
    outbox->slots = outbox->inline_slots;
}

static inline size_t blob_bytes(const struct ys_blob *blob)
{
    return blob ? blob->len : 0;
}

/* Is there a state vector, instead of a message? */
static inline bool has_state_vector(enum ys_outbox_kind kind)
{
    return kind == YS_OUTBOX_STEP2 || kind == YS_OUTBOX_MISSED_UPDATES;
}

/* What a slot counts for against max_bytes. */
static inline size_t slot_bytes(enum ys_outbox_kind kind, const struct ys_blob *blob)
{
    return sizeof(struct ys_outbox_slot) + (has_state_vector(kind) ? 0 : blob_bytes(blob));
}

void ys_outbox_deinit(struct ys_outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->count; i++)
        ys_blob_unref(ys_outbox_slot_at(outbox, i)->blob);
    if (outbox->slots != outbox->inline_slots)
        ys_free(outbox->alloc, outbox->slots);
    ys_outbox_init(outbox, outbox->alloc, outbox->max_bytes);
}

/* Moves all slots to the beginning of another ring. */
static void move_ring(struct ys_outbox *outbox, struct ys_outbox_slot *slots, uint32_t slot_count)
{
    for (uint32_t i = 0; i < outbox->count; i++)
        slots[i] = *ys_outbox_slot_at(outbox, i);
    if (outbox->slots != outbox->inline_slots)
        ys_free(outbox->alloc, outbox->slots);
    outbox->slots = slots;
    outbox->slot_count = slot_count;
    outbox->first = 0;
}

static void leave_heap_if_possible(struct ys_outbox *outbox)
{
    if (outbox->slots != outbox->inline_slots && outbox->count + RESERVED_SLOTS <= YS_OUTBOX_INLINE_SLOTS)
        move_ring(outbox, outbox->inline_slots, YS_OUTBOX_INLINE_SLOTS);
}

static enum ysync_err grow_ring(struct ys_outbox *outbox)
{
    struct ys_outbox_slot *slots;
    uint32_t slot_count = outbox->slot_count < MIN_HEAP_SLOTS ? MIN_HEAP_SLOTS : 2 * outbox->slot_count;

    if (outbox->slot_count > UINT32_MAX / 2)
        return YSYNC_ERR_LIMIT;
    slots = ys_alloc_array(outbox->alloc, slot_count, sizeof(*slots));
    if (!slots)
        return YSYNC_ERR_NOMEM;
    move_ring(outbox, slots, slot_count);
    return YSYNC_OK;
}

/* Room for one more slot that is not a mark. */
static inline enum ysync_err reserve_slot(struct ys_outbox *outbox)
{
    return outbox->count + RESERVED_SLOTS < outbox->slot_count ? YSYNC_OK : grow_ring(outbox);
}

/* There is a free slot. The reference is the outbox's from here on. */
static void append(struct ys_outbox *outbox, enum ys_outbox_kind kind, struct ys_blob *blob)
{
    assert(outbox->count < outbox->slot_count);
    *ys_outbox_slot_at(outbox, outbox->count) = (struct ys_outbox_slot){ kind, blob };
    outbox->count++;
    outbox->counts[kind]++;
    outbox->bytes += slot_bytes(kind, blob);
    outbox->requested_bytes += kind == YS_OUTBOX_STEP2 ? blob_bytes(blob) : 0;
}

const struct ys_outbox_slot *ys_outbox_front(const struct ys_outbox *outbox)
{
    assert(outbox->count > 0);
    return ys_outbox_slot_at(outbox, 0);
}

struct ys_blob *ys_outbox_pop(struct ys_outbox *outbox)
{
    struct ys_outbox_slot slot = *ys_outbox_front(outbox);

    outbox->first = (outbox->first + 1) & (outbox->slot_count - 1);
    outbox->count--;
    outbox->counts[slot.kind]--;
    outbox->bytes -= slot_bytes(slot.kind, slot.blob);
    outbox->requested_bytes -= slot.kind == YS_OUTBOX_STEP2 ? blob_bytes(slot.blob) : 0;
    outbox->unmerged -= slot.kind == YS_OUTBOX_UPDATE && outbox->unmerged > 0;
    if (outbox->count == 0)
        leave_heap_if_possible(outbox);
    return slot.blob;
}

/* Of the first `end` slots those that are no updates move up to what stands behind them; returns where they begin. */
static uint32_t close_gaps(struct ys_outbox *outbox, uint32_t end)
{
    uint32_t begin = end;

    for (uint32_t i = end; i > 0; i--) {
        if (ys_outbox_slot_at(outbox, i - 1)->kind != YS_OUTBOX_UPDATE)
            *ys_outbox_slot_at(outbox, --begin) = *ys_outbox_slot_at(outbox, i - 1);
    }
    return begin;
}

void ys_outbox_drop_updates(struct ys_outbox *outbox, uint32_t count)
{
    uint32_t end = 0;
    uint32_t begin;

    for (uint32_t i = 0; i < count; i++) {
        struct ys_blob *update = ys_outbox_next_update(outbox, &end);

        outbox->bytes -= slot_bytes(YS_OUTBOX_UPDATE, update);
        ys_blob_unref(update);
    }
    begin = end == count ? end : close_gaps(outbox, end);
    outbox->first = (outbox->first + begin) & (outbox->slot_count - 1);
    outbox->count -= count;
    outbox->counts[YS_OUTBOX_UPDATE] -= count;
    if (outbox->count == 0)
        leave_heap_if_possible(outbox);
}

/* The slot has a state vector: another one takes its place. */
static void replace_blob(struct ys_outbox *outbox, struct ys_outbox_slot *slot, struct ys_blob *blob)
{
    assert(has_state_vector(slot->kind));
    if (slot->kind == YS_OUTBOX_STEP2)
        outbox->requested_bytes = outbox->requested_bytes - blob_bytes(slot->blob) + blob_bytes(blob);
    ys_blob_unref(slot->blob);
    slot->blob = blob;
}

void ys_outbox_lower_front(struct ys_outbox *outbox, struct ys_blob *state_vector)
{
    assert(ys_outbox_front(outbox)->kind == YS_OUTBOX_STEP2 ||
           ys_outbox_front(outbox)->kind == YS_OUTBOX_MISSED_UPDATES);
    replace_blob(outbox, ys_outbox_slot_at(outbox, 0), state_vector);
}

/* The last slot of a kind that there is. */
static struct ys_outbox_slot *find_last(const struct ys_outbox *outbox, enum ys_outbox_kind kind)
{
    uint32_t i = outbox->count - 1;

    assert(outbox->counts[kind] > 0);
    while (ys_outbox_slot_at(outbox, i)->kind != kind)
        i--;
    return ys_outbox_slot_at(outbox, i);
}

/* Takes all slots of one kind out; what is dropped is noted in `catch_up`, if there is one. */
static void drop_all(struct ys_outbox *outbox, enum ys_outbox_kind kind, struct ys_catch_up *catch_up)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < outbox->count; i++) {
        struct ys_outbox_slot slot = *ys_outbox_slot_at(outbox, i);

        if (slot.kind != kind) {
            *ys_outbox_slot_at(outbox, kept++) = slot;
            continue;
        }
        if (catch_up)
            ys_catch_up_drop(catch_up, slot.blob);
        outbox->bytes -= slot_bytes(kind, slot.blob);
        ys_blob_unref(slot.blob);
    }
    outbox->count = kept;
    outbox->counts[kind] = 0;
    leave_heap_if_possible(outbox);
}

/* Drops all updates, and `dropped` (may be NULL) with them, for the mark. */
static void fall_behind(struct ys_outbox *outbox, const struct ysync_doc *doc, uint64_t change_number,
                        const struct ys_blob *dropped)
{
    struct ys_catch_up catch_up;

    ys_catch_up_init(&catch_up, outbox->alloc, doc);
    drop_all(outbox, YS_OUTBOX_UPDATE, &catch_up);
    outbox->unmerged = 0;
    if (dropped)
        ys_catch_up_drop(&catch_up, dropped);
    append(outbox, YS_OUTBOX_MISSED_UPDATES, ys_catch_up_encode(&catch_up));
    outbox->missed_in = change_number;
    ys_catch_up_deinit(&catch_up);
}

/* The mark, which there is, takes the place of one more update. */
static void fall_further_behind(struct ys_outbox *outbox, const struct ys_blob *dropped)
{
    struct ys_outbox_slot *mark = find_last(outbox, YS_OUTBOX_MISSED_UPDATES);
    struct ys_catch_up catch_up;
    struct ys_blob *lowered = NULL;

    if (mark->blob && dropped) {
        ys_catch_up_init_from(&catch_up, outbox->alloc, ys_blob_bytes(mark->blob));
        ys_catch_up_drop(&catch_up, dropped);
        lowered = ys_catch_up_encode(&catch_up);
        ys_catch_up_deinit(&catch_up);
    }
    replace_blob(outbox, mark, lowered);
}

/* Does a blob of this length fit? Into an empty outbox, always. */
static bool has_room(const struct ys_outbox *outbox, size_t len)
{
    return outbox->count == 0 || (outbox->bytes < outbox->max_bytes && len < outbox->max_bytes - outbox->bytes);
}

void ys_outbox_put_update(struct ys_outbox *outbox, const struct ysync_doc *doc, uint64_t change_number,
                          struct ys_blob *message)
{
    if (outbox->counts[YS_OUTBOX_MISSED_UPDATES] > 0) {
        if (outbox->missed_in == change_number)
            fall_further_behind(outbox, message);
        return;
    }
    if (message && has_room(outbox, message->len) && !reserve_slot(outbox)) {
        append(outbox, YS_OUTBOX_UPDATE, ys_blob_ref(message));
        return;
    }
    fall_behind(outbox, doc, change_number, message);
    if (!message) /* nobody knows what it would have said: from here on the member has nothing */
        replace_blob(outbox, find_last(outbox, YS_OUTBOX_MISSED_UPDATES), NULL);
}

static void fall_behind_in_presence(struct ys_outbox *outbox)
{
    drop_all(outbox, YS_OUTBOX_PRESENCE, NULL);
    append(outbox, YS_OUTBOX_MISSED_PRESENCE, NULL);
}

void ys_outbox_put_presence(struct ys_outbox *outbox, uint64_t since, struct ys_blob *message)
{
    bool is_first = outbox->counts[YS_OUTBOX_PRESENCE] + outbox->counts[YS_OUTBOX_MISSED_PRESENCE] == 0;

    if (is_first || since < outbox->presence_since)
        outbox->presence_since = since;
    if (outbox->counts[YS_OUTBOX_MISSED_PRESENCE] > 0)
        return;
    if (!message || !has_room(outbox, message->len) || reserve_slot(outbox))
        fall_behind_in_presence(outbox);
    else
        append(outbox, YS_OUTBOX_PRESENCE, ys_blob_ref(message));
}

/* Drops what can be dropped until a blob of this length fits. */
static bool make_room(struct ys_outbox *outbox, const struct ysync_doc *doc, size_t len)
{
    if (!has_room(outbox, len) && outbox->counts[YS_OUTBOX_UPDATE] > 0)
        fall_behind(outbox, doc, 0, NULL);
    if (!has_room(outbox, len) && outbox->counts[YS_OUTBOX_PRESENCE] > 0)
        fall_behind_in_presence(outbox);
    return has_room(outbox, len);
}

enum ysync_err ys_outbox_put_reply(struct ys_outbox *outbox, const struct ysync_doc *doc, struct ys_blob *message)
{
    enum ysync_err err;

    if (!make_room(outbox, doc, message->len))
        return YSYNC_ERR_LIMIT;
    err = reserve_slot(outbox);
    if (err)
        return err;
    append(outbox, YS_OUTBOX_REPLY, ys_blob_ref(message));
    return YSYNC_OK;
}

enum ysync_err ys_outbox_put_step2(struct ys_outbox *outbox, struct ysync_bytes state_vector)
{
    bool fits = outbox->requested_bytes == 0 || (outbox->requested_bytes < outbox->max_bytes &&
                                                 state_vector.len < outbox->max_bytes - outbox->requested_bytes);
    struct ys_blob *copy;

    if (outbox->counts[YS_OUTBOX_STEP2] == YS_OUTBOX_MAX_REQUESTS) {
        replace_blob(outbox, find_last(outbox, YS_OUTBOX_STEP2), NULL);
        return YSYNC_OK;
    }
    if (reserve_slot(outbox))
        return YSYNC_ERR_NOMEM;
    copy = fits ? ys_blob_copy(outbox->alloc, state_vector) : NULL;
    if (fits && !copy)
        return YSYNC_ERR_NOMEM;
    append(outbox, YS_OUTBOX_STEP2, copy);
    return YSYNC_OK;
}

enum ysync_err ys_outbox_put_states(struct ys_outbox *outbox)
{
    if (outbox->counts[YS_OUTBOX_STATES] == YS_OUTBOX_MAX_REQUESTS)
        return YSYNC_OK;
    if (reserve_slot(outbox))
        return YSYNC_ERR_NOMEM;
    append(outbox, YS_OUTBOX_STATES, NULL);
    return YSYNC_OK;
}

void ys_outbox_put_greeting(struct ys_outbox *outbox, bool has_states)
{
    append(outbox, YS_OUTBOX_STEP1, NULL);
    if (has_states)
        append(outbox, YS_OUTBOX_STATES, NULL);
}
