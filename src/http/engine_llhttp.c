/* SPDX-License-Identifier: MIT */
/*
 * Heads by llhttp 8 or 9, the parser of Node.js, which Debian 13 has.
 *
 * The engine is stopped where the head ends, before it makes up its mind about the body, which is head.c's to do.
 */
#include <llhttp.h>

#include "http/parts.h"

static int on_target(llhttp_t *engine, const char *at, size_t len)
{
    return ys_http_parts_add_target(engine->data, at, len);
}

static int on_name(llhttp_t *engine, const char *at, size_t len)
{
    return ys_http_parts_add_name(engine->data, at, len);
}

static int on_value(llhttp_t *engine, const char *at, size_t len)
{
    return ys_http_parts_add_value(engine->data, at, len);
}

static int on_head_end(llhttp_t *engine)
{
    struct ys_http_parts *parts = engine->data;

    parts->is_whole = true;
    return -1;
}

bool ys_http_engine_parse(struct ysync_bytes head, struct ys_http_field *fields, size_t max_fields,
                          struct ys_http_head *out)
{
    struct ys_http_parts parts = { out, fields, max_fields, false };
    llhttp_settings_t settings;
    llhttp_t engine;

    llhttp_settings_init(&settings);
    settings.on_url = on_target;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_head_end;
    llhttp_init(&engine, HTTP_REQUEST, &settings);
    engine.data = &parts;
    (void)llhttp_execute(&engine, (const char *)head.data, head.len);
    return parts.is_whole;
}
