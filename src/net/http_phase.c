/* SPDX-License-Identifier: MIT */
/*
 * Requests, one at a time: the next is looked at when the last is complete and answered. Until then what the peer sends
 * ahead is held, and once that is more than 64 KiB, no longer read.
 *
 *     IDLE --first byte--> IN_HEAD --head--> IN_BODY --end--> ENDED --answer--> IDLE
 *       |                     |                 |
 *     idle: silence         408 after         408 after too little     the connection's clock
 *
 * A head stops everything until it is answered or its body is wanted. So nobody makes us take in what may be refused,
 * and the bytes behind a request for an upgrade, of which nobody knows before whose they are, go to the WebSocket from
 * where the head ended.
 */
#include <string.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "ws/extensions.h"

#define MAX_HELD_BYTES YS_CONNECTION_MAX_EARLY_BYTES
/* Answers that may wait to be sent before another request is looked at. */
#define MAX_WAITING_BYTES ((size_t)64 * 1024)

enum stage {
    IDLE,
    IN_HEAD,
    IN_BODY,
    ENDED,
};

struct ys_http_phase {
    struct ys_http_parser *parser;
    struct ys_buf held;
    struct ys_blob *body_owner; /* NULL, or what `body`, that of the last answer in `out`, is a part of */
    struct ysync_bytes body;
    enum stage stage;
    bool is_answered;
    bool is_body_wanted;
    bool is_departing;
};

enum ysync_err ys_http_phase_begin(struct ys_connection *connection)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;
    struct ys_http_phase *http = ys_alloc_zeroed(alloc, 1, sizeof(*http));
    enum ysync_err err;

    if (!http)
        return YSYNC_ERR_NOMEM;
    err = ys_http_parser_new(alloc, &http->parser);
    if (err) {
        ys_free(alloc, http);
        return err;
    }
    /* What is held ends a read, which is stopped then. */
    ys_buf_init(&http->held, alloc, MAX_HELD_BYTES + YS_LOOP_READ_BYTES);
    connection->http = http;
    ys_connection_set_deadline(connection, ys_loop_now(connection->loop) + connection->config->idle_timeout_ms);
    return YSYNC_OK;
}

void ys_http_phase_free(struct ys_connection *connection)
{
    struct ys_http_phase *http = connection->http;

    if (!http)
        return;
    connection->http = NULL;
    ys_http_parser_free(http->parser);
    ys_buf_deinit(&http->held);
    ys_blob_unref(http->body_owner);
    ys_free(connection->loop->alloc, http);
}

bool ys_http_phase_has_body(const struct ys_connection *connection)
{
    return connection->http && connection->http->body_owner;
}

struct ys_blob *ys_http_phase_take_body(struct ys_connection *connection, struct ysync_bytes *body)
{
    struct ys_blob *owner = connection->http->body_owner;

    *body = connection->http->body;
    connection->http->body_owner = NULL;
    return owner;
}

static void enter(struct ys_connection *connection, enum stage stage)
{
    const struct ys_connection_config *config = connection->config;
    uint64_t now_ms = ys_loop_now(connection->loop);

    connection->http->stage = stage;
    if (stage == IDLE || stage == IN_BODY)
        ys_connection_set_deadline(connection, now_ms + config->idle_timeout_ms);
    else if (stage == IN_HEAD)
        ys_connection_set_deadline(connection, now_ms + config->head_timeout_ms);
    else
        ys_connection_set_deadline(connection, YS_TIMER_NEVER);
}

/* A byte of a body buys a millisecond, up to the whole patience. So who sends a kilobyte a second is never cut off, and
 * who only lets a byte drop now and then has hardly longer than who sends nothing. */
static void extend_body(struct ys_connection *connection, size_t len)
{
    uint64_t latest_ms = ys_loop_now(connection->loop) + connection->config->idle_timeout_ms;
    uint64_t due_ms = connection->deadline_ms;

    ys_connection_set_deadline(connection, due_ms < latest_ms && len < latest_ms - due_ms ? due_ms + len : latest_ms);
}

