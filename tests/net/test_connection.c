/* SPDX-License-Identifier: MIT */
/* Connections over real sockets; the server runs on the test's own thread whenever the client waits. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/echo.h"
#include "support/client.h"
#include "support/failing_alloc.h"

static struct ys_test_alloc memory;
static struct ys_echo echo;
static struct ys_client client;
static struct ys_client_frame frame;
static struct ys_client_answer answer;

static int set_up(void **state)
{
    struct ysync_problem problem = { "" };

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    if (ys_echo_open(&echo, &memory.alloc, 0, &problem))
        return -1;
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (client.fd >= 0)
        ys_client_close(&client);
    ys_echo_close(&echo);
    return memory.live_blocks == 0 ? 0 : -1;
}

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void expect_message(const void *want, size_t len)
{
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_BINARY);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

/* HTTP */

static void test_connection_answers_requests_one_after_the_other(void **state)
{
    (void)state;
    ys_client_get(&client, "/one", &answer);
    assert_string_equal(answer.body, "/one");
    ys_client_get(&client, "/two", &answer);
    assert_string_equal(answer.body, "/two");
    assert_int_equal(echo.open, 1);
}

static void test_connection_answers_pipelined_requests_in_order(void **state)
{
    char request[64];
    char want[16];

    (void)state;
    for (int i = 0; i < 3000; i++) {
        snprintf(request, sizeof(request), "GET /%d HTTP/1.1\r\nHost: test\r\n\r\n", i);
        ys_client_send_str(&client, request);
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(want, sizeof(want), "/%d", i);
        ys_client_read_answer(&client, true, &answer);
        assert_string_equal(answer.body, want);
    }
}

/* More than is held at once, from a client that reads only when it cannot send. */
static void test_connection_takes_no_more_requests_than_it_answers(void **state)
{
    static char requests[20000 * 48];
    const size_t count = 20000;
    size_t total = 0;
    size_t sent = 0;
    size_t answered = 0;
    int send_buffer = 8192; /* soon full */

    (void)state;
    ys_client_get(&client, "/", &answer);
    uv_send_buffer_size(&echo.latest->uv.handle, &send_buffer);
    for (size_t i = 0; i < count; i++)
        total += (size_t)sprintf(requests + total, "GET /%06zu HTTP/1.1\r\nHost: test\r\n\r\n", i);
    while (answered < count) {
        ssize_t now = send(client.fd, requests + sent, total - sent, MSG_NOSIGNAL);
        char want[16];

        sent += now > 0 ? (size_t)now : 0;
        if (now > 0 && sent < total)
            continue;
        ys_client_read_answer(&client, true, &answer);
        snprintf(want, sizeof(want), "/%06zu", answered++);
        assert_string_equal(answer.body, want);
    }
    if (memory.peak_bytes > sizeof(struct ys_loop) + 600000)
        fail_msg("held %zu bytes", memory.peak_bytes - sizeof(struct ys_loop));
}

static void test_connection_reads_a_request_byte_by_byte(void **state)
{
    const char *request = "POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc";

    (void)state;
    for (; *request; request++) {
        ys_client_send(&client, request, 1);
        ys_echo_pump(&echo);
    }
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/slow");
}

