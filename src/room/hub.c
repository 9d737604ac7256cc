/* SPDX-License-Identifier: MIT */
/*
 * Names to rooms, and one heap of timers for everything that has a time: evictions, presence, keep-alive messages. So a
 * tick costs what is due and nothing else, however many rooms there are; and as a hundred thousand of them may be due
 * in the same millisecond, it does no more than takes a moment, and comes back.
 *
 * The layers below: public.c (ysync/room.h), room.c (what is shared), receive.c and take.c (what a member's messages
 * do, and where its messages come from), member.c, and outbox.c, presence.c, catch_up.c, which know no rooms.
 */
#include "room/hub.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "room/context.h"
#include "room/member.h"
#include "room/room.h"

/* A tick goes on until it has done so much, counted in bytes that are given back, about a millisecond for a million;
 * what else a timer does counts as TIMER_COST of them. */
#define MAX_TICK_COST ((size_t)4 << 20)
#define TIMER_COST ((size_t)16 << 10)

/* So much of a document is compacted in one tick, a fraction of a millisecond. */
#define COMPACT_BYTES ((size_t)64 << 10)

struct ys_hub {
    struct ys_context context;
    struct ys_map rooms;
    struct ys_quota own_rooms;  /* config.rooms, unless it is shared */
    struct ys_quota own_memory; /* config.memory, likewise */
};

static void evict(struct ys_context *context, struct ys_room *room);
static void give_up(struct ys_context *context, struct ys_room *room);

static uint64_t hash_name(const struct ys_hub *hub, struct ysync_bytes name)
{
    return ys_hash_bytes(hub->context.config.seed, name);
}

static bool is_named(const void *item, const void *key)
{
    struct ysync_bytes name = ys_room_name(item);
    const struct ysync_bytes *wanted = key;

    return name.len == wanted->len && (name.len == 0 || memcmp(name.data, wanted->data, name.len) == 0);
}

enum ysync_err ys_hub_new(const struct ys_hub_config *config, struct ys_hub **out)
{
    static const uint8_t no_states[] = { 0 };
    struct ys_hub *hub = ys_alloc_zeroed(config->alloc, 1, sizeof(*hub));

    if (!hub)
        return YSYNC_ERR_NOMEM;
    hub->context.config = *config;
    if (config->log) {
        hub->context.log = *config->log;
        hub->context.config.log = &hub->context.log;
    }
    if (!config->rooms) {
        ys_quota_init(&hub->own_rooms, config->max_rooms);
        hub->context.config.rooms = &hub->own_rooms;
    }
    if (!config->memory && config->max_memory_bytes > 0) {
        ys_quota_init(&hub->own_memory, config->max_memory_bytes);
        hub->context.config.memory = &hub->own_memory;
    }
    hub->context.evict = evict;
    hub->context.give_up = give_up;
    ys_savings_init(&hub->context.savings);
    ys_list_init(&hub->context.answered);
    hub->context.keep_alive = ys_message_encode(config->alloc, YS_MESSAGE_AWARENESS,
                                                (struct ysync_bytes){ no_states, sizeof(no_states) });
    if (!hub->context.keep_alive) {
        ys_free(config->alloc, hub);
        return YSYNC_ERR_NOMEM;
    }
    ys_list_init(&hub->context.to_send);
    ys_map_init(&hub->rooms, config->alloc);
    *out = hub;
    return YSYNC_OK;
}

void ys_hub_free(struct ys_hub *hub)
{
    struct ys_room *room;
    size_t position = 0;

    if (!hub)
        return;
    while ((room = ys_map_next(&hub->rooms, &position))) {
        ys_quota_give(hub->context.config.rooms);
        ys_room_end(room);
        ys_room_free(room);
    }
    ys_map_deinit(&hub->rooms);
    ys_savings_deinit(&hub->context);
    assert(!hub->context.timers.root);
    ys_shared_merges_forget(&hub->context.merges, hub->context.config.alloc);
    ys_blob_unref(hub->context.keep_alive);
    ys_free(hub->context.config.alloc, hub);
}

struct ys_context *ys_hub_context(struct ys_hub *hub)
{
    return &hub->context;
}

