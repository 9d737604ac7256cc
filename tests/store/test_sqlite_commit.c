/* SPDX-License-Identifier: MIT */
/*
 * What is written together, in which order it is answered, and what becomes of all that when something fails.
 *
 * The store's thread can be stopped inside of an answer, so that requests gather behind it: hold() and let_go().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/asking.h"
#include "store/shim_vfs.h"
#include "store/temp_store.h"

static struct temp_store temp;
static atomic_uint commits;

static int count_commit(void *unused)
{
    (void)unused;
    commits++;
    return 0;
}

static int count_commits(sqlite3 *db, char **problem, const struct sqlite3_api_routines *api)
{
    (void)problem;
    (void)api;
    sqlite3_commit_hook(db, count_commit, NULL);
    return SQLITE_OK;
}

static int set_up(void **state)
{
    (void)state;
    shim_install();
    sqlite3_auto_extension((void (*)(void))count_commits);
    temp_store_init(&temp);
    commits = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shim.decide = NULL;
    temp_store_deinit(&temp);
    sqlite3_reset_auto_extension();
    shim_uninstall();
    return 0;
}

static void reopen(void)
{
    temp_store_close(&temp);
    temp_store_open(&temp);
    commits = 0;
}

/* Holding the thread */

struct holder {
    struct asked *asked;
    uv_sem_t is_held;
    uv_sem_t may_go;
};

static void post_and_wait(struct ysync_store_request *request)
{
    struct holder *holder = request->post_user;

    uv_sem_post(&holder->is_held);
    uv_sem_wait(&holder->may_go);
    request->post_user = &holder->asked->is_answered;
    on_posted(request);
}

/* The thread is inside of an answer to a read until let_go(). */
static void hold(struct holder *holder)
{
    struct ysync_store_request *request;

    uv_sem_init(&holder->is_held, 0);
    uv_sem_init(&holder->may_go, 0);
    holder->asked = calloc(1, sizeof(*holder->asked));
    uv_sem_init(&holder->asked->is_answered, 0);
    assert_int_equal(ys_store_request_new(ysync_alloc_default(), YS_STORE_LIST, no_bytes, no_bytes, on_done,
                                          &holder->asked->answer, &request),
                     YSYNC_OK);
    holder->asked->request = request;
    request->post = post_and_wait;
    request->post_user = holder;
    request->limit = 1;
    ys_store_ask(temp.store, request);
    uv_sem_wait(&holder->is_held);
}

static void let_go(struct holder *holder)
{
    uv_sem_post(&holder->may_go);
    assert_answer(finish(holder->asked), YSYNC_OK);
    uv_sem_destroy(&holder->is_held);
    uv_sem_destroy(&holder->may_go);
}

/* Together */

#define WRITERS 4
#define APPENDS 250

struct writer {
    char room[16];
    struct asked *asked[APPENDS];
};

static void write_all(void *user)
{
    struct writer *writer = user;

    writer->asked[0] = begin_save(temp.store, writer->room, 1);
    for (unsigned n = 1; n < APPENDS; n++)
        writer->asked[n] = begin_append(temp.store, writer->room, n);
}

