/* SPDX-License-Identifier: MIT */
/* Is this text that JSON.parse accepts (RFC 8259)? Checked, never turned into values. */
#ifndef YS_BASE_JSON_H
#define YS_BASE_JSON_H

#include <stdbool.h>

#include "ysync/bytes.h"

/* Containers deeper than this are refused. */
#define YS_JSON_MAX_DEPTH 256

/* One value, white space around it allowed; strict UTF-8. */
bool ys_json_is_valid(struct ysync_bytes text);

/* Is the (valid) text the value null? */
bool ys_json_is_null(struct ysync_bytes text);

#endif
