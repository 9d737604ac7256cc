/* SPDX-License-Identifier: MIT */
/*
 * The plugins of one server, each on a loop and a thread of its own, and what they have in common.
 *
 *     crew --- place 0 --- mailbox, plugin: the rooms whose names hash to 0
 *       |----- place 1 --- mailbox, plugin: the rooms whose names hash to 1
 *       |----- the store, which is asked by all
 *       '----- limits that count for all: connections, rooms, memory, addresses that are turned away
 *
 * A room belongs to one place, and all its members are connected there, so rooms need no locks. Whoever gets a request
 * for another one's room sends the connection there (session.c); whoever needs to know something of all asks all
 * (gather.h).
 *
 * A plugin that a program mounts by itself is a crew of one, and never sends a letter; it gets some from its store, if
 * it has one.
 */
#ifndef YS_SERVER_CREW_H
#define YS_SERVER_CREW_H

#include "base/quota.h"
#include "net/mailbox.h"
#include "server/admission.h"
#include "server/backoff.h"
#include "server/store_health.h"
#include "ysync/bytes.h"
#include "ysync/store.h"

struct ys_crew;
struct uv_loop_s;

struct ys_crew_config {
    const struct ysync_alloc *alloc; /* thread-safe, unless size is 1 */
    size_t size;                     /* at least 1 */
    size_t max_connections;          /* of all together; 0: no limit */
    size_t max_connections_per_ip;
    size_t max_rooms;
    size_t max_memory_bytes;         /* of all documents; 0: no limit */
    const struct ysync_store *store; /* where all keep their documents; NULL: nowhere. Kept */
    struct ysync_store *own_store;   /* the same, if it is the crew's from here on: it closes it. Else NULL */
};

/* Errors: NOMEM, IO (the system has no random numbers). Then the store is still the caller's. */
YSYNC_CHECKED enum ysync_err ys_crew_new(const struct ys_crew_config *config, struct ys_crew **out);

/* All have left, their loops have let go of everything, and their threads are gone. Accepts NULL. */
void ys_crew_free(struct ys_crew *crew);

/* Takes a place: letters to it are delivered to `owner` on this loop. All have joined before the first one's loop runs,
 * and each leaves on its own thread. Errors: NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_crew_join(struct ys_crew *crew, size_t place, struct uv_loop_s *loop, void *owner);
void ys_crew_leave(struct ys_crew *crew, size_t place);

/* Any thread: */

size_t ys_crew_size(const struct ys_crew *crew);
struct ys_hash_seed ys_crew_seed(const struct ys_crew *crew);

/* Whose is the room? */
size_t ys_crew_owner(const struct ys_crew *crew, struct ysync_bytes room);

/* Not in a crew of one, unless it has a store. */
void ys_crew_send(struct ys_crew *crew, size_t place, struct ys_letter *letter);
struct ys_mailbox *ys_crew_mailbox(const struct ys_crew *crew, size_t place);

struct ys_admission *ys_crew_admission(const struct ys_crew *crew);
struct ys_backoff *ys_crew_backoff(const struct ys_crew *crew);
struct ys_quota *ys_crew_rooms(struct ys_crew *crew);
struct ys_quota *ys_crew_memory(struct ys_crew *crew); /* NULL: no limit */
const struct ysync_store *ys_crew_store(const struct ys_crew *crew);
struct ys_store_health *ys_crew_store_health(struct ys_crew *crew);

#endif