static void test_store_writes_what_waits_in_one_commit(void **state)
{
    static struct writer writers[WRITERS];
    uv_thread_t threads[WRITERS];
    struct holder holder;

    (void)state;
    hold(&holder);
    for (unsigned i = 0; i < WRITERS; i++) {
        snprintf(writers[i].room, sizeof(writers[i].room), "room %u", i);
        uv_thread_create(&threads[i], write_all, &writers[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        uv_thread_join(&threads[i]);
    let_go(&holder);
    for (unsigned i = 0; i < WRITERS; i++) {
        for (unsigned n = 0; n < APPENDS; n++)
            assert_answer(finish(writers[i].asked[n]), YSYNC_OK);
        assert_room(temp.store, writers[i].room, APPENDS);
    }
    assert_int_equal(commits, 1);
}

static void test_store_serves_many_who_do_not_wait_for_each_other(void **state)
{
    static struct writer writers[WRITERS];
    uv_thread_t threads[WRITERS];

    (void)state;
    for (unsigned i = 0; i < WRITERS; i++) {
        snprintf(writers[i].room, sizeof(writers[i].room), "room %u", i);
        uv_thread_create(&threads[i], write_all, &writers[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        uv_thread_join(&threads[i]);
        assert_answer(finish(writers[i].asked[APPENDS - 1]), YSYNC_OK);
        for (unsigned n = 0; n < APPENDS - 1; n++) {
            assert_true(is_answered(writers[i].asked[n])); /* as it was asked for before the last */
            assert_answer(finish(writers[i].asked[n]), YSYNC_OK);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_room(temp.store, writers[i].room, APPENDS);
    assert_true(commits >= 1 && commits <= WRITERS * APPENDS);
}

static void test_store_writes_a_lone_request_at_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        assert_answer(finish(begin_save(temp.store, "blog", n)), YSYNC_OK);
        assert_int_equal(commits, n);
    }
}

static void test_store_answers_each_request_of_a_batch_for_itself(void **state)
{
    struct holder holder;
    struct asked *asked[7];
    static const enum ysync_err want[] = { YSYNC_ERR_NOT_FOUND, YSYNC_OK, YSYNC_OK, YSYNC_OK,
                                           YSYNC_ERR_NOT_FOUND, YSYNC_OK, YSYNC_OK };

    (void)state;
    hold(&holder);
    asked[0] = begin_append(temp.store, "blog", 0);
    asked[1] = begin_save(temp.store, "blog", 1);
    asked[2] = begin_append(temp.store, "blog", 1);
    asked[3] = begin(temp.store, YS_STORE_REMOVE, "blog", no_bytes);
    asked[4] = begin_append(temp.store, "blog", 2);
    asked[5] = begin_save(temp.store, "blog", 3);
    asked[6] = begin_append(temp.store, "blog", 3);
    let_go(&holder);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        assert_answer(finish(asked[i]), want[i]);
    assert_room(temp.store, "blog", 4);
    assert_int_equal(commits, 1);
}

/* Reads */

static void test_store_reads_after_what_was_to_be_written_before(void **state)
{
    struct holder holder;
    struct asked *save;
    struct asked *load;
    struct answer answer;

    (void)state;
    hold(&holder);
    save = begin_save(temp.store, "blog", 2);
    load = begin(temp.store, YS_STORE_LOAD, "blog", no_bytes);
    let_go(&holder);
    answer = finish(load);
    assert_int_equal(answer.err, YSYNC_OK);
    assert_int_equal(typed_count(answer.doc, 2), 2);
    ysync_doc_free(answer.doc);
    assert_answer(finish(save), YSYNC_OK);
}

#define LOADS 100

static struct {
    unsigned loads;             /* that were answered */
    unsigned loads_before_save; /* when the save was */
    struct asked *save;
} fairness;

static void on_save_posted(struct ysync_store_request *request)
{
    fairness.loads_before_save = fairness.loads;
    on_posted(request);
}

/* The first load that is answered asks for a save: that is not yet another thread's, but it might be. */
static void on_load_posted(struct ysync_store_request *request)
{
    if (fairness.loads++ == 0)
        ys_store_ask(temp.store, fairness.save->request);
    on_posted(request);
}

static struct asked *prepare(enum ys_store_request_kind kind, void (*post)(struct ysync_store_request *request))
{
    struct asked *asked = calloc(1, sizeof(*asked));

    uv_sem_init(&asked->is_answered, 0);
    assert_int_equal(ys_store_request_new(ysync_alloc_default(), kind, bytes_of("blog"), no_bytes, on_done,
                                          &asked->answer, &asked->request),
                     YSYNC_OK);
    asked->request->post = post;
    asked->request->post_user = &asked->is_answered;
    return asked;
}

static void test_store_writes_between_many_reads(void **state)
{
    struct asked *loads[LOADS];
    struct holder holder;

    (void)state;
    memset(&fairness, 0, sizeof(fairness));
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    fairness.save = prepare(YS_STORE_SAVE, on_save_posted);
    fairness.save->request->snapshot = copy_bytes(ysync_alloc_default(), typed_until(2));
    hold(&holder);
    for (unsigned i = 0; i < LOADS; i++) {
        loads[i] = prepare(YS_STORE_LOAD, on_load_posted);
        assert_int_equal(ysync_doc_new(NULL, &loads[i]->request->doc), YSYNC_OK);
        ys_store_ask(temp.store, loads[i]->request);
    }
    let_go(&holder);
    assert_answer(finish(fairness.save), YSYNC_OK);
    assert_int_equal(fairness.loads_before_save, 16);
    for (unsigned i = 0; i < LOADS; i++) {
        struct answer answer = finish(loads[i]);

        assert_int_equal(answer.err, YSYNC_OK);
        assert_int_equal(typed_count(answer.doc, 2), i < fairness.loads_before_save ? 1 : 2);
        ysync_doc_free(answer.doc);
    }
}

/* The end */

static void test_store_answers_all_before_it_is_closed(void **state)
{
    struct asked *asked[60];
    struct holder holder;
    struct asked *held;

    (void)state;
    hold(&holder);
    held = holder.asked;
    for (unsigned i = 0; i < ARRAY_LEN(asked); i += 3) {
        asked[i] = begin_save(temp.store, "blog", i + 1);
        asked[i + 1] = begin_append(temp.store, "blog", i + 1);
        asked[i + 2] = begin(temp.store, YS_STORE_LOAD, "blog", no_bytes);
    }
    uv_sem_post(&holder.may_go);
    temp_store_close(&temp);
    assert_true(is_answered(held));
    assert_answer(finish(held), YSYNC_OK);
    for (unsigned i = 0; i < ARRAY_LEN(asked); i++) {
        assert_true(is_answered(asked[i]));
        assert_answer(finish(asked[i]), YSYNC_OK);
    }
    uv_sem_destroy(&holder.is_held);
    uv_sem_destroy(&holder.may_go);
    temp_store_open(&temp);
    assert_room(temp.store, "blog", ARRAY_LEN(asked) - 3 + 2);
}

/* Failures */

/* Room 2, "bad", fails in such a way. */
static void fail_bad_room_by(const char *action)
{
    char statement[256];

    assert_answer(finish(begin_save(temp.store, "good", 1)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "bad", 1)), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "bad", 1)), YSYNC_OK);
    temp_store_close(&temp);
    snprintf(statement, sizeof(statement),
             "CREATE TRIGGER fault BEFORE INSERT ON snapshots WHEN NEW.room = 2 BEGIN SELECT raise(%s, 'fault'); END",
             action);
    temp_store_execute(&temp, statement);
    reopen();
}

static void test_store_leaves_out_a_write_that_fails(void **state)
{
    struct holder holder;
    struct asked *asked[5];
    struct answer answer;

    (void)state;
    fail_bad_room_by("ABORT");
    hold(&holder);
    asked[0] = begin_append(temp.store, "good", 1);
    asked[1] = begin_save(temp.store, "new", 1);
    asked[2] = begin_save(temp.store, "bad", 5);
    asked[3] = begin_append(temp.store, "good", 2);
    asked[4] = begin_append(temp.store, "new", 1);
    let_go(&holder);
    answer = finish(asked[2]);
    assert_non_null(strstr(answer.problem, "rooms.db: constraint failed"));
    assert_answer(answer, YSYNC_ERR_IO);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        if (i != 2)
            assert_answer(finish(asked[i]), YSYNC_OK);
    }
    assert_room(temp.store, "good", 3);
    assert_room(temp.store, "new", 2);
    assert_room(temp.store, "bad", 2); /* its update is there, although the failed save had deleted it */
    assert_int_equal(commits, 1);
}

static void test_store_acknowledges_nothing_when_the_transaction_is_gone(void **state)
{
    struct holder holder;
    struct asked *asked[4];

    (void)state;
    fail_bad_room_by("ROLLBACK");
    hold(&holder);
    asked[0] = begin_append(temp.store, "good", 1);
    asked[1] = begin_save(temp.store, "bad", 5);
    asked[2] = begin_append(temp.store, "good", 2);
    asked[3] = begin_append(temp.store, "none", 2);
    let_go(&holder);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        assert_answer(finish(asked[i]), YSYNC_ERR_IO);
    assert_room(temp.store, "good", 1);
    assert_room(temp.store, "bad", 2);
    assert_answer(finish(begin_append(temp.store, "good", 1)), YSYNC_OK);
    assert_room(temp.store, "good", 2);
}

/* What the file system says to changes of the -wal. */
static struct {
    int code;
    enum shim_kind kind;
    atomic_uint left; /* that go well */
} trouble;

static int make_trouble(const struct shim_change *change)
{
    if (!change->is_wal || change->kind != trouble.kind)
        return SQLITE_OK;
    if (trouble.left > 0) {
        trouble.left--;
        return SQLITE_OK;
    }
    return trouble.code;
}

/* What was written but could not be synced may be found there by who opens the file again. */
static unsigned assert_all_or_nothing(unsigned nothing, unsigned all)
{
    struct answer answer = ask(temp.store, YS_STORE_LOAD, "blog", no_bytes);
    unsigned got;

    assert_int_equal(answer.err, YSYNC_OK);
    got = typed_count(answer.doc, all);
    ysync_doc_free(answer.doc);
    if (got != nothing && got != all)
        fail_msg("%u updates, not %u or %u", got, nothing, all);
    return got;
}

static void test_store_acknowledges_nothing_that_is_not_on_the_disk(void **state)
{
    static const struct {
        const char *name;
        int code;
        enum shim_kind kind;
        unsigned left;
        const char *want;
    } cases[] = {
        { "no space", SQLITE_FULL, SHIM_WRITE, 0, "the disk of %s is full: free some space" },
        { "no space for all of a page", SQLITE_FULL, SHIM_WRITE, 1, "the disk of %s is full: free some space" },
        { "a bad disk", SQLITE_IOERR_WRITE, SHIM_WRITE, 0, "cannot read or write %s: " },
        { "a sync that fails", SQLITE_IOERR_FSYNC, SHIM_SYNC, 0, "cannot read or write %s: " },
    };
    unsigned count = 1;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asked *asked[10];
        struct holder holder;
        struct answer answer;
        char want[256];

        trouble.code = cases[i].code;
        trouble.kind = cases[i].kind;
        trouble.left = cases[i].left;
        snprintf(want, sizeof(want), cases[i].want, temp.path);
        hold(&holder);
        shim.decide = make_trouble;
        for (unsigned n = 0; n < ARRAY_LEN(asked); n++)
            asked[n] = begin_append(temp.store, "blog", count + n);
        let_go(&holder);
        for (unsigned n = 0; n < ARRAY_LEN(asked); n++) {
            answer = finish(asked[n]);
            if (answer.err != YSYNC_ERR_IO || strncmp(answer.problem, want, strlen(want)) != 0)
                fail_msg("%s: got %s (%s), want %s", cases[i].name, ysync_strerror(answer.err), answer.problem, want);
            ysync_doc_free(answer.doc);
        }
        count = assert_all_or_nothing(count, cases[i].kind == SHIM_SYNC ? count + 10 : count);
        hold(&holder);
        shim.decide = NULL;
        let_go(&holder);
        assert_answer(finish(begin_append(temp.store, "blog", count)), YSYNC_OK);
        count++;
        assert_room(temp.store, "blog", count);
        assert_int_equal(temp.store->check(temp.store->user, NULL), YSYNC_OK);
    }
    reopen();
    assert_room(temp.store, "blog", count);
}

