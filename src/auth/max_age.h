/* SPDX-License-Identifier: MIT */
/*
 * For how long an answer may be used again, by its `Cache-Control` (RFC 9111, 5.2).
 *
 *     Cache-Control: private, max-age=3          3 s
 *     Cache-Control: max-age=3, no-store         not at all
 *     (none)                                     not at all
 *
 * Nothing else counts: what does not say so plainly is not kept.
 */
#ifndef YS_AUTH_MAX_AGE_H
#define YS_AUTH_MAX_AGE_H

#include <stdbool.h>

#include "ysync/bytes.h"

/* What the fields said that were read so far; all zeros: none was. */
struct ys_max_age {
    bool is_given;
    bool is_forbidden; /* by another directive, or by a max-age that is no number */
    uint64_t seconds;  /* the least that was given */
};

/* Reads one field's value. An answer may have several. */
void ys_max_age_read(struct ys_max_age *age, struct ysync_bytes value);

/* 0: it must not be used again. */
uint64_t ys_max_age_seconds(const struct ys_max_age *age);

#endif
