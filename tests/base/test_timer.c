/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/timer.h"

#define COUNT 500

struct alarm {
    struct ys_timer timer;
    uint64_t want_ms; /* YS_TIMER_NEVER: it must not fire */
    uint64_t fired_ms;
    int times;
};

static uint64_t last_due_ms;

static void note(struct ys_timer *timer, uint64_t now_ms)
{
    struct alarm *alarm = YS_CONTAINER_OF(timer, struct alarm, timer);

    alarm->fired_ms = now_ms;
    alarm->times++;
    assert_true(timer->due_ms >= last_due_ms);
    last_due_ms = timer->due_ms;
}

/* Arms, moves and disarms at random; each must then fire once, at the first tick that is not too early. */
static void test_timer_fires_in_order_when_due(void **state)
{
    static struct alarm alarms[COUNT];
    struct ys_timers timers = { .root = NULL };
    uint32_t random = 7;

    (void)state;
    last_due_ms = 0;
    for (size_t i = 0; i < COUNT; i++) {
        ys_timer_init(&alarms[i].timer, note);
        alarms[i].want_ms = YS_TIMER_NEVER;
    }
    for (size_t round = 0; round < 10 * COUNT; round++) {
        struct alarm *alarm;

        random = random * 1664525u + 1013904223u;
        alarm = &alarms[(random >> 8) % COUNT];
        alarm->want_ms = random >> 30 ? (random >> 12) % 1000 : YS_TIMER_NEVER;
        if (alarm->want_ms == YS_TIMER_NEVER)
            ys_timer_disarm(&timers, &alarm->timer);
        else
            ys_timer_arm(&timers, &alarm->timer, alarm->want_ms);
        assert_int_equal(ys_timer_is_armed(&alarm->timer), alarm->want_ms != YS_TIMER_NEVER);
        if (round % 16 == 0)
            ys_timers_check(&timers);
    }
    for (uint64_t now = 0; now < 1010; now += 10)
        ys_timers_run(&timers, now);
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t want = alarms[i].want_ms == YS_TIMER_NEVER ? 0 : (alarms[i].want_ms + 9) / 10 * 10;

        if (alarms[i].times != (alarms[i].want_ms != YS_TIMER_NEVER) || alarms[i].fired_ms != want)
            fail_msg("timer %zu: got %d times at %llu, want %llu", i, alarms[i].times,
                     (unsigned long long)alarms[i].fired_ms, (unsigned long long)want);
    }
    assert_true(ys_timers_next(&timers) == YS_TIMER_NEVER);
}

static unsigned height(const struct ys_timer *timer)
{
    unsigned left = timer ? height(timer->left) : 0;
    unsigned right = timer ? height(timer->right) : 0;

    return timer ? 1 + (left > right ? left : right) : 0;
}

/* What one call costs is how high the heap is, so it must not depend on the order in which timers were armed. */
static void test_timer_heaps_stay_low(void **state)
{
    enum { MANY = 4095, HEIGHT = 12 };
    static struct ys_timer many[MANY];
    static const struct {
        const char *name;
        uint64_t first;
        int64_t step;
    } orders[] = { { "rising", 1, 1 }, { "falling", MANY, -1 }, { "all the same", 7, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ys_timers timers = { .root = NULL };

        for (size_t j = 0; j < MANY; j++) {
            ys_timer_init(&many[j], note);
            ys_timer_arm(&timers, &many[j], orders[i].first + (uint64_t)(orders[i].step * (int64_t)j));
        }
        ys_timers_check(&timers);
        if (height(timers.root) != HEIGHT)
            fail_msg("%s: got a height of %u, want %d", orders[i].name, height(timers.root), HEIGHT);
        for (size_t j = 0; j < MANY; j += 2)
            ys_timer_disarm(&timers, &many[j]);
        ys_timers_check(&timers);
        if (height(timers.root) != HEIGHT - 1)
            fail_msg("%s, half of them: got a height of %u, want %d", orders[i].name, height(timers.root), HEIGHT - 1);
    }
}

static void test_timer_tells_what_is_due_next(void **state)
{
    struct ys_timers timers = { .root = NULL };
    struct ys_timer a;
    struct ys_timer b;

    (void)state;
    ys_timer_init(&a, note);
    ys_timer_init(&b, note);
    assert_true(ys_timers_next(&timers) == YS_TIMER_NEVER);
    ys_timer_arm(&timers, &a, 20);
    ys_timer_arm(&timers, &b, 10);
    assert_int_equal(ys_timers_next(&timers), 10);
    ys_timer_arm(&timers, &b, 30);
    assert_int_equal(ys_timers_next(&timers), 20);
    ys_timer_disarm(&timers, &a);
    ys_timer_disarm(&timers, &a);
    assert_int_equal(ys_timers_next(&timers), 30);
    ys_timer_disarm(&timers, &b);
    assert_true(ys_timers_next(&timers) == YS_TIMER_NEVER);
}

struct chain {
    struct ys_timer timer;
    struct ys_timers *timers;
    struct ys_timer *victim;
    int left;
};

static void go_on(struct ys_timer *timer, uint64_t now_ms)
{
    struct chain *chain = YS_CONTAINER_OF(timer, struct chain, timer);

    if (chain->victim)
        ys_timer_disarm(chain->timers, chain->victim);
    if (--chain->left > 0)
        ys_timer_arm(chain->timers, timer, now_ms);
}

static void free_self(struct ys_timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    free(YS_CONTAINER_OF(timer, struct chain, timer));
}

static void test_timer_callbacks_may_arm_disarm_and_free(void **state)
{
    struct ys_timers timers = { .root = NULL };
    struct alarm never = { .times = 0 };
    struct chain chain = { .timers = &timers, .victim = &never.timer, .left = 3 };
    struct chain *freed = calloc(1, sizeof(*freed));

    (void)state;
    assert_non_null(freed);
    ys_timer_init(&never.timer, note);
    ys_timer_init(&chain.timer, go_on);
    ys_timer_init(&freed->timer, free_self);
    ys_timer_arm(&timers, &never.timer, 5);
    ys_timer_arm(&timers, &chain.timer, 4);
    ys_timer_arm(&timers, &freed->timer, 4);
    ys_timers_run(&timers, 10);
    assert_int_equal(never.times, 0);
    assert_int_equal(chain.left, 0);
    assert_true(ys_timers_next(&timers) == YS_TIMER_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_fires_in_order_when_due),
        cmocka_unit_test(test_timer_heaps_stay_low),
        cmocka_unit_test(test_timer_tells_what_is_due_next),
        cmocka_unit_test(test_timer_callbacks_may_arm_disarm_and_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
