/* SPDX-License-Identifier: MIT */
/*
 * Whatever the mode is, a request goes into the queue, and whoever is to answer takes it from there. The lock is held
 * while it is answered, which keeps answers in order; it is recursive, as the asker may ask again from inside.
 */
#include "support/memory_store.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct ys_list node;
    enum memory_store_kind kind;
    struct ysync_store_request *request;
    struct ysync_bytes room; /* or what to list behind */
    struct ysync_bytes bytes;
    size_t limit;
};

static void *must_have(void *block)
{
    if (!block)
        abort();
    return block;
}

static struct memory_store_bytes copy(struct ysync_bytes bytes)
{
    struct memory_store_bytes to = { must_have(malloc(bytes.len + 1)), bytes.len };

    if (bytes.len > 0)
        memcpy(to.data, bytes.data, bytes.len);
    return to;
}

static struct ysync_bytes view(const struct memory_store_bytes *bytes)
{
    return (struct ysync_bytes){ bytes->data, bytes->len };
}

static struct ysync_bytes text(const char *name)
{
    return (struct ysync_bytes){ (const uint8_t *)name, strlen(name) };
}

static int compare(struct ysync_bytes a, struct ysync_bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.data, b.data, shared) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Rooms */

/* The place of the first room that is not in front of the name. */
static size_t place_of(const struct memory_store *memory, struct ysync_bytes name)
{
    size_t i = 0;

    while (i < memory->room_count && compare(view(&memory->rooms[i].name), name) < 0)
        i++;
    return i;
}

static struct memory_store_room *find(const struct memory_store *memory, struct ysync_bytes name)
{
    size_t i = place_of(memory, name);

    return i < memory->room_count && compare(view(&memory->rooms[i].name), name) == 0 ? &memory->rooms[i] : NULL;
}

static void empty_room(struct memory_store_room *room)
{
    for (size_t i = 0; i < room->update_count; i++)
        free(room->updates[i].data);
    free(room->updates);
    free(room->snapshot.data);
    *room = (struct memory_store_room){ .name = room->name };
}

static struct memory_store_room *find_or_make(struct memory_store *memory, struct ysync_bytes name)
{
    struct memory_store_room *room = find(memory, name);
    size_t i = place_of(memory, name);

    if (room)
        return room;
    memory->rooms = must_have(realloc(memory->rooms, (memory->room_count + 1) * sizeof(*memory->rooms)));
    room = &memory->rooms[i];
    memmove(room + 1, room, (memory->room_count - i) * sizeof(*room));
    memory->room_count++;
    *room = (struct memory_store_room){ .name = copy(name) };
    return room;
}

static void remove_room(struct memory_store *memory, struct memory_store_room *room)
{
    size_t behind = (size_t)(memory->rooms + memory->room_count - (room + 1));

    empty_room(room);
    free(room->name.data);
    memmove(room, room + 1, behind * sizeof(*room));
    memory->room_count--;
}

static void add_update(struct memory_store_room *room, struct ysync_bytes update)
{
    room->updates = must_have(realloc(room->updates, (room->update_count + 1) * sizeof(*room->updates)));
    room->updates[room->update_count++] = copy(update);
}

static uint64_t bytes_of(const struct memory_store_room *room)
{
    uint64_t bytes = room->snapshot.len;

    for (size_t i = 0; i < room->update_count; i++)
        bytes += room->updates[i].len;
    return bytes;
}

/* Answers */

static enum ysync_err give_document(struct ysync_store_request *request, const struct memory_store_room *room)
{
    enum ysync_err err = YSYNC_OK;

    if (!room)
        return YSYNC_ERR_NOT_FOUND;
    if (room->snapshot.data)
        err = ysync_store_give_snapshot(request, view(&room->snapshot));
    for (size_t i = 0; i < room->update_count && !err; i++)
        err = ysync_store_give_update(request, view(&room->updates[i]));
    return err;
}

