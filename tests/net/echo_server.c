/* SPDX-License-Identifier: MIT */
/* `echo_server PORT`: sends every binary message back, for conformance tests that speak to a real socket. */
#include <stdio.h>
#include <stdlib.h>

#include "net/echo.h"

int main(int argc, char **argv)
{
    struct ysync_problem problem = { "out of memory" };
    struct ys_echo echo;

    if (ys_echo_open(&echo, ysync_alloc_default(), (uint16_t)(argc > 1 ? atoi(argv[1]) : 0), &problem)) {
        fprintf(stderr, "echo_server: %s\n", problem.text);
        return 1;
    }
    printf("listening on 127.0.0.1:%u\n", ys_echo_port(&echo));
    fflush(stdout);
    ys_loop_run(echo.loop);
    return 0;
}
