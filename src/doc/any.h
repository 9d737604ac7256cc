/* SPDX-License-Identifier: MIT */
/*
 * Values as lib0 writes them (encoding.js, writeAny): a tag, then what the tag says. They are stepped over,
 * never built.
 *
 *     127 undefined   126 null      125 integer (signed varint)   124 float32   123 float64   122 bigint64
 *     121 false       120 true      119 string                    118 object    117 array     116 bytes
 */
#ifndef YS_DOC_ANY_H
#define YS_DOC_ANY_H

#include "base/reader.h"

#define YS_ANY_OBJECT 118
#define YS_ANY_STRING 119

/* Arrays and objects nested deeper than this are refused. */
#define YS_ANY_MAX_DEPTH 256

/* Steps over one value that a peer wrote. */
YSYNC_CHECKED enum ysync_err ys_any_validate(struct ys_reader *in);

/* Steps over one value that was validated before: text is not looked into again. */
YSYNC_CHECKED enum ysync_err ys_any_skip(struct ys_reader *in);

#endif
