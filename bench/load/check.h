/* SPDX-License-Identifier: MIT */
/* A benchmark in which something went wrong has no figures: it says what, and ends. */
#ifndef YS_LOAD_CHECK_H
#define YS_LOAD_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "ysync/err.h"

/* Prints one line to stderr and exits with status 1. */
_Noreturn void ys_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Gives up with this unless it holds. */
void ys_expect(bool holds, const char *what);
void ys_must(enum ysync_err err, const char *what);

/* Memory filled with zeros. */
void *ys_zeroed(size_t count, size_t size);

#endif
