/* SPDX-License-Identifier: MIT */
/* Is this text that JSON.parse accepts (RFC 8259)? Checked, never turned into values. And strings, to be written. */
#ifndef YS_BASE_JSON_H
#define YS_BASE_JSON_H

#include <stdbool.h>

#include "base/buf.h"

/* Containers deeper than this are refused. */
#define YS_JSON_MAX_DEPTH 256

/* One value, white space around it allowed; strict UTF-8. */
bool ys_json_is_valid(struct ysync_bytes text);

/* Is the (valid) text the value null? */
bool ys_json_is_null(struct ysync_bytes text);

/* Appends a string in its quotation marks. The text is valid UTF-8. */
void ys_json_put_string(struct ys_buf *out, struct ysync_bytes text);

#endif