static void test_connection_ends_after_the_last_answer(void **state)
{
    static const struct {
        const char *name;
        const char *request;
        int status;
    } cases[] = {
        { "a client that wants to end", "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 200 },
        { "HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200 },
        { "no HTTP at all", "\x16\x03\x01 hello\r\n\r\n", 400 },
        { "what stands behind a bad head is not looked at", "BAD\r\n\r\nGET / HTTP/1.1\r\nHost: test\r\n\r\n", 400 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ys_client_send_str(&client, cases[i].request);
        ys_client_read_answer(&client, true, &answer);
        if (answer.status != cases[i].status || !strstr(answer.head, "Connection: close\r\n"))
            fail_msg("%s: got \"%s\", want %d and the end", cases[i].name, answer.head, cases[i].status);
        ys_client_expect_end(&client);
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    }
}

/* HTTP/1.0 ends after one answer unless both sides say otherwise. */
static void test_connection_keeps_an_old_client_that_asks_for_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ys_client_send_str(&client, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        ys_client_read_answer(&client, true, &answer);
        assert_non_null(strstr(answer.head, "\r\nConnection: keep-alive\r\n"));
    }
    assert_int_equal(echo.open, 1);
}

static void test_connection_says_what_time_it_is(void **state)
{
    uint64_t time_s = (uint64_t)time(NULL);
    char want[YS_DATE_CHARS + 1];
    const char *date;

    (void)state;
    ys_client_get(&client, "/", &answer);
    date = strstr(answer.head, "\r\nDate: ");
    assert_non_null(date);
    do /* it may have taken a while */
        ys_date_format(time_s, want);
    while (strncmp(date + 8, want, YS_DATE_CHARS) != 0 && time_s++ < (uint64_t)time(NULL));
    assert_memory_equal(date + 8, want, YS_DATE_CHARS);
}

static void test_connection_answers_who_has_finished_speaking(void **state)
{
    (void)state;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\nGET /b HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_client_finish(&client);
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/a");
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/b");
    ys_client_expect_end(&client);
}

static void test_connection_waits_for_an_answer_that_comes_later(void **state)
{
    (void)state;
    echo.answers_later = true;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\nGET /b HTTP/1.1\r\nHost: test\r\n\r\n");
    for (const char *path = "/a"; path; path = path[1] == 'a' ? "/b" : NULL) {
        PUMP_UNTIL(echo.heads == (path[1] == 'a' ? 1 : 2));
        assert_memory_equal(ys_connection_head(echo.latest)->path.data, path, 2);
        ys_connection_answer(echo.latest, &(struct ys_http_answer){ .status = 200, .body = bytes_of(path) });
        ys_client_read_answer(&client, true, &answer);
        assert_string_equal(answer.body, path);
    }
}

static void grant_upgrade(void)
{
    const struct ys_ws_request request = {
        .key = bytes_of("dGhlIHNhbXBsZSBub25jZQ=="),
        .version = bytes_of("13"),
    };

    assert_int_equal(ys_connection_upgrade(echo.latest, &request), YSYNC_OK);
}

/* What came behind the request is the WebSocket's, before what comes later. */
static void test_connection_upgrades_later(void **state)
{
    uint8_t all[1024];
    size_t len;

    (void)state;
    echo.answers_later = true;
    ys_client_format_upgrade((char *)all, sizeof(all), "/", "");
    len = strlen((char *)all);
    len += ys_client_put_frame(all + len, 0x82, "one", 3);
    ys_client_send(&client, all, len);
    PUMP_UNTIL(echo.heads == 1);
    grant_upgrade();
    ys_client_send_message(&client, "two", 3);
    ys_client_read_head(&client, (char *)all, sizeof(all));
    expect_message("one", 3);
    expect_message("two", 3);
}

/* A request without a body whose client has nothing more to say waits for its answer all the same. */
static void test_connection_answers_later_who_has_finished_speaking(void **state)
{
    (void)state;
    echo.answers_later = true;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_client_finish(&client);
    PUMP_UNTIL(echo.heads == 1 && echo.latest->has_eof);
    ys_connection_answer(echo.latest, &(struct ys_http_answer){ .status = 200, .body = bytes_of("late") });
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "late");
    ys_client_expect_end(&client);
}

/* What came ahead of the end is the WebSocket's; then it is as when the end comes later. */
static void test_connection_ends_a_websocket_whose_peer_has_finished(void **state)
{
    uint8_t all[1024];
    size_t len;

    (void)state;
    echo.answers_later = true;
    ys_client_format_upgrade((char *)all, sizeof(all), "/", "");
    len = strlen((char *)all);
    len += ys_client_put_frame(all + len, 0x82, "one", 3);
    ys_client_send(&client, all, len);
    ys_client_finish(&client);
    PUMP_UNTIL(echo.heads == 1 && echo.latest->has_eof);
    grant_upgrade();
    PUMP_UNTIL(echo.closed == 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
}

static void test_connection_permits_bodies_to_be_sent(void **state)
{
    char got[64];

    (void)state;
    ys_client_send_str(&client, "POST /a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(ys_client_read(&client, got, 25), 25);
    assert_memory_equal(got, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    ys_client_send_str(&client, "abc");
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/a");
    ys_client_get(&client, "/next", &answer);
    assert_string_equal(answer.body, "/next");
}

/* A body that nobody wants is not taken in, however much of it there is. */
static void test_connection_holds_little_of_a_body_nobody_wants(void **state)
{
    static const uint8_t junk[65536] = { 0 };
    size_t before;

    (void)state;
    echo.answers_later = true;
    ys_client_send_str(&client, "POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n");
    PUMP_UNTIL(echo.heads == 1);
    before = memory.live_bytes;
    for (int i = 0; i < 200; i++) {
        (void)!send(client.fd, junk, sizeof(junk), MSG_NOSIGNAL);
        ys_echo_pump(&echo);
    }
    if (memory.live_bytes > before + 200000)
        fail_msg("held %zu bytes", memory.live_bytes - before);
    ys_connection_answer(echo.latest, &(struct ys_http_answer){ .status = 413 });
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 413);
    assert_non_null(strstr(answer.head, "Connection: close\r\n"));
    ys_client_expect_end(&client);
}

/* Many may want much at once: others have their turn in between. */
static void test_connection_flushes_a_bounded_amount_in_a_turn(void **state)
{
    enum { CLIENTS = 12, BODY_BYTES = 3000000 };
    static uint8_t got[BODY_BYTES];
    struct ys_blob *blob = ys_blob_new(&memory.alloc, BODY_BYTES);
    const struct ys_http_answer large = { .status = 200, .body = ys_blob_bytes(blob) };
    const struct ys_loop_counters *counters = ys_loop_counters(echo.loop);
    struct ys_connection *asked[CLIENTS];
    struct ys_client clients[CLIENTS];
    int kernel_buffer = 4000000;
    uint64_t before;

    (void)state;
    memset(ys_blob_data(blob), 'x', BODY_BYTES);
    echo.answers_later = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        ys_client_open(&clients[i], ys_echo_port(&echo), ys_echo_pump, &echo);
        ys_client_send_str(&clients[i], "GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        PUMP_UNTIL(echo.heads == i + 1);
        uv_send_buffer_size(&echo.latest->uv.handle, &kernel_buffer);
        asked[i] = echo.latest;
    }
    before = counters->bytes_sent;
    for (unsigned i = 0; i < CLIENTS; i++)
        ys_connection_answer_shared(asked[i], &large, blob);
    uv_run(echo.loop->uv, UV_RUN_NOWAIT);
    assert_in_range(counters->bytes_sent - before, 1, 2 * (YS_LOOP_FLUSH_BYTES + BODY_BYTES));
    for (unsigned i = 0; i < CLIENTS; i++) {
        ys_client_read_head(&clients[i], answer.head, sizeof(answer.head));
        assert_int_equal(ys_client_read(&clients[i], got, sizeof(got)), sizeof(got));
        ys_client_close(&clients[i]);
    }
    ys_blob_unref(blob);
}

/* Requests for one large body that is there once; the next is not looked at before the last has left. */
static void test_connection_sends_large_bodies_by_reference(void **state)
{
    static const char requests[] = "HEAD /a HTTP/1.1\r\nHost: test\r\n\r\nGET /b HTTP/1.1\r\nHost: test\r\n\r\n"
                                   "GET /c HTTP/1.1\r\nHost: test\r\n\r\n";
    static uint8_t got[5000000];
    struct ys_blob *blob = ys_blob_new(&memory.alloc, sizeof(got));
    struct ys_http_answer large = { .status = 200, .body = { ys_blob_data(blob) + 1, sizeof(got) - 2 } };
    int kernel_buffer = 65536; /* which otherwise may grow to hold all of it */
    size_t before;

    (void)state;
    for (size_t i = 0; i < sizeof(got); i++)
        ys_blob_data(blob)[i] = (uint8_t)(i * 7 % 251);
    echo.answers_later = true;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &kernel_buffer, sizeof(kernel_buffer));
    ys_client_send_str(&client, requests);
    for (const char *path = "/a"; path[1] <= 'c'; path = path[1] == 'a' ? "/b" : path[1] == 'b' ? "/c" : "/d") {
        PUMP_UNTIL(echo.heads == (unsigned)(path[1] - 'a') + 1);
        assert_memory_equal(ys_connection_head(echo.latest)->path.data, path, 2);
        uv_send_buffer_size(&echo.latest->uv.handle, &kernel_buffer);
        before = memory.live_bytes;
        ys_connection_answer_shared(echo.latest, &large, blob);
        for (int turn = 0; turn < 3; turn++)
            ys_echo_pump(&echo);
        if (path[1] != 'a')
            assert_memory_equal(ys_connection_head(echo.latest)->path.data, path, 2);
        assert_true(memory.live_bytes < before + 100000);
        ys_client_read_head(&client, answer.head, sizeof(answer.head));
        assert_non_null(strstr(answer.head, "Content-Length: 4999998\r\n"));
        if (path[1] == 'a')
            continue;
        assert_int_equal(ys_client_read(&client, got, large.body.len), large.body.len);
        assert_memory_equal(got, large.body.data, large.body.len);
    }
    assert_true(ys_loop_counters(echo.loop)->bytes_sent >= 2 * large.body.len);
    assert_int_equal(ys_loop_counters(echo.loop)->bytes_received, sizeof(requests) - 1);
    ys_blob_unref(blob);
}

/* Input that comes in the same turn as the last answer is thrown away, and nothing else is. */
static void test_connection_sends_its_last_body_whatever_comes_behind(void **state)
{
    static uint8_t got[50000];
    struct ys_blob *blob = ys_blob_new(&memory.alloc, sizeof(got));
    struct ys_http_answer last = { .status = 200, .body = { ys_blob_data(blob), sizeof(got) }, .close = true };
    uint8_t junk[] = { 'j', 'u', 'n', 'k' };
    struct ys_connection *connection;

    (void)state;
    memset(ys_blob_data(blob), 'b', sizeof(got));
    echo.answers_later = true;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\n");
    PUMP_UNTIL(echo.heads == 1);
    connection = echo.latest;
    ys_connection_answer_shared(connection, &last, blob); /* `closed` is called, and the answer yet to leave */
    ys_connection_take_input(connection, junk, sizeof(junk));
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    assert_int_equal(ys_client_read(&client, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, last.body.data, sizeof(got));
    ys_client_expect_end(&client);
    ys_blob_unref(blob);
}

/* What a client sends while nobody listens to it stays in its own hands after the first 128 KiB. */
static void test_connection_holds_little_while_an_answer_is_awaited(void **state)
{
    static const uint8_t junk[65536] = { 0 };
    size_t taken = 0;

    (void)state;
    echo.answers_later = true;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\n");
    for (int i = 0; i < 1000; i++) {
        ssize_t sent = send(client.fd, junk, sizeof(junk), MSG_NOSIGNAL);

        taken += sent > 0 ? (size_t)sent : 0;
        if (i % 50 == 0)
            ys_echo_pump(&echo);
    }
    assert_true(taken > 200000);
    if (memory.peak_bytes > sizeof(struct ys_loop) + 400000)
        fail_msg("held %zu bytes", memory.peak_bytes - sizeof(struct ys_loop));
}

static void test_connection_hurries_slow_heads(void **state)
{
    (void)state;
    echo.config.head_timeout_ms = 30;
    ys_client_send_str(&client, "GET / HTTP/1.1\r\nHost: te");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 408);
    ys_client_expect_end(&client);
}

/* One byte each 5 ms: a byte buys one. */
static void test_connection_hurries_slow_bodies(void **state)
{
    (void)state;
    echo.config.idle_timeout_ms = 40;
    ys_client_send_str(&client, "POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 200\r\n\r\n");
    for (int i = 0; i < 200 && echo.closed == 0; i++) {
        ys_client_send_str(&client, "x");
        ys_echo_pump(&echo); /* takes it in */
        ys_echo_pump(&echo); /* 5 ms of silence */
    }
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 408);
    ys_client_expect_end(&client);
}

/* In all it takes longer than one may be silent. */
static void test_connection_lets_steady_bodies_come(void **state)
{
    static const char piece[] = "xxxxxxxxxxxxxxxxxxxx";

    (void)state;
    echo.config.idle_timeout_ms = 300;
    ys_client_send_str(&client, "POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 1600\r\n\r\n");
    for (int i = 0; i < 80; i++) {
        ys_client_send_str(&client, piece);
        ys_echo_pump(&echo);
        ys_echo_pump(&echo);
    }
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 200);
}

