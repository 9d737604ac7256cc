/* SPDX-License-Identifier: MIT */
/*
 * Documents are saved in ys_savings_go_on() alone, between the calls into the hub: saving compacts the document, which
 * must not happen while it tells its news.
 *
 * What becomes of a ledger's place in the lists:
 *
 *     a change was lost, the log has grown -----> to_save -----> save under way -----> OK: in none
 *                                                  ^   ^                 |
 *                    the store works again --- failed  |                 | the store fails
 *                    some time has passed ----- failed, refused <--------' or: this room alone was refused
 *
 * While the store fails one save at a time is tried, at growing intervals. So a store that is down costs a hub one
 * document's bytes now and then, and memory nothing: what was not written is in the documents.
 */
#include "room/ledger.h"

#include <assert.h>

#include "base/alloc.h"
#include "room/awaiting.h"
#include "room/context.h"
#include "room/member.h"
#include "room/room.h"

/* How soon it is tried again when the program ends. */
#define HURRIED_RETRY_MS 200

/* Documents that are saved in one turn, about: a millisecond's work. What is left is due at once. */
#define MAX_TURN_BYTES ((size_t)1 << 20)

/* An empty room is saved if its log is larger than this part of its document. */
#define IDLE_LOG_PART 4
#define IDLE_LOG_MIN_BYTES 4096

/* The hub's part */

static void on_retry(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_savings *savings = YS_CONTAINER_OF(timer, struct ys_savings, retry);

    (void)now_ms;
    ys_list_move_all(&savings->to_save, &savings->failed);
    ys_list_move_all(&savings->to_save, &savings->refused);
}

void ys_savings_init(struct ys_savings *savings)
{
    *savings = (struct ys_savings){ .retry_after_ms = YS_SAVINGS_MIN_RETRY_MS };
    ys_list_init(&savings->requests);
    ys_list_init(&savings->to_save);
    ys_list_init(&savings->failed);
    ys_list_init(&savings->refused);
    ys_timer_init(&savings->retry, on_retry);
}

void ys_savings_deinit(struct ys_context *context)
{
    struct ys_savings *savings = &context->savings;

    ys_timer_disarm(&context->timers, &savings->retry);
    YS_LIST_FOREACH (node, &savings->requests)
        ys_context_abandon_request(YS_CONTAINER_OF(node, struct ysync_store_request, node));
}

bool ys_savings_are_complete(const struct ys_savings *savings)
{
    return savings->writes == 0 && savings->waiting_rooms == 0;
}

/* Soon at first, then at growing intervals. */
static void try_again_later(struct ys_context *context)
{
    struct ys_savings *savings = &context->savings;

    if (ys_timer_is_armed(&savings->retry))
        return;
    ys_timer_arm(&context->timers, &savings->retry, context->now_ms + savings->retry_after_ms);
    if (savings->is_in_a_hurry)
        return;
    savings->retry_after_ms *= 2;
    if (savings->retry_after_ms > YS_SAVINGS_MAX_RETRY_MS)
        savings->retry_after_ms = YS_SAVINGS_MAX_RETRY_MS;
}

void ys_savings_hurry(struct ys_context *context)
{
    struct ys_savings *savings = &context->savings;

    savings->is_in_a_hurry = true;
    savings->retry_after_ms = HURRIED_RETRY_MS;
    ys_timer_disarm(&context->timers, &savings->retry);
    on_retry(&savings->retry, context->now_ms);
}

static size_t bytes_of(const struct ysync_store_request *request)
{
    return request->update.len + request->snapshot.len;
}

/* The store took something. On a disk that is nearly full that says nothing of what is larger. */
static void note_success(struct ys_context *context, size_t bytes)
{
    struct ys_savings *savings = &context->savings;

    if (!savings->is_failing || (bytes < savings->failed_bytes && savings->waiting_rooms > 0))
        return;
    savings->is_failing = false;
    savings->failed_bytes = 0;
    savings->retry_after_ms = savings->is_in_a_hurry ? HURRIED_RETRY_MS : YS_SAVINGS_MIN_RETRY_MS;
    ys_list_move_all(&savings->to_save, &savings->failed);
}

/* The store could not take something, or memory ran out: whoever would try now would fare no better. */
static void note_failure(struct ys_context *context, size_t bytes)
{
    struct ys_savings *savings = &context->savings;

    savings->is_failing = true;
    if (bytes > savings->failed_bytes)
        savings->failed_bytes = bytes;
    ys_list_move_all(&savings->failed, &savings->to_save);
    try_again_later(context);
}

/* Would the next one fare better? */
static bool is_of_this_room_alone(enum ysync_err err)
{
    return err == YSYNC_ERR_LIMIT || err == YSYNC_ERR_MALFORMED || err == YSYNC_ERR_DENIED;
}

/* One room's part */

/* All lost changes are covered by a save under way, or there are none. */
static bool is_log_whole(const struct ys_ledger *ledger)
{
    return ledger->lost <= ledger->durable || ledger->lost <= ledger->saved;
}

