/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a struct (Yjs: ContentType.gc, Item.gc, and what integrating does):
 *
 *  - It is GC, or it refers to something that is GC, or its parent is deleted: it becomes GC. This is not looked
 *    for beyond the clients that were rewritten before; what is missed stays correct, only larger.
 *  - It is deleted as a whole: its content becomes ContentDeleted; its references stay, as others may refer to it.
 *  - It is deleted in part: cutting it costs the head of a struct for each piece (often twenty bytes), so it is
 *    done where the content that goes is longer than that; or always, if the document is to hold nothing deleted.
 */
#include "doc/compact.h"

#include <assert.h>

#include "base/alloc.h"

/* Less than this is not worth a base. */
#define MIN_BYTES (16 * 1024)

#define NEVER UINT64_MAX

struct ys_compaction {
    struct ysync_doc *doc;
    struct ys_id *targets; /* the clients, from high to low, each with the clock to stop at */
    size_t target_count;
    size_t target_at;
    uint64_t *looked_at; /* how many clocks of each target were deleted when this last looked; or NEVER */
    struct ys_base_builder builder;
    uint64_t garbage;         /* the document's when this began */
    bool spreads;             /* deletions may spread through references: look */
    struct ys_dset *gcs;      /* what was found to be GC */
    struct ys_run *rewriting; /* the client at target_at, as far as it is done; NULL: not begun */
    bool is_in_run;           /* the source is the client's run; if not, the base */
    size_t source_at;
    size_t copied;       /* of what was rewritten, into the base */
    struct ys_buf piece; /* scratch: a struct that was cut */
};

bool ys_compaction_is_due(const struct ysync_doc *doc)
{
    size_t garbage = doc->gc == YSYNC_GC_OFF ? 0 : (size_t)doc->garbage;
    size_t base = doc->base ? doc->base->update.len : 0;
    size_t due = base / 2 > MIN_BYTES ? base / 2 : MIN_BYTES;

    if (doc->compaction || (doc->is_adopted && base > MIN_BYTES))
        return true;
    return doc->run_bytes + garbage > due + doc->compact_later;
}

void ys_compaction_free(struct ys_compaction *compaction)
{
    const struct ysync_alloc *alloc;

    if (!compaction)
        return;
    alloc = compaction->doc->alloc;
    ys_run_free(compaction->rewriting);
    ys_dset_free(compaction->gcs);
    ys_base_builder_deinit(&compaction->builder);
    ys_buf_deinit(&compaction->piece);
    ys_free(alloc, compaction->looked_at);
    ys_free(alloc, compaction->targets);
    ys_free(alloc, compaction);
}

size_t ys_compaction_bytes(const struct ys_compaction *compaction)
{
    size_t for_each_target = sizeof(*compaction->targets) + sizeof(*compaction->looked_at) +
                             sizeof(struct ys_base_client);

    return sizeof(*compaction) + compaction->target_count * for_each_target + compaction->builder.out.cap +
           (compaction->rewriting ? ys_run_bytes(compaction->rewriting) : 0) + compaction->piece.cap +
           ys_dset_bytes(compaction->gcs);
}

static enum ysync_err find_targets(struct ys_compaction *compaction)
{
    const struct ysync_doc *doc = compaction->doc;
    enum ysync_err err = ys_doc_clocks(doc, &compaction->targets, &compaction->target_count);

    if (err)
        return err;
    compaction->looked_at = ys_alloc_array(doc->alloc, compaction->target_count + 1, sizeof(*compaction->looked_at));
    if (!compaction->looked_at)
        return YSYNC_ERR_NOMEM;
    for (size_t i = 0; i < compaction->target_count; i++)
        compaction->looked_at[i] = NEVER;
    return YSYNC_OK;
}

static enum ysync_err begin(struct ysync_doc *doc, struct ys_compaction **out)
{
    size_t bytes = doc->run_bytes + (doc->base ? doc->base->update.len : 0);
    struct ys_compaction *compaction = ys_alloc_zeroed(doc->alloc, 1, sizeof(*compaction));
    enum ysync_err err;

