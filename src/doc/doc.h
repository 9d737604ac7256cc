/* SPDX-License-Identifier: MIT */
/*
 * What the layers above use of documents beside the public doc.h: the same encoders, writing straight
 * into a message under construction.
 */
#ifndef YS_DOC_DOC_H
#define YS_DOC_DOC_H

#include <stdbool.h>

#include "base/blob.h"
#include "base/hash.h"
#include "ysync/doc.h"

/* Room that the message of a base has in front of the update, for the head of a protocol message. */
#define YS_DOC_LEAD 16

/* A random, secret seed, so that nobody can choose client ids that collide: of a new document, which keeps the pointer;
 * the same one may be set again where it has moved. Without one, the seed is made of what is to be had without I/O. */
void ys_doc_set_hash_seed(struct ysync_doc *doc, const struct ys_hash_seed *seed);

/* Fills a new document, whose settings may have been made, with what ysync_doc_save() gave. Errors: MALFORMED, NOMEM;
 * then it is of no use any more. */
YSYNC_CHECKED enum ysync_err ys_doc_load_into(struct ysync_doc *doc, struct ysync_bytes bytes);

/* Appends the state vector. */
YSYNC_CHECKED enum ysync_err ys_doc_put_state_vector(const struct ysync_doc *doc, struct ys_buf *out);

/* Appends what a document with this state vector lacks, as one update. On MALFORMED, *problem says what
 * was wrong with it and nothing was appended. */
YSYNC_CHECKED enum ysync_err ys_doc_put_diff(struct ysync_doc *doc, struct ysync_bytes state_vector, struct ys_buf *out,
                                             const char **problem);

/* The same, in parts of about max_bytes: appends the first, and to `next` (which is empty) the state vector to ask with
 * for the one behind it; the last part leaves `next` empty. Each part holds the same share of what each client wrote,
 * so that they depend on each other as little as may be; all but the last leave out deletions and what is pending. */
YSYNC_CHECKED enum ysync_err ys_doc_put_part(struct ysync_doc *doc, struct ysync_bytes state_vector, size_t max_bytes,
                                             struct ys_buf *out, struct ys_buf *next, const char **problem);

/* The part of the document that is at rest, to be sent by reference: a blob that holds one update, with a lead of
 * YS_DOC_LEAD bytes; the document's reference, good until it is next changed. NULL if there is none worth it.
 * What it leaves out is the difference to the state vector that ys_doc_put_base_state_vector() appends. */
struct ys_blob *ys_doc_base(const struct ysync_doc *doc);
YSYNC_CHECKED enum ysync_err ys_doc_put_base_state_vector(const struct ysync_doc *doc, struct ys_buf *out);

/* A part of a compaction, if one is due or under way: reads about max_bytes of structs. Applying updates does it too.
 */
void ys_doc_compact_some(struct ysync_doc *doc, size_t max_bytes);

/* Is there something that ys_doc_compact_some() would do? */
bool ys_doc_has_to_compact(const struct ysync_doc *doc);

/* Does the update hold structs that the document lacks? Errors: MALFORMED, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_doc_lacks_structs(struct ysync_doc *doc, struct ysync_bytes update, bool *out);

/* Memory that the document holds, in constant time. */
size_t ys_doc_bytes(const struct ysync_doc *doc);

/* How many blocks of structs wait for others, in constant time. */
size_t ys_doc_pending_count(const struct ysync_doc *doc);

/* How many blocks ever had to wait: it grows when a part of an update could not be taken in. */
uint64_t ys_doc_pending_added(const struct ysync_doc *doc);

/* Walks every invariant; aborts with a message if one does not hold. For tests, fuzzers and debug builds. */
void ys_doc_check(struct ysync_doc *doc);

#endif
