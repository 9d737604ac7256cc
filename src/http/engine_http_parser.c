/* SPDX-License-Identifier: MIT */
/*
 * Heads by http-parser 2.9, the forerunner of llhttp, which Debian 12 has.
 *
 * The engine is stopped where the head ends, before it makes up its mind about the body, which is head.c's to do.
 */
#include <http_parser.h>

#include "http/parts.h"

static int on_target(http_parser *engine, const char *at, size_t len)
{
    return ys_http_parts_add_target(engine->data, at, len);
}

static int on_name(http_parser *engine, const char *at, size_t len)
{
    return ys_http_parts_add_name(engine->data, at, len);
}

static int on_value(http_parser *engine, const char *at, size_t len)
{
    return ys_http_parts_add_value(engine->data, at, len);
}

static int on_head_end(http_parser *engine)
{
    struct ys_http_parts *parts = engine->data;

    parts->is_whole = true;
    return -1;
}

bool ys_http_engine_parse(struct ysync_bytes head, struct ys_http_field *fields, size_t max_fields,
                          struct ys_http_head *out)
{
    struct ys_http_parts parts = { out, fields, max_fields, false };
    http_parser_settings settings;
    http_parser engine;

    http_parser_settings_init(&settings);
    settings.on_url = on_target;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_head_end;
    http_parser_init(&engine, HTTP_REQUEST);
    engine.data = &parts;
    http_parser_execute(&engine, &settings, (const char *)head.data, head.len);
    return parts.is_whole;
}
