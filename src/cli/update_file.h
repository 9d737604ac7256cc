/* SPDX-License-Identifier: MIT */
/* Updates in files, and in the pipes of a shell: `-`, or no name at all, is standard input or output. */
#ifndef YS_CLI_UPDATE_FILE_H
#define YS_CLI_UPDATE_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "ysync/problem.h"

/* What the problems of this file are called: its name, or "standard input". */
const char *ys_update_file_source(const char *file);

/* Appends all that is there. Errors: IO, NOMEM, LIMIT (that of the buffer). */
YSYNC_CHECKED enum ysync_err ys_update_file_read(const char *file, struct ys_buf *out, struct ysync_problem *problem);

/* Would bytes be thrown at somebody's terminal? Not if it was asked for by `-`. */
bool ys_update_file_is_terminal(const char *file);

/* In place of what the file held. Errors: IO. */
YSYNC_CHECKED enum ysync_err ys_update_file_write(const char *file, struct ysync_bytes update,
                                                  struct ysync_problem *problem);

#endif
