/* SPDX-License-Identifier: MIT */
/*
 * A Yjs document as a relay keeps it: it takes updates in, knows its state vector, and hands out what any
 * other state vector lacks. It never decodes content, so it needs little more memory than the document's own
 * encoding.
 *
 * Updates, state vectors and delete sets are those of Yjs's version 1 encoding (Y.encodeStateAsUpdate,
 * Y.encodeStateVector).
 *
 * A document belongs to one thread at a time.
 */
#ifndef YSYNC_DOC_H
#define YSYNC_DOC_H

#include <stdint.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ysync_doc;

/* alloc: kept, not copied; NULL for malloc. *out is written only on YSYNC_OK. Errors: NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_new(const struct ysync_alloc *alloc, struct ysync_doc **out);
YSYNC_API void ysync_doc_free(struct ysync_doc *doc); /* accepts NULL */

/* Most bytes kept of updates whose dependencies have not come. 16 MiB when never set. */
YSYNC_API void ysync_doc_set_max_pending(struct ysync_doc *doc, size_t max_bytes);

/* What becomes of deleted content, which no client needs any more. */
enum ysync_gc {
    YSYNC_GC_COMPACT = 0, /* it is dropped, now and then, where that saves memory; what is left is a few characters here
                           * and there */
    YSYNC_GC_EAGER = 1,   /* likewise, but all of it: no deleted text is left after ysync_doc_compact() */
    YSYNC_GC_OFF = 2,     /* it is kept: clients that show old snapshots need it */
};

/* YSYNC_GC_COMPACT when never set. */
YSYNC_API void ysync_doc_set_gc(struct ysync_doc *doc, enum ysync_gc gc);

/* Does now, and at once, what ysync_doc_apply() does in small steps now and then: brings the document into its smallest
 * form. Errors: NOMEM; LIMIT, if a client claims to have written more than 2^32 - 1 units. The document is as it was
 * then. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_compact(struct ysync_doc *doc);

/* Something that was new to the document, as one update that holds this and nothing else: what a relay sends
 * on. `origin` is that of the call that brought it: updates that had to wait for others keep the origin
 * they came with. May read the document, must not change or free it. `update` ends with the call. */
typedef void ysync_doc_news_fn(void *user, uint64_t origin, struct ysync_bytes update);

/* Applies one update: all of it or nothing. Parts that are known already are skipped; parts whose
 * dependencies are missing are kept and applied when those come.
 *
 * news (may be NULL) is called after the update has been applied, once for each origin's part that
 * became new by it; not at all if there was nothing new. When everything in the update was new it gets the
 * very bytes of `update`.
 *
 * Errors: MALFORMED, LIMIT (too much is pending, or too many clients in one update), both of which ysync_doc_problem()
 * explains; NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_apply(struct ysync_doc *doc, struct ysync_bytes update,
                                                       uint64_t origin, ysync_doc_news_fn *news, void *user);

/* Would the update change anything (were it applied)? The same errors, except LIMIT. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_lacks(struct ysync_doc *doc, struct ysync_bytes update, int *out);

/* What was wrong in the last call that returned MALFORMED: a static phrase. */
YSYNC_API const char *ysync_doc_problem(const struct ysync_doc *doc);

/* What these return is for the caller to free, with ysync_bytes_free() and the document's allocator. Errors: NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_state_vector(const struct ysync_doc *doc, struct ysync_bytes *out);

/* Everything that a document with this state vector lacks, all deletions included; an empty view asks for
 * the whole document. Also MALFORMED. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_diff(struct ysync_doc *doc, struct ysync_bytes state_vector,
                                                      struct ysync_bytes *out);

/* The document as it is kept in a file or a database, what is pending included: an update that any Yjs program reads,
 * followed by an index, so that loading reads no struct. Compacts the document first. *out is to be freed as above.
 * Errors: NOMEM; LIMIT past 4 GiB. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_save(struct ysync_doc *doc, struct ysync_bytes *out);

/* A new document of what ysync_doc_save() gave: of nobody else, as only a checksum is looked at (updates of peers are
 * for ysync_doc_apply()). Settings are not saved. Errors: MALFORMED, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_doc_load(const struct ysync_alloc *alloc, struct ysync_bytes bytes,
                                                      struct ysync_doc **out);

/* Merges updates into one that holds all that they hold, without a document to apply them to; gaps between them stay
 * gaps (Y.mergeUpdates). *out is to be freed with ysync_bytes_free() and this allocator. problem may be NULL. Errors:
 * MALFORMED (*problem says why), NOMEM, LIMIT. Any thread. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_merge_updates(const struct ysync_alloc *alloc,
                                                           const struct ysync_bytes *updates, size_t count,
                                                           struct ysync_bytes *out, const char **problem);

/* alloc: NULL for malloc. */
YSYNC_API void ysync_bytes_free(const struct ysync_alloc *alloc, struct ysync_bytes bytes);

struct ysync_doc_stats {
    uint64_t bytes;         /* memory that the document holds */
    uint64_t clients;       /* clients that ever wrote */
    uint64_t structs;       /* structs held */
    uint64_t delete_ranges; /* ranges in the delete set */
    uint64_t pending;       /* blocks of structs that wait for others */
    uint64_t pending_bytes; /* memory that they take */
};

YSYNC_API void ysync_doc_stats(const struct ysync_doc *doc, struct ysync_doc_stats *out);

#ifdef __cplusplus
}
#endif

#endif
