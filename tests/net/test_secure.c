/* SPDX-License-Identifier: MIT */
/* Connections that speak TLS over real sockets; the server runs on the test's own thread whenever the client waits. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/echo.h"
#include "support/certificate.h"
#include "support/failing_alloc.h"
#include "support/tls_client.h"

#define YEAR_SECONDS (365L * 24 * 3600)

static struct ys_test_certificate certificate;
static struct ys_test_alloc memory;
static struct ys_echo echo;
static struct ys_client client;
static struct ys_tls_client tls;
static struct ys_client_frame frame;
static struct ys_client_answer answer;

static void connect_client(void)
{
    ys_tls_client_open(&client, &tls, ys_echo_port(&echo), ys_echo_pump, &echo);
}

static void connect_again(void)
{
    ys_tls_client_close(&client);
    connect_client();
}

/* A client without TLS. */
static void connect_plain(void)
{
    ys_tls_client_close(&client);
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
}

static void close_plain(void)
{
    ys_client_close(&client);
    connect_client();
}

static int set_up(void **state)
{
    struct ysync_problem problem = { "" };

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_test_certificate_make(&certificate, "first", YEAR_SECONDS);
    if (ys_echo_open(&echo, &memory.alloc, 0, &problem))
        return -1;
    if (ys_tls_context_new(&memory.alloc, certificate.cert_file, certificate.key_file, &echo.config.tls, &problem))
        return -1;
    connect_client();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_tls_client_close(&client);
    ys_echo_close(&echo);
    ys_tls_context_unref(echo.config.tls);
    ys_test_certificate_remove(&certificate);
    return memory.live_blocks == 0 ? 0 : -1;
}

static void expect_message(const void *want, size_t len)
{
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_BINARY);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

static void shrink_buffers(void)
{
    int bytes = 65536;

    uv_send_buffer_size(&echo.latest->uv.handle, &bytes);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static void pump(int turns)
{
    while (turns-- > 0)
        ys_echo_pump(&echo);
}

static uint64_t refused(enum ys_loop_refusal why)
{
    return ys_loop_counters(echo.loop)->refused[why];
}

/* Carrying */

static void test_secure_carries_http_and_websockets(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        connect_again();
        SSL_set_min_proto_version(tls.ssl, versions[i]);
        SSL_set_max_proto_version(tls.ssl, versions[i]);
        ys_client_get(&client, "/one", &answer);
        assert_string_equal(answer.body, "/one");
        ys_client_upgrade(&client, "/");
        ys_client_send_message(&client, "hello", 5);
        expect_message("hello", 5);
        assert_int_equal(SSL_version(tls.ssl), versions[i]);
    }
}

static void test_secure_reads_byte_by_byte(void **state)
{
    (void)state;
    tls.max_send = 1;
    ys_client_get(&client, "/one", &answer);
    assert_string_equal(answer.body, "/one");
    ys_client_upgrade(&client, "/");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
}

/* The first message stands in the same packet as the end of the handshake. */
static void test_secure_takes_what_comes_with_the_handshake(void **state)
{
    char text[1024];

    (void)state;
    ys_client_format_upgrade(text, sizeof(text), "/", "");
    ys_tls_client_shake_hands(&client);
    ys_client_send_str(&client, text);
    ys_client_send_message(&client, "early", 5);
    ys_client_read_head(&client, text, sizeof(text));
    expect_message("early", 5);
}

/* Messages of many sizes from a client that reads only when it cannot send. */
static void test_secure_carries_much_both_ways(void **state)
{
    static uint8_t payload[65000];
    const unsigned count = 300;
    unsigned echoed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7 % 251);
    ys_client_upgrade(&client, "/");
    shrink_buffers();
    for (unsigned i = 0; i < count; i++)
        ys_client_send_message(&client, payload, (i * 7919) % sizeof(payload));
    while (echoed < count) {
        expect_message(payload, (echoed * 7919) % sizeof(payload));
        echoed++;
    }
}

static void send_blob(size_t len)
{
    struct ys_blob *blob = ys_blob_new(&memory.alloc, len);

    for (size_t i = 0; i < len; i++)
        ys_blob_data(blob)[i] = (uint8_t)(i * 7 % 251);
    assert_int_equal(ys_echo_send(&echo, ys_blob_bytes(blob)), YSYNC_OK);
    ys_blob_unref(blob);
}

