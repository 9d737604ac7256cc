/* SPDX-License-Identifier: MIT */
/*
 * lib0's variable-length unsigned numbers: seven bits a byte, the low ones first, the top bit saying
 * that more follow.
 *
 *     300 = 0b10_0101100   ->   1010 1100   0000 0010
 *
 * Everything Yjs counts is a JavaScript number, so 2^53 - 1 is the largest there is (lib0 encoding.js,
 * writeVarUint). Reading is base/reader.h's.
 */
#ifndef YS_BASE_VARINT_H
#define YS_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define YS_MAX_SAFE_INTEGER ((UINT64_C(1) << 53) - 1)

/* The most bytes that one number up to 2^53 - 1 takes. */
#define YS_VARUINT_MAX_BYTES 8

static inline size_t ys_varuint_size(uint64_t n)
{
    size_t size = 1;

    while (n >= 0x80) {
        n >>= 7;
        size++;
    }
    return size;
}

/* Writes n at `to`, where there must be room, and returns the bytes written. */
static inline size_t ys_varuint_put(uint8_t *to, uint64_t n)
{
    size_t size = 0;

    while (n >= 0x80) {
        to[size++] = (uint8_t)(n | 0x80);
        n >>= 7;
    }
    to[size++] = (uint8_t)n;
    return size;
}

#endif
