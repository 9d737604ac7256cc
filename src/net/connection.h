/* SPDX-License-Identifier: MIT */
/*
 * One accepted socket through its life: HTTP requests, then perhaps a WebSocket.
 *
 *     HTTP ------- ys_connection_upgrade() ------> WEBSOCKET
 *      |  head, body, end -> ys_connection_answer()    |  message; next, when woken
 *      |                                               |
 *      | the last answer                               | a close frame, ours or theirs
 *      '---------------------> closing <---------------'     what is left to send leaves, then FIN; input is read
 *                                 |                          on until theirs, lest a reset destroy our last words
 *                                gone
 *
 * A request may be another loop's to answer: ys_connection_depart() takes the connection out of this one, and what is
 * left of it arrives there, with that request as its first.
 *
 * The layer above is a table of callbacks. What comes in is pushed to it. What goes out is pulled from it: it
 * says ys_connection_wake() when it has something, and at the end of the turn `next` is asked for messages until there
 * are none or the socket is full. While the socket is full nothing is asked for, so what waits, waits where it is
 * bounded and can still be replaced by something shorter: in the layer above.
 *
 * An idle connection holds no buffers.
 */
#ifndef YS_NET_CONNECTION_H
#define YS_NET_CONNECTION_H

#include "base/blob.h"
#include "http/answer.h"
#include "http/head.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"
#include "ws/frame.h"
#include "ws/handshake.h"

struct ys_connection;

/* A connection on its way from one loop to another: its socket, the state of TLS, and what was read of it from the
 * beginning of the request that has not been answered. */
struct ys_travel;

/* For the end of a connection that never was a WebSocket, and for one that was cut off (RFC 6455, 7.4.1). */
#define YS_CONNECTION_NO_CODE 0
#define YS_CONNECTION_CUT_OFF 1006

/* What a client may send to a WebSocket that it has asked for before it has got one. */
#define YS_CONNECTION_MAX_EARLY_BYTES ((size_t)64 * 1024)

/* From inside any of these all functions below may be called. Views end with the call. */
struct ys_connection_events {
    /* A whole request head has come. It is answered now or later, by ys_connection_answer() or ys_connection_upgrade();
     * nothing behind the request is looked at before that, and ys_connection_head() gives it again. What belongs to the
     * request, `body` and `end`, comes only after ys_connection_want_body(). */
    void (*head)(struct ys_connection *connection, void *user, const struct ys_http_head *head);
    void (*body)(struct ys_connection *connection, void *user, struct ysync_bytes piece);
    void (*end)(struct ys_connection *connection, void *user); /* the request is complete */

    /* More than YS_CONNECTION_MAX_EARLY_BYTES came behind a request for a WebSocket that has not been answered: to be
     * answered now, and closed. */
    void (*flooded)(struct ys_connection *connection, void *user);

    /* A whole message of a WebSocket: TEXT or BINARY. */
    void (*message)(struct ys_connection *connection, void *user, enum ys_ws_opcode opcode, struct ysync_bytes payload);

    /* The next binary message for the peer, the reference being the connection's, or NULL until the next wake. */
    struct ys_blob *(*next)(struct ys_connection *connection, void *user);

    /* Nothing more will come, and nothing more be sent: the last call, exactly one. `code` is that of the first close
     * frame, either way, or one of the two above. The connection's last bytes may still be on their way. */
    void (*closed)(struct ys_connection *connection, void *user, uint16_t code);

    /* It has left this loop, as ys_connection_depart() asked: the last call, in place of `closed`. The travel is the
     * user's: to be sent to another loop's thread, or freed. */
    void (*departed)(struct ys_connection *connection, void *user, struct ys_travel *travel);
};

/* What the connections of one owner have in common; outlives them all. */
struct ys_connection_config {
    const struct ys_connection_events *events;
    size_t max_message_bytes;
    bool compresses;           /* permessage-deflate for clients that offer it */
    uint64_t ping_every_ms;    /* 0: never; who was silent from one ping to the next is dropped */
    uint64_t head_timeout_ms;  /* for a request head, from its first byte to its last: 408 */
    uint64_t idle_timeout_ms;  /* between two requests, and between two pieces of a body */
    uint64_t stall_timeout_ms; /* a peer that takes nothing of what is sent is dropped */
    uint64_t close_timeout_ms; /* for the peer's part in closing */

