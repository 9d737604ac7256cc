/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "http/target.h"
#include "support/failing_alloc.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void test_target_decodes_escapes(void **state)
{
    static const struct {
        const char *encoded;
        const char *want; /* NULL: malformed */
    } cases[] = {
        { "", "" },       { "blog", "blog" },       { "a%20b", "a b" },    { "%2f%2F", "//" },
        { "a+b", "a+b" }, { "%C3%a9", "\xc3\xa9" }, { "100%25", "100%" },  { "%2525", "%25" },
        { "%", NULL },    { "a%2", NULL },          { "%2", NULL },        { "%zz", NULL },
        { "%2g", NULL },  { "%g2", NULL },          { "ok%20but%", NULL }, { "%%20", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf out;
        enum ysync_err err;
        const char *want = cases[i].want ? cases[i].want : "";

        ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put_str(&out, "/");
        err = ys_percent_decode(bytes_of(cases[i].encoded), &out);
        if (err != (cases[i].want ? YSYNC_OK : YSYNC_ERR_MALFORMED))
            fail_msg("%s: got error %d", cases[i].encoded, err);
        if (out.len - 1 != strlen(want) || memcmp(out.data + 1, want, out.len - 1) != 0)
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].encoded, (int)out.len - 1, (const char *)out.data + 1,
                     want);
        ys_buf_deinit(&out);
    }
}

static void test_target_decodes_zero_bytes(void **state)
{
    struct ys_buf out;

    (void)state;
    ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
    assert_int_equal(ys_percent_decode(bytes_of("a%00b"), &out), YSYNC_OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "a\0b", 3);
    ys_buf_deinit(&out);
}

static void test_target_decoding_is_bounded(void **state)
{
    struct ys_test_alloc memory;
    struct ys_buf out;

    (void)state;
    ys_buf_init(&out, ysync_alloc_default(), 4);
    assert_int_equal(ys_percent_decode(bytes_of("%61bcd"), &out), YSYNC_OK);
    assert_int_equal(ys_percent_decode(bytes_of("e"), &out), YSYNC_ERR_LIMIT);
    assert_int_equal(out.len, 4);
    ys_buf_deinit(&out);
    ys_test_alloc_init(&memory, 0);
    ys_buf_init(&out, &memory.alloc, SIZE_MAX);
    assert_int_equal(ys_percent_decode(bytes_of("abc"), &out), YSYNC_ERR_NOMEM);
    ys_buf_deinit(&out);
}

static void test_target_finds_parameters(void **state)
{
    static const struct {
        const char *query;
        const char *name;
        const char *want; /* NULL: there is none */
    } cases[] = {
        { "token=x", "token", "x" },     { "a=1&token=x&b=2", "token", "x" }, { "token=1&token=2", "token", "1" },
        { "token=a=b", "token", "a=b" }, { "token=", "token", "" },           { "token", "token", "" },
        { "a&token&b", "token", "" },    { "token=a%20b", "token", "a%20b" }, { "", "token", NULL },
        { "tokens=x", "token", NULL },   { "xtoken=x", "token", NULL },       { "tok", "token", NULL },
        { "Token=x", "token", NULL },    { "a=token=x", "token", NULL },      { "&&token=x&", "token", "x" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_bytes value = { NULL, 0 };
        bool found = ys_query_find(bytes_of(cases[i].query), cases[i].name, &value);

        if (found != (cases[i].want != NULL))
            fail_msg("%s: got %d, want %d", cases[i].query, found, cases[i].want != NULL);
        if (found && (value.len != strlen(cases[i].want) || memcmp(value.data, cases[i].want, value.len) != 0))
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].query, (int)value.len, (const char *)value.data,
                     cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_decodes_escapes),
        cmocka_unit_test(test_target_decodes_zero_bytes),
        cmocka_unit_test(test_target_decoding_is_bounded),
        cmocka_unit_test(test_target_finds_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
