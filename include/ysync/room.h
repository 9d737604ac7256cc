/* SPDX-License-Identifier: MIT */
/*
 * Rooms without a network: for programs with an event loop of their own (poll, epoll, libevent, a game's main loop) or
 * with a transport of their own (a pipe, QUIC, a test).
 *
 *     ysync_hub_join("blog", ...) ----> member ---.
 *     ysync_hub_join("blog", ...) ----> member ---+-- room "blog" -- document, presence
 *     ysync_hub_join("todo", ...) ----> member ------ room "todo"
 *
 *     a client's message came         ysync_member_receive()
 *     a message for it is ready       events.send() is called; its result says whether more can be taken now
 *     its line is free again          ysync_member_writable()
 *     it has gone                     ysync_member_leave()
 *     time passes                     ysync_hub_tick(), by when ysync_hub_next_tick() says
 *
 * A message is what one WebSocket message of the y-websocket protocol holds. Rooms are made when somebody joins, and
 * evicted some time after the last member has left. While a client takes nothing, what waits for it is bounded: queued
 * updates make way for one difference, computed when it can be written to again.
 *
 * With a store (ysync/store.h) a room is there at once, but without its document until that has been loaded: its
 * members wait, and `created` tells when. What is written goes to the store as it comes; members are told that it is
 * saved (102) when the store has said so; and a room is evicted when the store has all of it. The store answers on the
 * hub's thread, from inside the call or later; ysync_hub_tick() is due at once then.
 *
 * Times are milliseconds of a monotonic clock, the program's own, which never goes back. Nothing here reads a clock,
 * makes a thread or opens a file.
 *
 * Threads: a hub and all that is in it belong to one thread at a time, as if one lock guarded them all.
 *
 * Callbacks are called from inside the functions below, and take note: they must not call them. What only looks is
 * allowed (ysync_room_name(), ysync_room_doc() and reading the document, ysync_room_member_count(), ysync_member_id()),
 * and so is what is said at each callback. Debug builds assert it.
 */
#ifndef YSYNC_ROOM_H
#define YSYNC_ROOM_H

#include <stdint.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/doc.h"
#include "ysync/err.h"
#include "ysync/log.h"
#include "ysync/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ysync_hub;
struct ysync_room;
struct ysync_member;

/* What a program can have to do with rooms. Any of these may be NULL. Each room begins with `resolve` or `created` and
 * ends with `evicted`. */
struct ysync_room_events {
    void *user;

    /* Integrated mode: documents are the program's. The document of this room, or NULL: there is no such room, and who
     * wanted it gets YSYNC_ERR_NOT_FOUND. A document is in one room at a time, belongs to the hub's thread, and is
     * changed through ysync_room_apply() alone while it is: a direct ysync_doc_apply() would reach nobody. It is
     * never freed here; its settings and its allocator are its own. */
    struct ysync_doc *(*resolve)(void *user, struct ysync_bytes room);

    /* A room was made, with a document of its own, which is empty or what the store had; nobody has been told anything
     * of it yet: it may be filled from inside by ysync_doc_apply(). Not called in integrated mode. */
    void (*created)(void *user, struct ysync_room *room);

    /* The room is about to go: evicted, dropped, or freed with its hub. The last chance to save its document; one that
     * is the program's is not used any more, and may be freed from inside. */
    void (*evicted)(void *user, struct ysync_room *room);

    /* The room's document has changed: `update` is what was new to it. `origin` is the ysync_member_id() of who
     * brought it, or 0 for ysync_room_apply(); what had to wait for other updates keeps the origin that it came with.
     */
    void (*updated)(void *user, struct ysync_room *room, uint64_t origin, struct ysync_bytes update);
};

/* Copied by ysync_hub_new(), but for alloc and what log and events point to. */
struct ysync_hub_config {
    const struct ysync_alloc *alloc; /* NULL: malloc */
    struct ysync_log log;
    struct ysync_room_events events;
    uint8_t seed[16];                /* random and secret: peers choose what is hashed with it */
    uint64_t evict_after_ms;         /* how long an empty room is kept */
    int echoes;                      /* an applied update is sent back to its sender as well */
    enum ysync_gc gc;                /* what becomes of deleted content */
    const struct ysync_store *store; /* where documents live when nobody is there; NULL: nowhere. Not with `resolve` */
    size_t max_rooms;                /* then new ones are refused; 0: no limit */
    size_t max_memory_bytes;         /* of all documents: then new rooms are refused; 0: no limit */
    size_t max_room_bytes;           /* of a document's memory: what would grow it further is refused; 0: no limit */
    size_t max_pending_bytes;        /* for each room, of updates whose dependencies have not come */
    size_t max_presence_bytes;       /* for each client id, of its presence state as JSON; more is refused */
    size_t send_buffer_bytes;        /* for each member, of messages that wait until it is writable */
};

/* Fills in the defaults: 60 s, no limits but 16 MiB pending, 64 KiB for a presence state and 1 MiB to send. seed stays
 * zero: fill it in. */
YSYNC_API void ysync_hub_config_init(struct ysync_hub_config *config);

/* Errors: NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_hub_new(const struct ysync_hub_config *config, struct ysync_hub **out);

/* All members have left. Accepts NULL. */
YSYNC_API void ysync_hub_free(struct ysync_hub *hub);

