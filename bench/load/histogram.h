/* SPDX-License-Identifier: MIT */
/*
 * Counts of values by size, for percentiles of many latencies in little memory.
 *
 *     value      0 .. 127     128 .. 255       256 .. 511      ...        each row below is cut into 64
 *     a bucket   1 wide       2 wide           4 wide
 *
 * So a percentile is too large by less than a 64th (1.6 %), whatever the values are, and never too small. The idea is
 * that of HdrHistogram.
 */
#ifndef YS_LOAD_HISTOGRAM_H
#define YS_LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define YS_HISTOGRAM_STEPS_LOG2 6
#define YS_HISTOGRAM_BUCKETS ((64 - YS_HISTOGRAM_STEPS_LOG2 + 1) << YS_HISTOGRAM_STEPS_LOG2)

/* Zeros are an empty one. */
struct ys_histogram {
    uint64_t counts[YS_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t largest; /* exactly */
};

void ys_histogram_add(struct ys_histogram *histogram, uint64_t value);

/* The value that this share of the values (0 < share <= 1) does not exceed; 0 if there are none. */
uint64_t ys_histogram_at(const struct ys_histogram *histogram, double share);

#endif
