/* SPDX-License-Identifier: MIT */
/*
 * How a request becomes a member:
 *
 *     head --- too many connections? --- 429, 503
 *       '----- no upgrade ----------------------------------> rest.c answers
 *       '----- upgrade --- which room, token? --- 400, 404, 426
 *                              '-- from an allowed origin? --- no: 403
 *                                      '-- verdict? --- no: refusal.c turns away
 *                                              '------- yes: join, 101, until the verdict ends
 *
 * The verdict may come later than the question. The connection keeps the head until it is answered, so what was read
 * from it is read again then, and nothing has to be kept here meanwhile. No room is made before the verdict.
 */
#include "server/session.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "server/forwarded.h"
#include "server/question.h"
#include "server/rate.h"
#include "server/refusal.h"
#include "server/resource.h"
#include "server/rest.h"
#include "server/upgrade.h"

/* Who comes when the server is full gets to hear it, which takes a request head first. So many may be about to give
 * theirs; more are dropped without a word. */
#define MAX_REFUSED 256

/* For the few whose verdict holds only for a while. */
struct expiry {
    struct ys_timer timer;
    struct session *session;
};

struct session {
    struct ys_list node; /* in context->sessions */
    struct ys_session_context *context;
    struct ys_connection *connection;
    struct ys_rest *rest;         /* NULL until a plain request comes, and again once it is a WebSocket */
    struct ys_question *question; /* while the verdict on a WebSocket is awaited */
    struct ys_member *member;     /* NULL until it has joined */
    struct ys_rate *rate;         /* from then on; NULL: there is no limit */
    struct expiry *expiry;        /* NULL: never */
    struct ys_peer client;        /* the other end of the socket, or who is behind it */
    bool is_counted;              /* among the connections */
    bool is_client_counted;       /* among those of its client */
    uint16_t refused_with;        /* 0, or the status for any request */
    size_t bound_for;             /* the place that it is leaving for */
};

/* A connection on its way to the place where its room is. */
struct arrival {
    struct ys_letter letter;
    const struct ysync_alloc *alloc;
    struct ys_crew *crew;
    struct ys_travel *travel;
    struct ys_peer client; /* counted already, as the session was that it leaves */
    bool is_client_counted;
};

static void wake(void *user)
{
    struct session *session = user;

    ys_connection_wake(session->connection);
}

static void log_opened(const struct session *session)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(&session->client, peer);
    ys_log(&session->context->config->log, YSYNC_LOG_DEBUG, "connection_opened", YS_LOG_STR("peer", peer),
           YS_LOG_BYTES("room", ys_room_name(ys_member_room(session->member))));
}

static void log_closed(const struct session *session, uint16_t code)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(&session->client, peer);
    ys_log(&session->context->config->log, YSYNC_LOG_DEBUG, "connection_closed", YS_LOG_STR("peer", peer),
           YS_LOG_NUM("code", code));
}

static void log_malformed(const struct session *session, const char *problem)
{
    char peer[YS_ADDRESS_TEXT_BYTES];

    ys_peer_format(&session->client, peer);
    ys_log(&session->context->config->log, YSYNC_LOG_WARN, "malformed_message",
           YS_LOG_BYTES("room", ys_room_name(ys_member_room(session->member))), YS_LOG_STR("peer", peer),
           YS_LOG_STR("problem", problem));
}

static const struct ysync_plugin_config *config_of(const struct session *session)
{
    return session->context->config;
}

/* The member's end, or why its client has to go */

static void close_for(struct session *session, enum ysync_err err, const char *problem)
{
    struct ys_connection *connection = session->connection;
    uint64_t *rejected = session->context->counters.rejected;

    switch (err) {
    case YSYNC_ERR_NOT_FOUND:
        ys_connection_close(connection, YS_WS_CLOSE_NOT_FOUND_4404, "Room deleted");
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
    case YSYNC_ERR_IO:
        ys_connection_close(connection, YS_WS_CLOSE_TRY_AGAIN, problem ? problem : "try again later");
        break;
    default:
        ys_connection_close(connection, YS_WS_CLOSE_INTERNAL_ERROR, "internal error");
        break;
    }
}

static void on_ended(void *user, enum ysync_err err, const char *problem)
{
    close_for(user, err, problem);
}

static const struct ys_member_events member_events = { .wake = wake, .ended = on_ended };

/* The end of what a verdict said */

static void on_expired(struct ys_timer *timer, uint64_t now_ms)
{
    struct session *session = YS_CONTAINER_OF(timer, struct expiry, timer)->session;

    (void)now_ms;
    ys_connection_close(session->connection, ys_refusal_code_unauthorized(config_of(session)), "Token expired");
}