/* It is in `out`. */
static void send_answer(struct ys_connection *connection, bool is_last)
{
    if (ys_buf_err(&connection->out))
        ys_connection_drop(connection);
    else if (is_last)
        ys_connection_linger(connection, YS_CONNECTION_NO_CODE);
    else
        ys_connection_wake(connection);
}

static void put_answer(struct ys_connection *connection, const struct ys_http_answer *answer)
{
    ys_http_answer_put(&connection->out, answer);
    send_answer(connection, answer->close);
}

void ys_http_phase_give_up(struct ys_connection *connection, int status, const char *why)
{
    enum ys_loop_refusal refusal = status == 431   ? YS_LOOP_HEAD_TOO_LARGE
                                   : status == 408 ? YS_LOOP_TIMEOUT
                                                   : YS_LOOP_BAD_REQUEST;

    connection->loop->counters.refused[refusal]++;
    put_answer(connection, &(struct ys_http_answer){
                               .status = status,
                               .body = { (const uint8_t *)why, strlen(why) },
                               .date = ys_loop_date(connection->loop),
                               .close = true,
                           });
}

const struct ys_http_head *ys_connection_head(const struct ys_connection *connection)
{
    return ys_http_parser_head(connection->http->parser);
}

void ys_connection_want_body(struct ys_connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct ys_http_phase *http = connection->http;

    if (connection->phase != YS_PHASE_HTTP || http->is_answered || http->is_body_wanted)
        return;
    http->is_body_wanted = true;
    enter(connection, IN_BODY);
    if (ys_connection_head(connection)->expects_continue && ys_connection_head(connection)->has_body)
        ys_buf_put_str(&connection->out, go_on);
    send_answer(connection, false);
}

/* Is there a head of which nobody has said yet what becomes of its request? */
static bool is_undecided(const struct ys_connection *connection)
{
    const struct ys_http_phase *http = connection->http;

    return connection->phase == YS_PHASE_HTTP && http->stage == IN_BODY && !http->is_answered && !http->is_body_wanted;
}

void ys_connection_depart(struct ys_connection *connection)
{
    if (!is_undecided(connection))
        return;
    connection->http->is_departing = true;
    ys_connection_wake(connection);
}

bool ys_http_phase_is_departing(const struct ys_connection *connection)
{
    return is_undecided(connection) && connection->http->is_departing;
}

enum ysync_err ys_http_phase_pack(const struct ys_connection *connection, struct ys_buf *to)
{
    const struct ys_http_phase *http = connection->http;
    struct ysync_bytes head = ys_http_parser_raw_head(http->parser);
    enum ysync_err err = ys_buf_reserve(to, head.len + http->held.len);

    if (err)
        return err;
    ys_buf_put(to, head);
    ys_buf_put(to, ys_buf_bytes(&http->held));
    return YSYNC_OK;
}

/* They may be more than could be held here: nothing is put behind them. */
void ys_http_phase_unpack(struct ys_connection *connection, struct ys_buf *from)
{
    struct ys_buf *held = &connection->http->held;
    size_t max_bytes = held->max_bytes;

    *held = *from;
    held->max_bytes = max_bytes;
    ys_buf_init(from, from->alloc, from->max_bytes);
}

bool ys_http_phase_is_holding(const struct ys_connection *connection)
{
    return connection->http->held.len > 0;
}

/* Fills in what the connection knows. False if nobody waits for an answer. */
static bool begin_answer(struct ys_connection *connection, struct ys_http_answer *answer)
{
    struct ys_http_phase *http = connection->http;
    const struct ys_http_head *head;

    if (connection->phase != YS_PHASE_HTTP || http->is_answered)
        return false;
    head = ys_connection_head(connection);
    http->is_answered = true;
    answer->date = ys_loop_date(connection->loop);
    answer->is_head = head->method == YS_HTTP_HEAD;
    answer->keep_alive = ys_http_head_has_token(head, "Connection", "keep-alive");
    answer->close = answer->close || !head->keep_alive || (head->has_body && http->stage != ENDED);
    enter(connection, http->stage == ENDED ? IDLE : IN_BODY);
    return true;
}

