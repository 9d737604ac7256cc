/* SPDX-License-Identifier: MIT */
/* `ysync store ...`: which task is meant, and whether all is there that it needs. */
#ifndef YS_CLI_STORE_COMMAND_H
#define YS_CLI_STORE_COMMAND_H

#include <stdio.h>

/* What follows `ysync store`. Returns the program's exit status. */
int ys_store_command_run(int argc, char **argv);

void ys_store_command_print_help(FILE *to);

#endif
