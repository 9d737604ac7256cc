/* SPDX-License-Identifier: MIT */
/* HTTP requests in one piece and in slices tell the same: the same heads, the same bodies, the same error. */
#include <stdint.h>
#include <string.h>

#include "http/head.h"
#include "require.h"
#include "slices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of bodies and everything else apart: a body may come in any pieces. */
struct told {
    uint64_t events;
    uint64_t body;
    int status; /* 0: no error yet */
};

static uint64_t hash_head(uint64_t hash, const struct ys_http_head *head)
{
    REQUIRE(head->path.len > 0 && head->field_count <= YS_HTTP_MAX_FIELDS);
    REQUIRE(!head->has_length || head->has_body == (head->content_length > 0));
    hash = hash_add_number(hash, (uint64_t)head->method);
    hash = hash_add(hash, head->target);
    hash = hash_add(hash, head->path);
    hash = hash_add(hash, head->query);
    for (size_t i = 0; i < head->field_count; i++) {
        REQUIRE(head->fields[i].name.len > 0);
        hash = hash_add(hash, head->fields[i].name);
        hash = hash_add(hash_add_number(hash, ':'), head->fields[i].value);
    }
    hash = hash_add_number(hash, head->content_length);
    return hash_add_number(hash, (uint64_t)(head->keep_alive | head->wants_websocket << 1 | head->has_body << 2));
}

static void tell(struct told *told, const struct ys_http_parser *parser, enum ys_http_event event,
                 struct ysync_bytes body)
{
    const char *why;

    if (event == YS_HTTP_EVENT_BODY) {
        REQUIRE(body.len > 0);
        told->body = hash_add(told->body, body);
        return;
    }
    if (event == YS_HTTP_EVENT_MORE)
        return;
    told->events = hash_add_number(told->events, (uint64_t)event);
    if (event == YS_HTTP_EVENT_HEAD)
        told->events = hash_head(told->events, ys_http_parser_head(parser));
    if (event == YS_HTTP_EVENT_ERROR) {
        told->status = ys_http_parser_status(parser, &why);
        REQUIRE(told->status >= 400 && why);
        told->events = hash_add(told->events, (struct ysync_bytes){ (const uint8_t *)why, strlen(why) });
    }
}

static void feed(struct ys_http_parser *parser, struct ysync_bytes in, struct told *told)
{
    enum ys_http_event event = YS_HTTP_EVENT_HEAD;

    while (!told->status && event != YS_HTTP_EVENT_MORE) {
        struct ysync_bytes body = { NULL, 0 };

        event = ys_http_parser_feed(parser, &in, &body);
        tell(told, parser, event, body);
    }
    REQUIRE(told->status || in.len == 0);
}

static struct told read_all(const uint8_t *data, size_t size, bool in_slices)
{
    struct told told = { HASH_START, HASH_START, 0 };
    uint64_t random = hash_add(HASH_START, (struct ysync_bytes){ data, size });
    struct ys_http_parser *parser;

    REQUIRE(!ys_http_parser_new(ysync_alloc_default(), &parser));
    while (size > 0 && !told.status) {
        size_t len = in_slices ? next_slice(&random, size) : size;

        feed(parser, (struct ysync_bytes){ data, len }, &told);
        data += len;
        size -= len;
    }
    ys_http_parser_free(parser);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = read_all(data, size, false);
    struct told sliced = read_all(data, size, true);

    REQUIRE(whole.events == sliced.events && whole.body == sliced.body && whole.status == sliced.status);
    return 0;
}