void ys_connection_answer(struct ys_connection *connection, const struct ys_http_answer *answer)
{
    struct ys_http_answer full = *answer;

    if (begin_answer(connection, &full))
        put_answer(connection, &full);
}

void ys_connection_answer_shared(struct ys_connection *connection, const struct ys_http_answer *answer,
                                 struct ys_blob *owner)
{
    struct ys_http_answer full = *answer;
    bool is_head;

    if (!begin_answer(connection, &full))
        return;
    is_head = full.is_head;
    full.is_head = true; /* the head, with the body's length, goes into `out`, and the body stays where it is */
    ys_http_answer_put(&connection->out, &full);
    if (!is_head && answer->body.len > 0) {
        connection->http->body = answer->body;
        connection->http->body_owner = ys_blob_ref(owner);
    }
    send_answer(connection, full.close);
}

enum ysync_err ys_connection_upgrade(struct ys_connection *connection, const struct ys_ws_request *request)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;
    struct ys_ws_request granted = *request;
    enum ysync_err err;

    if (!connection->config->compresses)
        granted.extensions = (struct ysync_bytes){ NULL, 0 };
    ys_ws_put_accept(&connection->out, &granted);
    err = ys_buf_err(&connection->out);
    if (!err)
        err = ys_ws_parser_new(alloc, connection->config->max_message_bytes, &connection->ws);
    if (err)
        return err;
    connection->compresses = ys_ws_accept_deflate(granted.extensions) != NULL;
    if (connection->compresses)
        ys_ws_parser_allow_compressed(connection->ws);
    connection->http->is_answered = true;
    ys_ws_phase_begin(connection);
    return YSYNC_OK;
}

/* May the bytes at hand be looked at? */
static bool may_feed(const struct ys_connection *connection)
{
    const struct ys_http_phase *http = connection->http;

    if (connection->phase != YS_PHASE_HTTP)
        return false;
    if (connection->write || http->body_owner || connection->out.len > MAX_WAITING_BYTES ||
        ys_secure_has_rest(connection))
        return false;
    if (http->stage == IN_BODY && !http->is_answered)
        return http->is_body_wanted;
    return http->stage != ENDED;
}

static void take_head(struct ys_connection *connection)
{
    connection->http->is_answered = false;
    connection->http->is_body_wanted = false;
    connection->http->is_departing = false;
    enter(connection, IN_BODY);
    ys_connection_set_deadline(connection, YS_TIMER_NEVER);
    connection->config->events->head(connection, connection->user, ys_connection_head(connection));
}

static void take_end(struct ys_connection *connection)
{
    if (connection->http->is_answered) {
        enter(connection, IDLE);
        return;
    }
    enter(connection, ENDED);
    connection->config->events->end(connection, connection->user);
}

/* One event. False: the input is used up. */
static bool feed_once(struct ys_connection *connection, struct ysync_bytes *in)
{
    struct ys_http_phase *http = connection->http;
    struct ysync_bytes piece;
    const char *why;
    int status;

    if (in->len > 0 && http->stage == IDLE)
        enter(connection, IN_HEAD);
    switch (ys_http_parser_feed(http->parser, in, &piece)) {
    case YS_HTTP_EVENT_HEAD:
        take_head(connection);
        return true;
    case YS_HTTP_EVENT_BODY:
        extend_body(connection, piece.len);
        if (!http->is_answered)
            connection->config->events->body(connection, connection->user, piece);
        return true;
    case YS_HTTP_EVENT_END:
        take_end(connection);
        return true;
    case YS_HTTP_EVENT_ERROR:
        status = ys_http_parser_status(http->parser, &why);
        ys_http_phase_give_up(connection, status, why);
        return true;
    default:
        /* Line ends between requests are no beginning. */
        if (http->stage == IN_HEAD && ys_http_parser_is_idle(http->parser))
            enter(connection, IDLE);
        return false;
    }
}

