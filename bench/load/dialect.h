/* SPDX-License-Identifier: MIT */
/*
 * The two ways in which servers speak y-protocols over WebSockets, from a client's side.
 *
 *     y-websocket    the room is the path                      message = type ...
 *     Hocuspocus     the room stands in front of each message  message = name type ...
 *                    and the first message is a token (2 0 token), which the server accepts with 2 2
 *
 * Hocuspocus has a type 4 too, a sync message that is not to be answered with a sync step 1. ysync sends a sync status
 * (102) back when it has what came before it, and with a store when that has it.
 */
#ifndef YS_LOAD_DIALECT_H
#define YS_LOAD_DIALECT_H

#include "base/buf.h"

enum ys_dialect {
    YS_DIALECT_Y_WEBSOCKET,
    YS_DIALECT_HOCUSPOCUS,
};

enum ys_heard {
    YS_HEARD_STEP1,    /* payload: a state vector */
    YS_HEARD_STEP2,    /* an update */
    YS_HEARD_UPDATE,   /* an update */
    YS_HEARD_PRESENCE, /* awareness entries */
    YS_HEARD_ADMITTED, /* Hocuspocus accepts the token */
    YS_HEARD_STATUS,   /* payload: what was sent */
    YS_HEARD_DENIED,
    YS_HEARD_OTHER,
};

/* Appends the message that says this, HEARD_OTHER excepted: a sync step 1 and so on; ADMITTED asks for admission. */
void ys_dialect_put(struct ys_buf *out, enum ys_dialect dialect, const char *room, enum ys_heard what,
                    struct ysync_bytes payload);

/* What a message says. Gives up if it is malformed. */
enum ys_heard ys_dialect_read(struct ysync_bytes message, enum ys_dialect dialect, struct ysync_bytes *payload);

#endif