void ys_hub_tick(struct ys_hub *hub, uint64_t now_ms)
{
    assert(!hub->context.is_in_callback);
    hub->context.now_ms = now_ms;
    ys_context_take_answers(&hub->context);
    hub->context.tick_cost = 0;
    while (hub->context.tick_cost < MAX_TICK_COST && ys_timers_run_one(&hub->context.timers, now_ms))
        hub->context.tick_cost += TIMER_COST;
    if (hub->context.tick_cost < MAX_TICK_COST)
        ys_rooms_compact_some(&hub->context, COMPACT_BYTES);
}

uint64_t ys_hub_next_tick(const struct ys_hub *hub)
{
    bool is_due = hub->context.compacting_count > 0 || !ys_list_is_empty(&hub->context.answered) ||
                  ys_savings_are_due(&hub->context.savings);

    return is_due ? 0 : ys_timers_next(&hub->context.timers);
}

const struct ys_hub_counters *ys_hub_counters(const struct ys_hub *hub)
{
    return &hub->context.counters;
}

const struct ys_hub_totals *ys_hub_totals(const struct ys_hub *hub)
{
    return &hub->context.totals;
}

struct ys_hub_store_totals ys_hub_store_totals(const struct ys_hub *hub)
{
    const struct ys_savings *savings = &hub->context.savings;

    return (struct ys_hub_store_totals){ savings->writes, savings->bytes, savings->waiting_rooms };
}

size_t ys_hub_room_count(const struct ys_hub *hub)
{
    return hub->rooms.count;
}

struct ys_room *ys_hub_find(const struct ys_hub *hub, struct ysync_bytes name)
{
    return ys_map_find(&hub->rooms, hash_name(hub, name), is_named, &name);
}

struct ys_room *ys_hub_next_room(const struct ys_hub *hub, size_t *position)
{
    return ys_map_next(&hub->rooms, position);
}

static void forget_room(struct ys_hub *hub, struct ys_room *room)
{
    ys_map_remove(&hub->rooms, hash_name(hub, ys_room_name(room)), room);
    ys_quota_give(hub->context.config.rooms);
}

static void remove_room(struct ys_hub *hub, struct ys_room *room)
{
    forget_room(hub, room);
    ys_room_end(room);
    ys_room_free(room);
}

static void evict(struct ys_context *context, struct ys_room *room)
{
    size_t bytes = ys_doc_bytes(ys_room_doc(room));

    context->counters.evictions++;
    context->tick_cost += bytes;
    forget_room(YS_CONTAINER_OF(context, struct ys_hub, context), room);
    ys_room_end(room);
    ys_log(context->config.log, YSYNC_LOG_INFO, "room_evicted", YS_LOG_BYTES("room", ys_room_name(room)),
           YS_LOG_NUM("bytes", bytes));
    ys_room_free(room);
}

static void give_up(struct ys_context *context, struct ys_room *room)
{
    forget_room(YS_CONTAINER_OF(context, struct ys_hub, context), room);
    ys_room_drop(room, YSYNC_ERR_IO, "the document cannot be loaded now");
}

void ys_hub_drop(struct ys_hub *hub, struct ys_room *room)
{
    assert(!hub->context.is_in_callback);
    forget_room(hub, room);
    ys_room_drop(room, YSYNC_ERR_NOT_FOUND, "the room was deleted");
}

/* *out is NULL where rooms have documents of their own. */
static enum ysync_err resolve(struct ys_hub *hub, struct ysync_bytes name, struct ysync_doc **out)
{
    const struct ysync_room_events *events = &hub->context.config.events;

    *out = NULL;
    if (!events->resolve)
        return YSYNC_OK;
    hub->context.is_in_callback = true;
    *out = events->resolve(events->user, name);
    hub->context.is_in_callback = false;
    return *out ? YSYNC_OK : YSYNC_ERR_NOT_FOUND;
}

static enum ysync_err add_room(struct ys_hub *hub, struct ysync_bytes name, uint64_t now_ms, struct ys_room **out)
{
    struct ys_quota *rooms = hub->context.config.rooms;
    struct ysync_doc *theirs;
    enum ysync_err err;

