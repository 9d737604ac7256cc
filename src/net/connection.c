/* SPDX-License-Identifier: MIT */
/*
 * How a connection ends. A socket that is closed while input lies unread answers with a reset, and a reset may
 * overtake the close frame or the answer that was sent last. So the ends of all good connections are the
 * same: everything leaves, then our FIN, then what the peer still sends is read and thrown away until its FIN or
 * until close_timeout_ms have passed (RFC 9112, 9.6).
 *
 * libuv still uses a handle after uv_close(), until it calls back; so a connection that is dropped is GONE at once
 * for everybody else, and its memory goes in that callback.
 */
#include "net/connection.h"

#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/connection_impl.h"

void ys_connection_config_init(struct ys_connection_config *config, const struct ys_connection_events *events)
{
    *config = (struct ys_connection_config){
        .events = events,
        .max_message_bytes = (size_t)64 * 1024 * 1024,
        .ping_every_ms = 30000,
        .head_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .stall_timeout_ms = 60000,
        .close_timeout_ms = 5000,
    };
}

/* Nothing can be said to a peer whose TLS handshake does not come to its end. */
static void give_up_handshake(struct ys_connection *connection)
{
    connection->loop->counters.refused[YS_LOOP_TIMEOUT]++;
    ys_connection_drop(connection);
}

static void on_deadline(struct ys_connection *connection)
{
    if (connection->phase == YS_PHASE_HTTP && connection->secure && !ys_secure_is_established(connection))
        give_up_handshake(connection);
    else if (connection->phase == YS_PHASE_HTTP)
        ys_http_phase_timeout(connection);
    else if (connection->phase == YS_PHASE_WEBSOCKET)
        ys_ws_phase_timeout(connection);
    else
        ys_connection_drop(connection);
}

static void on_timer(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_connection *connection = YS_CONTAINER_OF(timer, struct ys_connection, timer);

    if (ys_connection_is_stalled(connection, now_ms)) {
        ys_connection_drop(connection);
        return;
    }
    if (now_ms >= connection->deadline_ms)
        on_deadline(connection);
    if (now_ms >= ys_ws_phase_pause_due(connection))
        ys_ws_phase_end_pause(connection);
    if (connection->phase == YS_PHASE_GONE)
        return;
    ys_connection_look_by(connection, connection->deadline_ms);
    ys_connection_look_by(connection, ys_connection_stall_due(connection));
    ys_connection_look_by(connection, ys_ws_phase_pause_due(connection));
}

void ys_connection_look_by(struct ys_connection *connection, uint64_t due_ms)
{
    if (due_ms == YS_TIMER_NEVER)
        return;
    if (!ys_timer_is_armed(&connection->timer) || connection->timer.due_ms > due_ms)
        ys_loop_arm(connection->loop, &connection->timer, due_ms);
}

void ys_connection_set_deadline(struct ys_connection *connection, uint64_t due_ms)
{
    connection->deadline_ms = due_ms;
    ys_connection_look_by(connection, due_ms);
}

enum ysync_err ys_connection_new(struct ys_loop *loop, const struct ys_connection_config *config, bool is_pipe,
                                 struct ys_connection **out)
{
    struct ys_connection *connection = ys_alloc_zeroed(loop->alloc, 1, sizeof(*connection));
    int status;

    if (!connection)
        return YSYNC_ERR_NOMEM;
    if (is_pipe)
        status = uv_pipe_init(loop->uv, &connection->uv.pipe, 0);
    else
        status = uv_tcp_init(loop->uv, &connection->uv.tcp);
    if (status < 0) {
        ys_free(loop->alloc, connection);
        return YSYNC_ERR_NOMEM;
    }
    connection->uv.handle.data = connection;
    connection->loop = loop;
    connection->config = config;
    connection->deadline_ms = YS_TIMER_NEVER;
    connection->phase = YS_PHASE_HTTP;
    ys_list_append(&loop->connections, &connection->node);
    ys_list_init(&connection->flush_node);
    ys_timer_init(&connection->timer, on_timer);
    ys_buf_init(&connection->out, loop->alloc, SIZE_MAX);
    *out = connection;
    return YSYNC_OK;
}

static void note_peer(struct ys_connection *connection, bool is_pipe)
{
    struct ys_address address = { .socket.family = AF_UNIX };
    int len = sizeof(address);

    if (!is_pipe)
        uv_tcp_getpeername(&connection->uv.tcp, &address.socket.any, &len);
    connection->peer = ys_peer_of(&address);
}

