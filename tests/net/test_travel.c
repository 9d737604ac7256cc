/* SPDX-License-Identifier: MIT */
/*
 * Two loops, `here` where the clients come in, and `there`, which answers paths that begin with /there. Most tests run
 * both on their own thread, one after the other, whenever the client waits; in the last ones each has its thread.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/echo.h"
#include "net/mailbox.h"
#include "support/certificate.h"
#include "support/failing_alloc.h"
#include "support/tls_client.h"

#define YEAR_SECONDS (365L * 24 * 3600)
#define LARGE_BYTES ((size_t)400000)
#define STEP_BYTES ((size_t)5000)

/* From one loop to the other. Closed, it keeps what departs. */
struct road {
    struct ys_echo *to;
    struct ys_travel *travel;
    bool is_closed;
};

static struct ys_test_certificate certificate;
static struct ys_tls_context *tls_context;
static struct ys_test_alloc memory;
static struct ys_echo here;
static struct ys_echo there;
static struct road way_there;
static struct road way_back;
static struct ys_client client;
static struct ys_tls_client tls;
static struct ys_client_frame frame;
static struct ys_client_answer answer;
static uint8_t scratch[LARGE_BYTES];

static void take_the_road(struct ys_echo *echo, struct ys_travel *travel)
{
    struct road *road = echo->road;

    assert_null(road->travel);
    road->travel = travel;
}

static void let_pass(struct road *road)
{
    struct ys_travel *travel = road->travel;

    if (!travel || road->is_closed)
        return;
    road->travel = NULL;
    ys_echo_take_in(road->to, travel);
}

static void pump(void *user)
{
    (void)user;
    ys_echo_pump(&here);
    let_pass(&way_there);
    ys_echo_pump(&there);
    let_pass(&way_back);
}

/* Turns the loops until it holds: bytes that were sent may take any number of turns to come. */
#define TURN_UNTIL(holds)                                                                                              \
    do {                                                                                                               \
        for (int turn = 0; !(holds); turn++) {                                                                         \
            if (turn > 2000)                                                                                           \
                fail_msg("not in %d turns: %s", turn, #holds);                                                         \
            pump(NULL);                                                                                                \
        }                                                                                                              \
    } while (0)

static bool speaks_tls(void)
{
    return here.config.tls != NULL;
}

static void connect_client(void)
{
    if (speaks_tls())
        ys_tls_client_open(&client, &tls, ys_echo_port(&here), pump, NULL);
    else
        ys_client_open(&client, ys_echo_port(&here), pump, NULL);
}

static void hang_up(void)
{
    if (speaks_tls())
        ys_tls_client_close(&client);
    else
        ys_client_close(&client);
}

static void connect_again(void)
{
    hang_up();
    connect_client();
}

static int open_both(struct ys_tls_context *context)
{
    struct ysync_problem problem = { "" };

    signal(SIGPIPE, SIG_IGN);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    if (ys_echo_open(&here, &memory.alloc, 0, &problem) || ys_echo_open(&there, &memory.alloc, 0, &problem))
        return -1;
    way_there = (struct road){ .to = &there };
    way_back = (struct road){ .to = &here };
    here.elsewhere = "/there";
    there.elsewhere = "/here";
    here.departed = there.departed = take_the_road;
    here.road = &way_there;
    there.road = &way_back;
    here.config.tls = context;
    connect_client();
    return 0;
}

static int set_up_plain(void **state)
{
    (void)state;
    return open_both(NULL);
}

static int set_up_tls(void **state)
{
    (void)state;
    return open_both(tls_context);
}

static int tear_down(void **state)
{
    (void)state;
    hang_up();
    ys_travel_free(way_there.travel);
    ys_travel_free(way_back.travel);
    ys_echo_close(&here);
    ys_echo_close(&there);
    return memory.live_blocks == 0 ? 0 : -1;
}

static int make_certificate(void **state)
{
    (void)state;
    ys_test_certificate_make(&certificate, "travel", YEAR_SECONDS);
    return ys_tls_context_new(ysync_alloc_default(), certificate.cert_file, certificate.key_file, &tls_context, NULL)
               ? -1
               : 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    ys_tls_context_unref(tls_context);
    ys_test_certificate_remove(&certificate);
    return 0;
}

static void send_get(const char *path)
{
    char request[9000];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    ys_client_send_str(&client, request);
}

/* As long as may be, and so is its answer. */
static const char *long_path(void)
{
    static char path[8000];

    memset(path, 'y', sizeof(path) - 1);
    memcpy(path, "/here/", 6);
    return path;
}

static void expect_answer(const char *path)
{
    ys_client_read_answer(&client, true, &answer);
    assert_string_equal(answer.body, path);
}

static void expect_message(const void *want, size_t len)
{
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, YS_WS_BINARY);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

static void expect_end(void)
{
    if (speaks_tls())
        ys_tls_client_expect_end(&client);
    else
        ys_client_expect_end(&client);
}

static void finish(void)
{
    if (speaks_tls())
        ys_tls_client_finish(&client); /* close_notify, and no FIN */
    else
        ys_client_finish(&client);
}

static size_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Plain or over TLS, all is the same */

static void test_travel_takes_requests_to_who_answers_them(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ys_client_get(&client, "/there/a", &answer);
        assert_string_equal(answer.body, "/there/a");
        ys_client_get(&client, "/any", &answer); /* whoever has it */
        assert_string_equal(answer.body, "/any");
        ys_client_get(&client, "/here/b", &answer);
        assert_string_equal(answer.body, "/here/b");
    }
    assert_int_equal(there.heads, 6);
    assert_int_equal(here.heads, 3);
    assert_int_equal(here.departures, 3);
    assert_int_equal(here.arrivals, 3);
    assert_int_equal(here.closed + there.closed, 0);
}

