/* SPDX-License-Identifier: MIT */
/* A plugin with a store of the program's: from a thread of its own, late, failing, or not at all. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/client.h"
#include "support/failing_alloc.h"
#include "support/memory_store.h"
#include "ysync/plugin.h"

/* An update that holds the text "hi" of client 1, and the message that it comes in. */
static const uint8_t update_message[] = { 0, 2, 12, 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };
#define UPDATE "\1\1\1\0\4\1\1t\2hi\0"
#define UPDATE_LEN 12
static const uint8_t status_message[] = { 102, 1, 7 };
static const uint8_t step1_of_empty_room[] = { 0, 0, 1, 0 };
static const uint8_t step1_of_full_room[] = { 0, 0, 3, 1, 1, 2 };

struct program {
    uv_loop_t uv;
    struct ys_test_alloc memory;
    struct memory_store store;
    struct ysync_plugin_config config;
    struct ysync_plugin *plugin;
    uint16_t port;
    unsigned stops;
    char log[4096];
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
    uv_timer_start(&moment, on_moment, 5, 5);
    uv_run(&program.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&moment, NULL);
    uv_run(&program.uv, UV_RUN_NOWAIT);
}

static void note_line(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    size_t len = strlen(program.log);

    (void)user;
    ysync_log_format_text(program.log + len, sizeof(program.log) - len - 1, level, event, fields);
    strcat(program.log, "\n");
}

static unsigned count_lines(const char *part)
{
    unsigned count = 0;

    for (const char *at = program.log; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&program, 0, sizeof(program));
    ys_test_alloc_init(&program.memory, YS_TEST_NEVER_FAIL);
    memory_store_init(&program.store);
    ysync_plugin_config_init(&program.config);
    program.config.alloc = &program.memory.alloc;
    program.config.store = &program.store.store;
    program.config.log = (struct ysync_log){ .write = note_line, .level = YSYNC_LOG_ERROR };
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

static void stop(uint64_t timeout_ms)
{
    ysync_plugin_stop(program.plugin, timeout_ms, on_stopped, NULL);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(program.stops, 1);
}

static int tear_down(void **state)
{
    (void)state;
    if (program.plugin)
        stop(50);
    assert_int_equal(uv_loop_close(&program.uv), 0);
    memory_store_deinit(&program.store); /* what it has not answered yet is nobody's any more */
    return program.memory.live_blocks == 0 ? 0 : -1;
}

static void join(struct ys_client *client)
{
    ys_client_open(client, program.port, pump, NULL);
    ys_client_upgrade(client, "/blog");
}

static void expect_message(struct ys_client *client, const uint8_t *want, size_t len)
{
    ys_client_read_frame(client, &frame);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.payload, want, len);
}

#define EXPECT_MESSAGE(client, want) expect_message(client, want, sizeof(want))

static void send_update(struct ys_client *client)
{
    ys_client_send_message(client, update_message, sizeof(update_message));
    ys_client_send_message(client, status_message, sizeof(status_message));
}

static void post(struct ys_client *client)
{
    char request[] = "POST /rooms/blog HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n" UPDATE;

    ys_client_send(client, request, sizeof(request) - 1);
}

static void await_asked(size_t count)
{
    while (memory_store_waiting(&program.store) < count)
        pump(NULL);
}

static void test_mount_store_is_one(void **state)
{
    struct ysync_problem problem;

    (void)state;
    program.config.store_url = "sqlite:/tmp/no.db";
    assert_int_equal(ysync_plugin_new(&program.uv, &program.config, &program.plugin, &problem), YSYNC_ERR_INVALID_ARG);
    program.config.store = NULL;
    program.config.store_url = "nowhere:x";
    assert_int_equal(ysync_plugin_new(&program.uv, &program.config, &program.plugin, &problem), YSYNC_ERR_INVALID_ARG);
    assert_non_null(strstr(problem.text, "nowhere:x"));
    program.config.store_url = "sqlite:/no/such/folder/rooms.db";
    assert_int_not_equal(ysync_plugin_new(&program.uv, &program.config, &program.plugin, &problem), YSYNC_OK);
    assert_non_null(strstr(problem.text, "/no/such/folder"));
    uv_run(&program.uv, UV_RUN_DEFAULT);
}

static void test_mount_store_is_not_for_documents_of_the_program(void **state)
{
    struct ysync_problem problem;

    (void)state;
    program.config.events.resolve = (struct ysync_doc * (*)(void *, struct ysync_bytes)) abort;
    assert_int_equal(ysync_plugin_new(&program.uv, &program.config, &program.plugin, &problem), YSYNC_ERR_INVALID_ARG);
    assert_non_null(strstr(problem.text, "resolve"));
}

