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
    blob->alloc = alloc;
    blob->len = len;
    blob->refs = 1;
    blob->head_len = 0;
    return blob;
}

struct ys_blob *ys_blob_copy(const struct ysync_alloc *alloc, struct ysync_bytes bytes)
{
    struct ys_blob *blob = ys_blob_new(alloc, bytes.len);

    if (blob && bytes.len > 0)
        memcpy(ys_blob_data(blob), bytes.data, bytes.len);
    return blob;
}

struct ys_blob *ys_blob_ref(struct ys_blob *blob)
{
    assert(blob->refs > 0 && blob->refs < UINT32_MAX);
    blob->refs++;
    return blob;
}

void ys_blob_unref(struct ys_blob *blob)
{
    if (blob && --blob->refs == 0)
        ys_free(blob->alloc, blob);
}
