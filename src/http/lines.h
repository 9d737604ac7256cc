/* SPDX-License-Identifier: MIT */
/*
 * The lines of a request head, or of the trailer behind a chunked body, byte by byte up to the empty line that ends
 * them.
 *
 *     GET /blog HTTP/1.1 CR LF
 *     Host: example.org CR LF
 *     CR LF
 *
 * This is where we are strict: HTTP parsers in the field read a lone LF, a folded line or a space before the colon
 * each in its own way, and who gets past one with such a line smuggles a request past the other. Here they are errors.
 */
#ifndef YS_HTTP_LINES_H
#define YS_HTTP_LINES_H

#include <stddef.h>
#include <stdint.h>

enum ys_http_lines_state {
    YS_HTTP_LINES_NOTHING, /* nothing has come: an empty line may, before a request (RFC 9112, 2.2) */
    YS_HTTP_LINES_EMPTY_LF,
    YS_HTTP_LINES_FIRST, /* nothing has come but that empty line */
    YS_HTTP_LINES_REQUEST,
    YS_HTTP_LINES_LF,
    YS_HTTP_LINES_FIELD, /* at the beginning of a field, or of the empty line */
    YS_HTTP_LINES_NAME,
    YS_HTTP_LINES_VALUE,
    YS_HTTP_LINES_LAST_LF,
    YS_HTTP_LINES_END,
};

struct ys_http_lines {
    enum ys_http_lines_state state; /* YS_HTTP_LINES_END once the empty line has come */
    size_t field_count;
};

void ys_http_lines_init_head(struct ys_http_lines *lines);
void ys_http_lines_init_trailer(struct ys_http_lines *lines);

/* Takes the next byte. NULL, or what is wrong with it: a static line. */
const char *ys_http_lines_take(struct ys_http_lines *lines, uint8_t byte);

#endif
