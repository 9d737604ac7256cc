/* SPDX-License-Identifier: MIT */
/* The whole server on its own thread, seen through sockets: what SPEC promises byte for byte. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/client.h"
#include "support/memory_store.h"
#include "ysync/server.h"

/* What clients of y-protocols send: a state vector of nothing, and an update that holds the text "hi" of client 1. */
static const uint8_t step1[] = { 0, 0, 1, 0 };
static const uint8_t step1_of_empty_room[] = { 0, 0, 1, 0 };
static const uint8_t update[] = { 0, 2, 12, 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };
static const uint8_t unauthorized[] = { 2, 0, 12, 'U', 'n', 'a', 'u', 't', 'h', 'o', 'r', 'i', 'z', 'e', 'd' };

static struct ysync_server_config config;
static struct ysync_server *server;
static struct ys_client_frame frame;
static struct ys_client_answer answer;

/* Log lines, from the server's thread. */
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static char log_text[65536];

static void collect_log(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    char line[1024];
    size_t len;

    (void)user;
    ysync_log_format_text(line, sizeof(line), level, event, fields);
    pthread_mutex_lock(&log_mutex);
    len = strlen(log_text);
    snprintf(log_text + len, sizeof(log_text) - len, "%s\n", line);
    pthread_mutex_unlock(&log_mutex);
}

static bool log_has(const char *text)
{
    bool found;

    pthread_mutex_lock(&log_mutex);
    found = strstr(log_text, text) != NULL;
    pthread_mutex_unlock(&log_mutex);
    return found;
}

static int set_up(void **state)
{
    (void)state;
    ysync_server_config_init(&config);
    config.port = 0;
    config.shutdown_timeout_ms = 5000;
    config.plugin.log = (struct ysync_log){ .write = collect_log, .level = YSYNC_LOG_DEBUG };
    log_text[0] = '\0';
    server = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ysync_server_free(server);
    return 0;
}

static uint16_t start(void)
{
    struct ysync_problem problem = { "" };

    if (ysync_server_new(&config, &server, &problem) || ysync_server_start(server, &problem))
        fail_msg("%s", problem.text);
    return (uint16_t)atoi(strrchr(ysync_server_address(server, 0), ':') + 1);
}

