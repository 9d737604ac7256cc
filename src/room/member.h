/* SPDX-License-Identifier: MIT */
/*
 * A member: one connection in one room, with what waits to be sent to it and the presence states that it owns.
 *
 * It says when there is something to take, and keeps its line alive: when nothing was taken for a while, an empty
 * awareness message is put into its outbox, because y-websocket clients reconnect after 30 s without a message. While
 * it waits for a store, that while is short: other clients ask by sync status (102) whether anybody is there, and give
 * up after seconds without any message.
 */
#ifndef YS_ROOM_MEMBER_H
#define YS_ROOM_MEMBER_H

#include "base/list.h"
#include "base/timer.h"
#include "room/context.h"
#include "room/hub.h"
#include "room/outbox.h"
#include "room/presence.h"

/* Silence after which an empty awareness message is sent. */
#define YS_MEMBER_KEEP_ALIVE_MS 15000
#define YS_MEMBER_WAITING_KEEP_ALIVE_MS 1000

/* How soon taking is tried again after there was no memory to make the message. */
#define YS_MEMBER_RETRY_MS 1000

struct ys_awaiting;

struct ys_member {
    struct ys_context *context;
    struct ys_room *room;
    struct ys_list in_room;
    uint64_t id; /* the origin of its updates: not 0, never used again */
    const struct ys_member_events *events;
    void *user;
    struct ys_timer timer;
    uint64_t last_sent_ms;
    bool is_read_only;
    bool was_denied;              /* has been told that it may not write */
    bool is_awake;                /* woken, and ys_member_take() has not returned NULL since */
    bool has_ended;               /* it has been told so: what it sends means nothing any more */
    struct ys_awaiting *awaiting; /* NULL: it has nothing to do with a store */
    struct ys_presence_owner presence;
    struct ys_outbox outbox;
};

/* In no room's list yet. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_member_new(struct ys_context *context, struct ys_room *room,
                                           const struct ys_member_events *events, void *user, bool is_read_only,
                                           uint64_t now_ms, struct ys_member **out);

/* It is in no list and owns no presence. Accepts NULL. */
void ys_member_free(struct ys_member *member);

/* Puts the greeting into the new member's outbox, without waking it. Cannot fail. */
void ys_member_greet(struct ys_member *member, bool has_states);

/* The same for one that has been waiting for its room to be loaded: it is woken. */
void ys_member_greet_late(struct ys_member *member);

/* It waits for the store from now on: silence must be shorter. */
void ys_member_note_waiting(struct ys_member *member);

/* Tells the member that it is over, and why: its transport is to leave. */
void ys_member_end(struct ys_member *member, enum ysync_err err, const char *problem);

/* An acknowledgement for the member: a sync status, or an update of its own. It is put when its change is durable,
 * which may be at once. Takes a reference of its own. Errors: LIMIT, IO (too much waits for the store), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_member_acknowledge(struct ys_member *member, uint64_t change, enum ys_message_type type,
                                                   struct ys_blob *message);

/* These put something into the outbox as the functions of outbox.h do, and wake the member. */
void ys_member_put_update(struct ys_member *member, const struct ysync_doc *doc, uint64_t change_number,
                          struct ys_blob *message);
void ys_member_put_presence(struct ys_member *member, const struct ys_presence_news *news);
YSYNC_CHECKED enum ysync_err ys_member_put_reply(struct ys_member *member, const struct ysync_doc *doc,
                                                 enum ys_message_type type, struct ys_blob *message);
YSYNC_CHECKED enum ysync_err ys_member_put_step2(struct ys_member *member, struct ysync_bytes state_vector);
YSYNC_CHECKED enum ysync_err ys_member_put_states(struct ys_member *member);

/* There was no memory to make what is to be taken: wakes the member again later. */
void ys_member_retry(struct ys_member *member, uint64_t now_ms);

#endif