static void test_connection_ends_idle_ones_without_a_word(void **state)
{
    (void)state;
    ys_client_get(&client, "/", &answer);
    echo.config.idle_timeout_ms = 30;
    ys_client_get(&client, "/", &answer);
    ys_client_expect_end(&client);
    assert_int_equal(echo.closed, 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_NO_CODE);
}

/* WebSocket */

static void test_connection_upgrades_and_echoes(void **state)
{
    (void)state;
    ys_client_upgrade(&client, "/");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
    ys_client_send_message(&client, "", 0);
    expect_message("", 0);
}

static void test_connection_upgrades_behind_other_requests(void **state)
{
    (void)state;
    ys_client_get(&client, "/first", &answer);
    ys_client_upgrade(&client, "/");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
}

/* Head and first frames in one packet, in two, and with the frame cut anywhere. */
static void test_connection_hands_bytes_behind_the_head_to_the_websocket(void **state)
{
    char head[512];
    uint8_t all[600];
    size_t head_len;
    size_t len;

    (void)state;
    ys_client_format_upgrade(head, sizeof(head), "/", "");
    head_len = strlen(head);
    memcpy(all, head, head_len);
    len = head_len + ys_client_put_frame(all + head_len, 0x82, "early", 5);
    for (size_t cut = head_len - 3; cut <= len; cut++) {
        ys_client_send(&client, all, cut);
        for (int turn = 0; turn < 2; turn++)
            ys_echo_pump(&echo);
        ys_client_send(&client, all + cut, len - cut);
        while (ys_client_read(&client, head, 1) == 1 && head[0] != (char)0x82)
            ;
        assert_int_equal(ys_client_read(&client, head, 6), 6);
        if (memcmp(head,
                   "\x05"
                   "early",
                   6) != 0)
            fail_msg("cut at %zu of %zu: the frame got lost", cut, len);
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    }
}

