/* SPDX-License-Identifier: MIT */
/* Files that are moved and removed while a store has them open: what was acknowledged is not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/asking.h"
#include "store/temp_store.h"

static struct temp_store temp;

static void reopen(void)
{
    temp_store_close(&temp);
    temp_store_open(&temp);
}

/* Some of it is in the database, behind pages that are free, and some in the -wal. So neither makes sense beside
 * another. */
static int set_up(void **state)
{
    (void)state;
    temp_store_init(&temp);
    assert_answer(finish(begin_save(temp.store, "removed", 200)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "wiki", 100)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "blog", 2)), YSYNC_OK);
    reopen();
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "removed", no_bytes), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 2)), YSYNC_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_store_deinit(&temp);
    return 0;
}

static void vanish(const char *ending)
{
    assert_int_equal(unlink(temp_store_file(&temp, ending)), 0);
}

static void move_away(const char *ending)
{
    char to[200];

    snprintf(to, sizeof(to), "%s/moved.db%s", temp.folder, ending);
    assert_int_equal(rename(temp_store_file(&temp, ending), to), 0);
}

/* As it is on the disk, for who opens it next. */
static void assert_in_order(unsigned blog)
{
    reopen();
    if (temp.store->check(temp.store->user, &temp.problem))
        fail_msg("check: %s", temp.problem.text);
    assert_room(temp.store, "blog", blog);
    assert_room(temp.store, "wiki", 100);
}

static void test_store_keeps_what_was_in_a_wal_that_vanished(void **state)
{
    (void)state;
    vanish("-wal");
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    assert_true(temp_store_has(&temp, "-wal"));
    assert_room(temp.store, "blog", 4);
    vanish("-wal");
    assert_room(temp.store, "blog", 4);
    vanish("-wal");
    vanish("-shm");
    assert_answer(finish(begin_append(temp.store, "blog", 4)), YSYNC_OK);
    assert_in_order(5);
}

/* Closing alone would leave what was in it to those who have the file open. */
static void test_store_keeps_what_was_in_a_wal_that_vanished_while_others_read(void **state)
{
    sqlite3 *other = temp_store_sqlite(&temp);

    (void)state;
    assert_int_equal(sqlite3_exec(other, "SELECT * FROM rooms", NULL, NULL, NULL), SQLITE_OK);
    vanish("-wal");
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    sqlite3_close(other);
    assert_in_order(4);
}

static void test_store_waits_for_a_reader_that_needs_the_wal_that_vanished(void **state)
{
    sqlite3 *other = temp_store_sqlite(&temp);
    struct answer answer;

    (void)state;
    assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT * FROM rooms", NULL, NULL, NULL), SQLITE_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    vanish("-wal");
    answer = finish(begin_append(temp.store, "blog", 4));
    assert_non_null(strstr(answer.problem, "for so long that it cannot be put in order: end it"));
    assert_answer(answer, YSYNC_ERR_IO);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 4)), YSYNC_OK);
    sqlite3_close(other);
    assert_in_order(5);
}

static void test_store_keeps_what_was_in_a_wal_that_was_replaced(void **state)
{
    (void)state;
    move_away("-wal");
    assert_int_equal(close(open(temp_store_file(&temp, "-wal"), O_CREAT | O_RDWR, 0600)), 0);
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    assert_in_order(4);
}

static void test_store_keeps_what_was_in_a_wal_that_vanished_before_it_closed(void **state)
{
    (void)state;
    vanish("-wal");
    assert_in_order(3);
}

