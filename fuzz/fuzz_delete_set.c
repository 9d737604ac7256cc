/* SPDX-License-Identifier: MIT */
/* A delete set, read, added to an empty one and written: what was written reads as the same set, and nothing is
 * missing. */
#include "doc/delete_set.h"
#include "documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Adds what the bytes say to the set, and writes the set. False if they are no delete set. */
static bool add_and_put(struct ys_dset *set, struct ysync_bytes bytes, struct ys_buf *out)
{
    const struct ysync_alloc *alloc = ysync_alloc_default();
    struct ys_reader in = ys_reader_init(bytes);
    struct ys_ranges ranges;
    struct ys_ranges missing;
    enum ysync_err err;

    ys_ranges_init(&ranges);
    ys_ranges_init(&missing);
    err = ys_ranges_decode(&ranges, alloc, &in);
    if (!err) {
        ys_ranges_sort(&ranges);
        require(!ys_dset_thaw(set, &ranges) && !ys_dset_reserve(set, &ranges), "room");
        ys_dset_check(set);
        ys_dset_add(set, &ranges);
        ys_dset_check(set);
        require(!ys_dset_missing(set, &ranges, &missing) && missing.count == 0, "what was added is not missing");
        ys_dset_put(set, out);
        require(!ys_buf_err(out) && out->len <= ys_dset_put_bound(set), "the bound holds");
    }
    ys_ranges_deinit(&missing, alloc);
    ys_ranges_deinit(&ranges, alloc);
    return !err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ys_dset *once;
    struct ys_dset *twice;
    struct ys_buf bytes;
    struct ys_buf again;

    ys_buf_init(&bytes, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&again, ysync_alloc_default(), SIZE_MAX);
    require(!ys_dset_new(ysync_alloc_default(), &once), "a set");
    require(!ys_dset_new(ysync_alloc_default(), &twice), "another set");
    if (add_and_put(once, (struct ysync_bytes){ data, size }, &bytes)) {
        require(add_and_put(twice, ys_buf_bytes(&bytes), &again), "what was written is a delete set");
        require(is_same(ys_buf_bytes(&bytes), ys_buf_bytes(&again)), "what was written is the same set");
        require(ys_dset_range_count(once) == ys_dset_range_count(twice), "ranges are counted");
    }
    ys_dset_free(once);
    ys_dset_free(twice);
    ys_buf_deinit(&again);
    ys_buf_deinit(&bytes);
    return 0;
}
