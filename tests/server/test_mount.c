/* SPDX-License-Identifier: MIT */
/* The plugin as programs use it, ysync/plugin.h: on a loop of theirs, with sockets, documents and decisions of theirs.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/backoff.h"
#include "support/client.h"
#include "support/failing_alloc.h"
#include "ysync/plugin.h"

#define BYTES(array) ((struct ysync_bytes){ array, sizeof(array) })

/* A message with an update that holds the text "hi" of client 1. */
static const uint8_t update_message[] = { 0, 2, 12, 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };
static const struct ysync_bytes update = { update_message + 3, sizeof(update_message) - 3 };
static const uint8_t step1_of_empty_room[] = { 0, 0, 1, 0 };

struct program {
    uv_loop_t uv;
    struct ys_test_alloc memory;
    struct ysync_plugin_config config;
    struct ysync_plugin *plugin;
    uint16_t port;
    struct ysync_doc *mine; /* the document of room "mine" */
    struct ysync_verification *asked;
    char question[256];
    unsigned evictions;
    unsigned stops;
};

static struct program program;
static struct ys_client_frame frame;
static struct ys_client_answer answer;

static void on_moment(uv_timer_t *timer)
{
    (void)timer;
}

static void pump(void *user)
{
    uv_timer_t moment;

    (void)user;
    uv_timer_init(&program.uv, &moment);
    uv_timer_start(&moment, on_moment, 5, 5); /* again, if the first was over before the loop waits */
    uv_run(&program.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&moment, NULL);
    uv_run(&program.uv, UV_RUN_NOWAIT);
}

static struct ysync_doc *resolve(void *user, struct ysync_bytes room)
{
    (void)user;
    return room.len == 4 && memcmp(room.data, "mine", 4) == 0 ? program.mine : NULL;
}

static void on_evicted(void *user, struct ysync_room *room)
{
    (void)user;
    (void)room;
    program.evictions++;
}

/* Answers nothing yet. */
static void ask_later(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    (void)user;
    assert_null(program.asked);
    program.asked = verification;
    snprintf(program.question, sizeof(program.question), "%.*s %.*s %s %s", (int)request->room.len,
             (const char *)request->room.data, (int)request->token.len, (const char *)request->token.data,
             request->transport == YSYNC_TRANSPORT_HTTP ? "http" : "websocket",
             request->peer.len > 10 && memcmp(request->peer.data, "127.0.0.1:", 10) == 0 ? "here" : "elsewhere");
}

static void ask_token(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    (void)user;
    ysync_verify_answer(verification, (enum ysync_access)(request->token.data[0] - '0'));
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&program, 0, sizeof(program));
    ys_test_alloc_init(&program.memory, YS_TEST_NEVER_FAIL);
    ysync_plugin_config_init(&program.config);
    program.config.alloc = &program.memory.alloc;
    program.config.events.evicted = on_evicted;
    assert_int_equal(uv_loop_init(&program.uv), 0);
    return 0;
}

static void start(void)
{
    struct ysync_problem problem;

    if (ysync_plugin_new(&program.uv, &program.config, &program.plugin, &problem))
        fail_msg("%s", problem.text);
    if (ysync_plugin_listen(program.plugin, "127.0.0.1", 0, &problem))
        fail_msg("%s", problem.text);
    program.port = (uint16_t)atoi(strrchr(ysync_plugin_address(program.plugin, 0), ':') + 1);
}

static void on_stopped(void *user)
{
    (void)user;
    program.stops++;
    ysync_plugin_free(program.plugin);
    program.plugin = NULL;
}

static void stop(void)
{
    ysync_plugin_stop(program.plugin, 50, on_stopped, NULL);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(program.stops, 1);
}

static int tear_down(void **state)
{
    (void)state;
    if (program.plugin)
        stop();
    ysync_doc_free(program.mine);
    assert_int_equal(uv_loop_close(&program.uv), 0);
    return program.memory.live_blocks == 0 ? 0 : -1;
}

static void open_client(struct ys_client *client)
{
    ys_client_open(client, program.port, pump, NULL);
}

