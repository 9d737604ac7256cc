/* SPDX-License-Identifier: MIT */
/*
 * A hub: the rooms of one event loop, made when somebody joins and evicted some time after the last
 * one left.
 *
 *     ys_hub_join("blog") -> member ----.
 *     ys_hub_join("blog") -> member ----+-- room "blog" -- document, presence
 *     ys_hub_join("todo") -> member ------- room "todo"
 *
 *     ys_member_receive(m, message)     a message from m's client: the room takes it in and puts what
 *                                       follows from it into the members' outboxes
 *     events.wake(m's user)             m's outbox was empty and is no more
 *     ys_member_take(m)                 the next message for m's client
 *
 * There are no sockets here and no clock: the transport feeds messages in, takes messages out when it can
 * send, and says what time it is, in milliseconds of a monotonic clock that never goes back.
 *
 * A hub and all that is in it belong to one thread.
 */
#ifndef YS_ROOM_HUB_H
#define YS_ROOM_HUB_H

#include <stdbool.h>

#include "base/blob.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/quota.h"
#include "doc/doc.h"
#include "protocol/message.h"
#include "room/store_request.h"
#include "ysync/room.h"

/* Of one presence state's JSON, unless something else is said. */
#define YS_HUB_MAX_PRESENCE_BYTES ((size_t)64 * 1024)

struct ys_hub;
struct ys_room;
struct ys_member;

/* What ysync/room.h names ysync_hub and ysync_room are these, under a name of which programs see no more. */
static inline struct ysync_hub *ys_hub_public(struct ys_hub *hub)
{
    return (struct ysync_hub *)(void *)hub;
}

static inline struct ysync_room *ys_room_public(struct ys_room *room)
{
    return (struct ysync_room *)(void *)room;
}

struct ys_hub_config {
    const struct ysync_alloc *alloc; /* kept */
    const struct ysync_log *log;     /* copied; may be NULL */
    struct ysync_room_events events; /* called with ys_hub_context()->is_in_callback set */
    struct ys_hash_seed seed;        /* random, secret */
    uint64_t evict_after_ms;         /* how long an empty room is kept */
    bool echoes;                     /* what a member brings is sent back to it as well */
    enum ysync_gc gc;                /* what becomes of deleted content */
    size_t max_rooms;                /* 0: no limit */
    struct ys_quota *rooms;          /* takes the place of max_rooms where several hubs share it; NULL: none does */
    size_t max_memory_bytes;         /* of all documents: then there are no new rooms; 0: no limit */
    struct ys_quota *memory;         /* takes the place of max_memory_bytes likewise */
    const struct ysync_store *store; /* where documents live; NULL: nowhere but here */
    size_t max_room_bytes;           /* for each room, of its document's memory; 0: no limit */
    size_t max_pending_bytes;        /* for each room: of updates that wait for others */
    size_t max_presence_bytes;       /* for each client id: of one state's JSON */
    size_t max_outbox_bytes;         /* for each member: of messages that are queued, see ys_member_take() */
};

/* What the hub did, summed since it was made. */
struct ys_hub_counters {
    uint64_t received[YS_MESSAGE_TYPES]; /* messages, by enum ys_message_type */
    uint64_t sent[YS_MESSAGE_TYPES];     /* messages put into outboxes; updates: taken from them */
    uint64_t updates_applied;            /* that held anything new */
    uint64_t malformed;
    uint64_t evictions;
    uint64_t resyncs; /* members who were sent one update for all that they had missed */
};

/* What its rooms hold now, kept up to date so that asking costs the same however many there are. What a document holds
 * is looked at when it changes through its room: what a program does to one of its own shows with the next change. */
struct ys_hub_totals {
    size_t members;
    size_t document_bytes;
    size_t pending; /* blocks of structs that wait for others */
};

/* How the hub gets on with its store. */
struct ys_hub_store_totals {
    size_t writes;        /* that have not been answered */
    size_t bytes;         /* of these */
    size_t unsaved_rooms; /* of which it has not been asked to keep something, or could not */
};