static void test_store_goes_on_when_there_is_space_again(void **state)
{
    struct answer answer;
    unsigned count = 1;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    trouble.code = SQLITE_FULL;
    trouble.kind = SHIM_WRITE;
    trouble.left = 200;
    shim.decide = make_trouble;
    while (!(answer = finish(begin_append(temp.store, "blog", count))).err)
        count++;
    assert_answer(answer, YSYNC_ERR_IO);
    assert_answer(finish(begin_save(temp.store, "blog", count + 1)), YSYNC_ERR_IO);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_ERR_IO);
    assert_room(temp.store, "blog", count);
    trouble.left = UINT_MAX;
    assert_answer(finish(begin_save(temp.store, "blog", count + 1)), YSYNC_OK);
    assert_room(temp.store, "blog", count + 1);
    assert_int_equal(temp.store->check(temp.store->user, NULL), YSYNC_OK);
    reopen();
    assert_room(temp.store, "blog", count + 1);
}

static void test_store_does_not_wait_for_ever_for_a_lock(void **state)
{
    struct answer answer;
    sqlite3 *other;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    other = temp_store_sqlite(&temp);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    answer = finish(begin_append(temp.store, "blog", 1));
    assert_non_null(strstr(answer.problem, "another process holds"));
    assert_non_null(strstr(answer.problem, "rooms.db locked"));
    assert_answer(answer, YSYNC_ERR_IO);
    assert_room(temp.store, "blog", 1); /* reading goes on */
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_answer(finish(begin_append(temp.store, "blog", 1)), YSYNC_OK);
    assert_room(temp.store, "blog", 2);
}

/* As Litestream does. */
static void test_store_writes_while_another_process_reads(void **state)
{
    sqlite3 *other;

    (void)state;
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    other = temp_store_sqlite(&temp);
    assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM rooms", NULL, NULL, NULL), SQLITE_OK);
    for (unsigned n = 2; n < 50; n++)
        assert_answer(finish(begin_save(temp.store, "blog", n)), YSYNC_OK);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_room(temp.store, "blog", 49);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_writes_what_waits_in_one_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_serves_many_who_do_not_wait_for_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_a_lone_request_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_answers_each_request_of_a_batch_for_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_reads_after_what_was_to_be_written_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_between_many_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_answers_all_before_it_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_leaves_out_a_write_that_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_acknowledges_nothing_when_the_transaction_is_gone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_store_acknowledges_nothing_that_is_not_on_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_goes_on_when_there_is_space_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_does_not_wait_for_ever_for_a_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_writes_while_another_process_reads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
