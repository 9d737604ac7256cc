/* SPDX-License-Identifier: MIT */
/* The list of rooms, put together from what several hubs have; and that of the rooms in the store. */
#ifndef YS_SERVER_ROOM_LIST_H
#define YS_SERVER_ROOM_LIST_H

#include <stdbool.h>

#include "base/buf.h"
#include "room/store_request.h"

/* Appends one room to a part: its name, and how many are connected. Errors show in ys_buf_err(). */
void ys_room_list_put(struct ys_buf *part, struct ysync_bytes name, size_t connections);

/* Appends the rooms of all parts, sorted by name: {"rooms":[{"id":"blog","connections":2}]}. Errors: those of the
 * parts, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_room_list_put_json(struct ys_buf *out, const struct ys_buf *parts, size_t count);

/* The list of what is stored, in pages: ?stored=1&after=blog&limit=100 */

#define YS_ROOM_LIST_LIMIT 100
#define YS_ROOM_LIST_MAX_LIMIT 1000

struct ys_room_list_page {
    struct ys_buf after; /* decoded; empty: from the beginning */
    size_t limit;
};

/* Does a query ask for what is stored? */
bool ys_room_list_is_of_stored(struct ysync_bytes query);

void ys_room_list_page_init(struct ys_room_list_page *page, const struct ysync_alloc *alloc);
void ys_room_list_page_deinit(struct ys_room_list_page *page);

/* Errors: MALFORMED (*problem is a line that says what), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_room_list_page_read(struct ys_room_list_page *page, struct ysync_bytes query,
                                                    const char **problem);

/* Appends what a LIST found: {"rooms":[{"id":"blog","bytes":2012}],"next":"blog"}, where `next` is what to ask for with
 * `after`, or null: that was all. Errors show in ys_buf_err(). */
void ys_room_list_put_stored(struct ys_buf *out, const struct ysync_store_request *request);

#endif
