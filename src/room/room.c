/* SPDX-License-Identifier: MIT */
/*
 * Most rooms are idle and most have few members: what a room does not need yet (presence) is not there yet.
 *
 * A broadcast walks over the members with one shared message. While it runs the members must not change: all that is
 * called from it is events.wake, which must only take note.
 *
 * With a store, each change is asked of it as it happens (ledger.h): what was new, if that is all there is to know of
 * the update, else the update as it came, with what waits for others.
 */
#include "room/room.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "room/awaiting.h"
#include "room/ledger.h"

enum life {
    LOADING,
    LIVE,
    EMPTY,
    SAVING,
    GONE,
};

struct ys_room {
    struct ys_context *context;
    struct ysync_doc *doc;    /* NULL while it is loading, and once it is gone */
    struct ys_ledger *ledger; /* NULL where there is no store, and once it is gone */
    struct ys_presence *presence;
    struct ys_list members;
    struct ys_timer timer;  /* LIVE: presence runs out, armed if there is any; EMPTY: eviction */
    uint64_t change_number; /* of the last call that may have changed the document; no other room of the hub had it */
    size_t counted_bytes;   /* what of the hub's totals is this document's */
    uint32_t counted_pending;
    uint32_t member_count;
    uint32_t name_len;
    uint8_t life;       /* enum life */
    bool is_doc_theirs; /* the program's */
    bool is_announced;  /* the program has heard of it */
    bool is_compacting; /* it is in context->compacting */
    uint8_t name[];
};

static void tell(struct ys_room *room, const struct ys_presence_news *news, const struct ys_member *except);

/* Brings the hub's totals up to date. */
static void count_document(struct ys_room *room)
{
    struct ys_hub_totals *totals = &room->context->totals;
    size_t bytes = room->doc ? ys_doc_bytes(room->doc) : 0;
    uint32_t pending = room->doc ? (uint32_t)ys_doc_pending_count(room->doc) : 0;

    totals->document_bytes = totals->document_bytes - room->counted_bytes + bytes;
    totals->pending = totals->pending - room->counted_pending + pending;
    if (room->context->config.memory)
        ys_quota_change(room->context->config.memory, room->counted_bytes, bytes);
    room->counted_bytes = bytes;
    room->counted_pending = pending;
}

/* Each update takes a compaction a step further. When no more come, the hub does. */
static void note_compaction(struct ys_room *room)
{
    struct ys_context *context = room->context;

    if (room->is_compacting || !ys_doc_has_to_compact(room->doc))
        return;
    if (!ys_grow_array(context->config.alloc, &context->compacting, &context->compacting_cap,
                       context->compacting_count + 1, sizeof(struct ys_room *)))
        return; /* the next update asks again */
    context->compacting[context->compacting_count++] = room;
    room->is_compacting = true;
}

static void forget_compaction(struct ys_room *room)
{
    struct ys_context *context = room->context;
    size_t i = context->compacting_count;

    if (!room->is_compacting)
        return;
    room->is_compacting = false;
    while (context->compacting[--i] != room)
        ;
    context->compacting[i] = context->compacting[--context->compacting_count];
    if (context->compacting_count > 0)
        return;
    ys_free(context->config.alloc, context->compacting);
    context->compacting = NULL;
    context->compacting_cap = 0;
}

void ys_rooms_compact_some(struct ys_context *context, size_t max_bytes)
{
    struct ys_room *room;

    if (context->compacting_count == 0)
        return;
    room = context->compacting[context->compacting_count - 1];
    ys_doc_compact_some(room->doc, max_bytes);
    count_document(room);
    if (!ys_doc_has_to_compact(room->doc))
        forget_compaction(room);
}

static void arm_presence_timer(struct ys_room *room)
{
    uint64_t due_ms = ys_presence_next_expiry(room->presence);

    if (due_ms != YS_TIMER_NEVER && !ys_timer_is_armed(&room->timer))
        ys_timer_arm(&room->context->timers, &room->timer, due_ms);
}

