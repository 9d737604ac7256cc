/* SPDX-License-Identifier: MIT */
/*
 * How a request is answered:
 *
 *     head --- what, which method? --- 400 404 405
 *       '--- from which page? --- 403
 *       '--- who asks? (perhaps later) --- 401 403
 *               |'--- GET, DELETE -----------------------------> answer
 *                '--- POST --- 100 Continue --- body --- end --> answer
 *
 * The body of an update is not taken in before the verdict. A body that means nothing is read to its end, if it is
 * small and on its way already: an answer in the middle of it would cost the client its connection.
 *
 * The connection keeps the head until the answer, so what it says is read again wherever it is needed, and nothing of
 * it has to be kept here.
 */
#include "server/rest.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "http/target.h"
#include "server/forwarded.h"
#include "server/gather.h"
#include "server/question.h"
#include "server/resource.h"
#include "server/room_list.h"
#include "server/session.h"
#include "server/upgrade.h"

#define MAX_SKIPPED_BODY_BYTES ((size_t)64 * 1024)

#define OUT_OF_MEMORY "Out of memory"
#define NOT_SAVED "The update was applied, but the store has not got it: try again later"

enum stage {
    ANSWERING, /* nothing more of the request is needed */
    SKIPPING,  /* its body means nothing: the answer comes when it is over */
    RECEIVING, /* its body is an update */
    OPENING,   /* the update waits for its room to be loaded */
};

struct ys_rest {
    struct ys_session_context *context;
    struct ys_connection *connection;
    enum stage stage;
    int refused_with; /* while SKIPPING: the status, its line and fields; 0: the request has not been looked at */
    const char *line;
    const char *fields;
    struct ys_question *question;      /* while a verdict is awaited */
    struct ys_gather *gather;          /* while all are asked */
    struct ysync_store_request *asked; /* while the store is */
    bool was_open;                     /* the room, which is being removed from the store */
    struct ys_room_waiter waiter;      /* while OPENING, and while an update is not durable */
    struct ys_buf body;                /* while RECEIVING, and OPENING */
};

static const char json[] = "application/json";
static const char ok[] = "{\"ok\":true}";

