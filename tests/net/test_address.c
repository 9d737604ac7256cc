/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/address.h"

static void test_address_parses_and_formats(void **state)
{
    static const struct {
        const char *host;
        const char *url;
    } cases[] = {
        { "127.0.0.1", "http://127.0.0.1:3913" },
        { "0.0.0.0", "http://0.0.0.0:3913" },
        { "::1", "http://[::1]:3913" },
        { "2001:db8:0:0::1", "http://[2001:db8::1]:3913" },
        { "unix:/run/ysync.sock", "unix:/run/ysync.sock" },
        { "unix:relative.sock", "unix:relative.sock" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_address address;
        char url[YS_ADDRESS_TEXT_BYTES];

        if (ys_address_parse(cases[i].host, 3913, &address))
            fail_msg("%s: refused", cases[i].host);
        ys_address_format_url(&address, "http", url);
        if (strcmp(url, cases[i].url) != 0)
            fail_msg("%s: got %s, want %s", cases[i].host, url, cases[i].url);
    }
}

#define TEN "/ten.bytes"

static void test_address_refuses_what_is_none(void **state)
{
    static const char *const hosts[] = {
        "",      "localhost", "127.0.0.256", "127.0.0.1:80",
        "[::1]", ":::",       "unix:",       "unix:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/and.sock",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct ys_address address;

        if (ys_address_parse(hosts[i], 1, &address) != YSYNC_ERR_INVALID_ARG)
            fail_msg("\"%s\" was accepted", hosts[i]);
    }
}

static void test_address_knows_its_port(void **state)
{
    struct ys_address address;

    (void)state;
    assert_int_equal(ys_address_parse("::1", 0, &address), YSYNC_OK);
    ys_address_set_port(&address, 65535);
    assert_int_equal(ys_address_port(&address), 65535);
    assert_int_equal(ys_address_parse("unix:/x", 7, &address), YSYNC_OK);
    assert_int_equal(ys_address_port(&address), 0);
}

static void test_address_names_peers(void **state)
{
    static const struct {
        const char *host;
        const char *want;
    } cases[] = {
        { "192.0.2.7", "192.0.2.7:50312" },
        { "2001:db8::7", "[2001:db8::7]:50312" },
        { "unix:/x", "unix" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_address address;
        struct ys_peer peer;
        char got[YS_ADDRESS_TEXT_BYTES];

        assert_int_equal(ys_address_parse(cases[i].host, 50312, &address), YSYNC_OK);
        peer = ys_peer_of(&address);
        ys_peer_format(&peer, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].host, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_parses_and_formats),
        cmocka_unit_test(test_address_refuses_what_is_none),
        cmocka_unit_test(test_address_knows_its_port),
        cmocka_unit_test(test_address_names_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
