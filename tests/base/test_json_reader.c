/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "support/failing_alloc.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

/* The value of the text, whatever its kind. */
static struct ys_json_value value_of(const char *text)
{
    static struct ys_json_walk walk;
    static char array[512];
    struct ys_json_value value = { .kind = YS_JSON_NONE };

    snprintf(array, sizeof(array), "[%s]", text);
    walk = ys_json_elements((struct ys_json_value){ YS_JSON_ARRAY, bytes_of(array) });
    assert_true(ys_json_next(&walk, &value));
    return value;
}

static void test_json_reader_finds_fields(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        enum ys_json_kind kind; /* of the field "a" */
        const char *want;
    } cases[] = {
        { "an empty object has none", "{}", YS_JSON_NONE, "" },
        { "a string", "{\"a\":\"x\"}", YS_JSON_STRING, "\"x\"" },
        { "a number", "{\"a\":-1.5e+3}", YS_JSON_NUMBER, "-1.5e+3" },
        { "true", "{\"a\":true}", YS_JSON_BOOL, "true" },
        { "false", "{\"a\":false}", YS_JSON_BOOL, "false" },
        { "null", "{\"a\":null}", YS_JSON_NULL, "null" },
        { "an array", "{\"a\":[1,[2]]}", YS_JSON_ARRAY, "[1,[2]]" },
        { "an object", "{\"a\":{\"a\":{}}}", YS_JSON_OBJECT, "{\"a\":{}}" },
        { "white space is not part of it", " { \"a\" : \n1\t , \"b\":2 } ", YS_JSON_NUMBER, "1" },
        { "behind others", "{\"b\":[\"]\",\"}\"],\"c\":{\"d\":\"\\\"\"},\"a\":1}", YS_JSON_NUMBER, "1" },
        { "not inside others", "{\"b\":{\"a\":1},\"c\":[{\"a\":1}]}", YS_JSON_NONE, "" },
        { "not as a value", "{\"b\":\"a\"}", YS_JSON_NONE, "" },
        { "an escaped name", "{\"\\u0061\":1}", YS_JSON_NUMBER, "1" },
        { "a longer name is another", "{\"aa\":1,\"a\\u0000\":2,\"A\":3,\"\":4}", YS_JSON_NONE, "" },
        { "others may be there twice", "{\"c\":1,\"c\":1,\"a\":2}", YS_JSON_NUMBER, "2" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_json_field fields[] = { { .name = "zz" }, { .name = "a" } };
        enum ysync_err err = ys_json_read_object(bytes_of(cases[i].text), fields, ARRAY_LEN(fields));
        struct ys_json_value got = fields[1].value;

        if (err || got.kind != cases[i].kind || got.text.len != strlen(cases[i].want) ||
            (got.text.len > 0 && memcmp(got.text.data, cases[i].want, got.text.len) != 0))
            fail_msg("%s: got %s, kind %d, %.*s, want kind %d, %s", cases[i].name, ysync_strerror(err), got.kind,
                     (int)got.text.len, got.text.data, cases[i].kind, cases[i].want);
        assert_int_equal(fields[0].value.kind, YS_JSON_NONE);
    }
}

