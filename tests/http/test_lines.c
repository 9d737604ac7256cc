/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "http/lines.h"

struct outcome {
    const char *why;
    size_t taken; /* with the byte that was wrong */
    size_t field_count;
    int is_end;
};

static struct outcome take_all(struct ys_http_lines *lines, const char *input)
{
    struct outcome got = { NULL, 0, 0, 0 };

    while (input[got.taken] && !got.why && lines->state != YS_HTTP_LINES_END)
        got.why = ys_http_lines_take(lines, (uint8_t)input[got.taken++]);
    got.field_count = lines->field_count;
    got.is_end = !got.why && lines->state == YS_HTTP_LINES_END;
    return got;
}

/* The fault is noticed at the very byte, not at the end of the head: "GET / HTTP/1.1\r\nHost " is refused already. */
static void test_lines_stop_at_the_first_wrong_byte(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        size_t taken;
        const char *why;
    } cases[] = {
        { "LF in front", "\nGET", 1, "invalid character in the request line" },
        { "LF in the request line", "GET /\nX", 6, "invalid character in the request line" },
        { "CR in the request line", "GET /\rX", 7, "CR without LF" },
        { "two empty lines", "\r\n\r\n", 3, "empty request line" },
        { "a fold", "G\r\n X", 4, "folded field value" },
        { "a fold behind a field", "G\r\nA: b\r\n\tX", 10, "folded field value" },
        { "a space before the colon", "G\r\nAb : c", 6, "invalid character in a field name" },
        { "CR in a value", "G\r\nA: b\rc", 9, "CR without LF" },
        { "LF in a value", "G\r\nA: b\nc", 8, "invalid character in a field value" },
        { "LF in a name", "G\r\nA\nb", 5, "invalid character in a field name" },
        { "CR in a name", "G\r\nA\r\nb", 5, "invalid character in a field name" },
        { "CR alone at the end", "G\r\nA: b\r\n\rX", 11, "CR without LF" },
        { "a high byte in the request line", "G /\xff", 4, "invalid character in the request line" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_http_lines lines;
        struct outcome got;

        ys_http_lines_init_head(&lines);
        got = take_all(&lines, cases[i].input);
        if (!got.why || strcmp(got.why, cases[i].why) != 0 || got.taken != cases[i].taken)
            fail_msg("%s: got \"%s\" at %zu, want \"%s\" at %zu", cases[i].name, got.why ? got.why : "nothing",
                     got.taken, cases[i].why, cases[i].taken);
    }
}

static void test_lines_end_at_the_empty_line(void **state)
{
    struct ys_http_lines lines;
    struct outcome got;

    (void)state;
    ys_http_lines_init_head(&lines);
    got = take_all(&lines, "GET / HTTP/1.1\r\nA:\r\nB: \tc\r\n\r\nmore");
    assert_true(got.is_end);
    assert_int_equal(got.field_count, 2);
    assert_int_equal(got.taken, strlen("GET / HTTP/1.1\r\nA:\r\nB: \tc\r\n\r\n"));
    ys_http_lines_init_trailer(&lines);
    got = take_all(&lines, "\r\nmore");
    assert_true(got.is_end);
    assert_int_equal(got.field_count, 0);
    assert_int_equal(got.taken, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_stop_at_the_first_wrong_byte),
        cmocka_unit_test(test_lines_end_at_the_empty_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
