/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/max_age.h"
#include "base/alloc.h"

static void test_max_age_keeps_only_what_says_so(void **state)
{
    static const struct {
        const char *name;
        const char *fields[2];
        uint64_t want;
    } cases[] = {
        { "no field", { NULL }, 0 },
        { "an empty field", { "" }, 0 },
        { "a number", { "max-age=3" }, 3 },
        { "none at all", { "max-age=0" }, 0 },
        { "other directives beside it", { "private ,\tmax-age=3, must-revalidate" }, 3 },
        { "any case", { "Max-AGE=3" }, 3 },
        { "no-store behind it", { "max-age=3, no-store" }, 0 },
        { "no-cache in another field", { "max-age=3", "No-Cache" }, 0 },
        { "no-cache for some fields", { "no-cache=\"Set-Cookie\", max-age=3" }, 0 },
        { "the smaller one of two", { "max-age=3", "max-age=2" }, 2 },
        { "the smaller one first", { "max-age=2, max-age=3" }, 2 },
        { "no number", { "max-age" }, 0 },
        { "an empty number", { "max-age=" }, 0 },
        { "a negative number", { "max-age=-1" }, 0 },
        { "a fraction", { "max-age=1.5" }, 0 },
        { "a number in quotation marks", { "max-age=\"3\"" }, 0 },
        { "one that is a number, one that is none", { "max-age=3, max-age=x" }, 0 },
        { "for shared caches", { "s-maxage=3" }, 0 },
        { "a longer name", { "max-age2=3" }, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_max_age age = { 0 };
        uint64_t got;

        for (size_t f = 0; f < 2 && cases[i].fields[f]; f++)
            ys_max_age_read(&age, bytes_of(cases[i].fields[f]));
        got = ys_max_age_seconds(&age);
        if (got != cases[i].want)
            fail_msg("%s: got %ju, want %ju", cases[i].name, (uintmax_t)got, (uintmax_t)cases[i].want);
    }
}

static void test_max_age_does_not_overflow(void **state)
{
    struct ys_max_age age = { 0 };

    (void)state;
    ys_max_age_read(&age, bytes_of("max-age=18446744073709551617"));
    assert_true(ys_max_age_seconds(&age) >= 1000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_age_keeps_only_what_says_so),
        cmocka_unit_test(test_max_age_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