static void test_travel_answers_pipelined_requests_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        send_get("/here/a");
        send_get("/there/b");
        send_get("/there/c");
    }
    for (int i = 0; i < 4; i++) {
        expect_answer("/here/a");
        expect_answer("/there/b");
        expect_answer("/there/c");
    }
    assert_int_equal(here.departures, 4);
    assert_int_equal(there.departures, 3);
}

static void test_travel_takes_a_request_that_came_in_pieces(void **state)
{
    const char *request = "\r\nPOST /there/a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc";

    (void)state;
    for (; *request; request++) {
        ys_client_send(&client, request, 1);
        pump(NULL);
    }
    expect_answer("/there/a");
    assert_int_equal(there.body_bytes, 3);
}

/* The body begins here and ends there. */
static void test_travel_takes_the_beginning_of_a_body_along(void **state)
{
    static char body[50000];

    (void)state;
    memset(body, 'x', sizeof(body));
    way_there.is_closed = true;
    ys_client_send_str(&client, "POST /there/a HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n");
    ys_client_send(&client, body, sizeof(body));
    TURN_UNTIL(way_there.travel);
    ys_client_send(&client, body, sizeof(body));
    way_there.is_closed = false;
    expect_answer("/there/a");
    assert_int_equal(there.body_bytes, 100000);
    assert_int_equal(here.body_bytes, 0);
    ys_client_get(&client, "/there/b", &answer);
    assert_string_equal(answer.body, "/there/b");
}

/* The frames behind the request cut anywhere, at each place once: what is here then travels, what is not comes there.
 */
static void test_travel_takes_frames_behind_an_upgrade_along(void **state)
{
    uint8_t bytes[700];
    size_t head_len;
    size_t len;

    (void)state;
    ys_client_format_upgrade((char *)bytes, 512, "/there", "");
    head_len = len = strlen((char *)bytes);
    len += ys_client_put_frame(bytes + len, 0x82, "hello", 5);
    len += ys_client_put_frame(bytes + len, 0x82, "again", 5);
    for (size_t cut = head_len; cut <= len; cut++) {
        way_there.is_closed = true;
        ys_client_send(&client, bytes, cut);
        TURN_UNTIL(way_there.travel);
        way_there.is_closed = false;
        ys_client_send(&client, bytes + cut, len - cut);
        ys_client_read_head(&client, answer.head, sizeof(answer.head));
        assert_memory_equal(answer.head, "HTTP/1.1 101 ", 13);
        expect_message("hello", 5);
        expect_message("again", 5);
        ys_client_send_message(&client, "late", 4);
        expect_message("late", 4);
        connect_again();
    }
}

/* Answers a request whose answer fills the socket, and seven behind it; the eighth is for elsewhere. Reads as much as
 * makes the eighth be looked at while the seven answers still wait, and returns how much that was. */
