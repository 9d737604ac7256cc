/* SPDX-License-Identifier: MIT */
/* What a run found out, as one line of JSON on stdout. */
#ifndef YS_LOAD_REPORT_H
#define YS_LOAD_REPORT_H

void ys_report_begin(const char *scenario);
void ys_report(const char *name, double value); /* null if it was divided by nothing */
void ys_report_end(void);

#endif
