/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/callback.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

/* The program: keeps the question, and what it was about. */
struct program {
    struct ysync_verification *verification;
    char token[16];
    enum ysync_transport transport;
};

static void verify(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    struct program *program = user;

    program->verification = verification;
    program->transport = request->transport;
    memcpy(program->token, request->token.data, request->token.len);
}

static void test_callback_passes_the_answer_on(void **state)
{
    static const struct {
        enum ysync_access answer;
        enum ys_access want;
    } cases[] = {
        { YSYNC_ACCESS_NONE, YS_ACCESS_NONE },     { YSYNC_ACCESS_READ, YS_ACCESS_READ },
        { YSYNC_ACCESS_WRITE, YS_ACCESS_WRITE },   { YSYNC_ACCESS_UNAVAILABLE, YS_ACCESS_UNKNOWN },
        { (enum ysync_access)77, YS_ACCESS_NONE },
    };
    const struct ys_auth_request request = { .token = bytes_of("s3cret"), .is_websocket = true };
    struct program program = { .token = "" };
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_new_callback(ysync_alloc_default(), verify, &program, &auth), YSYNC_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asking asking = { 0 };

        ys_auth_check(auth, &request, note_verdict, &asking);
        assert_int_equal(asking.verdicts, 0);
        assert_string_equal(program.token, "s3cret");
        assert_int_equal(program.transport, YSYNC_TRANSPORT_WEBSOCKET);
        ysync_verify_answer_for(program.verification, cases[i].answer, 1000 + i);
        assert_int_equal(asking.verdicts, 1);
        assert_int_equal(asking.verdict.access, cases[i].want);
        assert_int_equal(asking.verdict.holds_ms, 1000 + i);
    }
    ys_auth_free(auth);
}

static void test_callback_may_answer_when_its_auth_is_gone(void **state)
{
    const struct ys_auth_request request = { .token = bytes_of("s3cret") };
    struct program program = { .token = "" };
    struct asking asking = { 0 };
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_new_callback(ysync_alloc_default(), verify, &program, &auth), YSYNC_OK);
    ys_auth_check(auth, &request, note_verdict, &asking);
    ys_auth_free(auth);
    ysync_verify_answer(program.verification, YSYNC_ACCESS_READ);
    assert_int_equal(asking.verdict.access, YS_ACCESS_READ);
    assert_true(asking.verdict.holds_ms == YS_VERDICT_FOREVER);
}

static void test_callback_without_memory_admits_nobody(void **state)
{
    const struct ys_auth_request request = { .token = bytes_of("s3cret") };
    struct program program = { .token = "" };
    struct ys_test_alloc memory;
    struct asking asking = { 0 };
    struct ys_auth *auth = NULL;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_int_equal(ys_auth_new_callback(&memory.alloc, verify, &program, &auth), YSYNC_ERR_NOMEM);
    assert_null(auth);
    ys_test_alloc_init(&memory, 1);
    assert_int_equal(ys_auth_new_callback(&memory.alloc, verify, &program, &auth), YSYNC_OK);
    ys_auth_check(auth, &request, note_verdict, &asking);
    assert_int_equal(asking.verdicts, 1);
    assert_int_equal(asking.verdict.access, YS_ACCESS_UNKNOWN);
    assert_null(program.verification);
    ys_auth_free(auth);
    assert_int_equal(memory.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callback_passes_the_answer_on),
        cmocka_unit_test(test_callback_may_answer_when_its_auth_is_gone),
        cmocka_unit_test(test_callback_without_memory_admits_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
