/* SPDX-License-Identifier: MIT */
/*
 * An update as it came from a peer, checked from its first byte to its last before anything of it is applied.
 *
 *     update      count of sections, sections, delete set
 *     section     count of structs, client, first clock, structs
 *
 * A section becomes a block: one client's structs in clock order, still in their bytes. The blocks are sorted, so
 * that those of one client stand together (Yjs writes one section a client, but more are accepted).
 */
#ifndef YS_DOC_UPDATE_H
#define YS_DOC_UPDATE_H

#include "doc/delete_set.h"
#include "doc/struct.h"

/* Sections that one update may have. Each costs memory and look-ups of its own, a hundred times what its bytes do,
 * while nobody else is served: so many take half a second. Documents edited for years have tens of thousands of
 * clients. */
#define YS_UPDATE_MAX_SECTIONS ((uint64_t)1 << 18)

struct ys_block {
    uint64_t client;
    uint64_t clock; /* of the first struct */
    uint64_t end;   /* behind the last one that is not a Skip; 0 if there is none */
    uint64_t struct_count;
    size_t section_at;        /* where its section begins in the update */
    struct ysync_bytes bytes; /* the structs; a view of the update */
    struct ys_struct first;   /* the first struct, as most updates have no other */
    bool has_skip;
    bool has_structure; /* a type or a GC: what deletions spread through */
};

/* Most updates have one block and need no memory but their own; so it cannot be copied by assignment. */
struct ys_update {
    struct ys_block *blocks; /* by client from high to low, then by clock, then the longer first; none holds nothing
                              * but Skips */
    size_t block_count;
    size_t block_cap;
    struct ys_ranges deletes; /* sorted */
    size_t deletes_at;        /* where they begin in the update */
    bool is_plain;            /* one section a client, none of them empty, no Skip: may be passed on as it is */
    bool is_in_order;         /* and sections and deletes came sorted: may be kept as it is */
    struct ys_block few[1];
};

void ys_update_init(struct ys_update *update);
void ys_update_deinit(struct ys_update *update, const struct ysync_alloc *alloc);

/* Reads the whole update into one that was just initialized. MALFORMED, LIMIT: in->problem says why. The views are good
 * as long as the input. */
YSYNC_CHECKED enum ysync_err ys_update_decode(struct ys_update *update, const struct ysync_alloc *alloc,
                                              struct ys_reader *in);

/* Decoding in two steps, of which the first can be done with several updates: all their blocks and deletes come to
 * stand together. section_at and deletes_at are of use where there was but one update. */
YSYNC_CHECKED enum ysync_err ys_update_add(struct ys_update *update, const struct ysync_alloc *alloc,
                                           struct ys_reader *in);
void ys_update_sort(struct ys_update *update);

/* Room for `extra` more blocks. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_update_reserve(struct ys_update *update, const struct ysync_alloc *alloc, size_t extra);

/* Walks over a block's structs:
 *
 *     for (ys_block_walk_begin(&walk, block); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk))
 *         ... walk.s, walk.clock ...
 */
struct ys_block_walk {
    const struct ys_struct *s; /* the block's first, or own */
    uint64_t clock;            /* of s */
    uint64_t left;             /* structs from s on; 0: past the end */
    struct ys_reader in;
    struct ys_struct own;
};

static inline void ys_block_walk_begin(struct ys_block_walk *walk, const struct ys_block *block)
{
    walk->s = &block->first;
    walk->clock = block->clock;
    walk->left = block->struct_count;
    walk->in = ys_reader_init(block->bytes);
    walk->in.at += block->first.wire.len;
}

static inline bool ys_block_walk_is_on(const struct ys_block_walk *walk)
{
    return walk->left > 0;
}

static inline void ys_block_walk_next(struct ys_block_walk *walk)
{
    walk->clock += walk->s->len;
    if (--walk->left > 0) {
        ys_struct_read(&walk->in, &walk->own);
        walk->s = &walk->own;
    }
}

#endif
