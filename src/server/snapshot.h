/* SPDX-License-Identifier: MIT */
/*
 * Documents on their way to HTTP clients, who may take their time.
 *
 *     GET /rooms/blog    client 1 ---.
 *     GET /rooms/blog    client 2 ---+--> [ version 41 of a room, 80 MB ]
 *     GET /rooms/blog    client 3 ------> [ version 42 of the same, 80 MB ]
 *
 * Each is there once, however many are being sent it, and all together are bounded: slow readers cannot make the
 * server hold as many copies of a large document as there are requests.
 */
#ifndef YS_SERVER_SNAPSHOT_H
#define YS_SERVER_SNAPSHOT_H

#include "room/hub.h"

/* While this much is being sent, nothing more is begun. */
#define YS_SNAPSHOTS_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* What is smaller is not looked after: it is no more than a connection may have waiting anyway. */
#define YS_SNAPSHOT_MIN_BYTES ((size_t)64 * 1024)

struct ys_snapshots;

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_snapshots_new(const struct ysync_alloc *alloc, size_t max_bytes,
                                              struct ys_snapshots **out);
void ys_snapshots_free(struct ys_snapshots *snapshots); /* accepts NULL */

/* What a document with this state vector lacks of this one, as one update; everything if that is empty. version:
 * ys_room_version(), or 0 for a document that nobody else will ask for. The reference is the caller's. Errors:
 * MALFORMED (the state vector: *problem says why), LIMIT (too much is being sent), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_snapshots_take(struct ys_snapshots *snapshots, struct ysync_doc *doc, uint64_t version,
                                               struct ysync_bytes state_vector, struct ys_blob **out,
                                               const char **problem);

/* Gives back what nobody is being sent any more. */
void ys_snapshots_sweep(struct ys_snapshots *snapshots);

#endif
