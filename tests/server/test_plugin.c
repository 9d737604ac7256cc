/* SPDX-License-Identifier: MIT */
/* The plugin on a program's own loop, which runs on the test's thread whenever a client waits. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/plugin.h"
#include "support/client.h"
#include "support/failing_alloc.h"
#include "ysync/server.h"

/* An update that holds the text "hi" of client 1. */
static const uint8_t update[] = { 0, 2, 12, 1, 1, 1, 0, 4, 1, 1, 't', 2, 'h', 'i', 0 };

/* A program with a loop, and what it mounts there. */
struct program {
    uv_loop_t uv;
    struct ys_test_alloc memory;
    struct ys_loop *loop;
    struct ys_routes *routes;
    struct ysync_plugin_config options;
    struct ys_crew *crew;
    struct ys_auth *auth;
    struct ys_plugin *plugin;
    unsigned stops;
};

static struct program program;

static void on_moment(uv_timer_t *timer)
{
    (void)timer;
}

static void pump(void *user)
{
    struct program *p = user;
    uv_timer_t moment;

    uv_timer_init(&p->uv, &moment);
    uv_timer_start(&moment, on_moment, 5, 5); /* again, if the first was over before the loop waits */
    uv_run(&p->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&moment, NULL);
    uv_run(&p->uv, UV_RUN_NOWAIT);
}

static int set_up(void **state)
{
    static const char *const patterns[] = { "/:room" };
    struct ys_plugin_config config = { .options = &program.options };
    struct ys_address address;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&program, 0, sizeof(program));
    ys_test_alloc_init(&program.memory, YS_TEST_NEVER_FAIL);
    program.options = (struct ysync_plugin_config){
        .alloc = &program.memory.alloc,
        .evict_after_ms = 1,
        .max_message_bytes = 1000000,
        .send_buffer_bytes = 1000000,
    };
    assert_int_equal(uv_loop_init(&program.uv), 0);
    assert_int_equal(ys_loop_open(program.options.alloc, &program.uv, &program.loop), YSYNC_OK);
    assert_int_equal(ys_routes_new(program.options.alloc, patterns, 1, &program.routes, NULL), YSYNC_OK);
    assert_int_equal(ys_auth_new_open(program.options.alloc, &program.auth), YSYNC_OK);
    config.routes = program.routes;
    config.auth = program.auth;
    assert_int_equal(ys_crew_new(&(struct ys_crew_config){ .alloc = program.options.alloc, .size = 1 }, &program.crew),
                     YSYNC_OK);
    config.crew = program.crew;
    assert_int_equal(ys_plugin_new(program.loop, &config, &program.plugin), YSYNC_OK);
    assert_int_equal(ys_address_parse("127.0.0.1", 0, &address), YSYNC_OK);
    assert_int_equal(ys_plugin_listen(program.plugin, &address, NULL), YSYNC_OK);
    return 0;
}

static void on_stopped(void *user)
{
    ((struct program *)user)->stops++;
}

static int tear_down(void **state)
{
    (void)state;
    ys_plugin_stop(program.plugin, 50, on_stopped, &program);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(program.stops, 1);
    ys_plugin_free(program.plugin);
    ys_loop_close(program.loop);
    uv_run(&program.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&program.uv), 0);
    ys_auth_free(program.auth);
    ys_crew_free(program.crew);
    ys_routes_free(program.routes);
    return program.memory.live_blocks == 0 ? 0 : -1;
}

static void open_member(struct ys_client *client)
{
    ys_client_open(client, ys_address_port(ys_plugin_address(program.plugin, 0)), pump, &program);
    ys_client_upgrade(client, "/blog");
}

static void test_plugin_runs_on_a_programs_loop(void **state)
{
    static struct ys_client_frame frame;
    struct ys_client a;
    struct ys_client b;

    (void)state;
    open_member(&a);
    open_member(&b);
    ys_client_read_frame(&b, &frame); /* the greeting */
    ys_client_send_message(&a, update, sizeof(update));
    ys_client_read_frame(&b, &frame);
    assert_int_equal(frame.len, sizeof(update));
    assert_memory_equal(frame.payload, update, sizeof(update));
    ys_client_close(&a);
    ys_client_close(&b);
}

