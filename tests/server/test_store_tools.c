/* SPDX-License-Identifier: MIT */
/* The helpers that ask a store and wait, against one that answers at once, and from another thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/notation.h"
#include "support/failing_alloc.h"
#include "support/memory_store.h"

static const char hello[] = "7@0 'hello' -7[1,2)";
static const char world[] = "9@0 'world'";

static struct memory_store memory;

static int set_up(void **state)
{
    (void)state;
    memory_store_init(&memory);
    return 0;
}

static int set_up_thread(void **state)
{
    (void)state;
    memory_store_init(&memory);
    memory_store_thread(&memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memory_store_deinit(&memory);
    return 0;
}

static struct ysync_bytes text(const char *name)
{
    return (struct ysync_bytes){ (const uint8_t *)name, strlen(name) };
}

static struct ysync_doc *new_doc(const struct ysync_alloc *alloc, const char *update)
{
    struct ysync_doc *doc = NULL;
    struct ys_buf bytes;

    write_update(&bytes, update);
    assert_int_equal(ysync_doc_new(alloc, &doc), YSYNC_OK);
    assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&bytes), 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&bytes);
    return doc;
}

static void put_update(const char *room, const char *update)
{
    struct ys_buf bytes;

    write_update(&bytes, update);
    memory_store_put_update(&memory, room, ys_buf_bytes(&bytes));
    ys_buf_deinit(&bytes);
}

static void assert_same_docs(struct ysync_doc *got, struct ysync_doc *want)
{
    static const struct ysync_bytes all;
    struct ysync_bytes got_all, want_all;

    assert_int_equal(ysync_doc_diff(got, all, &got_all), YSYNC_OK);
    assert_int_equal(ysync_doc_diff(want, all, &want_all), YSYNC_OK);
    assert_int_equal(got_all.len, want_all.len);
    assert_memory_equal(got_all.data, want_all.data, want_all.len);
    ysync_bytes_free(NULL, got_all);
    ysync_bytes_free(NULL, want_all);
}

static void test_store_tools_read_what_was_written(void **state)
{
    struct ysync_doc *doc = new_doc(NULL, hello);
    struct ysync_doc *got = NULL;

    (void)state;
    assert_int_equal(ysync_store_write(&memory.store, NULL, text("blog"), doc, NULL), YSYNC_OK);
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &got, NULL), YSYNC_OK);
    assert_same_docs(got, doc);
    ysync_doc_free(got);
    ysync_doc_free(doc);
}

static void test_store_tools_read_updates_behind_the_snapshot(void **state)
{
    struct ysync_doc *doc = new_doc(NULL, hello);
    struct ysync_doc *both = new_doc(NULL, "9@0 'world' 7@0 'hello' -7[1,2)");
    struct ysync_doc *got = NULL;

    (void)state;
    assert_int_equal(ysync_store_write(&memory.store, NULL, text("blog"), doc, NULL), YSYNC_OK);
    put_update("blog", world);
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &got, NULL), YSYNC_OK);
    assert_same_docs(got, both);
    ysync_doc_free(got);
    ysync_doc_free(both);
    ysync_doc_free(doc);
}

/* More waits than a document takes by itself: it was taken in once, under another limit. */
static void test_store_tools_read_whatever_is_pending(void **state)
{
    size_t len = ((size_t)16 << 20) + 1;
    char *update = malloc(len + 64);
    size_t head = (size_t)sprintf(update, "7@9 7.8<'");
    struct ysync_doc *doc = NULL;
    struct ysync_doc_stats stats;
    struct ys_buf bytes;

    (void)state;
    memset(update + head, 'x', len);
    strcpy(update + head + len, "'");
    put_update("blog", update);
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &doc, NULL), YSYNC_OK);
    ysync_doc_stats(doc, &stats);
    assert_int_equal(stats.pending, 1);

    update[0] = '8'; /* as much again is more than a document takes from a stranger */
    update[4] = '8';
    write_update(&bytes, update);
    assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&bytes), 0, NULL, NULL), YSYNC_ERR_LIMIT);
    ys_buf_deinit(&bytes);
    ysync_doc_free(doc);
    free(update);
}

