/* SPDX-License-Identifier: MIT */
#include "http/parts.h"

/* Makes the view longer if the piece touches it, else begins it anew. */
static void join(struct ysync_bytes *view, const char *at, size_t len)
{
    const uint8_t *piece = (const uint8_t *)at;

    if (!view->data || view->data + view->len != piece)
        *view = (struct ysync_bytes){ piece, 0 };
    view->len += len;
}

int ys_http_parts_add_target(struct ys_http_parts *parts, const char *at, size_t len)
{
    join(&parts->head->target, at, len);
    return 0;
}

static bool continues_name(const struct ys_http_field *field, const char *at)
{
    return !field->value.data && field->name.data + field->name.len == (const uint8_t *)at;
}

int ys_http_parts_add_name(struct ys_http_parts *parts, const char *at, size_t len)
{
    size_t count = parts->head->field_count;

    if (count == 0 || !continues_name(&parts->fields[count - 1], at)) {
        if (count == parts->max_fields)
            return -1;
        parts->fields[count++] = (struct ys_http_field){ .name = { NULL, 0 } };
        parts->head->field_count = count;
    }
    join(&parts->fields[count - 1].name, at, len);
    return 0;
}

int ys_http_parts_add_value(struct ys_http_parts *parts, const char *at, size_t len)
{
    size_t count = parts->head->field_count;

    if (count == 0)
        return -1;
    join(&parts->fields[count - 1].value, at, len);
    return 0;
}
