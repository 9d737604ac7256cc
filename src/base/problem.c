/* SPDX-License-Identifier: MIT */
#include "base/problem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void ys_problem_set(struct ysync_problem *problem, const char *format, ...)
{
    va_list args;

    if (!problem)
        return;
    va_start(args, format);
    vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
}