/* Somebody may want old snapshots; what is dropped is the business of who reads. */
static void test_store_tools_read_what_is_deleted(void **state)
{
    static const char deleted[] = "7@0 '%*d' -7[0,1000000)";
    size_t size = 1000000 + sizeof(deleted);
    char *update = malloc(size);
    struct ysync_doc *doc = NULL;
    struct ysync_doc_stats stats;

    (void)state;
    snprintf(update, size, deleted, 1000000, 1);
    put_update("blog", update);
    for (int i = 0; i < 100; i++) {
        snprintf(update, size, "9@%d '%*d'", i * 100, 100, 1);
        put_update("blog", update);
    }
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &doc, NULL), YSYNC_OK);
    ysync_doc_stats(doc, &stats);
    assert_true(stats.bytes > 1000000);
    ysync_doc_free(doc);
    free(update);
}

static void test_store_tools_say_what_is_not_there(void **state)
{
    struct ysync_doc *doc = NULL;
    struct ysync_problem problem = { "" };

    (void)state;
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &doc, &problem), YSYNC_ERR_NOT_FOUND);
    assert_null(doc);
    assert_string_equal(problem.text, ysync_strerror(YSYNC_ERR_NOT_FOUND));
    assert_int_equal(ysync_store_delete(&memory.store, NULL, text("blog"), NULL), YSYNC_ERR_NOT_FOUND);
}

static void test_store_tools_delete(void **state)
{
    (void)state;
    put_update("blog", hello);
    put_update("todo", world);
    assert_int_equal(ysync_store_delete(&memory.store, NULL, text("blog"), NULL), YSYNC_OK);
    assert_null(memory_store_find(&memory, "blog"));
    assert_non_null(memory_store_find(&memory, "todo"));
}