static void expect_message(struct ys_client *client, struct ysync_bytes want)
{
    ys_client_read_frame(client, &frame);
    assert_int_equal(frame.len, want.len);
    assert_memory_equal(frame.payload, want.data, want.len);
}

static void expect_close(const char *target, uint16_t code, const char *reason)
{
    struct ys_client client;
    char got[126];

    open_client(&client);
    ys_client_upgrade(&client, target);
    ys_client_expect_close(&client, code, got);
    assert_string_equal(got, reason);
    ys_client_close(&client);
}

/* A connection that the program accepted: ours to hand over, and the client's end of it. */
static int connect_pair(struct ys_client *client)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *client = (struct ys_client){ .fd = ends[0], .pump = pump };
    return ends[1];
}

/* However much of the request the program has read before it hands the connection over. */
static void test_mount_takes_connections(void **state)
{
    char request[512];
    uint8_t all[700];
    size_t head_len;
    size_t len;

    (void)state;
    start();
    ys_client_format_upgrade(request, sizeof(request), "/blog", "");
    head_len = strlen(request);
    memcpy(all, request, head_len);
    len = head_len + ys_client_put_frame(all + head_len, 0x82, update_message, sizeof(update_message));
    for (size_t read = 0; read <= len; read += read < head_len - 1 ? head_len - 1 : 1) {
        struct ys_client client;
        struct ys_client witness;
        char head[512];
        int fd = connect_pair(&client);

        assert_int_equal(ysync_plugin_take(program.plugin, fd, (struct ysync_bytes){ all, read }), YSYNC_OK);
        ys_client_send(&client, all + read, len - read);
        ys_client_read_head(&client, head, sizeof(head));
        assert_memory_equal(head, "HTTP/1.1 101", 12);
        ys_client_read_frame(&client, &frame);
        open_client(&witness); /* what stood behind the head has been taken in too */
        do
            ys_client_get(&witness, "/rooms/blog", &answer);
        while (answer.body_len != update.len);
        ys_client_close(&witness);
        ys_client_close(&client);
        pump(NULL);
        ysync_hub_drop(
            ysync_plugin_hub(program.plugin),
            ysync_hub_find(ysync_plugin_hub(program.plugin), (struct ysync_bytes){ (const uint8_t *)"blog", 4 }));
    }
}

static void test_mount_leaves_connections_that_it_cannot_take(void **state)
{
    static uint8_t much[64 * 1024 + 1];
    const struct ysync_bytes nothing = { NULL, 0 };
    struct ys_client stayer;
    struct ys_client client;
    int fd = connect_pair(&client);

    (void)state;
    start();
    assert_int_equal(ysync_plugin_take(program.plugin, fd, BYTES(much)), YSYNC_ERR_LIMIT);
    assert_int_equal(ysync_plugin_take(program.plugin, -1, nothing), YSYNC_ERR_IO);
    program.memory.fail_at = program.memory.requests;
    assert_int_equal(ysync_plugin_take(program.plugin, fd, nothing), YSYNC_ERR_NOMEM);
    program.memory.fail_at = YS_TEST_NEVER_FAIL;
    open_client(&stayer);
    ys_client_upgrade(&stayer, "/blog"); /* so that stopping takes its time */
    ysync_plugin_stop(program.plugin, 50, on_stopped, NULL);
    assert_int_equal(ysync_plugin_take(program.plugin, fd, nothing), YSYNC_ERR_CLOSED);
    assert_int_equal(write(fd, "x", 1), 1); /* it is still open */
    close(fd);
    ys_client_close(&client);
    ys_client_close(&stayer);
    uv_run(&program.uv, UV_RUN_DEFAULT);
}

static void test_mount_refuses_rooms_without_a_document(void **state)
{
    struct ys_client client;

    (void)state;
    program.config.events.resolve = resolve;
    start();
    expect_close("/rooms/a%20b", 4004, "Room not found: a b");
    open_client(&client);
    ys_client_get(&client, "/rooms/a%20b", &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.body, "Room not found: a b");
    ys_client_send_str(&client, "POST /rooms/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\1\1");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 404);
    ys_client_get(&client, "/rooms/mine", &answer);
    assert_int_equal(answer.status, 404); /* the program has none yet */
    ys_client_close(&client);
    assert_int_equal(ysync_hub_room_count(ysync_plugin_hub(program.plugin)), 0);
}