static enum ysync_err expire_in(struct session *session, uint64_t holds_ms)
{
    uint64_t now_ms = ys_loop_now(session->context->loop);

    if (holds_ms >= YS_TIMER_NEVER - now_ms)
        return YSYNC_OK;
    session->expiry = ys_alloc_zeroed(config_of(session)->alloc, 1, sizeof(*session->expiry));
    if (!session->expiry)
        return YSYNC_ERR_NOMEM;
    session->expiry->session = session;
    ys_timer_init(&session->expiry->timer, on_expired);
    ys_loop_arm(session->context->loop, &session->expiry->timer, now_ms + holds_ms);
    return YSYNC_OK;
}

static void forget_expiry(struct session *session)
{
    if (!session->expiry)
        return;
    ys_loop_disarm(session->context->loop, &session->expiry->timer);
    ys_free(config_of(session)->alloc, session->expiry);
}

static enum ysync_err begin_rate(struct session *session)
{
    uint64_t per_second = config_of(session)->messages_per_second;

    if (per_second == 0)
        return YSYNC_OK;
    session->rate = ys_alloc_array(config_of(session)->alloc, 1, sizeof(*session->rate));
    if (!session->rate)
        return YSYNC_ERR_NOMEM;
    ys_rate_init(session->rate, per_second, ys_loop_now(session->context->loop));
    return YSYNC_OK;
}

/* Joining */

static void admit(struct session *session, const struct ys_upgrade *upgrade, const struct ys_verdict *verdict)
{
    const struct ys_member_options options = { .is_read_only = verdict->access != YS_ACCESS_WRITE };
    uint64_t now_ms = ys_loop_now(session->context->loop);
    enum ysync_err err;

    err = ys_hub_join(session->context->hub, ys_buf_bytes(&upgrade->room), &member_events, session, &options, now_ms,
                      &session->member);
    if (err == YSYNC_ERR_NOT_FOUND) {
        ys_refuse_room(session->context, session->connection, &session->client, upgrade);
        return;
    }
    if (err) {
        ys_rest_refuse(session->context, session->connection, 503,
                       err == YSYNC_ERR_LIMIT ? "Too many rooms" : "Out of memory");
        return;
    }
    log_opened(session);
    ys_rest_free(session->rest);
    session->rest = NULL;
    if (expire_in(session, verdict->holds_ms) || begin_rate(session) ||
        ys_connection_upgrade(session->connection, &upgrade->request))
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
    struct ys_upgrade upgrade;
    const char *why;
    int status = read_upgrade(session, &upgrade, &why);

    if (status != 101)
        ys_rest_refuse(session->context, session->connection, status, why);
    else if (verdict.access == YS_ACCESS_NONE)
        ys_refuse_unauthorized(session->context, session->connection, &session->client, &upgrade);
    else if (verdict.access == YS_ACCESS_UNKNOWN)
        ys_refuse_for_now(session->context, session->connection, &upgrade);
    else
        admit(session, &upgrade, &verdict);
    ys_upgrade_deinit(&upgrade);
}

/* Its request is answered at this place: if that is another one, it goes there. */
static bool departs_for(struct session *session, size_t place)
{
    if (place == session->context->place)
        return false;
    session->bound_for = place;
    ys_connection_depart(session->connection);
    return true;
}

static void ask(struct session *session, const struct ys_upgrade *upgrade)
{
    const struct ys_session_context *context = session->context;
    char peer[YS_ADDRESS_TEXT_BYTES];
    struct ys_auth_request request;

    ys_peer_format(&session->client, peer);
    request = (struct ys_auth_request){
        .room = ys_buf_bytes(&upgrade->room),
        .token = ys_buf_bytes(&upgrade->token),
        .peer = ys_log_str(peer),
        .is_websocket = true,
        .unix_time_s = (uint64_t)time(NULL),
    };
    if (ys_question_ask(context->auth, context->config->alloc, &request, take_verdict, session, &session->question))
        ys_rest_refuse(session->context, session->connection, 503, "Out of memory");
}

static void ask_for_verdict(struct session *session, const struct ys_http_head *head)
{
    const struct ysync_plugin_config *config = config_of(session);
    struct ys_upgrade upgrade;
    const char *why;
    int status = read_upgrade(session, &upgrade, &why);

    if (status != 101) {
        ys_rest_refuse(session->context, session->connection, status, why);
    } else if (!ys_origin_is_allowed(head, config->allowed_origins, config->allowed_origin_count)) {
        session->context->counters.rejected[YS_REJECTED_ORIGIN]++;
        ys_rest_refuse(session->context, session->connection, 403, "Pages of this origin may not come in");
    } else if (!departs_for(session, ys_crew_owner(session->context->crew, ys_buf_bytes(&upgrade.room)))) {
        ask(session, &upgrade);
    }
    ys_upgrade_deinit(&upgrade);
}

