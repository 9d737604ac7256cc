/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/rate.h"

/* How many messages somebody gets through by `until_ms` who always has another one. */
static uint64_t flood(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms, uint64_t until_ms)
{
    uint64_t count = 0;

    for (; now_ms < until_ms; count++)
        now_ms += ys_rate_take(rate, per_second, now_ms);
    return count;
}

static void test_rate_holds_the_average(void **state)
{
    static const struct {
        const char *name;
        uint64_t per_second;
        uint64_t lasts_ms;
        uint64_t want;
    } cases[] = {
        { "10 s worth at once", 100, 1, 1000 },
        { "and then the rate", 100, 60000, 1000 + 6000 },
        { "one a second", 1, 60000, 10 + 60 },
        { "rates that do not divide a second", 7, 60000, 70 + 420 },
        { "more than one a millisecond", 20000, 60000, 200000 + 1200000 },
        { "the fastest", YS_RATE_MAX_PER_SECOND, 1000, 10 * YS_RATE_MAX_PER_SECOND + YS_RATE_MAX_PER_SECOND },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_rate rate;
        uint64_t tolerance = cases[i].per_second * YS_RATE_LOT_MS / 1000 + 1;
        uint64_t got;

        ys_rate_init(&rate, cases[i].per_second, 5000);
        got = flood(&rate, cases[i].per_second, 5000, 5000 + cases[i].lasts_ms);
        if (got > cases[i].want || got + tolerance < cases[i].want)
            fail_msg("%s: %ju got through, want %ju", cases[i].name, (uintmax_t)got, (uintmax_t)cases[i].want);
    }
}

static void test_rate_lets_who_is_within_it_pass(void **state)
{
    struct ys_rate rate;

    (void)state;
    ys_rate_init(&rate, 50, 0);
    for (uint64_t now_ms = 0; now_ms < 3600000; now_ms += 20)
        assert_int_equal(ys_rate_take(&rate, 50, now_ms), 0);
}

static void test_rate_says_how_long_to_wait(void **state)
{
    struct ys_rate rate;

    (void)state;
    ys_rate_init(&rate, 2, 1000);
    for (int i = 0; i < 19; i++)
        assert_int_equal(ys_rate_take(&rate, 2, 1000), 0);
    assert_int_equal(ys_rate_take(&rate, 2, 1000), 500);
    assert_int_equal(ys_rate_take(&rate, 2, 1500), 500);
    assert_int_equal(ys_rate_take(&rate, 2, 2250), 250);
    assert_int_equal(ys_rate_take(&rate, 2, 2250), 500); /* who does not wait gains nothing */
}

/* A pause of hours fills the bucket, and no more than that. */
static void test_rate_fills_up_once(void **state)
{
    struct ys_rate rate;
    uint64_t day_ms = 24 * 3600000;

    (void)state;
    ys_rate_init(&rate, 100, 0);
    assert_int_equal(flood(&rate, 100, 0, 1), 1000);
    assert_int_equal(flood(&rate, 100, day_ms, day_ms + 1), 1000);
    assert_int_equal(flood(&rate, 100, day_ms + 5000, day_ms + 5001), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_holds_the_average),
        cmocka_unit_test(test_rate_lets_who_is_within_it_pass),
        cmocka_unit_test(test_rate_says_how_long_to_wait),
        cmocka_unit_test(test_rate_fills_up_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
