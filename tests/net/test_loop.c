/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "support/failing_alloc.h"

struct fired {
    struct ys_timer timer;
    unsigned count;
};

static void on_fire(struct ys_timer *timer, uint64_t now_ms)
{
    struct fired *fired = YS_CONTAINER_OF(timer, struct fired, timer);

    assert_true(now_ms >= timer->due_ms);
    fired->count++;
}

static void note(void *user)
{
    (*(unsigned *)user)++;
}

/* As a listener would: something that a loop waits for. */
static void keep_alive(struct ys_loop *loop, uv_async_t *keeper)
{
    assert_int_equal(uv_async_init(loop->uv, keeper, NULL), 0);
}

struct counted_hook {
    struct ys_loop_hook hook;
    unsigned count;
};

static void count_turn(struct ys_loop_hook *hook, uint64_t now_ms)
{
    (void)now_ms;
    YS_CONTAINER_OF(hook, struct counted_hook, hook)->count++;
}

static void test_loop_fires_timers_in_time(void **state)
{
    struct fired soon = { .count = 0 };
    struct fired never = { .count = 0 };
    struct ys_loop *loop;
    uv_async_t keeper;
    uint64_t start_ms;

    (void)state;
    assert_int_equal(ys_loop_open(ysync_alloc_default(), NULL, &loop), YSYNC_OK);
    ys_timer_init(&soon.timer, on_fire);
    ys_timer_init(&never.timer, on_fire);
    start_ms = ys_loop_now(loop);
    ys_loop_arm(loop, &soon.timer, start_ms + 20);
    ys_loop_arm(loop, &never.timer, start_ms + 1);
    ys_loop_disarm(loop, &never.timer);
    keep_alive(loop, &keeper);
    while (soon.count == 0)
        uv_run(loop->uv, UV_RUN_ONCE);
    assert_true(ys_loop_now(loop) >= start_ms + 20);
    assert_int_equal(never.count, 0);
    uv_close((uv_handle_t *)&keeper, NULL);
    ys_loop_close(loop);
}

static void test_loop_calls_hooks_before_it_waits(void **state)
{
    struct counted_hook hook = { .hook = { .before_wait = count_turn } };
    struct ys_loop *loop;
    uv_async_t keeper;

    (void)state;
    assert_int_equal(ys_loop_open(ysync_alloc_default(), NULL, &loop), YSYNC_OK);
    keep_alive(loop, &keeper);
    ys_loop_add_hook(loop, &hook.hook);
    uv_run(loop->uv, UV_RUN_NOWAIT);
    assert_int_equal(hook.count, 1);
    ys_loop_remove_hook(loop, &hook.hook);
    uv_run(loop->uv, UV_RUN_NOWAIT);
    assert_int_equal(hook.count, 1);
    uv_close((uv_handle_t *)&keeper, NULL);
    ys_loop_close(loop);
}

static void work_for_3_ms(struct ys_timer *timer, uint64_t now_ms)
{
    uint64_t end_ns = uv_hrtime() + 3000000;

    (void)timer;
    (void)now_ms;
    while (uv_hrtime() < end_ns)
        ;
}

/* How many of them took longer than this bound. */
static uint64_t longer_than(const struct ys_histogram *turns, uint64_t bound_ns)
{
    uint64_t count = turns->counts[YS_HISTOGRAM_BOUNDS];

    for (size_t i = 0; i < YS_HISTOGRAM_BOUNDS; i++)
        count += ys_histogram_bounds[i].ns > bound_ns ? turns->counts[i] : 0;
    return count;
}

static void test_loop_measures_work_and_not_waiting(void **state)
{
    const struct ys_histogram *turns;
    struct ys_timer timer;
    struct ys_loop *loop;
    uint64_t begin_ns = uv_hrtime();
    uv_async_t keeper;

    (void)state;
    assert_int_equal(ys_loop_open(ysync_alloc_default(), NULL, &loop), YSYNC_OK);
    turns = &ys_loop_counters(loop)->turns;
    keep_alive(loop, &keeper);
    ys_timer_init(&timer, work_for_3_ms);
    ys_loop_arm(loop, &timer, ys_loop_now(loop) + 30);
    while (ys_timer_is_armed(&timer))
        uv_run(loop->uv, UV_RUN_ONCE);
    uv_run(loop->uv, UV_RUN_NOWAIT);
    assert_true(longer_than(turns, 2500000) >= 1);
    assert_true(turns->sum_ns >= 3000000);
    assert_true(turns->sum_ns < uv_hrtime() - begin_ns - 25000000);
    uv_close((uv_handle_t *)&keeper, NULL);
    ys_loop_close(loop);
}

static void test_loop_without_connections_is_empty_at_once(void **state)
{
    unsigned calls = 0;
    struct ys_loop *loop;

    (void)state;
    assert_int_equal(ys_loop_open(ysync_alloc_default(), NULL, &loop), YSYNC_OK);
    ys_loop_when_empty(loop, note, &calls);
    assert_int_equal(calls, 1);
    ys_loop_close(loop);
}

/* A program's loop ends when the program has nothing more to do on it, whatever is mounted there. */
static void test_loop_lives_on_a_programs_loop(void **state)
{
    struct fired timer = { .count = 0 };
    struct ys_test_alloc memory;
    struct ys_loop *loop;
    uv_loop_t uv;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(ys_loop_open(&memory.alloc, &uv, &loop), YSYNC_OK);
    ys_timer_init(&timer.timer, on_fire);
    ys_loop_arm(loop, &timer.timer, ys_loop_now(loop) + 3600 * 1000);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ys_loop_disarm(loop, &timer.timer);
    ys_loop_close(loop);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void test_loop_survives_a_failed_allocation(void **state)
{
    struct ys_test_alloc memory;
    struct ys_loop *loop = NULL;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_int_equal(ys_loop_open(&memory.alloc, NULL, &loop), YSYNC_ERR_NOMEM);
    assert_null(loop);
    assert_int_equal(memory.live_blocks, 0);
    ys_loop_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_fires_timers_in_time),
        cmocka_unit_test(test_loop_calls_hooks_before_it_waits),
        cmocka_unit_test(test_loop_measures_work_and_not_waiting),
        cmocka_unit_test(test_loop_without_connections_is_empty_at_once),
        cmocka_unit_test(test_loop_lives_on_a_programs_loop),
        cmocka_unit_test(test_loop_survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
