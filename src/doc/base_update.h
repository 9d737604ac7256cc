/* SPDX-License-Identifier: MIT */
/*
 * A base: the part of a document that is at rest, as one immutable update that starts at clock 0 of every client.
 *
 *     message    [lead][ update: sections of clients 9, 7, 2 ... | delete set ]
 *     clients     9 -> at, clock      7 -> at, clock      2 -> at, clock            16 bytes each
 *
 * A document edited for years has thousands of clients that never write again: here they cost their own bytes and
 * an index entry. The bytes are what a new client is sent, by reference; the lead in front of them is room for
 * the head of that message, which is the layer above's to know.
 */
#ifndef YS_DOC_BASE_UPDATE_H
#define YS_DOC_BASE_UPDATE_H

#include "base/blob.h"
#include "doc/doc.h"
#include "doc/span.h"

struct ys_base_client {
    uint64_t client;
    uint32_t at;    /* of the section in the update */
    uint32_t clock; /* behind its last struct: what has more cannot be in a base */
};

struct ys_base_marks;

struct ys_base {
    const struct ysync_alloc *alloc;
    struct ys_blob *message;
    struct ysync_bytes update;
    struct ys_base_client *clients; /* from high to low, as the sections are */
    size_t client_count;
    size_t deletes_at;           /* where in the update the delete set begins */
    struct ys_base_marks *marks; /* of large sections that were looked into */
    size_t marks_count;
    size_t marks_cap;
};

/* Collects a base, section by section, into memory that becomes the message. */
struct ys_base_builder {
    struct ys_buf out; /* begins with room for the blob's head, and the lead */
    struct ys_base_client *clients;
    size_t client_count;
    size_t client_cap;
};

/* For about `bytes` bytes of update and this many clients, no more. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_base_builder_init(struct ys_base_builder *builder, const struct ysync_alloc *alloc,
                                                  size_t bytes, size_t client_count);
void ys_base_builder_deinit(struct ys_base_builder *builder);

/* Notes that the client's section, up to this clock, is in the update at `at`. LIMIT if it cannot be in a base. */
YSYNC_CHECKED enum ysync_err ys_base_builder_add_section(struct ys_base_builder *builder, uint64_t client,
                                                         uint64_t clock, size_t at);

/* Where in the update the next byte goes. */
size_t ys_base_builder_at(const struct ys_base_builder *builder);

/* The whole update is in `out`: makes a base of it. The builder is empty then. */
YSYNC_CHECKED enum ysync_err ys_base_builder_end(struct ys_base_builder *builder, size_t deletes_at,
                                                 struct ys_base **out);

void ys_base_free(struct ys_base *base); /* accepts NULL */

/* The client's place in the index, or SIZE_MAX. */
size_t ys_base_find(const struct ys_base *base, uint64_t client);

/* The section's bytes, head and all. */
struct ysync_bytes ys_base_section(const struct ys_base *base, size_t i);

/* Its structs. Of large sections the marks are made when first asked for (or not, without memory for them). */
struct ys_span ys_base_span(struct ys_base *base, size_t i);

/* The section's structs, without its head; and how many they are. */
struct ysync_bytes ys_base_structs(const struct ys_base *base, size_t i);
uint64_t ys_base_struct_count(const struct ys_base *base, size_t i);

struct ysync_bytes ys_base_deletes(const struct ys_base *base);

/* Memory that it holds. */
size_t ys_base_bytes(const struct ys_base *base);

/* Aborts if an invariant does not hold. */
void ys_base_check(struct ys_base *base);

#endif
