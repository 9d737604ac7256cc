/* SPDX-License-Identifier: MIT */
/* Compressed messages over real sockets; the server runs on the test's own thread whenever a client waits. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/echo.h"
#include "support/certificate.h"
#include "support/client.h"
#include "support/failing_alloc.h"
#include "support/tls_client.h"
#include "ws/deflate.h"

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define ANSWER                                                                                                         \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

/* RFC 7692, 7.2.3.1: "Hello". */
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

#define FIRST 0x02
#define FIN 0x80
#define COMPRESSED 0x40

static struct ys_test_alloc memory;
static struct ys_echo echo;
static struct ys_client client;
static struct ys_client_frame frame;

static void open_client(void)
{
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    client.takes_compressed = true;
}

static int set_up(void **state)
{
    struct ysync_problem problem = { "" };

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    if (ys_echo_open(&echo, &memory.alloc, 0, &problem))
        return -1;
    echo.config.compresses = true;
    open_client();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_client_close(&client);
    ys_echo_close(&echo);
    return memory.live_blocks == 0 ? 0 : -1;
}

/* Returns whether the answer to the upgrade accepts what was offered. */
static bool upgrade(struct ys_client *from, const char *offer)
{
    char text[4096];

    ys_client_format_upgrade(text, sizeof(text), "/", offer);
    ys_client_send_str(from, text);
    ys_client_read_head(from, text, sizeof(text));
    assert_memory_equal(text, "HTTP/1.1 101 ", 13);
    return strstr(text, ANSWER) != NULL;
}

static void expect_plain(const void *want, size_t len)
{
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_BINARY);
    assert_false(frame.is_compressed);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

/* Inflates with zlib what the frame holds. */
static void expect_compressed(const void *want, size_t len)
{
    static uint8_t got[300000];
    z_stream stream = { .next_out = got, .avail_out = sizeof(got) };

    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_BINARY);
    assert_true(frame.is_compressed);
    assert_true(frame.len <= sizeof(frame.payload));
    assert_int_equal(inflateInit2(&stream, -15), Z_OK);
    stream.next_in = frame.payload;
    stream.avail_in = (uInt)frame.len;
    assert_int_equal(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(sizeof(got) - stream.avail_out, len);
    assert_memory_equal(got, want, len);
    inflateEnd(&stream);
}

/* Zeros compress to a thousandth. */
static size_t deflate_zeros(size_t len, uint8_t *to, size_t size)
{
    static const uint8_t zeros[4096];
    z_stream stream = { .next_out = to, .avail_out = (uInt)size };

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    while (len > 0) {
        size_t now = len < sizeof(zeros) ? len : sizeof(zeros);

        stream.next_in = (Bytef *)(uintptr_t)zeros;
        stream.avail_in = (uInt)now;
        len -= now;
        assert_int_equal(deflate(&stream, len > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH), Z_OK);
    }
    deflateEnd(&stream);
    return size - stream.avail_out - 4;
}

static void test_compression_inflates_messages(void **state)
{
    (void)state;
    assert_true(upgrade(&client, OFFER));
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, HELLO, 7);
    expect_plain("Hello", 5);
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, "\x00", 1);
    expect_plain("", 0);
    ys_client_send_message(&client, "plain", 5);
    expect_plain("plain", 5);
}

static void test_compression_inflates_fragments(void **state)
{
    (void)state;
    upgrade(&client, OFFER);
    ys_client_send_frame(&client, COMPRESSED | FIRST, HELLO, 3);
    ys_client_send_frame(&client, 0, "", 0);
    ys_client_send_frame(&client, FIN | 0x09, "ping", 4);
    ys_client_send_frame(&client, FIN | 0, &HELLO[3], 4);
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_PONG);
    expect_plain("Hello", 5);
}

