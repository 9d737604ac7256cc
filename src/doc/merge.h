/* SPDX-License-Identifier: MIT */
/*
 * Merging updates without a document, as Y.mergeUpdates() does: one update that says what several say.
 *
 *     7@0 'a'    9@4 7.0<'b'    7@1 7.0<'c'  -9[0,2)        ->        9@4 7.0<'b'  7@0 'ac'  -9[0,2)
 *
 * What two updates say is said once, and where a clock between two structs is missing there is a Skip. Nothing is asked
 * about what the updates depend on: whoever could take them in one after the other can take in the merged one.
 */
#ifndef YS_DOC_MERGE_H
#define YS_DOC_MERGE_H

#include "doc/update.h"

struct ys_merge {
    const struct ysync_alloc *alloc;
    struct ys_update all; /* what all of them hold, without Skips */
};

void ys_merge_init(struct ys_merge *merge, const struct ysync_alloc *alloc);
void ys_merge_deinit(struct ys_merge *merge);

/* Memory for adding so many updates, if each is what one client wrote. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_merge_reserve(struct ys_merge *merge, size_t updates);

/* Adds an update, which must stay until the merged one is written. MALFORMED: *problem says why. After an error there
 * is nothing to do but deinit. */
YSYNC_CHECKED enum ysync_err ys_merge_add(struct ys_merge *merge, struct ysync_bytes update, const char **problem);

/* Appends the merged update. Errors: NOMEM; LIMIT, if a client wrote more than 4 GiB. */
YSYNC_CHECKED enum ysync_err ys_merge_put(struct ys_merge *merge, struct ys_buf *out);

#endif