/* Does what is due: evictions, presence that ran out, messages that keep silent lines alive. If that would take long it
 * does a part of it, and is due again at once, so that the program can do something else in between. */
YSYNC_API void ysync_hub_tick(struct ysync_hub *hub, uint64_t now_ms);

/* When ysync_hub_tick() is due next, which may have passed already; UINT64_MAX: not before something else is called. */
YSYNC_API uint64_t ysync_hub_next_tick(const struct ysync_hub *hub);

/* Has the store all that it is to have? If not, ticking goes on until it has; before the end a program waits for that,
 * as ysync_hub_free() does not. Always, where there is none. */
YSYNC_API int ysync_hub_is_stored(const struct ysync_hub *hub);

/* Rooms. A pointer to one is good until its `evicted` has been called. */

YSYNC_API size_t ysync_hub_room_count(const struct ysync_hub *hub);

/* The room, or NULL: looking makes none. */
YSYNC_API struct ysync_room *ysync_hub_find(const struct ysync_hub *hub, struct ysync_bytes name);

/* All rooms in no particular order: start with *position = 0, until NULL. The hub must not change meanwhile. */
YSYNC_API struct ysync_room *ysync_hub_next_room(const struct ysync_hub *hub, size_t *position);

/* Finds the room or makes it. One that nobody joins is evicted like one that was left. Errors: NOMEM; LIMIT
 * (max_rooms); NOT_FOUND (by `resolve`). */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_hub_open(struct ysync_hub *hub, struct ysync_bytes name, uint64_t now_ms,
                                                      struct ysync_room **out);

/* Ends the room at once, whoever is in it: `evicted` is called, then its members are told by `ended`. Who joins by its
 * name from now on gets a new one. What a store has of it is
 * removed. */
YSYNC_API void ysync_hub_drop(struct ysync_hub *hub, struct ysync_room *room);

/* Good as long as the room. */
YSYNC_API struct ysync_bytes ysync_room_name(const struct ysync_room *room);
YSYNC_API size_t ysync_room_member_count(const struct ysync_room *room);

/* Has its document come from the store? Always, where there is none. */
YSYNC_API int ysync_room_is_loaded(const struct ysync_room *room);

/* To be read; changes go through ysync_room_apply(). NULL until it has loaded. */
YSYNC_API struct ysync_doc *ysync_room_doc(struct ysync_room *room);

/* Applies an update that came from no member, and sends what was new to all of them. Errors of ysync_doc_apply(), with
 * ysync_doc_problem() of its document; LIMIT also past max_room_bytes; CONFLICT before it has loaded. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_room_apply(struct ysync_room *room, struct ysync_bytes update,
                                                        uint64_t now_ms);

/* Members */

struct ysync_member_events {
    /* The next message for the member's client: take all of it, in the order given. Return 1 if more may come at once;
     * 0, and nothing comes until ysync_member_writable(): meanwhile what waits is bounded, and may still be replaced by
     * something shorter. A line that has broken is no reason to call back: return 0, and leave later. `message` ends
     * with the call. */
    int (*send)(void *user, struct ysync_bytes message);

    /* It is over: the member is to leave, now (ysync_member_leave() is allowed from inside) or later. Until then
     * ysync_member_receive() returns CLOSED. May be NULL. err: NOT_FOUND, the room was dropped; IO, the store could not
     * load it; MALFORMED, LIMIT, IO, NOMEM: what the member sent while it was loading is refused, for this reason, a static
     * phrase. */
    void (*ended)(void *user, enum ysync_err err, const char *problem);
};

struct ysync_member_options {
    int is_read_only; /* its updates are not applied; presence works */
};

/* Joins, making the room on demand. *out is good until ysync_member_leave(), and is written before the greeting is
 * sent, which happens before this returns. events is kept, not copied; options may be NULL. Errors: NOMEM; LIMIT
 * (max_rooms); NOT_FOUND (by `resolve`): then nobody joined. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_hub_join(struct ysync_hub *hub, struct ysync_bytes room_name,
                                                      const struct ysync_member_events *events, void *user,
                                                      const struct ysync_member_options *options, uint64_t now_ms,
                                                      struct ysync_member **out);

/* Its presence goes with it. Does nothing to messages that were sent. */
YSYNC_API void ysync_member_leave(struct ysync_member *member, uint64_t now_ms);

/* Takes in one message of the member's client. Errors: MALFORMED, LIMIT (the room or the member is full), IO (too much
 * of it waits for the store: it may come back), NOMEM, CLOSED (the room was dropped): then nothing of it was applied,
 * nobody saw it, and the member should leave. problem may be NULL; *problem is a static phrase, for a close reason. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_member_receive(struct ysync_member *member, struct ysync_bytes message,
                                                            uint64_t now_ms, const char **problem);

/* More can be taken: `send` is called with what waits. */
YSYNC_API void ysync_member_writable(struct ysync_member *member, uint64_t now_ms);

/* Not 0, and no other member of the hub has or had it. */
YSYNC_API uint64_t ysync_member_id(const struct ysync_member *member);
YSYNC_API struct ysync_room *ysync_member_room(const struct ysync_member *member);

#ifdef __cplusplus
}
#endif

#endif