/* Who comes again and again is told by HTTP. */
static void test_mount_refuses_the_stubborn_by_http(void **state)
{
    struct ys_client client;
    char request[512];

    (void)state;
    program.config.events.resolve = resolve;
    start();
    for (int i = 0; i < YS_BACKOFF_TIMES; i++)
        expect_close("/b", 4004, "Room not found: b");
    ys_client_format_upgrade(request, sizeof(request), "/b", "");
    open_client(&client);
    ys_client_send_str(&client, request);
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.body, "Room not found: b");
    ys_client_close(&client);
}

static void test_mount_integrates_documents(void **state)
{
    struct ysync_hub *hub;
    struct ysync_room *room;
    struct ys_client client;

    (void)state;
    program.config.events.resolve = resolve;
    program.config.evict_after_ms = 1;
    assert_int_equal(ysync_doc_new(NULL, &program.mine), YSYNC_OK);
    start();
    hub = ysync_plugin_hub(program.plugin);
    open_client(&client);
    ys_client_upgrade(&client, "/mine");
    expect_message(&client, BYTES(step1_of_empty_room));
    room = ysync_hub_find(hub, (struct ysync_bytes){ (const uint8_t *)"mine", 4 });
    assert_ptr_equal(ysync_room_doc(room), program.mine);
    assert_int_equal(ysync_room_apply(room, update, uv_now(&program.uv)), YSYNC_OK);
    expect_message(&client, BYTES(update_message));
    ys_client_close(&client);
    while (program.evictions == 0)
        pump(NULL);
    open_client(&client);
    ys_client_get(&client, "/rooms/mine", &answer); /* the document is there, and the room comes back */
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_len, update.len);
    ys_client_close(&client);
}

static void wait_until_asked(void)
{
    while (!program.asked)
        pump(NULL);
}

static void answer_now(enum ysync_access access)
{
    struct ysync_verification *asked = program.asked;

    program.asked = NULL;
    ysync_verify_answer(asked, access);
}

static void test_mount_waits_for_verdicts(void **state)
{
    struct ys_client client;
    char request[512];
    char head[512];

    (void)state;
    program.config.verify = ask_later;
    start();
    ys_client_format_upgrade(request, sizeof(request), "/blog?token=t", "");
    open_client(&client);
    ys_client_send_str(&client, request);
    wait_until_asked();
    assert_string_equal(program.question, "blog t websocket here");
    answer_now(YSYNC_ACCESS_WRITE);
    ys_client_read_head(&client, head, sizeof(head));
    expect_message(&client, BYTES(step1_of_empty_room));
    ys_client_close(&client);

    open_client(&client);
    ys_client_send_str(&client, "GET /rooms/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer u\r\n\r\n");
    wait_until_asked();
    assert_string_equal(program.question, " u http here");
    answer_now(YSYNC_ACCESS_UNAVAILABLE);
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 503);
    ys_client_close(&client);
}

static void test_mount_follows_verdicts(void **state)
{
    static const struct {
        const char *target;
        uint16_t code;
        const char *reason;
    } cases[] = {
        { "/blog?token=0", 4001, "Unauthorized" },
        { "/blog?token=3", 1013, "Cannot verify the token now" },
        { "/blog?token=9", 4001, "Unauthorized" },
    };
    static const uint8_t denied[] = "\2\0\33This connection is read-only";
    struct ys_client client;

    (void)state;
    program.config.verify = ask_token;
    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_close(cases[i].target, cases[i].code, cases[i].reason);
    open_client(&client);
    ys_client_upgrade(&client, "/blog?token=1");
    expect_message(&client, BYTES(step1_of_empty_room));
    ys_client_send_message(&client, update_message, sizeof(update_message));
    ys_client_read_frame(&client, &frame);
    assert_memory_equal(frame.payload, denied, 2);
    ys_client_close(&client);
}

