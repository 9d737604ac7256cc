/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ws/extensions.h"

#define YES "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define YES_15 YES "; server_max_window_bits=15"

/* In memory of its own size, for the sanitizers. */
static const char *accept(const char *offers, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    const char *answer;

    assert_non_null(copy);
    memcpy(copy, offers, len);
    answer = ys_ws_accept_deflate((struct ysync_bytes){ copy, len });
    free(copy);
    return answer ? answer : "";
}

static void test_extensions_accepts_the_first_offer_that_can_be_met(void **state)
{
    static const struct {
        const char *offers;
        const char *want;
    } cases[] = {
        { "", "" },
        { " , ,\t", "" },
        /* what clients send: Firefox, Chrome, ws, ws with every option, Python's websockets */
        { "permessage-deflate", YES },
        { "permessage-deflate; client_max_window_bits", YES },
        { "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
          "server_max_window_bits=15; client_max_window_bits=9",
          YES_15 },
        { "x-webkit-deflate-frame", "" },
        { "x-webkit-deflate-frame, permessage-deflate", YES },
        /* window sizes */
        { "permessage-deflate; client_max_window_bits=8", YES },
        { "permessage-deflate; client_max_window_bits=7", "" },
        { "permessage-deflate; client_max_window_bits=16", "" },
        { "permessage-deflate; client_max_window_bits=08", "" },
        { "permessage-deflate; client_max_window_bits=150", "" },
        { "permessage-deflate; client_max_window_bits=1x", "" },
        { "permessage-deflate; server_max_window_bits", "" },
        { "permessage-deflate; server_max_window_bits=14", "" },
        { "permessage-deflate; server_max_window_bits=8, permessage-deflate", YES },
        { "permessage-deflate; server_max_window_bits=15, permessage-deflate", YES_15 },
        /* parameters */
        { "permessage-deflate; server_no_context_takeover=1", "" },
        { "permessage-deflate; client_no_context_takeover=\"x\"", "" },
        { "permessage-deflate; unknown", "" },
        { "permessage-deflate; unknown=1, permessage-deflate", YES },
        { "permessage-deflate; client_max_window_bits; client_max_window_bits=9", "" },
        { "permessage-deflate; server_no_context_takeover; server_no_context_takeover, permessage-deflate", YES },
        { "Permessage-Deflate", "" },
        { "permessage-deflate; Client_max_window_bits", "" },
        /* blanks and quotes */
        { "  permessage-deflate\t;\tclient_max_window_bits = 10  ", YES },
        { "permessage-deflate;client_max_window_bits=\"10\"", YES },
        { "permessage-deflate;client_max_window_bits=\"1\\0\"", YES },
        { "permessage-deflate;client_max_window_bits=\"\"", "" },
        { "permessage-deflate;client_max_window_bits=\"1 0\", permessage-deflate", "" },
        { "other; a=\"b\\\"\", permessage-deflate", "" },
        { "other; a=\"b, permessage-deflate, c\"", "" },
        { "other; a=\"b, permessage-deflate", "" },
        { "other; a=\"b\\", "" },
        /* broken lists */
        { "permessage-deflate;", "" },
        { "permessage-deflate; =1", "" },
        { "permessage-deflate; client_max_window_bits=", "" },
        { "permessage-deflate client_max_window_bits", "" },
        { "permessage-deflate; client_max_window_bits 9", "" },
        { "permessage-deflate=1", "" },
        { ";, permessage-deflate", "" },
        { "permessage-deflate; server_max_window_bits=9, ;, permessage-deflate", "" },
        { "permessage-deflate, ;", YES },
        { "permessage-deflate\r\nX: y", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = accept(cases[i].offers, strlen(cases[i].offers));

        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": got \"%s\", want \"%s\"", cases[i].offers, got, cases[i].want);
    }
}

/* Nothing behind the end is looked at, wherever that is. */
static void test_extensions_stops_at_the_end_of_the_list(void **state)
{
    static const char offers[] = "other; a=\"b\\c\", permessage-deflate; server_max_window_bits=\"1\\5\"; x=y";
    size_t accepted = 0;

    (void)state;
    for (size_t len = 0; len < sizeof(offers); len++)
        accepted += accept(offers, len)[0] != '\0';
    assert_string_equal(accept(offers, strlen("other; a=\"b\\c\", permessage-deflate")), YES);
    assert_string_equal(accept(offers, strlen(offers) - strlen("; x=y")), YES_15);
    assert_int_equal(accepted, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extensions_accepts_the_first_offer_that_can_be_met),
        cmocka_unit_test(test_extensions_stops_at_the_end_of_the_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
