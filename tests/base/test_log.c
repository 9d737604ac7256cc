/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

struct seen {
    int count;
    enum ysync_log_level level;
    char line[128];
};

static void note(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    struct seen *seen = user;

    seen->count++;
    seen->level = level;
    ysync_log_format_text(seen->line, sizeof(seen->line), level, event, fields);
}

static void test_log_hands_over_what_is_important_enough(void **state)
{
    struct seen seen = { 0 };
    struct ysync_log log = { note, &seen, YSYNC_LOG_INFO };

    (void)state;
    ys_log(&log, YSYNC_LOG_DEBUG, "quiet", YS_LOG_NUM("n", 1));
    assert_int_equal(seen.count, 0);
    ys_log(&log, YSYNC_LOG_INFO, "loud", YS_LOG_NUM("n", 1), YS_LOG_STR("s", "x y"));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.line, "info loud n=1 s=\"x y\"");
    ys_log(&log, YSYNC_LOG_ERROR, "louder", YS_LOG_STR("s", NULL));
    assert_int_equal(seen.level, YSYNC_LOG_ERROR);
    assert_string_equal(seen.line, "error louder s=\"\"");
}

static void test_log_nobody_need_listen(void **state)
{
    struct ysync_log deaf = { NULL, NULL, YSYNC_LOG_DEBUG };

    (void)state;
    ys_log(NULL, YSYNC_LOG_ERROR, "event", YS_LOG_NUM("n", 1));
    ys_log(&deaf, YSYNC_LOG_ERROR, "event", YS_LOG_NUM("n", 1));
    assert_null(ys_log_str(NULL).data);
}

static void test_log_formats_values(void **state)
{
    static const struct {
        const char *value;
        size_t len;
        const char *text;
        const char *json;
    } cases[] = {
        { "blog", 4, "warn e k=blog", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"blog\"}" },
        { "", 0, "warn e k=\"\"", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"\"}" },
        { "a b", 3, "warn e k=\"a b\"", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"a b\"}" },
        { "a=b", 3, "warn e k=\"a=b\"", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"a=b\"}" },
        { "\"\\", 2, "warn e k=\"\\\"\\\\\"", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"\\\"\\\\\"}" },
        { "a\nb", 3, "warn e k=\"a\\u000ab\"", "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"a\\u000ab\"}" },
        { "\0\x1b\x7f", 3, "warn e k=\"\\u0000\\u001b\\u007f\"",
          "{\"level\":\"warn\",\"event\":\"e\",\"k\":\"\\u0000\\u001b\\u007f\"}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ysync_log_field fields[] = {
            { .key = "k", .text = { (const uint8_t *)cases[i].value, cases[i].len } },
            { .key = NULL },
        };
        char line[128];

        ysync_log_format_text(line, sizeof(line), YSYNC_LOG_WARN, "e", fields);
        assert_string_equal(line, cases[i].text);
        ysync_log_format_json(line, sizeof(line), YSYNC_LOG_WARN, "e", fields);
        assert_string_equal(line, cases[i].json);
    }
}

static void test_log_formats_numbers(void **state)
{
    const struct ysync_log_field fields[] = { YS_LOG_NUM("n", UINT64_MAX), { .key = NULL } };
    char line[128];

    (void)state;
    ysync_log_format_text(line, sizeof(line), YSYNC_LOG_DEBUG, "e", fields);
    assert_string_equal(line, "debug e n=18446744073709551615");
    ysync_log_format_json(line, sizeof(line), YSYNC_LOG_DEBUG, "e", fields);
    assert_string_equal(line, "{\"level\":\"debug\",\"event\":\"e\",\"n\":18446744073709551615}");
}

static void test_log_cuts_lines_off(void **state)
{
    const struct ysync_log_field fields[] = { YS_LOG_STR("key", "value"), { .key = NULL } };
    static const char want[] = "info event key=value";

    (void)state;
    for (size_t size = 0; size < sizeof(want) + 3; size++) {
        char line[32];
        size_t kept = size == 0 ? 0 : size - 1 < sizeof(want) - 1 ? size - 1 : sizeof(want) - 1;

        memset(line, '#', sizeof(line));
        ysync_log_format_text(line, size, YSYNC_LOG_INFO, "event", fields);
        assert_memory_equal(line, want, kept);
        assert_int_equal(line[kept], size == 0 ? '#' : '\0');
        assert_int_equal(line[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_hands_over_what_is_important_enough),
        cmocka_unit_test(test_log_nobody_need_listen),
        cmocka_unit_test(test_log_formats_values),
        cmocka_unit_test(test_log_formats_numbers),
        cmocka_unit_test(test_log_cuts_lines_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
