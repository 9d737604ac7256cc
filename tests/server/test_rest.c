/* SPDX-License-Identifier: MIT */
/* Rooms over HTTP, on the test's own thread, with verdicts that come when the test wants. */
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

#include "base/alloc.h"
#include "server/plugin.h"
#include "support/client.h"
#include "support/failing_alloc.h"

#define MAX_MESSAGE_BYTES 100000

/* An update that holds the text "hi" of client 1, and the same as a message. */
static const uint8_t update[] = { 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };
static const uint8_t update_message[] = { 0, 2, 12, 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };

/* Stands in for src/auth: who asked for what, and how it is answered. */
struct fake_auth {
    struct ys_auth auth;
    bool answers_later;
    enum ys_access access;
    unsigned questions;
    char room[64];
    char token[64];
    bool is_websocket;
    ys_auth_verdict_fn *verdict; /* of the last question, while it is open */
    void *user;
};

static void note(char to[64], struct ysync_bytes bytes)
{
    snprintf(to, 64, "%.*s", (int)bytes.len, bytes.data ? (const char *)bytes.data : "");
}

static struct ys_verdict verdict_of(enum ys_access access)
{
    return (struct ys_verdict){ access, YS_VERDICT_FOREVER };
}

static void check(struct ys_auth *at, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    struct fake_auth *fake = (struct fake_auth *)at;

    fake->questions++;
    note(fake->room, request->room);
    note(fake->token, request->token);
    fake->is_websocket = request->is_websocket;
    fake->verdict = verdict;
    fake->user = user;
    if (!fake->answers_later)
        verdict(user, verdict_of(fake->access));
}

static struct fake_auth auth;
static struct ys_test_alloc memory;
static struct ys_loop *loop;
static struct ys_routes *routes;
static struct ys_crew *crew;
static struct ys_plugin *plugin;
static struct ys_client client;
static struct ys_client_answer answer;
static struct ys_client_frame frame;

static void on_moment(uv_timer_t *timer)
{
    (void)timer;
}

static void pump(void *user)
{
    uv_timer_t moment;

    (void)user;
    uv_timer_init(loop->uv, &moment);
    uv_timer_start(&moment, on_moment, 5, 5); /* again, if the first was over before the loop waits */
    uv_run(loop->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&moment, NULL);
    uv_run(loop->uv, UV_RUN_NOWAIT);
}

static void pump_some(void)
{
    for (int turn = 0; turn < 5; turn++)
        pump(NULL);
}

static void open_client(struct ys_client *to)
{
    ys_client_open(to, ys_address_port(ys_plugin_address(plugin, 0)), pump, NULL);
}

static int set_up(void **state)
{
    static const char *const patterns[] = { "/rooms/:room", "/:room" };
    static const char *const origins[] = { "https://app.example" };
    static struct ysync_plugin_config options;
    struct ys_plugin_config config = { .options = &options, .auth = &auth.auth };
    struct ys_address address;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    auth = (struct fake_auth){ .auth.check = check, .access = YS_ACCESS_WRITE };
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    options = (struct ysync_plugin_config){
        .alloc = &memory.alloc,
        .evict_after_ms = 1000000,
        .allowed_origins = origins,
        .allowed_origin_count = ARRAY_LEN(origins),
        .max_message_bytes = MAX_MESSAGE_BYTES,
        .max_pending_bytes = 100,
        .max_presence_bytes = 100,
        .send_buffer_bytes = 1000000,
    };
    assert_int_equal(ys_loop_open(&memory.alloc, NULL, &loop), YSYNC_OK);
    assert_int_equal(ys_routes_new(&memory.alloc, patterns, 2, &routes, NULL), YSYNC_OK);
    config.routes = routes;
    assert_int_equal(
        ys_crew_new(&(struct ys_crew_config){ .alloc = &memory.alloc, .size = 1, .max_rooms = 3 }, &crew), YSYNC_OK);
    config.crew = crew;
    assert_int_equal(ys_plugin_new(loop, &config, &plugin), YSYNC_OK);
    assert_int_equal(ys_address_parse("127.0.0.1", 0, &address), YSYNC_OK);
    assert_int_equal(ys_plugin_listen(plugin, &address, NULL), YSYNC_OK);
    open_client(&client);
    return 0;
}

static void on_stopped(void *user)
{
    (void)user;
}

static int tear_down(void **state)
{
    (void)state;
    if (client.fd >= 0)
        ys_client_close(&client);
    ys_plugin_stop(plugin, 50, on_stopped, NULL);
    ys_loop_run(loop);
    ys_plugin_free(plugin);
    ys_loop_close(loop);
    ys_crew_free(crew);
    ys_routes_free(routes);
    return memory.live_blocks == 0 ? 0 : -1;
}