static void test_mount_turns_away_as_configured(void **state)
{
    static const struct {
        enum ysync_reject reject;
        const char *target;
        const char *want; /* close code and reason, or status and body */
    } cases[] = {
        { YSYNC_REJECT_4001, "/mine?token=0", "4001 Unauthorized" },
        { YSYNC_REJECT_4001, "/other?token=2", "4004 Room not found: other" },
        { YSYNC_REJECT_4001, "/mine?token=3", "1013 Cannot verify the token now" },
        { YSYNC_REJECT_4401, "/mine?token=0", "4401 Unauthorized" },
        { YSYNC_REJECT_4401, "/other?token=2", "4404 Room not found: other" },
        { YSYNC_REJECT_4401, "/mine?token=3", "1013 Cannot verify the token now" },
        { YSYNC_REJECT_HTTP, "/mine?token=0", "401 Unauthorized" },
        { YSYNC_REJECT_HTTP, "/other?token=2", "404 Room not found: other" },
        { YSYNC_REJECT_HTTP, "/mine?token=3", "503 Cannot verify the token now" },
    };
    (void)state;
    assert_int_equal(ysync_doc_new(&program.memory.alloc, &program.mine), YSYNC_OK);
    program.config.verify = ask_token;
    program.config.events.resolve = resolve;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[512], got[256], reason[126];
        struct ys_client client;

        program.stops = 0;
        program.config.reject = cases[i].reject;
        start();
        open_client(&client);
        if (cases[i].reject == YSYNC_REJECT_HTTP) {
            ys_client_format_upgrade(request, sizeof(request), cases[i].target, "");
            ys_client_send_str(&client, request);
            ys_client_read_answer(&client, true, &answer);
            snprintf(got, sizeof(got), "%d %.200s", answer.status, answer.body);
        } else {
            ys_client_upgrade(&client, cases[i].target);
            ys_client_expect_close(&client, (uint16_t)atoi(cases[i].want), reason);
            snprintf(got, sizeof(got), "%.4s %s", cases[i].want, reason);
        }
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("reject %d, %s: got %s, want %s", cases[i].reject, cases[i].target, got, cases[i].want);
        ys_client_close(&client);
        stop();
    }
}

/* Lets in for as many milliseconds as the token says. */
static void ask_how_long(void *user, struct ysync_verification *verification,
                         const struct ysync_verify_request *request)
{
    (void)user;
    ysync_verify_answer_for(verification, YSYNC_ACCESS_WRITE, (uint64_t)atoi((const char *)request->token.data));
}

static void test_mount_ends_connections_with_their_verdict(void **state)
{
    static const enum ysync_reject rejects[] = { YSYNC_REJECT_4001, YSYNC_REJECT_4401, YSYNC_REJECT_HTTP };
    static const uint16_t codes[] = { 4001, 4401, 4401 };

    (void)state;
    program.config.verify = ask_how_long;
    for (size_t i = 0; i < ARRAY_LEN(rejects); i++) {
        struct ys_client lasting, brief;
        char reason[126];

        program.stops = 0;
        program.config.reject = rejects[i];
        start();
        open_client(&lasting);
        ys_client_upgrade(&lasting, "/blog?token=1000000%20");
        expect_message(&lasting, BYTES(step1_of_empty_room));
        open_client(&brief);
        ys_client_upgrade(&brief, "/blog?token=20%20");
        ys_client_expect_close(&brief, codes[i], reason);
        assert_string_equal(reason, "Token expired");
        ys_client_close(&brief);
        ys_client_close(&lasting);
        stop();
    }
}

static void test_mount_closes_who_floods_before_the_verdict(void **state)
{
    static uint8_t flood[70000];
    struct ys_client client;
    char request[512];
    char reason[126];
    char head[512];

    (void)state;
    program.config.verify = ask_later;
    start();
    ys_client_format_upgrade(request, sizeof(request), "/blog", "");
    open_client(&client);
    ys_client_send_str(&client, request);
    wait_until_asked();
    ys_client_send(&client, flood, sizeof(flood));
    ys_client_read_head(&client, head, sizeof(head));
    ys_client_expect_close(&client, 1008, reason);
    assert_string_equal(reason, "Too much was sent before the answer");
    ys_client_close(&client);
    answer_now(YSYNC_ACCESS_WRITE); /* nobody listens any more */
    assert_int_equal(ysync_hub_room_count(ysync_plugin_hub(program.plugin)), 0);
}