/* Limits on connections */

static void refuse_and_end(struct session *session, int status)
{
    struct ys_connection *connection = session->connection;

    ys_rest_refuse(session->context, connection, status,
                   status == 429 ? "Too many connections from your address" : "Too many connections");
    ys_connection_close(connection, YS_CONNECTION_NO_CODE, NULL); /* *session may be gone */
}

/* Counts the connection as one of this client's. Returns 0, or the status to refuse it with. */
static uint16_t count_client(struct session *session, const struct ys_peer *client)
{
    struct ys_admission *admission = ys_crew_admission(session->context->crew);
    enum ysync_err err;

    if (session->is_client_counted)
        ys_admission_leave_from(admission, &session->client);
    session->client = *client;
    err = ys_admission_enter_from(admission, client);
    session->is_client_counted = !err;
    return err == YSYNC_OK ? 0 : err == YSYNC_ERR_LIMIT ? 429 : 503;
}

/* Counts a connection that has just come. */
static uint16_t count_connection(struct session *session)
{
    const struct ys_peer *peer = ys_connection_peer(session->connection);

    if (ys_admission_enter(ys_crew_admission(session->context->crew)))
        return 503;
    session->is_counted = true;
    /* Behind proxies it is the request that says whose connection this is. */
    session->client = *peer;
    return config_of(session)->trusted_proxies > 0 ? 0 : count_client(session, peer);
}

static void uncount(struct session *session)
{
    if (session->is_client_counted)
        ys_admission_leave_from(ys_crew_admission(session->context->crew), &session->client);
    if (session->is_counted)
        ys_admission_leave(ys_crew_admission(session->context->crew));
    if (session->refused_with)
        session->context->refused_count--;
}

/* 0, or the status to refuse the request with. */
static uint16_t check_client(struct session *session, const struct ys_http_head *head)
{
    unsigned trusted_proxies = config_of(session)->trusted_proxies;
    struct ys_peer client;

    if (session->refused_with || trusted_proxies == 0)
        return session->refused_with;
    client = ys_forwarded_client(head, ys_connection_peer(session->connection), trusted_proxies);
    return count_client(session, &client);
}

/* Events of the connection */

/* The place where a plain request is to be answered. What is about all rooms has one too, so that a verdict on it is
 * remembered where the next such request is answered. */
static size_t find_place(const struct session *session, const struct ys_http_head *head)
{
    const struct ys_session_context *context = session->context;
    size_t place = context->place;
    struct ys_resource resource;
    const char *why;

    if (ys_crew_size(context->crew) == 1)
        return place;
    if (ys_resource_find(&resource, context->config->alloc, context->routes, head, &why) == 200 &&
        resource.kind != YS_RESOURCE_HEALTH)
        place = ys_crew_owner(context->crew, ys_buf_bytes(&resource.room));
    ys_resource_deinit(&resource);
    return place;
}

/* A server that is full is not ill. */
static bool is_health_check(const struct ys_http_head *head)
{
    return !head->wants_websocket && head->path.len == 1;
}

static void answer_plainly(struct session *session, const struct ys_http_head *head)
{
    if (!session->rest && ys_rest_new(session->context, session->connection, &session->rest))
        ys_rest_refuse(session->context, session->connection, 503, "Out of memory");
    else
        ys_rest_take_head(session->rest, head);
}

static void on_head(struct ys_connection *connection, void *user, const struct ys_http_head *head)
{
    struct session *session = user;
    int status = check_client(session, head);

    (void)connection;
    if (status && !is_health_check(head))
        refuse_and_end(session, status);
    else if (head->wants_websocket)
        ask_for_verdict(session, head);
    else if (!departs_for(session, find_place(session, head)))
        answer_plainly(session, head);
}

/* The verdict is no longer waited for. */
static void on_flooded(struct ys_connection *connection, void *user)
{
    struct session *session = user;
    struct ys_upgrade upgrade;
    const char *why;
    int status = read_upgrade(session, &upgrade, &why);

    ys_question_forget(session->question);
    session->question = NULL;
    session->context->counters.rejected[YS_REJECTED_LIMIT]++;
    if (status == 101)
        ys_open_and_close(connection, &upgrade, YS_WS_CLOSE_POLICY, "Too much was sent before the answer");
    else
        ys_connection_drop(connection);
    ys_upgrade_deinit(&upgrade);
}

static void on_body(struct ys_connection *connection, void *user, struct ysync_bytes piece)
{
    struct session *session = user;

    (void)connection;
    ys_rest_take_body(session->rest, piece);
}

