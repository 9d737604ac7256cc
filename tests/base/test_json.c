/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void test_json_accepts_what_json_parse_accepts(void **state)
{
    static const char *const cases[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5",
        "1e5",
        "1E+5",
        "0.25e-3",
        "123456789012345678901234567890",
        "\"\"",
        "\"abc\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\uABCD\"",
        "\"\\ud800\"",
        "\"\xc3\xa9\"",
        "\"\x7f\"",
        "\"\xe2\x80\xa8\"",
        "[]",
        "[ ]",
        "[1,2]",
        " [ 1 , [ ] ] ",
        "{}",
        "{\"a\":1}",
        "{ \"a\" : { \"a\" : [ null ] } , \"a\" : 2 }",
        "\t\r\n 1 \t\r\n",
        "{\"\":\"\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!ys_json_is_valid(bytes_of(cases[i])))
            fail_msg("%s: got refused, want accepted", cases[i]);
    }
}

static void test_json_refuses_what_json_parse_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "nul",
        "nulls",
        "True",
        "undefined",
        "NaN",
        "Infinity",
        "+1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1.e5",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "\"",
        "\"abc",
        "'a'",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\\"",
        "\"\x01\"",
        "\"\n\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\xaf\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1]",
        "{,}",
        "\xef\xbb\xbf"
        "1",
        "\v1",
        "\f1",
        "\xc2\xa0"
        "1",
        "//\n1",
        "/**/1",
        "[]]",
        "{}}",
        "\\u0031",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (ys_json_is_valid(bytes_of(cases[i])))
            fail_msg("%s: got accepted, want refused", cases[i]);
    }
}

static void test_json_refuses_zero_bytes(void **state)
{
    (void)state;
    assert_false(ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)"1\0", 2 }));
    assert_false(ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)"\"\0\"", 3 }));
    assert_false(ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)"\"\\\0\"", 4 }));
    assert_false(ys_json_is_valid((struct ysync_bytes){ NULL, 0 }));
}

static void test_json_every_prefix_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1.5e+3,\"x\\u00e9\\n\",true,false,null,{}]}";

    (void)state;
    assert_true(ys_json_is_valid(bytes_of(text)));
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        if (ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)text, len }))
            fail_msg("%.*s: got accepted, want refused", (int)len, text);
    }
}

static void test_json_depth_is_limited(void **state)
{
    char text[2 * (YS_JSON_MAX_DEPTH + 1)];
    size_t deepest = sizeof(text) / 2;

    (void)state;
    memset(text, '[', deepest);
    memset(text + deepest, ']', deepest);
    assert_false(ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)text, sizeof(text) }));
    assert_true(ys_json_is_valid((struct ysync_bytes){ (const uint8_t *)text + 1, sizeof(text) - 2 }));
}

static void test_json_knows_null(void **state)
{
    (void)state;
    assert_true(ys_json_is_null(bytes_of("null")));
    assert_true(ys_json_is_null(bytes_of(" \n\tnull ")));
    assert_false(ys_json_is_null(bytes_of("\"null\"")));
    assert_false(ys_json_is_null(bytes_of("[null]")));
    assert_false(ys_json_is_null(bytes_of("0")));
}

static void test_json_puts_strings(void **state)
{
    static const char text[] = "a\"b\\c/\x01\x1f\n\xc3\xa9";
    static const char want[] = "\"a\\\"b\\\\c/\\u0001\\u001f\\u000a\xc3\xa9\"";
    struct ys_buf out;

    (void)state;
    ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
    ys_json_put_string(&out, bytes_of(text));
    ys_buf_put_u8(&out, 0);
    assert_int_equal(ys_buf_err(&out), YSYNC_OK);
    assert_string_equal((const char *)out.data, want);
    assert_true(ys_json_is_valid(bytes_of((const char *)out.data)));
    ys_buf_clear(&out);
    ys_json_put_string(&out, bytes_of(""));
    assert_int_equal(out.len, 2);
    ys_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_accepts_what_json_parse_accepts),
        cmocka_unit_test(test_json_refuses_what_json_parse_refuses),
        cmocka_unit_test(test_json_refuses_zero_bytes),
        cmocka_unit_test(test_json_every_prefix_is_refused),
        cmocka_unit_test(test_json_depth_is_limited),
        cmocka_unit_test(test_json_knows_null),
        cmocka_unit_test(test_json_puts_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
