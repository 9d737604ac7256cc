/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/crew.h"
#include "server/gather.h"
#include "support/failing_alloc.h"

#define SIZE 3

/* Three places on three loops, all run by this thread. */
struct fixture {
    struct ys_test_alloc memory;
    struct ysync_plugin_config config;
    struct ys_crew *crew;
    uv_loop_t loops[SIZE];
    uv_timer_t work[SIZE]; /* keeps the loops alive, as listeners would */
    struct ys_session_context contexts[SIZE];
    unsigned collected;
    unsigned done;
    char answer[64]; /* the parts, a letter a place, "-" for an empty one */
    struct ys_gather *gather;
};

static struct fixture it;

static void on_work(uv_timer_t *work)
{
    (void)work;
}

static int set_up(void **state)
{
    struct ys_crew_config config = { .alloc = &it.memory.alloc, .size = SIZE };

    (void)state;
    memset(&it, 0, sizeof(it));
    ys_test_alloc_init(&it.memory, YS_TEST_NEVER_FAIL);
    it.config.alloc = &it.memory.alloc;
    assert_int_equal(ys_crew_new(&config, &it.crew), YSYNC_OK);
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_equal(uv_loop_init(&it.loops[i]), 0);
        uv_timer_init(&it.loops[i], &it.work[i]);
        uv_timer_start(&it.work[i], on_work, 1000000, 0);
        it.contexts[i] = (struct ys_session_context){ .config = &it.config, .crew = it.crew, .place = i };
        assert_int_equal(ys_crew_join(it.crew, i, &it.loops[i], &it.contexts[i]), YSYNC_OK);
    }
    return 0;
}

static void run(size_t place)
{
    if (it.contexts[place].crew)
        uv_run(&it.loops[place], UV_RUN_NOWAIT);
}

/* What has been sent is delivered, and what that sent. */
static void run_all(void)
{
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZE; i++)
            run(i);
    }
}

static void leave(size_t place)
{
    ys_crew_leave(it.crew, place);
    uv_close((uv_handle_t *)&it.work[place], NULL);
    uv_run(&it.loops[place], UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&it.loops[place]), 0);
    it.contexts[place].crew = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        if (it.contexts[i].crew)
            leave(i);
    }
    ys_crew_free(it.crew);
    return it.memory.live_blocks == 0 ? 0 : -1;
}

static void collect(struct ys_session_context *context, struct ys_buf *part)
{
    it.collected++;
    ys_buf_put_u8(part, (uint8_t)('a' + context->place));
}

static void done(void *user, const struct ys_buf *parts, size_t count)
{
    assert_ptr_equal(user, &it);
    assert_null(it.gather);
    it.done++;
    for (size_t i = 0; i < count; i++)
        it.answer[i] = parts[i].len > 0 ? (char)parts[i].data[0] : '-';
}

static void ask(size_t place)
{
    assert_int_equal(ys_gather(&it.contexts[place], collect, done, &it, &it.gather), YSYNC_OK);
}

static void test_crew_gathers_from_all(void **state)
{
    (void)state;
    ask(1);
    assert_non_null(it.gather);
    run_all();
    assert_int_equal(it.done, 1);
    assert_string_equal(it.answer, "abc");
}

static void test_crew_gathers_nothing_from_who_has_left(void **state)
{
    (void)state;
    leave(2);
    ask(0);
    run_all();
    assert_int_equal(it.done, 1);
    assert_string_equal(it.answer, "ab-");
}

static void test_crew_gathers_nothing_from_who_leaves_meanwhile(void **state)
{
    (void)state;
    ask(0);
    leave(2);
    run(0);
    run(1);
    run(0);
    assert_string_equal(it.answer, "ab-");
}

static void test_crew_may_be_asked_by_who_leaves(void **state)
{
    (void)state;
    ask(0);
    ys_gather_forget(it.gather);
    it.gather = NULL;
    leave(0);
    run(1);
    run(2);
    assert_int_equal(it.done, 0);
    assert_int_equal(it.collected, 2);
}

static void test_crew_forgets_who_asked(void **state)
{
    (void)state;
    ask(0);
    run(1);
    ys_gather_forget(it.gather);
    it.gather = NULL;
    run_all();
    assert_int_equal(it.done, 0);
    assert_int_equal(it.collected, 3);
}

static void test_crew_of_one_answers_at_once(void **state)
{
    struct ys_crew_config config = { .alloc = ysync_alloc_default(), .size = 1 };
    struct ys_session_context context = { .config = &it.config };

    (void)state;
    assert_int_equal(ys_crew_new(&config, &context.crew), YSYNC_OK);
    assert_int_equal(ys_crew_join(context.crew, 0, NULL, &context), YSYNC_OK);
    assert_int_equal(ys_gather(&context, collect, done, &it, &it.gather), YSYNC_OK);
    assert_string_equal(it.answer, "a");
    ys_crew_leave(context.crew, 0);
    ys_crew_free(context.crew);
}

/* A room is always the same member's, and every member has its share. */
static void test_crew_shares_rooms(void **state)
{
    unsigned counts[SIZE] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        char name[16];
        struct ysync_bytes room = { (const uint8_t *)name, (size_t)snprintf(name, sizeof(name), "room %u", i) };
        size_t owner = ys_crew_owner(it.crew, room);

        assert_in_range(owner, 0, SIZE - 1);
        assert_int_equal(ys_crew_owner(it.crew, room), owner);
        counts[owner]++;
    }
    for (size_t i = 0; i < SIZE; i++)
        assert_in_range(counts[i], 800, 1200);
}

static void test_crew_survives_failed_allocations(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_crew_config config = { .alloc = &memory.alloc, .size = 2 };
        struct ys_crew *crew = NULL;
        enum ysync_err err;
        uv_loop_t loop;

        ys_test_alloc_init(&memory, n);
        assert_int_equal(uv_loop_init(&loop), 0);
        err = ys_crew_new(&config, &crew);
        if (!err)
            err = ys_crew_join(crew, 0, &loop, NULL);
        if (crew)
            ys_crew_leave(crew, 0);
        uv_run(&loop, UV_RUN_DEFAULT);
        uv_loop_close(&loop);
        ys_crew_free(crew);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_crew_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gathers_from_all),
        TEST(gathers_nothing_from_who_has_left),
        TEST(gathers_nothing_from_who_leaves_meanwhile),
        TEST(may_be_asked_by_who_leaves),
        TEST(forgets_who_asked),
        TEST(of_one_answers_at_once),
        TEST(shares_rooms),
        TEST(survives_failed_allocations),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
