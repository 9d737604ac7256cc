/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket part of a connection's life (RFC 6455).
 *
 * Closing: whoever is first sends a close frame, the other answers with one, and the server ends the TCP
 * connection. After its close frame a side sends nothing else. When the peer broke the protocol, no answer is
 * waited for, as its input cannot be read any more. What the peer had sent before, in the same packet perhaps, is
 * answered first, as far as the socket takes that at once.
 *
 * Pongs: every ping gets one, as long as the socket takes them. When it does not, only the answer to the latest ping
 * is kept, as RFC 6455, 5.5.3, allows: so a peer that pings and never reads cannot fill our memory.
 *
 * A pause: one read may bring thousands of messages, and a pause begin behind any of them. The rest of the input is
 * held, and read anew when the pause is over, until the next one begins. So the kernel's buffers fill up, and the peer
 * is made to wait. Who cannot be heard is not dropped for being silent.
 */
#include <string.h>

#include "base/alloc.h"
#include "net/connection_impl.h"

/* Pongs of one turn leave ahead of its end once there are this many bytes. */
#define MAX_PONG_BYTES ((size_t)16 * 1024)

/* More than came ahead of the upgrade and one read behind it, which is all that can come before reading stops. */
#define MAX_PAUSED_BYTES (4 * YS_LOOP_READ_BYTES)

struct ys_pause {
    uint64_t due_ms;
    struct ys_buf held;
};

/* After something was put into `out`: sends it, or ends the connection that lost a part of it. */
static void out_was_put(struct ys_connection *connection)
{
    if (ys_buf_err(&connection->out))
        ys_connection_drop(connection);
    else
        ys_connection_wake(connection);
}

static void take_ping(struct ys_connection *connection, struct ysync_bytes payload)
{
    struct ys_buf *out = &connection->out;
    size_t len_before;

    if (connection->phase != YS_PHASE_WEBSOCKET)
        return;
    if (connection->write)
        out->len -= connection->pong_bytes;
    len_before = out->len;
    ys_ws_put_control(out, YS_WS_PONG, payload);
    connection->pong_bytes = (uint8_t)(out->len - len_before);
    out_was_put(connection);
    if (out->len > MAX_PONG_BYTES)
        ys_connection_flush(connection);
}

/* The peer spoke of closing, first or in answer. */
static void take_close(struct ys_connection *connection, const struct ys_ws_received *received)
{
    connection->is_ws_parser_done = true;
    ys_connection_flush(connection);
    if (connection->phase == YS_PHASE_WEBSOCKET) {
        if (received->close_code == YS_WS_CLOSE_NO_STATUS)
            ys_ws_put_control(&connection->out, YS_WS_CLOSE, (struct ysync_bytes){ NULL, 0 });
        else
            ys_ws_put_close(&connection->out, received->close_code, (struct ysync_bytes){ NULL, 0 });
        out_was_put(connection);
    }
    ys_connection_linger(connection, received->close_code);
}

static void take_error(struct ys_connection *connection, const struct ys_ws_received *received)
{
    bool is_too_large = received->close_code == YS_WS_CLOSE_TOO_BIG;

    connection->loop->counters.refused[is_too_large ? YS_LOOP_MESSAGE_TOO_LARGE : YS_LOOP_BAD_FRAME]++;
    connection->is_ws_parser_done = true;
    ys_connection_flush(connection);
    if (connection->phase == YS_PHASE_WEBSOCKET)
        ys_ws_phase_close(connection, received->close_code, received->problem);
    else
        ys_connection_linger(connection, received->close_code);
}

static void take_message(struct ys_connection *connection, struct ys_ws_received *received)
{
    bool is_compressed = received->is_compressed;

    if (connection->phase != YS_PHASE_WEBSOCKET)
        return;
    if (is_compressed)
        ys_compression_inflate(connection, received);
    if (received->event == YS_WS_EVENT_MESSAGE)
        connection->config->events->message(connection, connection->user, received->opcode, received->payload);
    else
        take_error(connection, received);
    if (is_compressed)
        ys_compression_release(connection);
}

static bool is_open(const struct ys_connection *connection)
{
    return connection->phase == YS_PHASE_WEBSOCKET || connection->phase == YS_PHASE_CLOSING;
}

static void hold(struct ys_connection *connection, const uint8_t *data, size_t len)
{
    struct ys_buf *held = &connection->pause->held;

    ys_buf_put(held, (struct ysync_bytes){ data, len });
    if (ys_buf_err(held))
        ys_connection_drop(connection);
}

