/* SPDX-License-Identifier: MIT */
/* The plugin with a certificate: what it listens at speaks TLS, what it takes over does not, and files are read again.
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

#include "support/certificate.h"
#include "support/failing_alloc.h"
#include "support/tls_client.h"
#include "ysync/plugin.h"

static struct ys_test_certificate certificate;
static struct ys_test_alloc memory;
static uv_loop_t uv;
static struct ysync_plugin_config config;
static struct ysync_plugin *plugin;
static char warning[64]; /* the latest */
static struct ys_client_answer answer;

static void note_warning(void *user, enum ysync_log_level level, const char *event,
                         const struct ysync_log_field *fields)
{
    (void)user, (void)fields;
    if (level == YSYNC_LOG_WARN)
        snprintf(warning, sizeof(warning), "%s", event);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    warning[0] = '\0';
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_test_certificate_make(&certificate, "first", 3600);
    ysync_plugin_config_init(&config);
    config.alloc = &memory.alloc;
    config.log = (struct ysync_log){ .write = note_warning, .level = YSYNC_LOG_INFO };
    config.tls_cert_file = certificate.cert_file;
    config.tls_key_file = certificate.key_file;
    assert_int_equal(uv_loop_init(&uv), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_test_certificate_remove(&certificate);
    assert_int_equal(uv_loop_close(&uv), 0);
    return memory.live_blocks == 0 ? 0 : -1;
}

static void pump(void *user)
{
    (void)user;
    uv_run(&uv, UV_RUN_NOWAIT);
}

static uint16_t start(void)
{
    struct ysync_problem problem;
    const char *address;

    if (ysync_plugin_new(&uv, &config, &plugin, &problem))
        fail_msg("%s", problem.text);
    if (ysync_plugin_listen(plugin, "127.0.0.1", 0, &problem))
        fail_msg("%s", problem.text);
    address = ysync_plugin_address(plugin, 0);
    assert_memory_equal(address, "https://127.0.0.1:", 18);
    return (uint16_t)atoi(address + 18);
}

static void on_stopped(void *user)
{
    (void)user;
    ysync_plugin_free(plugin);
}

static void stop(void)
{
    ysync_plugin_stop(plugin, 50, on_stopped, NULL);
    uv_run(&uv, UV_RUN_DEFAULT);
}

/* Whose certificate a new connection is shown. */
static void expect_name(uint16_t port, const char *want)
{
    struct ys_client client;
    struct ys_tls_client tls;
    char name[64];
    X509 *shown;

    ys_tls_client_open(&client, &tls, port, pump, NULL);
    ys_client_get(&client, "/", &answer);
    assert_int_equal(answer.status, 200);
    shown = SSL_get1_peer_certificate(tls.ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof(name));
    X509_free(shown);
    ys_tls_client_close(&client);
    assert_string_equal(name, want);
}

static void test_mount_tls_takes_plain_connections(void **state)
{
    struct ys_client client;
    int ends[2];

    (void)state;
    start();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    client = (struct ys_client){ .fd = ends[0], .pump = pump };
    assert_int_equal(ysync_plugin_take(plugin, ends[1], (struct ysync_bytes){ NULL, 0 }), YSYNC_OK);
    ys_client_get(&client, "/", &answer);
    assert_int_equal(answer.status, 200);
    ys_client_close(&client);
    stop();
}

static void test_mount_tls_reads_files_again(void **state)
{
    struct ysync_problem problem = { "" };
    uint16_t port;

    (void)state;
    port = start();
    expect_name(port, "first");

    ys_test_certificate_renew(&certificate, "second", 3600);
    assert_int_equal(ysync_plugin_reload(plugin, &problem), YSYNC_OK);
    expect_name(port, "second");
    assert_string_equal(warning, "");

    ys_test_certificate_renew(&certificate, "third", -60);
    assert_int_equal(ysync_plugin_reload(plugin, &problem), YSYNC_OK);
    expect_name(port, "third");
    assert_string_equal(warning, "certificate_expired");

    unlink(certificate.key_file);
    assert_int_equal(ysync_plugin_reload(plugin, &problem), YSYNC_ERR_IO);
    assert_non_null(strstr(problem.text, certificate.key_file));
    expect_name(port, "third");
    stop();
}

static void test_mount_tls_needs_both_files(void **state)
{
    struct ysync_problem problem = { "" };

    (void)state;
    config.tls_key_file = NULL;
    assert_int_equal(ysync_plugin_new(&uv, &config, &plugin, &problem), YSYNC_ERR_INVALID_ARG);
    assert_non_null(strstr(problem.text, "tls_key_file"));
    config.tls_key_file = certificate.key_file;
    config.tls_cert_file = NULL;
    assert_int_equal(ysync_plugin_new(&uv, &config, &plugin, &problem), YSYNC_ERR_INVALID_ARG);
    assert_non_null(strstr(problem.text, "tls_cert_file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_mount_tls_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(takes_plain_connections),
        TEST(reads_files_again),
        TEST(needs_both_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
