/* SPDX-License-Identifier: MIT */
/*
 * How long something took, each time: counts by length, from a tenth of a microsecond to seconds.
 *
 *     up to   100 ns   250 ns   500 ns   1 us   ...   1 s   5 s   longer
 *     count      0        3       41      17            0     0      0
 *
 * Noting a time is a short search and two additions, so it may be done for every message.
 */
#ifndef YS_BASE_HISTOGRAM_H
#define YS_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define YS_HISTOGRAM_BOUNDS 21

struct ys_histogram {
    uint64_t counts[YS_HISTOGRAM_BOUNDS + 1]; /* of what took up to each bound but longer than the one before */
    uint64_t sum_ns;
};

struct ys_histogram_bound {
    uint64_t ns;
    const char *seconds; /* as Prometheus writes it */
};

/* Upwards; the last count is of what is beyond all of them. */
extern const struct ys_histogram_bound ys_histogram_bounds[YS_HISTOGRAM_BOUNDS];

void ys_histogram_observe(struct ys_histogram *histogram, uint64_t ns);

#endif
