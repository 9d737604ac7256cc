/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/serve_options.h"

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void read_options(struct ys_serve_options *options, int argc, char **argv)
{
    struct ys_complaint complaint = { "" };
    bool wants_help;
    enum ysync_err err = ys_options_read(ys_serve_options_table, options, argc, argv, no_environment, &wants_help,
                                         &complaint);

    if (err)
        fail_msg("%s", complaint.text);
}

/* The program and the library must not disagree about what happens when nobody says anything. */
static void test_serve_options_defaults_are_the_librarys(void **state)
{
    struct ys_serve_options options;
    struct ysync_server_config got, want;

    (void)state;
    read_options(&options, 0, NULL);
    ys_serve_options_apply(&options, &got);
    ysync_server_config_init(&want);

    assert_int_equal(got.host_count, want.host_count);
    assert_string_equal(got.hosts[0], want.hosts[0]);
    assert_int_equal(got.port, want.port);
    assert_int_equal(got.plugin.route_count, want.plugin.route_count);
    for (size_t i = 0; i < want.plugin.route_count; i++)
        assert_string_equal(got.plugin.routes[i], want.plugin.routes[i]);
    assert_int_equal(got.plugin.token_count, want.plugin.token_count);
    assert_null(got.plugin.jwt_key_file);
    assert_null(got.plugin.jwt_issuer);
    assert_null(got.plugin.jwt_audience);
    assert_null(got.plugin.tls_cert_file);
    assert_null(got.plugin.tls_key_file);
    assert_int_equal(got.plugin.verify_timeout_ms, want.plugin.verify_timeout_ms);
    assert_int_equal(got.plugin.evict_after_ms, want.plugin.evict_after_ms);
    assert_int_equal(got.plugin.max_rooms, want.plugin.max_rooms);
    assert_int_equal(got.plugin.max_room_bytes, want.plugin.max_room_bytes);
    assert_int_equal(got.plugin.max_pending_bytes, want.plugin.max_pending_bytes);
    assert_int_equal(got.plugin.max_presence_bytes, want.plugin.max_presence_bytes);
    assert_int_equal(got.plugin.compress, want.plugin.compress);
    assert_int_equal(got.plugin.echoes, want.plugin.echoes);
    assert_int_equal(got.plugin.gc, want.plugin.gc);
    assert_int_equal(got.plugin.ping_every_ms, want.plugin.ping_every_ms);
    assert_int_equal(got.plugin.max_message_bytes, want.plugin.max_message_bytes);
    assert_int_equal(got.plugin.send_buffer_bytes, want.plugin.send_buffer_bytes);
    assert_int_equal(got.plugin.messages_per_second, want.plugin.messages_per_second);
    assert_int_equal(got.shutdown_timeout_ms, want.shutdown_timeout_ms);
    ys_options_deinit(ys_serve_options_table, &options);
}

static void test_serve_options_reach_the_config(void **state)
{
    static char *argv[] = { "--host=::1",
                            "--port=4000",
                            "--route=/d/:room",
                            "--token=a",
                            "--token=b",
                            "--evict-after=1s",
                            "--ping-every=2s",
                            "--max-message=3k",
                            "--send-buffer=4k",
                            "--log-level=debug",
                            "--log-format=json",
                            "--shutdown-timeout=5s",
                            "--max-rooms=6",
                            "--max-room-size=7m",
                            "--max-pending=8m",
                            "--compress",
                            "--echo",
                            "--no-gc",
                            "--rate=9",
                            "--max-presence=10k",
                            "--jwt-key=k",
                            "--jwt-issuer=me",
                            "--jwt-audience=ysync",
                            "--tls-cert=cert.pem",
                            "--tls-key=key.pem" };
    struct ys_serve_options options;
    struct ysync_server_config config;

    (void)state;
    read_options(&options, ARRAY_LEN(argv), argv);
    ys_serve_options_apply(&options, &config);
    assert_string_equal(config.hosts[0], "::1");
    assert_int_equal(config.port, 4000);
    assert_int_equal(config.plugin.route_count, 1);
    assert_string_equal(config.plugin.routes[0], "/d/:room");
    assert_int_equal(config.plugin.token_count, 2);
    assert_string_equal(config.plugin.tokens[1], "b");
    assert_string_equal(config.plugin.jwt_key_file, "k");
    assert_string_equal(config.plugin.jwt_issuer, "me");
    assert_string_equal(config.plugin.jwt_audience, "ysync");
    assert_string_equal(config.plugin.tls_cert_file, "cert.pem");
    assert_string_equal(config.plugin.tls_key_file, "key.pem");
    assert_int_equal(config.plugin.evict_after_ms, 1000);
    assert_int_equal(config.plugin.max_rooms, 6);
    assert_int_equal(config.plugin.max_room_bytes, 7 << 20);
    assert_int_equal(config.plugin.max_pending_bytes, 8 << 20);
    assert_int_equal(config.plugin.max_presence_bytes, 10 * 1024);
    assert_true(config.plugin.compress);
    assert_true(config.plugin.echoes);
    assert_int_equal(config.plugin.gc, YSYNC_GC_OFF);
    assert_int_equal(config.plugin.ping_every_ms, 2000);
    assert_int_equal(config.plugin.max_message_bytes, 3 * 1024);
    assert_int_equal(config.plugin.send_buffer_bytes, 4 * 1024);
    assert_int_equal(config.plugin.messages_per_second, 9);
    assert_int_equal(config.plugin.log.level, YSYNC_LOG_DEBUG);
    assert_int_equal(options.log_format, YS_LOG_FORMAT_JSON);
    assert_int_equal(config.shutdown_timeout_ms, 5000);
    ys_options_deinit(ys_serve_options_table, &options);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    if (!file || !text)
        fail_msg("cannot read %s", path);
    if (fread(text, 1, (1 << 20) - 1, file) == 0)
        fail_msg("%s is empty", path);
    fclose(file);
    return text;
}

/* A bar would end the cell of a Markdown table. */
static void escape_bars(const char *from, char *to, size_t size)
{
    size_t len = 0;

    for (; *from && len + 2 < size; from++) {
        if (*from == '|')
            to[len++] = '\\';
        to[len++] = *from;
    }
    to[len] = '\0';
}

/* A row of the manual's table: | `--evict-after D` | `60s` | how long an empty room is kept | */
static void manual_row(const struct ys_option *option, char *to, size_t size)
{
    bool is_switch = option->kind == YS_OPTION_SWITCH; /* which stands alone */
    char value_name[64];
    char value[64] = "none";

    escape_bars(option->value_name, value_name, sizeof(value_name));
    if (option->default_text)
        snprintf(value, sizeof(value), "`%s`", option->default_text);
    snprintf(to, size, "| `--%s%s%s` | %s | %s |\n", option->name, is_switch ? "" : " ", is_switch ? "" : value_name,
             value, option->help);
}

static void test_serve_options_are_in_the_manual(void **state)
{
    char *manual = read_file(YS_DOCS_DIR "/operating.md");

    (void)state;
    for (const struct ys_option *option = ys_serve_options_table; option->name; option++) {
        char row[512];

        manual_row(option, row, sizeof(row));
        if (!strstr(manual, row))
            fail_msg("docs/operating.md lacks this row: %s", row);
    }
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve_options_defaults_are_the_librarys),
        cmocka_unit_test(test_serve_options_reach_the_config),
        cmocka_unit_test(test_serve_options_are_in_the_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
