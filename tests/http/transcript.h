/* SPDX-License-Identifier: MIT */
/*
 * What a parser told of some input, as text that a test can compare:
 *
 *     GET /blog?token=x  Host=a  | body | END | MORE
 *
 * Pieces of a body are joined, so that the text does not depend on how the input was cut.
 */
#ifndef YS_TEST_HTTP_TRANSCRIPT_H
#define YS_TEST_HTTP_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/head.h"

struct transcript {
    char text[32 * 1024];
    size_t len;
    bool in_body;
    bool failed;
};

static inline void transcript_add(struct transcript *to, const char *bytes, size_t len)
{
    if (len > sizeof(to->text) - 1 - to->len)
        len = sizeof(to->text) - 1 - to->len;
    memcpy(to->text + to->len, bytes, len);
    to->len += len;
    to->text[to->len] = '\0';
}

static inline void transcript_add_str(struct transcript *to, const char *str)
{
    transcript_add(to, str, strlen(str));
}

static inline void transcript_add_bytes(struct transcript *to, struct ysync_bytes bytes)
{
    transcript_add(to, bytes.len ? (const char *)bytes.data : "", bytes.len);
}

static inline void transcript_add_head(struct transcript *to, const struct ys_http_head *head)
{
    static const char *const methods[] = { "GET ", "HEAD ", "POST ", "DELETE ", "OTHER " };

    transcript_add_str(to, methods[head->method]);
    transcript_add_bytes(to, head->path);
    if (head->query.len > 0) {
        transcript_add_str(to, "?");
        transcript_add_bytes(to, head->query);
    }
    for (size_t i = 0; i < head->field_count; i++) {
        transcript_add_str(to, " ");
        transcript_add_bytes(to, head->fields[i].name);
        transcript_add_str(to, "=");
        transcript_add_bytes(to, head->fields[i].value);
    }
    transcript_add_str(to, " | ");
}

static inline void transcript_add_error(struct transcript *to, const struct ys_http_parser *parser)
{
    const char *why;
    char line[128];
    int status = ys_http_parser_status(parser, &why);

    snprintf(line, sizeof(line), "%d %s", status, why);
    transcript_add_str(to, line);
    to->failed = true;
}

static inline void transcript_add_event(struct transcript *to, const struct ys_http_parser *parser,
                                        enum ys_http_event event, struct ysync_bytes body)
{
    if (to->in_body && event != YS_HTTP_EVENT_BODY && event != YS_HTTP_EVENT_MORE) {
        transcript_add_str(to, " | ");
        to->in_body = false;
    }
    switch (event) {
    case YS_HTTP_EVENT_HEAD:
        transcript_add_head(to, ys_http_parser_head(parser));
        break;
    case YS_HTTP_EVENT_BODY:
        transcript_add_bytes(to, body);
        to->in_body = true;
        break;
    case YS_HTTP_EVENT_END:
        transcript_add_str(to, "END | ");
        break;
    case YS_HTTP_EVENT_ERROR:
        transcript_add_error(to, parser);
        break;
    case YS_HTTP_EVENT_MORE:
        break;
    }
}

/* Feeds one slice until the parser wants more. It is copied to a place of its own size, for the sanitizers. */
static inline void transcript_feed(struct transcript *to, struct ys_http_parser *parser, struct ysync_bytes slice)
{
    uint8_t *copy = malloc(slice.len ? slice.len : 1);
    struct ysync_bytes in = { copy, slice.len };
    enum ys_http_event event = YS_HTTP_EVENT_HEAD;

    if (!copy)
        abort();
    if (slice.len > 0)
        memcpy(copy, slice.data, slice.len);
    while (!to->failed && event != YS_HTTP_EVENT_MORE) {
        struct ysync_bytes body = { NULL, 0 };

        event = ys_http_parser_feed(parser, &in, &body);
        transcript_add_event(to, parser, event, body);
    }
    free(copy);
}

#endif
