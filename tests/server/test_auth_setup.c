/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "base/alloc.h"
#include "server/auth_setup.h"
#include "support/endpoint.h"
#include "support/failing_alloc.h"
#include "support/temp_file.h"

static void let_read(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    (void)user;
    (void)request;
    ysync_verify_answer(verification, YSYNC_ACCESS_READ);
}

static const struct ys_auth_setting setting = { .verify = let_read };

static enum ys_access ask_of_setup(const struct ysync_plugin_config *config, const char *token)
{
    struct ys_auth_setup *setup;
    enum ys_access access;
    struct ys_auth *auth;

    assert_int_equal(ys_auth_setup_new(ysync_alloc_default(), config, &setting, &setup, NULL), YSYNC_OK);
    assert_int_equal(ys_auth_setup_make(setup, &auth, NULL), YSYNC_OK);
    access = ask(auth, bytes_of(token));
    ys_auth_free(auth);
    ys_auth_setup_free(setup);
    return access;
}

static void test_auth_setup_makes_what_is_configured(void **state)
{
    static const char *const tokens[] = { "a", "b" };
    struct temp_file file = temp_file_make("c\n");

    (void)state;
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ 0 }, ""), YS_ACCESS_WRITE);
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ .tokens = tokens, .token_count = 2 }, "b"),
                     YS_ACCESS_WRITE);
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ .tokens = tokens, .token_count = 2 }, "c"),
                     YS_ACCESS_NONE);
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ .token_file = file.path }, "c"), YS_ACCESS_WRITE);
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ .token_file = file.path }, "b"), YS_ACCESS_NONE);
    assert_int_equal(ask_of_setup(&(struct ysync_plugin_config){ .verify = let_read }, "b"), YS_ACCESS_READ);
    unlink(file.path);
}

static void test_auth_setup_reads_files_again(void **state)
{
    struct temp_file file = temp_file_make("old\n");
    const struct ysync_plugin_config config = { .token_file = file.path };
    struct ys_auth_setup *setup;
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_setup_new(ysync_alloc_default(), &config, &setting, &setup, NULL), YSYNC_OK);
    assert_true(ys_auth_setup_has_files(setup));
    temp_file_write(&file, "new\n", 4);
    assert_int_equal(ys_auth_setup_make(setup, &auth, NULL), YSYNC_OK);
    assert_int_equal(ask(auth, bytes_of("old")), YS_ACCESS_NONE);
    assert_int_equal(ask(auth, bytes_of("new")), YS_ACCESS_WRITE);
    ys_auth_free(auth);
    unlink(file.path);
    assert_int_equal(ys_auth_setup_make(setup, &auth, NULL), YSYNC_ERR_IO);
    ys_auth_setup_free(setup);
}

static void test_auth_setup_asks_an_endpoint(void **state)
{
    struct ys_auth_request request = { .room = bytes_of("blog") };
    struct asking asking = { 0 };
    struct ys_endpoint endpoint;
    struct ys_auth_setup *setup;
    struct ys_auth *auth;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    ys_endpoint_open(&endpoint, &loop);
    endpoint.answer = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"access\":\"read\"}";
    assert_int_equal(ys_auth_setup_new(ysync_alloc_default(),
                                       &(struct ysync_plugin_config){
                                           .verify_url = ys_endpoint_url(&endpoint),
                                           .verify_timeout_ms = 10000,
                                       },
                                       &(struct ys_auth_setting){ .loop = &loop }, &setup, NULL),
                     YSYNC_OK);
    assert_false(ys_auth_setup_has_files(setup));
    assert_int_equal(ys_auth_setup_make(setup, &auth, NULL), YSYNC_OK);
    ys_auth_check(auth, &request, note_verdict, &asking);
    while (asking.verdicts == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(asking.verdict.access, YS_ACCESS_READ);

    ys_auth_free(auth);
    ys_auth_setup_free(setup);
    ys_endpoint_close(&endpoint);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_auth_setup_refuses_two_ways(void **state)
{
    static const char *const tokens[] = { "a", "" };
    static const struct {
        struct ysync_plugin_config config;
        const char *want;
    } cases[] = {
        { { .tokens = tokens, .token_count = 1, .token_file = "f" },
          "two ways to authorize at once, tokens and token_file: give one" },
        { { .tokens = tokens, .token_count = 1, .verify = let_read },
          "two ways to authorize at once, tokens and verify: give one" },
        { { .token_file = "f", .verify_url = "http://127.0.0.1/" },
          "two ways to authorize at once, token_file and verify_url: give one" },
        { { .verify_url = "http://127.0.0.1/", .verify = let_read },
          "two ways to authorize at once, verify_url and verify: give one" },
        { { .token_file = "f", .verify = let_read }, "two ways to authorize at once, token_file and verify: give one" },
        { { .tokens = tokens, .token_count = 2 }, "a token must not be empty" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_problem problem = { "" };
        struct ys_auth_setup *setup = NULL;

        assert_int_equal(ys_auth_setup_new(ysync_alloc_default(), &cases[i].config, &setting, &setup, &problem),
                         YSYNC_ERR_INVALID_ARG);
        assert_string_equal(problem.text, cases[i].want);
        assert_null(setup);
    }
}

static void test_auth_setup_survives_failed_allocations(void **state)
{
    static const char *const tokens[] = { "a", "b" };
    const struct ysync_plugin_config config = { .tokens = tokens, .token_count = 2 };

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_auth_setup *setup = NULL;
        struct ys_auth *auth = NULL;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_setup_new(&memory.alloc, &config, &setting, &setup, NULL);
        if (!err)
            err = ys_auth_setup_make(setup, &auth, NULL);
        ys_auth_free(auth);
        ys_auth_setup_free(setup);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_setup_makes_what_is_configured),
        cmocka_unit_test(test_auth_setup_reads_files_again),
        cmocka_unit_test(test_auth_setup_asks_an_endpoint),
        cmocka_unit_test(test_auth_setup_refuses_two_ways),
        cmocka_unit_test(test_auth_setup_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