static void start_eviction(struct ys_room *room, uint64_t now_ms)
{
    uint64_t after_ms = room->context->config.evict_after_ms;

    room->life = EMPTY;
    ys_timer_arm(&room->context->timers, &room->timer,
                 after_ms < YS_TIMER_NEVER - now_ms ? now_ms + after_ms : YS_TIMER_NEVER);
}

static void on_timer(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_room *room = YS_CONTAINER_OF(timer, struct ys_room, timer);
    struct ys_presence_news news;

    if (room->life == EMPTY) {
        room->life = SAVING;
        if (!room->ledger || ys_ledger_settle(room->ledger))
            room->context->evict(room->context, room);
        return;
    }
    ys_presence_expire(room->presence, now_ms, &news);
    tell(room, &news, NULL);
    arm_presence_timer(room);
}

enum ysync_err ys_room_make_document(struct ys_context *context, struct ysync_doc **out)
{
    const struct ys_hub_config *config = &context->config;
    struct ysync_doc *doc;
    enum ysync_err err = ysync_doc_new(config->alloc, &doc);

    if (err)
        return err;
    ys_doc_set_hash_seed(doc, &config->seed);
    ysync_doc_set_max_pending(doc, config->max_pending_bytes);
    ysync_doc_set_gc(doc, config->gc);
    *out = doc;
    return YSYNC_OK;
}

/* Loading */

/* Whoever is there now is in a room that is made only now. */
static void begin_life(struct ys_room *room)
{
    room->life = LIVE;
    ys_room_tell_of_creation(room);
    if (room->member_count == 0)
        start_eviction(room, room->context->now_ms);
    YS_LIST_FOREACH (node, &room->members)
        ys_member_greet_late(YS_CONTAINER_OF(node, struct ys_member, in_room));
}

/* What its members sent meanwhile. */
static void receive_early(struct ys_room *room)
{
    room->member_count++; /* so that the room is still there when they have */
    YS_LIST_FOREACH (node, &room->members) {
        struct ys_member *member = YS_CONTAINER_OF(node, struct ys_member, in_room);
        const char *problem = NULL;
        enum ysync_err err = ys_awaiting_receive_early(member, room->context->now_ms, &problem);

        if (err)
            ys_member_end(member, err, problem);
    }
    room->member_count--;
    if (room->member_count == 0 && room->life == LIVE)
        start_eviction(room, room->context->now_ms);
}

static void on_loaded(struct ysync_store_request *request, void *user)
{
    struct ys_room *room = user;
    struct ys_ledger *ledger = room->ledger;

    ledger->load = NULL;
    if (request->err && request->err != YSYNC_ERR_NOT_FOUND) {
        room->context->give_up(room->context, room);
        return;
    }
    room->doc = request->doc;
    request->doc = NULL;
    ys_doc_set_hash_seed(room->doc, &room->context->config.seed);
    ysync_doc_set_max_pending(room->doc, room->context->config.max_pending_bytes);
    ys_ledger_begin(ledger, request, !request->err);
    count_document(room);
    note_compaction(room);
    begin_life(room);
    ys_ledger_tell_waiters(ledger, YSYNC_OK);
    receive_early(room);
}

/* However much is pending, it was let in once. */
static enum ysync_err begin_loading(struct ys_room *room)
{
    struct ys_context *context = room->context;
    struct ysync_store_request *request = NULL;
    enum ysync_err err = ys_ledger_new(context, room, &room->ledger);

    if (!err)
        err = ys_context_new_load(context, ys_room_name(room), on_loaded, room, &request);
    if (err)
        return err;
    room->life = LOADING;
    room->ledger->load = request;
    ys_store_ask(context->config.store, request);
    return YSYNC_OK;
}

/* Its document, or the way to it. */
static enum ysync_err fill(struct ys_room *room, uint64_t now_ms)
{
    enum ysync_err err = YSYNC_OK;