static bool is_listed(const struct ys_ledger *ledger)
{
    return !ys_list_is_empty(&ledger->node);
}

static void list(struct ys_ledger *ledger, struct ys_list *list)
{
    ledger->context->savings.waiting_rooms += !is_listed(ledger);
    ys_list_remove(&ledger->node);
    ys_list_append(list, &ledger->node);
}

static void unlist(struct ys_ledger *ledger)
{
    ledger->context->savings.waiting_rooms -= is_listed(ledger);
    ys_list_remove(&ledger->node);
}

enum ysync_err ys_ledger_new(struct ys_context *context, struct ys_room *room, struct ys_ledger **out)
{
    struct ys_ledger *ledger = ys_alloc_zeroed(context->config.alloc, 1, sizeof(*ledger));

    if (!ledger)
        return YSYNC_ERR_NOMEM;
    ledger->context = context;
    ledger->room = room;
    ys_list_init(&ledger->node);
    ys_list_init(&ledger->writes);
    ys_list_init(&ledger->awaiting);
    ys_list_init(&ledger->waiters);
    *out = ledger;
    return YSYNC_OK;
}

void ys_ledger_tell_waiters(struct ys_ledger *ledger, enum ysync_err err)
{
    YS_LIST_FOREACH (node, &ledger->waiters) {
        struct ys_room_waiter *waiter = YS_CONTAINER_OF(node, struct ys_room_waiter, node);

        if (!err && !ys_ledger_is_durable(ledger, waiter->change))
            continue;
        ys_list_remove(node);
        waiter->done(waiter, err);
    }
}

void ys_ledger_free(struct ys_ledger *ledger)
{
    if (!ledger)
        return;
    ys_store_request_forget(ledger->load);
    unlist(ledger);
    YS_LIST_FOREACH (node, &ledger->writes) {
        struct ysync_store_request *request = YS_CONTAINER_OF(node, struct ysync_store_request, of_room);

        ys_list_remove(node);
        request->user = NULL;
    }
    YS_LIST_FOREACH (node, &ledger->awaiting)
        ys_list_remove(node);
    ys_ledger_tell_waiters(ledger, YSYNC_ERR_CLOSED);
    ys_free(ledger->context->config.alloc, ledger);
}

void ys_ledger_begin(struct ys_ledger *ledger, const struct ysync_store_request *loaded, bool is_stored)
{
    ledger->changes = ledger->durable = 1; /* so that a save of what was loaded has a number, too */
    ledger->is_stored = is_stored;
    ledger->snapshot_bytes = loaded->snapshot_bytes;
    ledger->log_bytes = loaded->update_bytes;
}

/* Writes */

static void release(struct ys_ledger *ledger)
{
    YS_LIST_FOREACH (node, &ledger->awaiting)
        ys_awaiting_release(YS_CONTAINER_OF(node, struct ys_awaiting, node)->member);
    ys_ledger_tell_waiters(ledger, YSYNC_OK);
}

static void take_success(struct ys_ledger *ledger, const struct ysync_store_request *request)
{
    note_success(ledger->context, bytes_of(request));
    ledger->is_failing = false;
    if (request->kind == YS_STORE_SAVE) {
        ledger->is_stored = true;
        ledger->saved = 0;
        ledger->snapshot_bytes = request->snapshot.len;
    }
    if (request->kind == YS_STORE_SAVE || ledger->lost <= ledger->durable)
        ledger->durable = request->number;
    if (!is_log_whole(ledger) && !is_listed(ledger))
        list(ledger, &ledger->context->savings.to_save);
    release(ledger);
}

/* Somebody removed what there was to append to: a save puts it back. */
static void take_disappearance(struct ys_ledger *ledger)
{
    ledger->is_stored = false;
    if (!is_log_whole(ledger) && !is_listed(ledger))
        list(ledger, &ledger->context->savings.to_save);
}

static void take_failure(struct ys_ledger *ledger, const struct ysync_store_request *request)
{
    struct ys_savings *savings = &ledger->context->savings;
    bool is_save = request->kind == YS_STORE_SAVE;
    bool is_alone = is_of_this_room_alone(request->err);

    if (is_save)
        ledger->saved = 0;
    else if (request->number > ledger->lost)
        ledger->lost = request->number;
    if (request->err == YSYNC_ERR_NOT_FOUND) {
        take_disappearance(ledger);
        return;
    }
    ledger->is_failing = true;
    ys_ledger_tell_waiters(ledger, YSYNC_ERR_IO);
    if (is_log_whole(ledger) && !is_save)
        return;
    list(ledger, is_alone ? &savings->refused : &savings->failed);
    if (is_alone)
        try_again_later(ledger->context);
}

