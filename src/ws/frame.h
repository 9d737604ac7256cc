/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames (RFC 6455, 5), without sockets: a server's side of it.
 *
 * Reading is incremental and in place: payloads are unmasked in the caller's buffer, in words, and a message that
 * came whole in one frame inside it is handed out as a view of that buffer. Only fragments, and frames that
 * are larger than what was read at once, are copied together, up to max_message_bytes.
 *
 *     input    [ frame ][ frame ][ fra              (the rest comes with the next read)
 *     events   MESSAGE   PING     MORE
 */
#ifndef YS_WS_FRAME_H
#define YS_WS_FRAME_H

#include <stdbool.h>

#include "base/blob.h"
#include "base/buf.h"

enum ys_ws_opcode {
    YS_WS_CONTINUATION = 0x0,
    YS_WS_TEXT = 0x1,
    YS_WS_BINARY = 0x2,
    YS_WS_CLOSE = 0x8,
    YS_WS_PING = 0x9,
    YS_WS_PONG = 0xa,
};

/* Close codes (RFC 6455, 7.4.1, and SPEC's own). */
enum ys_ws_close_code {
    YS_WS_CLOSE_NORMAL = 1000,
    YS_WS_CLOSE_GOING_AWAY = 1001,
    YS_WS_CLOSE_PROTOCOL_ERROR = 1002,
    YS_WS_CLOSE_UNSUPPORTED = 1003,
    YS_WS_CLOSE_NO_STATUS = 1005, /* never sent: "there was none" */
    YS_WS_CLOSE_INVALID_DATA = 1007,
    YS_WS_CLOSE_POLICY = 1008,
    YS_WS_CLOSE_TOO_BIG = 1009,
    YS_WS_CLOSE_INTERNAL_ERROR = 1011,
    YS_WS_CLOSE_TRY_AGAIN = 1013,
    YS_WS_CLOSE_UNAUTHORIZED = 4001,
    YS_WS_CLOSE_ROOM_NOT_FOUND = 4004,
    YS_WS_CLOSE_FORBIDDEN_4401 = 4401,
    YS_WS_CLOSE_NOT_FOUND_4404 = 4404,
    YS_WS_CLOSE_LIMIT = 4413,
};

enum ys_ws_event {
    YS_WS_EVENT_MORE,    /* the input is used up */
    YS_WS_EVENT_MESSAGE, /* a whole data message: opcode (TEXT or BINARY) and payload */
    YS_WS_EVENT_PING,    /* payload: answer with a pong that holds the same */
    YS_WS_EVENT_PONG,    /* payload */
    YS_WS_EVENT_CLOSE,   /* close_code (NO_STATUS if the frame was empty) and payload: the reason, valid UTF-8 */
    YS_WS_EVENT_ERROR,   /* close_code to close with, and problem: a static phrase */
};

struct ys_ws_received {
    enum ys_ws_event event;
    enum ys_ws_opcode opcode;
    struct ysync_bytes payload; /* good until the parser is fed again, and as long as the input is */
    bool is_compressed;         /* the payload of a message is (RFC 7692), and of a text unchecked */
    uint16_t close_code;
    const char *problem;
};

struct ys_ws_parser;

/* max_message_bytes: larger messages are an ERROR with TOO_BIG, noticed as soon as a header tells. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_ws_parser_new(const struct ysync_alloc *alloc, size_t max_message_bytes,
                                              struct ys_ws_parser **out);
void ys_ws_parser_free(struct ys_ws_parser *parser); /* accepts NULL */

/* From now on messages may come compressed; before, their mark is a reserved bit and an ERROR. max_message_bytes then
 * bounds what comes, and what it becomes is for others to bound. */
void ys_ws_parser_allow_compressed(struct ys_ws_parser *parser);

/* Reads from the front of [*data, *data + *len), which it may write to, until there is an event, and moves both
 * past what was read. Call until there is MORE, even with nothing left: it is the next call that gives a message's
 * memory back. After CLOSE or ERROR nothing may be fed. A failed allocation is an ERROR with INTERNAL_ERROR. */
void ys_ws_parser_feed(struct ys_ws_parser *parser, uint8_t **data, size_t *len, struct ys_ws_received *out);

/* Writing: frames of a server are not masked. */

#define YS_WS_MAX_HEADER_BYTES 10

/* Writes the header of one final frame at `to`; returns its 2, 4 or 10 bytes. */
size_t ys_ws_put_header(uint8_t to[YS_WS_MAX_HEADER_BYTES], enum ys_ws_opcode opcode, uint64_t payload_len);

/* Puts the header of a binary message into the blob's headroom, unless it is there already. */
void ys_ws_frame_blob(struct ys_blob *blob);

/* The same for a blob that holds a compressed message. */
void ys_ws_frame_compressed_blob(struct ys_blob *blob);

/* Appends a control frame; payload at most 125 bytes. */
void ys_ws_put_control(struct ys_buf *out, enum ys_ws_opcode opcode, struct ysync_bytes payload);

/* Appends a close frame; a reason longer than 123 bytes is cut off between two characters. */
void ys_ws_put_close(struct ys_buf *out, uint16_t code, struct ysync_bytes reason);

#endif
