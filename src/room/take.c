/* SPDX-License-Identifier: MIT */
/*
 * A message's way out: what waits in the outbox as an intent becomes a message here, from what the document and the
 * presence are now. That may be more than was asked for then; the clients skip what they know.
 *
 * A client that has nothing is sent the part of the document that is at rest first, as an update, by reference: however
 * many join at once, it is there once. The sync step 2 that follows holds the rest.
 *
 * If there is no memory for it, it stays where it is, and the member is woken again later.
 */
#include "room/awaiting.h"
#include "room/hub.h"
#include "room/member.h"
#include "room/room.h"

/* A first sync goes out in parts of about this size, so that a client on a slow line goes on hearing of us while it
 * loads, and nothing has to hold the whole of it. */
#define MAX_PART_BYTES ((size_t)1 << 20)

/* The front, which asks for a difference, asks for what this state vector lacks from now on. Takes the reference. */
static void go_on(struct ys_member *member, struct ys_blob *state_vector)
{
    ys_outbox_lower_front(&member->outbox, state_vector);
    member->context->counters.sent[YS_MESSAGE_UPDATE]++;
}

static struct ys_blob *encode_step1(const struct ys_member *member)
{
    struct ys_blob *message = NULL;
    struct ys_buf state_vector;

    ys_buf_init(&state_vector, member->context->config.alloc, SIZE_MAX);
    if (!ys_doc_put_state_vector(ys_room_doc(member->room), &state_vector))
        message = ys_message_encode(member->context->config.alloc, YS_MESSAGE_SYNC_STEP1, ys_buf_bytes(&state_vector));
    ys_buf_deinit(&state_vector);
    return message;
}

/* What a document with this state vector (NULL: the empty one) lacks; or a part of that as an update, and the state
 * vector to go on with. */
static struct ys_blob *encode_diff(struct ys_member *member, enum ys_message_type type,
                                   const struct ys_blob *state_vector)
{
    const struct ysync_alloc *alloc = member->context->config.alloc;
    struct ysync_bytes has = state_vector ? ys_blob_bytes(state_vector) : (struct ysync_bytes){ 0 };
    struct ys_blob *message = NULL;
    struct ys_blob *rest = NULL;
    const char *problem;
    struct ys_buf next;
    struct ys_buf diff;
    bool is_part;

    ys_buf_init(&diff, alloc, SIZE_MAX);
    ys_buf_init(&next, alloc, SIZE_MAX);
    if (!ys_doc_put_part(ys_room_doc(member->room), has, MAX_PART_BYTES, &diff, &next, &problem)) {
        is_part = next.len > 0;
        rest = is_part ? ys_blob_copy(alloc, ys_buf_bytes(&next)) : NULL;
        if (rest || !is_part)
            message = ys_message_encode(alloc, is_part ? YS_MESSAGE_UPDATE : type, ys_buf_bytes(&diff));
    }
    if (message && rest)
        go_on(member, ys_blob_ref(rest));
    ys_blob_unref(rest);
    ys_buf_deinit(&next);
    ys_buf_deinit(&diff);
    return message;
}

/* Is this the state vector of somebody who has nothing? */
static bool is_empty(const struct ys_blob *state_vector)
{
    return !state_vector || state_vector->len == 0 ||
           (state_vector->len == 1 && ys_blob_bytes(state_vector).data[0] == 0);
}

/* Turns a request for everything into one for what the base leaves out, and returns the base as a message; NULL if
 * there is none, or no memory: then the request is as it was. */
static struct ys_blob *take_base(struct ys_member *member)
{
    const struct ysync_doc *doc = ys_room_doc(member->room);
    struct ys_blob *base = ys_doc_base(doc);
    struct ys_blob *lowered = NULL;
    struct ys_buf state_vector;

