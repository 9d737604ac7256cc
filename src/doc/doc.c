/* SPDX-License-Identifier: MIT */
#include "doc/doc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "doc/compact.h"
#include "doc/document.h"
#include "doc/merge.h"
#include "doc/plan.h"

#define DEFAULT_MAX_PENDING_BYTES ((size_t)16 << 20)

/* About a tenth of a millisecond. */
#define DEFAULT_COMPACT_STEP_BYTES (32U << 10)
#define DEFAULT_COMPACT_FACTOR 4

enum ysync_err ysync_doc_new(const struct ysync_alloc *alloc, struct ysync_doc **out)
{
    struct ysync_doc *doc;
    enum ysync_err err;

    if (!alloc)
        alloc = ysync_alloc_default();
    doc = ys_alloc_zeroed(alloc, 1, sizeof(*doc));
    if (!doc)
        return YSYNC_ERR_NOMEM;
    doc->alloc = alloc;
    doc->max_pending_bytes = DEFAULT_MAX_PENDING_BYTES;
    doc->compact_step_bytes = DEFAULT_COMPACT_STEP_BYTES;
    doc->compact_factor = DEFAULT_COMPACT_FACTOR;
    ys_pending_init(&doc->pending, alloc);
    err = ys_dset_new(alloc, &doc->deletes);
    if (err) {
        ys_free(alloc, doc);
        return err;
    }
    *out = doc;
    return YSYNC_OK;
}

void ysync_doc_free(struct ysync_doc *doc)
{
    if (!doc)
        return;
    for (size_t i = 0; i < doc->run_count; i++)
        ys_run_free(doc->runs[i]);
    ys_free(doc->alloc, doc->runs);
    ys_compaction_free(doc->compaction);
    ys_base_free(doc->base);
    ys_dset_free(doc->deletes);
    ys_pending_deinit(&doc->pending);
    ys_free(doc->alloc, doc);
}

void ysync_doc_set_max_pending(struct ysync_doc *doc, size_t max_bytes)
{
    doc->max_pending_bytes = max_bytes;
}

void ysync_doc_set_gc(struct ysync_doc *doc, enum ysync_gc gc)
{
    doc->gc = gc;
}

void ys_doc_set_hash_seed(struct ysync_doc *doc, const struct ys_hash_seed *seed)
{
    ys_pending_set_seed(&doc->pending, seed);
}

/* Two rounds where one was under way: it does not see what was deleted since it began. */
enum ysync_err ysync_doc_compact(struct ysync_doc *doc)
{
    bool was_under_way = doc->compaction != NULL;
    bool done;
    enum ysync_err err = ys_compaction_step(doc, SIZE_MAX, &done);

    if (!err && was_under_way)
        err = ys_compaction_step(doc, SIZE_MAX, &done);
    return err;
}

bool ys_doc_has_to_compact(const struct ysync_doc *doc)
{
    return ys_compaction_is_due(doc);
}

void ys_doc_compact_some(struct ysync_doc *doc, size_t max_bytes)
{
    bool done;

    if (ys_compaction_is_due(doc))
        (void)!ys_compaction_step(doc, max_bytes, &done); /* without memory for it the document stays as it is */
}

const char *ysync_doc_problem(const struct ysync_doc *doc)
{
    return doc->problem ? doc->problem : "malformed";
}

struct ys_run *ys_doc_find_run(struct ysync_doc *doc, uint64_t client)
{
    size_t low = 0;
    size_t high = doc->run_count;

    if (doc->latest_run < doc->run_count && doc->runs[doc->latest_run]->client == client)
        return doc->runs[doc->latest_run];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (doc->runs[middle]->client > client)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == doc->run_count || doc->runs[low]->client != client)
        return NULL;
    doc->latest_run = (uint32_t)low; /* a hint: cut off it does no harm */
    return doc->runs[low];
}

static uint64_t base_clock(const struct ysync_doc *doc, uint64_t client)
{
    size_t i = doc->base ? ys_base_find(doc->base, client) : SIZE_MAX;

    return i == SIZE_MAX ? 0 : doc->base->clients[i].clock;
}

uint64_t ys_doc_clock(struct ysync_doc *doc, uint64_t client)
{
    const struct ys_run *run = ys_doc_find_run(doc, client);

    if (run)
        return run->clock;
    return base_clock(doc, client);
}

/* Hands the buffer's memory over as bytes that are the caller's. A little too much of it is left alone: shrinking a
 * large block by a page goes to the system, and malloc, which goes by the sizes of freed blocks, would map the next one
 * again. */
static struct ysync_bytes give_away(struct ys_buf *buf)
{
    struct ysync_bytes bytes = ys_buf_bytes(buf);
    bool is_loose = bytes.len > 0 && buf->cap - bytes.len > bytes.len / 8;
    uint8_t *shrunk = is_loose ? ys_realloc_array(buf->alloc, buf->data, bytes.len, 1) : NULL;

    if (shrunk)
        bytes.data = shrunk;
    return bytes;
}

