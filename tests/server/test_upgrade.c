/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/upgrade.h"
#include "support/failing_alloc.h"

#define UPGRADE "Host: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct ys_routes *routes;

static int set_up(void **state)
{
    static const char *const patterns[] = { "/rooms/:room" };

    (void)state;
    return ys_routes_new(ysync_alloc_default(), patterns, 1, &routes, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_routes_free(routes);
    return 0;
}

/* "101 room token", or "status why". */
static void read_request(const struct ysync_alloc *alloc, const char *request, char *got, size_t size)
{
    struct ysync_bytes in = { (const uint8_t *)request, strlen(request) };
    struct ysync_bytes body;
    struct ys_http_parser *parser;
    struct ys_upgrade upgrade;
    const char *why = "";
    int status;

    assert_int_equal(ys_http_parser_new(ysync_alloc_default(), &parser), YSYNC_OK);
    assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
    status = ys_upgrade_read(&upgrade, alloc, routes, ys_http_parser_head(parser), &why);
    if (status == 101)
        snprintf(got, size, "101 %.*s %.*s", (int)upgrade.room.len, (const char *)upgrade.room.data,
                 (int)upgrade.token.len, upgrade.token.len ? (const char *)upgrade.token.data : "");
    else
        snprintf(got, size, "%d %s", status, why);
    ys_upgrade_deinit(&upgrade);
    ys_http_parser_free(parser);
}

static void test_upgrade_reads_what_is_asked_for(void **state)
{
    static const struct {
        const char *name;
        const char *request;
        const char *want;
    } cases[] = {
        { "no token", "GET /rooms/a%20b HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", "101 a b " },
        { "in the query", "GET /rooms/a?x=1&token=s3%2Fcret HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", "101 a s3/cret" },
        { "a plus stays", "GET /rooms/a?token=a+b HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", "101 a a+b" },
        { "Authorization", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Authorization: Bearer s3cret\r\n\r\n",
          "101 a s3cret" },
        { "the scheme in any case", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "authorization: bEARER  s\r\n\r\n",
          "101 a s" },
        { "another scheme", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Authorization: Basic czpz\r\n\r\n",
          "101 a " },
        { "a scheme alone", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Authorization: Bearer\r\n\r\n", "101 a " },
        { "a subprotocol",
          "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Sec-WebSocket-Protocol: y, bearer.s3cret\r\n\r\n",
          "101 a s3cret" },
        { "offers in two fields",
          "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY
          "Sec-WebSocket-Protocol: y\r\nSec-WebSocket-Protocol: bearer.s3cret\r\n\r\n",
          "101 a s3cret" },
        { "Authorization goes first",
          "GET /rooms/a?token=q HTTP/1.1\r\n" UPGRADE VERSION KEY
          "Sec-WebSocket-Protocol: bearer.p\r\nAuthorization: Bearer h\r\n\r\n",
          "101 a h" },
        { "another path", "GET /else HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", "404 Not found" },
        { "a bad name", "GET /rooms/%00 HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n",
          "400 Control character in the room name" },
        { "a broken token", "GET /rooms/a?token=%zz HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n",
          "400 Broken percent-encoding in the token" },
        { "no key", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION "\r\n",
          "400 Sec-WebSocket-Key must be the base64 of 16 bytes" },
        { "two keys", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY KEY "\r\n",
          "400 Sec-WebSocket-Key and Sec-WebSocket-Version must not be repeated" },
        { "two versions", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "sec-websocket-version: 8\r\n\r\n",
          "400 Sec-WebSocket-Key and Sec-WebSocket-Version must not be repeated" },
        { "an older version", "GET /rooms/a HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY "\r\n",
          "426 Sec-WebSocket-Version must be 13" },
        { "a body", "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Content-Length: 3\r\n\r\nabc",
          "400 A WebSocket begins with a GET without a body" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[256];

        read_request(ysync_alloc_default(), cases[i].request, got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].name, got, cases[i].want);
    }
}

static void test_upgrade_joins_the_offers_of_several_fields(void **state)
{
    static const char request[] = "GET /rooms/a HTTP/1.1\r\n" UPGRADE VERSION KEY "Sec-WebSocket-Protocol: a\r\n"
                                  "Sec-WebSocket-Extensions: x; y=1\r\nSec-WebSocket-Protocol: b\r\n"
                                  "sec-websocket-extensions: permessage-deflate\r\n\r\n";
    struct ysync_bytes in = { (const uint8_t *)request, sizeof(request) - 1 };
    struct ysync_bytes body;
    struct ys_http_parser *parser;
    struct ys_upgrade upgrade;
    const char *why = "";

    (void)state;
    assert_int_equal(ys_http_parser_new(ysync_alloc_default(), &parser), YSYNC_OK);
    assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
    assert_int_equal(ys_upgrade_read(&upgrade, ysync_alloc_default(), routes, ys_http_parser_head(parser), &why), 101);
    assert_int_equal(upgrade.request.protocols.len, strlen("a, b"));
    assert_memory_equal(upgrade.request.protocols.data, "a, b", strlen("a, b"));
    assert_int_equal(upgrade.request.extensions.len, strlen("x; y=1, permessage-deflate"));
    assert_memory_equal(upgrade.request.extensions.data, "x; y=1, permessage-deflate", upgrade.request.extensions.len);
    ys_upgrade_deinit(&upgrade);
    ys_http_parser_free(parser);
}

static void test_upgrade_survives_failed_allocations(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        char got[256];

        ys_test_alloc_init(&memory, n);
        read_request(&memory.alloc,
                     "GET /rooms/a?token=s HTTP/1.1\r\n" UPGRADE VERSION KEY
                     "Sec-WebSocket-Protocol: y\r\nSec-WebSocket-Extensions: z\r\n\r\n",
                     got, sizeof(got));
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        /* Room names are decoded with the routes' own allocator. */
        assert_string_equal(got, "503 Out of memory");
    }
}

static void test_upgrade_checks_origins(void **state)
{
    static const char *const allowed[] = { "https://app.example.org", "http://localhost:5173" };
    static const struct {
        const char *fields;
        size_t allowed_count;
        bool want;
    } cases[] = {
        { "Origin: https://evil.example\r\n", 0, true },
        { "", 2, true },
        { "Origin: https://app.example.org\r\n", 2, true },
        { "Origin: HTTPS://App.Example.org\r\n", 2, true },
        { "Origin: http://localhost:5173\r\n", 2, true },
        { "Origin: http://localhost:5173\r\n", 1, false },
        { "Origin: http://localhost\r\n", 2, false },
        { "Origin: https://app.example.org.evil.example\r\n", 2, false },
        { "Origin: https://evil.example/https://app.example.org\r\n", 2, false },
        { "Origin: null\r\n", 2, false },
        { "Origin:\r\n", 2, false },
        { "Origin: https://app.example.org\r\nOrigin: https://evil.example\r\n", 2, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_http_parser *parser;
        struct ysync_bytes in, body;
        char request[512];

        snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", cases[i].fields);
        in = (struct ysync_bytes){ (const uint8_t *)request, strlen(request) };
        assert_int_equal(ys_http_parser_new(ysync_alloc_default(), &parser), YSYNC_OK);
        assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
        if (ys_origin_is_allowed(ys_http_parser_head(parser), allowed, cases[i].allowed_count) != cases[i].want)
            fail_msg("row %zu, %s: want %d", i, cases[i].fields, cases[i].want);
        ys_http_parser_free(parser);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_upgrade_reads_what_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_upgrade_joins_the_offers_of_several_fields, set_up, tear_down),
        cmocka_unit_test(test_upgrade_checks_origins),
        cmocka_unit_test_setup_teardown(test_upgrade_survives_failed_allocations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
