/* SPDX-License-Identifier: MIT */
/*
 * Heads by llhttp 8 or 9, the parser of Node.js, which Debian 13 has.
 *
 * The engine may report a string in pieces: pieces that touch belong together. It is stopped where the head ends,
 * before it makes up its mind about the body, which is head.c's to do.
 */
#include <llhttp.h>

#include "http/engine.h"

struct parts {
    struct ys_http_head *head;
    struct ys_http_field *fields;
    size_t max_fields;
    bool is_whole;
};

static struct ysync_bytes join(struct ysync_bytes so_far, const char *at, size_t len)
{
    if (so_far.data && so_far.data + so_far.len == (const uint8_t *)at)
        return (struct ysync_bytes){ so_far.data, so_far.len + len };
    return (struct ysync_bytes){ (const uint8_t *)at, len };
}

static int on_target(llhttp_t *engine, const char *at, size_t len)
{
    struct parts *parts = engine->data;

    parts->head->target = join(parts->head->target, at, len);
    return 0;
}

static bool continues(const struct ys_http_field *field, const char *at)
{
    return !field->value.data && field->name.data + field->name.len == (const uint8_t *)at;
}

static int on_name(llhttp_t *engine, const char *at, size_t len)
{
    struct parts *parts = engine->data;
    size_t count = parts->head->field_count;

    if (count > 0 && continues(&parts->fields[count - 1], at)) {
        parts->fields[count - 1].name.len += len;
        return 0;
    }
    if (count == parts->max_fields)
        return -1;
    parts->fields[count] = (struct ys_http_field){ .name = { (const uint8_t *)at, len } };
    parts->head->field_count++;
    return 0;
}

static int on_value(llhttp_t *engine, const char *at, size_t len)
{
    struct parts *parts = engine->data;
    struct ys_http_field *field;

    if (parts->head->field_count == 0)
        return -1;
    field = &parts->fields[parts->head->field_count - 1];
    field->value = join(field->value, at, len);
    return 0;
}

static int on_head_end(llhttp_t *engine)
{
    struct parts *parts = engine->data;

    parts->is_whole = true;
    return -1;
}

static enum ys_http_method method_of(unsigned method)
{
    switch (method) {
    case HTTP_GET:
        return YS_HTTP_GET;
    case HTTP_HEAD:
        return YS_HTTP_HEAD;
    case HTTP_POST:
        return YS_HTTP_POST;
    case HTTP_DELETE:
        return YS_HTTP_DELETE;
    default:
        return YS_HTTP_OTHER_METHOD;
    }
}

bool ys_http_engine_parse(struct ysync_bytes head, struct ys_http_field *fields, size_t max_fields,
                          struct ys_http_head *out)
{
    struct parts parts = { out, fields, max_fields, false };
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
    out->method = method_of(engine.method);
    out->fields = fields;
    return parts.is_whole;
}
