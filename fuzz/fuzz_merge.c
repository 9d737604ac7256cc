/* SPDX-License-Identifier: MIT */
/*
 * Two updates merged without a document hold what both hold: a document that is given the merged one gets to the state
 * of one that is given both. The input is the length of the first one (two bytes), the first one, and the second one.
 *
 * Deletions may differ, as in fuzz_two_updates.c.
 */
#include "documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL if it is malformed. */
static struct ysync_doc *apply_all(const struct ysync_bytes *updates, size_t count)
{
    struct ysync_doc *doc = new_doc();

    for (size_t i = 0; i < count; i++) {
        if (ysync_doc_apply(doc, updates[i], 0, NULL, NULL)) {
            ysync_doc_free(doc);
            return NULL;
        }
    }
    ys_doc_check(doc);
    return doc;
}

static void check_same_state(struct ysync_doc *a, struct ysync_doc *b)
{
    struct ysync_bytes of_a;
    struct ysync_bytes of_b;

    require(!ysync_doc_state_vector(a, &of_a), "a state vector");
    require(!ysync_doc_state_vector(b, &of_b), "a state vector");
    require(is_same(of_a, of_b), "merged or one after the other lead to the same state vector");
    ysync_bytes_free(NULL, of_a);
    ysync_bytes_free(NULL, of_b);
}

static void check_merged(const struct ysync_bytes updates[2], struct ysync_doc *both)
{
    struct ysync_bytes merged;
    const char *problem = NULL;
    struct ysync_doc *doc;

    require(!ysync_merge_updates(NULL, updates, 2, &merged, &problem), "what can be applied can be merged");
    doc = apply_all(&merged, 1);
    require(doc, "what was merged is an update");
    if (!has_pending(both) && !has_pending(doc))
        check_same_state(both, doc);
    ysync_doc_free(doc);
    ysync_bytes_free(NULL, merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t split = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;
    struct ysync_bytes updates[2];
    struct ysync_bytes merged;
    struct ysync_doc *both;
    const char *problem = NULL;

    if (size < 2 || split > size - 2)
        return 0;
    updates[0] = (struct ysync_bytes){ data + 2, split };
    updates[1] = (struct ysync_bytes){ data + 2 + split, size - 2 - split };
    both = apply_all(updates, 2);
    if (both)
        check_merged(updates, both);
    else if (ysync_merge_updates(NULL, updates, 2, &merged, &problem))
        require(problem, "what is malformed is explained");
    else
        ysync_bytes_free(NULL, merged);
    ysync_doc_free(both);
    return 0;
}