static void test_json_reader_refuses_all_but_objects(void **state)
{
    static const struct {
        const char *name;
        const char *text;
    } cases[] = {
        { "nothing", "" },
        { "null", "null" },
        { "an array", "[{\"a\":1}]" },
        { "a string", "\"{}\"" },
        { "a number", "1" },
        { "no end", "{\"a\":1" },
        { "more behind it", "{\"a\":1}{}" },
        { "a comma at the end", "{\"a\":1,}" },
        { "no colon", "{\"a\" 1}" },
        { "a name without marks", "{a:1}" },
        { "invalid UTF-8 in a value", "{\"a\":\"\xff\"}" },
        { "invalid UTF-8 in another name", "{\"\xc0\xaf\":1}" },
        { "a control character", "{\"b\":\"\x01\"}" },
        { "the field twice", "{\"a\":1,\"b\":2,\"a\":1}" },
        { "the field twice, once null", "{\"a\":null,\"a\":1}" },
        { "the field twice, once with an escape", "{\"a\":1,\"\\u0061\":1}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_json_field fields[] = { { .name = "a" } };
        enum ysync_err err = ys_json_read_object(bytes_of(cases[i].text), fields, ARRAY_LEN(fields));

        if (err != YSYNC_ERR_MALFORMED)
            fail_msg("%s: got %s, want malformed", cases[i].name, ysync_strerror(err));
    }
}

static void test_json_reader_walks_arrays(void **state)
{
    static const struct {
        const char *array;
        const char *want; /* the elements, as written, each with a bar behind it */
    } cases[] = {
        { "[]", "" },
        { "[ ]", "" },
        { "[1]", "1|" },
        { "[ 1 , \"a,b\" ,[2,3], {\"a\":\"]\"} ,null]", "1|\"a,b\"|[2,3]|{\"a\":\"]\"}|null|" },
        { "[[[]],\"\\\\\",\"\\\"]\"]", "[[]]|\"\\\\\"|\"\\\"]\"|" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_json_walk walk = ys_json_elements(value_of(cases[i].array));
        struct ys_json_value element;
        char got[100] = "";

        while (ys_json_next(&walk, &element)) {
            strncat(got, (const char *)element.text.data, element.text.len);
            strcat(got, "|");
        }
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].array, got, cases[i].want);
    }
}

