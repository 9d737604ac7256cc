/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "support/failing_alloc.h"

static void test_auth_open_lets_everybody_in(void **state)
{
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_new_open(ysync_alloc_default(), &auth), YSYNC_OK);
    assert_int_equal(ask(auth, bytes_of("")), YS_ACCESS_WRITE);
    assert_int_equal(ask(auth, bytes_of("a token that nobody asked for")), YS_ACCESS_WRITE);
    ys_auth_free(auth);
    ys_auth_free(NULL);
}

static void test_auth_open_survives_failed_allocations(void **state)
{
    struct ys_test_alloc memory;
    struct ys_auth *auth = NULL;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_int_equal(ys_auth_new_open(&memory.alloc, &auth), YSYNC_ERR_NOMEM);
    assert_null(auth);
    assert_int_equal(memory.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_open_lets_everybody_in),
        cmocka_unit_test(test_auth_open_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