enum ysync_err ys_connection_accept(struct ys_loop *loop, uv_stream_t *listener,
                                    const struct ys_connection_config *config, struct ys_connection **out)
{
    bool is_pipe = listener->type == UV_NAMED_PIPE;
    struct ys_connection *connection;
    enum ysync_err err = ys_connection_new(loop, config, is_pipe, &connection);

    if (err)
        return err;
    if (config->tls)
        err = ys_secure_begin(connection, config->tls);
    if (err) {
        ys_connection_drop(connection);
        return err;
    }
    if (uv_accept(listener, &connection->uv.stream) < 0) {
        ys_connection_drop(connection);
        return YSYNC_ERR_IO;
    }
    note_peer(connection, is_pipe);
    /* Whatever leaves has been gathered already: waiting for more would only delay it. */
    if (!is_pipe)
        uv_tcp_nodelay(&connection->uv.tcp, 1);
    *out = connection;
    return YSYNC_OK;
}

static bool is_unix_socket(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family == AF_UNIX;
}

enum ysync_err ys_connection_open(struct ys_connection *connection, int fd)
{
    if (connection->uv.handle.type == UV_NAMED_PIPE)
        return uv_pipe_open(&connection->uv.pipe, fd) < 0 ? YSYNC_ERR_IO : YSYNC_OK;
    if (uv_tcp_open(&connection->uv.tcp, fd) < 0)
        return YSYNC_ERR_IO;
    uv_tcp_nodelay(&connection->uv.tcp, 1);
    return YSYNC_OK;
}

enum ysync_err ys_connection_adopt(struct ys_loop *loop, int fd, const struct ys_connection_config *config,
                                   struct ys_connection **out)
{
    bool is_pipe = is_unix_socket(fd);
    struct ys_connection *connection;
    enum ysync_err err = ys_connection_new(loop, config, is_pipe, &connection);

    if (err)
        return err;
    err = ys_connection_open(connection, fd);
    if (err) {
        ys_connection_drop(connection);
        return err;
    }
    note_peer(connection, is_pipe);
    *out = connection;
    return YSYNC_OK;
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct ys_connection *connection = handle->data;

    (void)suggested;
    ys_loop_begin_turn(connection->loop);
    if (connection->secure)
        *out = ys_secure_lend(connection);
    else
        *out = uv_buf_init((char *)connection->loop->read_buffer, YS_LOOP_READ_BYTES);
}

void ys_connection_take_input(struct ys_connection *connection, uint8_t *data, size_t len)
{
    connection->is_ping_open = false;
    if (connection->http && connection->phase != YS_PHASE_HTTP)
        ys_http_phase_resume(connection);
    switch (connection->phase) {
    case YS_PHASE_HTTP:
        ys_http_phase_input(connection, data, len);
        break;
    case YS_PHASE_WEBSOCKET:
    case YS_PHASE_CLOSING:
        ys_ws_phase_input(connection, data, len);
        break;
    default: /* lingering: thrown away */
        break;
    }
}