enum ysync_err ysync_doc_state_vector(const struct ysync_doc *doc, struct ysync_bytes *out)
{
    struct ys_buf buf;
    enum ysync_err err;

    ys_buf_init(&buf, doc->alloc, SIZE_MAX);
    err = ys_doc_put_state_vector(doc, &buf);
    if (err)
        ys_buf_deinit(&buf);
    else
        *out = give_away(&buf);
    return err;
}

enum ysync_err ysync_doc_diff(struct ysync_doc *doc, struct ysync_bytes state_vector, struct ysync_bytes *out)
{
    struct ys_buf buf;
    enum ysync_err err;

    ys_buf_init(&buf, doc->alloc, SIZE_MAX);
    err = ys_doc_put_diff(doc, state_vector, &buf, &doc->problem);
    if (err)
        ys_buf_deinit(&buf);
    else
        *out = give_away(&buf);
    return err;
}

void ysync_bytes_free(const struct ysync_alloc *alloc, struct ysync_bytes bytes)
{
    ys_free(alloc ? alloc : ysync_alloc_default(), (void *)(uintptr_t)bytes.data);
}

enum ysync_err ysync_merge_updates(const struct ysync_alloc *alloc, const struct ysync_bytes *updates, size_t count,
                                   struct ysync_bytes *out, const char **problem)
{
    const char *why = NULL;
    struct ys_merge merge;
    struct ys_buf merged;
    enum ysync_err err;

    ys_merge_init(&merge, alloc ? alloc : ysync_alloc_default());
    err = ys_merge_reserve(&merge, count);
    ys_buf_init(&merged, merge.alloc, SIZE_MAX);
    for (size_t i = 0; !err && i < count; i++)
        err = ys_merge_add(&merge, updates[i], &why);
    if (!err)
        err = ys_merge_put(&merge, &merged);
    if (!err)
        *out = give_away(&merged);
    else
        ys_buf_deinit(&merged);
    if (err == YSYNC_ERR_MALFORMED && problem)
        *problem = why;
    ys_merge_deinit(&merge);
    return err;
}

size_t ys_doc_bytes(const struct ysync_doc *doc)
{
    return sizeof(*doc) + (doc->base ? ys_base_bytes(doc->base) : 0) + doc->run_cap * sizeof(*doc->runs) +
           doc->run_bytes + ys_dset_bytes(doc->deletes) + ys_pending_bytes(&doc->pending);
}

size_t ys_doc_pending_count(const struct ysync_doc *doc)
{
    return ys_pending_count(&doc->pending);
}

uint64_t ys_doc_pending_added(const struct ysync_doc *doc)
{
    return ys_pending_added(&doc->pending);
}

void ysync_doc_stats(const struct ysync_doc *doc, struct ysync_doc_stats *out)
{
    *out = (struct ysync_doc_stats){
        .bytes = ys_doc_bytes(doc),
        .clients = ys_doc_client_count(doc),
        .delete_ranges = ys_dset_range_count(doc->deletes),
        .pending = ys_pending_count(&doc->pending),
        .pending_bytes = ys_pending_bytes(&doc->pending),
    };
    for (size_t i = 0; i < doc->run_count; i++)
        out->structs += doc->runs[i]->struct_count;
    for (size_t i = 0; doc->base && i < doc->base->client_count; i++)
        out->structs += ys_base_struct_count(doc->base, i);
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "document: %s\n", what);
    abort();
}

/* Could anything of this pending block be taken in? */
static bool is_ready(struct ysync_doc *doc, const struct ys_pending_block *block)
{
    struct ys_update update;
    struct ys_plan plan;
    bool is_ready;

    ys_update_init(&update);
    update.blocks[update.block_count++] = ys_pending_as_block(block);
    ys_plan_init(&plan, doc, &update);
    is_ready = !ys_plan_make(&plan) && plan.works[0].clock > plan.works[0].before;
    ys_plan_deinit(&plan);
    ys_update_deinit(&update, doc->alloc);
    return is_ready;
}

void ys_doc_check(struct ysync_doc *doc)
{
    const struct ys_pending_block *block;
    size_t bytes = 0;

    if (doc->base)
        ys_base_check(doc->base);
    for (size_t i = 0; i < doc->run_count; i++) {
        check(i == 0 || doc->runs[i - 1]->client > doc->runs[i]->client, "runs do not go from high to low");
        check(doc->runs[i]->clock > doc->runs[i]->start, "a run without structs");
        check(doc->runs[i]->start == base_clock(doc, doc->runs[i]->client), "a run does not begin where the base ends");
        ys_run_check(doc->runs[i]);
        bytes += ys_run_bytes(doc->runs[i]);
    }
    check(bytes == doc->run_bytes, "memory of runs is miscounted");
    ys_dset_check(doc->deletes);
    ys_pending_check(&doc->pending);
    for (size_t i = 0; !doc->has_unwoken && (block = ys_pending_next(&doc->pending, &i)) != NULL;)
        check(!is_ready(doc, block), "a pending block is ready");
}
