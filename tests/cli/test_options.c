/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/options.h"

struct values {
    uint64_t loud;
    uint64_t number;
    uint64_t duration_ms;
    uint64_t size_bytes;
    uint64_t choice;
    struct ys_option_list list;
    struct ys_option_list more;
    char *text;
};

static bool is_path(const char *item)
{
    return item[0] == '/';
}

/* clang-format off */
static const struct ys_option table[] = {
    { .name = "number", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "7", .min = 1, .max = 10,
      .offset = offsetof(struct values, number), .help = "a number" },
    { .name = "keep-for", .kind = YS_OPTION_DURATION, .value_name = "D", .default_text = "60s", .min = 10, .max = 3600000,
      .offset = offsetof(struct values, duration_ms), .help = "a duration" },
    { .name = "size", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "1m", .min = 0, .max = 1 << 30,
      .offset = offsetof(struct values, size_bytes), .help = "a size" },
    { .name = "choice", .kind = YS_OPTION_CHOICE, .value_name = "red|green|blue", .default_text = "green",
      .offset = offsetof(struct values, choice), .help = "a choice" },
    { .name = "list", .kind = YS_OPTION_LIST, .value_name = "PATH", .default_text = "/a,/b",
      .accepts = is_path, .expects = "a path", .offset = offsetof(struct values, list), .help = "a list" },
    { .name = "loud", .kind = YS_OPTION_SWITCH, .value_name = "off|on", .default_text = "off",
      .offset = offsetof(struct values, loud), .help = "a switch" },
    { .name = "more", .kind = YS_OPTION_LIST, .value_name = "WORD",
      .offset = offsetof(struct values, more), .help = "another list" },
    { .name = "text", .kind = YS_OPTION_TEXT, .value_name = "FILE",
      .offset = offsetof(struct values, text), .help = "a text" },
    { .name = NULL },
};
/* clang-format on */

#define MAX_WORDS 6

/* The environment of the row that is being tested: one variable. */
static const char *env_name;
static char *env_value;

static char *fake_getenv(const char *name)
{
    return env_name && strcmp(name, env_name) == 0 ? env_value : NULL;
}

struct reading {
    struct values values;
    struct ys_complaint complaint;
    bool wants_help;
    enum ysync_err err;
};

/* Words end with the first NULL. */
static void read_words(struct reading *reading, const char *const *words)
{
    char *argv[MAX_WORDS + 1] = { NULL };
    int argc = 0;

    while (argc < MAX_WORDS && words[argc]) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    memset(reading, 0, sizeof(*reading));
    reading->err = ys_options_read(table, &reading->values, argc, argv, fake_getenv, &reading->wants_help,
                                   &reading->complaint);
}

static void finish(struct reading *reading)
{
    ys_options_deinit(table, &reading->values);
    env_name = NULL;
}

static void set_env(const char *name, const char *value)
{
    env_name = name;
    env_value = (char *)(uintptr_t)value;
}

static void join_list(const struct ys_option_list *list, char *to, size_t size)
{
    to[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            strncat(to, ",", size - strlen(to) - 1);
        strncat(to, list->items[i], size - strlen(to) - 1);
    }
}

static void test_options_fill_in_defaults(void **state)
{
    static const char *const nothing[] = { NULL };
    struct reading reading;
    char list[64];

    (void)state;
    read_words(&reading, nothing);
    assert_int_equal(reading.err, YSYNC_OK);
    assert_int_equal(reading.values.number, 7);
    assert_int_equal(reading.values.duration_ms, 60000);
    assert_int_equal(reading.values.size_bytes, 1 << 20);
    assert_int_equal(reading.values.choice, 1);
    join_list(&reading.values.list, list, sizeof(list));
    assert_string_equal(list, "/a,/b");
    assert_int_equal(reading.values.more.count, 0);
    finish(&reading);
}

static void test_options_read_switches(void **state)
{
    static const struct {
        const char *words[3];
        const char *env;
        uint64_t want;
    } cases[] = {
        { { NULL }, NULL, 0 },         { { "--loud" }, NULL, 1 }, { { "--loud=on" }, NULL, 1 },
        { { "--loud=off" }, "on", 0 }, { { NULL }, "on", 1 },     { { "--loud", "--number=2" }, "off", 1 },
    };
    struct reading reading;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].env)
            set_env("YSYNC_LOUD", cases[i].env);
        read_words(&reading, cases[i].words);
        if (reading.err || reading.values.loud != cases[i].want)
            fail_msg("row %zu: got %d, %d (%s), want %d", i, reading.err, (int)reading.values.loud,
                     reading.complaint.text, (int)cases[i].want);
        finish(&reading);
    }
}