    if (room->context->config.store && !room->is_doc_theirs)
        return begin_loading(room);
    if (!room->is_doc_theirs)
        err = ys_room_make_document(room->context, &room->doc);
    if (err)
        return err;
    count_document(room);
    start_eviction(room, now_ms);
    return YSYNC_OK;
}

enum ysync_err ys_room_new(struct ys_context *context, struct ysync_bytes name, struct ysync_doc *theirs,
                           uint64_t now_ms, struct ys_room **out)
{
    const struct ysync_alloc *alloc = context->config.alloc;
    struct ys_room *room;
    enum ysync_err err;

    if (name.len > UINT32_MAX)
        return YSYNC_ERR_NOMEM;
    room = ys_alloc_zeroed(alloc, sizeof(*room) + name.len, 1);
    if (!room)
        return YSYNC_ERR_NOMEM;
    room->context = context;
    room->doc = theirs;
    room->is_doc_theirs = theirs != NULL;
    room->change_number = ++context->last_change_number;
    ys_list_init(&room->members);
    ys_timer_init(&room->timer, on_timer);
    room->name_len = (uint32_t)name.len;
    if (name.len > 0)
        memcpy(room->name, name.data, name.len);
    err = fill(room, now_ms);
    if (err) {
        ys_ledger_free(room->ledger);
        ys_free(alloc, room);
        return err;
    }
    *out = room;
    return YSYNC_OK;
}

/* What the program fills in is stored as well. */
static void announce(struct ys_room *room)
{
    const struct ysync_room_events *events = &room->context->config.events;
    size_t bytes = ys_doc_bytes(room->doc);

    room->context->is_in_callback = true;
    events->created(events->user, ys_room_public(room));
    room->context->is_in_callback = false;
    if (room->ledger && ys_doc_bytes(room->doc) != bytes)
        ys_ledger_note(room->ledger, (struct ysync_bytes){ NULL, 0 });
    count_document(room);
}

void ys_room_tell_of_creation(struct ys_room *room)
{
    const struct ysync_room_events *events = &room->context->config.events;

    room->is_announced = true;
    if (events->created && !room->is_doc_theirs)
        announce(room);
}

void ys_room_end(struct ys_room *room)
{
    const struct ysync_room_events *events = &room->context->config.events;

    forget_compaction(room);
    if (events->evicted && room->is_announced) {
        room->context->is_in_callback = true;
        events->evicted(events->user, ys_room_public(room));
        room->context->is_in_callback = false;
    }
    if (!room->is_doc_theirs)
        ysync_doc_free(room->doc);
    room->doc = NULL;
    count_document(room);
    ys_ledger_free(room->ledger);
    room->ledger = NULL;
}

void ys_room_free(struct ys_room *room)
{
    if (!room)
        return;
    assert(room->member_count == 0 && !room->doc);
    ys_timer_disarm(&room->context->timers, &room->timer);
    ys_presence_free(room->presence);
    ys_free(room->context->config.alloc, room);
}

struct ysync_bytes ys_room_name(const struct ys_room *room)
{
    return (struct ysync_bytes){ room->name, room->name_len };
}

size_t ys_room_member_count(const struct ys_room *room)
{
    return room->member_count;
}

struct ysync_doc *ys_room_doc(struct ys_room *room)
{
    return room->doc;
}

const struct ys_presence *ys_room_presence(const struct ys_room *room)
{
    return room->presence;
}

uint64_t ys_room_version(const struct ys_room *room)
{
    return room->change_number;
}

struct ys_context *ys_room_context(const struct ys_room *room)
{
    return room->context;
}

struct ys_ledger *ys_room_ledger(const struct ys_room *room)
{
    return room->ledger;
}

bool ys_room_is_loading(const struct ys_room *room)
{
    return room->life == LOADING;
}

bool ys_room_is_saving(const struct ys_room *room)
{
    return room->life == SAVING;
}

void ys_room_settled(struct ys_room *room)
{
    room->context->evict(room->context, room);
}

bool ys_room_is_durable(const struct ys_room *room)
{
    return !room->ledger || ys_ledger_is_durable(room->ledger, room->ledger->changes);
}

