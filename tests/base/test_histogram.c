/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/histogram.h"

static void test_histogram_bounds_rise_and_say_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < YS_HISTOGRAM_BOUNDS; i++) {
        double seconds = strtod(ys_histogram_bounds[i].seconds, NULL);

        if (i > 0 && ys_histogram_bounds[i].ns <= ys_histogram_bounds[i - 1].ns)
            fail_msg("bound %s is not above the one before it", ys_histogram_bounds[i].seconds);
        if ((uint64_t)(seconds * 1e9 + 0.5) != ys_histogram_bounds[i].ns)
            fail_msg("%s is not %llu ns", ys_histogram_bounds[i].seconds,
                     (unsigned long long)ys_histogram_bounds[i].ns);
    }
}

static void test_histogram_counts_a_bound_with_what_is_below_it(void **state)
{
    struct ys_histogram histogram = { .sum_ns = 0 };
    uint64_t sum_ns = 0;

    (void)state;
    for (size_t i = 0; i < YS_HISTOGRAM_BOUNDS; i++) {
        ys_histogram_observe(&histogram, ys_histogram_bounds[i].ns);
        ys_histogram_observe(&histogram, ys_histogram_bounds[i].ns + 1);
        sum_ns += 2 * ys_histogram_bounds[i].ns + 1;
    }
    assert_int_equal(histogram.counts[0], 1);
    for (size_t i = 1; i < YS_HISTOGRAM_BOUNDS; i++)
        assert_int_equal(histogram.counts[i], 2);
    assert_int_equal(histogram.counts[YS_HISTOGRAM_BOUNDS], 1);
    assert_int_equal(histogram.sum_ns, sum_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_bounds_rise_and_say_what_they_are),
        cmocka_unit_test(test_histogram_counts_a_bound_with_what_is_below_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
