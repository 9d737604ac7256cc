/* SPDX-License-Identifier: MIT */
/* The opening handshake (RFC 6455, 4.2): is this request a good upgrade, and the answer to it. */
#ifndef YS_WS_HANDSHAKE_H
#define YS_WS_HANDSHAKE_H

#include "base/buf.h"
#include "ysync/bytes.h"

/* What the handshake needs of a request head; absent fields are empty views. */
struct ys_ws_request {
    struct ysync_bytes key;        /* Sec-WebSocket-Key */
    struct ysync_bytes version;    /* Sec-WebSocket-Version */
    struct ysync_bytes protocols;  /* Sec-WebSocket-Protocol, the offers of all such fields */
    struct ysync_bytes extensions; /* Sec-WebSocket-Extensions, likewise; empty where none is to be accepted */
};

/* 101 if the request is good; else the HTTP status to refuse it with: 400 (*why is a line for the body), or 426, which
 * goes with `Sec-WebSocket-Version: 13`. */
int ys_ws_check_request(const struct ys_ws_request *request, const char **why);

/* The first offered subprotocol that does not begin with "bearer."; empty if there is none. */
struct ysync_bytes ys_ws_choose_protocol(struct ysync_bytes protocols);

/* The token of the first offer "bearer.TOKEN"; empty if there is none. */
struct ysync_bytes ys_ws_bearer_protocol(struct ysync_bytes protocols);

/* Appends the whole 101 answer. */
void ys_ws_put_accept(struct ys_buf *out, const struct ys_ws_request *request);

#endif
