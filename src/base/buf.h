/* SPDX-License-Identifier: MIT */
/*
 * A buffer that owns its bytes and grows as they are put in, up to the maximum that it was born with.
 *
 * Putting never fails on the spot: the first error is kept, what comes after it is dropped, and the
 * writer asks once, at the end. So encoders read straight down:
 *
 *     ys_buf_put_varuint(&out, count);
 *     ys_buf_put_var_bytes(&out, name);
 *     return ys_buf_err(&out);
 */
#ifndef YS_BASE_BUF_H
#define YS_BASE_BUF_H

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

struct ys_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max_bytes;
    const struct ysync_alloc *alloc;
    enum ysync_err err;
};

/* max_bytes: SIZE_MAX for no limit of its own. */
void ys_buf_init(struct ys_buf *buf, const struct ysync_alloc *alloc, size_t max_bytes);
void ys_buf_deinit(struct ys_buf *buf);

/* Empty again and without its error; the memory is kept for what comes next. */
void ys_buf_clear(struct ys_buf *buf);

/* Room for `extra` more bytes, exactly: for writers that know how much comes.
 * YSYNC_ERR_NOMEM, or YSYNC_ERR_LIMIT past max_bytes; the contents stay. */
YSYNC_CHECKED enum ysync_err ys_buf_reserve(struct ys_buf *buf, size_t extra);

void ys_buf_put_u8(struct ys_buf *buf, uint8_t byte);
void ys_buf_put(struct ys_buf *buf, struct ysync_bytes bytes);
void ys_buf_put_str(struct ys_buf *buf, const char *str); /* without its final zero */
void ys_buf_put_varuint(struct ys_buf *buf, uint64_t n);
void ys_buf_put_var_bytes(struct ys_buf *buf, struct ysync_bytes bytes); /* length first, as lib0 */

/* Removes the first `count` bytes and moves the rest to the front. */
void ys_buf_drop_front(struct ys_buf *buf, size_t count);

/* The first thing that went wrong since init or clear. */
YSYNC_CHECKED enum ysync_err ys_buf_err(const struct ys_buf *buf);

/* Good until the buffer is next changed. */
static inline struct ysync_bytes ys_buf_bytes(const struct ys_buf *buf)
{
    return (struct ysync_bytes){ buf->data, buf->len };
}

#endif
