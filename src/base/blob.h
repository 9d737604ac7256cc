/* SPDX-License-Identifier: MIT */
/*
 * Immutable bytes with many readers: a message is encoded once and every queue holds a reference.
 *
 *     [ headroom: 10 bytes | data ]
 *                   ^ head_len bytes at the end of the headroom are in use
 *
 * The room in front belongs to the transport, which writes its frame header there the first time it
 * sends the blob. All who send it must send it under the same header.
 *
 * References belong to one thread.
 */
#ifndef YS_BASE_BLOB_H
#define YS_BASE_BLOB_H

#include "ysync/alloc.h"
#include "ysync/bytes.h"

#define YS_BLOB_HEADROOM 10

struct ys_blob {
    const struct ysync_alloc *alloc;
    size_t len;
    uint32_t refs;
    uint8_t head_len;
    uint8_t bytes[];
};

/* len bytes, to be filled in before anybody else sees them; one reference. NULL if there is no memory. */
struct ys_blob *ys_blob_new(const struct ysync_alloc *alloc, size_t len);

/* The same, filled with a copy. */
struct ys_blob *ys_blob_copy(const struct ysync_alloc *alloc, struct ysync_bytes bytes);

struct ys_blob *ys_blob_ref(struct ys_blob *blob);
void ys_blob_unref(struct ys_blob *blob); /* accepts NULL */

static inline uint8_t *ys_blob_data(struct ys_blob *blob)
{
    return blob->bytes + YS_BLOB_HEADROOM;
}

/* The data alone. */
static inline struct ysync_bytes ys_blob_bytes(const struct ys_blob *blob)
{
    return (struct ysync_bytes){ blob->bytes + YS_BLOB_HEADROOM, blob->len };
}

/* Header and data, as they go on the wire. */
static inline struct ysync_bytes ys_blob_framed(const struct ys_blob *blob)
{
    return (struct ysync_bytes){ blob->bytes + YS_BLOB_HEADROOM - blob->head_len, blob->head_len + blob->len };
}

#endif
