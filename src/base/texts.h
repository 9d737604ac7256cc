/* SPDX-License-Identifier: MIT */
/* Copies of strings that somebody else will free. */
#ifndef YS_BASE_TEXTS_H
#define YS_BASE_TEXTS_H

#include "ysync/alloc.h"
#include "ysync/err.h"

/* Copies `count` strings and the array of them into one block, to be freed by ys_free(); of none it makes NULL. Errors:
 * NOMEM. */
YSYNC_CHECKED enum ysync_err ys_texts_copy(const struct ysync_alloc *alloc, const char *const *texts, size_t count,
                                           const char *const **out);

#endif
