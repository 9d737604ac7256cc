/* SPDX-License-Identifier: MIT */
#include "net/echo.h"

#include <string.h>

#include "base/alloc.h"

/* A connection's messages on their way back. */
struct session {
    struct ys_echo *echo;
    struct ys_blob **queue;
    size_t len;
    size_t cap;
    size_t taken;
};

static struct ysync_bytes find(const struct ys_http_head *head, const char *name)
{
    struct ysync_bytes value = { NULL, 0 };

    ys_http_head_find(head, name, &value);
    return value;
}

static void grant(struct ys_connection *connection, const struct ys_http_head *head)
{
    const struct ys_ws_request request = {
        .key = find(head, "Sec-WebSocket-Key"),
        .version = find(head, "Sec-WebSocket-Version"),
        .protocols = find(head, "Sec-WebSocket-Protocol"),
        .extensions = find(head, "Sec-WebSocket-Extensions"),
    };
    const char *why = NULL;
    int status = ys_ws_check_request(&request, &why);

    if (status != 101)
        ys_connection_answer(connection, &(struct ys_http_answer){ .status = status });
    else if (ys_connection_upgrade(connection, &request))
        ys_connection_drop(connection);
}

static bool is_elsewhere(const struct ys_echo *echo, struct ysync_bytes path)
{
    size_t len = echo->elsewhere ? strlen(echo->elsewhere) : 0;

    return len > 0 && path.len >= len && memcmp(path.data, echo->elsewhere, len) == 0;
}

static void on_head(struct ys_connection *connection, void *user, const struct ys_http_head *head)
{
    struct session *session = user;

    if (is_elsewhere(session->echo, head->path)) {
        ys_connection_depart(connection);
        return;
    }
    session->echo->heads++;
    if (session->echo->answers_later)
        return;
    if (head->wants_websocket)
        grant(connection, head);
    else if (head->has_body)
        ys_connection_want_body(connection);
    else
        ys_connection_answer(connection, &(struct ys_http_answer){ .status = 200, .body = head->path });
}

static void on_body(struct ys_connection *connection, void *user, struct ysync_bytes piece)
{
    struct session *session = user;

    (void)connection;
    session->echo->body_bytes += piece.len;
}

static void on_end(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    if (!session->echo->answers_later)
        ys_connection_answer(connection,
                             &(struct ys_http_answer){ .status = 200, .body = ys_connection_head(connection)->path });
}

/* Frames are of binary messages, but for those that have a header already. */
static void mark_as_text(struct ys_blob *blob)
{
    uint8_t header[YS_WS_MAX_HEADER_BYTES];
    size_t size = ys_ws_put_header(header, YS_WS_TEXT, blob->len);

    memcpy(ys_blob_data(blob) - size, header, size);
    blob->head_len = (uint8_t)size;
    blob->has_no_variant = true; /* it would be binary */
}

/* Takes a reference of its own. */
static enum ysync_err queue_blob(struct session *session, struct ys_blob *blob)
{
    if (!ys_grow_array(session->echo->alloc, &session->queue, &session->cap, session->len + 1, sizeof(blob)))
        return YSYNC_ERR_NOMEM;
    session->queue[session->len++] = ys_blob_ref(blob);
    return YSYNC_OK;
}

static enum ysync_err queue(struct session *session, enum ys_ws_opcode opcode, struct ysync_bytes message)
{
    struct ys_blob *blob = ys_blob_copy(session->echo->alloc, message);
    enum ysync_err err;

    if (!blob)
        return YSYNC_ERR_NOMEM;
    if (opcode == YS_WS_TEXT)
        mark_as_text(blob);
    err = queue_blob(session, blob);
    ys_blob_unref(blob);
    return err;
}

static void on_flooded(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    session->echo->floods++;
    grant(connection, ys_connection_head(connection));
    ys_connection_close(connection, YS_WS_CLOSE_POLICY, "too much");
}

static void on_message(struct ys_connection *connection, void *user, enum ys_ws_opcode opcode,
                       struct ysync_bytes payload)
{
    struct session *session = user;

    if (session->echo->pauses)
        ys_connection_pause_until(connection, UINT64_MAX - 1);
    if (opcode == YS_WS_TEXT && !session->echo->echoes_text)
        ys_connection_close(connection, YS_WS_CLOSE_UNSUPPORTED, "binary only");
    else if (queue(session, opcode, payload))
        ys_connection_drop(connection);
    else
        ys_connection_wake(connection);
}