static void test_connection_carries_large_messages(void **state)
{
    static uint8_t large[65535];
    static uint8_t got[65535];
    const size_t count = 40;

    (void)state;
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (uint8_t)(i * 7 + i / 251);
    ys_client_upgrade(&client, "/");
    for (size_t i = 0; i < count; i++)
        ys_client_send_frame(&client, i == 0 ? 0x02 : i + 1 < count ? 0x00 : 0x80, large, sizeof(large));
    assert_int_equal(ys_client_read(&client, got, 10), 10);
    assert_int_equal(got[0], 0x82);
    assert_int_equal(got[1], 127);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ys_client_read(&client, got, sizeof(got)), sizeof(got));
        assert_memory_equal(got, large, sizeof(large));
    }
}

/* Everything of one turn leaves at the end of it, in one piece: nothing trickles. */
static void test_connection_sends_what_a_turn_brought_at_once(void **state)
{
    struct pollfd readable = { .events = POLLIN };
    uint8_t got[4096];
    ssize_t count;

    (void)state;
    ys_client_upgrade(&client, "/");
    for (int i = 0; i < 32; i++)
        assert_int_equal(ys_echo_send(&echo, bytes_of("sixty bytes of an update of a document, as clients send them")),
                         YSYNC_OK);
    assert_int_equal(echo.pulls, 0);
    uv_run(echo.loop->uv, UV_RUN_NOWAIT);
    assert_int_equal(echo.pulls, 32);
    readable.fd = client.fd;
    assert_int_equal(poll(&readable, 1, 20000), 1);
    count = recv(client.fd, got, sizeof(got), 0);
    assert_int_equal(count, 32 * (2 + 60));
}

