/* SPDX-License-Identifier: MIT */
/*
 * The sections of all updates, cut at their Skips, are sorted by client and clock:
 *
 *     first update     7@0 [struct 0-4][struct 5] Skip 6-8 [struct 9]      blocks   7: [0,6)  7: [9,10)
 *     second one       7@6 [struct 6-9]                                             7: [6,10)
 *
 *     sorted           [0,6) [6,10) [9,10)             the last one says nothing new
 *
 * A client's blocks are appended to a run (run.h), where typed letters become one string. The run is scratch space: one
 * for all clients, one after the other. What somebody wrote in one piece is copied as it stands.
 */
#include "doc/merge.h"

#include "doc/run.h"

void ys_merge_init(struct ys_merge *merge, const struct ysync_alloc *alloc)
{
    merge->alloc = alloc;
    ys_update_init(&merge->all);
}

void ys_merge_deinit(struct ys_merge *merge)
{
    ys_update_deinit(&merge->all, merge->alloc);
}

enum ysync_err ys_merge_reserve(struct ys_merge *merge, size_t updates)
{
    return ys_update_reserve(&merge->all, merge->alloc, updates);
}

/* Cuts the i-th block at its Skips: what stands in front of the first takes its place, the rest goes to the end. */
static enum ysync_err split_block(struct ys_merge *merge, size_t i)
{
    struct ys_update *all = &merge->all;
    const struct ys_block whole = all->blocks[i];
    struct ys_block *part = NULL;
    bool is_first = true;
    struct ys_block_walk walk;

    for (ys_block_walk_begin(&walk, &whole); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        if (ys_struct_kind(walk.s) == YS_KIND_SKIP) {
            part = NULL;
            continue;
        }
        if (!part) {
            if (ys_update_reserve(all, merge->alloc, 1))
                return YSYNC_ERR_NOMEM;
            part = &all->blocks[is_first ? i : all->block_count++];
            is_first = false;
            *part = (struct ys_block){ .client = whole.client, .clock = walk.clock, .first = *walk.s };
            part->bytes.data = walk.s->wire.data;
        }
        part->bytes.len += walk.s->wire.len;
        part->end = walk.clock + walk.s->len;
        part->struct_count++;
    }
    return YSYNC_OK;
}

enum ysync_err ys_merge_add(struct ys_merge *merge, struct ysync_bytes update, const char **problem)
{
    struct ys_reader in = ys_reader_init(update);
    size_t from = merge->all.block_count;
    enum ysync_err err = ys_update_add(&merge->all, merge->alloc, &in);
    size_t to = merge->all.block_count;

    if (err == YSYNC_ERR_MALFORMED)
        *problem = in.problem;
    for (size_t i = from; !err && i < to; i++) {
        if (merge->all.blocks[i].has_skip)
            err = split_block(merge, i);
    }
    return err;
}

static enum ysync_err append_struct(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    enum ysync_err err = ys_run_reserve(run, s->wire.len);

    if (!err)
        ys_run_append(run, s, from);
    return err;
}

static enum ysync_err append_skip(struct ys_run *run, uint64_t len)
{
    uint8_t bytes[1 + YS_VARUINT_MAX_BYTES] = { YS_KIND_SKIP };
    struct ys_reader in = ys_reader_init((struct ysync_bytes){ bytes, 1 + ys_varuint_put(bytes + 1, len) });
    struct ys_struct skip;

    ys_struct_read(&in, &skip);
    return append_struct(run, &skip, 0);
}

/* What of the block lies beyond the run. */
static enum ysync_err append_block(struct ys_run *run, const struct ys_block *block)
{
    struct ys_block_walk walk;
    enum ysync_err err = YSYNC_OK;

    if (block->end <= run->clock)
        return YSYNC_OK;
    if (block->clock > run->clock)
        err = append_skip(run, block->clock - run->clock);
    for (ys_block_walk_begin(&walk, block); !err && ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        if (walk.clock + walk.s->len > run->clock)
            err = append_struct(run, walk.s, run->clock - walk.clock);
    }
    return err;
}

static void put_section(struct ys_id start, uint64_t struct_count, struct ysync_bytes structs, struct ys_buf *out)
{
    ys_buf_put_varuint(out, struct_count);
    ys_buf_put_varuint(out, start.client);
    ys_buf_put_varuint(out, start.clock);
    ys_buf_put(out, structs);
}

/* A section of the client whose blocks these are. */
static enum ysync_err put_client(struct ys_run *run, const struct ys_block *blocks, size_t count, struct ys_buf *out)
{
    struct ys_id start = { blocks[0].client, blocks[0].clock };
    size_t bytes = 0;
    enum ysync_err err;

    if (count == 1) {
        put_section(start, blocks[0].struct_count, blocks[0].bytes, out);
        return YSYNC_OK;
    }
    for (size_t i = 0; i < count; i++)
        bytes += blocks[i].bytes.len;
    ys_run_restart(run, start);
    err = ys_run_reserve(run, bytes);
    for (size_t i = 0; !err && i < count; i++)
        err = append_block(run, &blocks[i]);
    if (!err)
        put_section(start, run->struct_count, ys_buf_bytes(&run->data), out);
    return err;
}

/* How many of the blocks from the i-th on are of the same client. */
static size_t count_of_client(const struct ys_update *all, size_t i)
{
    size_t end = i + 1;

    while (end < all->block_count && all->blocks[end].client == all->blocks[i].client)
        end++;
    return end - i;
}

static enum ysync_err put_sections(const struct ys_update *all, struct ys_run *run, struct ys_buf *out)
{
    size_t sections = 0;
    size_t count;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; i < all->block_count; i += count_of_client(all, i))
        sections++;
    ys_buf_put_varuint(out, sections);
    for (size_t i = 0; !err && i < all->block_count; i += count) {
        count = count_of_client(all, i);
        err = put_client(run, &all->blocks[i], count, out);
    }
    return err;
}

enum ysync_err ys_merge_put(struct ys_merge *merge, struct ys_buf *out)
{
    struct ys_run *run;
    enum ysync_err err = ys_run_new(merge->alloc, (struct ys_id){ 0, 0 }, &run);

    if (err)
        return err;
    ys_update_sort(&merge->all);
    err = put_sections(&merge->all, run, out);
    ys_run_free(run);
    if (err)
        return err;
    ys_ranges_put(&merge->all.deletes, out);
    return ys_buf_err(out);
}