static void test_compression_sends_large_messages_compressed(void **state)
{
    static uint8_t bomb[1000];
    static uint8_t zeros[200000];

    (void)state;
    upgrade(&client, OFFER);
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, bomb, deflate_zeros(sizeof(zeros), bomb, sizeof(bomb)));
    expect_compressed(zeros, sizeof(zeros));
    assert_true(frame.len < 1000);
    ys_client_send_message(&client, zeros, YS_WS_MIN_DEFLATED_BYTES);
    expect_compressed(zeros, YS_WS_MIN_DEFLATED_BYTES);
    ys_client_send_message(&client, zeros, YS_WS_MIN_DEFLATED_BYTES - 1);
    expect_plain(zeros, YS_WS_MIN_DEFLATED_BYTES - 1);
    ys_connection_send(echo.latest, (struct ysync_bytes){ zeros, 1000 });
    expect_plain(zeros, 1000);
}

static void test_compression_is_for_those_who_agreed(void **state)
{
    static const uint8_t zeros[1000];
    static const struct {
        const char *name;
        bool compresses;
        const char *offer;
    } cases[] = {
        { "off", false, OFFER },
        { "not offered", true, "" },
        { "an offer that cannot be met", true, "Sec-WebSocket-Extensions: permessage-deflate; unknown\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char reason[126];

        ys_client_close(&client);
        open_client();
        client.takes_compressed = false;
        echo.config.compresses = cases[i].compresses;
        if (upgrade(&client, cases[i].offer))
            fail_msg("%s: it was accepted", cases[i].name);
        ys_client_send_message(&client, zeros, sizeof(zeros));
        expect_plain(zeros, sizeof(zeros));
        ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, HELLO, 7);
        ys_client_expect_close(&client, YS_WS_CLOSE_PROTOCOL_ERROR, reason);
        assert_string_equal(reason, "reserved bits are set");
    }
    assert_null(echo.loop->deflate);
}

static void test_compression_closes_what_is_broken(void **state)
{
    static const struct {
        const char *name;
        uint8_t first;
        const char *bytes;
        size_t len;
        uint16_t code;
        const char *reason;
    } cases[] = {
        { "no deflate data", COMPRESSED | FIRST, "\x07\x00", 2, YS_WS_CLOSE_INVALID_DATA, "invalid block type" },
        { "a part of it", COMPRESSED | FIRST, "\x00\x05\x00\xfa\xff\x48", 6, YS_WS_CLOSE_INVALID_DATA,
          "compressed data breaks off" },
        { "text that is not UTF-8", COMPRESSED | 0x01, "\x00\x01\x00\xfe\xff\xff\x00", 7, YS_WS_CLOSE_INVALID_DATA,
          "text is not UTF-8" },
        { "text, which only inflated is UTF-8", COMPRESSED | 0x01, HELLO, 7, YS_WS_CLOSE_UNSUPPORTED, "binary only" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char reason[126];

        ys_client_close(&client);
        open_client();
        upgrade(&client, OFFER);
        ys_client_send_frame(&client, FIN | cases[i].first, cases[i].bytes, cases[i].len);
        ys_client_expect_close(&client, cases[i].code, reason);
        if (strcmp(reason, cases[i].reason) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].name, reason, cases[i].reason);
    }
    assert_int_equal(ys_loop_counters(echo.loop)->refused[YS_LOOP_BAD_FRAME], 3);
}

/* What one message becomes is bounded, and what it becomes too much is never held. */
static void test_compression_refuses_bombs(void **state)
{
    static uint8_t bomb[60000];
    const size_t limit = 1000000;
    char reason[126];
    size_t len;
    size_t before;

    (void)state;
    echo.config.max_message_bytes = limit;
    upgrade(&client, OFFER);
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, HELLO, 7);
    expect_plain("Hello", 5);
    before = memory.peak_bytes = memory.live_bytes;
    len = deflate_zeros(50 * limit, bomb, sizeof(bomb));
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, bomb, len);
    ys_client_expect_close(&client, YS_WS_CLOSE_TOO_BIG, reason);
    assert_string_equal(reason, "message too large once it is inflated");
    assert_int_equal(ys_loop_counters(echo.loop)->refused[YS_LOOP_MESSAGE_TOO_LARGE], 1);
    if (memory.peak_bytes > before + 2 * sizeof(bomb) + 40000) /* what came, and zlib's window */
        fail_msg("a message of %zu bytes made us ask for %zu", len, memory.peak_bytes - before);
}