YSYNC_CHECKED enum ysync_err ys_hub_new(const struct ys_hub_config *config, struct ys_hub **out);

/* All members have left. The program is told of each room's end. Accepts NULL. */
void ys_hub_free(struct ys_hub *hub);

/* Does what is due: evictions, presence that ran out, keep-alive messages. If that is much, only a part of it, and the
 * next tick is due at once. */
void ys_hub_tick(struct ys_hub *hub, uint64_t now_ms);

/* When ys_hub_tick() is due next, which may have passed; UINT64_MAX when nothing is. */
uint64_t ys_hub_next_tick(const struct ys_hub *hub);

const struct ys_hub_counters *ys_hub_counters(const struct ys_hub *hub);

const struct ys_hub_totals *ys_hub_totals(const struct ys_hub *hub);

struct ys_hub_store_totals ys_hub_store_totals(const struct ys_hub *hub);

/* Rooms */

size_t ys_hub_room_count(const struct ys_hub *hub);

/* The room, or NULL: looking never creates one. */
struct ys_room *ys_hub_find(const struct ys_hub *hub, struct ysync_bytes name);

/* The room, if it is there or if its document is the program's: then it is opened. Errors: NOT_FOUND, NOMEM, LIMIT. */
YSYNC_CHECKED enum ysync_err ys_hub_look_up(struct ys_hub *hub, struct ysync_bytes name, uint64_t now_ms,
                                            struct ys_room **out);

/* All rooms in no particular order: start with *position = 0, until NULL. Nothing may be joined, left or ticked
 * meanwhile. */
struct ys_room *ys_hub_next_room(const struct ys_hub *hub, size_t *position);

/* Finds the room or makes it. One that nobody joins is evicted like one that was left. Errors: NOMEM, LIMIT;
 * NOT_FOUND, if the program has no document for it. */
YSYNC_CHECKED enum ysync_err ys_hub_open(struct ys_hub *hub, struct ysync_bytes name, uint64_t now_ms,
                                         struct ys_room **out);

struct ysync_bytes ys_room_name(const struct ys_room *room);
size_t ys_room_member_count(const struct ys_room *room);
struct ysync_doc *ys_room_doc(struct ys_room *room); /* to read; changes go through ys_room_apply() */

/* Applies an update that came from no member, and sends what was new to every member. Errors of ysync_doc_apply(). */
YSYNC_CHECKED enum ysync_err ys_room_apply(struct ys_room *room, struct ysync_bytes update, uint64_t now_ms);

/* Changes whenever the document may have, and is the same for no two rooms of a hub. */
uint64_t ys_room_version(const struct ys_room *room);

/* Forgets the room and its document at once, whoever is in it: its members are told to leave, and there is nothing for
 * them to take any more. Who joins by its name, even before they have left, gets a new room: empty, or what the store
 * has, for what is stored stays there. */
void ys_hub_drop(struct ys_hub *hub, struct ys_room *room);

/* Where there is a store, a room is there at once, but without its document: its members wait, and nothing may be done
 * to it before it has loaded. One that cannot be loaded ends, and its members get to hear IO. */
bool ys_room_is_loading(const struct ys_room *room);

/* Has the store all of it? True where there is none. If not: did the last attempt fail? */
bool ys_room_is_durable(const struct ys_room *room);
bool ys_room_is_failing(const struct ys_room *room);

/* Somebody who waits until a room has loaded, and all that has changed so far is durable. */
struct ys_room_waiter {
    struct ys_list node;
    uint64_t change;

    /* Once: OK; IO, if the store failed to load or to write; CLOSED, if the room was dropped. Nothing may be done to
     * the room from inside, unless it is OK. */
    void (*done)(struct ys_room_waiter *waiter, enum ysync_err err);
};

/* The room is loading, or is not durable. */
void ys_room_await(struct ys_room *room, struct ys_room_waiter *waiter);

