/* SPDX-License-Identifier: MIT */
#include "room/awaiting.h"

#include <string.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "room/ledger.h"
#include "room/member.h"
#include "room/room.h"

static const struct ysync_alloc *alloc_of(const struct ys_member *member)
{
    return member->context->config.alloc;
}

static size_t max_bytes_of(const struct ys_member *member)
{
    return member->context->config.max_outbox_bytes;
}

enum ysync_err ys_awaiting_prepare(struct ys_member *member)
{
    struct ys_awaiting *awaiting = member->awaiting;

    if (awaiting)
        return YSYNC_OK;
    awaiting = ys_alloc_zeroed(alloc_of(member), 1, sizeof(*awaiting));
    if (!awaiting)
        return YSYNC_ERR_NOMEM;
    awaiting->member = member;
    awaiting->merge_at = max_bytes_of(member);
    ys_list_init(&awaiting->node);
    ys_buf_init(&awaiting->early, alloc_of(member), SIZE_MAX);
    member->awaiting = awaiting;
    return YSYNC_OK;
}

void ys_awaiting_free(struct ys_member *member)
{
    struct ys_awaiting *awaiting = member->awaiting;

    if (!awaiting)
        return;
    for (size_t i = 0; i < awaiting->count; i++)
        ys_blob_unref(awaiting->acknowledgements[i].message);
    ys_list_remove(&awaiting->node);
    ys_buf_deinit(&awaiting->early);
    ys_free(alloc_of(member), awaiting->acknowledgements);
    ys_free(alloc_of(member), awaiting);
    member->awaiting = NULL;
}

static void free_if_empty(struct ys_member *member)
{
    const struct ys_awaiting *awaiting = member->awaiting;

    if (awaiting->count == 0 && awaiting->early.len == 0 && awaiting->last_change == 0)
        ys_awaiting_free(member);
}

/* What the member sent */

/* A single message may be larger than all that may wait, as everywhere. */
enum ysync_err ys_awaiting_put_early(struct ys_member *member, struct ysync_bytes message)
{
    enum ysync_err err = ys_awaiting_prepare(member);
    struct ys_buf *early;

    if (err)
        return err;
    early = &member->awaiting->early;
    if (early->len > 0 && (early->len >= max_bytes_of(member) || message.len > max_bytes_of(member) - early->len))
        return YSYNC_ERR_IO;
    err = ys_buf_reserve(early, message.len + YS_VARUINT_MAX_BYTES);
    if (!err)
        ys_buf_put_var_bytes(early, message);
    return err;
}

enum ysync_err ys_awaiting_receive_early(struct ys_member *member, uint64_t now_ms, const char **problem)
{
    enum ysync_err err = YSYNC_OK;
    struct ysync_bytes message;
    struct ys_reader in;
    struct ys_buf early;

    if (!member->awaiting)
        return YSYNC_OK;
    early = member->awaiting->early;
    ys_buf_init(&member->awaiting->early, alloc_of(member), SIZE_MAX);
    free_if_empty(member);
    in = ys_reader_init(ys_buf_bytes(&early));
    while (!err && !ys_reader_is_at_end(&in)) {
        err = ys_reader_var_bytes(&in, &message);
        if (!err)
            err = ys_member_receive(member, message, now_ms, problem);
    }
    ys_buf_deinit(&early);
    return err;
}

/* What is to be sent to it */

void ys_awaiting_note_change(struct ys_member *member, uint64_t change)
{
    member->awaiting->last_change = change;
}

uint64_t ys_awaiting_last_change(const struct ys_member *member)
{
    return member->awaiting ? member->awaiting->last_change : 0;
}

bool ys_awaiting_has_acknowledgements(const struct ys_member *member)
{
    return member->awaiting && member->awaiting->count > 0;
}

static size_t cost_of(const struct ys_blob *message)
{
    return message->len + sizeof(*message) + sizeof(struct ys_acknowledgement);
}

static void append(struct ys_awaiting *awaiting, struct ys_acknowledgement acknowledgement)
{
    awaiting->acknowledgements[awaiting->count++] = acknowledgement;
    awaiting->bytes += cost_of(acknowledgement.message);
}

/* One message that says what all waiting updates say; NULL if there is no memory. */
static struct ys_blob *merge_updates(const struct ys_awaiting *awaiting, const struct ysync_alloc *alloc)
{
    struct ysync_bytes *updates = ys_alloc_array(alloc, awaiting->count, sizeof(*updates));
    struct ys_blob *message = NULL;
    struct ysync_bytes merged;
    struct ys_message decoded;
    const char *problem;
    size_t count = 0;