static size_t depart_behind_waiting_answers(void)
{
    struct ys_blob *blob = ys_blob_new(&memory.alloc, LARGE_BYTES);
    const struct ys_http_answer large = { .status = 200, .body = { ys_blob_data(blob), LARGE_BYTES } };
    int bytes = 4096;
    size_t len = 0;

    memset(ys_blob_data(blob), 'x', LARGE_BYTES);
    here.answers_later = true;
    send_get("/here/large");
    TURN_UNTIL(here.heads == 1);
    uv_send_buffer_size(&here.latest->uv.handle, &bytes);
    bytes = 16384;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    for (int i = 0; i < 7; i++)
        send_get(long_path());
    send_get("/there/a");
    here.answers_later = false;
    ys_connection_answer_shared(here.latest, &large, blob);
    ys_blob_unref(blob);
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    while (here.latest && !ys_http_phase_is_departing(here.latest)) {
        assert_true(len < LARGE_BYTES);
        len += ys_client_read(&client, scratch, STEP_BYTES);
        pump(NULL);
    }
    assert_int_equal(here.departures, 0);
    assert_non_null(here.latest);
    return len;
}

static void test_travel_waits_until_earlier_answers_are_taken(void **state)
{
    size_t len = depart_behind_waiting_answers();

    (void)state;
    assert_int_equal(ys_client_read(&client, scratch, LARGE_BYTES - len), LARGE_BYTES - len);
    for (int i = 0; i < 7; i++)
        expect_answer(long_path());
    expect_answer("/there/a");
    assert_int_equal(here.departures, 1);
}

/* Who takes nothing of what was sent does not travel; it is dropped. */
static void test_travel_does_not_wait_for_ever(void **state)
{
    (void)state;
    here.config.stall_timeout_ms = 400;
    depart_behind_waiting_answers();
    TURN_UNTIL(here.closed == 1);
    assert_int_equal(here.departures, 0);
}

/* As long as it has not left it can be answered. */
static void test_travel_keeps_who_is_answered_after_all(void **state)
{
    size_t len = depart_behind_waiting_answers();

    (void)state;
    ys_connection_answer(here.latest, &(struct ys_http_answer){ .status = 204 });
    assert_int_equal(ys_client_read(&client, scratch, LARGE_BYTES - len), LARGE_BYTES - len);
    for (int i = 0; i < 7; i++)
        expect_answer(long_path());
    ys_client_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, 204);
    ys_client_get(&client, "/here", &answer);
    assert_int_equal(here.departures, 0);
}

static void test_travel_may_be_closed_instead(void **state)
{
    (void)state;
    depart_behind_waiting_answers();
    ys_connection_close(here.latest, 1001, "bye");
    assert_int_equal(here.closed, 1);
    for (int turn = 0; turn < 3; turn++)
        pump(NULL);
    assert_int_equal(here.departures, 0);
}

static void test_travel_takes_along_who_has_finished_speaking(void **state)
{
    (void)state;
    way_there.is_closed = true;
    send_get("/there/a");
    TURN_UNTIL(way_there.travel);
    finish();
    way_there.is_closed = false;
    expect_answer("/there/a");
    expect_end();

    connect_again(); /* and before anything of it was read */
    send_get("/here/a");
    send_get("/there/b");
    finish();
    expect_answer("/here/a");
    expect_answer("/there/b");
    expect_end();
    TURN_UNTIL(here.open + there.open == 0);
}

/* Frames that came ahead of the end travel, and that is all that the WebSocket will hear. */
static void test_travel_ends_a_websocket_whose_peer_has_finished(void **state)
{
    uint8_t bytes[600];
    size_t len;

    (void)state;
    ys_client_format_upgrade((char *)bytes, 512, "/there", "");
    len = strlen((char *)bytes);
    len += ys_client_put_frame(bytes + len, 0x82, "hello", 5);
    ys_client_send(&client, bytes, len);
    finish();
    TURN_UNTIL(there.closed == 1);
    assert_int_equal(here.departures, 1);
    assert_int_equal(there.closed_code, YS_CONNECTION_CUT_OFF);
}

static void reset_by_peer(void)
{
    const struct linger at_once = { .l_onoff = 1 };

    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    connect_again();
}

