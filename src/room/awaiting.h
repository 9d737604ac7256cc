/* SPDX-License-Identifier: MIT */
/*
 * What of a member waits for the store of its room. Who only reads has none of this.
 *
 *     the room is loading          messages of the member, to be received when it has loaded
 *     changes are not durable yet  [ 102 for change 4 ][ update 6, for --echo ][ 102 for change 6 ]
 *                                  messages for the member, to be sent when their changes are durable
 *
 * Both are bounded by max_outbox_bytes. Messages beyond that are refused, as a failure of the store: the client is to
 * come back. Updates that wait become one instead, as a writer must not be disconnected for the store's sake.
 */
#ifndef YS_ROOM_AWAITING_H
#define YS_ROOM_AWAITING_H

#include "base/blob.h"
#include "base/list.h"
#include "protocol/message.h"

struct ys_member;

struct ys_acknowledgement {
    uint64_t change;
    enum ys_message_type type; /* SYNC_STATUS, or UPDATE */
    struct ys_blob *message;
};

struct ys_awaiting {
    struct ys_member *member;
    struct ys_list node; /* in ledger->awaiting, while there are acknowledgements */
    struct ys_buf early; /* messages of the member, each with its length in front */
    struct ys_acknowledgement *acknowledgements;
    size_t count;
    size_t cap;
    uint64_t last_change; /* of the room's ledger, of those that may be the member's; 0: it has not written */
    size_t bytes;         /* of their messages, and of what they take beside */
    size_t merge_at;      /* this many bytes: updates among them become one */
};

void ys_awaiting_free(struct ys_member *member);

/* The room is loading: a message of the member is kept. Errors: IO (too much is kept already), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_awaiting_put_early(struct ys_member *member, struct ysync_bytes message);

/* The room has loaded: what was kept is received, in order. The first error ends it; *problem is as
 * ys_member_receive() says. */
YSYNC_CHECKED enum ysync_err ys_awaiting_receive_early(struct ys_member *member, uint64_t now_ms, const char **problem);

/* The member is about to write. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_awaiting_prepare(struct ys_member *member);

/* It has written, after that: what is acknowledged from now on waits for this change too. */
void ys_awaiting_note_change(struct ys_member *member, uint64_t change);
uint64_t ys_awaiting_last_change(const struct ys_member *member);

/* Is there something that must reach the member before what is put now? */
bool ys_awaiting_has_acknowledgements(const struct ys_member *member);

/* A message for the member, to be sent when this change is durable. Takes a reference of its own. Errors: IO (too much
 * waits already), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_awaiting_put(struct ys_member *member, uint64_t change, enum ys_message_type type,
                                             struct ys_blob *message);

/* Sends what waited for changes that are durable now: puts it into the outbox, as far as there is room. */
void ys_awaiting_release(struct ys_member *member);

#endif
