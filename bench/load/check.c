/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

void ys_give_up(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void ys_expect(bool holds, const char *what)
{
    if (!holds)
        ys_give_up("%s", what);
}

void ys_must(enum ysync_err err, const char *what)
{
    if (err)
        ys_give_up("%s: %s", what, ysync_strerror(err));
}

void *ys_zeroed(size_t count, size_t size)
{
    void *memory = ys_alloc_zeroed(ysync_alloc_default(), count, size);

    ys_expect(memory != NULL, "out of memory");
    return memory;
}