bool ys_room_is_failing(const struct ys_room *room)
{
    return room->ledger && room->ledger->is_failing;
}

void ys_room_await(struct ys_room *room, struct ys_room_waiter *waiter)
{
    waiter->change = room->ledger->changes;
    ys_list_append(&room->ledger->waiters, &waiter->node);
}

bool ys_room_is_gone(const struct ys_room *room)
{
    return room->life == GONE;
}

void ys_room_drop(struct ys_room *room, enum ysync_err why, const char *problem)
{
    room->life = GONE;
    ys_timer_disarm(&room->context->timers, &room->timer);
    ys_room_end(room);
    room->member_count++; /* so that the room is still there when the last one has been told */
    YS_LIST_FOREACH (node, &room->members)
        ys_member_end(YS_CONTAINER_OF(node, struct ys_member, in_room), why, problem);
    room->member_count--;
    if (room->member_count == 0)
        ys_room_free(room);
}

void ys_room_touch(struct ys_room *room, uint64_t now_ms)
{
    if (room->life == EMPTY || room->life == SAVING)
        start_eviction(room, now_ms);
}

void ys_room_add(struct ys_room *room, struct ys_member *member)
{
    if (room->life == EMPTY)
        ys_timer_disarm(&room->context->timers, &room->timer);
    ys_list_append(&room->members, &member->in_room);
    room->member_count++;
    room->context->totals.members++;
    if (room->life == LOADING) {
        ys_member_note_waiting(member);
        return;
    }
    room->life = LIVE;
    ys_member_greet(member, room->presence && ys_presence_count(room->presence) > 0);
}

void ys_room_remove(struct ys_room *room, struct ys_member *member, uint64_t now_ms)
{
    struct ys_presence_news news;

    assert(!room->context->is_in_callback);
    ys_list_remove(&member->in_room);
    room->member_count--;
    room->context->totals.members--;
    if (room->presence) {
        ys_presence_leave(room->presence, &member->presence, &news);
        tell(room, &news, NULL);
    }
    if (room->member_count > 0)
        return;
    if (room->life == GONE)
        ys_room_free(room);
    else if (room->life == LIVE)
        start_eviction(room, now_ms);
}

/* Sends news of presence to everybody but one, and gives up the reference. Nobody in a room that is gone wants any. */
static void tell(struct ys_room *room, const struct ys_presence_news *news, const struct ys_member *except)
{
    if (!news->is_any)
        return;
    if (room->life == GONE) {
        ys_blob_unref(news->message);
        return;
    }
    YS_LIST_FOREACH (node, &room->members) {
        struct ys_member *member = YS_CONTAINER_OF(node, struct ys_member, in_room);

        if (member != except)
            ys_member_put_presence(member, news);
    }
    ys_blob_unref(news->message);
}

enum ysync_err ys_room_receive_presence(struct ys_room *room, struct ys_member *member, struct ysync_bytes payload,
                                        uint64_t now_ms, const char **problem)
{
    const struct ys_hub_config *config = &room->context->config;
    struct ys_presence_news relay;
    struct ys_presence_news reply;
    enum ysync_err err = YSYNC_OK;

    if (!room->presence)
        err = ys_presence_new(config->alloc, config->seed, config->max_presence_bytes, &room->presence);
    if (!err)
        err = ys_presence_receive(room->presence, &member->presence, payload, now_ms, &relay, &reply, problem);
    if (err)
        return err;
    tell(room, &relay, member);
    if (reply.is_any) {
        ys_member_put_presence(member, &reply);
        ys_blob_unref(reply.message);
    }
    arm_presence_timer(room);
    return YSYNC_OK;
}

static void tell_program(struct ys_room *room, uint64_t origin, struct ysync_bytes update)
{
    const struct ysync_room_events *events = &room->context->config.events;

    if (!events->updated)
        return;
    room->context->is_in_callback = true;
    events->updated(events->user, ys_room_public(room), origin, update);
    room->context->is_in_callback = false;
}