static struct ysync_bytes text(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

enum ysync_err ys_rest_new(struct ys_session_context *context, struct ys_connection *connection, struct ys_rest **out)
{
    struct ys_rest *rest = ys_alloc_zeroed(context->config->alloc, 1, sizeof(*rest));

    if (!rest)
        return YSYNC_ERR_NOMEM;
    rest->context = context;
    rest->connection = connection;
    ys_list_init(&rest->waiter.node);
    ys_buf_init(&rest->body, context->config->alloc, context->config->max_message_bytes);
    *out = rest;
    return YSYNC_OK;
}

void ys_rest_free(struct ys_rest *rest)
{
    if (!rest)
        return;
    ys_question_forget(rest->question);
    ys_gather_forget(rest->gather);
    ys_store_request_forget(rest->asked);
    ys_room_waiter_forget(&rest->waiter);
    ys_buf_deinit(&rest->body);
    ys_free(rest->context->config->alloc, rest);
}

static uint64_t now_ms(const struct ys_rest *rest)
{
    return ys_loop_now(rest->context->loop);
}

/* Refusals */

static void count_refusal(struct ys_session_context *context, int status)
{
    uint64_t *rejected = context->counters.rejected;

    switch (status) {
    case 400:
    case 426:
        rejected[YS_REJECTED_BAD_REQUEST]++;
        break;
    case 401:
        rejected[YS_REJECTED_UNAUTHORIZED]++;
        break;
    case 413:
        rejected[YS_REJECTED_TOO_LARGE]++;
        break;
    case 429:
        rejected[YS_REJECTED_LIMIT]++;
        break;
    case 503:
        rejected[YS_REJECTED_UNAVAILABLE]++;
        break;
    default: /* a mistake, not an attempt */
        break;
    }
}

/* What a client needs in order to do better: which version is spoken here (RFC 6455, 4.4), how to say who it is (RFC
 * 9110, 11.6.1). */
static const char *field_for(int status)
{
    switch (status) {
    case 401:
        return "WWW-Authenticate: Bearer\r\n";
    case 426:
        return "Sec-WebSocket-Version: 13\r\n";
    default:
        return NULL;
    }
}

static void refuse(struct ys_session_context *context, struct ys_connection *connection, int status, const char *fields,
                   struct ysync_bytes line)
{
    count_refusal(context, status);
    ys_connection_answer(connection, &(struct ys_http_answer){
                                         .status = status,
                                         .extra_fields = fields ? fields : field_for(status),
                                         .body = line,
                                     });
}

void ys_rest_refuse(struct ys_session_context *context, struct ys_connection *connection, int status, const char *line)
{
    refuse(context, connection, status, NULL, text(line));
}

/* Is the rest of the request small, and does the client send it without being asked to? */
static bool may_skip(const struct ys_http_head *head)
{
    return head->has_body && head->has_length && head->content_length <= MAX_SKIPPED_BODY_BYTES &&
           !head->expects_continue;
}

/* Refuses, perhaps when the body has come. line and fields are static. */
static void turn_down(struct ys_rest *rest, int status, const char *fields, const char *line)
{
    if (rest->stage == ANSWERING && may_skip(ys_connection_head(rest->connection))) {
        rest->stage = SKIPPING;
        rest->refused_with = status;
        rest->fields = fields;
        rest->line = line;
        ys_connection_want_body(rest->connection);
        return;
    }
    rest->stage = ANSWERING;
    refuse(rest->context, rest->connection, status, fields, text(line));
}

/* For errors that are not the client's. */
static void fail(struct ys_rest *rest, enum ysync_err err, const char *limit)
{
    turn_down(rest, 503, NULL, err == YSYNC_ERR_LIMIT ? limit : OUT_OF_MEMORY);
}

/* A line that ends in what only this request knows. */
static void refuse_with(struct ys_rest *rest, int status, const char *line, struct ysync_bytes detail)
{
    struct ys_buf body;

    ys_buf_init(&body, rest->context->config->alloc, SIZE_MAX);
    ys_buf_put_str(&body, line);
    ys_buf_put(&body, detail);
    if (ys_buf_err(&body))
        fail(rest, YSYNC_ERR_NOMEM, NULL);
    else
        refuse(rest->context, rest->connection, status, NULL, ys_buf_bytes(&body));
    ys_buf_deinit(&body);
}

/* Answers */

static void answer(struct ys_rest *rest, const char *content_type, const char *body)
{
    ys_connection_answer(rest->connection,
                         &(struct ys_http_answer){ .status = 200, .content_type = content_type, .body = text(body) });
}

/* Gives up the reference. */
static void answer_blob(struct ys_rest *rest, const char *content_type, struct ys_blob *blob)
{
    const struct ys_http_answer head = { .status = 200, .content_type = content_type, .body = ys_blob_bytes(blob) };

    ys_connection_answer_shared(rest->connection, &head, blob);
    ys_blob_unref(blob);
}

/* Takes what is in the buffer, which was begun as a blob. */
static void answer_buf(struct ys_rest *rest, const char *content_type, struct ys_buf *body)
{
    if (ys_buf_err(body))
        fail(rest, YSYNC_ERR_NOMEM, NULL);
    else
        answer_blob(rest, content_type, ys_blob_end(body, 0));
    ys_buf_deinit(body);
}

/* What all members of the crew know */

static void collect_metrics(struct ys_session_context *context, struct ys_buf *part)
{
    struct ys_metrics metrics;

    ys_metrics_gather(&metrics, context->hub, context->loop, &context->counters);
    ys_buf_put(part, (struct ysync_bytes){ (const uint8_t *)&metrics, sizeof(metrics) });
}

static enum ysync_err add_metrics(struct ys_metrics *sum, const struct ys_buf *part)
{
    struct ys_metrics metrics;

    if (ys_buf_err(part) || part->len == 0)
        return ys_buf_err(part);
    memcpy(&metrics, part->data, sizeof(metrics));
    ys_metrics_add(sum, &metrics);
    return YSYNC_OK;
}

static void answer_metrics(void *user, const struct ys_buf *parts, size_t count)
{
    struct ys_metrics sum = { .rooms = 0 };
    struct ys_rest *rest = user;
    enum ysync_err err = YSYNC_OK;
    struct ys_buf body;

    for (size_t i = 0; !err && i < count; i++)
        err = add_metrics(&sum, &parts[i]);
    ys_buf_init(&body, rest->context->config->alloc, SIZE_MAX);
    if (!err)
        err = ys_blob_begin(&body, 0, 0);
    if (err) {
        fail(rest, err, NULL);
        return;
    }
    ys_metrics_put(&body, &sum);
    answer_buf(rest, YS_METRICS_CONTENT_TYPE, &body);
}

static void collect_list(struct ys_session_context *context, struct ys_buf *part)
{
    size_t position = 0;
    struct ys_room *room;

    while ((room = ys_hub_next_room(context->hub, &position)) != NULL)
        ys_room_list_put(part, ys_room_name(room), ys_room_member_count(room));
}

static void answer_list(void *user, const struct ys_buf *parts, size_t count)
{
    struct ys_rest *rest = user;
    struct ys_buf body;
    enum ysync_err err;

    ys_buf_init(&body, rest->context->config->alloc, SIZE_MAX);
    err = ys_blob_begin(&body, 0, 0);
    if (!err)
        err = ys_room_list_put_json(&body, parts, count);
    if (err) {
        ys_buf_deinit(&body);
        fail(rest, err, NULL);
        return;
    }
    answer_buf(rest, json, &body);
}

static void ask_all(struct ys_rest *rest, ys_gather_collect_fn *collect, ys_gather_done_fn *done)
{
    if (ys_gather(rest->context, collect, done, rest, &rest->gather))
        fail(rest, YSYNC_ERR_NOMEM, NULL);
}

/* Rooms */

/* What ?sv= holds, if it is there. */
static enum ysync_err read_state_vector(struct ysync_bytes query, struct ys_buf *out, const char **problem)
{
    struct ysync_bytes encoded;
    struct ys_buf base64;
    enum ysync_err err;

    if (!ys_query_find(query, "sv", &encoded))
        return YSYNC_OK;
    *problem = "it is empty";
    if (encoded.len == 0)
        return YSYNC_ERR_MALFORMED;
    *problem = "not base64url";
    ys_buf_init(&base64, out->alloc, SIZE_MAX);
    err = ys_percent_decode(encoded, &base64);
    if (!err)
        err = ys_base64url_decode(ys_buf_bytes(&base64), out);
    ys_buf_deinit(&base64);
    return err;
}

static void answer_document(struct ys_rest *rest, struct ysync_doc *doc, uint64_t version)
{
    const char *problem = NULL;
    struct ys_blob *update = NULL;
    struct ys_buf state_vector;
    enum ysync_err err;

    ys_buf_init(&state_vector, rest->context->config->alloc, SIZE_MAX);
    err = read_state_vector(ys_connection_head(rest->connection)->query, &state_vector, &problem);
    if (!err)
        err = ys_snapshots_take(rest->context->snapshots, doc, version, ys_buf_bytes(&state_vector), &update, &problem);
    ys_buf_deinit(&state_vector);
    if (!err)
        answer_blob(rest, "application/octet-stream", update);
    else if (err == YSYNC_ERR_MALFORMED)
        refuse_with(rest, 400, "Malformed state vector: ", text(problem));
    else
        fail(rest, err, "Too much is being sent");
}

static void refuse_room(struct ys_rest *rest, struct ysync_bytes name, enum ysync_err err)
{
    if (err == YSYNC_ERR_NOT_FOUND)
        refuse_with(rest, 404, "Room not found: ", name);
    else
        fail(rest, err, "Too many rooms");
}

/* Rooms that are not open: in the store */

static bool has_store(const struct ys_rest *rest)
{
    return ys_crew_store(rest->context->crew) != NULL;
}

static void ask_store(struct ys_rest *rest, enum ys_store_request_kind kind, struct ysync_bytes name, size_t limit,
                      ys_store_done_fn *done)
{
    if (ys_hub_ask_store(rest->context->hub, kind, name, limit, done, rest, &rest->asked))
        fail(rest, YSYNC_ERR_NOMEM, NULL);
}

static void on_read(struct ysync_store_request *request, void *user)
{
    struct ys_rest *rest = user;

    rest->asked = NULL;
    if (!request->err)
        answer_document(rest, request->doc, 0);
    else if (request->err == YSYNC_ERR_NOT_FOUND)
        refuse_room(rest, request->room, YSYNC_ERR_NOT_FOUND);
    else
        turn_down(rest, 503, NULL, "The stored document cannot be read now");
}

static void note_deletion(const struct ys_rest *rest, struct ysync_bytes name, size_t connections)
{
    ys_log(&rest->context->config->log, YSYNC_LOG_INFO, "room_deleted", YS_LOG_BYTES("room", name),
           YS_LOG_NUM("connections", connections));
}

static void on_removed(struct ysync_store_request *request, void *user)
{
    struct ys_rest *rest = user;

    rest->asked = NULL;
    if (!request->err && !rest->was_open)
        note_deletion(rest, request->room, 0);
    if (!request->err || (request->err == YSYNC_ERR_NOT_FOUND && rest->was_open))
        answer(rest, json, ok);
    else if (request->err == YSYNC_ERR_NOT_FOUND)
        refuse_room(rest, request->room, YSYNC_ERR_NOT_FOUND);
    else
        turn_down(rest, 503, NULL, "The stored document cannot be removed now");
}

static void delete_room(struct ys_rest *rest, struct ysync_bytes name, struct ys_room *room)
{
    rest->was_open = room != NULL;
    if (has_store(rest)) {
        ask_store(rest, YS_STORE_REMOVE, name, 0, on_removed);
        if (!rest->asked)
            return;
    }
    if (room) {
        note_deletion(rest, name, ys_room_member_count(room));
        ys_hub_drop(rest->context->hub, room);
    }
    if (!has_store(rest))
        answer(rest, json, ok);
}

static void answer_room(struct ys_rest *rest, struct ysync_bytes name)
{
    bool is_deletion = ys_connection_head(rest->connection)->method == YS_HTTP_DELETE;
    struct ys_room *room = NULL;
    enum ysync_err err = ys_hub_look_up(rest->context->hub, name, now_ms(rest), &room);

    if (err && !(err == YSYNC_ERR_NOT_FOUND && has_store(rest)))
        refuse_room(rest, name, err);
    else if (is_deletion)
        delete_room(rest, name, room);
    else if (!room || ys_room_is_loading(room))
        ask_store(rest, YS_STORE_LOAD, name, 0, on_read);
    else
        answer_document(rest, ys_room_doc(room), ys_room_version(room));
}

static void on_listed(struct ysync_store_request *request, void *user)
{
    struct ys_rest *rest = user;
    struct ys_buf body;
    enum ysync_err err;

    rest->asked = NULL;
    if (request->err) {
        turn_down(rest, 503, NULL, "The store cannot be read now");
        return;
    }
    ys_buf_init(&body, rest->context->config->alloc, SIZE_MAX);
    err = ys_blob_begin(&body, 0, 0);
    if (err) {
        fail(rest, err, NULL);
        return;
    }
    ys_room_list_put_stored(&body, request);
    answer_buf(rest, json, &body);
}

static void answer_stored_list(struct ys_rest *rest, struct ysync_bytes query)
{
    struct ys_room_list_page page;
    const char *problem = NULL;
    enum ysync_err err;

    ys_room_list_page_init(&page, rest->context->config->alloc);
    err = ys_room_list_page_read(&page, query, &problem);
    if (err == YSYNC_ERR_MALFORMED)
        turn_down(rest, 400, NULL, problem);
    else if (err)
        fail(rest, err, NULL);
    else if (!has_store(rest))
        turn_down(rest, 404, NULL, "There is no store");
    else
        ask_store(rest, YS_STORE_LIST, ys_buf_bytes(&page.after), page.limit, on_listed);
    ys_room_list_page_deinit(&page);
}

/* Updates */

static enum ysync_err apply(struct ys_rest *rest, struct ys_room *room, struct ysync_bytes update)
{
    uint64_t begin_ns = uv_hrtime();
    enum ysync_err err = ys_room_apply(room, update, now_ms(rest));

    ys_histogram_observe(&rest->context->counters.apply, uv_hrtime() - begin_ns);
    return err;
}

static void on_durable(struct ys_room_waiter *waiter, enum ysync_err err)
{
    struct ys_rest *rest = YS_CONTAINER_OF(waiter, struct ys_rest, waiter);

    if (!err)
        answer(rest, json, ok);
    else
        turn_down(rest, 503, NULL, err == YSYNC_ERR_CLOSED ? "The room was deleted" : NOT_SAVED);
}

/* Whoever gets a 200 may forget the update: the store has it then. */
static void answer_when_durable(struct ys_rest *rest, struct ys_room *room)
{
    if (ys_room_is_durable(room)) {
        answer(rest, json, ok);
    } else if (ys_room_is_failing(room)) {
        turn_down(rest, 503, NULL, NOT_SAVED);
    } else {
        rest->waiter.done = on_durable;
        ys_room_await(room, &rest->waiter);
    }
}

static void answer_applied(struct ys_rest *rest, struct ys_room *room, enum ysync_err err)
{
    switch (err) {
    case YSYNC_OK:
        answer_when_durable(rest, room);
        break;
    case YSYNC_ERR_MALFORMED:
        refuse_with(rest, 400, "Malformed update: ", text(ysync_doc_problem(ys_room_doc(room))));
        break;
    case YSYNC_ERR_LIMIT:
        turn_down(rest, 413, NULL, "The room has no space for this update");
        break;
    default:
        fail(rest, err, NULL);
        break;
    }
}

/* A room is made for an update, but not for one that cannot be applied; unless it has been loaded for it. */
static void apply_body(struct ys_rest *rest, struct ys_room *room, bool was_there)
{
    struct ys_hub *hub = rest->context->hub;
    bool is_to_stay = was_there || has_store(rest);
    struct ys_buf update = rest->body; /* as *rest may end with the answer */
    enum ysync_err err;

    ys_buf_init(&rest->body, update.alloc, update.max_bytes);
    rest->stage = SKIPPING;
    err = apply(rest, room, ys_buf_bytes(&update));
    ys_buf_deinit(&update);
    answer_applied(rest, room, err);
    if (err && !is_to_stay)
        ys_hub_drop(hub, room);
}

static void take_update(struct ys_rest *rest);

static void on_opened(struct ys_room_waiter *waiter, enum ysync_err err)
{
    struct ys_rest *rest = YS_CONTAINER_OF(waiter, struct ys_rest, waiter);

    if (!err) {
        take_update(rest);
        return;
    }
    ys_buf_deinit(&rest->body);
    rest->stage = SKIPPING;
    turn_down(rest, 503, NULL, err == YSYNC_ERR_CLOSED ? "The room was deleted" : "The room cannot be opened now");
}

static void answer_update(struct ys_rest *rest, struct ysync_bytes name)
{
    struct ys_hub *hub = rest->context->hub;
    bool was_there = ys_hub_find(hub, name) != NULL;
    struct ys_room *room;
    enum ysync_err err;

    if (rest->body.len == 0) {
        rest->stage = SKIPPING;
        turn_down(rest, 400, NULL, "Empty update body");
        return;
    }
    err = ys_hub_open(hub, name, now_ms(rest), &room);
    if (err) {
        ys_buf_deinit(&rest->body);
        rest->stage = SKIPPING;
        refuse_room(rest, name, err);
    } else if (ys_room_is_loading(room)) {
        rest->stage = OPENING;
        rest->waiter.done = on_opened;
        ys_room_await(room, &rest->waiter);
    } else {
        apply_body(rest, room, was_there);
    }
}

/* Requests */

static void begin_update(struct ys_rest *rest)
{
    const struct ys_http_head *head = ys_connection_head(rest->connection);

    if (head->has_length && head->content_length > rest->context->config->max_message_bytes) {
        turn_down(rest, 413, NULL, "Body too large");
        return;
    }
    rest->stage = RECEIVING;
    ys_connection_want_body(rest->connection);
}

static void answer_any_list(struct ys_rest *rest)
{
    struct ysync_bytes query = ys_connection_head(rest->connection)->query;

    if (ys_room_list_is_of_stored(query))
        answer_stored_list(rest, query);
    else
        ask_all(rest, collect_list, answer_list);
}

static void answer_resource(struct ys_rest *rest, const struct ys_resource *resource)
{
    switch (resource->kind) {
    case YS_RESOURCE_HEALTH: /* for load balancers and people: never behind auth, always these bytes */
        answer(rest, json, "{\"status\":\"ok\"}");
        break;
    case YS_RESOURCE_METRICS:
        ask_all(rest, collect_metrics, answer_metrics);
        break;
    case YS_RESOURCE_LIST:
        answer_any_list(rest);
        break;
    case YS_RESOURCE_ROOM:
        if (ys_connection_head(rest->connection)->method == YS_HTTP_POST)
            begin_update(rest);
        else
            answer_room(rest, ys_buf_bytes(&resource->room));
        break;
    }
}

static bool is_write(enum ys_http_method method)
{
    return method != YS_HTTP_GET && method != YS_HTTP_HEAD;
}

/* A browser tells no page what came back, but what a request does would be done. */
static bool is_from_allowed_origin(const struct ys_rest *rest)
{
    const struct ysync_plugin_config *config = rest->context->config;

    return ys_origin_is_allowed(ys_connection_head(rest->connection), config->allowed_origins,
                                config->allowed_origin_count);
}

static void refuse_origin(struct ys_rest *rest)
{
    rest->context->counters.rejected[YS_REJECTED_ORIGIN]++;
    turn_down(rest, 403, NULL, "Pages of this origin may not come in");
}

static void refuse_write(struct ys_rest *rest)
{
    rest->context->counters.rejected[YS_REJECTED_READ_ONLY]++;
    turn_down(rest, 403, NULL, "Read-only");
}

static int find_resource(const struct ys_rest *rest, struct ys_resource *resource, const char **why)
{
    const struct ys_session_context *context = rest->context;

    return ys_resource_find(resource, context->config->alloc, context->routes, ys_connection_head(rest->connection),
                            why);
}

static void take_verdict(void *user, struct ys_verdict verdict)
{
    struct ys_rest *rest = user;
    enum ys_access access = verdict.access;
    struct ys_resource resource;
    const char *why;
    int status = find_resource(rest, &resource, &why);

    if (status != 200)
        turn_down(rest, status, NULL, why);
    else if (access == YS_ACCESS_NONE)
        turn_down(rest, 401, NULL, "Unauthorized");
    else if (access == YS_ACCESS_UNKNOWN)
        turn_down(rest, 503, NULL, "Cannot verify the token now");
    else if (access == YS_ACCESS_READ && is_write(ys_connection_head(rest->connection)->method))
        refuse_write(rest);
    else
        answer_resource(rest, &resource);
    ys_resource_deinit(&resource);
}

static void ask_for_verdict(struct ys_rest *rest, const struct ys_resource *resource)
{
    const struct ys_session_context *context = rest->context;
    const struct ys_http_head *head = ys_connection_head(rest->connection);
    char peer[YS_ADDRESS_TEXT_BYTES];
    struct ys_auth_request request;
    struct ys_peer client;

    client = ys_forwarded_client(head, ys_connection_peer(rest->connection), context->config->trusted_proxies);
    ys_peer_format(&client, peer);
    request = (struct ys_auth_request){
        .room = ys_buf_bytes(&resource->room),
        .token = ys_bearer_token(head),
        .peer = ys_log_str(peer),
        .unix_time_s = (uint64_t)time(NULL),
    };
    if (ys_question_ask(context->auth, context->config->alloc, &request, take_verdict, rest, &rest->question))
        fail(rest, YSYNC_ERR_NOMEM, NULL);
}

static void handle(struct ys_rest *rest)
{
    struct ys_resource resource;
    const char *why;
    int status = find_resource(rest, &resource, &why);

    if (status != 200)
        turn_down(rest, status, NULL, why);
    else if (!ys_resource_allows(&resource, ys_connection_head(rest->connection)->method))
        turn_down(rest, 405, ys_resource_allow_field(&resource), "Method not allowed");
    else if (resource.kind == YS_RESOURCE_HEALTH)
        answer_resource(rest, &resource);
    else if (!is_from_allowed_origin(rest))
        refuse_origin(rest);
    else
        ask_for_verdict(rest, &resource);
    ys_resource_deinit(&resource);
}

void ys_rest_take_head(struct ys_rest *rest, const struct ys_http_head *head)
{
    bool means_nothing = head->method != YS_HTTP_POST && may_skip(head);

    rest->stage = means_nothing ? SKIPPING : ANSWERING;
    rest->refused_with = 0;
    if (means_nothing)
        ys_connection_want_body(rest->connection);
    else
        handle(rest);
}

void ys_rest_take_body(struct ys_rest *rest, struct ysync_bytes piece)
{
    enum ysync_err err;

    if (rest->stage != RECEIVING)
        return;
    ys_buf_put(&rest->body, piece);
    err = ys_buf_err(&rest->body);
    if (err == YSYNC_OK)
        return;
    ys_buf_deinit(&rest->body);
    rest->stage = SKIPPING; /* for good: the answer comes in the middle of it, and ends the connection */
    if (err == YSYNC_ERR_LIMIT)
        turn_down(rest, 413, NULL, "Body too large");
    else
        fail(rest, err, NULL);
}

static void take_update(struct ys_rest *rest)
{
    struct ys_resource resource;
    const char *why;
    int status = find_resource(rest, &resource, &why);

    if (status != 200) {
        rest->stage = SKIPPING;
        turn_down(rest, status, NULL, why);
    } else {
        answer_update(rest, ys_buf_bytes(&resource.room));
    }
    ys_resource_deinit(&resource);
}

void ys_rest_take_end(struct ys_rest *rest)
{
    if (rest->stage == RECEIVING)
        take_update(rest);
    else if (rest->refused_with)
        turn_down(rest, rest->refused_with, rest->fields, rest->line);
    else
        handle(rest);
}
