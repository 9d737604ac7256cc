/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ysync/err.h"

static void test_err_every_number_has_its_own_words(void **state)
{
    (void)state;
    for (int i = YSYNC_OK; i <= YSYNC_ERR_INVALID_ARG; i++) {
        if (strcmp(ysync_strerror((enum ysync_err)i), "unknown error") == 0)
            fail_msg("error %d has no words", i);
        for (int j = YSYNC_OK; j < i; j++)
            assert_string_not_equal(ysync_strerror((enum ysync_err)i), ysync_strerror((enum ysync_err)j));
    }
}

static void test_err_unknown_numbers_are_no_harm(void **state)
{
    (void)state;
    assert_string_equal(ysync_strerror((enum ysync_err)1000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_every_number_has_its_own_words),
        cmocka_unit_test(test_err_unknown_numbers_are_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
