/* SPDX-License-Identifier: MIT */
#include "http/lines.h"

#include "base/token.h"

void ys_http_lines_init_head(struct ys_http_lines *lines)
{
    *lines = (struct ys_http_lines){ .state = YS_HTTP_LINES_NOTHING };
}

void ys_http_lines_init_trailer(struct ys_http_lines *lines)
{
    *lines = (struct ys_http_lines){ .state = YS_HTTP_LINES_FIELD };
}

/* The request line has its own grammar, which head.c checks; here it is any visible text. */
static const char *take_request_byte(struct ys_http_lines *lines, uint8_t byte)
{
    if (byte == '\r') {
        lines->state = YS_HTTP_LINES_LF;
        return NULL;
    }
    lines->state = YS_HTTP_LINES_REQUEST;
    return byte >= ' ' && byte <= '~' ? NULL : "invalid character in the request line";
}

static const char *take_name_byte(struct ys_http_lines *lines, uint8_t byte)
{
    if (ys_token_has_byte(byte))
        return NULL;
    lines->state = YS_HTTP_LINES_VALUE;
    return byte == ':' ? NULL : "invalid character in a field name";
}

static const char *take_value_byte(struct ys_http_lines *lines, uint8_t byte)
{
    if (byte == '\r') {
        lines->state = YS_HTTP_LINES_LF;
        return NULL;
    }
    return (byte >= ' ' && byte != 0x7f) || byte == '\t' ? NULL : "invalid character in a field value";
}

static const char *take_first_of_field(struct ys_http_lines *lines, uint8_t byte)
{
    if (byte == '\r') {
        lines->state = YS_HTTP_LINES_LAST_LF;
        return NULL;
    }
    if (byte == ' ' || byte == '\t')
        return "folded field value";
    lines->state = YS_HTTP_LINES_NAME;
    lines->field_count++;
    return ys_token_has_byte(byte) ? NULL : "invalid character in a field name";
}

static const char *take_lf(struct ys_http_lines *lines, uint8_t byte, enum ys_http_lines_state next)
{
    lines->state = next;
    return byte == '\n' ? NULL : "CR without LF";
}

const char *ys_http_lines_take(struct ys_http_lines *lines, uint8_t byte)
{
    switch (lines->state) {
    case YS_HTTP_LINES_NOTHING:
        if (byte == '\r') {
            lines->state = YS_HTTP_LINES_EMPTY_LF;
            return NULL;
        }
        return take_request_byte(lines, byte);
    case YS_HTTP_LINES_EMPTY_LF:
        return take_lf(lines, byte, YS_HTTP_LINES_FIRST);
    case YS_HTTP_LINES_FIRST:
        return byte == '\r' ? "empty request line" : take_request_byte(lines, byte);
    case YS_HTTP_LINES_REQUEST:
        return take_request_byte(lines, byte);
    case YS_HTTP_LINES_LF:
        return take_lf(lines, byte, YS_HTTP_LINES_FIELD);
    case YS_HTTP_LINES_FIELD:
        return take_first_of_field(lines, byte);
    case YS_HTTP_LINES_NAME:
        return take_name_byte(lines, byte);
    case YS_HTTP_LINES_VALUE:
        return take_value_byte(lines, byte);
    case YS_HTTP_LINES_LAST_LF:
        return take_lf(lines, byte, YS_HTTP_LINES_END);
    case YS_HTTP_LINES_END:
        break;
    }
    return "data behind the last line";
}