/* From another thread; and what was written is there when the room comes back. */
static void test_mount_store_keeps_documents(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_thread(&program.store);
    program.config.evict_after_ms = 1;
    start();
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_empty_room);
    send_update(&client);
    EXPECT_MESSAGE(&client, status_message);
    ys_client_close(&client);
    while (ysync_hub_room_count(ysync_plugin_hub(program.plugin)) > 0)
        pump(NULL);
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_full_room);
    ys_client_close(&client);
}

static void test_mount_store_may_be_slow(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_wait(&program.store);
    start();
    join(&client);
    send_update(&client);
    await_asked(1);
    assert_true(memory_store_answer(&program.store)); /* it has loaded */
    EXPECT_MESSAGE(&client, step1_of_full_room); /* with what it sent meanwhile */
    await_asked(1);
    assert_true(memory_store_answer(&program.store)); /* it is written */
    EXPECT_MESSAGE(&client, status_message);
    ys_client_close(&client);
}

static void test_mount_store_turns_clients_away_when_loading_fails(void **state)
{
    struct ys_client client;
    char reason[126];

    (void)state;
    memory_store_fail(&program.store, MEMORY_STORE_LOAD, 1, YSYNC_ERR_IO, "the shelf is broken");
    start();
    join(&client);
    ys_client_expect_close(&client, 1013, reason);
    assert_int_not_equal(reason[0], 0);
    ys_client_close(&client);
    assert_int_equal(count_lines("room_not_loaded"), 1);
    assert_int_equal(count_lines("the shelf is broken"), 1);
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_empty_room);
    ys_client_close(&client);
}

static void test_mount_store_says_once_that_it_fails(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_fail(&program.store, MEMORY_STORE_APPEND | MEMORY_STORE_SAVE, 3, YSYNC_ERR_IO, "the disk is full");
    program.config.log.level = YSYNC_LOG_INFO;
    start();
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_empty_room);
    send_update(&client);
    do
        ys_client_read_frame(&client, &frame); /* there may be keep-alive messages */
    while (frame.payload[0] != 102);
    assert_int_equal(count_lines("store_failed"), 1);
    assert_int_equal(count_lines("the disk is full"), 1);
    assert_int_equal(count_lines("store_recovered"), 1);
    ys_client_close(&client);
    ys_client_open(&client, program.port, pump, NULL);
    ys_client_get(&client, "/metrics", &answer);
    assert_non_null(strstr(answer.body, "\nysync_store_errors_total 3\n"));
    assert_non_null(strstr(answer.body, "\nysync_store_commit_seconds_count 1\n"));
    assert_non_null(strstr(answer.body, "\nysync_store_unsaved_rooms 0\n"));
    ys_client_close(&client);
}

/* A 200 is a promise, too. */
static void test_mount_store_answers_posts_when_they_are_durable(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_wait(&program.store);
    start();
    ys_client_open(&client, program.port, pump, NULL);
    post(&client);
    await_asked(1);
    assert_true(memory_store_answer(&program.store));
    await_asked(1);
    assert_null(memory_store_find(&program.store, "blog"));
    assert_true(memory_store_answer(&program.store));
    assert_non_null(memory_store_find(&program.store, "blog"));
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 200);
    ys_client_close(&client);
}

static void test_mount_store_refuses_requests_while_it_fails(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_fail(&program.store, ~0u, SIZE_MAX, YSYNC_ERR_IO, NULL);
    start();
    ys_client_open(&client, program.port, pump, NULL);
    ys_client_get(&client, "/rooms/blog", &answer);
    assert_int_equal(answer.status, 503);
    post(&client);
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 503);
    ys_client_get(&client, "/rooms/?stored=1", &answer);
    assert_int_equal(answer.status, 503);
    ys_client_send_str(&client, "DELETE /rooms/blog HTTP/1.1\r\nHost: h\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 503);
    memory_store_fail(&program.store, 0, 0, YSYNC_OK, NULL);
    memory_store_fail(&program.store, MEMORY_STORE_SAVE, 1, YSYNC_ERR_IO, NULL);
    post(&client);
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 503); /* applied, but not saved */
    ys_client_get(&client, "/rooms/blog", &answer);
    assert_int_equal(answer.body_len, UPDATE_LEN);
    ys_client_close(&client);
}