static void expect_message(struct ys_client *client, const void *want, size_t len)
{
    ys_client_read_frame(client, &frame);
    assert_int_equal(frame.opcode, 2);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

/* Opens a member of a room that is still empty, and reads its greeting. */
static void join_empty_room(struct ys_client *client, uint16_t port, const char *path)
{
    ys_client_open(client, port, NULL, NULL);
    ys_client_upgrade(client, path);
    expect_message(client, step1_of_empty_room, sizeof(step1_of_empty_room));
}

/* HTTP */

static void test_server_answers_http(void **state)
{
    static const struct {
        const char *name;
        const char *request;
        int status;
        const char *field; /* that must be there */
        const char *body;
    } cases[] = {
        { "health", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "Content-Type: application/json\r\n",
          "{\"status\":\"ok\"}" },
        { "health with a query", "GET /?x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "Content-Length: 15\r\n",
          "{\"status\":\"ok\"}" },
        { "another method", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "another method with a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405,
          "Allow: GET, HEAD\r\n", "Method not allowed" },
        { "another path", "GET /a/b/c/d HTTP/1.1\r\nHost: a\r\n\r\n", 404, "Content-Type: text/plain", "Not found" },
    };
    struct ys_client client;

    (void)state;
    ys_client_open(&client, start(), NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ys_client_send_str(&client, cases[i].request);
        ys_client_read_answer(&client, true, &answer);
        if (answer.status != cases[i].status || !strstr(answer.head, cases[i].field) ||
            strcmp(answer.body, cases[i].body) != 0)
            fail_msg("%s: got %s%s", cases[i].name, answer.head, answer.body);
    }
    ys_client_send_str(&client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    ys_client_read_answer(&client, false, &answer);
    assert_non_null(strstr(answer.head, "Content-Length: 15\r\n"));
    ys_client_close(&client);
}

static void test_server_refuses_bad_requests(void **state)
{
    static const struct {
        const char *name;
        const char *target;
        const char *fields;
        int status;
    } cases[] = {
        { "a path that is no room", "/elsewhere/x", "", 404 },
        { "no room name", "/rooms/", "", 400 },
        { "a control character", "/rooms/a%0ab", "", 400 },
    };
    uint16_t port;
    struct ys_client client;
    static const char *const routes[] = { "/rooms/:room" };

    (void)state;
    config.plugin.routes = routes;
    config.plugin.route_count = 1;
    port = start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[512];

        ys_client_open(&client, port, NULL, NULL);
        ys_client_format_upgrade(request, sizeof(request), cases[i].target, cases[i].fields);
        ys_client_send_str(&client, request);
        ys_client_read_answer(&client, true, &answer);
        if (answer.status != cases[i].status)
            fail_msg("%s: got %d, want %d", cases[i].name, answer.status, cases[i].status);
        ys_client_get(&client, "/", &answer); /* the connection is still good */
        assert_int_equal(answer.status, 200);
        ys_client_close(&client);
    }
    ys_client_open(&client, port, NULL, NULL);
    ys_client_send_str(&client, "GET /rooms/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 426);
    assert_non_null(strstr(answer.head, "Sec-WebSocket-Version: 13\r\n"));
    ys_client_send_str(&client, "nonsense\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 400);
    ys_client_expect_end(&client);
    ys_client_close(&client);
}

/* Rooms */

static void test_server_relays_updates(void **state)
{
    uint16_t port = start();
    struct ys_client a;
    struct ys_client b;
    struct ys_client other;
    uint8_t step2[sizeof(update)];

    (void)state;
    join_empty_room(&a, port, "/rooms/blog");
    join_empty_room(&b, port, "/blog"); /* the same room by another route */
    join_empty_room(&other, port, "/rooms/other");
    ys_client_send_message(&a, update, sizeof(update));
    expect_message(&b, update, sizeof(update));

    /* The sender gets no echo: the answer to its question comes first. */
    memcpy(step2, update, sizeof(update));
    step2[1] = 1;
    ys_client_send_message(&a, step1, sizeof(step1));
    expect_message(&a, step2, sizeof(step2));
    ys_client_send_message(&other, step1, sizeof(step1));
    expect_message(&other, "\x00\x01\x02\x00\x00", 5);
    ys_client_close(&a);
    ys_client_close(&b);
    ys_client_close(&other);
}

static void test_server_takes_messages_behind_the_request(void **state)
{
    struct ys_client client;
    char request[512];
    uint8_t all[600];
    size_t len;

    (void)state;
    ys_client_open(&client, start(), NULL, NULL);
    ys_client_format_upgrade(request, sizeof(request), "/blog", "");
    len = strlen(request);
    memcpy(all, request, len);
    len += ys_client_put_frame(all + len, 0x82, step1, sizeof(step1));
    ys_client_send(&client, all, len);
    while (ys_client_read(&client, request, 1) == 1 && request[0] != (char)0x82)
        ;
    assert_int_equal(ys_client_read(&client, all, 1 + sizeof(step1_of_empty_room)), 5);
    assert_memory_equal(all + 1, step1_of_empty_room, sizeof(step1_of_empty_room));
    expect_message(&client, "\x00\x01\x02\x00\x00", 5);
    ys_client_close(&client);
}

static void test_server_closes_with_the_right_code(void **state)
{
    static const struct {
        const char *name;
        uint8_t first_byte;
        const char *payload;
        size_t len;
        uint16_t code;
    } cases[] = {
        { "text", 0x81, "hello", 5, 1003 },
        { "an empty message", 0x82, "", 0, 1007 },
        { "an unknown sync type", 0x82, "\x00\x09\x00", 3, 1007 },
        { "an update that ends too early", 0x82, "\x00\x02\x02\x01", 4, 1007 },
        { "an update that is none", 0x82, "\x00\x02\x03\x01\x01\x01", 6, 1007 },
        { "a reserved opcode", 0x83, "", 0, 1002 },
        { "a reserved bit", 0xa2, "", 0, 1002 },
        { "a continuation of nothing", 0x80, "", 0, 1002 },
    };
    uint16_t port = start();
    struct ys_client client;
    struct ys_client neighbour;

    (void)state;
    join_empty_room(&neighbour, port, "/blog");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char reason[126];

        join_empty_room(&client, port, "/blog");
        ys_client_send_frame(&client, cases[i].first_byte, cases[i].payload, cases[i].len);
        ys_client_expect_close(&client, cases[i].code, reason);
        if (reason[0] == '\0')
            fail_msg("%s: no reason was given", cases[i].name);
        ys_client_close(&client);
    }
    assert_true(log_has("warn malformed_message room=blog peer=127.0.0.1:"));
    ys_client_send_message(&neighbour, step1, sizeof(step1)); /* is undisturbed */
    expect_message(&neighbour, "\x00\x01\x02\x00\x00", 5);
    ys_client_close(&neighbour);
}

static void test_server_closes_what_is_too_large(void **state)
{
    static const uint8_t large[1001] = { 0 };
    struct ys_client client;

    (void)state;
    config.plugin.max_message_bytes = 1000;
    join_empty_room(&client, start(), "/blog");
    ys_client_send_message(&client, large, sizeof(large));
    ys_client_expect_close(&client, 1009, NULL);
    ys_client_close(&client);
}

static void test_server_pings(void **state)
{
    struct ys_client client;

    (void)state;
    config.plugin.ping_every_ms = 40;
    join_empty_room(&client, start(), "/blog");
    for (int i = 0; i < 3; i++) {
        ys_client_read_frame(&client, &frame);
        assert_int_equal(frame.opcode, 0x9);
        ys_client_send_frame(&client, 0x8a, frame.payload, frame.len);
    }
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, 0x9);
    ys_client_expect_end(&client); /* it was not answered */
    ys_client_close(&client);
}

/* Authorization */

static void upgrade_with(struct ys_client *client, uint16_t port, const char *target, const char *fields)
{
    char request[512];

    ys_client_open(client, port, NULL, NULL);
    ys_client_format_upgrade(request, sizeof(request), target, fields);
    ys_client_send_str(client, request);
}

static void test_server_turns_away_the_unauthorized(void **state)
{
    static const char *const tokens[] = { "s3cret" };
    static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                   "Upgrade: websocket\r\n"
                                   "Connection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                   "\r\n";
    uint8_t want[256];
    uint8_t got[256];
    size_t len = sizeof(accepted) - 1;
    uint16_t port;
    struct ys_client client;

    (void)state;
    config.plugin.tokens = tokens;
    config.plugin.token_count = 1;
    port = start();
    memcpy(want, accepted, len);
    want[len++] = 0x82;
    want[len++] = sizeof(unauthorized);
    memcpy(want + len, unauthorized, sizeof(unauthorized));
    len += sizeof(unauthorized);
    memcpy(want + len, "\x88\x0e\x0f\xa1Unauthorized", 16);
    len += 16;

    upgrade_with(&client, port, "/blog?token=wrong-one", "");
    ys_client_send_message(&client, update, sizeof(update)); /* is not looked at */
    assert_int_equal(ys_client_read(&client, got, len), len);
    assert_memory_equal(got, want, len);
    ys_client_send_close(&client, 4001);
    ys_client_expect_end(&client);
    ys_client_close(&client);

    upgrade_with(&client, port, "/blog?token=s3cret", "");
    while (ys_client_read(&client, got, 1) == 1 && got[0] != 0x82)
        ;
    assert_int_equal(ys_client_read(&client, got, 1 + sizeof(step1_of_empty_room)), 5);
    assert_memory_equal(got + 1, step1_of_empty_room, sizeof(step1_of_empty_room));
    ys_client_close(&client);
    ysync_server_stop(server);
    assert_false(log_has("s3cret"));
    assert_false(log_has("wrong-one"));
}

static void test_server_accepts_tokens_in_three_ways(void **state)
{
    static const char *const tokens[] = { "s3cret" };
    static const struct {
        const char *name;
        const char *target;
        const char *fields;
        const char *protocol; /* that is echoed */
    } cases[] = {
        { "in the query", "/blog?token=s3cret", "", NULL },
        { "in a field", "/blog", "Authorization: Bearer s3cret\r\n", NULL },
        { "as a subprotocol", "/blog", "Sec-WebSocket-Protocol: bearer.s3cret, y-sync\r\n",
          "Sec-WebSocket-Protocol: y-sync\r\n" },
    };
    uint16_t port;

    (void)state;
    config.plugin.tokens = tokens;
    config.plugin.token_count = 1;
    port = start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_client client;
        char head[512] = "";
        size_t len = 0;

        upgrade_with(&client, port, cases[i].target, cases[i].fields);
        while (!strstr(head, "\r\n\r\n") && len + 1 < sizeof(head))
            len += ys_client_read(&client, head + len, 1);
        expect_message(&client, step1_of_empty_room, sizeof(step1_of_empty_room));
        if (cases[i].protocol ? !strstr(head, cases[i].protocol) : strstr(head, "Sec-WebSocket-Protocol") != NULL)
            fail_msg("%s: got %s", cases[i].name, head);
        ys_client_close(&client);
    }
}