static void on_written(struct ysync_store_request *request, void *user)
{
    struct ys_context *context = request->context;
    struct ys_savings *savings = &context->savings;
    struct ys_ledger *ledger = user;

    savings->writes--;
    savings->saves -= request->kind == YS_STORE_SAVE;
    savings->bytes -= bytes_of(request);
    ys_list_remove(&request->of_room);
    if (request->err && request->err != YSYNC_ERR_NOT_FOUND && !is_of_this_room_alone(request->err))
        note_failure(context, bytes_of(request));
    if (!ledger) {
        if (!request->err)
            note_success(context, bytes_of(request));
        return;
    }
    if (request->err)
        take_failure(ledger, request);
    else
        take_success(ledger, request);
    if (ys_ledger_settle(ledger))
        ys_room_settled(ledger->room); /* which may be the end of both */
}

/* Asks the store to write. Errors: NOMEM. */
static enum ysync_err write(struct ys_ledger *ledger, enum ys_store_request_kind kind, struct ysync_bytes update,
                            struct ysync_bytes snapshot)
{
    struct ys_savings *savings = &ledger->context->savings;
    struct ysync_store_request *request;
    enum ysync_err err = ys_context_new_request(ledger->context, kind, ys_room_name(ledger->room), update, on_written,
                                                ledger, &request);

    if (err)
        return err;
    request->number = ledger->changes;
    request->snapshot = snapshot;
    ys_list_append(&ledger->writes, &request->of_room);
    savings->writes++;
    savings->saves += kind == YS_STORE_SAVE;
    savings->bytes += update.len + snapshot.len;
    ys_store_ask(ledger->context->config.store, request);
    return YSYNC_OK;
}

static bool append(struct ys_ledger *ledger, struct ysync_bytes update)
{
    static const struct ysync_bytes none = { NULL, 0 };
    const struct ys_savings *savings = &ledger->context->savings;

    if (update.len == 0 || !is_log_whole(ledger) || (!ledger->is_stored && ledger->saved == 0))
        return false;
    if (savings->bytes >= YS_SAVINGS_MAX_BYTES || update.len > YS_SAVINGS_MAX_BYTES - savings->bytes)
        return false;
    if (write(ledger, YS_STORE_APPEND, update, none))
        return false;
    ledger->log_bytes += update.len + YS_STORE_UPDATE_COST;
    return true;
}

static bool has_outgrown(const struct ys_ledger *ledger)
{
    return ledger->log_bytes > YS_LEDGER_MIN_LOG_BYTES && ledger->log_bytes > ledger->snapshot_bytes;
}

void ys_ledger_note(struct ys_ledger *ledger, struct ysync_bytes update)
{
    ledger->changes++;
    if (!append(ledger, update))
        ledger->lost = ledger->changes;
    if (!is_listed(ledger) && ledger->saved == 0 && (!is_log_whole(ledger) || has_outgrown(ledger)))
        list(ledger, &ledger->context->savings.to_save);
}

/* Saving documents whole */

/* The log is for what comes behind it. */
static enum ysync_err save(struct ys_ledger *ledger)
{
    static const struct ysync_bytes none = { NULL, 0 };
    struct ysync_bytes snapshot;
    enum ysync_err err = ysync_doc_save(ys_room_doc(ledger->room), &snapshot);

    if (err)
        return err;
    err = write(ledger, YS_STORE_SAVE, none, snapshot);
    if (err) {
        ysync_bytes_free(ledger->context->config.alloc, snapshot);
        return err;
    }
    ledger->saved = ledger->changes;
    ledger->log_bytes = 0;
    return YSYNC_OK;
}

static void save_first(struct ys_context *context)
{
    struct ys_savings *savings = &context->savings;
    struct ys_ledger *ledger = YS_CONTAINER_OF(savings->to_save.next, struct ys_ledger, node);
    enum ysync_err err;

    unlist(ledger);
    if (ledger->saved > 0) /* whether that was enough shows when it is answered */
        return;
    err = save(ledger);
    if (!err)
        return;
    ledger->is_failing = true;
    list(ledger, is_of_this_room_alone(err) ? &savings->refused : &savings->failed);
    if (is_of_this_room_alone(err))
        try_again_later(context);
    else
        note_failure(context, 0);
}

bool ys_savings_are_due(const struct ys_savings *savings)
{
    size_t max_saves = savings->is_failing ? 1 : YS_SAVINGS_MAX_SAVES;

    return !ys_list_is_empty(&savings->to_save) && savings->saves < max_saves &&
           (savings->saves == 0 || savings->bytes < YS_SAVINGS_MAX_BYTES);
}

void ys_savings_go_on(struct ys_context *context)
{
    struct ys_savings *savings = &context->savings;
    size_t end = savings->bytes + MAX_TURN_BYTES;

    while (ys_savings_are_due(savings) && savings->bytes < end)
        save_first(context);
}

bool ys_ledger_settle(struct ys_ledger *ledger)
{
    size_t part = ledger->snapshot_bytes / IDLE_LOG_PART;

    if (!ys_room_is_saving(ledger->room))
        return false;
    if (!ys_list_is_empty(&ledger->writes) || is_listed(ledger))
        return false;
    if (ledger->log_bytes <= IDLE_LOG_MIN_BYTES || ledger->log_bytes <= part)
        return true;
    list(ledger, &ledger->context->savings.to_save);
    return false;
}
