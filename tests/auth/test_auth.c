/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

struct verdict {
    unsigned count;
    enum ys_access access;
};

static void note_verdict(void *user, enum ys_access access)
{
    struct verdict *verdict = user;

    verdict->count++;
    verdict->access = access;
}

static void test_auth_gives_one_verdict(void **state)
{
    static const char *const secrets[] = { "s3cret", "another" };
    static const struct {
        const char *name;
        size_t token_count;
        const char *token;
        enum ys_access want;
    } cases[] = {
        { "open, no token", 0, "", YS_ACCESS_WRITE },
        { "open, a token that nobody asked for", 0, "whatever", YS_ACCESS_WRITE },
        { "shared, the token", 2, "s3cret", YS_ACCESS_WRITE },
        { "shared, the other token", 2, "another", YS_ACCESS_WRITE },
        { "shared, one of two that is not configured", 1, "another", YS_ACCESS_NONE },
        { "shared, no token", 2, "", YS_ACCESS_NONE },
        { "shared, a wrong token", 2, "s3cre7", YS_ACCESS_NONE },
        { "shared, the beginning of it", 2, "s3cre", YS_ACCESS_NONE },
        { "shared, more than it", 2, "s3cret ", YS_ACCESS_NONE },
        { "shared, in another case", 2, "S3CRET", YS_ACCESS_NONE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ys_auth_request request = {
            .room = { (const uint8_t *)"blog", 4 },
            .token = { (const uint8_t *)cases[i].token, strlen(cases[i].token) },
            .is_websocket = true,
        };
        struct verdict got = { .count = 0 };
        struct ys_auth *auth;

        assert_int_equal(ys_auth_new(ysync_alloc_default(), secrets, cases[i].token_count, &auth), YSYNC_OK);
        ys_auth_check(auth, &request, note_verdict, &got);
        if (got.count != 1 || got.access != cases[i].want)
            fail_msg("%s: got %u verdicts, access %d, want access %d", cases[i].name, got.count, got.access,
                     cases[i].want);
        ys_auth_free(auth);
    }
}

static void test_auth_survives_failed_allocations(void **state)
{
    static const char *const secrets[] = { "s3cret" };

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_auth *auth = NULL;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_new(&memory.alloc, secrets, 1, &auth);
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
        cmocka_unit_test(test_auth_gives_one_verdict),
        cmocka_unit_test(test_auth_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
