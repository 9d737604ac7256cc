/* SPDX-License-Identifier: MIT */
/* The document that rooms are filled with, and whether what a server hands out is all of it. */
#ifndef YS_LOAD_DOCUMENT_H
#define YS_LOAD_DOCUMENT_H

#include "load.h"

#define YS_DOCUMENT_KNOWN 8

struct ys_document {
    struct ys_buf update;
    struct ys_buf state_vector;
    uint64_t clocks; /* how many it holds */

    /* Answers that were read before, the latest in front: the same bytes hold as many clocks again. */
    struct ys_buf known[YS_DOCUMENT_KNOWN];
    uint64_t known_clocks[YS_DOCUMENT_KNOWN];
    size_t next_known;
};

/* The file's, or a generated one. */
void ys_document_init(struct ys_document *document, const struct ys_load *load);
void ys_document_deinit(struct ys_document *document);

/* How many clocks these bytes, a part of a server's answer, hold. */
uint64_t ys_document_count(struct ys_document *document, struct ysync_bytes update);

/* Visitors [from, to), who are present, bring the document to their rooms; runs until the servers says it has it. Uses
 * the crowd's calls. */
void ys_document_bring(const struct ys_document *document, struct ys_crowd *crowd, size_t from, size_t to);

#endif
