/* SPDX-License-Identifier: MIT */
/* What a store in SQLite keeps, and gives back. Files that are something else: test_sqlite_file.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/asking.h"
#include "store/temp_store.h"
#include "support/failing_alloc.h"

static struct temp_store temp;

static int set_up(void **state)
{
    (void)state;
    temp_store_init(&temp);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_store_deinit(&temp);
    return 0;
}

static void reopen(void)
{
    temp_store_close(&temp);
    temp_store_open(&temp);
}

static void test_store_gives_back_what_was_saved(void **state)
{
    struct answer answer;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 3)), YSYNC_OK);
    assert_room(temp.store, "blog", 3);
    answer = ask(temp.store, YS_STORE_LOAD, "blog", no_bytes);
    assert_true(answer.snapshot_bytes > 3 * TYPED_CHARACTERS);
    ysync_doc_free(answer.doc);
    reopen();
    assert_room(temp.store, "blog", 3);
}

static void test_store_gives_back_what_was_appended(void **state)
{
    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    for (unsigned n = 1; n < 5; n++) {
        assert_answer(finish(begin_append(temp.store, "blog", n)), YSYNC_OK);
        assert_room(temp.store, "blog", n + 1);
    }
    reopen();
    assert_room(temp.store, "blog", 5);
    assert_answer(finish(begin_append(temp.store, "blog", 5)), YSYNC_OK);
    assert_room(temp.store, "blog", 6);
}

static void test_store_knows_no_room_that_was_not_saved(void **state)
{
    (void)state;
    assert_answer(ask(temp.store, YS_STORE_LOAD, "blog", no_bytes), YSYNC_ERR_NOT_FOUND);
    assert_answer(finish(begin_append(temp.store, "blog", 0)), YSYNC_ERR_NOT_FOUND);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_ERR_NOT_FOUND);
    assert_answer(ask(temp.store, YS_STORE_LOAD, "blog", no_bytes), YSYNC_ERR_NOT_FOUND);
    assert_rooms(temp.store, "", 10, "");
}

static void test_store_removes_all_of_a_room(void **state)
{
    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "wiki", 2)), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 1)), YSYNC_OK);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_OK);
    assert_answer(ask(temp.store, YS_STORE_LOAD, "blog", no_bytes), YSYNC_ERR_NOT_FOUND);
    assert_answer(finish(begin_append(temp.store, "blog", 2)), YSYNC_ERR_NOT_FOUND);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_ERR_NOT_FOUND);
    assert_room(temp.store, "wiki", 2);
    assert_answer(finish(begin_save(temp.store, "blog", 4)), YSYNC_OK);
    assert_room(temp.store, "blog", 4);
}

static void test_store_replaces_the_log_by_a_snapshot(void **state)
{
    sqlite3 *db;
    sqlite3_stmt *count;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    for (unsigned n = 1; n < 5; n++)
        assert_answer(finish(begin_append(temp.store, "blog", n)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "wiki", 1)), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "wiki", 1)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "blog", 5)), YSYNC_OK);
    db = temp_store_sqlite(&temp);
    sqlite3_prepare_v2(db,
                       "SELECT (SELECT count(*) FROM updates), (SELECT count(*) FROM snapshots), "
                       "(SELECT name FROM rooms JOIN updates ON id = room)",
                       -1, &count, NULL);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 1);
    assert_int_equal(sqlite3_column_int(count, 1), 2);
    assert_string_equal((const char *)sqlite3_column_text(count, 2), "wiki");
    sqlite3_finalize(count);
    sqlite3_close(db);
    assert_room(temp.store, "blog", 5);
    assert_room(temp.store, "wiki", 2);
}

/* Saves something of `bytes` bytes, which need not be a document. */
static void save_bytes(const char *room, size_t bytes)
{
    uint8_t *zeros = calloc(bytes + 1, 1);

    assert_non_null(zeros);
    assert_answer(ask(temp.store, YS_STORE_SAVE, room, (struct ysync_bytes){ zeros, bytes }), YSYNC_OK);
    free(zeros);
}

static void test_store_lists_rooms_in_the_order_of_their_bytes(void **state)
{
    static const uint8_t zeros[100];
    static const struct {
        const char *after;
        size_t limit;
        const char *want;
    } cases[] = {
        { "", SIZE_MAX, "B=10 a=300 a/b=5 b=20 \xc3\xa4=30" },
        { "", 2, "B=10 a=300" },
        { "a", 2, "a/b=5 b=20" },
        { "a.", 1, "a/b=5" },
        { "b", 2, "\xc3\xa4=30" },
        { "b", 0, "" },
        { "\xc3\xa4", 2, "" },
        { "\xff", 2, "" },
    };

    (void)state;
    save_bytes("b", 20);
    save_bytes("\xc3\xa4", 30);
    save_bytes("a", 100);
    save_bytes("B", 10);
    save_bytes("a/b", 5);
    for (unsigned i = 0; i < 2; i++)
        assert_answer(ask(temp.store, YS_STORE_APPEND, "a", (struct ysync_bytes){ zeros, 100 }), YSYNC_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_rooms(temp.store, cases[i].after, cases[i].limit, cases[i].want);
}

static void test_store_takes_any_bytes_for_a_name(void **state)
{
    static const struct ysync_bytes names[] = {
        { (const uint8_t *)"", 0 },         { (const uint8_t *)"\0", 1 },       { (const uint8_t *)"a", 1 },
        { (const uint8_t *)"a\0", 2 },      { (const uint8_t *)"a\0b", 3 },     { (const uint8_t *)"a%'\"--", 6 },
        { (const uint8_t *)"\xc3\x28", 2 }, { (const uint8_t *)"\xff\xfe", 2 },
    };
    const struct ysync_alloc *alloc = ysync_alloc_default();
    struct ysync_store_request *request;
    struct ysync_bytes room;
    struct asked *asked;
    uint64_t bytes;
    size_t position = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_answer(finish(begin_with(alloc, temp.store, YS_STORE_SAVE, names[i], typed_until((unsigned)i), 0)),
                      YSYNC_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct answer answer = finish(begin_with(alloc, temp.store, YS_STORE_LOAD, names[i], no_bytes, 0));

        assert_int_equal(answer.err, YSYNC_OK);
        assert_int_equal(typed_count(answer.doc, ARRAY_LEN(names)), i);
        ysync_doc_free(answer.doc);
    }
    asked = begin(temp.store, YS_STORE_LIST, "", no_bytes);
    uv_sem_wait(&asked->is_answered);
    request = asked->request;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(ys_store_request_next_room(request, &position, &room, &bytes));
        assert_int_equal(room.len, names[i].len);
        assert_memory_equal(room.data, names[i].data, room.len);
    }
    assert_false(ys_store_request_next_room(request, &position, &room, &bytes));
    uv_sem_post(&asked->is_answered);
    assert_answer(finish(asked), YSYNC_OK);
}