static void test_store_writes_a_file_that_vanished_anew(void **state)
{
    struct stat status;

    (void)state;
    vanish("");
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    assert_true(temp_store_has(&temp, ""));
    assert_false(temp_store_has(&temp, "-rescue"));
    assert_int_equal(stat(temp.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    vanish("");
    assert_room(temp.store, "blog", 4);
    assert_in_order(4);
}

static void test_store_writes_a_file_anew_of_which_nothing_was_left(void **state)
{
    (void)state;
    vanish("");
    vanish("-wal");
    vanish("-shm");
    vanish("-lock");
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    assert_true(temp_store_has(&temp, "-lock"));
    assert_in_order(4);
}

static void test_store_writes_a_file_that_vanished_anew_when_it_closes(void **state)
{
    (void)state;
    vanish("");
    assert_in_order(3);
}

static void test_store_tries_again_to_write_a_file_anew(void **state)
{
    char moved[128];
    struct answer answer;

    (void)state;
    snprintf(moved, sizeof(moved), "%s-moved", temp.folder);
    assert_int_equal(rename(temp.folder, moved), 0);
    answer = finish(begin_append(temp.store, "blog", 3));
    assert_non_null(strstr(answer.problem, temp.folder));
    assert_answer(answer, YSYNC_ERR_IO);
    assert_answer(ask(temp.store, YS_STORE_LOAD, "blog", no_bytes), YSYNC_ERR_IO);
    assert_int_equal(rename(moved, temp.folder), 0);
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    assert_in_order(4);
}

static void test_store_refuses_a_file_that_took_the_place_of_its_own(void **state)
{
    struct temp_store other;
    struct answer answer;

    (void)state;
    temp_store_init(&other);
    assert_answer(finish(begin_save(other.store, "blog", 9)), YSYNC_OK);
    temp_store_close(&other);
    move_away("");
    assert_int_equal(rename(other.path, temp.path), 0);
    for (unsigned i = 0; i < 2; i++) {
        answer = finish(begin_append(temp.store, "blog", 3));
        assert_non_null(strstr(answer.problem, "was replaced while in use: restart to use the new one"));
        assert_answer(answer, YSYNC_ERR_IO);
        assert_answer(ask(temp.store, YS_STORE_LOAD, "blog", no_bytes), YSYNC_ERR_IO);
    }
    temp_store_close(&temp);
    temp_store_open(&temp);
    assert_int_equal(temp.store->check(temp.store->user, NULL), YSYNC_OK);
    assert_room(temp.store, "blog", 9); /* which the -wal of the old one would have changed */
    assert_answer(ask(temp.store, YS_STORE_LOAD, "wiki", no_bytes), YSYNC_ERR_NOT_FOUND);

    temp_store_close(&temp);
    snprintf(temp.url, sizeof(temp.url), "sqlite:%s/moved.db", temp.folder);
    temp_store_open(&temp);
    assert_room(temp.store, "blog", 3); /* the old one has all that was acknowledged */
    assert_room(temp.store, "wiki", 100);
    temp_store_deinit(&other);
}

static void test_store_does_not_begin_anew_beside_a_rescued_copy(void **state)
{
    (void)state;
    temp_store_close(&temp);
    assert_int_equal(rename(temp.path, temp_store_file(&temp, "-rescue")), 0);
    assert_int_equal(temp_store_open_with(&temp, NULL), YSYNC_ERR_CONFLICT);
    assert_non_null(strstr(temp.problem.text, "rename that, or remove it"));
    assert_false(temp_store_has(&temp, ""));
    assert_int_equal(rename(temp_store_file(&temp, "-rescue"), temp.path), 0);
    assert_in_order(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_keeps_what_was_in_a_wal_that_vanished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_keeps_what_was_in_a_wal_that_vanished_while_others_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_store_waits_for_a_reader_that_needs_the_wal_that_vanished, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_store_keeps_what_was_in_a_wal_that_was_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_keeps_what_was_in_a_wal_that_vanished_before_it_closed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_a_file_that_vanished_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_a_file_anew_of_which_nothing_was_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_a_file_that_vanished_anew_when_it_closes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_tries_again_to_write_a_file_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_refuses_a_file_that_took_the_place_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_does_not_begin_anew_beside_a_rescued_copy, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