static void test_mount_store_is_read_without_opening_rooms(void **state)
{
    struct ys_client client;

    (void)state;
    program.config.evict_after_ms = 1;
    start();
    ys_client_open(&client, program.port, pump, NULL);
    post(&client);
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 200);
    while (ysync_hub_room_count(ysync_plugin_hub(program.plugin)) > 0)
        pump(NULL);
    ys_client_get(&client, "/rooms/blog", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_len, UPDATE_LEN);
    ys_client_get(&client, "/rooms/blog?sv=AQEC", &answer);
    assert_int_equal(answer.body_len, 2);
    ys_client_get(&client, "/rooms/blog?sv=!", &answer);
    assert_int_equal(answer.status, 400);
    ys_client_get(&client, "/rooms/nobody", &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.body, "Room not found: nobody");
    ys_client_get(&client, "/rooms/?stored=1", &answer);
    assert_memory_equal(answer.body, "{\"rooms\":[{\"id\":\"blog\",\"bytes\":", 31);
    assert_non_null(strstr(answer.body, "],\"next\":null}"));
    ys_client_get(&client, "/rooms/?stored=1&limit=1", &answer);
    assert_non_null(strstr(answer.body, "],\"next\":\"blog\"}"));
    ys_client_get(&client, "/rooms/?stored=1&after=blog", &answer);
    assert_string_equal(answer.body, "{\"rooms\":[],\"next\":null}");
    ys_client_get(&client, "/rooms/?stored=1&limit=x", &answer);
    assert_int_equal(answer.status, 400);
    assert_int_equal(ysync_hub_room_count(ysync_plugin_hub(program.plugin)), 0);
    ys_client_send_str(&client, "DELETE /rooms/blog HTTP/1.1\r\nHost: h\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_null(memory_store_find(&program.store, "blog"));
    ys_client_send_str(&client, "DELETE /rooms/blog HTTP/1.1\r\nHost: h\r\n\r\n");
    ys_client_read_answer(&client, true, &answer);
    assert_int_equal(answer.status, 404);
    ys_client_close(&client);
}

/* Who asked has gone when the answer comes. */
static void test_mount_store_may_answer_too_late(void **state)
{
    static const char *const requests[] = {
        "GET /rooms/blog HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /rooms/?stored=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "DELETE /rooms/blog HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /rooms/blog HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\1\1",
    };
    struct ys_client client;

    (void)state;
    memory_store_wait(&program.store);
    start();
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        ys_client_open(&client, program.port, pump, NULL);
        ys_client_send_str(&client, requests[i]);
        await_asked(1);
        ys_client_close(&client);
        for (unsigned j = 0; j < 3; j++)
            pump(NULL);
        while (memory_store_answer(&program.store))
            pump(NULL);
    }
}

/* Clients hear of what is saved before they are sent away, and nothing that waits is forgotten. */
static void test_mount_store_is_flushed_at_the_end(void **state)
{
    struct ys_client client;
    char reason[126];

    (void)state;
    start();
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_empty_room);
    memory_store_wait(&program.store);
    send_update(&client);
    await_asked(1);
    ysync_plugin_stop(program.plugin, 10000, on_stopped, NULL);
    for (unsigned i = 0; i < 3; i++)
        pump(NULL);
    assert_int_equal(program.stops, 0);
    memory_store_hurry(&program.store);
    EXPECT_MESSAGE(&client, status_message);
    ys_client_expect_close(&client, 1001, reason);
    ys_client_close(&client);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(program.stops, 1);
    assert_non_null(memory_store_find(&program.store, "blog"));
    assert_int_equal(count_lines("stopped_unsaved"), 0);
}

/* One that fails is tried again until the time is over, and then it is said what was lost. */
static void test_mount_store_holds_nobody_up_for_ever(void **state)
{
    struct ys_client client;

    (void)state;
    start();
    join(&client);
    EXPECT_MESSAGE(&client, step1_of_empty_room);
    memory_store_fail(&program.store, ~0u, SIZE_MAX, YSYNC_ERR_IO, "the shelf is broken");
    send_update(&client);
    while (count_lines("store_failed") == 0)
        pump(NULL);
    ys_client_close(&client);
    stop(500);
    assert_int_equal(count_lines("stopped_unsaved"), 1);
}

/* The plugin is freed while the store has answered nothing; the answers come afterwards, from another thread. */
static void test_mount_store_may_outlive_its_plugin(void **state)
{
    struct ys_client client;

    (void)state;
    memory_store_wait(&program.store);
    start();
    join(&client);
    send_update(&client);
    await_asked(1);
    ys_client_close(&client);
    ys_client_open(&client, program.port, pump, NULL);
    ys_client_send_str(&client, "GET /rooms/other HTTP/1.1\r\nHost: h\r\n\r\n");
    await_asked(2);
    ys_client_close(&client);
    stop(50);
    assert_true(memory_store_waiting(&program.store) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_mount_store_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(is_one),
        TEST(is_not_for_documents_of_the_program),
        TEST(keeps_documents),
        TEST(may_be_slow),
        TEST(turns_clients_away_when_loading_fails),
        TEST(says_once_that_it_fails),
        TEST(answers_posts_when_they_are_durable),
        TEST(refuses_requests_while_it_fails),
        TEST(is_read_without_opening_rooms),
        TEST(may_answer_too_late),
        TEST(is_flushed_at_the_end),
        TEST(holds_nobody_up_for_ever),
        TEST(may_outlive_its_plugin),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