    if (hub->context.config.memory && ys_quota_is_full(hub->context.config.memory))
        return YSYNC_ERR_LIMIT;
    if (!ys_quota_take(rooms))
        return YSYNC_ERR_LIMIT;
    err = ys_map_reserve(&hub->rooms, 1);
    if (!err)
        err = resolve(hub, name, &theirs);
    if (!err)
        err = ys_room_new(&hub->context, name, theirs, now_ms, out);
    if (err) {
        ys_quota_give(rooms);
        return err;
    }
    ys_map_add(&hub->rooms, hash_name(hub, name), *out);
    if (!ys_room_is_loading(*out))
        ys_room_tell_of_creation(*out);
    return YSYNC_OK;
}

enum ysync_err ys_hub_open(struct ys_hub *hub, struct ysync_bytes name, uint64_t now_ms, struct ys_room **out)
{
    struct ys_room *room = ys_hub_find(hub, name);
    enum ysync_err err = YSYNC_OK;

    assert(!hub->context.is_in_callback);
    if (room)
        ys_room_touch(room, now_ms);
    else
        err = add_room(hub, name, now_ms, &room);
    if (err)
        return err;
    *out = room;
    return YSYNC_OK;
}

enum ysync_err ys_hub_look_up(struct ys_hub *hub, struct ysync_bytes name, uint64_t now_ms, struct ys_room **out)
{
    struct ys_room *room = ys_hub_find(hub, name);

    if (!room && hub->context.config.events.resolve)
        return ys_hub_open(hub, name, now_ms, out);
    if (!room)
        return YSYNC_ERR_NOT_FOUND;
    *out = room;
    return YSYNC_OK;
}

enum ysync_err ys_hub_join(struct ys_hub *hub, struct ysync_bytes room_name, const struct ys_member_events *events,
                           void *user, const struct ys_member_options *options, uint64_t now_ms, struct ys_member **out)
{
    struct ys_room *found = ys_hub_find(hub, room_name);
    struct ys_room *room = found;
    struct ys_member *member;
    enum ysync_err err = YSYNC_OK;

    assert(!hub->context.is_in_callback);
    hub->context.now_ms = now_ms;
    if (!room)
        err = add_room(hub, room_name, now_ms, &room);
    if (err)
        return err;
    err = ys_member_new(&hub->context, room, events, user, options->is_read_only, now_ms, &member);
    if (err) {
        if (!found)
            remove_room(hub, room);
        return err;
    }
    ys_room_add(room, member);
    *out = member;
    return YSYNC_OK;
}

void ys_member_leave(struct ys_member *member, uint64_t now_ms)
{
    ys_room_remove(member->room, member, now_ms);
    ys_member_free(member);
}

/* The store */

enum ysync_err ys_hub_ask_store(struct ys_hub *hub, enum ys_store_request_kind kind, struct ysync_bytes name,
                                size_t limit, ys_store_done_fn *done, void *user, struct ysync_store_request **out)
{
    static const struct ysync_bytes none = { NULL, 0 };
    struct ys_context *context = &hub->context;
    enum ysync_err err;

    if (kind == YS_STORE_LOAD)
        err = ys_context_new_load(context, name, done, user, out);
    else
        err = ys_context_new_request(context, kind, name, none, done, user, out);
    if (err)
        return err;
    (*out)->limit = limit;
    ys_store_ask(context->config.store, *out);
    return YSYNC_OK;
}

void ys_hub_take_answer(struct ys_hub *hub, struct ysync_store_request *request, uint64_t now_ms)
{
    assert(!hub->context.is_in_callback);
    hub->context.now_ms = now_ms;
    ys_store_request_finish(request);
}

void ys_hub_hurry(struct ys_hub *hub, uint64_t now_ms)
{
    hub->context.now_ms = now_ms;
    ys_savings_hurry(&hub->context);
}

bool ys_hub_is_stored(const struct ys_hub *hub)
{
    return ys_savings_are_complete(&hub->context.savings);
}

bool ys_hub_is_store_failing(const struct ys_hub *hub)
{
    return hub->context.savings.is_failing;
}
