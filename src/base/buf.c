/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <string.h>

#include "base/alloc.h"
#include "base/varint.h"

void ys_buf_init(struct ys_buf *buf, const struct ysync_alloc *alloc, size_t max_bytes)
{
    *buf = (struct ys_buf){ .alloc = alloc, .max_bytes = max_bytes };
}

void ys_buf_deinit(struct ys_buf *buf)
{
    ys_free(buf->alloc, buf->data);
    buf->data = NULL;
    buf->len = buf->cap = 0;
}

void ys_buf_clear(struct ys_buf *buf)
{
    buf->len = 0;
    buf->err = YSYNC_OK;
}

/* Sets the capacity to `cap` bytes, or as near to it as max_bytes allows, but at least len + extra. */
static enum ysync_err set_capacity(struct ys_buf *buf, size_t cap, size_t extra)
{
    uint8_t *data;

    if (extra > buf->max_bytes - buf->len)
        return YSYNC_ERR_LIMIT;
    if (cap > buf->max_bytes)
        cap = buf->max_bytes;
    if (cap < buf->len + extra)
        cap = buf->len + extra;
    data = ys_realloc_array(buf->alloc, buf->data, cap, 1);
    if (!data)
        return YSYNC_ERR_NOMEM;
    buf->data = data;
    buf->cap = cap;
    return YSYNC_OK;
}

enum ysync_err ys_buf_reserve(struct ys_buf *buf, size_t extra)
{
    if (extra <= buf->cap - buf->len)
        return YSYNC_OK;
    return set_capacity(buf, 0, extra);
}

/* Where the next `count` bytes go, or NULL once something went wrong. */
static uint8_t *make_room(struct ys_buf *buf, size_t count)
{
    size_t grown;

    if (buf->err)
        return NULL;
    if (count > buf->cap - buf->len) {
        grown = buf->cap + buf->cap / 2;
        buf->err = set_capacity(buf, grown < 64 ? 64 : grown, count);
        if (buf->err)
            return NULL;
    }
    return buf->data + buf->len;
}

void ys_buf_put_u8(struct ys_buf *buf, uint8_t byte)
{
    uint8_t *to = make_room(buf, 1);

    if (!to)
        return;
    *to = byte;
    buf->len++;
}

void ys_buf_put(struct ys_buf *buf, struct ysync_bytes bytes)
{
    uint8_t *to;

    if (bytes.len == 0)
        return;
    to = make_room(buf, bytes.len);
    if (!to)
        return;
    memcpy(to, bytes.data, bytes.len);
    buf->len += bytes.len;
}

void ys_buf_put_str(struct ys_buf *buf, const char *str)
{
    ys_buf_put(buf, (struct ysync_bytes){ (const uint8_t *)str, strlen(str) });
}

void ys_buf_put_varuint(struct ys_buf *buf, uint64_t n)
{
    uint8_t *to = make_room(buf, ys_varuint_size(n));

    if (to)
        buf->len += ys_varuint_put(to, n);
}

void ys_buf_put_var_bytes(struct ys_buf *buf, struct ysync_bytes bytes)
{
    ys_buf_put_varuint(buf, bytes.len);
    ys_buf_put(buf, bytes);
}

void ys_buf_drop_front(struct ys_buf *buf, size_t count)
{
    if (count < buf->len)
        memmove(buf->data, buf->data + count, buf->len - count);
    buf->len -= count < buf->len ? count : buf->len;
}

enum ysync_err ys_buf_err(const struct ys_buf *buf)
{
    return buf->err;
}
