/* SPDX-License-Identifier: MIT */
/*
 * What became new to a document by one call, by who brought it:
 *
 *     origin 1   client 7 [5,9)   deletes ...
 *     origin 4   client 9 [0,2)   client 7 [9,12)       had been waiting for client 7's clock 8
 *
 * Each origin's part is written as an update from the document's own runs, once all is in place. By then nothing may
 * fail any more; so the memory for it is reserved beforehand.
 */
#ifndef YS_DOC_NEWS_H
#define YS_DOC_NEWS_H

#include "doc/document.h"

struct ys_news_piece {
    uint64_t origin;
    uint64_t client;
    uint64_t from;
    uint64_t to;
};

struct ys_news {
    struct ys_news_piece *pieces;
    size_t piece_count;
    size_t piece_cap;
    struct ys_ranges deletes; /* sorted; they have one origin, as none ever waits */
    uint64_t deletes_origin;
    size_t bound; /* the most bytes that one update can take */
    struct ys_buf out;
    struct ys_news_piece few[2];
};

void ys_news_init(struct ys_news *news, const struct ysync_alloc *alloc);
void ys_news_deinit(struct ys_news *news);

/* Room for `pieces` more pieces, of structs that took `bytes` bytes in all, and `deletes` more deletes. */
YSYNC_CHECKED enum ysync_err ys_news_reserve(struct ys_news *news, size_t pieces, size_t bytes, size_t deletes);

/* There is room (reserve). */
void ys_news_add(struct ys_news *news, struct ys_news_piece piece);

/* Hands out one update after the other, all of an origin's together. */
void ys_news_tell(struct ys_news *news, struct ysync_doc *doc, ysync_doc_news_fn *tell, void *user);

#endif
