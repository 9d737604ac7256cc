/* SPDX-License-Identifier: MIT */
/*
 * ysync/room.h over the hub: where the server takes messages when its sockets can send, a program is handed them.
 *
 *     hub wakes member A, C, A        to_send: [A] -> [C]
 *     the call into the hub ends      deliver: A.send A.send A.send -> 0 (full)    C.send -> 1, nothing left
 *     ysync_member_writable(A)        A.send ...
 *
 * A member that is woken is only noted; `send` is called when the hub is done with what it was doing, so a program
 * that is called back finds it in order. One that is full stays awake inside, so that nothing notes it again before it
 * is writable.
 */
#include "ysync/room.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "room/hub.h"
#include "room/member.h"
#include "room/room.h"

struct ysync_member {
    struct ys_member *inside;
    const struct ysync_member_events *events;
    void *user;
    struct ys_list node; /* in context->to_send */
    bool is_full;
};

static struct ys_hub *inside_hub(const struct ysync_hub *hub)
{
    return (struct ys_hub *)(uintptr_t)hub;
}

static struct ys_room *inside_room(const struct ysync_room *room)
{
    return (struct ys_room *)(uintptr_t)room;
}

static void note_awake(void *user)
{
    struct ysync_member *member = user;
    struct ys_context *context = member->inside->context;

    if (!member->is_full && ys_list_is_empty(&member->node))
        ys_list_append(&context->to_send, &member->node);
}

static void on_ended(void *user, enum ysync_err err, const char *problem)
{
    struct ysync_member *member = user;

    if (member->events->ended)
        member->events->ended(member->user, err, problem);
}

static const struct ys_member_events inside_events = { .wake = note_awake, .ended = on_ended };

static void send_waiting(struct ysync_member *member, uint64_t now_ms)
{
    struct ys_context *context = member->inside->context;
    struct ys_blob *message;

    while (!member->is_full && (message = ys_member_take(member->inside, now_ms))) {
        context->is_in_callback = true;
        member->is_full = !member->events->send(member->user, ys_blob_bytes(message));
        context->is_in_callback = false;
        ys_blob_unref(message);
    }
}

static void deliver(struct ys_context *context, uint64_t now_ms)
{
    context->now_ms = now_ms;
    ys_savings_go_on(context);
    while (!ys_list_is_empty(&context->to_send)) {
        struct ys_list *node = context->to_send.next;

        ys_list_remove(node);
        send_waiting(YS_CONTAINER_OF(node, struct ysync_member, node), now_ms);
    }
    ys_shared_merges_forget(&context->merges, context->config.alloc);
}

void ys_hub_deliver(struct ys_hub *hub, uint64_t now_ms)
{
    deliver(ys_hub_context(hub), now_ms);
}

void ysync_hub_config_init(struct ysync_hub_config *config)
{
    *config = (struct ysync_hub_config){
        .evict_after_ms = 60000,
        .max_pending_bytes = (size_t)16 * 1024 * 1024,
        .max_presence_bytes = YS_HUB_MAX_PRESENCE_BYTES,
        .send_buffer_bytes = (size_t)1024 * 1024,
    };
}

enum ysync_err ysync_hub_new(const struct ysync_hub_config *config, struct ysync_hub **out)
{
    struct ys_hub_config inside = {
        .alloc = config->alloc ? config->alloc : ysync_alloc_default(),
        .log = &config->log,
        .events = config->events,
        .evict_after_ms = config->evict_after_ms,
        .echoes = config->echoes,
        .gc = config->gc,
        .store = config->store,
        .max_rooms = config->max_rooms,
        .max_memory_bytes = config->max_memory_bytes,
        .max_room_bytes = config->max_room_bytes,
        .max_pending_bytes = config->max_pending_bytes,
        .max_presence_bytes = config->max_presence_bytes,
        .max_outbox_bytes = config->send_buffer_bytes,
    };
    struct ys_hub *hub;
    enum ysync_err err;

    static_assert(sizeof(inside.seed) == sizeof(config->seed), "the seed is 16 bytes");
    memcpy(&inside.seed, config->seed, sizeof(inside.seed));
    err = ys_hub_new(&inside, &hub);
    if (!err)
        *out = ys_hub_public(hub);
    return err;
}

void ysync_hub_free(struct ysync_hub *hub)
{
    ys_hub_free(inside_hub(hub));
}

void ysync_hub_tick(struct ysync_hub *hub, uint64_t now_ms)
{
    ys_hub_tick(inside_hub(hub), now_ms);
    ys_hub_deliver(inside_hub(hub), now_ms);
}

