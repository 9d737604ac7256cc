/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <math.h>

#define STEPS (1u << YS_HISTOGRAM_STEPS_LOG2)

/* How many low bits a bucket of this value leaves out. */
static unsigned shift_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

    return bits > YS_HISTOGRAM_STEPS_LOG2 + 1 ? bits - YS_HISTOGRAM_STEPS_LOG2 - 1 : 0;
}

static size_t bucket_of(uint64_t value)
{
    unsigned shift = shift_of(value);

    return (size_t)(shift * STEPS + (value >> shift));
}

/* The largest value of the bucket. */
static uint64_t top_of(size_t bucket)
{
    unsigned shift = bucket < 2 * STEPS ? 0 : (unsigned)(bucket / STEPS) - 1;
    uint64_t step = bucket - (uint64_t)shift * STEPS;

    return (step << shift) + ((UINT64_C(1) << shift) - 1);
}

void ys_histogram_add(struct ys_histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
    if (value > histogram->largest)
        histogram->largest = value;
}

uint64_t ys_histogram_at(const struct ys_histogram *histogram, double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)histogram->total);
    uint64_t passed = 0;

    for (size_t i = 0; i < YS_HISTOGRAM_BUCKETS; i++) {
        passed += histogram->counts[i];
        if (passed > 0 && passed >= rank)
            return top_of(i) < histogram->largest ? top_of(i) : histogram->largest;
    }
    return 0;
}
