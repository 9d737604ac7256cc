/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 as JavaScript sees it: Yjs counts text in UTF-16 units, the wire carries UTF-8.
 *
 *     bytes   61      c3 a9    e2 82 ac    f0 9f 98 80
 *     text    a       e acute  euro        a smiling face
 *     units   1       1        1           2 (a surrogate pair)
 */
#ifndef YS_BASE_UTF8_H
#define YS_BASE_UTF8_H

#include <stdbool.h>

#include "ysync/bytes.h"

/* Strict (RFC 3629): no overlong forms, no surrogates, nothing past U+10FFFF. */
bool ys_utf8_is_valid(struct ysync_bytes text);

/* The same, and how many UTF-16 units the text has: in one pass. */
bool ys_utf8_measure(struct ysync_bytes text, uint64_t *units);

/* UTF-16 units of text that is known to be valid: as fast as it can be read. */
uint64_t ys_utf8_units(struct ysync_bytes text);

/* The byte offset at which `units` UTF-16 units of valid text have passed; `units` is at most what the text
 * has. Inside a surrogate pair: the offset of its character, and *splits_pair is set. */
size_t ys_utf8_seek(struct ysync_bytes text, uint64_t units, bool *splits_pair);

#endif
