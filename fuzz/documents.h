/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of the document share. */
#ifndef YS_FUZZ_DOCUMENTS_H
#define YS_FUZZ_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "doc/doc.h"
#include "require.h"

static inline struct ysync_doc *new_doc(void)
{
    struct ysync_doc *doc;

    require(!ysync_doc_new(NULL, &doc), "a document");
    return doc;
}

/* Free it with ysync_bytes_free(NULL, ...). */
static inline struct ysync_bytes whole_of(struct ysync_doc *doc)
{
    struct ysync_bytes whole;

    require(!ysync_doc_diff(doc, (struct ysync_bytes){ NULL, 0 }, &whole), "a document can be handed out");
    return whole;
}

/* A document that was given this update and nothing else. */
static inline struct ysync_doc *load(struct ysync_bytes update)
{
    struct ysync_doc *doc = new_doc();

    require(!ysync_doc_apply(doc, update, 0, NULL, NULL), "what was handed out is an update");
    ys_doc_check(doc);
    return doc;
}

static inline bool has_pending(const struct ysync_doc *doc)
{
    struct ysync_doc_stats stats;

    ysync_doc_stats(doc, &stats);
    return stats.pending > 0;
}

static inline bool lacks_anything_of(struct ysync_doc *doc, struct ysync_doc *other)
{
    struct ysync_bytes whole = whole_of(other);
    int lacks;

    require(!ysync_doc_lacks(doc, whole, &lacks), "what was handed out can be compared");
    ysync_bytes_free(NULL, whole);
    return lacks;
}

/* A document with clocks too high for it stays as it is. */
static inline void require_compact(struct ysync_doc *doc)
{
    enum ysync_err err = ysync_doc_compact(doc);

    require(!err || err == YSYNC_ERR_LIMIT, "a document can be compacted");
    ys_doc_check(doc);
}

/* Do both hold the same clocks, and the same deletions? Both are compacted for it: what depends on something that is
 * gone is deleted then, as in Yjs. */
static inline void require_equal(struct ysync_doc *a, struct ysync_doc *b, const char *what)
{
    struct ysync_bytes of_a;
    struct ysync_bytes of_b;

    require_compact(a);
    require_compact(b);
    require(!ysync_doc_state_vector(a, &of_a), "a state vector");
    require(!ysync_doc_state_vector(b, &of_b), "a state vector");
    require(is_same(of_a, of_b), what);
    require(!lacks_anything_of(a, b) && !lacks_anything_of(b, a), what);
    ysync_bytes_free(NULL, of_a);
    ysync_bytes_free(NULL, of_b);
}

#endif