static void test_server_refuses_by_http_who_keeps_coming(void **state)
{
    static const char *const tokens[] = { "s3cret" };
    struct ys_client client;
    uint16_t port;

    (void)state;
    config.plugin.tokens = tokens;
    config.plugin.token_count = 1;
    port = start();
    for (int i = 0; i < 5; i++) {
        ys_client_open(&client, port, NULL, NULL);
        ys_client_upgrade(&client, "/blog");
        ys_client_expect_close(&client, 4001, NULL);
        ys_client_close(&client);
    }
    upgrade_with(&client, port, "/blog", "");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 401);
    assert_string_equal(answer.body, "Unauthorized");
    ys_client_close(&client);
    ys_client_open(&client, port, NULL, NULL);
    ys_client_upgrade(&client, "/blog?token=s3cret"); /* who has the token is never kept out */
    ys_client_close(&client);
}

static void test_server_ignores_tokens_that_nobody_asked_for(void **state)
{
    struct ys_client client;

    (void)state;
    join_empty_room(&client, start(), "/blog?token=whatever");
    ys_client_close(&client);
}

/* Life */

static void *stop_server(void *arg)
{
    ysync_server_stop(arg);
    return NULL;
}

static void test_server_says_goodbye(void **state)
{
    uint16_t port = start();
    struct ys_client members[3];
    struct ys_client idle;
    pthread_t thread;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        join_empty_room(&members[i], port, "/blog");
    ys_client_open(&idle, port, NULL, NULL);
    ys_client_get(&idle, "/", &answer);
    pthread_create(&thread, NULL, stop_server, server);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        ys_client_expect_close(&members[i], 1001, NULL);
        ys_client_close(&members[i]);
    }
    ys_client_expect_end(&idle);
    ys_client_close(&idle);
    pthread_join(thread, NULL);
    assert_true(log_has("info listening address=http://127.0.0.1:"));
    assert_true(log_has("info stopping"));
    assert_true(log_has("info stopped"));
    ysync_server_stop(server); /* once more does nothing */
}

