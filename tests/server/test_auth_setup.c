/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/signing.h"
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

static void test_auth_setup_checks_signed_tokens(void **state)
{
    static const struct {
        const char *issuer;
        const char *audience;
        const char *claims;
        enum ys_access want;
    } cases[] = {
        { NULL, NULL, "{}", YS_ACCESS_WRITE },
        { "me", NULL, "{\"iss\":\"me\",\"access\":\"read\"}", YS_ACCESS_READ },
        { "me", NULL, "{\"iss\":\"you\"}", YS_ACCESS_NONE },
        { NULL, "ysync", "{\"aud\":[\"ysync\"]}", YS_ACCESS_WRITE },
        { NULL, "ysync", "{}", YS_ACCESS_NONE },
    };
    struct temp_file file = temp_file_make(SIGNING_SECRET "\n");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ysync_plugin_config config = {
            .jwt_key_file = file.path,
            .jwt_issuer = cases[i].issuer,
            .jwt_audience = cases[i].audience,
        };
        char *token = sign(bytes_of(SIGNING_HEADER), bytes_of(cases[i].claims));
        enum ys_access got = ask_of_setup(&config, token);

        if (got != cases[i].want)
            fail_msg("%s: got access %d, want %d", cases[i].claims, got, cases[i].want);
        free(token);
    }
    unlink(file.path);
}

static void test_auth_setup_names_the_file_of_a_bad_key(void **state)
{
    struct temp_file file = temp_file_make("short");
    const struct ysync_plugin_config config = { .jwt_key_file = file.path };
    struct ysync_problem problem = { "" };
    struct ys_auth_setup *setup;
    struct ys_auth *auth;
    char want[200];

    (void)state;
    assert_int_equal(ys_auth_setup_new(ysync_alloc_default(), &config, &setting, &setup, NULL), YSYNC_OK);
    assert_true(ys_auth_setup_has_files(setup));
    assert_int_equal(ys_auth_setup_make(setup, &auth, &problem), YSYNC_ERR_INVALID_ARG);
    snprintf(want, sizeof(want), "%s: the JWT key is a secret of fewer than 16 bytes", file.path);
    assert_string_equal(problem.text, want);
    unlink(file.path);
    assert_int_equal(ys_auth_setup_make(setup, &auth, &problem), YSYNC_ERR_IO);
    ys_auth_setup_free(setup);
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
        { { .token_file = "f", .jwt_key_file = "g" },
          "two ways to authorize at once, token_file and jwt_key_file: give one" },
        { { .jwt_key_file = "g", .verify = let_read },
          "two ways to authorize at once, jwt_key_file and verify: give one" },
        { { .jwt_issuer = "me" }, "jwt_issuer without jwt_key_file" },
        { { .token_file = "f", .jwt_audience = "ysync" }, "jwt_audience without jwt_key_file" },
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

static void check_failed_allocations(const struct ysync_plugin_config *config)
{
    for (size_t n = 0;; n++) {
        struct ys_auth_setup *setup = NULL;
        struct ys_auth *auth = NULL;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_setup_new(&memory.alloc, config, &setting, &setup, NULL);
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

static void test_auth_setup_survives_failed_allocations(void **state)
{
    static const char *const tokens[] = { "a", "b" };
    struct temp_file file = temp_file_make(SIGNING_SECRET);

    (void)state;
    check_failed_allocations(&(struct ysync_plugin_config){ .tokens = tokens, .token_count = 2 });
    check_failed_allocations(
        &(struct ysync_plugin_config){ .jwt_key_file = file.path, .jwt_issuer = "me", .jwt_audience = "ysync" });
    unlink(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_setup_makes_what_is_configured),
        cmocka_unit_test(test_auth_setup_checks_signed_tokens),
        cmocka_unit_test(test_auth_setup_names_the_file_of_a_bad_key),
        cmocka_unit_test(test_auth_setup_reads_files_again),
        cmocka_unit_test(test_auth_setup_asks_an_endpoint),
        cmocka_unit_test(test_auth_setup_refuses_two_ways),
        cmocka_unit_test(test_auth_setup_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
