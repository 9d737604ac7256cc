/* SPDX-License-Identifier: MIT */
/*
 * Compaction: base and runs become a new base, without the content that was deleted.
 *
 *     base   [client 9 .....][client 7 ..........][client 5 ...]      clients that nothing happened to are copied
 *     runs                   [client 7 ...]                           the others are rewritten, struct by struct:
 *                                                                     neighbours merge, deleted content goes
 *     base   [client 9 .....][client 7 .......][client 5 ...]
 *
 * It works in steps, a bounded number of bytes each, while the document goes on being used: it takes the clocks at
 * which it began as its end, and what is written meanwhile stays in runs.
 */
#ifndef YS_DOC_COMPACT_H
#define YS_DOC_COMPACT_H

#include "doc/document.h"

/* Has so much been written or deleted since the base was made that a new one is worth its while? Or is one under way?
 */
bool ys_compaction_is_due(const struct ysync_doc *doc);

/* Goes on until about max_bytes of structs were read, or all is done: then *done is set. Begins one if none is under
 * way. On errors the document is as it was, and the compaction is given up. Errors: NOMEM; LIMIT, if a client's clock
 * is too high for a base. */
YSYNC_CHECKED enum ysync_err ys_compaction_step(struct ysync_doc *doc, size_t max_bytes, bool *done);

/* Accepts NULL. */
void ys_compaction_free(struct ys_compaction *compaction);

/* Memory that it holds. */
size_t ys_compaction_bytes(const struct ys_compaction *compaction);

#endif