static void test_server_stops_although_a_peer_does_not_answer(void **state)
{
    struct ys_client client;

    (void)state;
    config.shutdown_timeout_ms = 50;
    join_empty_room(&client, start(), "/blog");
    ysync_server_stop(server);
    ys_client_read_frame(&client, &frame);
    assert_int_equal(frame.opcode, 0x8);
    ys_client_expect_end(&client);
    ys_client_close(&client);
}

/* What awaits the store's answers must not keep a loop running for good. */
static void test_server_stops_when_it_has_a_store(void **state)
{
    struct memory_store store;

    (void)state;
    memory_store_init(&store);
    config.plugin.store = &store.store;
    start();
    ysync_server_stop(server);
    assert_true(log_has("info stopped"));
    ysync_server_free(server);
    server = NULL;
    memory_store_deinit(&store);
}

static void test_server_says_that_the_port_is_in_use(void **state)
{
    struct ysync_problem problem = { "" };
    struct ysync_server *second;
    char want[64];

    (void)state;
    config.port = start();
    snprintf(want, sizeof(want), "port %u on 127.0.0.1 is in use", config.port);
    assert_int_equal(ysync_server_new(&config, &second, &problem), YSYNC_OK);
    assert_int_equal(ysync_server_start(second, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, want);
    assert_null(ysync_server_address(second, 0));
    ysync_server_free(second);
}

static void test_server_listens_on_several_addresses(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "127.0.0.2" };
    struct ysync_problem problem = { "" };

    (void)state;
    config.hosts = hosts;
    config.host_count = 2;
    start();
    assert_string_equal(strrchr(ysync_server_address(server, 0), ':'), strrchr(ysync_server_address(server, 1), ':'));
    assert_memory_equal(ysync_server_address(server, 1), "http://127.0.0.2:", 17);
    assert_null(ysync_server_address(server, 2));
    assert_int_equal(ysync_server_start(server, &problem), YSYNC_ERR_CONFLICT);
}