static void test_store_tools_pass_on_what_the_store_says(void **state)
{
    struct ysync_doc *doc = new_doc(NULL, hello);
    struct ysync_doc *got = NULL;
    struct ysync_problem problem = { "" };

    (void)state;
    memory_store_fail(&memory, MEMORY_STORE_SAVE | MEMORY_STORE_LOAD, 2, YSYNC_ERR_IO, "the disk is full");
    assert_int_equal(ysync_store_write(&memory.store, NULL, text("blog"), doc, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, "the disk is full");
    problem.text[0] = '\0';
    assert_int_equal(ysync_store_read(&memory.store, NULL, text("blog"), &got, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, "the disk is full");
    assert_int_equal(ysync_store_write(&memory.store, NULL, text("blog"), doc, NULL), YSYNC_OK);
    ysync_doc_free(doc);
}

static void test_store_tools_notice_damage(void **state)
{
    static const struct {
        const char *name;
        const char *snapshot;
        const char *update;
        const char *problem;
    } cases[] = {
        { "a snapshot", "nonsense", NULL, "the stored snapshot is damaged" },
        { "an update", NULL, "nonsense", "a stored update is damaged" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_doc *doc = NULL;
        struct ysync_problem problem = { "" };
        enum ysync_err err;

        if (cases[i].snapshot)
            memory_store_put_snapshot(&memory, cases[i].name, text(cases[i].snapshot));
        if (cases[i].update)
            memory_store_put_update(&memory, cases[i].name, text(cases[i].update));
        err = ysync_store_read(&memory.store, NULL, text(cases[i].name), &doc, &problem);
        if (err != YSYNC_ERR_MALFORMED || strcmp(problem.text, cases[i].problem) != 0)
            fail_msg("%s: got %s: %s", cases[i].name, ysync_strerror(err), problem.text);
    }
}

struct seen {
    size_t count;
    size_t stop_at; /* 0: never */
    char last[32];
};

static int see(void *user, struct ysync_bytes room, uint64_t bytes)
{
    struct seen *seen = user;
    char name[32];

    assert_true(bytes > 0);
    assert_true(room.len < sizeof(name));
    memcpy(name, room.data, room.len);
    name[room.len] = '\0';
    assert_true(strcmp(seen->last, name) < 0);
    strcpy(seen->last, name);
    return ++seen->count != seen->stop_at;
}

static void test_store_tools_each_goes_over_all_rooms_in_order(void **state)
{
    static const size_t counts[] = { 0, 1, 255, 256, 257, 600 };
    size_t made = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct seen seen = { 0 };

        for (; made < counts[i]; made++) {
            char name[32];

            snprintf(name, sizeof(name), "room %zu", made);
            put_update(name, world);
        }
        assert_int_equal(ysync_store_each(&memory.store, NULL, see, &seen, NULL), YSYNC_OK);
        assert_int_equal(seen.count, counts[i]);
    }
}

static void test_store_tools_each_stops_when_told(void **state)
{
    struct seen seen = { .stop_at = 2 };

    (void)state;
    put_update("a", world);
    put_update("b", world);
    put_update("c", world);
    assert_int_equal(ysync_store_each(&memory.store, NULL, see, &seen, NULL), YSYNC_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(memory_store_asked(&memory), 1);
}

static int delete_room(void *user, struct ysync_bytes room, uint64_t bytes)
{
    (void)user;
    (void)bytes;
    assert_int_equal(ysync_store_delete(&memory.store, NULL, room, NULL), YSYNC_OK);
    return 1;
}

static void test_store_tools_each_lets_the_store_be_asked(void **state)
{
    (void)state;
    put_update("a", world);
    put_update("b", world);
    assert_int_equal(ysync_store_each(&memory.store, NULL, delete_room, NULL, NULL), YSYNC_OK);
    assert_null(memory_store_find(&memory, "a"));
    assert_null(memory_store_find(&memory, "b"));
}

static void test_store_tools_each_tells_of_a_failure(void **state)
{
    struct seen seen = { 0 };
    struct ysync_problem problem = { "" };

    (void)state;
    memory_store_fail(&memory, MEMORY_STORE_LIST, 1, YSYNC_ERR_IO, "the disk is gone");
    assert_int_equal(ysync_store_each(&memory.store, NULL, see, &seen, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, "the disk is gone");
    assert_int_equal(seen.count, 0);
}

/* Writes, reads, lists and deletes; the first error. */
static enum ysync_err use_store(const struct ysync_alloc *alloc)
{
    struct ysync_doc *doc = NULL;
    struct ysync_doc *got = NULL;
    struct seen seen = { 0 };
    struct ys_buf bytes;
    enum ysync_err err;

    write_update(&bytes, hello);
    err = ysync_doc_new(alloc, &doc);
    if (!err)
        err = ysync_doc_apply(doc, ys_buf_bytes(&bytes), 0, NULL, NULL);
    if (!err)
        err = ysync_store_write(&memory.store, alloc, text("blog"), doc, NULL);
    if (!err)
        err = ysync_store_read(&memory.store, alloc, text("blog"), &got, NULL);
    if (!err)
        err = ysync_store_each(&memory.store, alloc, see, &seen, NULL);
    if (!err)
        err = ysync_store_delete(&memory.store, alloc, text("blog"), NULL);
    ysync_doc_free(got);
    ysync_doc_free(doc);
    ys_buf_deinit(&bytes);
    return err;
}

static void test_store_tools_survive_any_failed_allocation(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc counting;
        enum ysync_err err;

        ys_test_alloc_init(&counting, n);
        err = use_store(&counting.alloc);
        assert_int_equal(counting.live_blocks, 0);
        if (!counting.failed) {
            assert_int_equal(err, YSYNC_OK);
            break;
        }
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
#define AT_ONCE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define BY_THREAD(test)                                                                                                \
    {                                                                                                                  \
#test " (by a thread)", test, set_up_thread, tear_down, NULL                                                   \
    }
#define BOTH(test) AT_ONCE(test), BY_THREAD(test)
    const struct CMUnitTest tests[] = {
        BOTH(test_store_tools_read_what_was_written),
        BOTH(test_store_tools_read_updates_behind_the_snapshot),
        AT_ONCE(test_store_tools_read_whatever_is_pending),
        AT_ONCE(test_store_tools_read_what_is_deleted),
        BOTH(test_store_tools_say_what_is_not_there),
        BOTH(test_store_tools_delete),
        BOTH(test_store_tools_pass_on_what_the_store_says),
        BOTH(test_store_tools_notice_damage),
        BOTH(test_store_tools_each_goes_over_all_rooms_in_order),
        AT_ONCE(test_store_tools_each_stops_when_told),
        BOTH(test_store_tools_each_lets_the_store_be_asked),
        BOTH(test_store_tools_each_tells_of_a_failure),
        BOTH(test_store_tools_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