static int status_of(struct ys_client *client, const char *target, const char *fields)
{
    char request[512];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target, fields);
    ys_client_send_str(client, request);
    ys_client_read_answer(client, true, &answer);
    return answer.status;
}

static void test_mount_limits_connections(void **state)
{
    struct ys_client first, second, third;

    (void)state;
    program.config.max_connections = 2;
    start();
    open_client(&first);
    open_client(&second);
    assert_int_equal(status_of(&first, "/metrics", ""), 200);
    assert_int_equal(status_of(&second, "/metrics", ""), 200);
    open_client(&third);
    assert_int_equal(status_of(&third, "/", ""), 200);
    assert_int_equal(status_of(&third, "/metrics", ""), 503);
    assert_string_equal(answer.body, "Too many connections");
    ys_client_expect_end(&third);
    ys_client_close(&third);
    ys_client_close(&first);
    pump(NULL);
    open_client(&first);
    assert_int_equal(status_of(&first, "/metrics", ""), 200);
    ys_client_close(&first);
    ys_client_close(&second);
}

static void test_mount_limits_connections_of_an_address(void **state)
{
    struct ys_client first, second;

    (void)state;
    program.config.max_connections_per_ip = 1;
    start();
    open_client(&first);
    assert_int_equal(status_of(&first, "/metrics", ""), 200);
    open_client(&second);
    assert_int_equal(status_of(&second, "/metrics", "X-Forwarded-For: 203.0.113.9\r\n"), 429);
    assert_string_equal(answer.body, "Too many connections from your address");
    ys_client_close(&second);
    ys_client_close(&first);
}

/* Behind a proxy the client is who the proxy says, from one request to the next. */
static void test_mount_limits_connections_behind_a_proxy(void **state)
{
    struct ys_client first, second;

    (void)state;
    program.config.max_connections_per_ip = 1;
    program.config.trusted_proxies = 1;
    start();
    open_client(&first);
    open_client(&second);
    assert_int_equal(status_of(&first, "/metrics", "X-Forwarded-For: 203.0.113.9\r\n"), 200);
    assert_int_equal(status_of(&first, "/metrics", "X-Forwarded-For: 203.0.113.9\r\n"), 200);
    assert_int_equal(status_of(&second, "/metrics", "X-Forwarded-For: 203.0.113.8\r\n"), 200);
    assert_int_equal(status_of(&second, "/metrics", "X-Forwarded-For: 1.2.3.4, 203.0.113.9\r\n"), 429);
    ys_client_close(&second);
    ys_client_close(&first);
}

/* Neither the client need be there any more nor the plugin. */
/* Joins and has synced: all that comes from here on is silence. */
static void open_idle(struct ys_client *client, const char *target)
{
    static const uint8_t step1[] = { 0, 0, 1, 0 };
    static const uint8_t step2[] = { 0, 1, 2, 0, 0 };

    open_client(client);
    ys_client_upgrade(client, target);
    expect_message(client, BYTES(step1_of_empty_room));
    ys_client_send_message(client, step1, sizeof(step1));
    expect_message(client, BYTES(step2));
}

/* What 1.5 KiB of resident memory leave for blocks: malloc rounds each up to 16 bytes and adds 8, and the tables of
 * libuv and of the hub take some 50 bytes. */
