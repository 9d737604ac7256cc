/* SPDX-License-Identifier: MIT */
#include "doc/update.h"

#include <stdlib.h>

#include "base/alloc.h"

void ys_update_init(struct ys_update *update)
{
    update->blocks = update->few;
    update->block_count = 0;
    update->block_cap = ARRAY_LEN(update->few);
    update->is_plain = true;
    update->is_in_order = true;
    ys_ranges_init(&update->deletes);
}

void ys_update_deinit(struct ys_update *update, const struct ysync_alloc *alloc)
{
    ys_free_grown(alloc, update->blocks, update->few);
    ys_ranges_deinit(&update->deletes, alloc);
}

/* The block's struct that begins at this clock. */
static void note_struct(struct ys_block *block, const struct ys_struct *s, uint64_t clock)
{
    enum ys_kind kind = ys_struct_kind(s);

    if (kind == YS_KIND_SKIP)
        block->has_skip = true;
    else
        block->end = clock + s->len;
    block->has_structure |= kind == YS_KIND_TYPE || kind == YS_KIND_GC;
}

static enum ysync_err decode_structs(struct ys_reader *in, struct ys_block *block)
{
    struct ys_id id = { block->client, block->clock };
    struct ys_struct s;
    enum ysync_err err = ys_struct_decode(in, id, &block->first);

    if (err)
        return err;
    note_struct(block, &block->first, id.clock);
    id.clock += block->first.len;
    for (uint64_t i = 1; i < block->struct_count; i++) {
        err = ys_struct_decode(in, id, &s);
        if (err)
            return err;
        note_struct(block, &s, id.clock);
        id.clock += s.len;
    }
    return YSYNC_OK;
}

static enum ysync_err decode_block(struct ys_reader *in, struct ys_block *block)
{
    const uint8_t *start;
    enum ysync_err err = ys_reader_varuint(in, &block->struct_count);

    block->end = 0;
    block->has_skip = false;
    block->has_structure = false;
    if (!err)
        err = ys_reader_varuint(in, &block->client);
    if (!err)
        err = ys_reader_varuint(in, &block->clock);
    if (!err && block->struct_count > ys_reader_left(in) / 2)
        err = ys_reader_fail(in, "count larger than the bytes left could hold");
    if (err || block->struct_count == 0)
        return err;
    start = in->at;
    err = decode_structs(in, block);
    block->bytes = (struct ysync_bytes){ start, (size_t)(in->at - start) };
    return err;
}

static int compare_blocks(const void *left, const void *right)
{
    const struct ys_block *a = left;
    const struct ys_block *b = right;

    if (a->client != b->client)
        return a->client > b->client ? -1 : 1;
    if (a->clock != b->clock)
        return a->clock < b->clock ? -1 : 1;
    return a->end > b->end ? -1 : a->end < b->end;
}

static void sort_blocks(struct ys_update *update)
{
    for (size_t i = 1; i < update->block_count && update->is_in_order; i++)
        update->is_in_order = compare_blocks(&update->blocks[i - 1], &update->blocks[i]) < 0;
    if (!update->is_in_order)
        qsort(update->blocks, update->block_count, sizeof(*update->blocks), compare_blocks);
    for (size_t i = 1; i < update->block_count; i++)
        update->is_plain &= update->blocks[i - 1].client != update->blocks[i].client;
}

enum ysync_err ys_update_reserve(struct ys_update *update, const struct ysync_alloc *alloc, size_t extra)
{
    return ys_grow_from(alloc, &update->blocks, update->few, &update->block_cap, update->block_count + extra,
                        sizeof(*update->blocks))
               ? YSYNC_OK
               : YSYNC_ERR_NOMEM;
}

enum ysync_err ys_update_add(struct ys_update *update, const struct ysync_alloc *alloc, struct ys_reader *in)
{
    const uint8_t *start = in->at;
    uint64_t sections;
    enum ysync_err err = ys_reader_count(in, 3, &sections);

    for (; !err && sections > 0; sections--) {
        struct ys_block *block;

        err = ys_update_reserve(update, alloc, 1);
        if (err)
            return err;
        block = &update->blocks[update->block_count];
        block->section_at = (size_t)(in->at - start);
        err = decode_block(in, block);
        update->block_count += !err && block->end > 0;
        update->is_plain &= !err && block->struct_count > 0 && !block->has_skip;
    }
    update->deletes_at = (size_t)(in->at - start);
    if (!err)
        err = ys_ranges_decode(&update->deletes, alloc, in);
    if (!err && !ys_reader_is_at_end(in))
        err = ys_reader_fail(in, "bytes left over behind the update");
    return err;
}

void ys_update_sort(struct ys_update *update)
{
    sort_blocks(update);
    update->is_in_order &= update->is_plain && ys_ranges_is_sorted(&update->deletes);
    ys_ranges_sort(&update->deletes);
}

/* All memory at once, instead of moving ever more blocks. */
static enum ysync_err reserve_sections(struct ys_update *update, const struct ysync_alloc *alloc, struct ys_reader *in)
{
    struct ys_reader ahead = *in;
    uint64_t sections;

    if (ys_reader_count(&ahead, 3, &sections))
        return YSYNC_OK; /* adding will say why */
    if (sections > YS_UPDATE_MAX_SECTIONS) {
        in->problem = "too many clients in one update";
        return YSYNC_ERR_LIMIT;
    }
    return ys_update_reserve(update, alloc, (size_t)sections);
}

enum ysync_err ys_update_decode(struct ys_update *update, const struct ysync_alloc *alloc, struct ys_reader *in)
{
    enum ysync_err err = reserve_sections(update, alloc, in);

    if (!err)
        err = ys_update_add(update, alloc, in);
    if (!err)
        ys_update_sort(update);
    return err;
}
