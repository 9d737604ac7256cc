/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "histogram.h"

static struct ys_histogram histogram; /* too large for the stack */

static void reset(void)
{
    histogram = (struct ys_histogram){ .total = 0 };
}

static void test_histogram_of_nothing_says_zero(void **state)
{
    (void)state;
    reset();
    assert_int_equal(ys_histogram_at(&histogram, 0.99), 0);
}

static void test_histogram_is_too_large_by_less_than_a_64th(void **state)
{
    static const uint64_t values[] = { 0, 1, 127, 128, 129, 255, 256, 1000, 123456789, UINT64_C(1) << 40, UINT64_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        uint64_t got;

        reset();
        ys_histogram_add(&histogram, values[i]);
        ys_histogram_add(&histogram, UINT64_MAX); /* so that the largest value does not help */
        got = ys_histogram_at(&histogram, 0.5);
        if (got < values[i] || got - values[i] > values[i] / 64)
            fail_msg("%" PRIu64 " came back as %" PRIu64, values[i], got);
    }
}

static void test_histogram_ranks_values(void **state)
{
    static const struct {
        const char *name;
        double share;
        uint64_t want;
    } cases[] = {
        { "the smallest", 0.001, 1 },
        { "the median", 0.5, 50 },
        { "the 99th percentile", 0.99, 99 },
        { "the largest", 1, 100 },
    };

    (void)state;
    reset();
    for (uint64_t i = 100; i > 0; i--)
        ys_histogram_add(&histogram, i);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t got = ys_histogram_at(&histogram, cases[i].share);

        if (got != cases[i].want)
            fail_msg("%s: got %" PRIu64 ", want %" PRIu64, cases[i].name, got, cases[i].want);
    }
}

static void test_histogram_never_exceeds_the_largest_value(void **state)
{
    (void)state;
    reset();
    ys_histogram_add(&histogram, 1000001);
    assert_int_equal(ys_histogram_at(&histogram, 1), 1000001);
    assert_int_equal(histogram.largest, 1000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_of_nothing_says_zero),
        cmocka_unit_test(test_histogram_is_too_large_by_less_than_a_64th),
        cmocka_unit_test(test_histogram_ranks_values),
        cmocka_unit_test(test_histogram_never_exceeds_the_largest_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