/* Returns how many bytes were taken. */
static size_t feed(struct ys_connection *connection, const uint8_t *data, size_t len)
{
    struct ysync_bytes in = { data, len };

    while (may_feed(connection) && feed_once(connection, &in))
        ;
    return len - in.len;
}

static bool is_websocket_due(const struct ys_connection *connection)
{
    return is_undecided(connection) && ys_connection_head(connection)->wants_websocket;
}

static void hold(struct ys_connection *connection, const uint8_t *data, size_t len)
{
    struct ys_buf *held = &connection->http->held;

    ys_buf_put(held, (struct ysync_bytes){ data, len });
    if (ys_buf_err(held)) {
        ys_connection_drop(connection);
        return;
    }
    if (held->len <= MAX_HELD_BYTES)
        return;
    uv_read_stop(&connection->uv.stream);
    if (is_websocket_due(connection) && !connection->http->is_departing) /* else it is seen where it is answered */
        connection->config->events->flooded(connection, connection->user);
}

/* What is left over of an input is held, or the WebSocket's. */
static void take_all(struct ys_connection *connection, uint8_t *data, size_t len)
{
    size_t used = feed(connection, data, len);

    if (connection->phase == YS_PHASE_HTTP) {
        hold(connection, data + used, len - used);
    } else if (connection->phase == YS_PHASE_WEBSOCKET || connection->phase == YS_PHASE_CLOSING) {
        ys_http_phase_free(connection);
        ys_ws_phase_input(connection, data + used, len - used);
    }
}

void ys_http_phase_input(struct ys_connection *connection, uint8_t *data, size_t len)
{
    if (connection->http->held.len > 0)
        hold(connection, data, len);
    else
        take_all(connection, data, len);
}

/* Is there a request that can be answered although nothing more comes? */
static bool is_answer_due(const struct ys_connection *connection)
{
    if (is_undecided(connection))
        return !ys_connection_head(connection)->wants_websocket;
    return connection->http->stage == ENDED;
}

/* A peer that is done speaking still gets its answers, but nothing of a WebSocket. */
static void end_after_eof(struct ys_connection *connection)
{
    if (!connection->has_eof)
        return;
    if (connection->phase == YS_PHASE_WEBSOCKET && !connection->pause)
        ys_connection_drop(connection);
    else if (connection->phase == YS_PHASE_HTTP && connection->http->held.len == 0 && !is_answer_due(connection))
        ys_connection_linger(connection, YS_CONNECTION_NO_CODE);
}

void ys_http_phase_resume(struct ys_connection *connection)
{
    struct ys_buf held = connection->http->held;

    if (ys_http_phase_has_body(connection) || (!may_feed(connection) && connection->phase == YS_PHASE_HTTP))
        return;
    if (held.len > 0) {
        ys_buf_init(&connection->http->held, held.alloc, held.max_bytes);
        take_all(connection, held.data, held.len);
        ys_buf_deinit(&held);
        if (connection->phase != YS_PHASE_HTTP || connection->http->held.len <= MAX_HELD_BYTES)
            ys_connection_resume_reading(connection);
    } else if (connection->phase != YS_PHASE_HTTP) {
        ys_http_phase_free(connection);
    } else if (connection->http->stage == IN_BODY) {
        feed(connection, connection->loop->read_buffer, 0); /* the end of a request may need no bytes */
    }
    end_after_eof(connection);
}

void ys_http_phase_eof(struct ys_connection *connection)
{
    end_after_eof(connection);
}

void ys_http_phase_timeout(struct ys_connection *connection)
{
    if (connection->write) /* still taking its answer: that has a deadline of its own */
        enter(connection, connection->http->stage);
    else if (connection->http->stage == IDLE)
        ys_connection_close(connection, YS_CONNECTION_NO_CODE, "");
    else
        ys_http_phase_give_up(connection, 408, "Request timed out");
}