static void on_end(struct ys_connection *connection, void *user)
{
    struct session *session = user;

    (void)connection;
    ys_rest_take_end(session->rest);
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
    const char *problem = NULL;
    enum ysync_err err = ys_message_is_update(message) ? hand_over_timed(session, message, &problem)
                                                       : hand_over(session, message, &problem);

    if (err)
        close_for(session, err, problem);
}

/* A message came: if it came too fast, the next one waits. */
static void limit_rate(struct session *session)
{
    uint64_t per_second = session->context->config->messages_per_second;
    uint64_t now_ms = ys_loop_now(session->context->loop);
    uint64_t wait_ms = session->rate ? ys_rate_take(session->rate, per_second, now_ms) : 0;

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

static void free_session(struct session *session)
{
    uncount(session);
    ys_list_remove(&session->node);
    ys_rest_free(session->rest);
    ys_free(config_of(session)->alloc, session->rate);
    ys_free(config_of(session)->alloc, session);
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
    forget_expiry(session);
    free_session(session);
}

/* Departing and arriving */

static void free_arrival(struct arrival *arrival)
{
    ys_travel_free(arrival->travel);
    if (arrival->is_client_counted)
        ys_admission_leave_from(ys_crew_admission(arrival->crew), &arrival->client);
    ys_admission_leave(ys_crew_admission(arrival->crew));
    ys_free(arrival->alloc, arrival);
}

static void discard(struct ys_letter *letter)
{
    free_arrival(YS_CONTAINER_OF(letter, struct arrival, letter));
}

static struct session *new_session(struct ys_session_context *context, struct ys_connection *connection)
{
    struct session *session = ys_alloc_zeroed(context->config->alloc, 1, sizeof(*session));

    if (!session)
        return NULL;
    session->context = context;
    session->connection = connection;
    ys_list_append(&context->sessions, &session->node);
    return session;
}

/* What the arrival holds has become the session's. */
static void settle(struct session *session, struct arrival *arrival)
{
    session->client = arrival->client;
    session->is_client_counted = arrival->is_client_counted;
    session->is_counted = true;
    ys_free(arrival->alloc, arrival);
}

static void arrive(struct ys_letter *letter, void *owner)
{
    struct arrival *arrival = YS_CONTAINER_OF(letter, struct arrival, letter);
    struct ys_session_context *context = owner;
    struct ys_connection *connection;
    struct session *session;

    if (context->is_stopping ||
        ys_connection_arrive(context->loop, arrival->travel, context->connections, &connection)) {
        free_arrival(arrival);
        return;
    }
    arrival->travel = NULL;
    session = new_session(context, connection);
    if (!session) {
        free_arrival(arrival);
        ys_connection_drop(connection);
        return;
    }
    settle(session, arrival);
    if (ys_connection_start(connection, session)) {
        free_session(session);
        ys_connection_drop(connection);
        return;
    }
    ys_connection_resume(connection);
}

static void on_departed(struct ys_connection *connection, void *user, struct ys_travel *travel)
{
    struct session *session = user;
    struct ys_session_context *context = session->context;
    struct arrival *arrival = ys_alloc_array(context->config->alloc, 1, sizeof(*arrival));
    size_t place = session->bound_for;

    (void)connection;
    if (!arrival) {
        ys_travel_free(travel);
        free_session(session);
        return;
    }
    *arrival = (struct arrival){
        .letter = { .deliver = arrive, .discard = discard },
        .alloc = context->config->alloc,
        .crew = context->crew,
        .travel = travel,
        .client = session->client,
        .is_client_counted = session->is_client_counted,
    };
    session->is_client_counted = session->is_counted = false;
    free_session(session);
    ys_crew_send(context->crew, place, &arrival->letter);
}

const struct ys_connection_events ys_session_events = {
    .head = on_head,
    .body = on_body,
    .end = on_end,
    .flooded = on_flooded,
    .message = on_message,
    .next = on_next,
    .closed = on_closed,
    .departed = on_departed,
};

void ys_session_begin(struct ys_session_context *context, struct ys_connection *connection)
{
    struct session *session = new_session(context, connection);

    if (!session) {
        ys_connection_drop(connection);
        return;
    }
    session->refused_with = count_connection(session);
    if (session->refused_with)
        context->refused_count++;
    if (context->refused_count > MAX_REFUSED || ys_connection_start(connection, session)) {
        free_session(session);
        ys_connection_drop(connection);
    }
}

void ys_session_close_all(struct ys_session_context *context, uint16_t code, const char *reason)
{
    YS_LIST_FOREACH (node, &context->sessions)
        ys_connection_close(YS_CONTAINER_OF(node, struct session, node)->connection, code, reason);
}