void ys_connection_take_eof(struct ys_connection *connection)
{
    if (connection->has_eof) /* TLS has said so before their FIN does */
        return;
    connection->has_eof = true;
    switch (connection->phase) {
    case YS_PHASE_HTTP:
        ys_http_phase_eof(connection);
        break;
    case YS_PHASE_LINGERING:
        ys_connection_wake(connection);
        break;
    default:
        ys_connection_drop(connection);
        break;
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct ys_connection *connection = stream->data;

    if (count > 0)
        connection->loop->counters.bytes_received += (uint64_t)count;
    if (count > 0 && connection->secure)
        ys_secure_input(connection, (struct ysync_bytes){ (uint8_t *)buffer->base, (size_t)count });
    else if (count > 0)
        ys_connection_take_input(connection, (uint8_t *)buffer->base, (size_t)count);
    else if (count == UV_EOF)
        ys_connection_take_eof(connection);
    else if (count < 0)
        ys_connection_drop(connection);
}

void ys_connection_resume_reading(struct ys_connection *connection)
{
    bool is_paused = connection->pause && connection->phase < YS_PHASE_LINGERING;

    if (connection->phase != YS_PHASE_GONE && !connection->has_eof && !is_paused)
        uv_read_start(&connection->uv.stream, lend_buffer, on_read);
}

enum ysync_err ys_connection_start(struct ys_connection *connection, void *user)
{
    enum ysync_err err = connection->http ? YSYNC_OK : ys_http_phase_begin(connection);

    if (err)
        return err;
    connection->user = user;
    connection->is_started = true;
    if (connection->secure && !ys_secure_is_established(connection))
        ys_connection_set_deadline(connection, ys_loop_now(connection->loop) + connection->config->head_timeout_ms);
    if (!ys_http_phase_is_holding(connection)) /* what it has brought along comes first */
        ys_connection_resume_reading(connection);
    return YSYNC_OK;
}

/* Input may be written to, so it is copied to where it would have come from the socket. */
void ys_connection_feed(struct ys_connection *connection, struct ysync_bytes bytes)
{
    while (bytes.len > 0 && connection->phase != YS_PHASE_GONE) {
        size_t count = bytes.len < YS_LOOP_READ_BYTES ? bytes.len : YS_LOOP_READ_BYTES;

        memcpy(connection->loop->read_buffer, bytes.data, count);
        ys_connection_take_input(connection, connection->loop->read_buffer, count);
        bytes = (struct ysync_bytes){ bytes.data + count, bytes.len - count };
    }
}

const struct ys_peer *ys_connection_peer(const struct ys_connection *connection)
{
    return &connection->peer;
}

void ys_connection_wake(struct ys_connection *connection)
{
    if (connection->phase != YS_PHASE_GONE && ys_list_is_empty(&connection->flush_node))
        ys_list_append(&connection->loop->to_flush, &connection->flush_node);
}

void ys_connection_report_closed(struct ys_connection *connection, uint16_t code)
{
    if (!connection->is_started)
        return;
    connection->is_started = false;
    connection->config->events->closed(connection, connection->user, code);
}

void ys_connection_linger(struct ys_connection *connection, uint16_t code)
{
    if (connection->phase >= YS_PHASE_LINGERING)
        return;
    connection->phase = YS_PHASE_LINGERING;
    ys_connection_set_deadline(connection, ys_loop_now(connection->loop) + connection->config->close_timeout_ms);
    ys_connection_resume_reading(connection);
    ys_connection_wake(connection);
    ys_connection_report_closed(connection, code);
}

bool ys_connection_has_unread_input(const struct ys_connection *connection)
{
    uv_os_fd_t fd;
    uint8_t byte;

    return uv_fileno(&connection->uv.handle, &fd) == 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void ys_connection_output_is_out(struct ys_connection *connection)
{
    uv_os_fd_t fd;

    if (ys_secure_end(connection)) {
        ys_connection_wake(connection);
        return;
    }
    if (connection->has_eof) {
        ys_connection_drop(connection);
        return;
    }
    if (connection->has_shut_down)
        return;
    connection->has_shut_down = true;
    if (uv_fileno(&connection->uv.handle, &fd) == 0)
        shutdown(fd, SHUT_WR);
}

void ys_connection_close(struct ys_connection *connection, uint16_t code, const char *reason)
{
    bool owes_bytes = connection->out.len > 0 || ys_http_phase_has_body(connection) || connection->write ||
                      ys_secure_has_rest(connection);

    /* TLS has a last word, with which the peer can tell this from being cut off. */
    if (connection->phase == YS_PHASE_HTTP && (owes_bytes || ys_secure_is_established(connection)))
        ys_connection_linger(connection, YS_CONNECTION_NO_CODE);
    else if (connection->phase == YS_PHASE_HTTP)
        ys_connection_drop(connection);
    else if (connection->phase == YS_PHASE_WEBSOCKET)
        ys_ws_phase_close(connection, code, reason);
}

static void on_closed(uv_handle_t *handle)
{
    struct ys_connection *connection = handle->data;
    struct ys_loop *loop = connection->loop;
    void (*emptied)(void *user) = loop->emptied;

    ys_list_remove(&connection->node);
    ys_http_phase_free(connection);
    ys_ws_parser_free(connection->ws);
    ys_ws_phase_free_pause(connection);
    ys_secure_free(connection->secure);
    ys_buf_deinit(&connection->out);
    ys_free(loop->alloc, connection);
    if (emptied && ys_list_is_empty(&loop->connections)) {
        loop->emptied = NULL;
        emptied(loop->emptied_user);
    }
}

void ys_connection_vanish(struct ys_connection *connection)
{
    connection->phase = YS_PHASE_GONE;
    ys_loop_disarm(connection->loop, &connection->timer);
    ys_list_remove(&connection->flush_node);
    uv_close(&connection->uv.handle, on_closed);
}

void ys_connection_drop(struct ys_connection *connection)
{
    bool was_http = connection->phase == YS_PHASE_HTTP;

    if (connection->phase == YS_PHASE_GONE)
        return;
    ys_connection_vanish(connection);
    ys_connection_report_closed(connection, was_http ? YS_CONNECTION_NO_CODE : YS_CONNECTION_CUT_OFF);
}
