/* SPDX-License-Identifier: MIT */
#include "base/blob.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

struct ys_blob *ys_blob_new(const struct ysync_alloc *alloc, size_t len)
{
    struct ys_blob *blob;

    if (len > SIZE_MAX - sizeof(*blob) - YS_BLOB_HEADROOM)
        return NULL;
    blob = ys_alloc_array(alloc, sizeof(*blob) + YS_BLOB_HEADROOM + len, 1);
    if (!blob)
        return NULL;
    *blob = (struct ys_blob){ .alloc = alloc, .len = len, .refs = 1, .data_at = YS_BLOB_HEADROOM };
    return blob;
}

struct ys_blob *ys_blob_copy(const struct ysync_alloc *alloc, struct ysync_bytes bytes)
{
    struct ys_blob *blob = ys_blob_new(alloc, bytes.len);

    if (blob && bytes.len > 0)
        memcpy(ys_blob_data(blob), bytes.data, bytes.len);
    return blob;
}

size_t ys_blob_overhead(size_t lead)
{
    return offsetof(struct ys_blob, bytes) + YS_BLOB_HEADROOM + lead;
}

enum ysync_err ys_blob_begin(struct ys_buf *buf, size_t lead, size_t bytes)
{
    enum ysync_err err;

    assert(buf->len == 0 && lead <= UINT8_MAX - YS_BLOB_HEADROOM);
    if (bytes > SIZE_MAX - ys_blob_overhead(lead))
        return YSYNC_ERR_NOMEM;
    err = ys_buf_reserve(buf, ys_blob_overhead(lead) + bytes);
    if (!err)
        buf->len = ys_blob_overhead(lead);
    return err;
}

struct ys_blob *ys_blob_end(struct ys_buf *buf, size_t lead)
{
    void *memory = ys_realloc_array(buf->alloc, buf->data, buf->len, 1);
    struct ys_blob *blob = memory ? memory : (void *)buf->data;

    assert(!buf->err);
    *blob = (struct ys_blob){ .alloc = buf->alloc,
                              .len = buf->len - ys_blob_overhead(lead),
                              .refs = 1,
                              .data_at = (uint8_t)(YS_BLOB_HEADROOM + lead) };
    ys_buf_init(buf, buf->alloc, buf->max_bytes);
    return blob;
}

void ys_blob_set_lead(struct ys_blob *blob, struct ysync_bytes bytes)
{
    if (blob->data_at == YS_BLOB_HEADROOM || blob->has_lead)
        return;
    assert(bytes.len <= (size_t)blob->data_at - YS_BLOB_HEADROOM);
    blob->has_lead = true;
    blob->data_at -= (uint8_t)bytes.len;
    blob->len += bytes.len;
    memcpy(ys_blob_data(blob), bytes.data, bytes.len);
}

struct ys_blob *ys_blob_ref(struct ys_blob *blob)
{
    assert(blob->refs > 0 && blob->refs < UINT32_MAX);
    blob->refs++;
    return blob;
}

void ys_blob_unref(struct ys_blob *blob)
{
    if (!blob || --blob->refs > 0)
        return;
    if (blob->variant)
        ys_free(blob->variant->alloc, blob->variant); /* which nobody else refers to */
    ys_free(blob->alloc, blob);
}
