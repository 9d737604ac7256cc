/* SPDX-License-Identifier: MIT */
/* The list of rooms, put together from what several hubs have. */
#ifndef YS_SERVER_ROOM_LIST_H
#define YS_SERVER_ROOM_LIST_H

#include "base/buf.h"

/* Appends one room to a part: its name, and how many are connected. Errors show in ys_buf_err(). */
void ys_room_list_put(struct ys_buf *part, struct ysync_bytes name, size_t connections);

/* Appends the rooms of all parts, sorted by name: {"rooms":[{"id":"blog","connections":2}]}. Errors: those of the
 * parts, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_room_list_put_json(struct ys_buf *out, const struct ys_buf *parts, size_t count);

#endif
