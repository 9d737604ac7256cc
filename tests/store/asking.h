/* SPDX-License-Identifier: MIT */
/*
 * Asking a store and waiting for its answer, and documents to ask about.
 *
 *     struct asked *first = begin(store, YS_STORE_APPEND, "blog", update);
 *     struct answer got = finish(first);                                      or both in one: ask(...)
 *
 * A document of these tests is what one client typed, 100 characters in each update: type(buf, n) is the n-th of them,
 * from 0 on, and typed_until(n) the document with n of them, as ysync_doc_save() gives it.
 */
#ifndef YS_TEST_STORE_ASKING_H
#define YS_TEST_STORE_ASKING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "doc/notation.h"
#include "room/store_request.h"

#ifndef TYPED_CHARACTERS
#define TYPED_CHARACTERS 100
#endif

#define MAX_TYPED 512

/* Bytes */

static inline struct ysync_bytes bytes_of(const char *text)
{
    return (struct ysync_bytes){ (const uint8_t *)text, strlen(text) };
}

static const struct ysync_bytes no_bytes = { NULL, 0 };

/* Documents */

static inline void type(struct ys_buf *out, unsigned n)
{
    char characters[TYPED_CHARACTERS + 1];
    char text[TYPED_CHARACTERS + 64];
    unsigned clock = n * TYPED_CHARACTERS;

    memset(characters, 'a' + (int)(n % 26), TYPED_CHARACTERS);
    characters[TYPED_CHARACTERS] = '\0';
    if (n == 0)
        snprintf(text, sizeof(text), "7@0 '%s'", characters);
    else
        snprintf(text, sizeof(text), "7@%u 7.%u<'%s'", clock, clock - 1, characters);
    write_update(out, text);
}

static inline void type_into(struct ysync_doc *doc, unsigned n)
{
    struct ys_buf update;

    type(&update, n);
    if (ysync_doc_apply(doc, ys_buf_bytes(&update), 0, NULL, NULL))
        abort();
    ys_buf_deinit(&update);
}

static inline struct ysync_bytes saved(struct ysync_doc *doc)
{
    struct ysync_bytes bytes;

    if (ysync_doc_save(doc, &bytes))
        abort();
    return bytes;
}

/* Made once, and kept until the program ends. Any thread. */
static inline struct ysync_bytes typed_until(unsigned count)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct ysync_bytes typed[MAX_TYPED + 1];
    struct ysync_bytes bytes;

    assert_true(count <= MAX_TYPED);
    pthread_mutex_lock(&mutex);
    if (!typed[count].data) {
        struct ysync_doc *doc;

        if (ysync_doc_new(NULL, &doc))
            abort();
        for (unsigned n = 0; n < count; n++)
            type_into(doc, n);
        typed[count] = saved(doc);
        ysync_doc_free(doc);
    }
    bytes = typed[count];
    pthread_mutex_unlock(&mutex);
    return bytes;
}

/* Asking */

struct answer {
    enum ysync_err err;
    char problem[256];
    struct ysync_doc *doc; /* LOAD: to be freed */
    size_t snapshot_bytes;
    char rooms[512]; /* LIST: "name=bytes name=bytes" */
};

struct asked {
    struct ysync_store_request *request;
    uv_sem_t is_answered;
    struct answer answer;
};

static inline void on_posted(struct ysync_store_request *request)
{
    uv_sem_post(request->post_user);
}

static inline void take_rooms(struct ysync_store_request *request, char *out, size_t size)
{
    struct ysync_bytes room;
    uint64_t bytes;
    size_t position = 0;
    size_t len = 0;

    out[0] = '\0';
    while (ys_store_request_next_room(request, &position, &room, &bytes) && len < size)
        len += (size_t)snprintf(out + len, size - len, "%s%.*s=%llu", len > 0 ? " " : "", (int)room.len,
                                (const char *)room.data, (unsigned long long)bytes);
}

static inline void on_done(struct ysync_store_request *request, void *user)
{
    struct answer *answer = user;

    answer->err = request->err;
    snprintf(answer->problem, sizeof(answer->problem), "%s", request->problem ? request->problem : "");
    answer->doc = request->doc;
    request->doc = NULL;
    answer->snapshot_bytes = request->snapshot_bytes;
    take_rooms(request, answer->rooms, sizeof(answer->rooms));
}

static inline struct ysync_bytes copy_bytes(const struct ysync_alloc *alloc, struct ysync_bytes bytes)
{
    uint8_t *copy = ys_alloc_array(alloc, bytes.len + 1, 1);

    if (!copy)
        abort();
    memcpy(copy, bytes.data, bytes.len);
    return (struct ysync_bytes){ copy, bytes.len };
}

