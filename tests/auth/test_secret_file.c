/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/secret_file.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"
#include "support/temp_file.h"

static void test_secret_file_reads_all_but_the_last_newline(void **state)
{
    static const struct {
        const char *file;
        const char *want;
    } cases[] = {
        { "", "" },
        { "\n", "" },
        { "s3cret", "s3cret" },
        { "s3cret\n", "s3cret" },
        { "s3cret\r\n", "s3cret" },
        { "s3cret\n\n", "s3cret\n" },
        { " s\n3 \n", " s\n3 " },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct temp_file file = temp_file_make(cases[i].file);
        struct ys_buf got;

        ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
        assert_int_equal(ys_secret_file_read(file.path, &got, NULL), YSYNC_OK);
        if (got.len != strlen(cases[i].want) || memcmp(got.data, cases[i].want, got.len) != 0)
            fail_msg("row %zu: got \"%.*s\", want \"%s\"", i, (int)got.len, (char *)got.data, cases[i].want);
        ys_secret_wipe(&got);
        unlink(file.path);
    }
}

static void test_secret_file_reads_much_and_no_more(void **state)
{
    const size_t max = YS_SECRET_FILE_MAX_BYTES;
    struct temp_file file = temp_file_make("");
    struct ysync_problem problem = { "" };
    char *text = malloc(max + 1);
    struct ys_buf got;
    char want[128];

    (void)state;
    memset(text, 'x', max + 1);
    temp_file_write(&file, text, max);
    ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
    assert_int_equal(ys_secret_file_read(file.path, &got, &problem), YSYNC_OK);
    assert_int_equal(got.len, max);
    ys_secret_wipe(&got);

    temp_file_write(&file, text, max + 1);
    assert_int_equal(ys_secret_file_read(file.path, &got, &problem), YSYNC_ERR_LIMIT);
    snprintf(want, sizeof(want), "%s has more than 1 MiB", file.path);
    assert_string_equal(problem.text, want);
    ys_secret_wipe(&got);
    unlink(file.path);
    free(text);
}

static void test_secret_file_says_why_it_cannot_be_read(void **state)
{
    struct ysync_problem problem = { "" };
    struct ys_auth *auth = NULL;

    (void)state;
    assert_int_equal(ys_auth_new_token_file(ysync_alloc_default(), "/nowhere/tokens", &auth, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, "cannot read /nowhere/tokens: No such file or directory");
    assert_int_equal(ys_auth_new_token_file(ysync_alloc_default(), "/tmp", &auth, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, "cannot read /tmp: Is a directory");
    assert_null(auth);
}

static void test_secret_file_holds_a_token_a_line(void **state)
{
    static const struct {
        const char *token;
        enum ys_access want;
    } cases[] = {
        { "first", YS_ACCESS_WRITE }, { "the second", YS_ACCESS_WRITE },       { "third", YS_ACCESS_WRITE },
        { "", YS_ACCESS_NONE },       { "first\nthe second", YS_ACCESS_NONE }, { "fourth", YS_ACCESS_NONE },
    };
    struct temp_file file = temp_file_make("first\n\nthe second \t\r\n  \nthird");
    struct ys_auth *auth;

    (void)state;
    assert_int_equal(ys_auth_new_token_file(ysync_alloc_default(), file.path, &auth, NULL), YSYNC_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got = ask(auth, bytes_of(cases[i].token));

        if (got != cases[i].want)
            fail_msg("\"%s\": got access %d, want %d", cases[i].token, got, cases[i].want);
    }
    ys_auth_free(auth);
    unlink(file.path);
}

static void test_secret_file_without_a_token_opens_no_door(void **state)
{
    struct temp_file file = temp_file_make("\n \n\n");
    struct ysync_problem problem = { "" };
    struct ys_auth *auth = NULL;
    char want[128];

    (void)state;
    assert_int_equal(ys_auth_new_token_file(ysync_alloc_default(), file.path, &auth, &problem), YSYNC_ERR_INVALID_ARG);
    snprintf(want, sizeof(want), "there is no token in %s", file.path);
    assert_string_equal(problem.text, want);
    assert_null(auth);
    unlink(file.path);
}

static void test_secret_file_survives_failed_allocations(void **state)
{
    struct temp_file file = temp_file_make("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_auth *auth = NULL;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_new_token_file(&memory.alloc, file.path, &auth, NULL);
        ys_auth_free(auth);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
        assert_null(auth);
    }
    unlink(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_file_reads_all_but_the_last_newline),
        cmocka_unit_test(test_secret_file_reads_much_and_no_more),
        cmocka_unit_test(test_secret_file_says_why_it_cannot_be_read),
        cmocka_unit_test(test_secret_file_holds_a_token_a_line),
        cmocka_unit_test(test_secret_file_without_a_token_opens_no_door),
        cmocka_unit_test(test_secret_file_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
