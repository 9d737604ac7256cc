/* SPDX-License-Identifier: MIT */
/*
 * How fast one connection may send messages: so many a second, averaged over 10 s.
 *
 *     a bucket holds    10 s worth of messages, and is full at first
 *     every message     takes one out; when there is none left for the next, it has to wait
 *     every ms          brings 1/1000 of a second's worth
 *
 * Who sent nothing for 10 s may send 10 s worth at once. Who floods is let through in small lots, ten a second.
 */
#ifndef YS_SERVER_RATE_H
#define YS_SERVER_RATE_H

#include <stdint.h>

#define YS_RATE_AVERAGED_OVER_MS 10000
#define YS_RATE_LOT_MS 100
#define YS_RATE_MAX_PER_SECOND 1000000

struct ys_rate {
    uint64_t thousandths; /* of a message, in the bucket */
    uint64_t filled_ms;   /* up to when it was filled */
};

/* per_second is from 1 to the maximum, and always the same. */
void ys_rate_init(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms);

/* A message has come. Returns for how many milliseconds the next one has to wait; 0: not at all. */
uint64_t ys_rate_take(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms);

#endif