/* A large message that is there once, for a reader who does not take it: one piece of it is encrypted. What comes
 * behind it is not pulled. */
static void test_secure_holds_one_piece_for_a_slow_reader(void **state)
{
    static uint8_t got[8000000 + 10];
    size_t before;

    (void)state;
    ys_client_upgrade(&client, "/");
    shrink_buffers();
    send_blob(8000000);
    send_blob(8000000);
    before = memory.live_bytes;
    PUMP_UNTIL(echo.latest->write);
    pump(5);
    assert_int_equal(echo.pulls, 1);
    assert_true(memory.live_bytes > before);
    if (memory.live_bytes > before + 100000)
        fail_msg("a slow reader costs %zu bytes", memory.live_bytes - before);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ys_client_read(&client, got, sizeof(got)), sizeof(got));
        for (size_t at = 10; at < sizeof(got); at++)
            assert_int_equal(got[at], (at - 10) * 7 % 251);
    }
    assert_int_equal(echo.pulls, 2);
}

/* What is pulled already leaves, whole, ahead of a close frame. */
static void test_secure_closes_behind_a_message_on_its_way(void **state)
{
    static uint8_t got[8000000 + 10];

    (void)state;
    ys_client_upgrade(&client, "/");
    shrink_buffers();
    send_blob(8000000);
    PUMP_UNTIL(echo.pulls == 1);
    ys_connection_close(echo.latest, 1001, "bye");
    assert_int_equal(ys_client_read(&client, got, sizeof(got)), sizeof(got));
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_CLOSE);
    ys_client_send_close(&client, 1001);
    ys_tls_client_expect_end(&client);
}

/* Bodies that lie in `out`, and bodies by reference; the next request waits for all of them. */
static void test_secure_answers_with_large_bodies(void **state)
{
    static uint8_t got[3000000];
    struct ys_blob *blob = ys_blob_new(&memory.alloc, sizeof(got));
    struct ys_http_answer large = { .status = 200, .body = { ys_blob_data(blob), sizeof(got) } };

    (void)state;
    for (size_t i = 0; i < sizeof(got); i++)
        ys_blob_data(blob)[i] = (uint8_t)(i * 7 % 251);
    echo.answers_later = true;
    ys_tls_client_shake_hands(&client);
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        ys_client_send_str(&client, i == 0 ? "GET /b HTTP/1.1\r\nHost: test\r\n\r\n" : "");
        PUMP_UNTIL(echo.heads == (i == 0 ? 1 : 2));
        shrink_buffers();
        assert_memory_equal(ys_connection_head(echo.latest)->path.data, i == 0 ? "/a" : "/b", 2);
        if (i == 0)
            ys_connection_answer(echo.latest, &large);
        else
            ys_connection_answer_shared(echo.latest, &large, blob);
        pump(5);
        if (i == 0)
            assert_memory_equal(ys_connection_head(echo.latest)->path.data, "/a", 2);
        ys_client_read_head(&client, answer.head, sizeof(answer.head));
        assert_int_equal(ys_client_read(&client, got, sizeof(got)), sizeof(got));
        assert_memory_equal(got, ys_blob_data(blob), sizeof(got));
    }
    ys_blob_unref(blob);
}

/* A client that sends requests without end and reads answers only when it must: what is held of its input has room. */
static void test_secure_holds_what_comes_ahead(void **state)
{
    static char requests[20000 * 48];
    const size_t count = 20000;
    size_t total = 0;
    size_t sent = 0;
    size_t answered = 0;

    (void)state;
    ys_client_get(&client, "/", &answer);
    shrink_buffers();
    for (size_t i = 0; i < count; i++)
        total += (size_t)sprintf(requests + total, "GET /%06zu HTTP/1.1\r\nHost: test\r\n\r\n", i);
    while (answered < count) {
        ssize_t now = sent < total ? client.send(&client, requests + sent, total - sent) : 0;
        char want[16];

        sent += now > 0 ? (size_t)now : 0;
        if (now > 0)
            continue;
        ys_client_read_answer(&client, true, &answer);
        snprintf(want, sizeof(want), "/%06zu", answered++);
        assert_string_equal(answer.body, want);
    }
}

