/* SPDX-License-Identifier: MIT */
/* A whole sync server inside another program: it serves until its input ends (Ctrl-D). */
#include <stdio.h>
#include <stdlib.h>

#include <ysync/ysync.h>

int main(int argc, char **argv)
{
    struct ysync_server_config config;
    struct ysync_problem problem;
    struct ysync_server *server = NULL;

    ysync_server_config_init(&config);
    if (argc > 1)
        config.port = (uint16_t)atoi(argv[1]); /* 0: a free one */

    if (ysync_server_new(&config, &server, &problem) || ysync_server_start(server, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        ysync_server_free(server);
        return 1;
    }
    printf("serving at %s\n", ysync_server_address(server, 0));
    fflush(stdout);

    while (getchar() != EOF)
        ; /* what the program is really about would be here */
    ysync_server_free(server);
    return 0;
}