static void test_travel_notices_a_peer_that_is_gone(void **state)
{
    struct ys_peer peer;

    (void)state;
    ys_client_get(&client, "/here", &answer);
    peer = *ys_connection_peer(here.latest);
    way_there.is_closed = true;
    send_get("/there/a");
    TURN_UNTIL(way_there.travel);
    reset_by_peer();
    there.answers_later = true;
    pump(NULL); /* the client that came after it */
    way_there.is_closed = false;
    let_pass(&way_there);
    assert_non_null(there.latest);
    assert_memory_equal(ys_connection_peer(there.latest), &peer, sizeof(peer));
    TURN_UNTIL(there.closed == 1);
    assert_int_equal(there.closed_code, YS_CONNECTION_NO_CODE);
}

static void test_travel_may_be_given_up(void **state)
{
    size_t descriptors;

    (void)state;
    ys_client_get(&client, "/here", &answer);
    descriptors = count_descriptors();
    way_there.is_closed = true;
    send_get("/there/a");
    TURN_UNTIL(way_there.travel);
    assert_int_equal(count_descriptors(), descriptors);
    ys_travel_free(way_there.travel);
    way_there.travel = NULL;
    assert_int_equal(count_descriptors(), descriptors - 1);
    ys_client_expect_end(&client);
}

static void test_travel_counts_bytes_once(void **state)
{
    uint64_t received;
    uint64_t sent;
    char request[512];
    size_t want = 0;

    (void)state;
    if (speaks_tls())
        ys_tls_client_shake_hands(&client);
    ys_client_format_upgrade(request, sizeof(request), "/there", "");
    want += strlen(request);
    ys_client_upgrade(&client, "/there");
    ys_client_send_message(&client, "hello", 5);
    expect_message("hello", 5);
    want += 6 + 5;
    received = ys_loop_counters(here.loop)->bytes_received + ys_loop_counters(there.loop)->bytes_received;
    sent = ys_loop_counters(here.loop)->bytes_sent + ys_loop_counters(there.loop)->bytes_sent;
    if (speaks_tls()) {
        want = BIO_number_written(SSL_get_wbio(tls.ssl));
        assert_int_equal(sent, BIO_number_read(SSL_get_rbio(tls.ssl)));
    }
    assert_int_equal(received, want);
    assert_int_equal(there.open, 1);
}

/* Each loop has its clocks; the one for an answer that is ours to give is none. */
static void test_travel_begins_all_clocks_anew(void **state)
{
    (void)state;
    there.config.head_timeout_ms = 30;
    there.answers_later = true;
    send_get("/there/a");
    TURN_UNTIL(there.heads == 1);
    assert_true(there.latest->deadline_ms == YS_TIMER_NEVER);
    ys_connection_answer(there.latest, &(struct ys_http_answer){ .status = 204 });
    ys_client_read_answer(&client, false, &answer);
    ys_client_send_str(&client, "GET /never HT");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 408);
    expect_end();

    connect_again();
    there.answers_later = false;
    there.config.idle_timeout_ms = 30;
    ys_client_get(&client, "/there/b", &answer);
    expect_end();
}

/* What comes ahead of a WebSocket is bounded by who is to grant it. */
static void test_travel_takes_a_flood_to_who_is_to_stop_it(void **state)
{
    static uint8_t message[30000];
    char reason[126];
    char head[512];

    (void)state;
    ys_client_get(&client, "/here", &answer);
    here.answers_later = there.answers_later = true;
    send_get("/here/a");
    ys_client_format_upgrade(head, sizeof(head), "/there", "");
    ys_client_send_str(&client, head);
    TURN_UNTIL(here.heads == 2);
    ys_client_send_message(&client, message, sizeof(message));
    ys_client_send_message(&client, message, sizeof(message));
    ys_client_send_message(&client, message, sizeof(message));
    for (int turn = 0; turn < 10; turn++)
        pump(NULL);
    assert_int_equal(here.floods, 0);
    ys_connection_answer(here.latest, &(struct ys_http_answer){ .status = 204 });
    ys_client_read_answer(&client, false, &answer);
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    ys_client_expect_close(&client, YS_WS_CLOSE_POLICY, reason);
    assert_int_equal(here.floods, 0);
    assert_int_equal(there.floods, 1);
}

/* Limits of the system, and of memory */

