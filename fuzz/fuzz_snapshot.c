/* SPDX-License-Identifier: MIT */
/*
 * Saved documents: what was saved is loaded as it was, what is something else is refused, and so is a snapshot of which
 * any byte was changed. The input is a place (two bytes), a mask for the byte there, and an update.
 *
 * What waits for others is saved as one update, in which each id stands once. Updates that say different things about
 * one id are not worth more: so nothing is compared where something waits.
 */
#include "documents.h"

#define HEAD_BYTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_damaged(struct ysync_bytes saved, size_t at, uint8_t mask)
{
    struct ysync_doc *doc = NULL;
    uint8_t *copy = malloc(saved.len);

    require(copy, "memory");
    memcpy(copy, saved.data, saved.len);
    copy[at % saved.len] ^= mask;
    require(ysync_doc_load(NULL, (struct ysync_bytes){ copy, saved.len }, &doc) == YSYNC_ERR_MALFORMED,
            "a changed byte is noticed");
    require(ysync_doc_load(NULL, (struct ysync_bytes){ saved.data, at % saved.len }, &doc) == YSYNC_ERR_MALFORMED,
            "a part is no whole");
    free(copy);
}

static void check_saved(struct ysync_doc *doc, size_t at, uint8_t mask)
{
    struct ysync_doc *loaded = NULL;
    struct ysync_bytes saved;

    require(!ysync_doc_save(doc, &saved), "a document can be saved");
    require(!ysync_doc_load(NULL, saved, &loaded), "what was saved can be loaded");
    ys_doc_check(loaded);
    if (!has_pending(doc))
        require_equal(doc, loaded, "a document is loaded as it was saved");
    if (mask)
        check_damaged(saved, at, mask);
    ysync_doc_free(loaded);
    ysync_bytes_free(NULL, saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_doc *doc = NULL;

    if (!ysync_doc_load(NULL, (struct ysync_bytes){ data, size }, &doc))
        ys_doc_check(doc);
    ysync_doc_free(doc);
    if (size < HEAD_BYTES)
        return 0;
    doc = new_doc();
    if (!ysync_doc_apply(doc, (struct ysync_bytes){ data + HEAD_BYTES, size - HEAD_BYTES }, 0, NULL, NULL))
        check_saved(doc, (size_t)data[0] | (size_t)data[1] << 8, data[2]);
    ysync_doc_free(doc);
    return 0;
}
