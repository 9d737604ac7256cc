/* SPDX-License-Identifier: MIT */
/* What makes a fuzz target fail: a property that does not hold ends the program, and that is what the fuzzer looks for.
 */
#ifndef YS_FUZZ_REQUIRE_H
#define YS_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ysync/bytes.h"

static inline void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* For a condition that says itself what it is about. */
#define REQUIRE(holds) require(holds, #holds)

static inline bool is_same(struct ysync_bytes a, struct ysync_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
