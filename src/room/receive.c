/* SPDX-License-Identifier: MIT */
/*
 * A message's way in: what each type does to the room, and what the member gets for it.
 *
 * All of it takes effect before ys_member_receive() returns, so a sync status (102), which acknowledges what came
 * before it, can be echoed at once; or, with a store, as soon as that has what came before it. While a room is being
 * loaded, messages wait.
 */
#include <assert.h>

#include "base/reader.h"
#include "doc/state_vector.h"
#include "room/awaiting.h"
#include "room/hub.h"
#include "room/member.h"
#include "room/room.h"

/* A state vector is sorted, and looked at twice, while nobody else is served: this much takes half a second. Documents
 * that a million clients wrote into need less. */
#define MAX_STATE_VECTOR_BYTES ((size_t)8 * 1024 * 1024)

static const char read_only_reason[] = "This connection is read-only";

/* The answer is made when it is taken; what it will be made from is checked now. */
static enum ysync_err receive_step1(struct ys_member *member, const struct ys_message *message, const char **problem)
{
    struct ys_reader in = ys_reader_init(message->payload);
    struct ys_state_vector vector;
    enum ysync_err err;

    if (message->payload.len > MAX_STATE_VECTOR_BYTES) {
        *problem = "state vector too large";
        return YSYNC_ERR_LIMIT;
    }
    ys_state_vector_init(&vector);
    err = ys_state_vector_decode(&vector, member->context->config.alloc, &in);
    ys_state_vector_deinit(&vector, member->context->config.alloc);
    if (err == YSYNC_ERR_MALFORMED)
        *problem = in.problem;
    return err ? err : ys_member_put_step2(member, message->payload);
}

/* Says once that the member may not write; nothing if it wrote nothing new. */
static enum ysync_err refuse_update(struct ys_member *member, struct ysync_bytes update, const char **problem)
{
    struct ysync_doc *doc = ys_room_doc(member->room);
    struct ys_blob *denied;
    int lacks;
    enum ysync_err err = ysync_doc_lacks(doc, update, &lacks);

    if (err == YSYNC_ERR_MALFORMED)
        *problem = ysync_doc_problem(doc);
    if (err || !lacks || member->was_denied)
        return err;
    denied = ys_message_encode_denied(member->context->config.alloc, read_only_reason);
    if (!denied)
        return YSYNC_ERR_NOMEM;
    err = ys_member_put_reply(member, doc, YS_MESSAGE_AUTH, denied);
    ys_blob_unref(denied);
    member->was_denied = !err;
    return err;
}

static enum ysync_err receive_update(struct ys_member *member, const struct ys_message *message, const char **problem)
{
    const struct ys_ledger *ledger = ys_room_ledger(member->room);
    enum ysync_err err;

    if (member->is_read_only)
        return refuse_update(member, message->payload, problem);
    err = ledger ? ys_awaiting_prepare(member) : YSYNC_OK;
    if (!err)
        err = ys_room_apply_from(member->room, member->id, message->payload, problem);
    if (!err && ledger) /* one that held nothing new too: who brought that may not have an answer yet */
        ys_awaiting_note_change(member, ledger->changes);
    return err;
}

/* Byte for byte, so it is not encoded anew; once all that the member sent before it is durable. */
static enum ysync_err receive_sync_status(struct ys_member *member, const struct ys_message *message,
                                          const char **problem)
{
    struct ys_blob *echo = ys_blob_copy(member->context->config.alloc, message->whole);
    enum ysync_err err;

    if (!echo)
        return YSYNC_ERR_NOMEM;
    err = ys_member_acknowledge(member, ys_awaiting_last_change(member), YS_MESSAGE_SYNC_STATUS, echo);
    ys_blob_unref(echo);
    if (err == YSYNC_ERR_LIMIT)
        *problem = "too many sync status messages unread";
    if (err == YSYNC_ERR_IO)
        *problem = "too many sync status messages wait for the store";
    return err;
}

static enum ysync_err receive(struct ys_member *member, const struct ys_message *message, uint64_t now_ms,
                              const char **problem)
{
    switch (message->type) {
    case YS_MESSAGE_SYNC_STEP1:
        return receive_step1(member, message, problem);
    case YS_MESSAGE_SYNC_STEP2:
    case YS_MESSAGE_UPDATE:
        return receive_update(member, message, problem);
    case YS_MESSAGE_AWARENESS:
        return ys_room_receive_presence(member->room, member, message->payload, now_ms, problem);
    case YS_MESSAGE_QUERY_AWARENESS:
        return ys_member_put_states(member);
    case YS_MESSAGE_SYNC_STATUS:
        return receive_sync_status(member, message, problem);
    case YS_MESSAGE_AUTH:
    case YS_MESSAGE_UNKNOWN:
    case YS_MESSAGE_TYPES:
        break;
    }
    return YSYNC_OK;
}

static enum ysync_err wait_for_room(struct ys_member *member, struct ysync_bytes message, const char **problem)
{
    enum ysync_err err = ys_awaiting_put_early(member, message);

    if (err)
        *problem = err == YSYNC_ERR_IO ? "too much was sent before the room was loaded" : ysync_strerror(err);
    return err;
}

enum ysync_err ys_member_receive(struct ys_member *member, struct ysync_bytes message, uint64_t now_ms,
                                 const char **problem)
{
    struct ys_hub_counters *counters = &member->context->counters;
    struct ys_message decoded;
    const char *why = NULL;
    enum ysync_err err;

    assert(!member->context->is_in_callback);
    member->context->now_ms = now_ms;
    if (member->has_ended) {
        *problem = ys_room_is_gone(member->room) ? "the room was deleted" : "it has ended already";
        return YSYNC_ERR_CLOSED;
    }
    if (ys_room_is_loading(member->room))
        return wait_for_room(member, message, problem);
    err = ys_message_decode(message, &decoded, &why);
    if (!err) {
        counters->received[decoded.type]++;
        err = receive(member, &decoded, now_ms, &why);
    }
    if (err == YSYNC_ERR_MALFORMED)
        counters->malformed++;
    if (err)
        *problem = why ? why : ysync_strerror(err);
    return err;
}