    if (!updates)
        return NULL;
    for (size_t i = 0; i < awaiting->count; i++) {
        if (awaiting->acknowledgements[i].type == YS_MESSAGE_UPDATE &&
            !ys_message_decode(ys_blob_bytes(awaiting->acknowledgements[i].message), &decoded, &problem))
            updates[count++] = decoded.payload;
    }
    if (count > 1 && !ysync_merge_updates(alloc, updates, count, &merged, &problem)) {
        message = ys_message_encode(alloc, YS_MESSAGE_UPDATE, merged);
        ysync_bytes_free(alloc, merged);
    }
    ys_free(alloc, updates);
    return message;
}

/* The updates become one, in the place of the last of them. */
static void merge(struct ys_awaiting *awaiting, const struct ysync_alloc *alloc)
{
    struct ys_blob *message = merge_updates(awaiting, alloc);
    size_t count = awaiting->count;
    size_t last = 0;

    if (!message)
        return;
    for (size_t i = 0; i < count; i++) {
        if (awaiting->acknowledgements[i].type == YS_MESSAGE_UPDATE)
            last = i;
    }
    awaiting->count = 0;
    awaiting->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct ys_acknowledgement acknowledgement = awaiting->acknowledgements[i];

        if (acknowledgement.type == YS_MESSAGE_UPDATE) {
            ys_blob_unref(acknowledgement.message);
            acknowledgement.message = message;
        }
        if (acknowledgement.type != YS_MESSAGE_UPDATE || i == last)
            append(awaiting, acknowledgement);
    }
    awaiting->merge_at = awaiting->bytes < awaiting->merge_at / 2 ? awaiting->merge_at : 2 * awaiting->bytes;
}

enum ysync_err ys_awaiting_put(struct ys_member *member, uint64_t change, enum ys_message_type type,
                               struct ys_blob *message)
{
    struct ys_ledger *ledger = ys_room_ledger(member->room);
    struct ys_awaiting *awaiting;
    enum ysync_err err = ys_awaiting_prepare(member);

    if (err)
        return err;
    awaiting = member->awaiting;
    if (type == YS_MESSAGE_UPDATE && awaiting->bytes >= awaiting->merge_at)
        merge(awaiting, alloc_of(member));
    if (type != YS_MESSAGE_UPDATE && awaiting->count > 0 && awaiting->bytes >= awaiting->merge_at)
        return YSYNC_ERR_IO;
    if (!ys_grow_array(alloc_of(member), &awaiting->acknowledgements, &awaiting->cap, awaiting->count + 1,
                       sizeof(struct ys_acknowledgement))) {
        free_if_empty(member);
        return YSYNC_ERR_NOMEM;
    }
    if (awaiting->count == 0) {
        ys_list_append(&ledger->awaiting, &awaiting->node);
        ys_member_note_waiting(member);
    }
    append(awaiting, (struct ys_acknowledgement){ change, type, ys_blob_ref(message) });
    return YSYNC_OK;
}

static void drop_front(struct ys_awaiting *awaiting, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        awaiting->bytes -= cost_of(awaiting->acknowledgements[i].message);
        ys_blob_unref(awaiting->acknowledgements[i].message);
    }
    awaiting->count -= count;
    memmove(awaiting->acknowledgements, awaiting->acknowledgements + count,
            awaiting->count * sizeof(struct ys_acknowledgement));
}

/* Those that there is no room for stay, until the member has taken what is in its outbox. */
void ys_awaiting_release(struct ys_member *member)
{
    const struct ys_ledger *ledger = ys_room_ledger(member->room);
    struct ys_awaiting *awaiting = member->awaiting;
    size_t released = 0;

    if (!awaiting || !ledger)
        return;
    for (; released < awaiting->count; released++) {
        const struct ys_acknowledgement *next = &awaiting->acknowledgements[released];

        if (!ys_ledger_is_durable(ledger, next->change) ||
            ys_member_put_reply(member, ys_room_doc(member->room), next->type, next->message))
            break;
    }
    if (released > 0)
        drop_front(awaiting, released);
    if (awaiting->count == 0)
        ys_list_remove(&awaiting->node);
    free_if_empty(member);
}
