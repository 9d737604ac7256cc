/* SPDX-License-Identifier: MIT */
/* What a store in SQLite keeps, and gives back. Files that are something else: test_sqlite_file.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/asking.h"
#include "store/temp_store.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_gives_back_what_was_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_gives_back_what_was_appended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_knows_no_room_that_was_not_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_removes_all_of_a_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
