/* SPDX-License-Identifier: MIT */
/*
 * A request may be answered when the plugin is long gone: it has a reference to the mailbox, which discards it then.
 */
#include "server/store_link.h"

#include <uv.h>

#include "base/log.h"
#include "room/store_request.h"
#include "server/session.h"

#define EFFECT_ON_WRITES "clients go on in memory and are not told that their changes are saved; it is tried again"

static bool is_write(const struct ysync_store_request *request)
{
    return request->kind == YS_STORE_APPEND || request->kind == YS_STORE_SAVE;
}

/* Not an answer that says something about what was asked for. */
static bool has_failed(const struct ysync_store_request *request)
{
    return request->err && request->err != YSYNC_ERR_NOT_FOUND;
}

static bool concerns_all(const struct ysync_store_request *request)
{
    return request->err != YSYNC_ERR_MALFORMED && request->err != YSYNC_ERR_LIMIT && request->err != YSYNC_ERR_DENIED;
}

static const char *reason_of(const struct ysync_store_request *request)
{
    return request->problem ? request->problem : ysync_strerror(request->err);
}

static void complain(const struct ys_store_link *link, const struct ysync_store_request *request)
{
    static const char *const events[] = {
        [YS_STORE_LOAD] = "room_not_loaded",  [YS_STORE_APPEND] = "room_not_saved",
        [YS_STORE_SAVE] = "room_not_saved",   [YS_STORE_REMOVE] = "room_not_removed",
        [YS_STORE_LIST] = "rooms_not_listed",
    };
    uint64_t now_s = uv_hrtime() / 1000000000;

    if (concerns_all(request) && is_write(request)) {
        if (ys_store_health_fell_ill(link->health, now_s))
            ys_log(link->log, YSYNC_LOG_ERROR, "store_failed", YS_LOG_STR("problem", reason_of(request)),
                   YS_LOG_STR("effect", EFFECT_ON_WRITES));
    } else if (ys_store_health_may_complain(link->health, now_s)) {
        ys_log(link->log, YSYNC_LOG_ERROR, events[request->kind], YS_LOG_BYTES("room", request->room),
               YS_LOG_STR("problem", reason_of(request)));
    }
}

static void count(struct ys_server_counters *counters, const struct ysync_store_request *request)
{
    counters->store_errors += has_failed(request);
    if (is_write(request) && !request->err)
        ys_histogram_observe(&counters->store_commit, uv_hrtime() - request->begun_ns);
}

static void note_failure(struct ys_store_link *link)
{
    if (!link->is_failing)
        ys_store_health_add_hub(link->health);
    link->is_failing = true;
}

static void note_recovery(struct ys_store_link *link)
{
    link->is_failing = false;
    if (ys_store_health_remove_hub(link->health) && ys_store_health_recovered(link->health))
        ys_log(link->log, YSYNC_LOG_INFO, "store_recovered", YS_LOG_STR("effect", "what was missing is written"));
}

static void deliver(struct ys_letter *letter, void *owner)
{
    struct ysync_store_request *request = YS_CONTAINER_OF(letter, struct ysync_store_request, letter);
    struct ys_session_context *context = owner;
    struct ys_store_link *link = &context->store_link;

    count(&context->counters, request);
    if (has_failed(request))
        complain(link, request);
    if (has_failed(request) && is_write(request) && concerns_all(request))
        note_failure(link);
    ys_mailbox_unref(link->mailbox);
    ys_hub_take_answer(context->hub, request, ys_loop_now(context->loop));
    if (link->is_failing && !ys_hub_is_store_failing(context->hub))
        note_recovery(link);
}

static void discard(struct ys_letter *letter)
{
    struct ysync_store_request *request = YS_CONTAINER_OF(letter, struct ysync_store_request, letter);
    struct ys_mailbox *mailbox = request->post_user;

    ys_store_request_let_go(request);
    ys_mailbox_unref(mailbox);
}

static void post(struct ysync_store_request *request)
{
    ys_mailbox_send(request->post_user, &request->letter);
}

/* The answer will be a letter. */
static const struct ysync_store *send_out(void *user, struct ysync_store_request *request)
{
    struct ys_store_link *link = user;

    request->letter.deliver = deliver;
    request->letter.discard = discard;
    request->post = post;
    request->post_user = link->mailbox;
    request->begun_ns = uv_hrtime();
    ys_mailbox_ref(link->mailbox);
    return link->store;
}

static void load(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    const struct ysync_store *store = send_out(user, request);

    store->load(store->user, request, room);
}

static void append(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes update)
{
    const struct ysync_store *store = send_out(user, request);

    store->append(store->user, request, room, update);
}

static void save(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes snapshot)
{
    const struct ysync_store *store = send_out(user, request);

    store->save(store->user, request, room, snapshot);
}

static void remove_room(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    const struct ysync_store *store = send_out(user, request);

    store->remove(store->user, request, room);
}

static void list(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit)
{
    const struct ysync_store *store = send_out(user, request);

    store->list(store->user, request, after, limit);
}

void ys_store_link_init(struct ys_store_link *link, const struct ysync_store *store, struct ys_mailbox *mailbox,
                        struct ys_store_health *health, const struct ysync_log *log)
{
    *link = (struct ys_store_link){
        .face = { .user = link, .load = load, .append = append, .save = save, .remove = remove_room, .list = list },
        .store = store,
        .mailbox = mailbox,
        .health = health,
        .log = log,
    };
}