/* Says what it says in "POST /rooms/a", with a body if it is not NULL, and reads the answer. */
static void request(const char *line, const void *body, size_t len)
{
    char head[512];

    snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: test\r\n", line);
    ys_client_send_str(&client, head);
    if (body) {
        snprintf(head, sizeof(head), "Content-Length: %zu\r\n", len);
        ys_client_send_str(&client, head);
    }
    ys_client_send_str(&client, "\r\n");
    if (len > 0)
        ys_client_send(&client, body, len);
    ys_client_read_answer(&client, strncmp(line, "HEAD", 4) != 0, &answer);
}

static void expect_body(const void *want, size_t len)
{
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_len, len);
    assert_memory_equal(answer.body, want, len);
}

static void test_rest_reads_and_writes_rooms(void **state)
{
    (void)state;
    request("POST /rooms/blog", update, sizeof(update));
    expect_body("{\"ok\":true}", 11);
    assert_non_null(strstr(answer.head, "Content-Type: application/json\r\n"));
    request("GET /rooms/blog", NULL, 0);
    expect_body(update, sizeof(update));
    assert_non_null(strstr(answer.head, "Content-Type: application/octet-stream\r\n"));
    request("GET /rooms/blog?sv=AQEB", NULL, 0); /* client 1 has one letter */
    expect_body("\1\1\1\1\x84\1\0\1i\0", 10);
    request("GET /rooms/blog?sv=AQEC", NULL, 0);
    expect_body("\0\0", 2);
    request("GET /rooms/blog?sv=AA%3D%3D", NULL, 0);
    expect_body(update, sizeof(update));
    request("HEAD /rooms/blog", NULL, 0);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "Content-Length: 12\r\n"));
    request("DELETE /rooms/blog", NULL, 0);
    expect_body("{\"ok\":true}", 11);
    request("GET /rooms/blog", NULL, 0);
    assert_int_equal(answer.status, 404);
}

static void test_rest_answers_errors_in_one_line(void **state)
{
    static const struct {
        const char *name;
        const char *line;
        const char *body; /* NULL: none */
        int status;
        const char *field;
        const char *text;
    } cases[] = {
        { "no such room", "GET /rooms/blog", NULL, 404, "text/plain", "Room not found: blog" },
        { "the name is decoded", "GET /rooms/team/a%20b", NULL, 404, "text/plain", "Room not found: team/a b" },
        { "no such room to delete", "DELETE /rooms/blog", NULL, 404, "text/plain", "Room not found: blog" },
        { "a GET with a body", "GET /rooms/blog", "abc", 404, "text/plain", "Room not found: blog" },
        { "the second route", "GET /blog", NULL, 404, "text/plain", "Not found" },
        { "the second route, with a body", "POST /blog", "abc", 404, "text/plain", "Not found" },
        { "no name", "GET /rooms/?x", NULL, 200, "application/json", "{\"rooms\":[]}" },
        { "a control character", "GET /rooms/a%0ab", NULL, 400, "text/plain", "Control character in the room name" },
        { "C1", "GET /rooms/%c2%80", NULL, 400, "text/plain", "Control character in the room name" },
        { "no UTF-8", "GET /rooms/%ff", NULL, 400, "text/plain", "Room name is not valid UTF-8" },
        { "half an escape", "POST /rooms/%f", "abc", 400, "text/plain", "Broken percent-encoding in the room name" },
        { "no update", "POST /rooms/blog", NULL, 400, "text/plain", "Empty update body" },
        { "an empty update", "POST /rooms/blog", "", 400, "text/plain", "Empty update body" },
        { "a malformed update", "POST /rooms/blog", "\x09", 400, "text/plain", "Malformed update: " },
        { "PUT", "PUT /rooms/blog", "abc", 405, "Allow: GET, HEAD, POST, DELETE\r\n", "Method not allowed" },
        { "OPTIONS", "OPTIONS /rooms/blog", NULL, 405, "Allow: GET, HEAD, POST, DELETE\r\n", "Method not allowed" },
        { "a POST to the list", "POST /rooms/", "abc", 405, "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "deleting all", "DELETE /rooms/", NULL, 405, "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "a POST to the metrics", "POST /metrics", "abc", 405, "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "a POST to health", "POST /", "abc", 405, "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "nothing was made by all this", "GET /rooms/", NULL, 200, "application/json", "{\"rooms\":[]}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        request(cases[i].line, cases[i].body, cases[i].body ? strlen(cases[i].body) : 0);
        if (answer.status != cases[i].status || !strstr(answer.head, cases[i].field) ||
            strncmp(answer.body, cases[i].text, strlen(cases[i].text)) != 0 || strchr(answer.body, '\n') ||
            strstr(answer.head, "Connection: close"))
            fail_msg("%s: got %s%s, want %d %s", cases[i].name, answer.head, answer.body, cases[i].status,
                     cases[i].text);
    }
}

static void test_rest_refuses_bad_state_vectors(void **state)
{
    static const char *const cases[] = { "sv=", "sv", "sv=A", "sv=+/==", "sv=%zz", "sv=Ag", "sv=AQE", "sv=AAA" };
    char line[64];

    (void)state;
    request("POST /rooms/blog", update, sizeof(update));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(line, sizeof(line), "GET /rooms/blog?%s", cases[i]);
        request(line, NULL, 0);
        if (answer.status != 400 || strncmp(answer.body, "Malformed state vector: ", 24) != 0)
            fail_msg("%s: got %d %s", cases[i], answer.status, answer.body);
    }
}