    if (!compaction)
        return YSYNC_ERR_NOMEM;
    compaction->doc = doc;
    compaction->garbage = doc->garbage;
    compaction->spreads = doc->has_structure && doc->gc != YSYNC_GC_OFF;
    ys_buf_init(&compaction->piece, doc->alloc, UINT32_MAX);
    ys_buf_init(&compaction->builder.out, doc->alloc, UINT32_MAX);
    err = find_targets(compaction);
    if (!err)
        err = ys_dset_new(doc->alloc, &compaction->gcs);
    if (!err)
        err = ys_base_builder_init(&compaction->builder, doc->alloc, bytes, compaction->target_count);
    if (err) {
        ys_compaction_free(compaction);
        return err;
    }
    ys_buf_put_varuint(&compaction->builder.out, compaction->target_count);
    *out = compaction;
    return YSYNC_OK;
}

/* Deletions and GCs */

static enum ysync_err add_range(struct ys_dset *set, struct ys_range range)
{
    struct ys_ranges one = { .items = &range, .count = 1, .cap = 1 };
    enum ysync_err err = ys_dset_thaw(set, &one);

    if (!err)
        err = ys_dset_reserve(set, &one);
    if (!err)
        ys_dset_add(set, &one);
    return err;
}

static size_t find_target(const struct ys_compaction *compaction, uint64_t client)
{
    size_t low = 0;
    size_t high = compaction->target_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compaction->targets[middle].client > client)
            low = middle + 1;
        else
            high = middle;
    }
    return low < compaction->target_count && compaction->targets[low].client == client ? low : SIZE_MAX;
}

/* The client's deletions must be thawed. */
static uint64_t deleted_clocks(const struct ysync_doc *doc, uint64_t client)
{
    struct ys_range range = { 0 };
    uint64_t clocks = 0;

    while (ys_dset_next(doc->deletes, client, range.clock + range.len, &range))
        clocks += range.len;
    return clocks;
}

/* Thaws the client's deletions, and remembers how much they are. */
static enum ysync_err look_at(struct ys_compaction *compaction, uint64_t client)
{
    struct ys_range any = { client, 0, 1 };
    struct ys_ranges one = { .items = &any, .count = 1, .cap = 1 };
    size_t i = find_target(compaction, client);
    enum ysync_err err = ys_dset_thaw(compaction->doc->deletes, &one);

    if (!err && i != SIZE_MAX)
        compaction->looked_at[i] = deleted_clocks(compaction->doc, client);
    return err;
}

static enum ysync_err is_deleted(struct ys_compaction *compaction, struct ys_id id, bool *out)
{
    const struct ys_dset *deletes = compaction->doc->deletes;
    enum ysync_err err = ys_dset_is_thawed(deletes, id.client) ? YSYNC_OK : look_at(compaction, id.client);

    if (!err)
        *out = ys_dset_contains(deletes, id.client, id.clock);
    return err;
}

static enum ysync_err is_gone(struct ys_compaction *compaction, const struct ys_struct *s, bool *out)
{
    const struct ys_dset *gcs = compaction->gcs;

    *out = ys_struct_kind(s) == YS_KIND_GC;
    if (*out || !compaction->spreads)
        return YSYNC_OK;
    *out = (s->info & YS_INFO_ORIGIN && ys_dset_contains(gcs, s->origin.client, s->origin.clock)) ||
           (s->info & YS_INFO_RIGHT_ORIGIN && ys_dset_contains(gcs, s->right_origin.client, s->right_origin.clock));
    if (*out || !s->has_parent_id)
        return YSYNC_OK;
    return is_deleted(compaction, s->parent, out);
}

/* Rewriting one struct */

static enum ysync_err append(struct ys_compaction *compaction, const struct ys_struct *s)
{
    enum ysync_err err = ys_run_reserve(compaction->rewriting, s->wire.len);

    if (!err)
        ys_run_append(compaction->rewriting, s, 0);
    return err;
}

/* What was put into the scratch buffer. */
static enum ysync_err append_piece(struct ys_compaction *compaction)
{
    struct ys_reader in = ys_reader_init(ys_buf_bytes(&compaction->piece));
    struct ys_struct s;
    enum ysync_err err = ys_buf_err(&compaction->piece);

    if (err)
        return err;
    ys_struct_read(&in, &s);
    return append(compaction, &s);
}

/* A struct on its way: s has the id (client, clock); only its first `len` units count. */
struct item {
    const struct ys_struct *s;
    struct ys_id id;
    uint64_t len;
};

static enum ysync_err keep_piece(struct ys_compaction *compaction, const struct item *item, uint64_t from, uint64_t to)
{
    if (from == to)
        return YSYNC_OK;
    if (from == 0 && to == item->s->len)
        return append(compaction, item->s);
    ys_buf_clear(&compaction->piece);
    ys_struct_put_piece(&compaction->piece, item->s, item->id, from, to);
    return append_piece(compaction);
}

