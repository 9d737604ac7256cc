/* SPDX-License-Identifier: MIT */
/* Files that hold secrets: tokens, keys. */
#ifndef YS_AUTH_SECRET_FILE_H
#define YS_AUTH_SECRET_FILE_H

#include "auth/auth.h"
#include "base/buf.h"
#include "ysync/problem.h"

#define YS_SECRET_FILE_MAX_BYTES ((size_t)1024 * 1024)

/* Appends what the file holds, without the newline that it ends in. `out` is to be wiped: ys_secret_wipe(). problem
 * (may be NULL) is written on errors: IO, LIMIT (larger than the maximum), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_secret_file_read(const char *path, struct ys_buf *out, struct ysync_problem *problem);

/* Overwrites what the buffer holds and frees it. */
void ys_secret_wipe(struct ys_buf *secret);

/* Reads a file of shared tokens, one a line; empty lines do not count, nor does white space at a line's end. Errors: as
 * above, and INVALID_ARG (there is no token in it: that does not open the door). */
YSYNC_CHECKED enum ysync_err ys_auth_new_token_file(const struct ysync_alloc *alloc, const char *path,
                                                    struct ys_auth **out, struct ysync_problem *problem);

#endif