static void test_compression_gives_back_what_a_message_took(void **state)
{
    static uint8_t bomb[2000];
    size_t before = 0;

    (void)state;
    upgrade(&client, OFFER);
    for (int i = 0; i < 3; i++) {
        ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, bomb, deflate_zeros(300000, bomb, sizeof(bomb)));
        ys_client_read_frame(&client, &frame);
        assert_true(frame.is_compressed);
        ys_client_send_message(&client, "x", 1);
        expect_plain("x", 1);
        ys_echo_pump(&echo);
        if (i == 0)
            before = memory.live_bytes; /* with what the loop keeps for all */
        else
            assert_int_equal(memory.live_bytes, before);
    }
}

/* Who compresses and who does not read the same message; it is compressed once. */
static void test_compression_is_shared_by_all_readers(void **state)
{
    struct ys_blob *blob = ys_blob_new(&memory.alloc, 20000);
    struct ys_client first = client;
    size_t requests;

    (void)state;
    memset(ys_blob_data(blob), 'x', blob->len);
    upgrade(&client, OFFER);
    assert_int_equal(ys_echo_send_blob(&echo, blob), YSYNC_OK);
    expect_compressed(ys_blob_data(blob), blob->len);

    open_client();
    upgrade(&client, OFFER);
    assert_int_equal(ys_echo_send_blob(&echo, blob), YSYNC_OK);
    requests = memory.requests;
    expect_compressed(ys_blob_data(blob), blob->len);
    assert_int_equal(memory.requests, requests);
    ys_client_close(&client);

    open_client();
    upgrade(&client, "");
    assert_int_equal(ys_echo_send_blob(&echo, blob), YSYNC_OK);
    expect_plain(ys_blob_data(blob), blob->len);
    ys_client_close(&client);
    client = first;
    ys_blob_unref(blob);
}

/* A frame with a length of eight bytes, which goes out by reference. */
static void expect_large_compressed(const uint8_t *want, size_t len)
{
    static uint8_t payload[700000];
    static uint8_t got[700000];
    z_stream stream = { .next_in = payload, .next_out = got, .avail_out = sizeof(got) };
    uint8_t header[YS_WS_MAX_HEADER_BYTES];

    assert_int_equal(ys_client_read(&client, header, sizeof(header)), sizeof(header));
    assert_memory_equal(header, "\xc2\x7f\x00\x00\x00\x00\x00", 7);
    stream.avail_in = (uInt)(header[7] << 16 | header[8] << 8 | header[9]);
    assert_true(stream.avail_in > YS_LOOP_GATHER_BYTES && stream.avail_in < len);
    assert_int_equal(ys_client_read(&client, payload, stream.avail_in), stream.avail_in);
    assert_int_equal(inflateInit2(&stream, -15), Z_OK);
    assert_int_equal(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(sizeof(got) - stream.avail_out, len);
    assert_memory_equal(got, want, len);
    inflateEnd(&stream);
}

/* Nobody but the connection holds the message, which a slow reader takes a while for. */
static void send_large_message(void)
{
    static uint8_t text[600000];
    int kernel_buffer = 65536;
    struct ys_blob *blob;

    upgrade(&client, OFFER);
    uv_send_buffer_size(&echo.latest->uv.handle, &kernel_buffer);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &kernel_buffer, sizeof(kernel_buffer));
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)('a' + rand() % 16);
    blob = ys_blob_copy(&memory.alloc, (struct ysync_bytes){ text, sizeof(text) });
    assert_non_null(blob);
    assert_int_equal(ys_echo_send_blob(&echo, blob), YSYNC_OK);
    ys_blob_unref(blob);
    for (int turn = 0; turn < 5; turn++)
        ys_echo_pump(&echo);
    expect_large_compressed(text, sizeof(text));
}

static void test_compression_sends_large_frames_by_reference(void **state)
{
    (void)state;
    send_large_message();
}

