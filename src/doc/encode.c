/* SPDX-License-Identifier: MIT */
/*
 * Handing out: state vectors, and what a state vector lacks.
 *
 * A difference is one look-up per client, at most one struct cut in two, and a copy. Only when something is
 * pending does it take more: Yjs hands out what it could not take in yet, and so does this, behind the
 * client's run, with a Skip for each gap:
 *
 *     client 7    [run: 5-40) [Skip: 40-52) [pending: 52-60)
 */
#include "base/alloc.h"
#include "doc/document.h"
#include "doc/state_vector.h"

enum ysync_err ys_doc_put_state_vector(const struct ysync_doc *doc, struct ys_buf *out)
{
    ys_buf_put_varuint(out, doc->run_count);
    for (size_t i = 0; i < doc->run_count; i++) {
        ys_buf_put_varuint(out, doc->runs[i]->client);
        ys_buf_put_varuint(out, doc->runs[i]->clock);
    }
    return ys_buf_err(out);
}

static void put_runs(const struct ysync_doc *doc, const struct ys_state_vector *vector, struct ys_buf *out)
{
    size_t sections = 0;
    size_t hint = 0;

    for (size_t i = 0; i < doc->run_count; i++)
        sections += ys_state_vector_clock(vector, doc->runs[i]->client, &hint) < doc->runs[i]->clock;
    ys_buf_put_varuint(out, sections);
    hint = 0;
    for (size_t i = 0; i < doc->run_count; i++) {
        const struct ys_run *run = doc->runs[i];
        uint64_t from = ys_state_vector_clock(vector, run->client, &hint);

        if (from < run->clock)
            ys_run_put(run, from, run->clock, out);
    }
}

static size_t runs_bound(const struct ysync_doc *doc, const struct ys_state_vector *vector)
{
    size_t bytes = YS_VARUINT_MAX_BYTES;
    size_t hint = 0;

    for (size_t i = 0; i < doc->run_count; i++) {
        uint64_t from = ys_state_vector_clock(vector, doc->runs[i]->client, &hint);

        if (from < doc->runs[i]->clock)
            bytes += ys_run_put_bound(doc->runs[i], from);
    }
    return bytes;
}

/* One client's section while it is written: structs from `start` on, up to `clock` so far. */
struct section {
    struct ys_buf *body;
    uint64_t start;
    uint64_t clock;
    uint64_t struct_count;
};

static void put_skip(struct section *section, uint64_t len)
{
    ys_buf_put_u8(section->body, YS_KIND_SKIP);
    ys_buf_put_varuint(section->body, len);
    section->struct_count++;
}

/* The structs of a pending block, from the section's clock on. */
static void put_pending(struct section *section, const struct ys_pending_block *pending)
{
    struct ys_block block = ys_pending_as_block(pending);
    struct ys_block_walk walk = ys_block_walk(&block);

    if (section->struct_count == 0)
        section->start = section->clock = pending->clock;
    if (pending->clock > section->clock) {
        put_skip(section, pending->clock - section->clock);
        section->clock = pending->clock;
    }
    for (; ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        uint64_t end = walk.clock + walk.s.len;

        if (end <= section->clock)
            continue;
        ys_struct_put_piece(section->body, &walk.s, (struct ys_id){ block.client, walk.clock },
                            section->clock - walk.clock, YS_STRUCT_END);
        section->clock = end;
        section->struct_count++;
    }
}

static void put_section(struct section *section, uint64_t client, struct ys_buf *out)
{
    ys_buf_put_varuint(out, section->struct_count);
    ys_buf_put_varuint(out, client);
    ys_buf_put_varuint(out, section->start);
    ys_buf_put(out, ys_buf_bytes(section->body));
}

/* Runs and pending blocks, merged by client from high to low. */
static enum ysync_err put_runs_and_pending(const struct ysync_doc *doc, const struct ys_state_vector *vector,
                                           struct ys_pending_block *const *blocks, struct ys_buf *out)
{
    size_t block_count = ys_pending_count(&doc->pending);
    size_t sections = 0;
    size_t hint = 0;
    size_t run_at = 0;
    size_t block_at = 0;
    struct ys_buf body;
    struct ys_buf all;
    enum ysync_err err;

    ys_buf_init(&body, doc->alloc, SIZE_MAX);
    ys_buf_init(&all, doc->alloc, SIZE_MAX);
    while (run_at < doc->run_count || block_at < block_count) {
        const struct ys_run *run = run_at < doc->run_count ? doc->runs[run_at] : NULL;
        uint64_t client = run ? run->client : 0;
        struct section section = { .body = &body };

        if (block_at < block_count && blocks[block_at]->client > client)
            client = blocks[block_at]->client;
        section.start = section.clock = ys_state_vector_clock(vector, client, &hint);
        ys_buf_clear(&body);
        if (run && run->client == client) {
            if (section.start < run->clock) {
                section.struct_count = ys_run_put_structs(run, section.start, run->clock, &body);
                section.clock = run->clock;
            }
            run_at++;
        }
        for (; block_at < block_count && blocks[block_at]->client == client; block_at++) {
            if (blocks[block_at]->end > section.clock)
                put_pending(&section, blocks[block_at]);
        }
        if (section.struct_count > 0) {
            put_section(&section, client, &all);
            sections++;
        }
    }
    ys_buf_put_varuint(out, sections);
    ys_buf_put(out, ys_buf_bytes(&all));
    err = ys_buf_err(&all) ? ys_buf_err(&all) : ys_buf_err(&body);
    ys_buf_deinit(&all);
    ys_buf_deinit(&body);
    return err ? err : ys_buf_err(out);
}

static enum ysync_err put_structs(const struct ysync_doc *doc, const struct ys_state_vector *vector, struct ys_buf *out)
{
    struct ys_pending_block **blocks;
    enum ysync_err err;

    if (ys_pending_count(&doc->pending) == 0) {
        err = ys_buf_reserve(out, runs_bound(doc, vector) + ys_dset_put_bound(doc->deletes));
        if (!err)
            put_runs(doc, vector, out);
        return err;
    }
    err = ys_pending_sorted(&doc->pending, &blocks);
    if (!err)
        err = put_runs_and_pending(doc, vector, blocks, out);
    else
        blocks = NULL;
    ys_free(doc->alloc, blocks);
    return err;
}

enum ysync_err ys_doc_put_diff(struct ysync_doc *doc, struct ysync_bytes state_vector, struct ys_buf *out,
                               const char **problem)
{
    struct ys_reader in = ys_reader_init(state_vector);
    struct ys_state_vector vector;
    size_t before = out->len;
    enum ysync_err err;

    ys_state_vector_init(&vector);
    err = ys_state_vector_decode(&vector, doc->alloc, &in);
    if (err == YSYNC_ERR_MALFORMED)
        *problem = in.problem;
    if (!err)
        err = put_structs(doc, &vector, out);
    if (!err) {
        ys_dset_put(doc->deletes, out);
        err = ys_buf_err(out);
    }
    if (err)
        out->len = before;
    ys_state_vector_deinit(&vector, doc->alloc);
    return err;
}
