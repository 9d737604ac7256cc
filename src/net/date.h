/* SPDX-License-Identifier: MIT */
/* The time as HTTP writes it (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
#ifndef YS_NET_DATE_H
#define YS_NET_DATE_H

#include <stdint.h>

#define YS_DATE_CHARS 29

/* Writes it, with a zero behind it. Years beyond 9999 are written as 9999's end. */
void ys_date_format(uint64_t unix_time_s, char to[YS_DATE_CHARS + 1]);

#endif
