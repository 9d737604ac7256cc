/* SPDX-License-Identifier: MIT */
/*
 * A store in memory that answers when a test wants it to, and fails when a test wants it to.
 *
 *     memory_store_init(&memory);
 *     config.store = &memory.store;
 *
 *                               answers
 *     as it is made             from inside the call
 *     memory_store_wait()       when the test says memory_store_answer(), one request each time
 *     memory_store_thread()     soon, from a thread of its own
 *
 * A request takes effect when it is answered, all of them in the order in which they came. Any thread may ask, and may
 * do so from inside an answer. What memory_store_find() shows is the test's to look at while nobody asks.
 */
#ifndef YS_TEST_MEMORY_STORE_H
#define YS_TEST_MEMORY_STORE_H

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "ysync/store.h"

/* What is asked: as bits, since a test may want several to fail. */
enum memory_store_kind {
    MEMORY_STORE_LOAD = 1,
    MEMORY_STORE_APPEND = 2,
    MEMORY_STORE_SAVE = 4,
    MEMORY_STORE_REMOVE = 8,
    MEMORY_STORE_LIST = 16,
};

struct memory_store_bytes {
    uint8_t *data;
    size_t len;
};

struct memory_store_room {
    struct memory_store_bytes name;
    struct memory_store_bytes snapshot; /* NULL: none */
    struct memory_store_bytes *updates;
    size_t update_count;
};

struct memory_store {
    struct ysync_store store;
    uv_mutex_t mutex; /* recursive; guards all that follows */
    uv_cond_t changed;
    struct memory_store_room *rooms; /* in the order of their names */
    size_t room_count;
    struct ys_list waiting; /* the oldest first */
    bool waits;             /* for the test, or for the thread */
    bool has_thread;
    bool is_ending;
    uv_thread_t thread;
    size_t asked; /* of all kinds */
    size_t loads; /* that were done, and so on */
    size_t appends;
    size_t saves;
    size_t removals;
    unsigned failing_kinds;
    size_t failures_left;
    enum ysync_err failure;
    const char *failure_problem;
};

void memory_store_init(struct memory_store *memory);

/* What waits is answered. */
void memory_store_deinit(struct memory_store *memory);

void memory_store_wait(struct memory_store *memory);
void memory_store_thread(struct memory_store *memory);

/* At once again, beginning with what waits. */
void memory_store_hurry(struct memory_store *memory);

/* Answers the oldest request that waits; false if there is none. */
bool memory_store_answer(struct memory_store *memory);
size_t memory_store_waiting(struct memory_store *memory);

/* How many requests there have been, those that wait included. */
size_t memory_store_asked(struct memory_store *memory);

/* The next `times` answers to these kinds (bits of memory_store_kind; SIZE_MAX: until told otherwise) are this error,
 * and nothing is done. problem may be NULL; it is kept. */
void memory_store_fail(struct memory_store *memory, unsigned kinds, size_t times, enum ysync_err err,
                       const char *problem);

/* NULL if there is nothing of it. */
const struct memory_store_room *memory_store_find(struct memory_store *memory, const char *room);

/* Somebody else removes all there is of it. */
void memory_store_forget(struct memory_store *memory, const char *room);

/* Puts bytes there that nobody has looked at; the room is made if need be. */
void memory_store_put_snapshot(struct memory_store *memory, const char *room, struct ysync_bytes snapshot);
void memory_store_put_update(struct memory_store *memory, const char *room, struct ysync_bytes update);

#endif
