/* SPDX-License-Identifier: MIT */
/*
 * Immutable bytes with many readers: a message is encoded once and every queue holds a reference.
 *
 *     [ headroom: 10 bytes | lead: mostly none | data ]
 *                   ^ the last head_len bytes in front of the data are in use
 *
 * The room in front belongs to the transport, which writes its frame header there the first time it
 * sends the blob. All who send it must send it under the same header.
 *
 * Where readers understand another form of the message, such as a compressed one, the transport makes that once too
 * and leaves it here, as the blob's variant. It goes when the blob goes.
 *
 * References belong to one thread.
 */
#ifndef YS_BASE_BLOB_H
#define YS_BASE_BLOB_H

#include <stdbool.h>

#include "base/buf.h"

#define YS_BLOB_HEADROOM 10

struct ys_blob {
    const struct ysync_alloc *alloc;
    size_t len;
    uint32_t refs;
    uint8_t head_len;
    uint8_t data_at;
    bool has_lead;
    bool has_no_variant;     /* it was tried, to no avail */
    struct ys_blob *variant; /* NULL: none yet */
    uint8_t bytes[];
};

/* len bytes, to be filled in before anybody else sees them; one reference. NULL if there is no memory. */
struct ys_blob *ys_blob_new(const struct ysync_alloc *alloc, size_t len);

/* The same, filled with a copy. */
struct ys_blob *ys_blob_copy(const struct ysync_alloc *alloc, struct ysync_bytes bytes);

/* Makes a blob of bytes whose number is not known beforehand, in the buffer's own memory: begin an empty buffer, with
 * room for `bytes` bytes or so, put the bytes, end. Of the data the first `lead` bytes stay unused
 * (ys_blob_set_lead()). Ending cannot fail, unless the buffer has an error; it leaves the buffer empty. */
YSYNC_CHECKED enum ysync_err ys_blob_begin(struct ys_buf *buf, size_t lead, size_t bytes);
struct ys_blob *ys_blob_end(struct ys_buf *buf, size_t lead);
size_t ys_blob_overhead(size_t lead); /* what the buffer holds in front of the data */

/* Puts `bytes`, at most as many as the lead has, right in front of the data, and makes them part of it; unless that
 * was done before. */
void ys_blob_set_lead(struct ys_blob *blob, struct ysync_bytes bytes);

struct ys_blob *ys_blob_ref(struct ys_blob *blob);
void ys_blob_unref(struct ys_blob *blob); /* accepts NULL */

static inline uint8_t *ys_blob_data(struct ys_blob *blob)
{
    return blob->bytes + blob->data_at;
}

/* The data alone. */
static inline struct ysync_bytes ys_blob_bytes(const struct ys_blob *blob)
{
    return (struct ysync_bytes){ blob->bytes + blob->data_at, blob->len };
}

/* Header and data, as they go on the wire. */
static inline struct ysync_bytes ys_blob_framed(const struct ys_blob *blob)
{
    return (struct ysync_bytes){ blob->bytes + blob->data_at - blob->head_len, blob->head_len + blob->len };
}

#endif
