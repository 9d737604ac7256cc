/* SPDX-License-Identifier: MIT */
/*
 * The plugins of one server, each on a loop and a thread of its own, and what they have in common.
 *
 *     crew --- place 0 --- mailbox, plugin: the rooms whose names hash to 0
 *       |----- place 1 --- mailbox, plugin: the rooms whose names hash to 1
 *       '----- limits that count for all: connections, rooms, addresses that are turned away
 *
 * A room belongs to one place, and all its members are connected there, so rooms need no locks. Whoever gets a request
 * for another one's room sends the connection there (session.c); whoever needs to know something of all asks all
 * (gather.h).
 *
 * A plugin that a program mounts by itself is a crew of one, and never sends a letter.
 */
#ifndef YS_SERVER_CREW_H
#define YS_SERVER_CREW_H

#include "base/quota.h"
#include "net/mailbox.h"
#include "server/admission.h"
#include "server/backoff.h"
#include "ysync/bytes.h"

struct ys_crew;
struct uv_loop_s;

struct ys_crew_config {
    const struct ysync_alloc *alloc; /* thread-safe, unless size is 1 */
    size_t size;                     /* at least 1 */
    size_t max_connections;          /* of all together; 0: no limit */
    size_t max_connections_per_ip;
    size_t max_rooms;
};

/* Errors: NOMEM, IO (the system has no random numbers). */
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

/* Not in a crew of one. */
void ys_crew_send(struct ys_crew *crew, size_t place, struct ys_letter *letter);

struct ys_admission *ys_crew_admission(const struct ys_crew *crew);
struct ys_backoff *ys_crew_backoff(const struct ys_crew *crew);
struct ys_quota *ys_crew_rooms(struct ys_crew *crew);

#endif
