/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdio.h>

void ys_report_begin(const char *scenario)
{
    printf("{\"scenario\":\"%s\"", scenario);
}

/* Fifteen digits: counts come out whole. */
void ys_report(const char *name, double value)
{
    if (!isfinite(value)) {
        printf(",\"%s\":null", name);
        return;
    }
    printf(",\"%s\":%.15g", name, value);
}

void ys_report_end(void)
{
    printf("}\n");
    fflush(stdout);
}
