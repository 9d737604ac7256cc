/* SPDX-License-Identifier: MIT */
/*
 * Messages of the y-websocket protocol, one a WebSocket frame: bytes in, what they mean out, and back.
 *
 *     0 0 bytes   sync step 1: a state vector          (y-protocols sync.js)
 *     0 1 bytes   sync step 2: an update
 *     0 2 bytes   update
 *     1 bytes     awareness update                     (y-protocols awareness.js; entries: awareness.h)
 *     2 0 string  auth: permission denied, a reason    (y-protocols auth.js)
 *     3           query awareness
 *     102 bytes   sync status: echoed when all before it took effect
 *
 * Numbers are lib0 varuints; `bytes` and strings have their length in front. Bytes behind a complete message are
 * ignored.
 */
#ifndef YS_PROTOCOL_MESSAGE_H
#define YS_PROTOCOL_MESSAGE_H

#include <stdbool.h>

#include "base/blob.h"
#include "base/varint.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

enum ys_message_type {
    YS_MESSAGE_SYNC_STEP1,
    YS_MESSAGE_SYNC_STEP2,
    YS_MESSAGE_UPDATE,
    YS_MESSAGE_AWARENESS,
    YS_MESSAGE_AUTH,
    YS_MESSAGE_QUERY_AWARENESS,
    YS_MESSAGE_SYNC_STATUS,
    YS_MESSAGE_UNKNOWN,
    YS_MESSAGE_TYPES /* how many there are */
};

/* The names that metrics and logs use: "sync_step1" ... */
const char *ys_message_type_name(enum ys_message_type type);

struct ys_message {
    enum ys_message_type type;
    struct ysync_bytes payload; /* state vector, update, entries or status; a view of the input */
    struct ysync_bytes whole;   /* the message itself, without what may stand behind it */
};

/* MALFORMED: *problem is a static phrase. AUTH and UNKNOWN are not looked into. */
YSYNC_CHECKED enum ysync_err ys_message_decode(struct ysync_bytes frame, struct ys_message *out, const char **problem);

/* Does the message begin as those do that hold updates, sync step 2 and update? Costs nothing. */
static inline bool ys_message_is_update(struct ysync_bytes frame)
{
    return frame.len >= 2 && frame.data[0] == 0 && (frame.data[1] == 1 || frame.data[1] == 2);
}

/* One message, ready to be shared: NULL if there is no memory. Types: SYNC_STEP1, SYNC_STEP2, UPDATE, AWARENESS,
 * SYNC_STATUS. */
struct ys_blob *ys_message_encode(const struct ysync_alloc *alloc, enum ys_message_type type,
                                  struct ysync_bytes payload);

/* Makes an update message of a blob whose data is an update, with a lead of at least YS_MESSAGE_HEAD_BYTES in front: in
 * place, and once, however often it is called. */
#define YS_MESSAGE_HEAD_BYTES (2 + YS_VARUINT_MAX_BYTES)
void ys_message_from_update(struct ys_blob *update);

/* `2 0 reason`: y-protocols' permission denied. */
struct ys_blob *ys_message_encode_denied(const struct ysync_alloc *alloc, const char *reason);

#endif
