/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quota.h"

static void test_quota_gives_as_many_as_there_are(void **state)
{
    struct ys_quota quota;

    (void)state;
    ys_quota_init(&quota, 2);
    assert_true(ys_quota_take(&quota));
    assert_true(ys_quota_take(&quota));
    assert_false(ys_quota_take(&quota));
    assert_false(ys_quota_take(&quota));
    ys_quota_give(&quota);
    assert_true(ys_quota_take(&quota));
    assert_false(ys_quota_take(&quota));
}

static void test_quota_of_zero_is_none(void **state)
{
    struct ys_quota quota;

    (void)state;
    ys_quota_init(&quota, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(ys_quota_take(&quota));
}

/* Bytes, of which nobody knows beforehand how many there will be. */
static void test_quota_may_be_passed_by_what_is_there(void **state)
{
    struct ys_quota quota;

    (void)state;
    ys_quota_init(&quota, 100);
    ys_quota_change(&quota, 0, 99);
    assert_false(ys_quota_is_full(&quota));
    ys_quota_change(&quota, 99, 250);
    assert_true(ys_quota_is_full(&quota));
    ys_quota_change(&quota, 250, 3);
    assert_false(ys_quota_is_full(&quota));
    ys_quota_init(&quota, 0);
    ys_quota_change(&quota, 0, SIZE_MAX);
    assert_false(ys_quota_is_full(&quota));
}

static void *take_many(void *user)
{
    struct ys_quota *quota = user;
    size_t taken = 0;

    for (int i = 0; i < 10000; i++)
        taken += ys_quota_take(quota);
    return (void *)taken;
}

static void test_quota_is_shared_by_threads(void **state)
{
    pthread_t threads[4];
    struct ys_quota quota;
    size_t all = 0;

    (void)state;
    ys_quota_init(&quota, 12345);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &quota), 0);
    for (int i = 0; i < 4; i++) {
        void *taken;

        pthread_join(threads[i], &taken);
        all += (size_t)taken;
    }
    assert_int_equal(all, 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota_gives_as_many_as_there_are),
        cmocka_unit_test(test_quota_of_zero_is_none),
        cmocka_unit_test(test_quota_may_be_passed_by_what_is_there),
        cmocka_unit_test(test_quota_is_shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
