/* SPDX-License-Identifier: MIT */
/*
 * A room: a document, the presence of its members, and the members themselves, who are told what is new.
 *
 *                  join                   the last one leaves
 *      (no room) --------> LIVE <------------------------------> EMPTY --------------> (gone)
 *          |                ^            join                    ^   ^   evict_after_ms  ^
 *          '----------------+------------------------------------'   |   have passed     |
 *                           |      open                              |       |           | the store has it
 *                           |                                        |       v           |
 *     with a store:         |                                        '---- SAVING -------'
 *      (no room) ------> LOADING ---> LIVE or EMPTY             open         |
 *               join, open    loaded                                         '---> LIVE
 *                                                                          join
 *
 *                join                      leave                       open              its time has come
 *      no room   LIVE; LOADING             -                           EMPTY; LOADING    -
 *      LOADING   LOADING: what the member  LOADING                     LOADING           -
 *                sends waits
 *      LIVE      LIVE                      LIVE, or EMPTY: the time    LIVE              states that ran out
 *                                          starts                                        are removed
 *      EMPTY     LIVE: the time stops      -                           EMPTY: the time   gone: document and presence
 *                                                                      starts afresh     are freed; or SAVING, if
 *                                                                                        the store lacks some of it
 *      SAVING    LIVE                      -                           EMPTY             -
 *
 * Dropping a room takes it from anywhere to GONE: no name leads to it then, its members only leave, and with the last
 * of them it goes. So does a room that could not be loaded.
 *
 * An empty room has no presence states, only the clocks of those that were there; so one timer serves both.
 */
#ifndef YS_ROOM_ROOM_H
#define YS_ROOM_ROOM_H

#include "room/context.h"
#include "room/member.h"
#include "room/presence.h"

/* An empty room whose time has started, or, where there is a store, one that is being loaded. theirs: the program's
 * document, or NULL for one of its own. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_room_new(struct ys_context *context, struct ysync_bytes name, struct ysync_doc *theirs,
                                         uint64_t now_ms, struct ys_room **out);

/* The program hears of a new room, unless the document is the program's anyway. */
void ys_room_tell_of_creation(struct ys_room *room);

/* Tells the program that the room goes, and lets go of its document. */
void ys_room_end(struct ys_room *room);

/* It has no members, and has ended. Accepts NULL. */
void ys_room_free(struct ys_room *room);

/* A document with the hub's settings. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_room_make_document(struct ys_context *context, struct ysync_doc **out);

/* Ends it, makes it a room that is gone, and tells its members to leave, and why. It is freed when the last of them
 * has: perhaps before this returns. */
void ys_room_drop(struct ys_room *room, enum ysync_err why, const char *problem);

/* What the store has of it; NULL: there is no store, or the room is gone. */
struct ys_ledger *ys_room_ledger(const struct ys_room *room);

/* Is it empty, its time over, and the store yet to have all of it? When it has, ys_room_settled() ends the room. */
bool ys_room_is_saving(const struct ys_room *room);
void ys_room_settled(struct ys_room *room);
struct ys_context *ys_room_context(const struct ys_room *room);
bool ys_room_is_gone(const struct ys_room *room);

/* Somebody without a connection uses the room: if it is empty its time starts afresh. */
void ys_room_touch(struct ys_room *room, uint64_t now_ms);

/* Lets a new member in, and greets it. */
void ys_room_add(struct ys_room *room, struct ys_member *member);

/* Removes the member's presence as well, and tells the others. */
void ys_room_remove(struct ys_room *room, struct ys_member *member, uint64_t now_ms);

/* Applies an update of the member with this id, 0 for nobody, and sends what is new to all others.
 * Errors of ysync_doc_apply(), with the reason in *problem. */
YSYNC_CHECKED enum ysync_err ys_room_apply_from(struct ys_room *room, uint64_t origin, struct ysync_bytes update,
                                                const char **problem);

/* Takes in an awareness update of a member, and sends what changed to all others. Errors of ys_presence_receive(). */
YSYNC_CHECKED enum ysync_err ys_room_receive_presence(struct ys_room *room, struct ys_member *member,
                                                      struct ysync_bytes payload, uint64_t now_ms,
                                                      const char **problem);

/* Goes on with the compaction of the last of the hub's rooms that have one. */
void ys_rooms_compact_some(struct ys_context *context, size_t max_bytes);

/* NULL as long as nobody said anything about himself. */
const struct ys_presence *ys_room_presence(const struct ys_room *room);

#endif