static void test_secure_counts_bytes_of_the_wire(void **state)
{
    BIO *from_server = SSL_get_rbio(tls.ssl);
    BIO *to_server = SSL_get_wbio(tls.ssl);

    (void)state;
    ys_client_get(&client, "/one", &answer);
    assert_int_equal(ys_loop_counters(echo.loop)->bytes_sent, BIO_number_read(from_server));
    assert_int_equal(ys_loop_counters(echo.loop)->bytes_received, BIO_number_written(to_server));
}

/* The end */

static void test_secure_says_when_it_ends(void **state)
{
    (void)state;
    ys_client_send_str(&client, "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    ys_tls_client_expect_end(&client);

    connect_again();
    ys_client_upgrade(&client, "/");
    ys_client_send_close(&client, 1000);
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_CLOSE);
    ys_tls_client_expect_end(&client);

    connect_again();
    ys_client_get(&client, "/", &answer);
    echo.config.idle_timeout_ms = 30;
    ys_client_get(&client, "/", &answer);
    ys_tls_client_expect_end(&client);
}

static void test_secure_answers_who_has_finished_speaking(void **state)
{
    (void)state;
    ys_client_send_str(&client, "GET /a HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_tls_client_finish(&client);
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/a");
    ys_tls_client_expect_end(&client);

    connect_again();
    ys_client_send_str(&client, "GET /b HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_client_finish(&client); /* a FIN without close_notify */
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, "/b");
    ys_tls_client_expect_end(&client);
}

static void test_secure_notices_a_peer_that_is_gone(void **state)
{
    (void)state;
    ys_client_upgrade(&client, "/");
    connect_again();
    PUMP_UNTIL(echo.closed == 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
}

/* Who does not belong here */

static void test_secure_tells_plain_http(void **state)
{
    (void)state;
    connect_plain();
    ys_client_send_str(&client, "OPTIONS / HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body, "This port speaks TLS: use https:// or wss://"));
    ys_client_expect_end(&client);
    assert_int_equal(refused(YS_LOOP_BAD_REQUEST), 1);
    close_plain();
}

static void test_secure_ends_what_is_not_tls(void **state)
{
    static const uint8_t junk[100] = { 0x16, 0x03, 0x01, 0x00, 0x10, 0x77 };
    char rest[64];

    (void)state;
    connect_plain();
    ys_client_send(&client, junk, sizeof(junk));
    assert_true(ys_client_read(&client, rest, sizeof(rest)) < sizeof(rest)); /* an alert, and the end */
    assert_int_equal(refused(YS_LOOP_BAD_HANDSHAKE), 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_NO_CODE);
    close_plain();
}

static void test_secure_hurries_handshakes(void **state)
{
    static const uint8_t beginning[] = { 0x16, 0x03, 0x01 };

    (void)state;
    echo.config.head_timeout_ms = 30;
    connect_plain();
    ys_client_expect_end(&client);
    ys_client_close(&client);
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    ys_client_send(&client, beginning, sizeof(beginning));
    ys_client_expect_end(&client);
    assert_int_equal(refused(YS_LOOP_TIMEOUT), 2);
    close_plain();
}

/* A handshake has time for itself, and the head that follows has its own. */
static void test_secure_gives_requests_their_time(void **state)
{
    (void)state;
    ys_client_get(&client, "/", &answer);
    assert_true(echo.latest->deadline_ms > ys_loop_now(echo.loop) + echo.config.head_timeout_ms);
    echo.config.head_timeout_ms = 30;
    ys_client_send_str(&client, "GET / HTT");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 408);
    ys_tls_client_expect_end(&client);
}

static void test_secure_cuts_floods_of_key_updates(void **state)
{
    uint8_t byte;
    ssize_t status = -1;

    (void)state;
    ys_client_upgrade(&client, "/");
    for (int i = 0; i < 200; i++) {
        SSL_key_update(tls.ssl, SSL_KEY_UPDATE_REQUESTED);
        client.send(&client, "\x8a", 1);
    }
    PUMP_UNTIL(echo.closed == 1);
    assert_int_equal(echo.closed_code, YS_CONNECTION_CUT_OFF);
    while ((status = recv(client.fd, &byte, 1, 0)) == 1)
        ;
    assert_true(status == 0 || errno == ECONNRESET);
}

/* Certificates */

static void expect_name(const char *want)
{
    X509 *shown = SSL_get1_peer_certificate(tls.ssl);
    char name[64];

    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof(name));
    X509_free(shown);
    assert_string_equal(name, want);
}

static void test_secure_changes_certificates_without_dropping_anybody(void **state)
{
    struct ys_test_certificate next;
    struct ys_tls_context *old = echo.config.tls;
    struct ys_client first = client;
    struct ys_tls_client first_tls = tls;

    (void)state;
    first.wire = &first_tls;
    ys_client_upgrade(&first, "/");
    tls = first_tls;
    expect_name("first");
    ys_test_certificate_make(&next, "second", YEAR_SECONDS);
    assert_int_equal(ys_tls_context_new(&memory.alloc, next.cert_file, next.key_file, &echo.config.tls, NULL),
                     YSYNC_OK);
    ys_tls_context_unref(old);

    connect_client();
    ys_client_get(&client, "/", &answer);
    expect_name("second");
    ys_client_send_message(&first, "hello", 5);
    ys_client_read_frame(&first, &frame);
    assert_int_equal(frame.len, 5);
    ys_tls_client_close(&first);
    ys_test_certificate_remove(&next);
}

static void test_secure_leaves_adopted_ones_plain(void **state)
{
    struct ys_connection *adopted;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(ys_connection_adopt(echo.loop, pair[0], &echo.config, &adopted), YSYNC_OK);
    assert_null(adopted->secure);
    ys_connection_drop(adopted);
    close(pair[1]);
}

/* Memory */

static void test_secure_holds_no_buffers_when_idle(void **state)
{
    size_t before = memory.live_bytes;
    const size_t target = 1100; /* 300 more than a plain connection, beside what OpenSSL allocates for itself */

    (void)state;
    ys_client_upgrade(&client, "/");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
    ys_echo_pump(&echo);
    if (memory.live_bytes - before > target)
        fail_msg("an idle connection holds %zu bytes, want at most %zu", memory.live_bytes - before, target);
}

/* Sends the request and reads the first byte of the answer; false: the server has ended the connection. Its memory
 * comes back in between. */
static bool try_request(const char *request)
{
    bool is_sent = false;
    char byte;

    for (int turn = 0; turn < 2000; turn++) {
        ssize_t got;

        if (!is_sent)
            is_sent = client.send(&client, request, strlen(request)) > 0;
        got = client.recv(&client, &byte, 1);
        if (got >= 0 || errno != EAGAIN)
            return got == 1;
        ys_echo_pump(&echo);
        if (turn == 10)
            memory.fail_at = YS_TEST_NEVER_FAIL;
    }
    fail_msg("neither an answer nor the end has come");
    return false;
}

/* One allocation fails, whichever: the client gets its answer or the end, and nothing leaks. */
static void test_secure_survives_failed_allocations(void **state)
{
    char head[512];

    (void)state;
    ys_client_format_upgrade(head, sizeof(head), "/", "");
    for (size_t n = 0;; n++) {
        bool is_answered;

        connect_again();
        memory.failed = false;
        memory.fail_at = memory.requests + n;
        is_answered = try_request(head);
        memory.fail_at = YS_TEST_NEVER_FAIL;
        if (memory.failed)
            continue;
        assert_true(is_answered);
        break;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_secure_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(carries_http_and_websockets),
        TEST(reads_byte_by_byte),
        TEST(takes_what_comes_with_the_handshake),
        TEST(carries_much_both_ways),
        TEST(holds_one_piece_for_a_slow_reader),
        TEST(closes_behind_a_message_on_its_way),
        TEST(answers_with_large_bodies),
        TEST(holds_what_comes_ahead),
        TEST(counts_bytes_of_the_wire),
        TEST(says_when_it_ends),
        TEST(answers_who_has_finished_speaking),
        TEST(notices_a_peer_that_is_gone),
        TEST(tells_plain_http),
        TEST(ends_what_is_not_tls),
        TEST(hurries_handshakes),
        TEST(gives_requests_their_time),
        TEST(cuts_floods_of_key_updates),
        TEST(changes_certificates_without_dropping_anybody),
        TEST(leaves_adopted_ones_plain),
        TEST(holds_no_buffers_when_idle),
        TEST(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
