/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests (RFC 9110, RFC 9112), incremental and without sockets: bytes in, a head and pieces of a
 * body out. Wraps llhttp where the system has it, else http-parser (Debian 12); strictly: what could be read
 * in two ways is refused.
 *
 *     feed ... MORE, MORE, HEAD, BODY, BODY, END, HEAD, END, ...      a connection's life
 *                                        '-- a pipelined request --'
 *
 * After the HEAD of a request that asks for an upgrade the connection may be somebody else's: the caller stops
 * feeding and what is left of its input belongs to the new protocol.
 */
#ifndef YS_HTTP_HEAD_H
#define YS_HTTP_HEAD_H

#include <stdbool.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

#define YS_HTTP_MAX_HEAD_BYTES (16 * 1024)
#define YS_HTTP_MAX_FIELDS 100

enum ys_http_method {
    YS_HTTP_GET,
    YS_HTTP_HEAD,
    YS_HTTP_POST,
    YS_HTTP_DELETE,
    YS_HTTP_OTHER_METHOD,
};

struct ys_http_field {
    struct ysync_bytes name; /* as sent; compare with ys_http_name_is() */
    struct ysync_bytes value;
};

/* All views are into the parser, good until it is fed again after END, or freed. */
struct ys_http_head {
    enum ys_http_method method;
    struct ysync_bytes target; /* as sent: "/rooms/blog?token=x" */
    struct ysync_bytes path;   /* "/rooms/blog", still percent-encoded */
    struct ysync_bytes query;  /* "token=x", without the question mark */
    const struct ys_http_field *fields;
    size_t field_count;
    bool keep_alive;       /* may another request follow? */
    bool wants_websocket;  /* Connection: upgrade and Upgrade: websocket */
    bool expects_continue; /* Expect: 100-continue */
    bool has_body;         /* Content-Length above 0, or chunked */
    bool has_length;       /* Content-Length was given: */
    uint64_t content_length;
};

enum ys_http_event {
    YS_HTTP_EVENT_MORE,  /* the input is used up */
    YS_HTTP_EVENT_HEAD,  /* a whole head has come: ys_http_parser_head() */
    YS_HTTP_EVENT_BODY,  /* a piece of the body has come */
    YS_HTTP_EVENT_END,   /* the request is complete */
    YS_HTTP_EVENT_ERROR, /* ys_http_parser_status() says what to answer before closing */
};

struct ys_http_parser;

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_http_parser_new(const struct ysync_alloc *alloc, struct ys_http_parser **out);
void ys_http_parser_free(struct ys_http_parser *parser); /* accepts NULL */

/* Reads from the front of *in until there is an event, and moves *in past what was read. *body is set for BODY:
 * a view of the input. Call until there is MORE, even with nothing left: it is the call after END that gives the
 * head's memory back. After ERROR nothing may be fed. */
enum ys_http_event ys_http_parser_feed(struct ys_http_parser *parser, struct ysync_bytes *in, struct ysync_bytes *body);

/* After HEAD, until the next request begins. */
const struct ys_http_head *ys_http_parser_head(const struct ys_http_parser *parser);

/* The same as it was sent, from the request line to the empty line: another parser makes the same of it. */
struct ysync_bytes ys_http_parser_raw_head(const struct ys_http_parser *parser);

/* After ERROR: 400, 431 (the head is too large), 501 (a transfer coding that we do not know), 503 (no memory). *why is
 * one static line for the body of the answer. */
int ys_http_parser_status(const struct ys_http_parser *parser, const char **why);

/* Has anything of a next request come? Between requests a connection is idle, inside one it must hurry. */
bool ys_http_parser_is_idle(const struct ys_http_parser *parser);

/* The value of the first field with this name (any case); false if there is none. */
bool ys_http_head_find(const struct ys_http_head *head, const char *name, struct ysync_bytes *out);

/* Does a field with this name hold this token, in a comma-separated list, in any case? */
bool ys_http_head_has_token(const struct ys_http_head *head, const char *name, const char *token);

/* Are the names equal but for case? */
bool ys_http_name_is(struct ysync_bytes name, const char *want);

#endif
