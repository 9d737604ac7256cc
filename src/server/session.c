/* SPDX-License-Identifier: MIT */
/*
 * How a request becomes a member:
 *
 *     head --- no upgrade ----------------------------------> rest.c answers
 *       '----- upgrade --- which room, token? --- 400, 404, 426
 *                              '-- verdict? --- no: "2 0 Unauthorized", close 4001 (or 401, see backoff.h)
 *                                     '-------- yes: join, 101; or, without a document, close 4004 (or 404)
 *
 * The verdict may come later than the question. The connection keeps the head until it is answered, so what was read
 * from it is read again then, and nothing has to be kept here meanwhile. No room is made before the verdict.
 */
#include "server/session.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "server/rate.h"
#include "server/rest.h"
#include "server/upgrade.h"

struct session {
    struct ys_list node; /* in context->sessions */
    struct ys_session_context *context;
    struct ys_connection *connection;
    struct ys_rest rest;          /* what comes before, or instead */
    struct ys_question *question; /* while the verdict on a WebSocket is awaited */
    struct ys_member *member;     /* NULL until it has joined */
    struct ys_rate rate;          /* from then on, where there is a limit */
};

static void wake(void *user)
{
    struct session *session = user;

    ys_connection_wake(session->connection);
}

static void on_dropped(void *user)
{
    struct session *session = user;

    ys_connection_close(session->connection, YS_WS_CLOSE_NOT_FOUND_4404, "Room deleted");
}

static const struct ys_member_events member_events = { .wake = wake, .dropped = on_dropped };

static void log_opened(const struct session *session)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(ys_connection_peer(session->connection), peer);
    ys_log(&session->context->config->log, YSYNC_LOG_DEBUG, "connection_opened", YS_LOG_STR("peer", peer),
           YS_LOG_BYTES("room", ys_room_name(ys_member_room(session->member))));
}

static void log_closed(const struct session *session, uint16_t code)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(ys_connection_peer(session->connection), peer);
    ys_log(&session->context->config->log, YSYNC_LOG_DEBUG, "connection_closed", YS_LOG_STR("peer", peer),
           YS_LOG_NUM("code", code));
}

static void log_malformed(const struct session *session, const char *problem)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(ys_connection_peer(session->connection), peer);
    ys_log(&session->context->config->log, YSYNC_LOG_WARN, "malformed_message",
           YS_LOG_BYTES("room", ys_room_name(ys_member_room(session->member))), YS_LOG_STR("peer", peer),
           YS_LOG_STR("problem", problem));
}

/* Clients of the protocol expect to be told by a message and a close code, not by a handshake that fails. message may
 * be NULL. */
static void open_and_close(struct session *session, const struct ys_upgrade *upgrade, const struct ys_blob *message,
                           uint16_t code, const char *reason)
{
    struct ys_connection *connection = session->connection;

    if (ys_connection_upgrade(connection, &upgrade->request)) {
        ys_connection_drop(connection);
        return;
    }
    if (message)
        ys_connection_send(connection, ys_blob_bytes(message));
    ys_connection_close(connection, code, reason);
}

static bool must_be_told_by_http(struct session *session)
{
    struct ys_session_context *context = session->context;

    return ys_backoff_note(context->backoff, ys_connection_peer(session->connection)->ip, ys_loop_now(context->loop));
}

static void turn_away(struct session *session, const struct ys_upgrade *upgrade)
{
    struct ys_session_context *context = session->context;
    struct ys_blob *message;

    if (must_be_told_by_http(session)) {
        ys_rest_refuse(context, session->connection, 401, "Unauthorized");
        return;
    }
    context->counters.rejected[YS_REJECTED_UNAUTHORIZED]++;
    message = ys_message_encode_denied(context->config->alloc, "Unauthorized");
    if (message)
        open_and_close(session, upgrade, message, YS_WS_CLOSE_UNAUTHORIZED, "Unauthorized");
    else
        ys_connection_drop(session->connection);
    ys_blob_unref(message);
}