static void test_mount_keeps_idle_connections_small(void **state)
{
    enum { MAX_BYTES = 1486, BLOCK_COST = 16 };
    struct ys_client clients[2];
    size_t bytes;
    size_t blocks;

    (void)state;
    start();
    open_idle(&clients[0], "/rooms/first");
    bytes = program.memory.live_bytes;
    blocks = program.memory.live_blocks;
    open_idle(&clients[1], "/rooms/other");
    bytes = program.memory.live_bytes - bytes;
    blocks = program.memory.live_blocks - blocks;
    if (bytes + blocks * BLOCK_COST > MAX_BYTES)
        fail_msg("an idle connection with its room takes %zu bytes in %zu blocks: more than %d", bytes, blocks,
                 MAX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        ys_client_close(&clients[i]);
}

static void test_mount_may_be_answered_too_late(void **state)
{
    char request[512];
    struct ys_client client;

    (void)state;
    program.config.verify = ask_later;
    start();
    ys_client_format_upgrade(request, sizeof(request), "/blog", "");
    for (int too_late = 0; too_late < 2; too_late++) {
        open_client(&client);
        ys_client_send_str(&client, request);
        wait_until_asked();
        ys_client_close(&client);
        if (too_late == 0) {
            for (int turn = 0; turn < 3; turn++)
                pump(NULL);
        } else {
            stop();
        }
        answer_now(YSYNC_ACCESS_WRITE);
    }
    assert_null(program.plugin);
}

static void test_mount_says_goodbye(void **state)
{
    struct ys_client client;

    (void)state;
    start();
    open_client(&client);
    ys_client_upgrade(&client, "/blog");
    ysync_plugin_stop(program.plugin, 10000, on_stopped, NULL);
    assert_int_equal(program.stops, 0);
    do
        ys_client_read_frame(&client, &frame);
    while (frame.opcode != 8);
    assert_memory_equal(frame.payload, "\x03\xe9", 2);
    ys_client_send_close(&client, 1001);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(program.stops, 1);
    assert_int_equal(program.evictions, 1); /* so that nothing is lost which the program wanted to keep */
    ys_client_close(&client);
}

static void test_mount_checks_its_configuration(void **state)
{
    static const char *const tokens[] = { "a", "" };
    static const char *const no_room[] = { "/rooms" };
    static const struct {
        const char *name;
        struct ysync_plugin_config config;
    } cases[] = {
        { "a route without a room",
          { .routes = no_room, .route_count = 1, .max_message_bytes = 1, .send_buffer_bytes = 1 } },
        { "no route", { .max_message_bytes = 1, .send_buffer_bytes = 1 } },
        { "messages of nothing", { .send_buffer_bytes = 1 } },
        { "no buffer to send", { .max_message_bytes = 1 } },
        { "an empty token", { .tokens = tokens, .token_count = 2, .max_message_bytes = 1, .send_buffer_bytes = 1 } },
        { "tokens and a callback",
          { .tokens = tokens, .token_count = 1, .verify = ask_later, .max_message_bytes = 1, .send_buffer_bytes = 1 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_problem problem = { "" };
        struct ysync_plugin *plugin = NULL;
        enum ysync_err err = ysync_plugin_new(&program.uv, &cases[i].config, &plugin, &problem);

        if (err != YSYNC_ERR_INVALID_ARG || plugin || problem.text[0] == '\0')
            fail_msg("%s: got %s (%s)", cases[i].name, ysync_strerror(err), problem.text);
    }
    start();
    assert_int_equal(ysync_plugin_listen(program.plugin, "nowhere", 0, NULL), YSYNC_ERR_INVALID_ARG);
    assert_int_equal(ysync_plugin_listen(program.plugin, "127.0.0.1", program.port, NULL), YSYNC_ERR_IO);
    assert_null(ysync_plugin_address(program.plugin, 1));
}

/* Made whole or not at all, with tokens and with a callback. */
static void test_mount_survives_failed_allocations(void **state)
{
    static const char *const tokens[] = { "s3cret" };

    (void)state;
    program.config.tokens = tokens;
    program.config.token_count = 1;
    for (size_t n = 0;; n++) {
        struct ysync_plugin *plugin = NULL;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        program.config.alloc = &memory.alloc;
        err = ysync_plugin_new(&program.uv, &program.config, &plugin, NULL);
        if (!err)
            err = ysync_plugin_listen(plugin, "127.0.0.1", 0, NULL);
        ysync_plugin_free(plugin);
        uv_run(&program.uv, UV_RUN_DEFAULT);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mount_takes_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_leaves_connections_that_it_cannot_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_refuses_rooms_without_a_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_refuses_the_stubborn_by_http, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_integrates_documents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_waits_for_verdicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_follows_verdicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_turns_away_as_configured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_ends_connections_with_their_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_closes_who_floods_before_the_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_limits_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_limits_connections_of_an_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_limits_connections_behind_a_proxy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_keeps_idle_connections_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_may_be_answered_too_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_says_goodbye, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_checks_its_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount_survives_failed_allocations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
