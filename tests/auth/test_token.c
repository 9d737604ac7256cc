/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/token.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

static void test_token_lets_in_who_knows_one(void **state)
{
    static const struct {
        const char *name;
        size_t token_count;
        const char *token;
        enum ys_access want;
    } cases[] = {
        { "the token", 2, "s3cret", YS_ACCESS_WRITE },
        { "the other token", 2, "another", YS_ACCESS_WRITE },
        { "one of two that is not configured", 1, "another", YS_ACCESS_NONE },
        { "no token", 2, "", YS_ACCESS_NONE },
        { "a wrong token", 2, "s3cre7", YS_ACCESS_NONE },
        { "the beginning of it", 2, "s3cre", YS_ACCESS_NONE },
        { "more than it", 2, "s3cret ", YS_ACCESS_NONE },
        { "in another case", 2, "S3CRET", YS_ACCESS_NONE },
    };
    const struct ysync_bytes secrets[] = { bytes_of("s3cret"), bytes_of("another") };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got;
        struct ys_auth *auth;

        assert_int_equal(ys_auth_new_tokens(ysync_alloc_default(), secrets, cases[i].token_count, &auth), YSYNC_OK);
        got = ask(auth, bytes_of(cases[i].token));
        if (got != cases[i].want)
            fail_msg("%s: got access %d, want %d", cases[i].name, got, cases[i].want);
        ys_auth_free(auth);
    }
}

static void test_token_finds_each_of_many(void **state)
{
    static char texts[100][16];
    struct ysync_bytes tokens[100];
    struct ys_auth *auth;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(texts[i], sizeof(texts[i]), "token %d", i);
        tokens[i] = bytes_of(texts[i]);
    }
    assert_int_equal(ys_auth_new_tokens(ysync_alloc_default(), tokens, 100, &auth), YSYNC_OK);
    for (int i = 0; i < 100; i++) {
        if (ask(auth, tokens[i]) != YS_ACCESS_WRITE)
            fail_msg("\"%s\" was not found", texts[i]);
    }
    assert_int_equal(ask(auth, bytes_of("token 100")), YS_ACCESS_NONE);
    ys_auth_free(auth);
}

static void test_token_compares_all_bytes(void **state)
{
    const struct ysync_bytes token = bytes_of("tok\xc3\xa9n");
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_new_tokens(ysync_alloc_default(), &token, 1, &auth), YSYNC_OK);
    assert_int_equal(ask(auth, token), YS_ACCESS_WRITE);
    assert_int_equal(ask(auth, (struct ysync_bytes){ (const uint8_t *)"tok\xc3\xa9n\0more", 11 }), YS_ACCESS_NONE);
    assert_int_equal(ask(auth, (struct ysync_bytes){ NULL, 0 }), YS_ACCESS_NONE);
    ys_auth_free(auth);
}

static void test_token_survives_failed_allocations(void **state)
{
    const struct ysync_bytes token = bytes_of("s3cret");

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_auth *auth = NULL;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_new_tokens(&memory.alloc, &token, 1, &auth);
        ys_auth_free(auth);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
        assert_null(auth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_lets_in_who_knows_one),
        cmocka_unit_test(test_token_finds_each_of_many),
        cmocka_unit_test(test_token_compares_all_bytes),
        cmocka_unit_test(test_token_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