/* `bytes`: an update, or a snapshot. */
static inline struct asked *begin_with(const struct ysync_alloc *alloc, const struct ysync_store *store,
                                       enum ys_store_request_kind kind, struct ysync_bytes room,
                                       struct ysync_bytes bytes, size_t limit)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    struct ysync_bytes update = kind == YS_STORE_APPEND ? bytes : no_bytes;

    if (!asked || uv_sem_init(&asked->is_answered, 0) != 0)
        abort();
    if (ys_store_request_new(alloc, kind, room, update, on_done, &asked->answer, &asked->request) ||
        (kind == YS_STORE_LOAD && ysync_doc_new(alloc, &asked->request->doc)))
        abort();
    if (kind == YS_STORE_SAVE)
        asked->request->snapshot = copy_bytes(alloc, bytes);
    asked->request->post = on_posted;
    asked->request->post_user = &asked->is_answered;
    asked->request->limit = limit;
    ys_store_ask(store, asked->request);
    return asked;
}

static inline struct asked *begin(const struct ysync_store *store, enum ys_store_request_kind kind, const char *room,
                                  struct ysync_bytes bytes)
{
    return begin_with(ysync_alloc_default(), store, kind, bytes_of(room), bytes, SIZE_MAX);
}

static inline bool is_answered(struct asked *asked)
{
    if (uv_sem_trywait(&asked->is_answered) != 0)
        return false;
    uv_sem_post(&asked->is_answered);
    return true;
}

static inline struct answer finish(struct asked *asked)
{
    struct answer answer;

    uv_sem_wait(&asked->is_answered);
    ys_store_request_finish(asked->request);
    answer = asked->answer;
    uv_sem_destroy(&asked->is_answered);
    free(asked);
    return answer;
}

static inline struct answer ask(const struct ysync_store *store, enum ys_store_request_kind kind, const char *room,
                                struct ysync_bytes bytes)
{
    return finish(begin(store, kind, room, bytes));
}

/* Saves, appends and loads documents as they are typed */

static inline struct asked *begin_save(const struct ysync_store *store, const char *room, unsigned count)
{
    return begin(store, YS_STORE_SAVE, room, typed_until(count));
}

static inline struct asked *begin_append(const struct ysync_store *store, const char *room, unsigned n)
{
    struct asked *asked;
    struct ys_buf update;

    type(&update, n);
    asked = begin(store, YS_STORE_APPEND, room, ys_buf_bytes(&update));
    ys_buf_deinit(&update);
    return asked;
}

static inline void check_answer(const char *what, struct answer answer, enum ysync_err want)
{
    if (answer.err != want)
        fail_msg("%s: got %s (%s), want %s", what, ysync_strerror(answer.err), answer.problem, ysync_strerror(want));
    ysync_doc_free(answer.doc);
}

#define assert_answer(answer, want) check_answer(#answer, answer, want)

/* How many of the typed updates a document has, if it has nothing else. */
static inline unsigned typed_count(struct ysync_doc *doc, unsigned max)
{
    struct ysync_bytes got = saved(doc);
    unsigned count = 0;
    bool is_equal = false;

    for (count = 0; !is_equal && count <= max; count++) {
        struct ysync_bytes want = typed_until(count);

        is_equal = want.len == got.len && memcmp(want.data, got.data, got.len) == 0;
    }
    ysync_bytes_free(NULL, got);
    if (!is_equal)
        fail_msg("a document of %zu bytes that nobody typed", got.len);
    return count - 1;
}

/* The room holds `count` of the typed updates. */
static inline void assert_room(const struct ysync_store *store, const char *room, unsigned count)
{
    struct answer answer = ask(store, YS_STORE_LOAD, room, no_bytes);
    unsigned got;

    if (answer.err)
        fail_msg("load %s: %s (%s)", room, ysync_strerror(answer.err), answer.problem);
    got = typed_count(answer.doc, count);
    if (got != count)
        fail_msg("%s holds %u updates, not %u", room, got, count);
    ysync_doc_free(answer.doc);
}

static inline void assert_rooms(const struct ysync_store *store, const char *after, size_t limit, const char *want)
{
    struct answer answer = finish(
        begin_with(ysync_alloc_default(), store, YS_STORE_LIST, bytes_of(after), no_bytes, limit));

    if (answer.err)
        fail_msg("list: %s (%s)", ysync_strerror(answer.err), answer.problem);
    if (strcmp(answer.rooms, want) != 0)
        fail_msg("rooms: got %s, want %s", answer.rooms, want);
    ysync_doc_free(answer.doc);
}

#endif
