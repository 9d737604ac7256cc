/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "support/failing_alloc.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void test_base64url_decodes(void **state)
{
    static const struct {
        const char *text;
        const char *want;
        size_t len;
    } cases[] = {
        { "", "", 0 },        { "AA", "\0", 1 },           { "Zg", "f", 1 },
        { "Zg==", "f", 1 },   { "Zm8", "fo", 2 },          { "Zm8=", "fo", 2 },
        { "Zm9v", "foo", 3 }, { "Zm9vYmFy", "foobar", 6 }, { "-_-_", "\xfb\xff\xbf", 3 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf out;
        enum ysync_err err;

        ys_buf_init(&out, ysync_alloc_default(), 1 + cases[i].len); /* no more than is needed */
        ys_buf_put_str(&out, "+");
        err = ys_base64url_decode(bytes_of(cases[i].text), &out);
        if (err || out.len != 1 + cases[i].len || memcmp(out.data + 1, cases[i].want, cases[i].len) != 0)
            fail_msg("%s: got %s and %zu bytes, want %zu", cases[i].text, ysync_strerror(err), out.len - 1,
                     cases[i].len);
        ys_buf_deinit(&out);
    }
}

static void test_base64url_refuses_what_nobody_would_encode(void **state)
{
    static const struct {
        const char *name;
        const char *text;
    } cases[] = {
        { "one character", "A" },
        { "five characters", "AAAAA" },
        { "the other alphabet", "+/+/" },
        { "a blank", "Zm 9v" },
        { "a line end", "Zm9v\n" },
        { "bits left over in two characters", "Zh" },
        { "bits left over in three characters", "Zm9" },
        { "padding that is too short", "Zg=" },
        { "padding that is too long", "Zg===" },
        { "padding of a whole group", "Zm9v====" },
        { "padding where none is due", "Zm9v=" },
        { "padding alone", "==" },
        { "padding inside", "Zg==Zg==" },
        { "a byte beyond ASCII", "Zm9\xc3" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf out;
        enum ysync_err err;

        ys_buf_init(&out, ysync_alloc_default(), 100);
        err = ys_base64url_decode(bytes_of(cases[i].text), &out);
        if (err != YSYNC_ERR_MALFORMED || out.len != 0)
            fail_msg("%s: got %s and %zu bytes", cases[i].name, ysync_strerror(err), out.len);
        ys_buf_deinit(&out);
    }
}

static void test_base64url_says_when_there_is_no_room(void **state)
{
    struct ys_test_alloc memory;
    struct ys_buf out;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    ys_buf_init(&out, &memory.alloc, 100);
    assert_int_equal(ys_base64url_decode(bytes_of("Zm9v"), &out), YSYNC_ERR_NOMEM);
    ys_buf_deinit(&out);
    ys_buf_init(&out, ysync_alloc_default(), 4);
    assert_int_equal(ys_base64url_decode(bytes_of("Zm9vYmFy"), &out), YSYNC_ERR_LIMIT);
    ys_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64url_decodes),
        cmocka_unit_test(test_base64url_refuses_what_nobody_would_encode),
        cmocka_unit_test(test_base64url_says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