static enum ysync_err delete_piece(struct ys_compaction *compaction, const struct item *item, uint64_t from,
                                   uint64_t to)
{
    ys_buf_clear(&compaction->piece);
    ys_struct_put_deleted(&compaction->piece, item->s, item->id, from, to);
    return append_piece(compaction);
}

static enum ysync_err collect(struct ys_compaction *compaction, const struct item *item)
{
    struct ys_range range = { item->id.client, item->id.clock, item->len };
    enum ysync_err err;

    ys_buf_clear(&compaction->piece);
    ys_buf_put_u8(&compaction->piece, YS_KIND_GC);
    ys_buf_put_varuint(&compaction->piece, item->len);
    err = append_piece(compaction);
    if (!err)
        err = add_range(compaction->gcs, range);
    if (!err)
        err = add_range(compaction->doc->deletes, range);
    return err;
}

/* Is it shorter to write the units [from, to) as deleted, each border inside the struct being a head more? */
static bool saves_bytes(const struct item *item, uint64_t from, uint64_t to)
{
    const struct ys_struct *s = item->s;
    size_t head = 1 + ys_varuint_size(item->id.client) + ys_varuint_size(item->id.clock + from) + 1;
    size_t borders = (size_t)(from > 0) + (size_t)(to < item->len);

    if (s->info & YS_INFO_RIGHT_ORIGIN)
        head += ys_varuint_size(s->right_origin.client) + ys_varuint_size(s->right_origin.clock);
    return borders == 0 || to - from > borders * head;
}

static enum ysync_err rewrite_deleted(struct ys_compaction *compaction, const struct item *item)
{
    const struct ysync_doc *doc = compaction->doc;
    uint64_t end = item->id.clock + item->len;
    uint64_t kept_to = 0;
    struct ys_range range;
    enum ysync_err err = YSYNC_OK;

    for (uint64_t clock = item->id.clock; !err && clock < end; clock = range.clock + range.len) {
        uint64_t from;
        uint64_t to;

        if (!ys_dset_next(doc->deletes, item->id.client, clock, &range) || range.clock >= end)
            break;
        from = range.clock > item->id.clock ? range.clock - item->id.clock : 0;
        to = range.clock + range.len < end ? range.clock + range.len - item->id.clock : item->len;
        if (doc->gc != YSYNC_GC_EAGER && !saves_bytes(item, from, to))
            continue;
        err = keep_piece(compaction, item, kept_to, from);
        if (!err)
            err = delete_piece(compaction, item, from, to);
        kept_to = to;
    }
    return err ? err : keep_piece(compaction, item, kept_to, item->len);
}

static enum ysync_err rewrite(struct ys_compaction *compaction, const struct item *item)
{
    enum ys_kind kind = ys_struct_kind(item->s);
    bool gone;
    enum ysync_err err = is_gone(compaction, item->s, &gone);

    if (err)
        return err;
    if (gone)
        return collect(compaction, item);
    if (kind == YS_KIND_DELETED || compaction->doc->gc == YSYNC_GC_OFF)
        return keep_piece(compaction, item, 0, item->len);
    return rewrite_deleted(compaction, item);
}

/* Clients */

/* The structs that the client being rewritten is read from: its part of the base, then its run. */
static struct ysync_bytes source(const struct ys_compaction *compaction, uint64_t client)
{
    struct ysync_doc *doc = compaction->doc;
    size_t i = doc->base ? ys_base_find(doc->base, client) : SIZE_MAX;

    if (compaction->is_in_run)
        return ys_buf_bytes(&ys_doc_find_run(doc, client)->data);
    return i == SIZE_MAX ? (struct ysync_bytes){ NULL, 0 } : ys_base_structs(doc->base, i);
}

/* Only the head of a client's section is missing from what was rewritten. A long section is copied in several steps,
 * too: *budget is lowered by what was copied. */
static enum ysync_err finish_client(struct ys_compaction *compaction, struct ys_id target, size_t *budget)
{
    struct ys_base_builder *builder = &compaction->builder;
    struct ys_run *run = compaction->rewriting;
    size_t left = run->data.len - compaction->copied;
    size_t count = left < *budget ? left : *budget;
    enum ysync_err err = YSYNC_OK;

