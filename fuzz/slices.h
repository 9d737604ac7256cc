/* SPDX-License-Identifier: MIT */
/*
 * For targets whose property is that it makes no difference how the input is cut: what was told of it is hashed, and
 * the cuts come from the input's own bytes, so that a failure can be replayed.
 */
#ifndef YS_FUZZ_SLICES_H
#define YS_FUZZ_SLICES_H

#include <stddef.h>
#include <stdint.h>

#include "ysync/bytes.h"

#define HASH_START UINT64_C(14695981039346656037)

/* FNV-1a. */
static inline uint64_t hash_add(uint64_t hash, struct ysync_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(1099511628211);
    return hash;
}

static inline uint64_t hash_add_number(uint64_t hash, uint64_t n)
{
    return (hash ^ n) * UINT64_C(1099511628211);
}

/* How long the next slice is: mostly a few bytes. */
static inline size_t next_slice(uint64_t *random, size_t left)
{
    size_t len;

    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    len = 1 + (size_t)(*random >> 60);
    if (*random >> 56 & 1)
        len *= 16;
    return len < left ? len : left;
}

#endif
