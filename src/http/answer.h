/* SPDX-License-Identifier: MIT */
/* HTTP answers: status line, fields, body, written in one go (RFC 9112, 4). */
#ifndef YS_HTTP_ANSWER_H
#define YS_HTTP_ANSWER_H

#include <stdbool.h>

#include "base/buf.h"

struct ys_http_answer {
    int status;
    const char *content_type; /* NULL: "text/plain; charset=utf-8" */
    const char *extra_fields; /* whole lines, each with its CR LF: "Allow: GET\r\n"; may be NULL */
    struct ysync_bytes body;
    const char *date; /* "Sun, 06 Nov 1994 08:49:37 GMT"; NULL: no Date */
    bool is_head;     /* the request was HEAD: Content-Length of the body, but not the body */
    bool close;       /* Connection: close; else: */
    bool keep_alive;  /* Connection: keep-alive, for a client that cannot tell without */
};

/* Appends the answer; Content-Length is always given. Errors show in ys_buf_err(). */
void ys_http_answer_put(struct ys_buf *out, const struct ys_http_answer *answer);

/* "Not Found" for 404; "Unknown" for numbers that this server does not use. */
const char *ys_http_reason(int status);

#endif