#define LOWERED_LIMIT 100000
#define MOST (LOWERED_LIMIT - 64)

static int lower_limit(sqlite3 *db, char **problem, const struct sqlite3_api_routines *api)
{
    (void)problem;
    (void)api;
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LOWERED_LIMIT);
    return SQLITE_OK;
}

static void test_store_refuses_what_sqlite_cannot_keep(void **state)
{
    static const uint8_t zeros[LOWERED_LIMIT];
    static const struct {
        enum ys_store_request_kind kind;
        size_t bytes;
        enum ysync_err want;
    } cases[] = {
        { YS_STORE_SAVE, MOST, YSYNC_OK },
        { YS_STORE_APPEND, MOST, YSYNC_OK },
        { YS_STORE_SAVE, MOST + 1, YSYNC_ERR_LIMIT },
        { YS_STORE_APPEND, MOST + 1, YSYNC_ERR_LIMIT },
    };
    struct answer answer;

    (void)state;
    temp_store_close(&temp);
    sqlite3_auto_extension((void (*)(void))lower_limit);
    temp_store_open(&temp);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        answer = ask(temp.store, cases[i].kind, "blog", (struct ysync_bytes){ zeros, cases[i].bytes });
        if (cases[i].want == YSYNC_ERR_LIMIT)
            assert_non_null(strstr(answer.problem, "SQLite keeps 99936 bytes in one place"));
        assert_answer(answer, cases[i].want);
        assert_rooms(temp.store, "", 1, i == 0 ? "blog=99936" : "blog=199872");
    }
    sqlite3_reset_auto_extension();
}

static void test_store_leaves_alone_what_is_damaged(void **state)
{
    static const char *const damages[] = {
        "UPDATE snapshots SET bytes = x'00'",  "UPDATE snapshots SET bytes = zeroblob(length(bytes))",
        "UPDATE snapshots SET bytes = 'text'", "UPDATE updates SET bytes = x'ffffff'",
        "UPDATE updates SET bytes = x''",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct answer answer;

        assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
        assert_answer(finish(begin_append(temp.store, "blog", 1)), YSYNC_OK);
        temp_store_execute(&temp, "CREATE TABLE before AS SELECT bytes FROM snapshots");
        temp_store_execute(&temp, damages[i]);
        answer = ask(temp.store, YS_STORE_LOAD, "blog", no_bytes);
        assert_non_null(strstr(answer.problem, "damaged"));
        check_answer(damages[i], answer, YSYNC_ERR_MALFORMED);
        if (i < 3)
            temp_store_execute(&temp, "UPDATE snapshots SET bytes = (SELECT bytes FROM before);");
        else
            temp_store_execute(&temp, "DELETE FROM updates");
        assert_room(temp.store, "blog", i < 3 ? 2 : 1);
        temp_store_execute(&temp, "DROP TABLE before");
        assert_answer(finish(begin_save(temp.store, "blog", 3)), YSYNC_OK);
        assert_room(temp.store, "blog", 3);
    }
}

static void try_all(const struct ysync_store *store, struct ys_test_alloc *memory)
{
    static const enum ys_store_request_kind kinds[] = { YS_STORE_SAVE, YS_STORE_APPEND, YS_STORE_LOAD, YS_STORE_LIST,
                                                        YS_STORE_REMOVE };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct answer answer;

        if (kinds[i] == YS_STORE_APPEND)
            answer = finish(begin_append(store, "blog", 1));
        else
            answer = ask(store, kinds[i], "blog", typed_until(1));
        if (answer.err && answer.err != YSYNC_ERR_NOT_FOUND)
            assert_int_equal(answer.err, YSYNC_ERR_NOMEM);
        if (answer.err)
            assert_true(memory->failed);
        ysync_doc_free(answer.doc);
    }
}

static void test_store_survives_failed_allocations(void **state)
{
    (void)state;
    temp_store_close(&temp);
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ysync_store_options options = { .alloc = &memory.alloc };
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = temp_store_open_with(&temp, &options);
        if (!err)
            try_all(temp.store, &memory);
        temp_store_close(&temp);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        if (err) {
            assert_int_equal(err, YSYNC_ERR_NOMEM);
            assert_string_equal(temp.problem.text, "out of memory");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_gives_back_what_was_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_gives_back_what_was_appended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_knows_no_room_that_was_not_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_removes_all_of_a_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_replaces_the_log_by_a_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_lists_rooms_in_the_order_of_their_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_takes_any_bytes_for_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_refuses_what_sqlite_cannot_keep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_leaves_alone_what_is_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_survives_failed_allocations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
