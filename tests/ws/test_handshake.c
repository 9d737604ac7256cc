/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "support/failing_alloc.h"
#include "ws/handshake.h"

#define GOOD_KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, 1.3 */

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void test_handshake_checks_requests(void **state)
{
    static const struct {
        const char *name;
        const char *key;
        const char *version;
        int want;
    } cases[] = {
        { "a good one", GOOD_KEY, "13", 101 },
        { "no version", GOOD_KEY, "", 426 },
        { "an old version", GOOD_KEY, "8", 426 },
        { "two versions", GOOD_KEY, "13, 8", 426 },
        { "no key", "", "13", 400 },
        { "a short key", "dGhlIHNhbXBsZSBub25j", "13", 400 },
        { "a key of 17 bytes", "dGhlIHNhbXBsZSBub25jZWU=", "13", 400 },
        { "a key of 18 bytes", "dGhlIHNhbXBsZSBub25jZWVl", "13", 400 },
        { "a key of 15 bytes and blanks", "dGhlIHNhbXBsZSBub25j    ", "13", 400 },
        { "a key that is not base64", "dGhlIHNhbXBsZSBub25j-Q==", "13", 400 },
        { "padding inside", "dGhl=HNhbXBsZSBub25jZQ==", "13", 400 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_ws_request request = { .key = bytes_of(cases[i].key), .version = bytes_of(cases[i].version) };
        const char *why = NULL;
        int got = ys_ws_check_request(&request, &why);

        if (got != cases[i].want || (got != 101) != (why != NULL))
            fail_msg("%s: got %d (%s), want %d", cases[i].name, got, why ? why : "-", cases[i].want);
    }
}

static void test_handshake_chooses_protocols(void **state)
{
    static const struct {
        const char *offers;
        const char *protocol;
        const char *bearer;
    } cases[] = {
        { "", "", "" },
        { "yjs", "yjs", "" },
        { "a, b", "a", "" },
        { "bearer.abc", "", "abc" },
        { "bearer.abc, yjs", "yjs", "abc" },
        { "yjs,bearer.abc", "yjs", "abc" },
        { "bearer.a, bearer.b, x, y", "x", "a" },
        { " , ,\tx ,", "x", "" },
        { "bearer.", "", "" },
        { "bearer", "bearer", "" },
        { "Bearer.x", "Bearer.x", "" },
        { "a b, c", "c", "" },
        { "a\r\nSet-Cookie:x, c", "c", "" },
        { "bearer.eyJ0.eyJy_-.x-y", "", "eyJ0.eyJy_-.x-y" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_bytes protocol = ys_ws_choose_protocol(bytes_of(cases[i].offers));
        struct ysync_bytes bearer = ys_ws_bearer_protocol(bytes_of(cases[i].offers));

        if (protocol.len != strlen(cases[i].protocol) ||
            (protocol.len > 0 && memcmp(protocol.data, cases[i].protocol, protocol.len) != 0))
            fail_msg("\"%s\": got protocol \"%.*s\", want \"%s\"", cases[i].offers, (int)protocol.len,
                     (const char *)protocol.data, cases[i].protocol);
        if (bearer.len != strlen(cases[i].bearer) ||
            (bearer.len > 0 && memcmp(bearer.data, cases[i].bearer, bearer.len) != 0))
            fail_msg("\"%s\": got token \"%.*s\", want \"%s\"", cases[i].offers, (int)bearer.len,
                     (const char *)bearer.data, cases[i].bearer);
    }
}

#define ACCEPT_FRONT                                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\n"                                                                             \
    "Upgrade: websocket\r\n"                                                                                           \
    "Connection: Upgrade\r\n"                                                                                          \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

#define ACCEPT_DEFLATE                                                                                                 \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* RFC 6455, 1.3, gives the answer to this key. */
static void test_handshake_writes_the_answer(void **state)
{
    static const struct {
        const char *offers;
        const char *extensions;
        const char *want;
    } cases[] = {
        { "", "", ACCEPT_FRONT "\r\n" },
        { "bearer.secret", "", ACCEPT_FRONT "\r\n" },
        { "bearer.secret, yjs", "", ACCEPT_FRONT "Sec-WebSocket-Protocol: yjs\r\n\r\n" },
        { "", "permessage-deflate; client_max_window_bits", ACCEPT_FRONT ACCEPT_DEFLATE "\r\n\r\n" },
        { "", "permessage-deflate; server_max_window_bits=15",
          ACCEPT_FRONT ACCEPT_DEFLATE "; server_max_window_bits=15\r\n\r\n" },
        { "", "permessage-deflate; server_max_window_bits=9", ACCEPT_FRONT "\r\n" },
        { "yjs", "permessage-deflate", ACCEPT_FRONT "Sec-WebSocket-Protocol: yjs\r\n" ACCEPT_DEFLATE "\r\n\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_ws_request request = { bytes_of(GOOD_KEY), bytes_of("13"), bytes_of(cases[i].offers),
                                         bytes_of(cases[i].extensions) };
        struct ys_buf out;

        ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
        ys_ws_put_accept(&out, &request);
        assert_int_equal(ys_buf_err(&out), YSYNC_OK);
        if (out.len != strlen(cases[i].want) || memcmp(out.data, cases[i].want, out.len) != 0)
            fail_msg("\"%s\", \"%s\": got \"%.*s\", want \"%s\"", cases[i].offers, cases[i].extensions, (int)out.len,
                     (const char *)out.data, cases[i].want);
        ys_buf_deinit(&out);
    }
}

static void test_handshake_reports_missing_memory(void **state)
{
    struct ys_ws_request request = { bytes_of(GOOD_KEY), bytes_of("13"), bytes_of("yjs"),
                                     bytes_of("permessage-deflate") };
    size_t n;

    (void)state;
    for (n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_buf out;

        ys_test_alloc_init(&memory, n);
        ys_buf_init(&out, &memory.alloc, SIZE_MAX);
        ys_ws_put_accept(&out, &request);
        assert_int_equal(ys_buf_err(&out), memory.failed ? YSYNC_ERR_NOMEM : YSYNC_OK);
        ys_buf_deinit(&out);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
    assert_true(n >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_checks_requests),
        cmocka_unit_test(test_handshake_chooses_protocols),
        cmocka_unit_test(test_handshake_writes_the_answer),
        cmocka_unit_test(test_handshake_reports_missing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