    if (!base || base->len > MAX_PART_BYTES)
        return NULL;
    ys_buf_init(&state_vector, member->context->config.alloc, SIZE_MAX);
    if (!ys_doc_put_base_state_vector(doc, &state_vector))
        lowered = ys_blob_copy(member->context->config.alloc, ys_buf_bytes(&state_vector));
    ys_buf_deinit(&state_vector);
    if (!lowered)
        return NULL;
    go_on(member, lowered);
    ys_message_from_update(base);
    return ys_blob_ref(base);
}

static struct ys_blob *encode_states(const struct ys_member *member)
{
    const struct ys_presence *presence = ys_room_presence(member->room);

    return presence ? ys_presence_encode_states(presence) : ys_blob_ref(member->context->keep_alive);
}

static struct ys_blob *encode(struct ys_member *member, const struct ys_outbox_slot *slot)
{
    switch (slot->kind) {
    case YS_OUTBOX_STEP1:
        return encode_step1(member);
    case YS_OUTBOX_STATES:
        return encode_states(member);
    case YS_OUTBOX_STEP2:
        return encode_diff(member, YS_MESSAGE_SYNC_STEP2, slot->blob);
    case YS_OUTBOX_MISSED_UPDATES:
        return encode_diff(member, YS_MESSAGE_UPDATE, slot->blob);
    case YS_OUTBOX_MISSED_PRESENCE:
        return ys_presence_encode_changes(ys_room_presence(member->room), member->outbox.presence_since);
    case YS_OUTBOX_REPLY:
    case YS_OUTBOX_UPDATE:
    case YS_OUTBOX_PRESENCE:
        break;
    }
    return ys_blob_ref(slot->blob);
}

/* One message for the updates at the front, which are gone then. NULL if they are to be taken one by one. */
static struct ys_blob *take_merged(struct ys_member *member)
{
    struct ys_context *context = member->context;
    struct ys_outbox *outbox = &member->outbox;
    struct ys_blob *message;
    uint32_t count;

    if (outbox->counts[YS_OUTBOX_UPDATE] < 2 || outbox->unmerged > 0)
        return NULL;
    message = ys_shared_merges_take(&context->merges, context->config.alloc, outbox, &count);
    if (!message) {
        outbox->unmerged = count;
        return NULL;
    }
    ys_outbox_drop_updates(outbox, count);
    context->counters.sent[YS_MESSAGE_UPDATE]++;
    return message;
}

/* The message that the front becomes, which is gone then, unless it goes on. NULL if there is no memory. */
static struct ys_blob *take_front(struct ys_member *member)
{
    const struct ys_outbox_slot *front = ys_outbox_front(&member->outbox);
    enum ys_outbox_kind kind = front->kind;
    const struct ys_blob *asked = front->blob;
    struct ys_blob *message = NULL;

    if (kind == YS_OUTBOX_UPDATE)
        message = take_merged(member);
    if (message)
        return message;
    if (kind == YS_OUTBOX_STEP2 && is_empty(asked))
        message = take_base(member);
    if (!message)
        message = encode(member, front);
    if (!message || front->blob != asked)
        return message;
    ys_blob_unref(ys_outbox_pop(&member->outbox));
    member->context->counters.sent[YS_MESSAGE_UPDATE] += kind == YS_OUTBOX_UPDATE || kind == YS_OUTBOX_MISSED_UPDATES;
    member->context->counters.resyncs += kind == YS_OUTBOX_MISSED_UPDATES;
    return message;
}

struct ys_blob *ys_member_take(struct ys_member *member, uint64_t now_ms)
{
    struct ys_blob *message = NULL;

    if (ys_outbox_is_empty(&member->outbox))
        ys_awaiting_release(member);
    if (!ys_outbox_is_empty(&member->outbox) && !ys_room_is_gone(member->room)) {
        message = take_front(member);
        if (!message)
            ys_member_retry(member, now_ms);
    }
    if (!message) {
        member->is_awake = false;
        return NULL;
    }
    member->last_sent_ms = now_ms;
    return message;
}