/* The program has no document for it. */
static void refuse_room(struct session *session, const struct ys_upgrade *upgrade)
{
    struct ysync_bytes name = ys_buf_bytes(&upgrade->room);
    char line[YS_ROOM_NAME_MAX_BYTES + 32];

    snprintf(line, sizeof(line), "Room not found: %.*s", (int)name.len, (const char *)name.data);
    if (must_be_told_by_http(session))
        ys_rest_refuse(session->context, session->connection, 404, line);
    else
        open_and_close(session, upgrade, NULL, YS_WS_CLOSE_ROOM_NOT_FOUND, line);
}

static void put_off(struct session *session, const struct ys_upgrade *upgrade)
{
    session->context->counters.rejected[YS_REJECTED_UNAVAILABLE]++;
    open_and_close(session, upgrade, NULL, YS_WS_CLOSE_TRY_AGAIN, "Cannot verify the token now");
}

static void admit(struct session *session, const struct ys_upgrade *upgrade, enum ys_access access)
{
    const struct ys_member_options options = { .is_read_only = access != YS_ACCESS_WRITE };
    uint64_t now_ms = ys_loop_now(session->context->loop);
    enum ysync_err err;

    err = ys_hub_join(session->context->hub, ys_buf_bytes(&upgrade->room), &member_events, session, &options, now_ms,
                      &session->member);
    if (err == YSYNC_ERR_NOT_FOUND) {
        refuse_room(session, upgrade);
        return;
    }
    if (err) {
        ys_rest_refuse(session->context, session->connection, 503,
                       err == YSYNC_ERR_LIMIT ? "Too many rooms" : "Out of memory");
        return;
    }
    ys_rate_init(&session->rate, session->context->config->messages_per_second, now_ms);
    log_opened(session);
    if (ys_connection_upgrade(session->connection, &upgrade->request))
        ys_connection_drop(session->connection);
}

static int read_upgrade(const struct session *session, struct ys_upgrade *upgrade, const char **why)
{
    const struct ys_session_context *context = session->context;

    return ys_upgrade_read(upgrade, context->config->alloc, context->routes, ys_connection_head(session->connection),
                           why);
}

static void take_verdict(void *user, struct ys_verdict verdict)
{
    struct session *session = user;
    enum ys_access access = verdict.access;
    struct ys_upgrade upgrade;
    const char *why;
    int status = read_upgrade(session, &upgrade, &why);

    if (status != 101)
        ys_rest_refuse(session->context, session->connection, status, why);
    else if (access == YS_ACCESS_NONE)
        turn_away(session, &upgrade);
    else if (access == YS_ACCESS_UNKNOWN)
        put_off(session, &upgrade);
    else
        admit(session, &upgrade, access);
    ys_upgrade_deinit(&upgrade);
}

static void ask_for_verdict(struct session *session)
{
    const struct ys_session_context *context = session->context;
    char peer[YS_ADDRESS_TEXT_BYTES];
    struct ys_auth_request request;
    struct ys_upgrade upgrade;
    const char *why;
    int status = read_upgrade(session, &upgrade, &why);

    if (status != 101) {
        ys_rest_refuse(session->context, session->connection, status, why);
    } else {
        ys_peer_format(ys_connection_peer(session->connection), peer);
        request = (struct ys_auth_request){
            .room = ys_buf_bytes(&upgrade.room),
            .token = ys_buf_bytes(&upgrade.token),
            .peer = ys_log_str(peer),
            .is_websocket = true,
            .unix_time_s = (uint64_t)time(NULL),
        };
        if (ys_question_ask(context->auth, context->config->alloc, &request, take_verdict, session, &session->question))
            ys_rest_refuse(session->context, session->connection, 503, "Out of memory");
    }
    ys_upgrade_deinit(&upgrade);
}

static void on_head(struct ys_connection *connection, void *user, const struct ys_http_head *head)
{
    struct session *session = user;

    (void)connection;
    if (head->wants_websocket)
        ask_for_verdict(session);
    else
        ys_rest_take_head(&session->rest, head);
}

static void on_body(struct ys_connection *connection, void *user, struct ysync_bytes piece)
{
    struct session *session = user;

    (void)connection;
    ys_rest_take_body(&session->rest, piece);
}

static void on_end(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    (void)connection;
    ys_rest_take_end(&session->rest);
}

