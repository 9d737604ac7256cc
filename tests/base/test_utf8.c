/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

/* Each case stands alone, and behind and in front of enough letters to reach the steps of a word. */
static void test_utf8_measures_units(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        int units; /* -1: invalid */
    } cases[] = {
        { "nothing", "", 0 },
        { "a letter", "a", 1 },
        { "two bytes, first and last", "\xc2\x80\xdf\xbf", 2 },
        { "three bytes, first and last", "\xe0\xa0\x80\xef\xbf\xbf", 2 },
        { "around the surrogates", "\xed\x9f\xbf\xee\x80\x80", 2 },
        { "four bytes are a pair, first and last", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 4 },
        { "a byte order mark is a character", "\xef\xbb\xbf", 1 },
        { "mixed", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 6 },
        { "a continuation alone", "\x80", -1 },
        { "two bytes, cut", "\xc3", -1 },
        { "three bytes, cut", "\xe2\x82", -1 },
        { "four bytes, cut", "\xf0\x9f\x98", -1 },
        { "a letter instead of a continuation", "\xe2\x82x", -1 },
        { "a lead instead of a continuation", "\xc3\xc3\xa9", -1 },
        { "overlong, two bytes", "\xc1\xbf", -1 },
        { "overlong, three bytes", "\xe0\x9f\xbf", -1 },
        { "overlong, four bytes", "\xf0\x8f\xbf\xbf", -1 },
        { "the first surrogate", "\xed\xa0\x80", -1 },
        { "the last surrogate", "\xed\xbf\xbf", -1 },
        { "past U+10FFFF", "\xf4\x90\x80\x80", -1 },
        { "a lead of five bytes", "\xf8\x88\x80\x80\x80", -1 },
        { "0xff", "\xff", -1 },
    };
    static const char letters[] = "abcdefghijklmnop";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t around = 0; around < sizeof(letters); around++) {
            char text[64];
            uint64_t units = 0;
            bool ok;

            snprintf(text, sizeof(text), "%.*s%s%.*s", (int)around, letters, cases[i].text, (int)around, letters);
            ok = ys_utf8_measure(bytes_of(text), &units);
            if (ok != (cases[i].units >= 0) || (ok && units != (uint64_t)cases[i].units + 2 * around))
                fail_msg("%s, %zu letters around: got %d, %llu units, want %d", cases[i].name, around, ok,
                         (unsigned long long)units, cases[i].units);
            assert_int_equal(ys_utf8_is_valid(bytes_of(text)), ok);
            if (ok)
                assert_int_equal(ys_utf8_units(bytes_of(text)), units);
        }
    }
}

static void test_utf8_counts_long_text(void **state)
{
    enum { TIMES = 3000 }; /* more words than a byte can count */
    static const char piece[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    char *text = malloc(TIMES * (sizeof(piece) - 1));
    struct ysync_bytes bytes = { (const uint8_t *)text, TIMES * (sizeof(piece) - 1) };
    uint64_t units;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + i * (sizeof(piece) - 1), piece, sizeof(piece) - 1);
    assert_true(ys_utf8_measure(bytes, &units));
    assert_int_equal(units, TIMES * 5);
    assert_int_equal(ys_utf8_units(bytes), TIMES * 5);
    free(text);
}

/* Against the plain way: one character after the other. */
static void test_utf8_seeks_to_every_unit(void **state)
{
    static const char text[] = "ab\xf0\x9f\x98\x80"
                               "cdefghi\xf0\x9f\x98\x80"
                               "abcdefgh\xc3\xa9\xc3\xa9\xe2\x82\xac"
                               "\xf0\x9f\x98\x80\xf0\x9f\x98\x80xyz";
    uint64_t unit = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(text);) {
        uint8_t lead = (uint8_t)text[i];
        uint64_t width = lead >= 0xf0 ? 2 : 1;

        for (uint64_t inside = 0; inside < width; inside++, unit++) {
            bool splits_pair = !inside;
            size_t got = ys_utf8_seek(bytes_of(text), unit, &splits_pair);

            if (got != i || splits_pair != (inside == 1))
                fail_msg("unit %llu: got offset %zu, splits %d, want %zu, %d", (unsigned long long)unit, got,
                         splits_pair, i, inside == 1);
        }
        i += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_measures_units),
        cmocka_unit_test(test_utf8_counts_long_text),
        cmocka_unit_test(test_utf8_seeks_to_every_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
