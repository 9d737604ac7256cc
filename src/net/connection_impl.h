/* SPDX-License-Identifier: MIT */
/*
 * The inside of a connection, for the files that make it up:
 *
 *     connection.c    birth, deadlines, closing, death; bytes in
 *     stream.c        bytes out
 *     http_phase.c    requests and answers
 *     ws_phase.c      messages, pings, the close handshake
 *     travel.c        from one loop to another
 *     secure.c        TLS, between the socket and all of the above
 *     compression.c   messages in their compressed form, both ways
 */
#ifndef YS_NET_CONNECTION_IMPL_H
#define YS_NET_CONNECTION_IMPL_H

#include "net/connection.h"

enum ys_phase {
    YS_PHASE_HTTP,
    YS_PHASE_WEBSOCKET,
    YS_PHASE_CLOSING,   /* our close frame was sent first: theirs is awaited, the rest of their input ignored */
    YS_PHASE_LINGERING, /* what is left leaves, then our FIN; their input is thrown away until their FIN */
    YS_PHASE_GONE,      /* with libuv: freed in the close callback */
};

struct ys_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct ys_loop *loop;
    const struct ys_connection_config *config;
    void *user;
    struct ys_secure *secure;   /* NULL: the bytes of the wire are the plain ones */
    struct ys_list node;        /* in loop->connections */
    struct ys_list flush_node;  /* in loop->to_flush, while something may have to be sent */
    struct ys_timer timer;      /* fires no later than the deadlines; they move without moving it */
    uint64_t deadline_ms;       /* of the phase */
    struct ys_http_phase *http; /* until the upgrade, and until what came behind that request has been passed on */
    struct ys_ws_parser *ws;    /* from the upgrade on */
    struct ys_pause *pause;     /* NULL, or why nothing is read */
    struct ys_write *write;     /* what the socket would not take: while it is under way nothing else is written */
    struct ys_buf out; /* answers and control frames: leaves ahead of what `next` has, and of an answer's body */
    struct ys_peer peer;
    uint8_t phase;          /* enum ys_phase */
    uint8_t pong_bytes;     /* a pong of this size ends `out` */
    bool compresses;        /* the peer and we agreed on permessage-deflate */
    bool is_started;        /* `closed` is owed */
    bool is_ws_parser_done; /* it must not be fed again */
    bool is_ping_open;      /* nothing was heard since our last ping */
    bool has_eof;           /* their FIN has come */
    bool has_shut_down;     /* ours has left */
};

/* connection.c */

/* The peer's bytes, which may be written to, and the end of them. */
void ys_connection_take_input(struct ys_connection *connection, uint8_t *data, size_t len);
void ys_connection_take_eof(struct ys_connection *connection);
/* Moves the deadline of the phase; YS_TIMER_NEVER for none. */
void ys_connection_set_deadline(struct ys_connection *connection, uint64_t due_ms);
/* The timer fires at due_ms or earlier. */
void ys_connection_look_by(struct ys_connection *connection, uint64_t due_ms);
/* One without a socket, and the socket that it takes on success. Errors: NOMEM; IO. */
YSYNC_CHECKED enum ysync_err ys_connection_new(struct ys_loop *loop, const struct ys_connection_config *config,
                                               bool is_pipe, struct ys_connection **out);
YSYNC_CHECKED enum ysync_err ys_connection_open(struct ys_connection *connection, int fd);
/* Goes on after uv_read_stop(), unless there is a pause. */
void ys_connection_resume_reading(struct ys_connection *connection);
/* Nothing more is taken in. What is in `out` still leaves. Calls `closed`. */
void ys_connection_linger(struct ys_connection *connection, uint16_t code);
void ys_connection_report_closed(struct ys_connection *connection, uint16_t code);
/* Does something lie in the socket that no turn has come to yet? */
bool ys_connection_has_unread_input(const struct ys_connection *connection);
/* All has been sent and the peer has nothing more to say, or will not be listened to: FIN, or the end. */
void ys_connection_output_is_out(struct ys_connection *connection);
/* Gone, and its socket closed, without a word to anybody. */
void ys_connection_vanish(struct ys_connection *connection);

/* stream.c */

/* Sends as much as there is and the socket takes. Returns how many bytes it was given. */
size_t ys_connection_flush(struct ys_connection *connection);
/* Has the peer taken nothing of the write under way for stall_timeout_ms? Looks now and then. */
bool ys_connection_is_stalled(struct ys_connection *connection, uint64_t now_ms);
uint64_t ys_connection_stall_due(const struct ys_connection *connection); /* YS_TIMER_NEVER when nothing is under way */

