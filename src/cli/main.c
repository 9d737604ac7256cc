/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "cli/command.h"

int main(int argc, char **argv)
{
    /* A peer that is gone shows as EPIPE where the write is; it must not end the program. */
    signal(SIGPIPE, SIG_IGN);
    return ys_command_run(argc, argv);
}
