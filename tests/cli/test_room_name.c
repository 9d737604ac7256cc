/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cli/room_name.h"

static const struct {
    const char *name;
    const char *text;
    const char *printed;
    bool is_good;
} cases[] = {
    { "a word", "blog", "blog", true },
    { "slashes and spaces", "team/my notes", "team/my notes", true },
    { "other alphabets", "\xce\xb1\xe2\x82\xac\xf0\x9f\x98\x80", "\xce\xb1\xe2\x82\xac\xf0\x9f\x98\x80", true },
    { "a backslash in good company", "a\\b", "a\\b", true },
    { "the first character behind C1", "\xc2\xa0", "\xc2\xa0", true },
    { "a line feed", "a\nb", "a\\x0ab", false },
    { "a tab and a backslash", "a\t\\", "a\\x09\\\\", false },
    { "DEL", "\x7f", "\\x7f", false },
    { "C1", "a\xc2\x9f", "a\\xc2\\x9f", false },
    { "not UTF-8", "a\xff", "a\\xff", false },
    { "cut off", "a\xe2\x82", "a\\xe2\\x82", false },
    { "nothing", "", "", false },
};

static void test_room_name_prints_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[64] = "";
        FILE *to = fmemopen(got, sizeof(got), "w");

        assert_non_null(to);
        ys_room_name_print(ys_room_name_of(cases[i].text), to);
        fclose(to);
        if (strcmp(got, cases[i].printed) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].printed);
    }
}

static void test_room_name_is_good_as_servers_take_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (ys_room_name_is_good(ys_room_name_of(cases[i].text)) != cases[i].is_good)
            fail_msg("%s: want %s", cases[i].name, cases[i].is_good ? "good" : "bad");
    }
}

static void test_room_name_has_at_most_512_bytes(void **state)
{
    char name[514];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[512] = '\0';
    assert_true(ys_room_name_is_good(ys_room_name_of(name)));
    name[512] = 'x';
    name[513] = '\0';
    assert_false(ys_room_name_is_good(ys_room_name_of(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_name_prints_one_line),
        cmocka_unit_test(test_room_name_is_good_as_servers_take_it),
        cmocka_unit_test(test_room_name_has_at_most_512_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