    /* What connections that are accepted from now on speak TLS with, within head_timeout_ms; NULL: they are plain.
     * May be exchanged at any time: each connection keeps what it needs of it. */
    struct ys_tls_context *tls;
};

/* 64 MiB, 30 s, 10 s, 60 s, 60 s, 5 s. */
void ys_connection_config_init(struct ys_connection_config *config, const struct ys_connection_events *events);

/* Takes the next connection that waits at `listener`, TCP or pipe. It is silent until it is started or dropped, which
 * must follow before the loop turns. Errors: NOMEM (it still waits), IO (it is gone). */
YSYNC_CHECKED enum ysync_err ys_connection_accept(struct ys_loop *loop, uv_stream_t *listener,
                                                  const struct ys_connection_config *config,
                                                  struct ys_connection **out);

/* The same for a socket that is open already: TCP or Unix, in blocking mode or not; it is plain. It is taken on
 * success. Errors: NOMEM, IO; then it is still the caller's. */
YSYNC_CHECKED enum ysync_err ys_connection_adopt(struct ys_loop *loop, int fd,
                                                 const struct ys_connection_config *config, struct ys_connection **out);

/* Events come from now on, with this user. Errors: NOMEM; then drop it. */
YSYNC_CHECKED enum ysync_err ys_connection_start(struct ys_connection *connection, void *user);

/* Bytes that somebody else has read from its socket, before it was started: as if they came now. Not from inside an
 * event. */
void ys_connection_feed(struct ys_connection *connection, struct ysync_bytes bytes);

const struct ys_peer *ys_connection_peer(const struct ys_connection *connection);

/* HTTP */

/* The request that has not been answered yet. */
const struct ys_http_head *ys_connection_head(const struct ys_connection *connection);

/* Whatever its body is, it may come: a client that waits for permission to send it gets that. */
void ys_connection_want_body(struct ys_connection *connection);

/* Answers it. date, is_head, close and keep_alive are filled in: a request that is answered before its body has come
 * whole is the connection's last. May call `closed`. */
void ys_connection_answer(struct ys_connection *connection, const struct ys_http_answer *answer);

/* The same, with a body that is not copied: it lies in *owner, of which this takes a reference of its own. */
void ys_connection_answer_shared(struct ys_connection *connection, const struct ys_http_answer *answer,
                                 struct ys_blob *owner);

/* Answers it with 101: a WebSocket from now on. Errors: NOMEM; then drop it. */
YSYNC_CHECKED enum ysync_err ys_connection_upgrade(struct ys_connection *connection,
                                                   const struct ys_ws_request *request);

/* WebSocket */

/* Nothing the peer sends is looked at before due_ms: what has been read is held, and no more is read. */
void ys_connection_pause_until(struct ys_connection *connection, uint64_t due_ms);

/* Sends one small binary message, copied, ahead of what `next` holds. */
void ys_connection_send(struct ys_connection *connection, struct ysync_bytes message);

/* `next` has something. */
void ys_connection_wake(struct ys_connection *connection);

/* Closes with this code and reason, after what was sent (but without asking `next` again). An HTTP connection ends
 * after the answers given so far. Calls `closed` unless that has been done. */
void ys_connection_close(struct ys_connection *connection, uint16_t code, const char *reason);

/* Ends it at once. Calls `closed` if it was started, unless that has been done. */
void ys_connection_drop(struct ys_connection *connection);

/* From loop to loop. Their allocators may be used by both threads, and each may free what the other's has given. */

/* Closes the socket without a word. Any thread. Accepts NULL. */
void ys_travel_free(struct ys_travel *travel);

/* The request that has come is another loop's to answer. Once the answers to earlier ones have been sent the connection
 * leaves, and `departed` is called, never from inside this; if it cannot leave (no memory, no file descriptor) it is
 * dropped. To be called while the request is unanswered and its body not wanted; who answers it after all keeps the
 * connection. */
void ys_connection_depart(struct ys_connection *connection);

/* Takes it up on another loop, whose thread calls this. Then it is to be started, and ys_connection_resume() called,
 * before the loop turns. Errors: NOMEM, IO; then the travel is still the caller's. */
YSYNC_CHECKED enum ysync_err ys_connection_arrive(struct ys_loop *loop, struct ys_travel *travel,
                                                  const struct ys_connection_config *config,
                                                  struct ys_connection **out);

/* What a connection has brought along comes now. Not from inside an event of its own. */
void ys_connection_resume(struct ys_connection *connection);

#endif