/* While the socket is full nothing is asked for; afterwards all comes, in order. */
static void test_connection_pulls_no_more_than_the_socket_takes(void **state)
{
    static uint8_t piece[30000];
    const unsigned count = 2000;

    (void)state;
    ys_client_upgrade(&client, "/");
    for (unsigned i = 0; i < count; i++) {
        memcpy(piece, &i, sizeof(i));
        assert_int_equal(ys_echo_send(&echo, (struct ysync_bytes){ piece, i % 3 ? 100 : sizeof(piece) }), YSYNC_OK);
    }
    for (int turn = 0; turn < 20; turn++)
        ys_echo_pump(&echo);
    if (echo.pulls >= count)
        fail_msg("all %u messages were taken for a reader that reads nothing", echo.pulls);
    for (unsigned i = 0; i < count; i++) {
        ys_client_read_frame(&client, &frame);
        memcpy(piece, &i, sizeof(i));
        assert_int_equal(frame.len, i % 3 ? 100 : sizeof(piece));
        assert_memory_equal(frame.payload, piece, frame.len);
    }
}

/* Until nothing more is taken. The kernel grows its buffers meanwhile, so the first write that waits proves nothing. */
static void fill_socket(void)
{
    static uint8_t piece[60000];
    unsigned begin = echo.pulls;
    unsigned sent = 0;

    for (int stuck_turns = 0; echo.latest && stuck_turns < 3;) {
        unsigned pulls = echo.pulls;

        for (; sent < pulls - begin + 50; sent++)
            assert_int_equal(ys_echo_send(&echo, (struct ysync_bytes){ piece, sizeof(piece) }), YSYNC_OK);
        ys_echo_pump(&echo);
        stuck_turns = echo.latest && echo.latest->write && echo.pulls == pulls ? stuck_turns + 1 : 0;
    }
}

static void test_connection_drops_readers_that_take_nothing(void **state)
{
    (void)state;
    echo.config.stall_timeout_ms = 50;
    ys_client_upgrade(&client, "/");
    fill_socket();
    PUMP_UNTIL(echo.closed == 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
}

/* Far more than is held, from a client that sends as long as it can. */
static void test_connection_reads_little_during_a_pause(void **state)
{
    static uint8_t messages[65536];
    size_t len = 0;
    size_t sent = 0;

    (void)state;
    for (unsigned i = 0; len < 60000; i++)
        len += ys_client_put_frame(messages + len, 0x82, &i, sizeof(i));
    echo.pauses = true;
    ys_client_upgrade(&client, "/");
    for (int idle_turns = 0; idle_turns < 20; idle_turns++) {
        ssize_t now = send(client.fd, messages + sent % len, len - sent % len, MSG_NOSIGNAL | MSG_DONTWAIT);

        sent += now > 0 ? (size_t)now : 0;
        idle_turns = now > 0 ? 0 : idle_turns;
        ys_echo_pump(&echo);
    }
    assert_int_equal(echo.pulls, 1);
    if (memory.peak_bytes > sizeof(struct ys_loop) + 2 * YS_LOOP_READ_BYTES)
        fail_msg("held %zu bytes", memory.peak_bytes - sizeof(struct ys_loop));

    echo.pauses = false;
    ys_connection_pause_until(echo.latest, 0);
    for (size_t i = 0; i < sent / (6 + sizeof(unsigned)); i++) {
        unsigned want = (unsigned)(i % (len / (6 + sizeof(unsigned))));

        expect_message(&want, sizeof(want));
    }
}

/* Ahead of the answer to the upgrade 64 KiB may be held. */
static void test_connection_holds_what_came_ahead_during_a_pause(void **state)
{
    static uint8_t input[200000];
    static uint8_t payload[1000];
    const unsigned count = 60;
    size_t len;

    (void)state;
    ys_client_format_upgrade((char *)input, sizeof(input), "/", "");
    len = strlen((char *)input);
    for (unsigned i = 0; i < count; i++) {
        memcpy(payload, &i, sizeof(i));
        len += ys_client_put_frame(input + len, 0x82, payload, sizeof(payload));
    }
    echo.answers_later = true;
    echo.pauses = true;
    ys_client_send(&client, input, len);
    PUMP_UNTIL(echo.heads == 1);
    for (int turn = 0; turn < 20; turn++)
        ys_echo_pump(&echo);
    grant_upgrade();
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    for (unsigned i = 0; i < count; i++) {
        memcpy(payload, &i, sizeof(i));
        expect_message(payload, sizeof(payload));
        assert_int_equal(echo.pulls, i + 1);
        ys_connection_pause_until(echo.latest, 0);
    }
}

/* Nobody asked for more than that: it is as if the verdict had been no. */
static void test_connection_tells_of_a_flood_ahead_of_the_upgrade(void **state)
{
    static uint8_t input[YS_CONNECTION_MAX_EARLY_BYTES + 1];
    char reason[126];

    (void)state;
    echo.answers_later = true;
    ys_client_format_upgrade((char *)input, sizeof(input), "/", "");
    ys_client_send_str(&client, (char *)input);
    memset(input, 'x', sizeof(input));
    ys_client_send(&client, input, sizeof(input) - 1);
    for (int turn = 0; turn < 20; turn++)
        ys_echo_pump(&echo);
    assert_int_equal(echo.floods, 0);
    ys_client_send(&client, input, 1);
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    ys_client_expect_close(&client, 1008, reason);
    assert_int_equal(echo.floods, 1);
}

/* Nobody who is not read is cut off for saying nothing, and pings go on: they find out who is gone. All is sent at
 * once, so that the pause begins before the first ping. */
static void test_connection_does_not_blame_the_peer_for_a_pause(void **state)
{
    uint8_t input[1024];
    size_t len;

    (void)state;
    echo.config.ping_every_ms = 5;
    echo.pauses = true;
    ys_client_format_upgrade((char *)input, sizeof(input), "/", "");
    len = strlen((char *)input);
    len += ys_client_put_frame(input + len, 0x82, "first", 5);
    len += ys_client_put_frame(input + len, 0x82, "second", 6);
    ys_client_send(&client, input, len);
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    expect_message("first", 5);
    for (int i = 0; i < 5; i++) {
        ys_client_read_frame(&client, &frame);
        assert_int_equal(frame.opcode, YS_WS_PING);
    }
    ys_connection_pause_until(echo.latest, 0);
    do
        ys_client_read_frame(&client, &frame);
    while (frame.opcode == YS_WS_PING);
    assert_memory_equal(frame.payload, "second", 6);
}

/* Their close frame is found in what is held; the messages in front of it are not looked at any more. */
static void test_connection_closes_during_a_pause(void **state)
{
    uint8_t input[64];
    size_t len = ys_client_put_frame(input, 0x82, "first", 5);

    (void)state;
    len += ys_client_put_frame(input + len, 0x82, "second", 6);
    len += ys_client_put_frame(input + len, 0x88, "\x03\xe8", 2);
    echo.pauses = true;
    echo.config.close_timeout_ms = 3600000;
    ys_client_upgrade(&client, "/");
    ys_client_send(&client, input, len);
    expect_message("first", 5);
    ys_connection_close(echo.latest, 1001, "bye");
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_CLOSE);
    ys_client_expect_end(&client);
    assert_int_equal(echo.closed_code, 1001);
    assert_int_equal(echo.pulls, 1);
}

