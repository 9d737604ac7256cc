/* SPDX-License-Identifier: MIT */
#ifndef YS_CLI_EXIT_STATUS_H
#define YS_CLI_EXIT_STATUS_H

/* How the program ends, whatever the command. */
enum ys_exit_status {
    YS_EXIT_OK = 0,
    YS_EXIT_FAILED = 1,
    YS_EXIT_WRONG_CALL = 2,
};

#endif