void ys_ws_phase_input(struct ys_connection *connection, uint8_t *data, size_t len)
{
    struct ys_ws_received received;

    while (len > 0 && is_open(connection) && !connection->pause) {
        ys_ws_parser_feed(connection->ws, &data, &len, &received);
        switch (received.event) {
        case YS_WS_EVENT_MESSAGE:
            take_message(connection, &received);
            break;
        case YS_WS_EVENT_PING:
            take_ping(connection, received.payload);
            break;
        case YS_WS_EVENT_CLOSE:
            take_close(connection, &received);
            break;
        case YS_WS_EVENT_ERROR:
            take_error(connection, &received);
            break;
        default: /* a pong, like any bytes, shows that the peer is there */
            break;
        }
    }
    if (len > 0 && is_open(connection))
        hold(connection, data, len);
}

void ys_connection_pause_until(struct ys_connection *connection, uint64_t due_ms)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;

    if (connection->phase != YS_PHASE_WEBSOCKET)
        return;
    if (!connection->pause) {
        connection->pause = ys_alloc_zeroed(alloc, 1, sizeof(*connection->pause));
        if (!connection->pause) {
            ys_connection_drop(connection);
            return;
        }
        ys_buf_init(&connection->pause->held, alloc, MAX_PAUSED_BYTES);
    }
    connection->pause->due_ms = due_ms;
    uv_read_stop(&connection->uv.stream);
    ys_connection_look_by(connection, due_ms);
}

uint64_t ys_ws_phase_pause_due(const struct ys_connection *connection)
{
    return connection->pause ? connection->pause->due_ms : YS_TIMER_NEVER;
}

void ys_ws_phase_end_pause(struct ys_connection *connection)
{
    struct ys_pause *pause = connection->pause;

    connection->pause = NULL;
    connection->is_ping_open = false;
    ys_ws_phase_input(connection, pause->held.data, pause->held.len);
    ys_buf_deinit(&pause->held);
    ys_free(connection->loop->alloc, pause);
    ys_connection_resume_reading(connection);
}

void ys_ws_phase_free_pause(struct ys_connection *connection)
{
    if (!connection->pause)
        return;
    ys_buf_deinit(&connection->pause->held);
    ys_free(connection->loop->alloc, connection->pause);
}

/* The peer's close frame may stand anywhere in what is held. */
static void hurry_pause(struct ys_connection *connection)
{
    if (!connection->pause)
        return;
    connection->pause->due_ms = ys_loop_now(connection->loop);
    ys_connection_look_by(connection, connection->pause->due_ms);
}

void ys_ws_phase_close(struct ys_connection *connection, uint16_t code, const char *reason)
{
    ys_ws_put_close(&connection->out, code, (struct ysync_bytes){ (const uint8_t *)reason, strlen(reason) });
    connection->pong_bytes = 0;
    out_was_put(connection);
    if (connection->phase == YS_PHASE_GONE)
        return;
    if (connection->is_ws_parser_done) {
        ys_connection_linger(connection, code);
        return;
    }
    connection->phase = YS_PHASE_CLOSING;
    ys_connection_set_deadline(connection, ys_loop_now(connection->loop) + connection->config->close_timeout_ms);
    hurry_pause(connection);
    ys_connection_report_closed(connection, code);
}

void ys_connection_send(struct ys_connection *connection, struct ysync_bytes message)
{
    uint8_t header[YS_WS_MAX_HEADER_BYTES];

    if (connection->phase != YS_PHASE_WEBSOCKET)
        return;
    ys_buf_put(&connection->out, (struct ysync_bytes){ header, ys_ws_put_header(header, YS_WS_BINARY, message.len) });
    ys_buf_put(&connection->out, message);
    connection->pong_bytes = 0;
    out_was_put(connection);
}

static void set_ping_time(struct ys_connection *connection)
{
    uint64_t every_ms = connection->config->ping_every_ms;

    ys_connection_set_deadline(connection, every_ms ? ys_loop_now(connection->loop) + every_ms : YS_TIMER_NEVER);
}

void ys_ws_phase_begin(struct ys_connection *connection)
{
    connection->phase = YS_PHASE_WEBSOCKET;
    set_ping_time(connection);
    ys_connection_wake(connection);
}

/* Anything that came since the last ping is an answer to it: a pong may stand behind a message that takes long. A
 * peer that is still taking what was sent before could not answer yet: whether it does take it, stream.c watches. And a
 * loop that was held up runs its timers before it reads: the answer may lie in the socket. */
void ys_ws_phase_timeout(struct ys_connection *connection)
{
    bool may_answer = !connection->write && !connection->pause;

    if (connection->is_ping_open && may_answer && !ys_connection_has_unread_input(connection)) {
        ys_connection_drop(connection);
        return;
    }
    if (!connection->write) {
        connection->is_ping_open = true;
        ys_ws_put_control(&connection->out, YS_WS_PING, (struct ysync_bytes){ NULL, 0 });
        connection->pong_bytes = 0;
        out_was_put(connection);
    }
    if (connection->phase == YS_PHASE_WEBSOCKET)
        set_ping_time(connection);
}
