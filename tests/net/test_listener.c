/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/echo.h"
#include "support/client.h"
#include "support/failing_alloc.h"

static struct ys_echo echo;

static int set_up(void **state)
{
    struct ysync_problem problem = { "" };

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return ys_echo_open(&echo, ysync_alloc_default(), 0, &problem) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_echo_close(&echo);
    return 0;
}

static void drop_at_once(void *user, struct ys_connection *connection)
{
    (*(unsigned *)user)++;
    ys_connection_drop(connection);
}

static enum ysync_err listen_at(const char *host, uint16_t port, unsigned *accepted, struct ys_listener **out,
                                struct ysync_problem *problem)
{
    struct ys_listener_config config = { .connections = &echo.config, .accepted = drop_at_once, .user = accepted };

    assert_int_equal(ys_address_parse(host, port, &config.address), YSYNC_OK);
    return ys_listener_open(echo.loop, &config, out, problem);
}

static void test_listener_knows_its_real_port(void **state)
{
    struct ys_client_answer answer;
    struct ys_client client;

    (void)state;
    assert_int_not_equal(ys_echo_port(&echo), 0);
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    ys_client_get(&client, "/hello", &answer);
    assert_string_equal(answer.body, "/hello");
    ys_client_close(&client);
}

static void test_listener_says_which_port_is_in_use(void **state)
{
    struct ys_listener *listener = NULL;
    struct ysync_problem problem = { "" };
    char want[64];

    (void)state;
    snprintf(want, sizeof(want), "port %u on 127.0.0.1 is in use", ys_echo_port(&echo));
    assert_int_equal(listen_at("127.0.0.1", ys_echo_port(&echo), NULL, &listener, &problem), YSYNC_ERR_IO);
    assert_null(listener);
    assert_string_equal(problem.text, want);
}

static void test_listener_says_which_address_is_not_ours(void **state)
{
    struct ys_listener *listener = NULL;
    struct ysync_problem problem = { "" };

    (void)state;
    assert_int_equal(listen_at("192.0.2.1", 3913, NULL, &listener, &problem), YSYNC_ERR_IO);
    if (strncmp(problem.text, "cannot listen on http://192.0.2.1:3913: ", 40) != 0)
        fail_msg("got \"%s\"", problem.text);
}