static void test_rest_lists_rooms_by_name(void **state)
{
    (void)state;
    request("POST /rooms/b", update, sizeof(update));
    request("POST /rooms/a%22%5c%C3%A9", update, sizeof(update));
    request("POST /rooms/a", update, sizeof(update));
    request("GET /rooms/", NULL, 0);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"rooms\":[{\"id\":\"a\",\"connections\":0},"
                                     "{\"id\":\"a\\\"\\\\\xc3\xa9\",\"connections\":0},"
                                     "{\"id\":\"b\",\"connections\":0}]}");
    request("POST /rooms/c", update, sizeof(update));
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "Too many rooms");
}

static void test_rest_tells_members_at_once(void **state)
{
    struct ys_client member;

    (void)state;
    open_client(&member);
    ys_client_upgrade(&member, "/blog");
    ys_client_read_frame(&member, &frame); /* the greeting */
    request("POST /rooms/blog", update, sizeof(update));
    ys_client_read_frame(&member, &frame);
    assert_int_equal(frame.len, sizeof(update_message));
    assert_memory_equal(frame.payload, update_message, sizeof(update_message));
    request("GET /rooms/", NULL, 0);
    assert_string_equal(answer.body, "{\"rooms\":[{\"id\":\"blog\",\"connections\":1}]}");
    request("DELETE /rooms/blog", NULL, 0);
    assert_int_equal(answer.status, 200);
    request("GET /rooms/", NULL, 0);
    assert_string_equal(answer.body, "{\"rooms\":[]}");
    ys_client_expect_close(&member, 4404, NULL);
    ys_client_close(&member);
}