static void test_compression_goes_through_tls(void **state)
{
    struct ys_test_certificate certificate;
    struct ysync_problem problem;
    struct ys_tls_client tls;

    (void)state;
    ys_test_certificate_make(&certificate, "test", 3600);
    assert_int_equal(
        ys_tls_context_new(&memory.alloc, certificate.cert_file, certificate.key_file, &echo.config.tls, &problem),
        YSYNC_OK);
    ys_client_close(&client);
    ys_tls_client_open(&client, &tls, ys_echo_port(&echo), ys_echo_pump, &echo);
    client.takes_compressed = true;
    send_large_message();
    ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, HELLO, 7);
    expect_plain("Hello", 5);
    ys_tls_client_close(&client);
    ys_tls_context_unref(echo.config.tls);
    echo.config.tls = NULL;
    ys_test_certificate_remove(&certificate);
    open_client();
}

/* One turn takes only so long; what it did not compress, the next one does. */
static void test_compression_takes_only_so_much_of_a_turn(void **state)
{
    static const bool want[] = { true, true, true, true, false };
    struct ys_blob *blobs[ARRAY_LEN(want)];

    (void)state;
    upgrade(&client, OFFER);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        blobs[i] = ys_blob_new(&memory.alloc, (size_t)1 << 20);
        assert_non_null(blobs[i]);
        memset(ys_blob_data(blobs[i]), 'x', blobs[i]->len);
        assert_int_equal(ys_echo_send_blob(&echo, blobs[i]), YSYNC_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ys_client_read_frame(&client, &frame);
        if (frame.is_compressed != want[i])
            fail_msg("message %zu: compressed %d, want %d", i, frame.is_compressed, want[i]);
    }
    assert_int_equal(ys_echo_send_blob(&echo, blobs[4]), YSYNC_OK);
    ys_client_read_frame(&client, &frame);
    assert_true(frame.is_compressed);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ys_blob_unref(blobs[i]);
}

/* From the n-th on, until an answer is there or the end: nothing leaks, and the next client is served. */
static void test_compression_survives_failed_allocations(void **state)
{
    static uint8_t bomb[2000];
    static uint8_t answer[65536];
    uint8_t all[3000];
    size_t len;
    size_t n;

    (void)state;
    ys_client_format_upgrade((char *)all, sizeof(all), "/", OFFER);
    len = strlen((char *)all);
    len += ys_client_put_frame(all + len, FIN | COMPRESSED | FIRST, bomb, deflate_zeros(100000, bomb, sizeof(bomb)));
    len += ys_client_put_frame(all + len, 0x88, "\x03\xe8", 2);
    for (n = 0;; n++) {
        assert_int_equal(tear_down(NULL), 0);
        assert_int_equal(set_up(NULL), 0);
        memory.fail_at = memory.requests + n;
        ys_client_send(&client, all, len);
        for (int turn = 0; turn < 3; turn++)
            ys_echo_pump(&echo);
        memory.fail_at = YS_TEST_NEVER_FAIL;
        errno = 0;
        while (recv(client.fd, answer, sizeof(answer), 0) > 0 || errno == EAGAIN) {
            ys_echo_pump(&echo);
            errno = 0;
        }
        if (!memory.failed)
            break;
        ys_client_close(&client);
        open_client();
        upgrade(&client, OFFER);
        ys_client_send_frame(&client, FIN | COMPRESSED | FIRST, HELLO, 7);
        expect_plain("Hello", 5);
    }
    assert_true(n >= 12);
    assert_int_equal(echo.closed_code, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_compression_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(inflates_messages),
        TEST(inflates_fragments),
        TEST(sends_large_messages_compressed),
        TEST(is_for_those_who_agreed),
        TEST(closes_what_is_broken),
        TEST(refuses_bombs),
        TEST(gives_back_what_a_message_took),
        TEST(is_shared_by_all_readers),
        TEST(sends_large_frames_by_reference),
        TEST(goes_through_tls),
        TEST(takes_only_so_much_of_a_turn),
        TEST(survives_failed_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
