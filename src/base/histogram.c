/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

/* From what one letter takes to what somebody would notice. */
const struct ys_histogram_bound ys_histogram_bounds[YS_HISTOGRAM_BOUNDS] = {
    { 100, "1e-07" },      { 250, "2.5e-07" },    { 500, "5e-07" },     { 1000, "1e-06" },     { 2500, "2.5e-06" },
    { 5000, "5e-06" },     { 10000, "1e-05" },    { 25000, "2.5e-05" }, { 50000, "5e-05" },    { 100000, "0.0001" },
    { 250000, "0.00025" }, { 500000, "0.0005" },  { 1000000, "0.001" }, { 2500000, "0.0025" }, { 5000000, "0.005" },
    { 10000000, "0.01" },  { 25000000, "0.025" }, { 50000000, "0.05" }, { 250000000, "0.25" }, { 1000000000, "1" },
    { 5000000000, "5" },
};

void ys_histogram_observe(struct ys_histogram *histogram, uint64_t ns)
{
    size_t i = 0;

    while (i < YS_HISTOGRAM_BOUNDS && ns > ys_histogram_bounds[i].ns)
        i++;
    histogram->counts[i]++;
    histogram->sum_ns += ns;
}