static void test_rest_reads_chunked_bodies(void **state)
{
    (void)state;
    ys_client_send_str(&client, "POST /rooms/blog HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    ys_client_send(&client, update, 5);
    ys_client_send_str(&client, "\r\n7\r\n");
    ys_client_send(&client, update + 5, 7);
    ys_client_send_str(&client, "\r\n0\r\n\r\nGET /rooms/blog HTTP/1.1\r\nHost: test\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    expect_body("{\"ok\":true}", 11);
    ys_client_read_answer(&client, true, &answer);
    expect_body(update, sizeof(update));
}

static void test_rest_limits_bodies(void **state)
{
    static char body[MAX_MESSAGE_BYTES + 10];
    static const struct {
        const char *name;
        const char *fields;
        size_t sent;
    } cases[] = {
        { "a length that is too large", "Content-Length: 100001\r\n\r\n", 0 },
        { "the same, of a client that asks first", "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n", 0 },
        { "chunks without end", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n", MAX_MESSAGE_BYTES + 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ys_client_send_str(&client, "POST /rooms/blog HTTP/1.1\r\nHost: test\r\n");
        ys_client_send_str(&client, cases[i].fields);
        ys_client_send(&client, body, cases[i].sent);
        ys_client_read_answer(&client, true, &answer);
        if (answer.status != 413 || strcmp(answer.body, "Body too large") != 0)
            fail_msg("%s: got %d %s", cases[i].name, answer.status, answer.body);
        ys_client_expect_end(&client);
        ys_client_close(&client);
        open_client(&client);
    }
}

/* An update that waits for others, longer than may wait. */
static void test_rest_limits_what_waits(void **state)
{
    uint8_t waits[300] = { 1, 1, 1, 9, 4, 1, 1, 't', 0xa3, 0x02 }; /* 291 letters at clock 9 */

    (void)state;
    memset(waits + 10, 'x', 289);
    waits[8] = 0xa1;
    waits[299] = 0;
    request("POST /rooms/blog", waits, sizeof(waits));
    assert_int_equal(answer.status, 413);
    request("GET /rooms/blog", NULL, 0);
    assert_int_equal(answer.status, 404);
}

/* Authorization */

static void test_rest_asks_about_what_is_wanted(void **state)
{
    static const struct {
        const char *line;
        unsigned questions;
        const char *room;
    } cases[] = {
        { "GET /", 0, "" },
        { "POST /", 0, "" },
        { "GET /rooms/%ff", 0, "" },
        { "GET /rooms/", 1, "" },
        { "GET /metrics", 1, "" },
        { "GET /rooms/team/a%20b", 1, "team/a b" },
        { "POST /rooms/blog", 1, "blog" },
        { "DELETE /rooms/blog?token=s3cret", 1, "blog" },
    };
    char fields[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auth.questions = 0;
        auth.room[0] = '\0';
        snprintf(fields, sizeof(fields), "%s HTTP/1.1\r\nHost: a\r\nAuthorization: bearer  abc\r\n\r\n", cases[i].line);
        ys_client_send_str(&client, fields);
        ys_client_read_answer(&client, true, &answer);
        if (auth.questions != cases[i].questions || strcmp(auth.room, cases[i].room) != 0)
            fail_msg("%s: %u questions for \"%s\"", cases[i].line, auth.questions, auth.room);
        if (auth.questions > 0) {
            assert_string_equal(auth.token, "abc");
            assert_false(auth.is_websocket);
        }
    }
    request("GET /rooms/blog?token=abc", NULL, 0);
    assert_string_equal(auth.token, "");
}

static void test_rest_turns_away(void **state)
{
    static const struct {
        const char *line;
        enum ys_access access;
        int status;
    } cases[] = {
        { "GET /", YS_ACCESS_NONE, 200 },
        { "GET /rooms/", YS_ACCESS_NONE, 401 },
        { "GET /metrics", YS_ACCESS_NONE, 401 },
        { "GET /rooms/blog", YS_ACCESS_NONE, 401 },
        { "POST /rooms/blog", YS_ACCESS_NONE, 401 },
        { "DELETE /rooms/blog", YS_ACCESS_NONE, 401 },
        { "GET /rooms/", YS_ACCESS_READ, 200 },
        { "GET /metrics", YS_ACCESS_READ, 200 },
        { "GET /rooms/blog", YS_ACCESS_READ, 200 },
        { "POST /rooms/blog", YS_ACCESS_READ, 403 },
        { "DELETE /rooms/blog", YS_ACCESS_READ, 403 },
    };

    (void)state;
    request("POST /rooms/blog", update, sizeof(update));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool is_post = strncmp(cases[i].line, "POST", 4) == 0;
        char head[256];

        auth.access = cases[i].access;
        snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", cases[i].line,
                 is_post ? 3 : 0, is_post ? "abc" : "");
        ys_client_send_str(&client, head);
        ys_client_read_head(&client, answer.head, sizeof(answer.head));
        if (atoi(answer.head + 9) != cases[i].status)
            fail_msg("%s: got %s, want %d", cases[i].line, answer.head, cases[i].status);
        if (cases[i].status == 401)
            assert_non_null(strstr(answer.head, "WWW-Authenticate: Bearer\r\n"));
        for (int left = atoi(strstr(answer.head, "Content-Length: ") + 16); left > 0; left--)
            assert_int_equal(ys_client_read(&client, answer.body, 1), 1);
    }
}

static void test_rest_checks_origins(void **state)
{
    static const struct {
        const char *line;
        const char *origin;
        int status;
    } cases[] = {
        { "POST /rooms/blog", "https://evil.example", 403 },
        { "DELETE /rooms/blog", "https://evil.example", 403 },
        { "GET /rooms/blog", "https://evil.example", 403 },
        { "GET /rooms/", "https://evil.example", 403 },
        { "GET /metrics", "null", 403 },
        { "GET /", "https://evil.example", 200 },
        { "GET /rooms/none", "https://app.example", 404 },
        { "POST /rooms/blog", "https://app.example", 200 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strncmp(cases[i].line, "POST", 4) == 0 ? sizeof(update) : 0;
        char head[256];

        auth.questions = 0;
        snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\nContent-Length: %zu\r\n\r\n",
                 cases[i].line, cases[i].origin, len);
        ys_client_send_str(&client, head);
        ys_client_send(&client, update, len);
        ys_client_read_answer(&client, true, &answer);
        if (answer.status != cases[i].status)
            fail_msg("%s from %s: got %d, want %d", cases[i].line, cases[i].origin, answer.status, cases[i].status);
        if (answer.status == 403)
            assert_int_equal(auth.questions, 0);
    }
}

static void test_rest_waits_for_verdicts(void **state)
{
    (void)state;
    auth.answers_later = true;
    ys_client_send_str(&client, "POST /rooms/blog HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                "Content-Length: 12\r\n\r\n");
    pump_some();
    assert_int_equal(auth.questions, 1);
    assert_int_equal(recv(client.fd, answer.body, 1, 0), -1); /* nothing is permitted yet */
    auth.verdict(auth.user, verdict_of(YS_ACCESS_WRITE));
    ys_client_read_head(&client, answer.head, sizeof(answer.head));
    assert_memory_equal(answer.head, "HTTP/1.1 100 ", 13);
    ys_client_send(&client, update, sizeof(update));
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 200);

    ys_client_send_str(&client, "GET /rooms/blog HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ys_client_finish(&client);
    pump_some();
    auth.verdict(auth.user, verdict_of(YS_ACCESS_READ));
    ys_client_read_answer(&client, true, &answer);
    expect_body(update, sizeof(update));
    ys_client_read_answer(&client, true, &answer);
    expect_body("{\"status\":\"ok\"}", 15);
    ys_client_expect_end(&client);
}

/* Who asked is gone when the verdict comes: nothing happens, and nothing is left. */
static void test_rest_forgets_who_has_gone(void **state)
{
    static const char *const lines[] = { "GET /rooms/blog HTTP/1.1\r\nHost: a\r\n\r\n",
                                         "POST /rooms/blog HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", NULL };

    (void)state;
    auth.answers_later = true;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct linger reset = { .l_onoff = 1, .l_linger = 0 };
        char upgrade[512];

        ys_client_format_upgrade(upgrade, sizeof(upgrade), "/blog", "");
        ys_client_send_str(&client, lines[i] ? lines[i] : upgrade);
        pump_some();
        assert_int_equal(auth.questions, i + 1);
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        ys_client_close(&client);
        pump_some();
        auth.verdict(auth.user, verdict_of(YS_ACCESS_WRITE));
        pump_some();
        open_client(&client);
    }
    auth.answers_later = false;
    request("GET /rooms/", NULL, 0);
    assert_string_equal(answer.body, "{\"rooms\":[]}");
}

/* From one allocation on, whichever, all fail: the connection ends, nothing leaks, and later requests are served. */
static void test_rest_survives_failed_allocations(void **state)
{
    static const char *const lines[] = {
        "GET /rooms/blog?sv=AQEB", "GET /rooms/none", "GET /rooms/",      "GET /metrics",
        "POST /rooms/blog",        "POST /rooms/new", "DELETE /rooms/new"
    };

    (void)state;
    request("POST /rooms/blog", update, sizeof(update));
    ys_client_close(&client);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        for (size_t n = 0;; n++) {
            bool is_post = lines[i][0] == 'P';
            bool has_failed;
            char head[256];
            char got[16];
            ssize_t got_len;

            open_client(&client);
            snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", lines[i],
                     is_post ? 12 : 0);
            memory.failed = false;
            memory.fail_at = memory.requests + n;
            ys_client_send_str(&client, head);
            if (is_post)
                ys_client_send(&client, update, sizeof(update));
            pump_some();
            has_failed = memory.failed;
            memory.fail_at = YS_TEST_NEVER_FAIL;
            memset(got, 0, sizeof(got));
            do { /* what failed may end in a reset */
                pump(NULL);
                got_len = recv(client.fd, got, 12, 0);
            } while (got_len < 0 && errno == EAGAIN);
            has_failed = has_failed || memory.failed;
            if (!has_failed && strcmp(got, "HTTP/1.1 200") != 0 && strcmp(got, "HTTP/1.1 404") != 0)
                fail_msg("%s: got %s", lines[i], got);
            ys_client_close(&client);
            if (!has_failed)
                break;
        }
    }
    open_client(&client);
    request("GET /rooms/blog", NULL, 0);
    expect_body(update, sizeof(update));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_rest_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes_rooms),
        TEST(answers_errors_in_one_line),
        TEST(refuses_bad_state_vectors),
        TEST(lists_rooms_by_name),
        TEST(tells_members_at_once),
        TEST(reads_chunked_bodies),
        TEST(limits_bodies),
        TEST(limits_what_waits),
        TEST(asks_about_what_is_wanted),
        TEST(turns_away),
        TEST(checks_origins),
        TEST(waits_for_verdicts),
        TEST(forgets_who_has_gone),
        TEST(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