static void test_options_read_texts(void **state)
{
    static const struct {
        const char *words[5];
        const char *env;
        const char *want; /* NULL: none */
    } cases[] = {
        { { NULL }, NULL, NULL },
        { { "--text", "a,b" }, NULL, "a,b" },
        { { "--text=a=b" }, NULL, "a=b" },
        { { NULL }, "a,b", "a,b" },
        { { "--text", "c", "--text", "d" }, "a,b", "d" },
    };
    struct reading reading;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *want = cases[i].want;
        const char *got;

        if (cases[i].env)
            set_env("YSYNC_TEXT", cases[i].env);
        read_words(&reading, cases[i].words);
        got = reading.values.text;
        if (reading.err || !got != !want || (want && strcmp(got, want) != 0))
            fail_msg("row %zu: got %s (%s), want %s", i, got ? got : "none", reading.complaint.text,
                     want ? want : "none");
        finish(&reading);
    }
}

static void test_options_read_amounts(void **state)
{
    static const struct {
        const char *words[3];
        uint64_t want_number, want_ms, want_bytes;
    } cases[] = {
        { { "--number", "10" }, 10, 60000, 1 << 20 },
        { { "--number=1" }, 1, 60000, 1 << 20 },
        { { "--keep-for", "250ms" }, 7, 250, 1 << 20 },
        { { "--keep-for", "2s" }, 7, 2000, 1 << 20 },
        { { "--keep-for=5m" }, 7, 300000, 1 << 20 },
        { { "--keep-for", "1h" }, 7, 3600000, 1 << 20 },
        { { "--size", "0" }, 7, 60000, 0 },
        { { "--size", "512" }, 7, 60000, 512 },
        { { "--size", "64k" }, 7, 60000, 64 << 10 },
        { { "--size", "16m" }, 7, 60000, 16 << 20 },
        { { "--size", "1g" }, 7, 60000, UINT64_C(1) << 30 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;

        read_words(&reading, cases[i].words);
        if (reading.err || reading.values.number != cases[i].want_number ||
            reading.values.duration_ms != cases[i].want_ms || reading.values.size_bytes != cases[i].want_bytes)
            fail_msg("%s %s: got %s, %d, %d ms, %d bytes", cases[i].words[0],
                     cases[i].words[1] ? cases[i].words[1] : "", ysync_strerror(reading.err),
                     (int)reading.values.number, (int)reading.values.duration_ms, (int)reading.values.size_bytes);
        finish(&reading);
    }
}

static void test_options_later_words_win(void **state)
{
    static const char *const words[] = { "--number", "2", "--number", "3", NULL };
    struct reading reading;

    (void)state;
    read_words(&reading, words);
    assert_int_equal(reading.err, YSYNC_OK);
    assert_int_equal(reading.values.number, 3);
    finish(&reading);
}

static void test_options_lists_from_each_source(void **state)
{
    static const struct {
        const char *name;
        const char *env;
        const char *words[MAX_WORDS + 1];
        const char *want;
    } cases[] = {
        { "the default", NULL, { NULL }, "/a,/b" },
        { "one item replaces the default", NULL, { "--list", "/c" }, "/c" },
        { "several add up", NULL, { "--list", "/c", "--list=/d", "--list", "/e" }, "/c,/d,/e" },
        { "a comma in an argument is one", NULL, { "--list", "/c,d" }, "/c,d" },
        { "the environment replaces the default", "/x", { NULL }, "/x" },
        { "the environment is split at commas", "/x,/y", { NULL }, "/x,/y" },
        { "the command line wins", "/x,/y", { "--list", "/c", "--list", "/d" }, "/c,/d" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;
        char got[64];

        if (cases[i].env)
            set_env("YSYNC_LIST", cases[i].env);
        read_words(&reading, cases[i].words);
        join_list(&reading.values.list, got, sizeof(got));
        if (reading.err || strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s (%s), want %s", cases[i].name, got, reading.complaint.text, cases[i].want);
        finish(&reading);
    }
}

static void test_options_environment_gives_way_to_words(void **state)
{
    static const char *const nothing[] = { NULL };
    static const char *const words[] = { "--keep-for", "2s", NULL };
    struct reading reading;

    (void)state;
    set_env("YSYNC_KEEP_FOR", "3s");
    read_words(&reading, nothing);
    assert_int_equal(reading.values.duration_ms, 3000);
    finish(&reading);

    set_env("YSYNC_KEEP_FOR", "3s");
    read_words(&reading, words);
    assert_int_equal(reading.values.duration_ms, 2000);
    finish(&reading);
}

static void test_options_complain_in_one_line(void **state)
{
    static const struct {
        const char *words[MAX_WORDS + 1];
        const char *want;
    } cases[] = {
        { { "--number", "11" }, "--number: \"11\" is not a number from 1 to 10" },
        { { "--number", "0" }, "--number: \"0\" is not a number from 1 to 10" },
        { { "--number", "-1" }, "--number: \"-1\" is not a number from 1 to 10" },
        { { "--number", " 5" }, "--number: \" 5\" is not a number from 1 to 10" },
        { { "--number", "5x" }, "--number: \"5x\" is not a number from 1 to 10" },
        { { "--number=" }, "--number: \"\" is not a number from 1 to 10" },
        { { "--number", "99999999999999999999" }, "--number: \"99999999999999999999\" is not a number from 1 to 10" },
        { { "--text=" }, "--text: \"\" is not a value: it is empty" },
        { { "--more", "" }, "--more: \"\" is not a value: it is empty" },
        { { "--keep-for", "60" },
          "--keep-for: \"60\" is not a duration with its unit, such as 250ms, 60s or 5m, from 10ms to 1h" },
        { { "--keep-for", "9ms" },
          "--keep-for: \"9ms\" is not a duration with its unit, such as 250ms, 60s or 5m, from 10ms to 1h" },
        { { "--keep-for", "99999999999999h" },
          "--keep-for: \"99999999999999h\" is not a duration with its unit, such as 250ms, 60s or 5m, from 10ms to "
          "1h" },
        { { "--size", "2g" }, "--size: \"2g\" is not a size, such as 512, 64k, 16m or 1g, from 0 to 1g" },
        { { "--choice", "yellow" }, "--choice: \"yellow\" is not one of red|green|blue" },
        { { "--choice", "re" }, "--choice: \"re\" is not one of red|green|blue" },
        { { "--choice", "red|green" }, "--choice: \"red|green\" is not one of red|green|blue" },
        { { "--list", "/c", "--list", "d" }, "--list: \"d\" is not a path" },
        { { "--number" }, "--number needs a value: N" },
        { { "--nunber", "5" }, "unknown option --nunber, did you mean --number?" },
        { { "--nunber=5" }, "unknown option --nunber, did you mean --number?" },
        { { "--keepfor", "5s" }, "unknown option --keepfor, did you mean --keep-for?" },
        { { "--frobnicate" }, "unknown option --frobnicate (--help lists them)" },
        { { "--" }, "unexpected argument \"--\" (--help lists the options)" },
        { { "-n", "5" }, "unexpected argument \"-n\" (--help lists the options)" },
        { { "word" }, "unexpected argument \"word\" (--help lists the options)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading reading;

        read_words(&reading, cases[i].words);
        if (reading.err != YSYNC_ERR_INVALID_ARG || strcmp(reading.complaint.text, cases[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].words[0], reading.complaint.text, cases[i].want);
        finish(&reading);
    }
}

static void test_options_complaint_names_the_variable(void **state)
{
    static const char *const nothing[] = { NULL };
    struct reading reading;

    (void)state;
    set_env("YSYNC_KEEP_FOR", "long");
    read_words(&reading, nothing);
    assert_int_equal(reading.err, YSYNC_ERR_INVALID_ARG);
    assert_non_null(strstr(reading.complaint.text, "--keep-for (from YSYNC_KEEP_FOR): \"long\" is not a duration"));
    finish(&reading);
}

static void test_options_help_goes_before_errors(void **state)
{
    static const char *const words[] = { "--number", "x", "--help", NULL };
    struct reading reading;

    (void)state;
    read_words(&reading, words);
    assert_int_equal(reading.err, YSYNC_OK);
    assert_true(reading.wants_help);
    finish(&reading);
}

static void test_options_nearest_name(void **state)
{
    static const char *const names[] = { "host", "port", "ping-every", "x" };
    static const struct {
        const char *name;
        const char *want;
    } cases[] = {
        { "prot", "port" },
        { "hots", "host" },
        { "pingevery", "ping-every" },
        { "ping-evry", "ping-every" },
        { "port", "port" },
        { "something", "none" },
        { "", "none" },
        { "y", "none" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = ys_nearest_name(cases[i].name, names, ARRAY_LEN(names));

        if (strcmp(got ? got : "none", cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got ? got : "none", cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_fill_in_defaults),
        cmocka_unit_test(test_options_read_switches),
        cmocka_unit_test(test_options_read_texts),
        cmocka_unit_test(test_options_read_texts),
        cmocka_unit_test(test_options_read_amounts),
        cmocka_unit_test(test_options_later_words_win),
        cmocka_unit_test(test_options_lists_from_each_source),
        cmocka_unit_test(test_options_environment_gives_way_to_words),
        cmocka_unit_test(test_options_complain_in_one_line),
        cmocka_unit_test(test_options_complaint_names_the_variable),
        cmocka_unit_test(test_options_help_goes_before_errors),
        cmocka_unit_test(test_options_nearest_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
