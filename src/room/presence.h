/* SPDX-License-Identifier: MIT */
/*
 * Presence: what the clients of a room say about themselves, by the clock rule of y-protocols.
 *
 *     client 7   clock 12   {"name":"Ada"}   owned by member 3   renewed 14 s ago
 *     client 9   clock 4    {"name":"Bob"}   owned by member 5   renewed 2 s ago
 *     client 5   clock 31   gone                                 since 4 min
 *
 * An entry that comes in counts if its clock is newer than the known one (0 for a client never heard of), or equal
 * with `null` where there is a state: then it removes the state, whoever sends it, as every client that hears
 * it decides the same. All else is dropped and not handed on: clients send back what they were sent.
 *
 * Whoever brings the newest state of a client owns it until somebody brings a newer one. A state goes when its
 * client says so, when its owner leaves, or when it was not renewed in time. Its clock stays known.
 *
 * A client that comes back with a clock that was seen to go is told so: its own entry, with `null`, makes it raise its
 * clock and announce itself at once. A `null` for a client never heard of says nothing to anybody.
 */
#ifndef YS_ROOM_PRESENCE_H
#define YS_ROOM_PRESENCE_H

#include "base/blob.h"
#include "base/hash.h"
#include "base/list.h"
#include "ysync/err.h"

/* A state that is not renewed for this long is removed (y-protocols' outdatedTimeout). */
#define YS_PRESENCE_TIMEOUT_MS 30000

/* The most states that one member may own. */
#define YS_PRESENCE_MAX_OWNED 256

/* The most clocks of gone clients that are remembered; past it the one that went first is forgotten. Then, should it
 * come back with its old clock, those who saw it go see it again only once it renews its state. */
#define YS_PRESENCE_MAX_GONE 4096

struct ys_presence;

/* Part of each member. */
struct ys_presence_owner {
    struct ys_list states;
    size_t count;
};

static inline void ys_presence_owner_init(struct ys_presence_owner *owner)
{
    ys_list_init(&owner->states);
    owner->count = 0;
}

/* A message about changes, and the number of the oldest of them. */
struct ys_presence_news {
    bool is_any;
    struct ys_blob *message; /* NULL although there is news: there was no memory to tell it */
    uint64_t since;
};

/* max_state_bytes: of one state's JSON. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_presence_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed,
                                             size_t max_state_bytes, struct ys_presence **out);

/* No owner has states any more. Accepts NULL. */
void ys_presence_free(struct ys_presence *presence);

/* Takes in an awareness update. *relay is for everybody but the owner, *reply for the owner; the references are the
 * caller's. Errors: MALFORMED, LIMIT (*problem says why), NOMEM; then nothing changed, and there is no news. */
YSYNC_CHECKED enum ysync_err ys_presence_receive(struct ys_presence *presence, struct ys_presence_owner *owner,
                                                 struct ysync_bytes payload, uint64_t now_ms,
                                                 struct ys_presence_news *relay, struct ys_presence_news *reply,
                                                 const char **problem);

/* Removes what the owner has; *relay is for everybody else. */
void ys_presence_leave(struct ys_presence *presence, struct ys_presence_owner *owner, struct ys_presence_news *relay);

/* Removes what was not renewed in time; *relay is for everybody. */
void ys_presence_expire(struct ys_presence *presence, uint64_t now_ms, struct ys_presence_news *relay);

/* When ys_presence_expire() has something to do; YS_TIMER_NEVER if there is no state. */
uint64_t ys_presence_next_expiry(const struct ys_presence *presence);

/* States that are not gone. */
size_t ys_presence_count(const struct ys_presence *presence);

/* A message with all states; if there are none, an empty one. NULL if there is no memory. */
struct ys_blob *ys_presence_encode_states(const struct ys_presence *presence);

/* A message with the newest of all that changed since, gone clients included. NULL if there is no memory. */
struct ys_blob *ys_presence_encode_changes(const struct ys_presence *presence, uint64_t since);

#endif
