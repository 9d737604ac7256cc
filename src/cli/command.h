/* SPDX-License-Identifier: MIT */
/* The words behind `ysync`: which command is meant, and what help there is. */
#ifndef YS_CLI_COMMAND_H
#define YS_CLI_COMMAND_H

/* Runs the program. Returns its exit status: 0, 1 for what failed while running, 2 for a wrong call. */
int ys_command_run(int argc, char **argv);

#endif
