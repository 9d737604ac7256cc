/* SPDX-License-Identifier: MIT */
/* Putting a reason into words for whoever configured it. */
#ifndef YS_BASE_PROBLEM_H
#define YS_BASE_PROBLEM_H

#include "ysync/problem.h"

/* As printf(), cut off where it does not fit. `problem` may be NULL: then nobody wants to know. */
__attribute__((format(printf, 2, 3))) void ys_problem_set(struct ysync_problem *problem, const char *format, ...);

#endif