/* A part of the running change had to wait, so that no news tells of it. */
static bool has_parked(const struct ys_room *room)
{
    return ys_doc_pending_added(room->doc) != room->context->pending_added;
}

/* What the running change brought is for the store as well. News of others' updates, which had waited for this one, are
 * there already. */
static void note_news(struct ys_room *room, uint64_t origin, struct ysync_bytes update)
{
    if (room->ledger && origin == room->context->origin && !has_parked(room))
        ys_ledger_note(room->ledger, update);
}

/* Back to who brought it, which with a store means that it is saved: without memory for the message it is not said. */
static void echo(struct ys_room *room, struct ys_member *member, struct ys_blob *message)
{
    if (!room->ledger)
        ys_member_put_update(member, room->doc, room->change_number, message);
    else if (message)
        (void)!ys_member_acknowledge(member, room->ledger->changes + has_parked(room), YS_MESSAGE_UPDATE, message);
}

/* The document has something new. Without memory for the message every member falls behind, and gets it later. */
static void on_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    struct ys_room *room = user;
    struct ys_blob *message = ys_message_encode(room->context->config.alloc, YS_MESSAGE_UPDATE, update);

    room->context->has_news = true;
    note_news(room, origin, update);
    YS_LIST_FOREACH (node, &room->members) {
        struct ys_member *member = YS_CONTAINER_OF(node, struct ys_member, in_room);

        if (member->id != origin)
            ys_member_put_update(member, room->doc, room->change_number, message);
        else if (room->context->config.echoes)
            echo(room, member, message);
    }
    ys_blob_unref(message);
    tell_program(room, origin, update);
}

/* Would the update grow the document past its limit? One that brings nothing new would not, nor one that only deletes:
 * without that, a room that is full could never be emptied. */
static enum ysync_err check_size(struct ys_room *room, struct ysync_bytes update, const char **problem)
{
    size_t max_bytes = room->context->config.max_room_bytes;
    size_t bytes = ys_doc_bytes(room->doc);
    bool grows = false;
    enum ysync_err err;

    if (max_bytes == 0 || (bytes < max_bytes && update.len <= max_bytes - bytes))
        return YSYNC_OK;
    err = ys_doc_lacks_structs(room->doc, update, &grows);
    if (err || !grows)
        return err;
    *problem = "the room is full";
    return YSYNC_ERR_LIMIT;
}

static enum ysync_err apply(struct ys_room *room, uint64_t origin, struct ysync_bytes update, const char **problem)
{
    enum ysync_err err = check_size(room, update, problem);

    if (err)
        return err;
    err = ysync_doc_apply(room->doc, update, origin, on_news, room);
    if (err == YSYNC_ERR_LIMIT)
        *problem = ysync_doc_problem(room->doc);
    return err;
}

enum ysync_err ys_room_apply_from(struct ys_room *room, uint64_t origin, struct ysync_bytes update,
                                  const char **problem)
{
    enum ysync_err err;

    assert(!room->context->is_in_callback && room->life != GONE && room->life != LOADING);
    room->change_number = ++room->context->last_change_number;
    room->context->has_news = false;
    room->context->origin = origin;
    room->context->pending_added = ys_doc_pending_added(room->doc);
    err = apply(room, origin, update, problem);
    if (room->ledger && has_parked(room))
        ys_ledger_note(room->ledger, update);
    count_document(room);
    note_compaction(room);
    if (room->context->has_news)
        room->context->counters.updates_applied++;
    if (err == YSYNC_ERR_MALFORMED)
        *problem = ysync_doc_problem(room->doc);
    return err;
}

enum ysync_err ys_room_apply(struct ys_room *room, struct ysync_bytes update, uint64_t now_ms)
{
    const char *problem;

    if (room->life == LOADING)
        return YSYNC_ERR_CONFLICT;
    ys_room_touch(room, now_ms);
    return ys_room_apply_from(room, 0, update, &problem);
}
