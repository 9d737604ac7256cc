/* SPDX-License-Identifier: MIT */
/*
 * `echo_server [PORT]`: sends every message back, for conformance tests that speak to a real socket. SIGTERM ends it:
 * all is given back then, so that a build with sanitizers can tell what is missing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "net/echo.h"

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(int argc, char **argv)
{
    struct ysync_problem problem = { "out of memory" };
    struct ys_echo echo;
    uv_signal_t terminate;

    if (ys_echo_open(&echo, ysync_alloc_default(), 0, &problem)) {
        fprintf(stderr, "echo_server: %s\n", problem.text);
        return 1;
    }
    echo.echoes_text = true;
    echo.config.compresses = argc > 1 && strcmp(argv[1], "--compress") == 0;
    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(echo.loop->uv, &terminate);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    printf("listening on 127.0.0.1:%u\n", ys_echo_port(&echo));
    fflush(stdout);
    ys_loop_run(echo.loop);
    uv_close((uv_handle_t *)&terminate, NULL);
    ys_echo_close(&echo);
    return 0;
}
