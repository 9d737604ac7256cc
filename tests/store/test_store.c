/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ysync/store.h"

static void test_store_names_what_it_does_not_know(void **state)
{
    static const char *const urls[] = { "", "rooms.db", "postgres://db/rooms", "sqlite", "sqlite:", "SQLITE:rooms.db" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct ysync_problem problem = { "" };
        struct ysync_store *store = NULL;
        char value[64];

        snprintf(value, sizeof(value), "\"%s\"", urls[i]);
        assert_int_equal(ysync_store_open(urls[i], NULL, &store, &problem), YSYNC_ERR_INVALID_ARG);
        assert_non_null(strstr(problem.text, value));
        assert_non_null(strstr(problem.text, "sqlite:PATH"));
        assert_null(store);
        assert_int_equal(ysync_store_open(urls[i], NULL, &store, NULL), YSYNC_ERR_INVALID_ARG);
    }
}

static void test_store_that_is_none_may_be_closed(void **state)
{
    struct ysync_store without_close = { 0 };

    (void)state;
    ysync_store_close(NULL);
    ysync_store_close(&without_close);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_names_what_it_does_not_know),
        cmocka_unit_test(test_store_that_is_none_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