    if (compaction->copied == 0) {
        err = ys_base_builder_add_section(builder, target.client, target.clock, ys_base_builder_at(builder));
        ys_buf_put_varuint(&builder->out, run->struct_count);
        ys_buf_put_varuint(&builder->out, target.client);
        ys_buf_put_varuint(&builder->out, 0);
    }
    ys_buf_put(&builder->out, (struct ysync_bytes){ run->data.data + compaction->copied, count });
    compaction->copied += count;
    *budget -= count;
    if (count == left) {
        ys_run_free(run);
        compaction->rewriting = NULL;
        compaction->copied = 0;
        compaction->target_at++;
    }
    return err ? err : ys_buf_err(&builder->out);
}

static enum ysync_err begin_client(struct ys_compaction *compaction, struct ys_id target)
{
    enum ysync_err err = look_at(compaction, target.client);

    compaction->is_in_run = false;
    compaction->source_at = 0;
    return err ? err : ys_run_new(compaction->doc->alloc, (struct ys_id){ target.client, 0 }, &compaction->rewriting);
}

/* Reads on in the client's structs; *budget is lowered by what was read. */
static enum ysync_err rewrite_client(struct ys_compaction *compaction, struct ys_id target, size_t *budget)
{
    enum ysync_err err = compaction->rewriting ? YSYNC_OK : begin_client(compaction, target);

    while (!err && *budget > 0 && compaction->rewriting->clock < target.clock) {
        struct ysync_bytes bytes = source(compaction, target.client);
        struct ys_reader in = ys_reader_init(bytes);
        struct ys_struct s;
        struct item item = { .s = &s, .id = { target.client, compaction->rewriting->clock } };

        if (compaction->source_at == bytes.len) {
            compaction->is_in_run = true;
            compaction->source_at = 0;
            continue;
        }
        in.at += compaction->source_at;
        ys_struct_read(&in, &s);
        /* The last one may have been extended since this began. */
        item.len = s.len < target.clock - item.id.clock ? s.len : target.clock - item.id.clock;
        compaction->source_at += s.wire.len;
        *budget -= s.wire.len < *budget ? s.wire.len : *budget;
        err = rewrite(compaction, &item);
    }
    if (!err && *budget > 0 && compaction->rewriting->clock == target.clock)
        err = finish_client(compaction, target, budget);
    return err;
}

static enum ysync_err copy_client(struct ys_compaction *compaction, struct ys_id target, size_t *budget)
{
    const struct ys_base *base = compaction->doc->base;
    struct ys_base_builder *builder = &compaction->builder;
    struct ysync_bytes section = ys_base_section(base, ys_base_find(base, target.client));
    enum ysync_err err = ys_base_builder_add_section(builder, target.client, target.clock, ys_base_builder_at(builder));

    ys_buf_put(&builder->out, section);
    compaction->target_at++;
    *budget -= section.len < *budget ? section.len : *budget;
    return err ? err : ys_buf_err(&builder->out);
}

/* Nothing was written or deleted since this document made the base: its section is as good as new. */
static bool is_at_rest(struct ysync_doc *doc, uint64_t client)
{
    return !doc->is_adopted && !ys_doc_find_run(doc, client) && !ys_dset_is_thawed(doc->deletes, client);
}

/* The end */

/* A run of what the client wrote beyond `from`, while the compaction was under way. */
static enum ysync_err cut_run(const struct ys_run *run, struct ys_id from, struct ys_buf *scratch, struct ys_run **out)
{
    struct ys_span span = ys_run_span(run);
    struct ys_run *rest = NULL;
    struct ys_extent extent;
    struct ys_reader in;
    struct ys_struct s;
    enum ysync_err err;

    ys_buf_clear(scratch);
    ys_span_find(&span, from.clock, run->clock, &extent);
    ys_span_put(&span, &extent, scratch);
    err = ys_buf_err(scratch);
    if (!err)
        err = ys_run_new(run->data.alloc, from, &rest);
    if (!err)
        err = ys_run_reserve(rest, scratch->len);
    if (err) {
        ys_run_free(rest);
        return err;
    }
    for (in = ys_reader_init(ys_buf_bytes(scratch)); !ys_reader_is_at_end(&in);) {
        ys_struct_read(&in, &s);
        ys_run_append(rest, &s, 0);
    }
    *out = rest;
    return YSYNC_OK;
}