static struct ys_blob *on_next(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    (void)connection;
    if (session->taken < session->len) {
        session->echo->pulls++;
        return session->queue[session->taken++];
    }
    ys_free(session->echo->alloc, session->queue);
    session->queue = NULL;
    session->len = session->cap = session->taken = 0;
    return NULL;
}

static void end_session(struct session *session, const struct ys_connection *connection)
{
    struct ys_echo *echo = session->echo;

    if (echo->latest == connection)
        echo->latest = NULL;
    echo->open--;
    while (session->taken < session->len)
        ys_blob_unref(session->queue[session->taken++]);
    ys_free(echo->alloc, session->queue);
    ys_free(echo->alloc, session);
}

static void on_closed(struct ys_connection *connection, void *user, uint16_t code)
{
    struct session *session = user;
    struct ys_echo *echo = session->echo;

    end_session(session, connection);
    echo->closed++;
    echo->closed_code = code;
}

static void on_departed(struct ys_connection *connection, void *user, struct ys_travel *travel)
{
    struct session *session = user;
    struct ys_echo *echo = session->echo;

    end_session(session, connection);
    echo->departures++;
    echo->departed(echo, travel);
}

static const struct ys_connection_events events = {
    .head = on_head,
    .body = on_body,
    .end = on_end,
    .flooded = on_flooded,
    .message = on_message,
    .next = on_next,
    .closed = on_closed,
    .departed = on_departed,
};

static void on_accepted(void *user, struct ys_connection *connection)
{
    struct ys_echo *echo = user;
    struct session *session = ys_alloc_zeroed(echo->alloc, 1, sizeof(*session));

    if (!session || ys_connection_start(connection, session)) {
        ys_free(echo->alloc, session);
        ys_connection_drop(connection);
        return;
    }
    session->echo = echo;
    echo->open++;
    echo->latest = connection;
    echo->latest_session = session;
}

enum ysync_err ys_echo_open(struct ys_echo *echo, const struct ysync_alloc *alloc, uint16_t port,
                            struct ysync_problem *problem)
{
    struct ys_listener_config config = { .connections = &echo->config, .accepted = on_accepted, .user = echo };
    enum ysync_err err;

    *echo = (struct ys_echo){ .alloc = alloc };
    ys_connection_config_init(&echo->config, &events);
    err = ys_address_parse("127.0.0.1", port, &config.address);
    if (!err)
        err = ys_loop_open(alloc, NULL, &echo->loop);
    if (err)
        return err;
    err = ys_listener_open(echo->loop, &config, &echo->listener, problem);
    if (err)
        ys_loop_close(echo->loop);
    return err;
}

uint16_t ys_echo_port(const struct ys_echo *echo)
{
    return ys_address_port(ys_listener_address(echo->listener));
}

enum ysync_err ys_echo_send(struct ys_echo *echo, struct ysync_bytes message)
{
    enum ysync_err err = queue(echo->latest_session, YS_WS_BINARY, message);

    if (!err)
        ys_connection_wake(echo->latest);
    return err;
}

enum ysync_err ys_echo_send_blob(struct ys_echo *echo, struct ys_blob *blob)
{
    enum ysync_err err = queue_blob(echo->latest_session, blob);

    if (!err)
        ys_connection_wake(echo->latest);
    return err;
}

void ys_echo_take_in(struct ys_echo *echo, struct ys_travel *travel)
{
    struct ys_connection *connection;

    if (ys_connection_arrive(echo->loop, travel, &echo->config, &connection)) {
        ys_travel_free(travel);
        return;
    }
    echo->arrivals++;
    on_accepted(echo, connection);
    ys_connection_resume(connection);
}

void ys_echo_close(struct ys_echo *echo)
{
    ys_listener_close(echo->listener);
    ys_loop_drop_connections(echo->loop);
    ys_loop_close(echo->loop);
}

static void on_moment(uv_timer_t *timer)
{
    (void)timer;
}

/* A moment that has passed by the time the loop is about to wait, as on a busy machine, must not be the last one: the
 * loop would wait for something else then. */
void ys_echo_pump(void *user)
{
    struct ys_echo *echo = user;
    uv_timer_t moment;

    uv_timer_init(echo->loop->uv, &moment);
    uv_timer_start(&moment, on_moment, 5, 5);
    uv_run(echo->loop->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&moment, NULL);
    uv_run(echo->loop->uv, UV_RUN_NOWAIT);
}