static void test_json_reader_decodes_strings(void **state)
{
    static const struct {
        const char *string;
        const char *want; /* NULL: refused */
        size_t len;
    } cases[] = {
        { "\"\"", "", 0 },
        { "\"abc\"", "abc", 3 },
        { "\"\xc3\xa9\xf0\x9f\x98\x80\"", "\xc3\xa9\xf0\x9f\x98\x80", 6 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6 },
        { "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11 },
        { "\"\\ud83d\\uDE00\"", "\xf0\x9f\x98\x80", 4 },
        { "\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
        { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\\\\u0041\"", "\\u0041", 6 },
        { "\"\\ud83d\"", NULL, 0 },
        { "\"\\ude00\"", NULL, 0 },
        { "\"\\ude00\\ud83d\"", NULL, 0 },
        { "\"\\ud83d\\ud83d\"", NULL, 0 },
        { "\"\\ud83dabcdef\"", NULL, 0 },
        { "\"\\ud83d\\n12345\"", NULL, 0 },
        { "\"\\ud83d\\u0041\"", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ysync_err want = cases[i].want ? YSYNC_OK : YSYNC_ERR_MALFORMED;
        enum ysync_err err;
        struct ys_buf out;

        ys_buf_init(&out, ysync_alloc_default(), 1 + cases[i].len + (cases[i].want ? 0 : 100));
        ys_buf_put_str(&out, "+");
        err = ys_json_decode_string(value_of(cases[i].string), &out);
        if (err != want || out.len != 1 + cases[i].len ||
            (cases[i].want && memcmp(out.data + 1, cases[i].want, cases[i].len) != 0))
            fail_msg("%s: got %s, %zu bytes, want %s, %zu bytes", cases[i].string, ysync_strerror(err), out.len - 1,
                     ysync_strerror(want), cases[i].len);
        ys_buf_deinit(&out);
    }
}

static void test_json_reader_bounds_what_it_decodes(void **state)
{
    struct ys_test_alloc memory;
    struct ys_buf out;

    (void)state;
    ys_buf_init(&out, ysync_alloc_default(), 3);
    assert_int_equal(ys_json_decode_string(value_of("\"abc\""), &out), YSYNC_OK);
    ys_buf_clear(&out);
    assert_int_equal(ys_json_decode_string(value_of("\"abcd\""), &out), YSYNC_ERR_LIMIT);
    ys_buf_deinit(&out);

    ys_test_alloc_init(&memory, 0);
    ys_buf_init(&out, &memory.alloc, 100);
    assert_int_equal(ys_json_decode_string(value_of("\"abc\""), &out), YSYNC_ERR_NOMEM);
    ys_buf_deinit(&out);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_json_reader_compares_strings(void **state)
{
    static const struct {
        const char *value;
        const char *text;
        bool want;
    } cases[] = {
        { "\"read\"", "read", true },
        { "\"re\\u0061d\"", "read", true },
        { "\"\"", "", true },
        { "\"\\u00e9\\/\"", "\xc3\xa9/", true },
        { "\"read\"", "rea", false },
        { "\"rea\"", "read", false },
        { "\"Read\"", "read", false },
        { "\"read\\u0000\"", "read", false },
        { "\"\\ud800\"", "\xed\xa0\x80", false },
        { "\"a\"", "", false },
        { "read", "read", false },
        { "null", "null", false },
        { "[\"read\"]", "read", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool got = ys_json_is_string(value_of(cases[i].value), cases[i].text);

        if (got != cases[i].want)
            fail_msg("%s is \"%s\": got %d, want %d", cases[i].value, cases[i].text, got, cases[i].want);
    }
}

static void test_json_reader_reads_numbers(void **state)
{
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        { "0", 0 },
        { "-0", 0 },
        { "7", 7 },
        { "-7", -7 },
        { "1767225600", 1767225600 },
        { "1767225600.5", 1767225600.5 },
        { "1767225600.125", 1767225600.125 },
        { "1.7672256e9", 1767225600 },
        { "1.7672256E+9", 1767225600 },
        { "17672256000000e-4", 1767225600 },
        { "0.1", 0.1 },
        { "-0.25e1", -2.5 },
        { "9007199254740993", 9007199254740992.0 },
        { "0.00000000000000000000000000000000000000017672256e49", 1767225600 },
        { "176722560000000000000000000000000000000000000000e-38", 1767225600 },
        { "1767225600.0000000000000000000000000000000000001", 1767225600 },
        { "1e308", 1e308 },
        { "1e309", INFINITY },
        { "-1e309", -INFINITY },
        { "1e99999999999999999999", INFINITY },
        { "1e-99999999999999999999", 0 },
        { "0e99999999999999999999", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double got = ys_json_number(value_of(cases[i].text));
        bool is_near = isinf(cases[i].want) ? got == cases[i].want
                                            : fabs(got - cases[i].want) <= 4e-16 * fabs(cases[i].want);

        if (!is_near)
            fail_msg("%s: got %.17g, want %.17g", cases[i].text, got, cases[i].want);
    }
}

static void test_json_reader_makes_up_for_digits_with_the_exponent(void **state)
{
    struct ys_json_value number = { .kind = YS_JSON_NUMBER };
    char text[5200] = "0.";

    (void)state;
    memset(text + 2, '0', 5000);
    strcpy(text + 5002, "125e5003");
    number.text = bytes_of(text);
    assert_true(ys_json_number(number) == 125);
    memmove(text, text + 2, strlen(text + 2) + 1);
    memset(text, '9', 5000);
    strcpy(text + 5000, "e-4999");
    number.text = bytes_of(text);
    assert_true(fabs(ys_json_number(number) - 10) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_reader_finds_fields),
        cmocka_unit_test(test_json_reader_refuses_all_but_objects),
        cmocka_unit_test(test_json_reader_walks_arrays),
        cmocka_unit_test(test_json_reader_decodes_strings),
        cmocka_unit_test(test_json_reader_bounds_what_it_decodes),
        cmocka_unit_test(test_json_reader_compares_strings),
        cmocka_unit_test(test_json_reader_reads_numbers),
        cmocka_unit_test(test_json_reader_makes_up_for_digits_with_the_exponent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
