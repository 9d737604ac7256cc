/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/store_health.h"

static void test_store_health_is_told_once(void **state)
{
    struct ys_store_health health;

    (void)state;
    ys_store_health_init(&health);
    assert_false(ys_store_health_recovered(&health));
    assert_true(ys_store_health_fell_ill(&health, 100));
    assert_false(ys_store_health_fell_ill(&health, 100));
    assert_false(ys_store_health_fell_ill(&health, 500)); /* still the same illness */
    assert_true(ys_store_health_recovered(&health));
    assert_false(ys_store_health_recovered(&health));
    assert_true(ys_store_health_fell_ill(&health, 501));
}

/* One that goes up and down makes no more than two lines in ten seconds. */
static void test_store_health_is_not_told_too_often(void **state)
{
    struct ys_store_health health;
    unsigned lines = 0;

    (void)state;
    ys_store_health_init(&health);
    for (uint64_t tenth = 1000; tenth < 1600; tenth++) {
        lines += ys_store_health_fell_ill(&health, tenth / 10);
        lines += ys_store_health_recovered(&health);
    }
    assert_int_equal(lines, 2 * 60 / YS_STORE_HEALTH_INTERVAL_S);
}

static void test_store_health_lets_rooms_complain_once_a_second(void **state)
{
    struct ys_store_health health;

    (void)state;
    ys_store_health_init(&health);
    assert_true(ys_store_health_may_complain(&health, 7));
    assert_false(ys_store_health_may_complain(&health, 7));
    assert_true(ys_store_health_may_complain(&health, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_health_is_told_once),
        cmocka_unit_test(test_store_health_is_not_told_too_often),
        cmocka_unit_test(test_store_health_lets_rooms_complain_once_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
