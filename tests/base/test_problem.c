/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/problem.h"

static void test_problem_is_put_into_words(void **state)
{
    struct ysync_problem problem;

    (void)state;
    ys_problem_set(&problem, "port %d on %s is in use", 3913, "127.0.0.1");
    assert_string_equal(problem.text, "port 3913 on 127.0.0.1 is in use");
    ys_problem_set(NULL, "nobody wants to know");
}

static void test_problem_is_cut_off(void **state)
{
    struct ysync_problem problem;

    (void)state;
    ys_problem_set(&problem, "%0400d", 0);
    assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_is_put_into_words),
        cmocka_unit_test(test_problem_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