static enum ysync_err hand_over(struct session *session, struct ysync_bytes message, const char **problem)
{
    return ys_member_receive(session->member, message, ys_loop_now(session->context->loop), problem);
}

/* Rooms take no clock: how long updates take is measured here. */
static enum ysync_err hand_over_timed(struct session *session, struct ysync_bytes message, const char **problem)
{
    uint64_t begin_ns = uv_hrtime();
    enum ysync_err err = hand_over(session, message, problem);

    ys_histogram_observe(&session->context->counters.apply, uv_hrtime() - begin_ns);
    return err;
}

static void receive(struct session *session, struct ysync_bytes message)
{
    struct ys_connection *connection = session->connection;
    uint64_t *rejected = session->context->counters.rejected;
    const char *problem = NULL;
    enum ysync_err err = ys_message_is_update(message) ? hand_over_timed(session, message, &problem)
                                                       : hand_over(session, message, &problem);

    switch (err) {
    case YSYNC_OK:
        break;
    case YSYNC_ERR_MALFORMED:
        rejected[YS_REJECTED_MALFORMED]++;
        log_malformed(session, problem);
        ys_connection_close(connection, YS_WS_CLOSE_INVALID_DATA, problem ? problem : "malformed message");
        break;
    case YSYNC_ERR_LIMIT:
        rejected[YS_REJECTED_LIMIT]++;
        ys_connection_close(connection, YS_WS_CLOSE_LIMIT, problem ? problem : "limit reached");
        break;
    case YSYNC_ERR_NOMEM:
        ys_connection_close(connection, YS_WS_CLOSE_TRY_AGAIN, "out of memory");
        break;
    default:
        ys_connection_close(connection, YS_WS_CLOSE_INTERNAL_ERROR, "internal error");
        break;
    }
}

/* A message came: if it came too fast, the next one waits. */
static void limit_rate(struct session *session)
{
    uint64_t per_second = session->context->config->messages_per_second;
    uint64_t now_ms = ys_loop_now(session->context->loop);
    uint64_t wait_ms = per_second > 0 ? ys_rate_take(&session->rate, per_second, now_ms) : 0;

    if (wait_ms > 0)
        ys_connection_pause_until(session->connection, now_ms + wait_ms);
}

static void on_message(struct ys_connection *connection, void *user, enum ys_ws_opcode opcode,
                       struct ysync_bytes payload)
{
    limit_rate(user);
    if (opcode == YS_WS_TEXT)
        ys_connection_close(connection, YS_WS_CLOSE_UNSUPPORTED, "only binary messages are understood");
    else
        receive(user, payload);
}

static struct ys_blob *on_next(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    (void)connection;
    return ys_member_take(session->member, ys_loop_now(session->context->loop));
}

static void on_closed(struct ys_connection *connection, void *user, uint16_t code)
{
    struct session *session = user;
    struct ys_session_context *context = session->context;

    (void)connection;
    if (code != YS_CONNECTION_NO_CODE)
        log_closed(session, code);
    if (session->member)
        ys_member_leave(session->member, ys_loop_now(context->loop));
    ys_question_forget(session->question);
    ys_rest_deinit(&session->rest);
    ys_list_remove(&session->node);
    ys_free(context->config->alloc, session);
}

const struct ys_connection_events ys_session_events = {
    .head = on_head,
    .body = on_body,
    .end = on_end,
    .message = on_message,
    .next = on_next,
    .closed = on_closed,
};

void ys_session_begin(struct ys_session_context *context, struct ys_connection *connection)
{
    struct session *session = ys_alloc_zeroed(context->config->alloc, 1, sizeof(*session));

    if (!session) {
        ys_connection_drop(connection);
        return;
    }
    session->context = context;
    session->connection = connection;
    ys_rest_init(&session->rest, context, connection);
    ys_list_append(&context->sessions, &session->node);
    if (ys_connection_start(connection, session)) {
        ys_list_remove(&session->node);
        ys_free(context->config->alloc, session);
        ys_connection_drop(connection);
    }
}

void ys_session_close_all(struct ys_session_context *context, uint16_t code, const char *reason)
{
    YS_LIST_FOREACH (node, &context->sessions)
        ys_connection_close(YS_CONTAINER_OF(node, struct session, node)->connection, code, reason);
}
