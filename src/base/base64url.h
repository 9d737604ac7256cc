/* SPDX-License-Identifier: MIT */
/* Bytes as text that may stand in a URL (RFC 4648, 5). */
#ifndef YS_BASE_BASE64URL_H
#define YS_BASE_BASE64URL_H

#include "base/buf.h"

/* Appends what the text stands for. It may end in the '=' that pads it, and need not. MALFORMED: it is no such text, or
 * not the one that encoding these bytes gives. LIMIT past the buffer's maximum; NOMEM. */
YSYNC_CHECKED enum ysync_err ys_base64url_decode(struct ysync_bytes text, struct ys_buf *out);

#endif