/* http_phase.c */

YSYNC_CHECKED enum ysync_err ys_http_phase_begin(struct ys_connection *connection);
void ys_http_phase_free(struct ys_connection *connection);
/* Is the body of the last answer in `out` still to be sent, from where it lies? Taking it gives the caller the
 * reference to its owner. */
bool ys_http_phase_has_body(const struct ys_connection *connection);
struct ys_blob *ys_http_phase_take_body(struct ys_connection *connection, struct ysync_bytes *body);
/* Takes in bytes, which may be written to: all of them, some for later. */
void ys_http_phase_input(struct ys_connection *connection, uint8_t *data, size_t len);
void ys_http_phase_eof(struct ys_connection *connection);
void ys_http_phase_timeout(struct ys_connection *connection);
/* Answers a request that cannot be understood, or does not come, as the last one. */
void ys_http_phase_give_up(struct ys_connection *connection, int status, const char *why);
/* Something has been sent: requests that waited for that go on. After the upgrade: what is held is the WebSocket's. */
void ys_http_phase_resume(struct ys_connection *connection);
/* Is the request that waits for its answer to be answered elsewhere? Then: it and what was read behind it. */
bool ys_http_phase_is_departing(const struct ys_connection *connection);
YSYNC_CHECKED enum ysync_err ys_http_phase_pack(const struct ys_connection *connection, struct ys_buf *to);
/* The same bytes are held until the phase is resumed. Takes them. */
void ys_http_phase_unpack(struct ys_connection *connection, struct ys_buf *from);
bool ys_http_phase_is_holding(const struct ys_connection *connection);

/* ws_phase.c */

/* There is a parser, and the answer is in `out`. */
void ys_ws_phase_begin(struct ys_connection *connection);
void ys_ws_phase_input(struct ys_connection *connection, uint8_t *data, size_t len);
void ys_ws_phase_timeout(struct ys_connection *connection);
/* When the pause is over; YS_TIMER_NEVER if there is none. */
uint64_t ys_ws_phase_pause_due(const struct ys_connection *connection);
void ys_ws_phase_end_pause(struct ys_connection *connection);
void ys_ws_phase_free_pause(struct ys_connection *connection);
void ys_ws_phase_close(struct ys_connection *connection, uint16_t code, const char *reason);

/* compression.c; for connections that agreed on it */

/* Turns a compressed message into what it holds, until it is released, or into an ERROR. */
void ys_compression_inflate(struct ys_connection *connection, struct ys_ws_received *received);
void ys_compression_release(struct ys_connection *connection);
/* The message as it goes on the wire, compressed where that is worth it; good as long as the blob is. */
struct ysync_bytes ys_compression_frame(struct ys_connection *connection, struct ys_blob *blob);

/* travel.c */

/* Everything has been sent. Calls `departed`, or `closed`. */
void ys_connection_leave(struct ys_connection *connection);

/* secure.c; lend, input, keep, seal and out are for connections that speak TLS alone. */

YSYNC_CHECKED enum ysync_err ys_secure_begin(struct ys_connection *connection, struct ys_tls_context *context);
void ys_secure_free(struct ys_secure *secure); /* accepts NULL */
/* Is the handshake complete? */
bool ys_secure_is_established(const struct ys_connection *connection);
/* What to read into, and what was read. */
uv_buf_t ys_secure_lend(struct ys_connection *connection);
void ys_secure_input(struct ys_connection *connection, struct ysync_bytes bytes);
/* Was anything kept that is not encrypted yet? It must be before more is pulled. */
bool ys_secure_has_rest(const struct ys_connection *connection);
/* Keeps what is to be encrypted piece by piece, when nothing was kept: *front (NULL: nothing), which is empty
 * afterwards, then `large`. Takes the reference to its owner. */
void ys_secure_keep(struct ys_connection *connection, struct ys_buf *front, struct ysync_bytes large,
                    struct ys_blob *owner);
/* Encrypts what was gathered, and of what was kept as much as makes it a piece. On failure the connection is beyond
 * use. */
YSYNC_CHECKED enum ysync_err ys_secure_seal(struct ys_connection *connection, struct ysync_bytes gathered);
/* The ciphertext that waits to be sent; who sends it empties it. */
struct ys_buf *ys_secure_out(struct ys_connection *connection);
/* True if the peer was now told of the end, in what waits to be sent. */
bool ys_secure_end(struct ys_connection *connection);

#endif
