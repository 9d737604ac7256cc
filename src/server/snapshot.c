/* SPDX-License-Identifier: MIT */
/*
 * Whoever sends a snapshot holds a reference; so one that only this table refers to has been sent.
 */
#include "server/snapshot.h"

#include "base/alloc.h"

struct entry {
    struct ys_blob *blob;
    uint64_t version; /* of the whole document; 0: a part, which nobody else will ask for */
};

struct ys_snapshots {
    const struct ysync_alloc *alloc;
    size_t max_bytes;
    struct entry *entries;
    size_t count;
    size_t cap;
    size_t bytes; /* of all entries */
};

enum ysync_err ys_snapshots_new(const struct ysync_alloc *alloc, size_t max_bytes, struct ys_snapshots **out)
{
    struct ys_snapshots *snapshots = ys_alloc_zeroed(alloc, 1, sizeof(*snapshots));

    if (!snapshots)
        return YSYNC_ERR_NOMEM;
    snapshots->alloc = alloc;
    snapshots->max_bytes = max_bytes;
    *out = snapshots;
    return YSYNC_OK;
}

void ys_snapshots_free(struct ys_snapshots *snapshots)
{
    if (!snapshots)
        return;
    for (size_t i = 0; i < snapshots->count; i++)
        ys_blob_unref(snapshots->entries[i].blob);
    ys_free(snapshots->alloc, snapshots->entries);
    ys_free(snapshots->alloc, snapshots);
}

void ys_snapshots_sweep(struct ys_snapshots *snapshots)
{
    size_t kept = 0;

    if (snapshots->count == 0)
        return;
    for (size_t i = 0; i < snapshots->count; i++) {
        struct entry entry = snapshots->entries[i];

        if (entry.blob->refs > 1) {
            snapshots->entries[kept++] = entry;
            continue;
        }
        snapshots->bytes -= entry.blob->len;
        ys_blob_unref(entry.blob);
    }
    snapshots->count = kept;
    if (kept > 0)
        return;
    ys_free(snapshots->alloc, snapshots->entries);
    snapshots->entries = NULL;
    snapshots->cap = 0;
}

static struct ys_blob *find(const struct ys_snapshots *snapshots, uint64_t version)
{
    for (size_t i = 0; i < snapshots->count; i++) {
        if (snapshots->entries[i].version == version)
            return snapshots->entries[i].blob;
    }
    return NULL;
}

static enum ysync_err encode(const struct ys_snapshots *snapshots, struct ysync_doc *doc,
                             struct ysync_bytes state_vector, struct ys_blob **out, const char **problem)
{
    struct ys_buf bytes;
    enum ysync_err err;

    ys_buf_init(&bytes, snapshots->alloc, SIZE_MAX);
    err = ys_blob_begin(&bytes, 0, 0);
    if (!err)
        err = ys_doc_put_diff(doc, state_vector, &bytes, problem);
    if (!err)
        *out = ys_blob_end(&bytes, 0);
    ys_buf_deinit(&bytes);
    return err;
}

/* Whoever has nothing says so in one zero, or not at all. */
static bool asks_for_all(struct ysync_bytes state_vector)
{
    return state_vector.len == 0 || (state_vector.len == 1 && state_vector.data[0] == 0);
}

enum ysync_err ys_snapshots_take(struct ys_snapshots *snapshots, struct ysync_doc *doc, uint64_t version,
                                 struct ysync_bytes state_vector, struct ys_blob **out, const char **problem)
{
    uint64_t shared_version = asks_for_all(state_vector) ? version : 0;
    struct ys_blob *blob = shared_version ? find(snapshots, shared_version) : NULL;
    enum ysync_err err;

    if (blob) {
        *out = ys_blob_ref(blob);
        return YSYNC_OK;
    }
    ys_snapshots_sweep(snapshots);
    if (snapshots->bytes >= snapshots->max_bytes)
        return YSYNC_ERR_LIMIT;
    if (!ys_grow_array(snapshots->alloc, &snapshots->entries, &snapshots->cap, snapshots->count + 1,
                       sizeof(struct entry)))
        return YSYNC_ERR_NOMEM;
    err = encode(snapshots, doc, state_vector, &blob, problem);
    if (err)
        return err;
    if (blob->len >= YS_SNAPSHOT_MIN_BYTES) {
        snapshots->entries[snapshots->count++] = (struct entry){ ys_blob_ref(blob), shared_version };
        snapshots->bytes += blob->len;
    }
    *out = blob;
    return YSYNC_OK;
}