/* Nothing is waited for any more. The node was initialized. */
static inline void ys_room_waiter_forget(struct ys_room_waiter *waiter)
{
    ys_list_remove(&waiter->node);
}

/* The store, asked for somebody who is no room: the document of a room that is not open, its end, a list. `done` is
 * called unless *out is forgotten before. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_hub_ask_store(struct ys_hub *hub, enum ys_store_request_kind kind,
                                              struct ysync_bytes name, size_t limit, ys_store_done_fn *done, void *user,
                                              struct ysync_store_request **out);

/* An answer has come to this thread. */
void ys_hub_take_answer(struct ys_hub *hub, struct ysync_store_request *request, uint64_t now_ms);

/* The program ends: what the store has not got is tried again soon, until it has everything. */
void ys_hub_hurry(struct ys_hub *hub, uint64_t now_ms);
bool ys_hub_is_stored(const struct ys_hub *hub);

/* Did the store refuse a write, and has it not taken one as large since? */
bool ys_hub_is_store_failing(const struct ys_hub *hub);

/* Members */

struct ys_member_events {
    /* The outbox was empty and is no more. Called once until ys_member_take() has returned NULL. Must only
     * take note: no call into the hub from inside. */
    void (*wake)(void *user);

    /* It is over: what the member sends does nothing any more, and it is to leave, from inside or later. Leaving is all
     * that may be done to the hub from inside. May be NULL. err: NOT_FOUND, the room was dropped; IO, it could not be
     * loaded; those of ys_member_receive(), with its problem, for what the member sent while it was loading. */
    void (*ended)(void *user, enum ysync_err err, const char *problem);
};

struct ys_member_options {
    bool is_read_only; /* its updates are not applied; presence works */
};

/* Joins, making the room on demand. The greeting (sync step 1, presence) is in the outbox on return, without a wake.
 * events is kept, not copied. *out is good until ys_member_leave(). Errors: NOMEM, LIMIT (max_rooms),
 * NOT_FOUND (the program has no document for it); then nobody joined, and no room was made. */
YSYNC_CHECKED enum ysync_err ys_hub_join(struct ys_hub *hub, struct ysync_bytes room_name,
                                         const struct ys_member_events *events, void *user,
                                         const struct ys_member_options *options, uint64_t now_ms,
                                         struct ys_member **out);

/* The states that the member owned are removed, everybody else is told, and what was queued for it is dropped. */
void ys_member_leave(struct ys_member *member, uint64_t now_ms);

/* Takes in one message of the member's client: one whole WebSocket message.
 *
 * MALFORMED: nothing of it was applied and nobody saw it; *problem is a static phrase for the close
 * reason, and the member should leave. LIMIT: likewise, the room or the member is full. IO: likewise, too much of it
 * waits for the store. NOMEM: likewise. CLOSED: likewise, the room was dropped. */
YSYNC_CHECKED enum ysync_err ys_member_receive(struct ys_member *member, struct ysync_bytes message, uint64_t now_ms,
                                               const char **problem);

/* The next message for the member's client, or NULL when there is none: the reference is the caller's.
 * Take only what can be sent: while a slow client's messages wait here, they are bounded; a client that
 * falls behind max_outbox_bytes gets one update for all that it missed. Updates that wait together are taken as one,
 * and members who have the same waiting are given the same block: so let all take when all have been received from. */
struct ys_blob *ys_member_take(struct ys_member *member, uint64_t now_ms);

bool ys_member_has_output(const struct ys_member *member);
struct ys_room *ys_member_room(const struct ys_member *member);

/* The origin of its updates: not 0, never used again. */
uint64_t ys_member_id(const struct ys_member *member);

/* The end of a turn: saves documents that are to be saved, and calls `send` of those members of ysync/room.h who were
 * woken by what others did. For the others, who have taken what they could by now, nothing is kept ready any longer. */
void ys_hub_deliver(struct ys_hub *hub, uint64_t now_ms);

#endif