/* Whatever its clients hold while they are there, it gives back when they have left and their rooms were evicted. */
static void test_plugin_gives_memory_back(void **state)
{
    struct ys_client clients[20];
    size_t before = program.memory.live_bytes;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        open_member(&clients[i]);
        ys_client_send_message(&clients[i], update, sizeof(update));
    }
    assert_true(program.memory.live_bytes > before);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        ys_client_close(&clients[i]);
    for (int turn = 0; program.memory.live_bytes > before; turn++) {
        if (turn > 2000)
            fail_msg("%zu bytes were held before, %zu afterwards", before, program.memory.live_bytes);
        pump(&program);
    }
}

/* Says all that a client has to say at once, and reads to the end, whatever comes. True if the end was in order. */
static bool live_through(const uint8_t *all, size_t len)
{
    struct ys_client client;
    uint8_t got[4096];
    size_t got_len = 0;
    ssize_t count;

    ys_client_open(&client, ys_address_port(ys_plugin_address(program.plugin, 0)), pump, &program);
    ys_client_send(&client, all, len);
    for (int turn = 0; turn < 3; turn++)
        pump(&program);
    program.memory.fail_at = YS_TEST_NEVER_FAIL;
    ys_client_finish(&client);
    do {
        pump(&program);
        count = recv(client.fd, got + got_len, sizeof(got) - got_len, 0);
        got_len += count > 0 ? (size_t)count : 0;
        assert_true(got_len < sizeof(got));
    } while (count != 0);
    ys_client_close(&client);
    return got_len > 4 && memcmp(got + got_len - 4, "\x88\x02\x03\xe8", 4) == 0;
}

/* One allocation fails, whichever, while a client lives its whole life: it may be turned away, its neighbour is not. */
static void test_plugin_survives_failed_allocations(void **state)
{
    static struct ys_client_frame frame;
    struct ys_client neighbour;
    char request[512];
    uint8_t all[700];
    size_t len;

    (void)state;
    ys_client_format_upgrade(request, sizeof(request), "/blog", "");
    len = strlen(request);
    memcpy(all, request, len);
    len += ys_client_put_frame(all + len, 0x82, "\x00\x00\x01\x00", 4);
    len += ys_client_put_frame(all + len, 0x82, update, sizeof(update));
    len += ys_client_put_frame(all + len, 0x82, "\x03", 1);
    len += ys_client_put_frame(all + len, 0x88, "\x03\xe8", 2);
    open_member(&neighbour);
    for (size_t n = 0;; n++) {
        bool ended_well;

        program.memory.failed = false;
        program.memory.fail_at = program.memory.requests + n;
        ended_well = live_through(all, len);
        if (!program.memory.failed) {
            assert_true(ended_well);
            break;
        }
    }
    ys_client_send_message(&neighbour, "\x66\x01\x07", 3);
    do
        ys_client_read_frame(&neighbour, &frame);
    while (frame.opcode != 0x2 || frame.payload[0] != 0x66);
    ys_client_close(&neighbour);
}

/* Starting needs memory too, and what it had is given back. */
static void test_plugin_server_starts_whole_or_not_at_all(void **state)
{
    static const char *const tokens[] = { "s3cret" };

    (void)state;
    for (size_t n = 0;; n++) {
        struct ysync_server_config config;
        struct ysync_server *server = NULL;
        struct ysync_problem problem = { "" };
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        ysync_server_config_init(&config);
        config.plugin.alloc = &memory.alloc;
        config.port = 0;
        config.plugin.tokens = tokens;
        config.plugin.token_count = 1;
        err = ysync_server_new(&config, &server, &problem);
        if (!err)
            err = ysync_server_start(server, &problem);
        ysync_server_free(server);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
        if (!strstr(problem.text, "out of memory"))
            fail_msg("allocation %zu failed: \"%s\"", n, problem.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plugin_runs_on_a_programs_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_gives_memory_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_survives_failed_allocations, set_up, tear_down),
        cmocka_unit_test(test_plugin_server_starts_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
