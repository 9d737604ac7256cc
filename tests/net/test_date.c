/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/date.h"

static void test_date_is_written_as_http_does(void **state)
{
    static const struct {
        const char *name;
        uint64_t unix_time_s;
        const char *want;
    } cases[] = {
        { "the beginning", 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
        { "the RFC's example", 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
        { "the last second of a day", 86399, "Thu, 01 Jan 1970 23:59:59 GMT" },
        { "a leap day", 1709164800, "Thu, 29 Feb 2024 00:00:00 GMT" },
        { "a leap day of a century", 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
        { "a century without one", 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
        { "beyond 32 bits", 4294967296, "Sun, 07 Feb 2106 06:28:16 GMT" },
        { "the last one", 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
        { "no later", UINT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
    };
    char got[YS_DATE_CHARS + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ys_date_format(cases[i].unix_time_s, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].name, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date_is_written_as_http_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