static void test_travel_is_dropped_without_descriptors(void **state)
{
    struct rlimit old;
    struct rlimit low;
    int first_free;

    (void)state;
    ys_client_get(&client, "/here", &answer);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    first_free = dup(0);
    close(first_free);
    low = (struct rlimit){ .rlim_cur = (rlim_t)first_free, .rlim_max = old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    send_get("/there/a");
    for (int turn = 0; turn < 2000 && here.closed == 0; turn++)
        pump(NULL);
    setrlimit(RLIMIT_NOFILE, &old);
    ys_client_expect_end(&client);
    assert_int_equal(here.closed, 1);
    assert_int_equal(here.departures, 0);
}

static void test_travel_leaves_nothing_behind(void **state)
{
    size_t before;

    (void)state;
    ys_client_upgrade(&client, "/here");
    pump(NULL);
    before = memory.live_bytes;
    connect_again();
    TURN_UNTIL(here.closed == 1);
    ys_client_upgrade(&client, "/there");
    pump(NULL);
    assert_int_equal(memory.live_bytes, before);
    assert_int_equal(there.open, 1);
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
            is_sent = (speaks_tls() ? client.send(&client, request, strlen(request))
                                    : send(client.fd, request, strlen(request), MSG_NOSIGNAL)) > 0;
        got = speaks_tls() ? client.recv(&client, &byte, 1) : recv(client.fd, &byte, 1, 0);
        if (got >= 0 || errno != EAGAIN)
            return got == 1;
        pump(NULL);
        if (turn == 10)
            memory.fail_at = YS_TEST_NEVER_FAIL;
    }
    fail_msg("neither an answer nor the end has come");
    return false;
}

/* One allocation fails, whichever: the client gets its answer or the end, and nothing leaks. */
static void test_travel_survives_failed_allocations(void **state)
{
    char head[512];

    (void)state;
    ys_client_format_upgrade(head, sizeof(head), "/there", "");
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
    assert_true(there.arrivals > 1);
}

/* A thread for each */

struct house {
    struct ys_echo echo;
    struct ys_mailbox *mailbox;
    uv_thread_t thread;
};

struct trip {
    struct ys_letter letter;
    struct ys_travel *travel;
};

static struct house houses[2];

static void deliver_trip(struct ys_letter *letter, void *owner)
{
    struct trip *trip = YS_CONTAINER_OF(letter, struct trip, letter);
    struct house *house = owner;

    ys_echo_take_in(&house->echo, trip->travel);
    free(trip);
}

static void discard_trip(struct ys_letter *letter)
{
    struct trip *trip = YS_CONTAINER_OF(letter, struct trip, letter);

    ys_travel_free(trip->travel);
    free(trip);
}

static void send_off(struct ys_echo *echo, struct ys_travel *travel)
{
    struct house *neighbour = echo->road;
    struct trip *trip = malloc(sizeof(*trip));

    *trip = (struct trip){ .letter = { .deliver = deliver_trip, .discard = discard_trip }, .travel = travel };
    ys_mailbox_send(neighbour->mailbox, &trip->letter);
}

static void deliver_the_end(struct ys_letter *letter, void *owner)
{
    struct house *house = owner;

    (void)letter;
    ys_listener_close(house->echo.listener);
    house->echo.listener = NULL;
    ys_mailbox_close(house->mailbox);
    ys_loop_drop_connections(house->echo.loop);
}

static void run_house(void *user)
{
    struct house *house = user;

    ys_loop_run(house->echo.loop);
}

