/* SPDX-License-Identifier: MIT */
#include "base/checksum.h"

#define LANES 4
#define FACTOR UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio, and odd */

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * FACTOR;
    return lane ^ lane >> 32;
}

/* Written out, so that it means the same everywhere; compilers make one load of it. */
static inline uint64_t load_le(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

uint64_t ys_checksum(struct ysync_bytes bytes)
{
    uint64_t lanes[LANES] = { 1, 2, 3, 4 };
    uint64_t sum = bytes.len;
    size_t i = 0;

    for (; bytes.len - i >= LANES * 8; i += LANES * 8) {
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = mix(lanes[lane], load_le(bytes.data + i + 8 * lane));
    }
    for (; i < bytes.len; i++)
        lanes[0] = mix(lanes[0], bytes.data[i]);
    for (size_t lane = 0; lane < LANES; lane++)
        sum = mix(sum, lanes[lane]);
    return sum;
}