static void test_connection_answers_every_ping(void **state)
{
    (void)state;
    ys_client_upgrade(&client, "/");
    for (int i = 0; i < 10; i++) {
        char payload[16];

        snprintf(payload, sizeof(payload), "ping %d", i);
        ys_client_send_frame(&client, 0x89, payload, strlen(payload));
    }
    for (int i = 0; i < 10; i++) {
        char want[16];

        snprintf(want, sizeof(want), "ping %d", i);
        ys_client_read_frame(&client, &frame);
        assert_int_equal(frame.opcode, YS_WS_PONG);
        assert_int_equal(frame.len, strlen(want));
        assert_memory_equal(frame.payload, want, frame.len);
    }
}

/* A flood of pings from somebody who reads nothing: only the latest is remembered, and answered in the end. */
static void test_connection_keeps_one_pong_for_who_does_not_read(void **state)
{
    const unsigned count = 20000;
    uint64_t received;
    size_t before;
    char payload[100];

    (void)state;
    ys_client_upgrade(&client, "/");
    fill_socket();
    before = memory.live_bytes;
    received = ys_loop_counters(echo.loop)->bytes_received;
    for (unsigned i = 0; i < count; i++) {
        memset(payload, 'x', sizeof(payload));
        snprintf(payload, sizeof(payload), "ping %u", i);
        ys_client_send_frame(&client, 0x89, payload, sizeof(payload));
    }
    PUMP_UNTIL(ys_loop_counters(echo.loop)->bytes_received == received + count * (6 + sizeof(payload)));
    if (memory.live_bytes > before + 4096)
        fail_msg("%zu bytes were kept of pings", memory.live_bytes - before);
    do
        ys_client_read_frame(&client, &frame);
    while (frame.opcode != YS_WS_PONG);
    assert_int_equal(frame.len, sizeof(payload));
    assert_string_equal((char *)frame.payload, "ping 19999");
}

/* However long the loop was held up: what has come by then is looked at before anybody is called silent. */
static void test_connection_hears_who_spoke_while_it_was_busy(void **state)
{
    (void)state;
    echo.config.ping_every_ms = 10;
    ys_client_upgrade(&client, "/");
    for (int i = 0; i < 5; i++) {
        uint64_t until_ms = uv_hrtime() / 1000000 + 30;

        ys_client_read_frame(&client, &frame);
        assert_int_equal(frame.opcode, YS_WS_PING);
        ys_client_send_frame(&client, 0x8a, frame.payload, frame.len);
        while (uv_hrtime() / 1000000 < until_ms)
            ;
        assert_int_equal(echo.closed, 0);
    }
}

