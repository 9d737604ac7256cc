/* SPDX-License-Identifier: MIT */
/*
 * One struct of a v1 update: what Yjs's Item.write, GC.write and Skip.write put on the wire.
 *
 *     info | origin? | right origin? | parent? | content
 *
 *     info            bits 0-4: kind; 0x80: has an origin; 0x40: has a right origin; 0x20: a map entry
 *     origins         client, clock
 *     parent          only if there is neither origin: 1 name (of a root type), or 0 client clock;
 *                     then, if the item is a map entry, its key
 *     GC and Skip     the info byte and a length, nothing else
 *
 *     84 | 07 04 | 02 68 69         a string with the origin (7, 4): "hi", two units long
 *
 * A struct covers as many clocks as its content has units: UTF-16 units of a string, values of an array, one
 * for most kinds.
 */
#ifndef YS_DOC_STRUCT_H
#define YS_DOC_STRUCT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/reader.h"

enum ys_kind {
    YS_KIND_GC = 0,
    YS_KIND_DELETED = 1,
    YS_KIND_JSON = 2,
    YS_KIND_BINARY = 3,
    YS_KIND_STRING = 4,
    YS_KIND_EMBED = 5,
    YS_KIND_FORMAT = 6,
    YS_KIND_TYPE = 7,
    YS_KIND_ANY = 8,
    YS_KIND_DOC = 9,
    YS_KIND_SKIP = 10,
};

#define YS_INFO_KIND 0x1f
#define YS_INFO_MAP_ENTRY 0x20
#define YS_INFO_RIGHT_ORIGIN 0x40
#define YS_INFO_ORIGIN 0x80

/* The most bytes that cutting a struct may add: an origin of two numbers, and a longer count. */
#define YS_STRUCT_CUT_BYTES (3 * YS_VARUINT_MAX_BYTES)

struct ys_id {
    uint64_t client;
    uint64_t clock;
};

struct ys_struct {
    struct ysync_bytes wire; /* the whole struct; this and body are views of the input */
    struct ysync_bytes body; /* the content behind its count: text, or values */
    uint64_t len;            /* clocks that it covers, at least 1 */
    uint64_t count;          /* the count in front of the body: bytes of text, values, or len */
    uint32_t count_at;       /* where in wire the count stands, for kinds that can be cut */
    uint8_t info;
    bool has_parent_id;
    struct ys_id origin;       /* if info has YS_INFO_ORIGIN */
    struct ys_id right_origin; /* if info has YS_INFO_RIGHT_ORIGIN */
    struct ys_id parent;       /* if has_parent_id */
};

static inline enum ys_kind ys_struct_kind(const struct ys_struct *s)
{
    return (enum ys_kind)(s->info & YS_INFO_KIND);
}

/* Reads the struct with this id that a peer wrote, and checks whatever would make a Yjs client throw. */
YSYNC_CHECKED enum ysync_err ys_struct_decode(struct ys_reader *in, struct ys_id id, struct ys_struct *out);

/* The next struct of bytes that were validated before. */
void ys_struct_read(struct ys_reader *in, struct ys_struct *out);

/* The same, but len is not measured (it is 0) where that would mean reading the content. */
void ys_struct_read_head(struct ys_reader *in, struct ys_struct *out);

/* As `to` below: to the end. */
#define YS_STRUCT_END UINT64_MAX

/* Appends the units [from, to) of the struct with this id, 0 <= from < to <= len. Cuts as Yjs cuts (Item.splitItem):
 * the origin of a right piece is the unit before it, and each half of a surrogate pair becomes U+FFFD. */
void ys_struct_put_piece(struct ys_buf *out, const struct ys_struct *s, struct ys_id id, uint64_t from, uint64_t to);

/* The same, of a struct that is an item, with its content deleted (ContentDeleted): from < to <= len. */
void ys_struct_put_deleted(struct ys_buf *out, const struct ys_struct *s, struct ys_id id, uint64_t from, uint64_t to);

/* Turns a string into its right piece without writing it: from the character at this offset of the body, which is the
 * unit `cut`. The piece is not measured, and has no wire form of its own. */
void ys_struct_trim_text(struct ys_struct *s, struct ys_id cut, size_t body_offset);

#endif