static enum ysync_err give_names(const struct memory_store *memory, const struct asked *asked)
{
    enum ysync_err err = YSYNC_OK;
    size_t given = 0;

    for (size_t i = 0; i < memory->room_count && given < asked->limit && !err; i++) {
        const struct memory_store_room *room = &memory->rooms[i];

        if (compare(view(&room->name), asked->room) <= 0)
            continue;
        err = ysync_store_give_room(asked->request, view(&room->name), bytes_of(room));
        given++;
    }
    return err;
}

static enum ysync_err do_as_asked(struct memory_store *memory, const struct asked *asked)
{
    struct memory_store_room *room = find(memory, asked->room);

    switch (asked->kind) {
    case MEMORY_STORE_LOAD:
        memory->loads++;
        return give_document(asked->request, room);
    case MEMORY_STORE_APPEND:
        memory->appends++;
        if (!room)
            return YSYNC_ERR_NOT_FOUND;
        add_update(room, asked->bytes);
        return YSYNC_OK;
    case MEMORY_STORE_SAVE:
        memory->saves++;
        room = find_or_make(memory, asked->room);
        empty_room(room);
        room->snapshot = copy(asked->bytes);
        return YSYNC_OK;
    case MEMORY_STORE_REMOVE:
        memory->removals++;
        if (!room)
            return YSYNC_ERR_NOT_FOUND;
        remove_room(memory, room);
        return YSYNC_OK;
    case MEMORY_STORE_LIST:
        return give_names(memory, asked);
    }
    return YSYNC_ERR_INVALID_ARG;
}

static bool is_to_fail(struct memory_store *memory, enum memory_store_kind kind)
{
    if (!(memory->failing_kinds & kind) || memory->failures_left == 0)
        return false;
    if (memory->failures_left < SIZE_MAX)
        memory->failures_left--;
    return true;
}

/* The lock is held. */
static void answer_oldest(struct memory_store *memory)
{
    struct asked *asked = YS_CONTAINER_OF(memory->waiting.next, struct asked, node);

    ys_list_remove(&asked->node);
    if (is_to_fail(memory, asked->kind))
        ysync_store_answer(asked->request, memory->failure, memory->failure_problem);
    else
        ysync_store_answer(asked->request, do_as_asked(memory, asked), NULL);
    free(asked);
}

static void answer_all(struct memory_store *memory)
{
    while (!ys_list_is_empty(&memory->waiting))
        answer_oldest(memory);
}

static void run_thread(void *arg)
{
    struct memory_store *memory = arg;

    uv_mutex_lock(&memory->mutex);
    while (!memory->is_ending) {
        answer_all(memory);
        uv_cond_wait(&memory->changed, &memory->mutex);
    }
    uv_mutex_unlock(&memory->mutex);
}

/* The store's functions */

static void ask(struct memory_store *memory, struct asked what)
{
    struct asked *asked = must_have(malloc(sizeof(*asked)));

    *asked = what;
    uv_mutex_lock(&memory->mutex);
    memory->asked++;
    ys_list_append(&memory->waiting, &asked->node);
    if (!memory->waits)
        answer_all(memory);
    uv_cond_signal(&memory->changed);
    uv_mutex_unlock(&memory->mutex);
}

static void load(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    ask(user, (struct asked){ .kind = MEMORY_STORE_LOAD, .request = request, .room = room });
}

static void append(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes update)
{
    ask(user, (struct asked){ .kind = MEMORY_STORE_APPEND, .request = request, .room = room, .bytes = update });
}

static void save(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes snapshot)
{
    ask(user, (struct asked){ .kind = MEMORY_STORE_SAVE, .request = request, .room = room, .bytes = snapshot });
}

static void remove_all(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    ask(user, (struct asked){ .kind = MEMORY_STORE_REMOVE, .request = request, .room = room });
}

static void list(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit)
{
    ask(user, (struct asked){ .kind = MEMORY_STORE_LIST, .request = request, .room = after, .limit = limit });
}

/* For tests */