static void test_connection_pings_and_drops_the_silent(void **state)
{
    (void)state;
    echo.config.ping_every_ms = 40;
    ys_client_upgrade(&client, "/");
    for (int i = 0; i < 3; i++) {
        ys_client_read_frame(&client, &frame);
        assert_int_equal(frame.opcode, YS_WS_PING);
        ys_client_send_frame(&client, 0x8a, frame.payload, frame.len);
    }
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_PING);
    assert_int_equal(echo.closed, 0);
    ys_client_expect_end(&client);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
}

/* Closing */

static void test_connection_answers_a_close(void **state)
{
    static const struct {
        const char *name;
        uint16_t code; /* 0: an empty close frame */
        uint16_t reported;
    } cases[] = {
        { "with a code", 1000, 1000 },
        { "with a code of an application", 4321, 4321 },
        { "without", 0, YS_WS_CLOSE_NO_STATUS },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t payload[2] = { (uint8_t)(cases[i].code >> 8), (uint8_t)cases[i].code };
        size_t len = cases[i].code ? 2 : 0;

        ys_client_upgrade(&client, "/");
        ys_client_send_frame(&client, 0x88, payload, len);
        ys_client_read_frame(&client, &frame);
        if (frame.opcode != YS_WS_CLOSE || frame.len != len || memcmp(frame.payload, payload, len) != 0)
            fail_msg("%s: the answer is another", cases[i].name);
        ys_client_expect_end(&client);
        assert_int_equal(echo.closed_code, cases[i].reported);
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    }
}

/* All in one packet, ended by their close frame, or by one that nobody may send. */
static void test_connection_answers_what_came_before_the_end(void **state)
{
    static const struct {
        const char *name;
        uint8_t first_byte;
        uint16_t code;
    } cases[] = {
        { "a close", 0x88, YS_WS_CLOSE_NORMAL },
        { "a reserved opcode", 0x8b, YS_WS_CLOSE_PROTOCOL_ERROR },
    };
    uint8_t input[128];
    char reason[126];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = ys_client_put_frame(input, 0x82, "first", 5);

        len += ys_client_put_frame(input + len, 0x89, "ping", 4);
        len += ys_client_put_frame(input + len, 0x82, "second", 6);
        len += ys_client_put_frame(input + len, cases[i].first_byte, "\x03\xe8", 2);
        ys_client_upgrade(&client, "/");
        ys_client_send(&client, input, len);
        ys_client_read_frame(&client, &frame);
        if (frame.opcode != YS_WS_PONG)
            fail_msg("%s: got opcode %u, want a pong", cases[i].name, frame.opcode);
        expect_message("first", 5);
        expect_message("second", 6);
        ys_client_expect_close(&client, cases[i].code, reason);
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    }
}

static void test_connection_closes_and_sends_nothing_behind(void **state)
{
    char reason[126];

    (void)state;
    ys_client_upgrade(&client, "/");
    assert_int_equal(ys_echo_send(&echo, bytes_of("too late")), YSYNC_OK);
    ys_connection_send(echo.latest, bytes_of("just in time"));
    ys_connection_close(echo.latest, YS_WS_CLOSE_GOING_AWAY, "bye");
    assert_int_equal(echo.closed, 1);
    assert_int_equal(echo.closed_code, YS_WS_CLOSE_GOING_AWAY);
    expect_message("just in time", 12);
    ys_client_send_message(&client, "ignored", 7);
    ys_client_send_frame(&client, 0x89, "ignored", 7);
    ys_client_expect_close(&client, YS_WS_CLOSE_GOING_AWAY, reason);
    assert_string_equal(reason, "bye");
    assert_int_equal(echo.closed, 1);
}

static void test_connection_does_not_wait_for_ever_for_a_close(void **state)
{
    (void)state;
    echo.config.close_timeout_ms = 50;
    ys_client_upgrade(&client, "/");
    ys_connection_close(echo.latest, YS_WS_CLOSE_GOING_AWAY, "");
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_CLOSE);
    ys_client_expect_end(&client);
}

/* The close frame arrives although bytes that nobody reads are still coming in: no reset destroys it. */
static void test_connection_closes_what_breaks_the_protocol(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        uint16_t code;
    } cases[] = {
        { "a frame without a mask", "\x82\x01x", 3, YS_WS_CLOSE_PROTOCOL_ERROR },
        { "a reserved bit", "\xc2\x81....x", 7, YS_WS_CLOSE_PROTOCOL_ERROR },
        { "a text message", "\x81\x80....", 6, YS_WS_CLOSE_UNSUPPORTED },
        { "a length beyond all limits", "\x82\xff\x00\x00\x7f\xff\xff\xff\xff\xff....", 14, YS_WS_CLOSE_TOO_BIG },
    };
    static const uint8_t junk[60000] = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ys_client_upgrade(&client, "/");
        ys_client_send(&client, cases[i].bytes, cases[i].len);
        ys_client_send(&client, junk, sizeof(junk));
        ys_client_read_frame(&client, &frame);
        if (frame.opcode != YS_WS_CLOSE || (frame.payload[0] << 8 | frame.payload[1]) != cases[i].code)
            fail_msg("%s: got opcode %u, code %u, want %u", cases[i].name, frame.opcode,
                     (unsigned)(frame.payload[0] << 8 | frame.payload[1]), cases[i].code);
        if (cases[i].code != YS_WS_CLOSE_UNSUPPORTED)
            ys_client_expect_end(&client);
        assert_int_equal(echo.closed_code, cases[i].code);
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    }
}