/* A directory of its own, so that tests may run beside each other. */
static void make_path(char *dir, char *path, size_t size)
{
    strcpy(dir, "/tmp/ysync-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, size, "%s/socket", dir);
}

static void test_listener_takes_over_a_stale_unix_socket(void **state)
{
    struct ys_listener *listener = NULL;
    struct ysync_problem problem = { "" };
    char dir[32];
    char path[64];
    char host[80];
    unsigned accepted = 0;
    struct ys_client client;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    make_path(dir, path, sizeof(path));
    snprintf(host, sizeof(host), "unix:%s", path);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* as a server that was killed leaves it */

    if (listen_at(host, 0, &accepted, &listener, &problem))
        fail_msg("stale: %s", problem.text);
    ys_client_open_path(&client, path, ys_echo_pump, &echo);
    ys_client_expect_end(&client);
    assert_int_equal(accepted, 1);
    ys_client_close(&client);
    ys_listener_close(listener);
    rmdir(dir);
}

static void test_listener_leaves_a_live_unix_socket_alone(void **state)
{
    struct ys_listener *first = NULL;
    struct ys_listener *second = NULL;
    struct ysync_problem problem = { "" };
    char dir[32];
    char path[64];
    char host[80];
    char want[128];

    (void)state;
    make_path(dir, path, sizeof(path));
    snprintf(host, sizeof(host), "unix:%s", path);
    snprintf(want, sizeof(want), "%s is in use", host);
    assert_int_equal(listen_at(host, 0, NULL, &first, &problem), YSYNC_OK);
    assert_int_equal(listen_at(host, 0, NULL, &second, &problem), YSYNC_ERR_IO);
    assert_string_equal(problem.text, want);
    ys_listener_close(first);
    rmdir(dir);
}

static void test_listener_leaves_files_alone(void **state)
{
    struct ys_listener *listener = NULL;
    struct ysync_problem problem = { "" };
    struct stat found;
    char dir[32];
    char path[64];
    char host[80];
    FILE *file;

    (void)state;
    make_path(dir, path, sizeof(path));
    snprintf(host, sizeof(host), "unix:%s", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(listen_at(host, 0, NULL, &listener, &problem), YSYNC_ERR_IO);
    assert_int_equal(stat(path, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    unlink(path);
    rmdir(dir);
}

/* Who may write to a Unix socket may connect to it. */
static void test_listener_opens_unix_sockets_to_whom_the_umask_says(void **state)
{
    static const mode_t masks[] = { 0077, 0027, 0007 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        struct ys_listener *listener = NULL;
        struct ysync_problem problem = { "" };
        struct stat found;
        char dir[32];
        char path[64];
        char host[80];
        mode_t before;

        make_path(dir, path, sizeof(path));
        snprintf(host, sizeof(host), "unix:%s", path);
        before = umask(masks[i]);
        assert_int_equal(listen_at(host, 0, NULL, &listener, &problem), YSYNC_OK);
        umask(before);
        assert_int_equal(stat(path, &found), 0);
        if ((found.st_mode & 0777) != (0777 & ~masks[i]))
            fail_msg("umask %03o: mode %03o", (unsigned)masks[i], (unsigned)(found.st_mode & 0777));
        ys_listener_close(listener);
        rmdir(dir);
    }
}

/* Every descriptor is taken: who comes is turned away, the loop does not spin, and later all is well again. */
static void test_listener_survives_running_out_of_descriptors(void **state)
{
    struct rlimit old;
    struct rlimit low;
    struct ys_client client;
    struct ys_client_answer answer;
    int fds[64];
    size_t count = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    fds[0] = dup(0);
    low = (struct rlimit){ .rlim_cur = (rlim_t)fds[0] + 32, .rlim_max = old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < 63 && fds[count] >= 0)
        fds[++count] = dup(0);

    ys_client_expect_end(&client);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    setrlimit(RLIMIT_NOFILE, &old);

    ys_client_close(&client);
    ys_client_open(&client, ys_echo_port(&echo), ys_echo_pump, &echo);
    ys_client_get(&client, "/again", &answer);
    assert_string_equal(answer.body, "/again");
    ys_client_close(&client);
}

static void test_listener_tries_again_when_there_was_no_memory(void **state)
{
    struct ys_test_alloc memory;
    struct ysync_problem problem = { "" };
    struct ys_echo small;
    struct ys_client client;
    struct ys_client_answer answer;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_int_equal(ys_echo_open(&small, &memory.alloc, 0, &problem), YSYNC_OK);
    memory.fail_at = memory.requests;
    ys_client_open(&client, ys_echo_port(&small), ys_echo_pump, &small);
    while (!memory.failed)
        ys_echo_pump(&small);
    memory.fail_at = YS_TEST_NEVER_FAIL;
    ys_client_get(&client, "/late", &answer);
    assert_string_equal(answer.body, "/late");
    ys_client_close(&client);
    ys_echo_close(&small);
    assert_int_equal(memory.live_blocks, 0);
}

/* Connects, turns `loop` alone until it has accepted, and hangs up. */
static void connect_to(const char *path, uint16_t port, struct ys_loop *loop, const unsigned *accepted)
{
    unsigned before = *accepted;
    struct ys_client client;

    if (path)
        ys_client_open_path(&client, path, NULL, NULL);
    else
        ys_client_open(&client, port, NULL, NULL);
    while (*accepted == before)
        uv_run(loop->uv, UV_RUN_ONCE);
    ys_client_close(&client);
}

static void test_listener_shares_its_address_with_another_loop(void **state)
{
    char dir[32];
    char path[64];
    char host[80];

    (void)state;
    make_path(dir, path, sizeof(path));
    snprintf(host, sizeof(host), "unix:%s", path);
    for (int is_path = 0; is_path < 2; is_path++) {
        struct ys_listener_config config = { .connections = &echo.config, .accepted = drop_at_once };
        struct ysync_problem problem = { "" };
        struct ys_listener *first, *second;
        unsigned counts[2] = { 0, 0 };
        struct ys_loop *other;
        uint16_t port;

        assert_int_equal(ys_loop_open(ysync_alloc_default(), NULL, &other), YSYNC_OK);
        assert_int_equal(listen_at(is_path ? host : "127.0.0.1", 0, &counts[0], &first, &problem), YSYNC_OK);
        config.address = *ys_listener_address(first);
        config.user = &counts[1];
        assert_int_equal(ys_listener_open_beside(other, first, &config, &second, &problem), YSYNC_OK);
        port = ys_address_port(ys_listener_address(second));
        assert_int_equal(port, ys_address_port(ys_listener_address(first)));

        connect_to(is_path ? path : NULL, port, echo.loop, &counts[0]);
        connect_to(is_path ? path : NULL, port, other, &counts[1]);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 1);
        ys_listener_close(second);
        ys_loop_close(other);
        connect_to(is_path ? path : NULL, port, echo.loop, &counts[0]);
        ys_listener_close(first);
    }
    assert_int_equal(access(path, F_OK), -1);
    rmdir(dir);
}

static void test_listener_beside_survives_failed_allocations(void **state)
{
    struct ys_listener_config config = { .connections = &echo.config, .accepted = drop_at_once };
    struct ysync_problem problem = { "" };
    struct ys_listener *first, *second = NULL;
    struct ys_test_alloc memory;
    struct ys_loop *other;
    unsigned accepted = 0;

    (void)state;
    assert_int_equal(listen_at("127.0.0.1", 0, &accepted, &first, &problem), YSYNC_OK);
    config.address = *ys_listener_address(first);
    ys_test_alloc_init(&memory, 1);
    assert_int_equal(ys_loop_open(&memory.alloc, NULL, &other), YSYNC_OK);
    assert_int_equal(ys_listener_open_beside(other, first, &config, &second, &problem), YSYNC_ERR_NOMEM);
    assert_string_equal(problem.text, "out of memory");
    assert_null(second);
    ys_loop_close(other);
    ys_listener_close(first);
    assert_int_equal(memory.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_listener_knows_its_real_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_says_which_port_is_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_says_which_address_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_takes_over_a_stale_unix_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_leaves_a_live_unix_socket_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_opens_unix_sockets_to_whom_the_umask_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_leaves_files_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_survives_running_out_of_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_tries_again_when_there_was_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_shares_its_address_with_another_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listener_beside_survives_failed_allocations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
