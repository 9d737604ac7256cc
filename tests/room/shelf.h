/* SPDX-License-Identifier: MIT */
/*
 * A store for tests, in which everything happens when the test says so: what it is asked waits in a row, and is done
 * and answered, or refused, from the front.
 */
#ifndef YS_TEST_ROOM_SHELF_H
#define YS_TEST_ROOM_SHELF_H

#include "room/party.h"
#include "room/store_request.h"

#define SHELF_ROOMS 16
#define SHELF_ASKED 4096

struct shelf_room {
    struct ys_buf name; /* empty: free */
    struct ys_buf snapshot;
    struct ys_buf updates; /* each with its length in front */
    size_t update_count;
};

struct shelf {
    struct ysync_store store;
    struct shelf_room rooms[SHELF_ROOMS];
    struct ysync_store_request *asked[SHELF_ASKED];
    size_t first;
    size_t count;
    unsigned loads; /* that were done, and so on */
    unsigned appends;
    unsigned saves;
    unsigned removals;
};

static inline void shelf_note(void *user, struct ysync_store_request *request)
{
    struct shelf *shelf = user;

    assert_true(shelf->count < SHELF_ASKED);
    shelf->asked[(shelf->first + shelf->count++) % SHELF_ASKED] = request;
}

static inline void shelf_load(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    (void)room;
    shelf_note(user, request);
}

static inline void shelf_write(void *user, struct ysync_store_request *request, struct ysync_bytes room,
                               struct ysync_bytes bytes)
{
    (void)room;
    (void)bytes;
    shelf_note(user, request);
}

static inline void shelf_list(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit)
{
    (void)after;
    (void)limit;
    shelf_note(user, request);
}

static inline void shelf_init(struct shelf *shelf)
{
    memset(shelf, 0, sizeof(*shelf));
    shelf->store = (struct ysync_store){ .user = shelf,
                                         .load = shelf_load,
                                         .append = shelf_write,
                                         .save = shelf_write,
                                         .remove = shelf_load,
                                         .list = shelf_list };
    for (size_t i = 0; i < SHELF_ROOMS; i++) {
        ys_buf_init(&shelf->rooms[i].name, ysync_alloc_default(), SIZE_MAX);
        ys_buf_init(&shelf->rooms[i].snapshot, ysync_alloc_default(), SIZE_MAX);
        ys_buf_init(&shelf->rooms[i].updates, ysync_alloc_default(), SIZE_MAX);
    }
}

static inline void shelf_clear(struct shelf_room *room)
{
    ys_buf_clear(&room->snapshot);
    ys_buf_clear(&room->updates);
    room->update_count = 0;
}

static inline struct shelf_room *shelf_find(struct shelf *shelf, struct ysync_bytes name)
{
    for (size_t i = 0; i < SHELF_ROOMS; i++) {
        struct ysync_bytes has = ys_buf_bytes(&shelf->rooms[i].name);

        if (has.len > 0 && has.len == name.len && memcmp(has.data, name.data, name.len) == 0)
            return &shelf->rooms[i];
    }
    return NULL;
}

static inline struct shelf_room *shelf_make(struct shelf *shelf, struct ysync_bytes name)
{
    struct shelf_room *room = shelf_find(shelf, name);

    for (size_t i = 0; !room && i < SHELF_ROOMS; i++) {
        if (shelf->rooms[i].name.len > 0)
            continue;
        room = &shelf->rooms[i];
        ys_buf_put(&room->name, name);
    }
    assert_non_null(room);
    return room;
}

static inline struct ysync_store_request *shelf_take(struct shelf *shelf)
{
    struct ysync_store_request *request = shelf->asked[shelf->first];

    assert_true(shelf->count > 0);
    shelf->first = (shelf->first + 1) % SHELF_ASKED;
    shelf->count--;
    return request;
}

static inline enum ysync_err shelf_give(struct shelf *shelf, struct ysync_store_request *request)
{
    struct shelf_room *room = shelf_find(shelf, request->room);
    struct ysync_bytes update;
    enum ysync_err err = YSYNC_OK;
    struct ys_reader in;

    shelf->loads++;
    if (!room)
        return YSYNC_ERR_NOT_FOUND;
    if (room->snapshot.len > 0)
        err = ysync_store_give_snapshot(request, ys_buf_bytes(&room->snapshot));
    in = ys_reader_init(ys_buf_bytes(&room->updates));
    while (!err && !ys_reader_is_at_end(&in)) {
        assert_int_equal(ys_reader_var_bytes(&in, &update), YSYNC_OK);
        err = ysync_store_give_update(request, update);
    }
    return err;
}

static inline enum ysync_err shelf_do(struct shelf *shelf, struct ysync_store_request *request)
{
    struct shelf_room *room = shelf_find(shelf, request->room);

    switch (request->kind) {
    case YS_STORE_LOAD:
        return shelf_give(shelf, request);
    case YS_STORE_APPEND:
        shelf->appends++;
        if (!room)
            return YSYNC_ERR_NOT_FOUND;
        ys_buf_put_var_bytes(&room->updates, request->update);
        room->update_count++;
        return YSYNC_OK;
    case YS_STORE_SAVE:
        shelf->saves++;
        room = shelf_make(shelf, request->room);
        shelf_clear(room);
        ys_buf_put(&room->snapshot, request->snapshot);
        return YSYNC_OK;
    case YS_STORE_REMOVE:
        shelf->removals++;
        if (!room)
            return YSYNC_ERR_NOT_FOUND;
        shelf_clear(room);
        ys_buf_clear(&room->name);
        return YSYNC_OK;
    case YS_STORE_LIST:
        break;
    }
    return YSYNC_OK;
}

/* The answers are taken in, and what follows from them is asked. */
static inline void shelf_turn(struct party *party)
{
    ys_hub_tick(party->hub, party->now_ms);
    ys_hub_deliver(party->hub, party->now_ms);
}

/* Does and answers what was asked first. */
static inline void shelf_answer(struct shelf *shelf, struct party *party)
{
    struct ysync_store_request *request = shelf_take(shelf);

    ysync_store_answer(request, shelf_do(shelf, request), NULL);
    shelf_turn(party);
}

/* Answers what was asked first with an error, and does nothing. */
static inline void shelf_refuse(struct shelf *shelf, struct party *party, enum ysync_err err)
{
    ysync_store_answer(shelf_take(shelf), err, "the shelf is broken");
    shelf_turn(party);
}

/* Until nothing more is asked. */
static inline void shelf_answer_all(struct shelf *shelf, struct party *party)
{
    shelf_turn(party);
    while (shelf->count > 0)
        shelf_answer(shelf, party);
}

static inline void shelf_refuse_all(struct shelf *shelf, struct party *party, enum ysync_err err)
{
    shelf_turn(party);
    while (shelf->count > 0)
        shelf_refuse(shelf, party, err);
}

/* Nobody wants to know any more. */
static inline void shelf_deinit(struct shelf *shelf)
{
    while (shelf->count > 0)
        ysync_store_answer(shelf_take(shelf), YSYNC_ERR_CLOSED, NULL);
    for (size_t i = 0; i < SHELF_ROOMS; i++) {
        ys_buf_deinit(&shelf->rooms[i].name);
        ys_buf_deinit(&shelf->rooms[i].snapshot);
        ys_buf_deinit(&shelf->rooms[i].updates);
    }
}

#endif