static void test_server_checks_its_configuration(void **state)
{
    static const char *const bad_host[] = { "localhost" };
    static const char *const bad_route[] = { "/rooms" };
    static const char *const bad_token[] = { "s3cret", "" };
    struct ysync_problem problem;

    (void)state;
#define EXPECT(member, value, count_member, count, want)                                                               \
    do {                                                                                                               \
        set_up(state);                                                                                                 \
        config.member = (value);                                                                                       \
        config.count_member = (count);                                                                                 \
        assert_int_equal(ysync_server_new(&config, &server, &problem), YSYNC_ERR_INVALID_ARG);                         \
        assert_string_equal(problem.text, want);                                                                       \
        assert_null(server);                                                                                           \
    } while (0)
    EXPECT(hosts, bad_host, host_count, 1, "host \"localhost\" is neither an IP address nor unix:/path");
    EXPECT(hosts, NULL, host_count, 0, "no host to listen on is given");
    EXPECT(plugin.routes, bad_route, plugin.route_count, 1, "route \"/rooms\" has no :room in it");
    EXPECT(plugin.routes, NULL, plugin.route_count, 0, "no route is given");
    EXPECT(plugin.tokens, bad_token, plugin.token_count, 2, "a token must not be empty");
    EXPECT(port, 1, plugin.max_message_bytes, 0, "the largest message must have at least 1 byte");
    EXPECT(port, 1, plugin.send_buffer_bytes, 0, "the send buffer must have at least 1 byte");
    EXPECT(port, 1, plugin.messages_per_second, 1000001, "a connection may be given at most 1000000 messages a second");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_server_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_http),
        TEST(refuses_bad_requests),
        TEST(relays_updates),
        TEST(takes_messages_behind_the_request),
        TEST(closes_with_the_right_code),
        TEST(closes_what_is_too_large),
        TEST(pings),
        TEST(turns_away_the_unauthorized),
        TEST(accepts_tokens_in_three_ways),
        TEST(refuses_by_http_who_keeps_coming),
        TEST(ignores_tokens_that_nobody_asked_for),
        TEST(says_goodbye),
        TEST(stops_although_a_peer_does_not_answer),
        TEST(stops_when_it_has_a_store),
        TEST(says_that_the_port_is_in_use),
        TEST(listens_on_several_addresses),
        TEST(checks_its_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
