/* SPDX-License-Identifier: MIT */
/*
 * Two updates, in either order, make documents with the same clocks. The input is the length of the first one (two
 * bytes), the first one, and the second one.
 *
 * Deletions may differ where the updates say different things about one id, as two clients do that were given the same
 * id: what came first counts, and only one of them may have been deleted.
 */
#include "documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ysync_bytes state_vector_of(struct ysync_doc *doc)
{
    struct ysync_bytes vector;

    require(!ysync_doc_state_vector(doc, &vector), "a state vector");
    return vector;
}

static void check_same_state(struct ysync_doc *a, struct ysync_doc *b)
{
    struct ysync_bytes of_a = state_vector_of(a);
    struct ysync_bytes of_b = state_vector_of(b);

    require(is_same(of_a, of_b), "either order leads to the same state vector");
    ysync_bytes_free(NULL, of_a);
    ysync_bytes_free(NULL, of_b);
}

static struct ysync_doc *apply_both(struct ysync_bytes first, struct ysync_bytes second)
{
    struct ysync_doc *doc = new_doc();
    enum ysync_err err = ysync_doc_apply(doc, first, 1, NULL, NULL);

    ys_doc_check(doc);
    if (!err)
        err = ysync_doc_apply(doc, second, 2, NULL, NULL);
    ys_doc_check(doc);
    if (!err)
        return doc;
    ysync_doc_free(doc);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t split = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;
    struct ysync_bytes first;
    struct ysync_bytes second;
    struct ysync_doc *a;
    struct ysync_doc *b;

    if (size < 2 || split > size - 2)
        return 0;
    first = (struct ysync_bytes){ data + 2, split };
    second = (struct ysync_bytes){ data + 2 + split, size - 2 - split };
    a = apply_both(first, second);
    b = apply_both(second, first);
    require((a == NULL) == (b == NULL), "order does not matter for being accepted");
    if (a && !has_pending(a) && !has_pending(b))
        check_same_state(a, b);
    ysync_doc_free(a);
    ysync_doc_free(b);
    return 0;
}
