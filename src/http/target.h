/* SPDX-License-Identifier: MIT */
/* The parts of a request target (RFC 3986): percent-encoding and query parameters. */
#ifndef YS_HTTP_TARGET_H
#define YS_HTTP_TARGET_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends `encoded` with its %XX decoded. A '+' stays one, as this is not a form. MALFORMED if an escape is broken;
 * LIMIT past the buffer's maximum; NOMEM. */
YSYNC_CHECKED enum ysync_err ys_percent_decode(struct ysync_bytes encoded, struct ys_buf *out);

/* The first parameter with this name, still encoded; false if there is none. "a=1&token=x" */
bool ys_query_find(struct ysync_bytes query, const char *name, struct ysync_bytes *out);

#endif