static void test_connection_notices_a_peer_that_is_gone(void **state)
{
    (void)state;
    ys_client_upgrade(&client, "/");
    ys_client_close(&client);
    PUMP_UNTIL(echo.closed == 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
}

/* Memory */

static void test_connection_holds_no_buffers_when_idle(void **state)
{
    size_t before = memory.live_bytes;
    const size_t target = 800; /* of the 1.5 KiB for connection, parser, member and room */

    (void)state;
    ys_client_upgrade(&client, "/");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
    ys_client_send_frame(&client, 0x89, "ping", 4);
    ys_client_read_frame(&client, &frame);
    ys_echo_pump(&echo);
    if (memory.live_bytes - before > target)
        fail_msg("an idle connection holds %zu bytes, want at most %zu", memory.live_bytes - before, target);
}

/* One allocation fails, whichever: the client gets its echo or the end, and nothing leaks. */
static void test_connection_survives_failed_allocations(void **state)
{
    char head[512];
    uint8_t all[600];
    uint8_t byte;
    size_t len;

    (void)state;
    ys_client_format_upgrade(head, sizeof(head), "/", "");
    len = strlen(head);
    memcpy(all, head, len);
    len += ys_client_put_frame(all + len, 0x82, "hello", 5);
    len += ys_client_put_frame(all + len, 0x89, "ping", 4);
    len += ys_client_put_frame(all + len, 0x88, "\x03\xe8", 2);
    for (size_t n = 0;; n++) {
        ys_client_close(&client);
        ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
        memory.failed = false;
        memory.fail_at = memory.requests + n;
        ys_client_send(&client, all, len);
        for (int turn = 0; turn < 3; turn++)
            ys_echo_pump(&echo);
        memory.fail_at = YS_TEST_NEVER_FAIL;
        errno = 0;
        while (recv(client.fd, &byte, 1, 0) == 1 || errno == EAGAIN) {
            ys_echo_pump(&echo);
            errno = 0;
        }
        if (!memory.failed)
            break;
    }
    assert_int_equal(echo.closed_code, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_connection_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_requests_one_after_the_other),
        TEST(answers_pipelined_requests_in_order),
        TEST(takes_no_more_requests_than_it_answers),
        TEST(reads_a_request_byte_by_byte),
        TEST(ends_after_the_last_answer),
        TEST(keeps_an_old_client_that_asks_for_it),
        TEST(says_what_time_it_is),
        TEST(answers_who_has_finished_speaking),
        TEST(waits_for_an_answer_that_comes_later),
        TEST(upgrades_later),
        TEST(answers_later_who_has_finished_speaking),
        TEST(ends_a_websocket_whose_peer_has_finished),
        TEST(permits_bodies_to_be_sent),
        TEST(holds_little_of_a_body_nobody_wants),
        TEST(flushes_a_bounded_amount_in_a_turn),
        TEST(sends_large_bodies_by_reference),
        TEST(sends_its_last_body_whatever_comes_behind),
        TEST(holds_little_while_an_answer_is_awaited),
        TEST(hurries_slow_heads),
        TEST(hurries_slow_bodies),
        TEST(lets_steady_bodies_come),
        TEST(ends_idle_ones_without_a_word),
        TEST(upgrades_and_echoes),
        TEST(upgrades_behind_other_requests),
        TEST(hands_bytes_behind_the_head_to_the_websocket),
        TEST(carries_large_messages),
        TEST(sends_what_a_turn_brought_at_once),
        TEST(pulls_no_more_than_the_socket_takes),
        TEST(drops_readers_that_take_nothing),
        TEST(reads_little_during_a_pause),
        TEST(holds_what_came_ahead_during_a_pause),
        TEST(tells_of_a_flood_ahead_of_the_upgrade),
        TEST(does_not_blame_the_peer_for_a_pause),
        TEST(closes_during_a_pause),
        TEST(answers_every_ping),
        TEST(keeps_one_pong_for_who_does_not_read),
        TEST(hears_who_spoke_while_it_was_busy),
        TEST(pings_and_drops_the_silent),
        TEST(answers_a_close),
        TEST(answers_what_came_before_the_end),
        TEST(closes_and_sends_nothing_behind),
        TEST(does_not_wait_for_ever_for_a_close),
        TEST(closes_what_breaks_the_protocol),
        TEST(notices_a_peer_that_is_gone),
        TEST(holds_no_buffers_when_idle),
        TEST(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
