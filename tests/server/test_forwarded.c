/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/forwarded.h"

static void test_forwarded_names_the_client(void **state)
{
    static const struct {
        const char *name;
        const char *fields;
        unsigned trusted;
        const char *want;
    } cases[] = {
        { "nobody is trusted", "X-Forwarded-For: 1.2.3.4\r\n", 0, "10.0.0.1:5000" },
        { "no field", "", 1, "10.0.0.1:5000" },
        { "one proxy", "X-Forwarded-For: 203.0.113.9\r\n", 1, "203.0.113.9" },
        { "what the client wrote is not believed", "X-Forwarded-For: 1.2.3.4, 203.0.113.9\r\n", 1, "203.0.113.9" },
        { "two proxies", "X-Forwarded-For: 1.2.3.4,203.0.113.9 , 10.0.0.7\r\n", 2, "203.0.113.9" },
        { "fields are one list", "X-Forwarded-For: 1.2.3.4, 203.0.113.9\r\nx-forwarded-for: 10.0.0.7\r\n", 2,
          "203.0.113.9" },
        { "fewer than proxies", "X-Forwarded-For: 203.0.113.9\r\n", 2, "10.0.0.1:5000" },
        { "no address", "X-Forwarded-For: unknown\r\n", 1, "10.0.0.1:5000" },
        { "an empty item", "X-Forwarded-For: 203.0.113.9,\r\n", 1, "10.0.0.1:5000" },
        { "an empty field", "X-Forwarded-For:\r\n", 1, "10.0.0.1:5000" },
        { "a path", "X-Forwarded-For: unix:/x\r\n", 1, "10.0.0.1:5000" },
        { "very long", "X-Forwarded-For: 1111111111111111111111111111111111111111111111111111111111111111\r\n", 1,
          "10.0.0.1:5000" },
        { "with a port", "X-Forwarded-For: 203.0.113.9:1234\r\n", 1, "203.0.113.9" },
        { "IPv6", "X-Forwarded-For: 2001:db8::1\r\n", 1, "2001:db8::1" },
        { "IPv6 with a port", "X-Forwarded-For: [2001:db8::1]:1234\r\n", 1, "2001:db8::1" },
    };
    struct ys_address socket;
    struct ys_peer peer;

    (void)state;
    assert_int_equal(ys_address_parse("10.0.0.1", 5000, &socket), YSYNC_OK);
    peer = ys_peer_of(&socket);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_http_parser *parser;
        char got[YS_ADDRESS_TEXT_BYTES];
        struct ysync_bytes in, body;
        struct ys_peer client;
        char request[512];

        snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", cases[i].fields);
        in = (struct ysync_bytes){ (const uint8_t *)request, strlen(request) };
        assert_int_equal(ys_http_parser_new(ysync_alloc_default(), &parser), YSYNC_OK);
        assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
        client = ys_forwarded_client(ys_http_parser_head(parser), &peer, cases[i].trusted);
        ys_peer_format(&client, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
        ys_http_parser_free(parser);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_forwarded_names_the_client) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