/* The runs of the document when the new base stands in for what they were rewritten from. On errors nothing is left. */
static enum ysync_err cut_runs(struct ys_compaction *compaction, struct ys_base *base, struct ys_run **runs,
                               size_t *count)
{
    struct ysync_doc *doc = compaction->doc;
    enum ysync_err err = YSYNC_OK;

    *count = 0;
    for (size_t i = 0; !err && i < doc->run_count; i++) {
        const struct ys_run *run = doc->runs[i];
        size_t at = ys_base_find(base, run->client);
        uint64_t from = at == SIZE_MAX ? 0 : base->clients[at].clock;

        if (from < run->clock)
            err = cut_run(run, (struct ys_id){ run->client, from }, &compaction->piece, &runs[*count]);
        *count += !err && from < run->clock;
    }
    while (err && *count > 0)
        ys_run_free(runs[--*count]);
    return err;
}

static void replace_runs(struct ysync_doc *doc, struct ys_run **runs, size_t count)
{
    for (size_t i = 0; i < doc->run_count; i++)
        ys_run_free(doc->runs[i]);
    ys_free(doc->alloc, doc->runs);
    doc->runs = runs;
    doc->run_count = doc->run_cap = count;
    doc->latest_run = 0;
    doc->run_bytes = 0;
    for (size_t i = 0; i < count; i++)
        doc->run_bytes += ys_run_bytes(runs[i]);
    if (count == 0) {
        ys_free(doc->alloc, runs);
        doc->runs = NULL;
    }
}

/* The clients of whom something was deleted after they had been looked at: the next compaction must not take them to be
 * at rest. */
static enum ysync_err find_late_deletions(const struct ys_compaction *compaction, struct ys_ranges *out)
{
    const struct ysync_doc *doc = compaction->doc;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < compaction->target_count; i++) {
        uint64_t client = compaction->targets[i].client;

        if (ys_dset_is_thawed(doc->deletes, client) && deleted_clocks(doc, client) != compaction->looked_at[i])
            err = ys_ranges_add(out, doc->alloc, (struct ys_range){ client, 0, 1 });
    }
    return err;
}

static enum ysync_err finish(struct ys_compaction *compaction)
{
    struct ysync_doc *doc = compaction->doc;
    size_t deletes_at = ys_base_builder_at(&compaction->builder);
    struct ys_run **runs;
    struct ys_base *base = NULL;
    struct ys_ranges late;
    size_t count;
    enum ysync_err err;

    runs = ys_alloc_array(doc->alloc, doc->run_count + 1, sizeof(struct ys_run *));
    if (!runs)
        return YSYNC_ERR_NOMEM;
    ys_ranges_init(&late);
    ys_dset_put(doc->deletes, &compaction->builder.out);
    err = ys_base_builder_end(&compaction->builder, deletes_at, &base);
    if (!err)
        err = find_late_deletions(compaction, &late);
    if (!err)
        err = cut_runs(compaction, base, runs, &count);
    if (err) {
        ys_base_free(base);
        ys_ranges_deinit(&late, doc->alloc);
        ys_free(doc->alloc, runs);
        return err;
    }
    replace_runs(doc, runs, count);
    ys_dset_freeze(doc->deletes, ys_base_deletes(base), ys_dset_range_count(doc->deletes));
    (void)!ys_dset_thaw(doc->deletes, &late); /* without memory for it the document is only larger than it need be */
    ys_ranges_deinit(&late, doc->alloc);
    ys_base_free(doc->base);
    doc->base = base;
    doc->garbage -= compaction->garbage;
    doc->compact_later = 0;
    return YSYNC_OK;
}

static enum ysync_err go_on(struct ys_compaction *compaction, size_t budget, bool *done)
{
    enum ysync_err err = YSYNC_OK;

    while (!err && budget > 0 && compaction->target_at < compaction->target_count) {
        struct ys_id target = compaction->targets[compaction->target_at];

        if (!compaction->rewriting && is_at_rest(compaction->doc, target.client))
            err = copy_client(compaction, target, &budget);
        else
            err = rewrite_client(compaction, target, &budget);
    }
    if (!err && compaction->target_at == compaction->target_count) {
        err = finish(compaction);
        *done = !err;
    }
    return err;
}

enum ysync_err ys_compaction_step(struct ysync_doc *doc, size_t max_bytes, bool *done)
{
    enum ysync_err err = doc->compaction ? YSYNC_OK : begin(doc, &doc->compaction);

    *done = false;
    if (!err)
        err = go_on(doc->compaction, max_bytes, done);
    if (err) /* not again before there is twice as much to gain */
        doc->compact_later = doc->run_bytes + (size_t)doc->garbage;
    if (err || *done) {
        ys_compaction_free(doc->compaction);
        doc->compaction = NULL;
        doc->is_adopted = false;
    }
    return err;
}