void memory_store_init(struct memory_store *memory)
{
    memset(memory, 0, sizeof(*memory));
    memory->store = (struct ysync_store){
        .user = memory, .load = load, .append = append, .save = save, .remove = remove_all, .list = list
    };
    ys_list_init(&memory->waiting);
    if (uv_mutex_init_recursive(&memory->mutex) != 0 || uv_cond_init(&memory->changed) != 0)
        abort();
}

void memory_store_deinit(struct memory_store *memory)
{
    uv_mutex_lock(&memory->mutex);
    answer_all(memory);
    memory->is_ending = true;
    uv_cond_signal(&memory->changed);
    uv_mutex_unlock(&memory->mutex);
    if (memory->has_thread)
        uv_thread_join(&memory->thread);
    while (memory->room_count > 0)
        remove_room(memory, &memory->rooms[memory->room_count - 1]);
    free(memory->rooms);
    uv_cond_destroy(&memory->changed);
    uv_mutex_destroy(&memory->mutex);
}

void memory_store_wait(struct memory_store *memory)
{
    uv_mutex_lock(&memory->mutex);
    memory->waits = true;
    uv_mutex_unlock(&memory->mutex);
}

void memory_store_thread(struct memory_store *memory)
{
    memory_store_wait(memory);
    memory->has_thread = true;
    if (uv_thread_create(&memory->thread, run_thread, memory) != 0)
        abort();
}

void memory_store_hurry(struct memory_store *memory)
{
    uv_mutex_lock(&memory->mutex);
    memory->waits = false;
    answer_all(memory);
    uv_mutex_unlock(&memory->mutex);
}

bool memory_store_answer(struct memory_store *memory)
{
    bool is_there;

    uv_mutex_lock(&memory->mutex);
    is_there = !ys_list_is_empty(&memory->waiting);
    if (is_there)
        answer_oldest(memory);
    uv_mutex_unlock(&memory->mutex);
    return is_there;
}

size_t memory_store_waiting(struct memory_store *memory)
{
    size_t count = 0;

    uv_mutex_lock(&memory->mutex);
    YS_LIST_FOREACH (node, &memory->waiting)
        count++;
    uv_mutex_unlock(&memory->mutex);
    return count;
}

size_t memory_store_asked(struct memory_store *memory)
{
    size_t count;

    uv_mutex_lock(&memory->mutex);
    count = memory->asked;
    uv_mutex_unlock(&memory->mutex);
    return count;
}

void memory_store_fail(struct memory_store *memory, unsigned kinds, size_t times, enum ysync_err err,
                       const char *problem)
{
    uv_mutex_lock(&memory->mutex);
    memory->failing_kinds = kinds;
    memory->failures_left = times;
    memory->failure = err;
    memory->failure_problem = problem;
    uv_mutex_unlock(&memory->mutex);
}

const struct memory_store_room *memory_store_find(struct memory_store *memory, const char *room)
{
    const struct memory_store_room *found;

    uv_mutex_lock(&memory->mutex);
    found = find(memory, text(room));
    uv_mutex_unlock(&memory->mutex);
    return found;
}

void memory_store_forget(struct memory_store *memory, const char *room)
{
    uv_mutex_lock(&memory->mutex);
    remove_room(memory, find(memory, text(room)));
    uv_mutex_unlock(&memory->mutex);
}

void memory_store_put_snapshot(struct memory_store *memory, const char *room, struct ysync_bytes snapshot)
{
    struct memory_store_room *put;

    uv_mutex_lock(&memory->mutex);
    put = find_or_make(memory, text(room));
    free(put->snapshot.data);
    put->snapshot = copy(snapshot);
    uv_mutex_unlock(&memory->mutex);
}

void memory_store_put_update(struct memory_store *memory, const char *room, struct ysync_bytes update)
{
    uv_mutex_lock(&memory->mutex);
    add_update(find_or_make(memory, text(room)), update);
    uv_mutex_unlock(&memory->mutex);
}
