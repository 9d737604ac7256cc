/* SPDX-License-Identifier: MIT */
/*
 * Routes: which part of a path is the name of a room.
 *
 *     pattern   /workspaces/:room/sync
 *     path      /workspaces/team/a%20b/sync     ->   team/a b
 *
 * ":room" stands for everything up to the literal text behind it, slashes included. Routes are tried in the order
 * given, and the first one that fits decides.
 */
#ifndef YS_SERVER_ROUTE_H
#define YS_SERVER_ROUTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "ysync/problem.h"

#define YS_ROOM_NAME_MAX_BYTES 512

struct ys_routes;

/* Copies the patterns: at least one. problem (may be NULL) is written on errors: INVALID_ARG, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_routes_new(const struct ysync_alloc *alloc, const char *const *patterns, size_t count,
                                           struct ys_routes **out, struct ysync_problem *problem);
void ys_routes_free(struct ys_routes *routes); /* accepts NULL */

/* Appends the room that a path, percent-encoded as it came, names. NOT_FOUND: no route fits. MALFORMED: the name is
 * none, *why (static) says what is wrong with it. NOMEM. */
YSYNC_CHECKED enum ysync_err ys_routes_match(const struct ys_routes *routes, struct ysync_bytes path,
                                             struct ys_buf *room, const char **why);

/* The same by the first route alone, which is the one that answers over HTTP. */
YSYNC_CHECKED enum ysync_err ys_routes_match_first(const struct ys_routes *routes, struct ysync_bytes path,
                                                   struct ys_buf *room, const char **why);

/* Is the list of all rooms here? It is the directory of the first route, or "/rooms/" if that is the root. */
bool ys_routes_is_list(const struct ys_routes *routes, struct ysync_bytes path);

#endif