uint64_t ysync_hub_next_tick(const struct ysync_hub *hub)
{
    return ys_hub_next_tick(inside_hub(hub));
}

int ysync_hub_is_stored(const struct ysync_hub *hub)
{
    return ys_hub_is_stored(inside_hub(hub));
}

size_t ysync_hub_room_count(const struct ysync_hub *hub)
{
    return ys_hub_room_count(inside_hub(hub));
}

struct ysync_room *ysync_hub_find(const struct ysync_hub *hub, struct ysync_bytes name)
{
    return ys_room_public(ys_hub_find(inside_hub(hub), name));
}

struct ysync_room *ysync_hub_next_room(const struct ysync_hub *hub, size_t *position)
{
    return ys_room_public(ys_hub_next_room(inside_hub(hub), position));
}

enum ysync_err ysync_hub_open(struct ysync_hub *hub, struct ysync_bytes name, uint64_t now_ms, struct ysync_room **out)
{
    struct ys_room *room;
    enum ysync_err err = ys_hub_open(inside_hub(hub), name, now_ms, &room);

    if (!err)
        *out = ys_room_public(room);
    return err;
}

void ysync_hub_drop(struct ysync_hub *hub, struct ysync_room *room)
{
    struct ys_context *context = ys_hub_context(inside_hub(hub));
    struct ysync_store_request *removal = NULL;

    if (context->config.store) /* without memory for it what is stored stays */
        (void)!ys_hub_ask_store(inside_hub(hub), YS_STORE_REMOVE, ys_room_name(inside_room(room)), 0, NULL, NULL,
                                &removal);
    ys_hub_drop(inside_hub(hub), inside_room(room));
}

struct ysync_bytes ysync_room_name(const struct ysync_room *room)
{
    return ys_room_name(inside_room(room));
}

size_t ysync_room_member_count(const struct ysync_room *room)
{
    return ys_room_member_count(inside_room(room));
}

int ysync_room_is_loaded(const struct ysync_room *room)
{
    return !ys_room_is_loading(inside_room(room));
}

struct ysync_doc *ysync_room_doc(struct ysync_room *room)
{
    return ys_room_doc(inside_room(room));
}

enum ysync_err ysync_room_apply(struct ysync_room *room, struct ysync_bytes update, uint64_t now_ms)
{
    enum ysync_err err = ys_room_apply(inside_room(room), update, now_ms);

    deliver(ys_room_context(inside_room(room)), now_ms);
    return err;
}

enum ysync_err ysync_hub_join(struct ysync_hub *hub, struct ysync_bytes room_name,
                              const struct ysync_member_events *events, void *user,
                              const struct ysync_member_options *options, uint64_t now_ms, struct ysync_member **out)
{
    const struct ys_member_options inside = { .is_read_only = options && options->is_read_only };
    const struct ysync_alloc *alloc = ys_hub_context(inside_hub(hub))->config.alloc;
    struct ysync_member *member = ys_alloc_zeroed(alloc, 1, sizeof(*member));
    enum ysync_err err;

    if (!member)
        return YSYNC_ERR_NOMEM;
    member->events = events;
    member->user = user;
    ys_list_init(&member->node);
    err = ys_hub_join(inside_hub(hub), room_name, &inside_events, member, &inside, now_ms, &member->inside);
    if (err) {
        ys_free(alloc, member);
        return err;
    }
    *out = member;
    send_waiting(member, now_ms); /* the greeting wakes nobody */
    return YSYNC_OK;
}

void ysync_member_leave(struct ysync_member *member, uint64_t now_ms)
{
    struct ys_context *context = member->inside->context;

    ys_list_remove(&member->node);
    ys_member_leave(member->inside, now_ms);
    ys_free(context->config.alloc, member);
    deliver(context, now_ms);
}

enum ysync_err ysync_member_receive(struct ysync_member *member, struct ysync_bytes message, uint64_t now_ms,
                                    const char **problem)
{
    struct ys_context *context = member->inside->context;
    const char *why = NULL;
    enum ysync_err err = ys_member_receive(member->inside, message, now_ms, &why);

    if (problem)
        *problem = why;
    deliver(context, now_ms);
    return err;
}

void ysync_member_writable(struct ysync_member *member, uint64_t now_ms)
{
    assert(!member->inside->context->is_in_callback);
    member->is_full = false;
    send_waiting(member, now_ms);
}

uint64_t ysync_member_id(const struct ysync_member *member)
{
    return ys_member_id(member->inside);
}

struct ysync_room *ysync_member_room(const struct ysync_member *member)
{
    return ys_room_public(ys_member_room(member->inside));
}
