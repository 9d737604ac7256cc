/* SPDX-License-Identifier: MIT */
/*
 * SipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF): hashes of what peers choose, such
 * as room names, under a secret seed, so that nobody can pick names that collide.
 */
#ifndef YS_BASE_HASH_H
#define YS_BASE_HASH_H

#include "ysync/bytes.h"

struct ys_hash_seed {
    uint64_t k0;
    uint64_t k1;
};

uint64_t ys_hash_bytes(struct ys_hash_seed seed, struct ysync_bytes bytes);
uint64_t ys_hash_u64(struct ys_hash_seed seed, uint64_t n);

#endif