static void open_houses(struct ys_tls_context *context)
{
    static const char *const neighbours[] = { "/there", "/here" };

    for (int i = 0; i < 2; i++) {
        struct house *house = &houses[i];

        assert_int_equal(ys_echo_open(&house->echo, ysync_alloc_default(), 0, NULL), YSYNC_OK);
        house->echo.elsewhere = neighbours[i];
        house->echo.departed = send_off;
        house->echo.road = &houses[1 - i];
        house->echo.config.tls = context;
        assert_int_equal(ys_mailbox_open(ysync_alloc_default(), house->echo.loop->uv, house, &house->mailbox),
                         YSYNC_OK);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(uv_thread_create(&houses[i].thread, run_house, &houses[i]), 0);
}

/* Whatever travels at that time is lost. */
static void close_houses(void)
{
    struct ys_letter ends[2];

    for (int i = 0; i < 2; i++) {
        ends[i] = (struct ys_letter){ .deliver = deliver_the_end };
        ys_mailbox_send(houses[i].mailbox, &ends[i]);
    }
    for (int i = 0; i < 2; i++)
        uv_thread_join(&houses[i].thread);
    for (int i = 0; i < 2; i++) {
        ys_echo_close(&houses[i].echo);
        ys_mailbox_unref(houses[i].mailbox);
    }
}

#define VISITORS 8

struct visitor {
    struct ys_client client;
    struct ys_tls_client tls;
};

static void open_visitors(struct visitor visitors[VISITORS], bool over_tls)
{
    for (int i = 0; i < VISITORS; i++) {
        uint16_t port = ys_echo_port(&houses[i % 2].echo);

        if (over_tls)
            ys_tls_client_open(&visitors[i].client, &visitors[i].tls, port, NULL, NULL);
        else
            ys_client_open(&visitors[i].client, port, NULL, NULL);
    }
}

static void close_visitors(struct visitor visitors[VISITORS], bool over_tls)
{
    for (int i = 0; i < VISITORS; i++) {
        if (over_tls)
            ys_tls_client_close(&visitors[i].client);
        else
            ys_client_close(&visitors[i].client);
    }
}

static void ask_both_houses(struct visitor visitors[VISITORS])
{
    static const char *const paths[] = { "/here/a", "/there/b", "/there/c", "/here/d" };

    for (int i = 0; i < VISITORS; i++) {
        client = visitors[i].client;
        for (size_t k = 0; k < ARRAY_LEN(paths); k++)
            send_get(paths[k]);
    }
    for (int i = 0; i < VISITORS; i++) {
        client = visitors[i].client;
        for (size_t k = 0; k < ARRAY_LEN(paths); k++)
            expect_answer(paths[k]);
    }
}

static void travel_between_threads(struct ys_tls_context *context)
{
    static struct visitor visitors[VISITORS];
    size_t descriptors = count_descriptors();

    open_houses(context);
    open_visitors(visitors, context != NULL);
    for (int round = 0; round < 10; round++)
        ask_both_houses(visitors);
    for (int i = 0; i < VISITORS; i++) {
        client = visitors[i].client;
        ys_client_upgrade(&client, i % 3 == 0 ? "/here" : "/there");
        ys_client_send_message(&client, "hello", 5);
        expect_message("hello", 5);
    }
    close_visitors(visitors, context != NULL);

    open_visitors(visitors, context != NULL);
    ask_both_houses(visitors);
    for (int i = 0; i < VISITORS * 20; i++) {
        client = visitors[i % VISITORS].client;
        send_get(i % 3 == 0 ? "/here" : "/there");
    }
    close_houses();
    close_visitors(visitors, context != NULL);
    assert_int_equal(count_descriptors(), descriptors);
    assert_true(houses[0].echo.departures > 0 && houses[1].echo.departures > 0);
}

static void test_travel_goes_between_threads(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    travel_between_threads(NULL);
}

static void test_travel_goes_between_threads_over_tls(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    travel_between_threads(tls_context);
}

int main(void)
{
#define TEST(name)                                                                                                     \
    { "test_travel_" #name, test_travel_##name, set_up_plain, tear_down, NULL },                                       \
    {                                                                                                                  \
        "test_travel_" #name "_over_tls", test_travel_##name, set_up_tls, tear_down, NULL                              \
    }
    const struct CMUnitTest tests[] = {
        TEST(takes_requests_to_who_answers_them),
        TEST(answers_pipelined_requests_in_order),
        TEST(takes_a_request_that_came_in_pieces),
        TEST(takes_the_beginning_of_a_body_along),
        TEST(takes_frames_behind_an_upgrade_along),
        TEST(waits_until_earlier_answers_are_taken),
        TEST(does_not_wait_for_ever),
        TEST(keeps_who_is_answered_after_all),
        TEST(may_be_closed_instead),
        TEST(takes_along_who_has_finished_speaking),
        TEST(ends_a_websocket_whose_peer_has_finished),
        TEST(notices_a_peer_that_is_gone),
        TEST(may_be_given_up),
        TEST(counts_bytes_once),
        TEST(begins_all_clocks_anew),
        TEST(takes_a_flood_to_who_is_to_stop_it),
        TEST(is_dropped_without_descriptors),
        TEST(leaves_nothing_behind),
        TEST(survives_failed_allocations),
        cmocka_unit_test(test_travel_goes_between_threads),
        cmocka_unit_test(test_travel_goes_between_threads_over_tls),
    };
    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
