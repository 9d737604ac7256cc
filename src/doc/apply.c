/* SPDX-License-Identifier: MIT */
/*
 * Taking an update in, all of it or nothing:
 *
 *     decode    every byte is checked (update.c)
 *     plan      which structs are new, and which of these can be taken in now (plan.c): nothing changes yet
 *     reserve   all the memory that the rest will need
 *     commit    cannot fail
 *     wake      what had been waiting for what is there now is taken in the same way
 *     tell      what became new, and by whom
 */
#include <assert.h>

#include "base/alloc.h"
#include "doc/document.h"
#include "doc/news.h"
#include "doc/plan.h"

/* Smaller documents are better off as runs. */
#define ADOPT_FROM_BYTES 512

struct transaction {
    struct ysync_doc *doc;
    struct ys_update *update;
    struct ys_news *news;
    uint64_t origin;
    bool is_woken;                    /* the update is a pending block */
    struct ys_pending_block **parked; /* what is to wait */
    size_t parked_count;
    size_t parked_cap;
    struct ys_plan plan;
};

/* Reserve */

/* What is left of a stuck client's blocks is copied: a pending block for each stretch without a gap. So of two that
 * begin at the same clock the longer one holds what the other holds. */
static enum ysync_err park(struct transaction *tx, const struct ys_work *work)
{
    const struct ysync_alloc *alloc = tx->doc->alloc;
    struct ys_block_walk walk = work->walk;
    struct ys_id needs = work->needs;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = work->block; !err && i < work->end_block; i++) {
        if (i > work->block)
            ys_block_walk_begin(&walk, &tx->update->blocks[i]);
        while (!err && ys_block_walk_is_on(&walk)) {
            if (ys_struct_kind(walk.s) == YS_KIND_SKIP) {
                ys_block_walk_next(&walk);
                continue;
            }
            if (!ys_grow_array(alloc, &tx->parked, &tx->parked_cap, tx->parked_count + 1, sizeof(*tx->parked)))
                return YSYNC_ERR_NOMEM;
            if (walk.clock > work->walk.clock || i > work->block)
                needs = (struct ys_id){ work->client, walk.clock };
            err = ys_pending_block_new(alloc, (struct ys_id){ work->client, work->clock }, &walk, tx->origin, needs,
                                       &tx->parked[tx->parked_count]);
            tx->parked_count += !err;
        }
    }
    return err;
}

static enum ysync_err reserve_pending(struct transaction *tx)
{
    struct ys_pending *pending = &tx->doc->pending;
    size_t cost = ys_pending_bytes(pending);
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < tx->plan.work_count; i++) {
        if (tx->plan.works[i].is_stuck)
            err = park(tx, &tx->plan.works[i]);
    }
    if (err || tx->parked_count == 0)
        return err;
    for (size_t i = 0; i < tx->parked_count; i++)
        cost += ys_pending_cost(tx->parked[i]);
    if (!tx->is_woken && cost > tx->doc->max_pending_bytes) {
        tx->doc->problem = "too many updates wait for others";
        return YSYNC_ERR_LIMIT;
    }
    return ys_pending_reserve(pending, tx->parked, tx->parked_count);
}

static enum ysync_err reserve_run(struct ysync_doc *doc, struct ys_work *work)
{
    size_t bytes_before = 0;
    enum ysync_err err = YSYNC_OK;

    if (work->run)
        bytes_before = ys_run_bytes(work->run);
    else
        err = ys_run_new(doc->alloc, (struct ys_id){ work->client, work->before }, &work->run);
    if (err)
        return err;
    work->is_new_run = bytes_before == 0;
    err = ys_run_reserve(work->run, work->ready_bytes);
    if (!work->is_new_run)
        doc->run_bytes += ys_run_bytes(work->run) - bytes_before;
    return err;
}

static enum ysync_err reserve_runs(struct transaction *tx)
{
    struct ysync_doc *doc = tx->doc;
    size_t new_runs = 0;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < tx->plan.work_count; i++) {
        if (tx->plan.works[i].clock > tx->plan.works[i].before)
            err = reserve_run(doc, &tx->plan.works[i]);
        new_runs += tx->plan.works[i].is_new_run;
    }
    if (!err && !ys_grow_array(doc->alloc, &doc->runs, &doc->run_cap, doc->run_count + new_runs, sizeof(*doc->runs)))
        return YSYNC_ERR_NOMEM;
    return err;
}

/* The deletions that structs imply are not news of their own: they travel with the structs. */
static enum ysync_err reserve_deletes(struct transaction *tx)
{
    struct ys_ranges *deletes = &tx->update->deletes;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < tx->plan.implied.count; i++)
        err = ys_ranges_add(deletes, tx->doc->alloc, tx->plan.implied.items[i]);
    if (err || deletes->count == 0)
        return err;
    ys_ranges_sort(deletes);
    err = ys_dset_thaw(tx->doc->deletes, deletes);
    return err ? err : ys_dset_reserve(tx->doc->deletes, deletes);
}

static enum ysync_err reserve_news(struct transaction *tx)
{
    size_t bytes = 0;
    size_t pieces = 0;

    for (size_t i = 0; i < tx->plan.work_count; i++) {
        pieces += tx->plan.works[i].clock > tx->plan.works[i].before;
        bytes += tx->plan.works[i].ready_bytes;
    }
    return ys_news_reserve(tx->news, pieces, bytes, tx->is_woken ? 0 : tx->news->deletes.count);
}

/* Commit */

/* Both the document's runs and the works go from high to low: the new ones are merged in from the back. */
static void insert_new_runs(struct transaction *tx)
{
    struct ysync_doc *doc = tx->doc;
    size_t from = doc->run_count;
    size_t to = from;

    for (size_t i = 0; i < tx->plan.work_count; i++)
        to += tx->plan.works[i].is_new_run;
    doc->run_count = to;
    for (size_t i = tx->plan.work_count; i > 0 && to > from; i--) {
        struct ys_work *work = &tx->plan.works[i - 1];

        if (!work->is_new_run)
            continue;
        while (from > 0 && doc->runs[from - 1]->client < work->client)
            doc->runs[--to] = doc->runs[--from];
        doc->runs[--to] = work->run;
        doc->run_bytes += ys_run_bytes(work->run);
        work->is_new_run = false;
    }
}

static void append_structs(struct transaction *tx, struct ys_work *work)
{
    struct ys_run *run = work->run;

    for (size_t i = work->first_block; i < work->end_block && run->clock < work->clock; i++) {
        const struct ys_block *block = &tx->update->blocks[i];
        struct ys_block_walk walk;

        tx->doc->has_structure |= block->has_structure;
        ys_block_walk_begin(&walk, block);
        for (; ys_block_walk_is_on(&walk) && run->clock < work->clock; ys_block_walk_next(&walk)) {
            if (walk.clock + walk.s->len > run->clock && ys_struct_kind(walk.s) != YS_KIND_SKIP)
                ys_run_append(run, walk.s, run->clock - walk.clock);
        }
    }
    assert(run->clock == work->clock);
}

static void commit(struct transaction *tx)
{
    struct ysync_doc *doc = tx->doc;

    insert_new_runs(tx);
    for (size_t i = 0; i < tx->plan.work_count; i++) {
        struct ys_work *work = &tx->plan.works[i];

        if (work->clock == work->before)
            continue;
        append_structs(tx, work);
        if (tx->news)
            ys_news_add(tx->news, (struct ys_news_piece){ tx->origin, work->client, work->before, work->clock });
    }
    ys_dset_add(doc->deletes, &tx->update->deletes);
    doc->garbage += ys_ranges_clocks(&tx->update->deletes);
    for (size_t i = 0; i < tx->parked_count; i++)
        tx->parked[i] = ys_pending_add(&doc->pending, tx->parked[i]);
}

/* The transaction */

static void begin(struct transaction *tx, struct ysync_doc *doc, struct ys_update *update, uint64_t origin)
{
    tx->doc = doc;
    tx->update = update;
    tx->news = NULL;
    tx->origin = origin;
    tx->is_woken = false;
    tx->parked = NULL;
    tx->parked_count = tx->parked_cap = 0;
    ys_plan_init(&tx->plan, doc, update);
}

/* Also what a failed reservation leaves behind, and pending blocks that turned out superfluous. */
static void end(struct transaction *tx)
{
    for (size_t i = 0; i < tx->plan.work_count; i++) {
        if (tx->plan.works[i].is_new_run)
            ys_run_free(tx->plan.works[i].run);
    }
    for (size_t i = 0; i < tx->parked_count; i++)
        ys_pending_block_free(&tx->doc->pending, tx->parked[i]);
    ys_free(tx->doc->alloc, tx->parked);
    ys_plan_deinit(&tx->plan);
}

/* Is there nothing in the planned update that was known, must wait, or should not be passed on as it is? */
static bool is_all_new(const struct transaction *tx, const struct ys_ranges *missing)
{
    if (!tx->update->is_plain || ys_ranges_clocks(missing) != ys_ranges_clocks(&tx->update->deletes))
        return false;
    for (size_t i = 0; i < tx->plan.work_count; i++) {
        const struct ys_work *work = &tx->plan.works[i];

        if (work->is_stuck || tx->update->blocks[work->first_block].clock != work->before)
            return false;
    }
    return true;
}

static bool is_nothing_new(const struct transaction *tx, const struct ys_ranges *missing)
{
    if (missing->count > 0)
        return false;
    for (size_t i = 0; i < tx->plan.work_count; i++) {
        if (tx->plan.works[i].clock > tx->plan.works[i].before)
            return false;
    }
    return true;
}

static enum ysync_err reserve(struct transaction *tx)
{
    enum ysync_err err = reserve_pending(tx);

    if (!err)
        err = reserve_runs(tx);
    if (!err)
        err = reserve_deletes(tx);
    if (!err && tx->news)
        err = reserve_news(tx);
    return err;
}

/* An update that is a whole document, for one that holds nothing, is kept as it is: it becomes the base. */
static bool can_adopt(const struct transaction *tx, struct ysync_bytes bytes)
{
    const struct ysync_doc *doc = tx->doc;

    return bytes.len >= ADOPT_FROM_BYTES && tx->update->is_in_order && tx->update->block_count > 0 && !doc->base &&
           doc->run_count == 0 && ys_pending_count(&doc->pending) == 0 && ys_dset_range_count(doc->deletes) == 0 &&
           ys_ranges_contain(&tx->update->deletes, &tx->plan.implied);
}

/* *adopted: it could be done. */
static enum ysync_err adopt(struct transaction *tx, struct ysync_bytes bytes, bool *adopted)
{
    struct ysync_doc *doc = tx->doc;
    const struct ys_update *update = tx->update;
    struct ys_base_builder builder;
    enum ysync_err err = ys_base_builder_init(&builder, doc->alloc, bytes.len, update->block_count);

    if (err)
        return err;
    for (size_t i = 0; !err && i < update->block_count; i++) {
        const struct ys_block *block = &update->blocks[i];

        err = ys_base_builder_add_section(&builder, block->client, block->end, block->section_at);
    }
    if (!err) {
        ys_buf_put(&builder.out, bytes);
        err = ys_base_builder_end(&builder, update->deletes_at, &doc->base);
    }
    *adopted = !err;
    ys_base_builder_deinit(&builder);
    if (err)
        return err == YSYNC_ERR_LIMIT ? YSYNC_OK : err; /* the usual way will do, then */
    for (size_t i = 0; i < update->block_count; i++)
        doc->has_structure |= update->blocks[i].has_structure;
    doc->is_adopted = true;
    ys_dset_freeze(doc->deletes, ys_base_deletes(doc->base), update->deletes.count);
    doc->garbage = ys_ranges_clocks(&update->deletes) - ys_ranges_clocks(&tx->plan.implied);
    if (doc->garbage > 0) /* for the first compaction, to which what is frozen is at rest */
        (void)!ys_dset_thaw(doc->deletes, &update->deletes);
    return YSYNC_OK;
}

/* Takes in a decoded update. *is_verbatim: everything in it was new, and nothing of it was added to the news. */
static enum ysync_err take_in(struct ysync_doc *doc, struct ys_update *update, struct ysync_bytes bytes,
                              uint64_t origin, struct ys_news *news, bool *is_verbatim)
{
    struct transaction tx;
    bool adopted = false;
    enum ysync_err err;

    begin(&tx, doc, update, origin);
    err = ys_plan_make(&tx.plan);
    if (!err && update->deletes.count > 0)
        err = ys_dset_thaw(doc->deletes, &update->deletes);
    if (!err && update->deletes.count > 0)
        err = ys_dset_missing(doc->deletes, &update->deletes, &news->deletes);
    if (err)
        goto done;
    news->deletes_origin = origin;
    *is_verbatim = is_all_new(&tx, &news->deletes) && !is_nothing_new(&tx, &news->deletes);
    tx.news = *is_verbatim ? NULL : news;
    ys_ranges_sort(&tx.plan.implied);
    if (*is_verbatim && can_adopt(&tx, bytes))
        err = adopt(&tx, bytes, &adopted);
    if (!err && !adopted)
        err = reserve(&tx);
    if (!err && !adopted)
        commit(&tx);
done:
    if (err || *is_verbatim)
        news->deletes.count = 0;
    end(&tx);
    return err;
}

/* The way of most updates: one struct, ready, that goes on where its client's run ends. False: take the long way, by
 * whose rules this goes. */
static bool can_append(struct ysync_doc *doc, const struct ys_update *update, struct ys_run **out)
{
    const struct ys_block *block = &update->blocks[0];
    const struct ys_struct *s = &block->first;
    struct ys_run *run;

    if (update->block_count != 1 || block->struct_count != 1 || update->deletes.count > 0)
        return false;
    run = ys_doc_find_run(doc, block->client);
    if (!run || run->clock != block->clock || block->has_skip || block->has_structure ||
        ys_struct_kind(s) == YS_KIND_DELETED)
        return false;
    *out = run;
    return (!(s->info & YS_INFO_ORIGIN) || s->origin.clock < ys_doc_clock(doc, s->origin.client)) &&
           (!(s->info & YS_INFO_RIGHT_ORIGIN) || s->right_origin.clock < ys_doc_clock(doc, s->right_origin.client)) &&
           (!s->has_parent_id || s->parent.clock < ys_doc_clock(doc, s->parent.client));
}

static enum ysync_err append(struct ysync_doc *doc, struct ys_run *run, const struct ys_struct *s)
{
    size_t bytes_before = ys_run_bytes(run);
    enum ysync_err err = ys_run_reserve(run, s->wire.len);

    doc->run_bytes += ys_run_bytes(run) - bytes_before;
    if (!err)
        ys_run_append(run, s, 0);
    return err;
}

/* As above, for a block that had been waiting. *progress: its client's clock moved. */
static enum ysync_err take_in_woken(struct ysync_doc *doc, const struct ys_pending_block *block, struct ys_news *news,
                                    bool *progress)
{
    struct transaction tx;
    struct ys_update update;
    enum ysync_err err;

    ys_update_init(&update);
    update.blocks[update.block_count++] = ys_pending_as_block(block);
    begin(&tx, doc, &update, block->origin);
    tx.is_woken = true;
    tx.news = news;
    err = ys_plan_make(&tx.plan);
    if (!err)
        err = reserve(&tx);
    if (!err)
        commit(&tx);
    *progress = !err && tx.plan.works[0].clock > tx.plan.works[0].before;
    end(&tx);
    ys_update_deinit(&update, doc->alloc);
    return err;
}

/* Clients whose clock has moved, and for whom blocks may be waiting. */
struct moved {
    uint64_t *clients;
    size_t count;
    size_t cap;
};

static enum ysync_err note_moved(struct moved *moved, const struct ysync_doc *doc, uint64_t client)
{
    if (!ys_grow_array(doc->alloc, &moved->clients, &moved->cap, moved->count + 1, sizeof(*moved->clients)))
        return YSYNC_ERR_NOMEM;
    moved->clients[moved->count++] = client;
    return YSYNC_OK;
}

/* Takes in all that waited for this client, and notes whose clocks that moved. */
static enum ysync_err wake_client(struct ysync_doc *doc, uint64_t client, struct ys_news *news, struct moved *moved)
{
    struct ys_pending_block *block;
    enum ysync_err err = YSYNC_OK;

    while ((block = ys_pending_take(&doc->pending, client, ys_doc_clock(doc, client))) != NULL) {
        uint64_t owner = block->client;
        bool progress;

        err = take_in_woken(doc, block, news, &progress);
        if (err) {
            ys_pending_put_back(&doc->pending, block);
            return err;
        }
        ys_pending_drop(&doc->pending, block);
        if (progress && owner != client)
            err = note_moved(moved, doc, owner);
        if (err)
            return err;
    }
    return YSYNC_OK;
}

/* The update is in, whatever happens here: if memory runs out, what waits goes on waiting until the next call. */
static void wake(struct ysync_doc *doc, const struct ys_update *update, struct ys_news *news)
{
    struct moved moved = { 0 };
    uint64_t client;
    enum ysync_err err = YSYNC_OK;

    if (ys_pending_count(&doc->pending) == 0)
        return;
    for (size_t i = 0; !err && i < update->block_count; i++)
        err = note_moved(&moved, doc, update->blocks[i].client);
    for (size_t i = 0; !err && doc->has_unwoken && ys_pending_next_awaited(&doc->pending, &i, &client);)
        err = note_moved(&moved, doc, client);
    while (!err && moved.count > 0)
        err = wake_client(doc, moved.clients[--moved.count], news, &moved);
    doc->has_unwoken = err != YSYNC_OK;
    ys_free(doc->alloc, moved.clients);
}

/* Takes in a decoded update, wakes what waited for it, and tells what was new. */
static enum ysync_err take_in_and_tell(struct ysync_doc *doc, struct ys_update *update, struct ysync_bytes bytes,
                                       uint64_t origin, ysync_doc_news_fn *tell, void *user)
{
    bool is_verbatim = false;
    struct ys_news news;
    enum ysync_err err;

    ys_news_init(&news, doc->alloc);
    err = take_in(doc, update, bytes, origin, &news, &is_verbatim);
    if (!err) {
        wake(doc, update, &news);
        if (tell && is_verbatim)
            tell(user, origin, bytes);
        if (tell)
            ys_news_tell(&news, doc, tell, user);
    }
    ys_news_deinit(&news);
    return err;
}

static enum ysync_err decode(struct ysync_doc *doc, struct ysync_bytes bytes, struct ys_update *update)
{
    struct ys_reader in = ys_reader_init(bytes);
    enum ysync_err err;

    ys_update_init(update);
    err = ys_update_decode(update, doc->alloc, &in);
    if (err)
        doc->problem = in.problem;
    return err;
}

enum ysync_err ysync_doc_apply(struct ysync_doc *doc, struct ysync_bytes bytes, uint64_t origin,
                               ysync_doc_news_fn *tell, void *user)
{
    bool was_adopted = doc->is_adopted;
    struct ys_update update;
    struct ys_run *run;
    enum ysync_err err;

    doc->problem = "update too large";
    if (bytes.len > INT32_MAX)
        return YSYNC_ERR_LIMIT;
    err = decode(doc, bytes, &update);
    if (!err && ys_pending_count(&doc->pending) == 0 && can_append(doc, &update, &run)) {
        err = append(doc, run, &update.blocks[0].first);
        if (!err && tell)
            tell(user, origin, bytes);
    } else if (!err) {
        doc->problem = "too much for one document";
        err = take_in_and_tell(doc, &update, bytes, origin, tell, user);
    }
    ys_update_deinit(&update, doc->alloc);
    if (!err && (was_adopted || !doc->is_adopted)) /* a whole document has taken its time */
        ys_doc_compact_some(doc, doc->compact_step_bytes + (size_t)doc->compact_factor * bytes.len);
    return err;
}

/* The clock behind the structs that follow each other without a Skip, from the one on at which the walk stands; it
 * stands behind them then. */
static uint64_t walk_stretch(struct ys_block_walk *walk)
{
    while (ys_block_walk_is_on(walk) && ys_struct_kind(walk->s) != YS_KIND_SKIP)
        ys_block_walk_next(walk);
    return walk->clock;
}

/* What waits for others already is not lacking: clients hand back what they were handed. */
static bool lacks_block(struct ysync_doc *doc, const struct ys_block *block)
{
    uint64_t clock = ys_doc_clock(doc, block->client);
    struct ys_block_walk walk;

    for (ys_block_walk_begin(&walk, block); ys_block_walk_is_on(&walk);) {
        uint64_t start = walk.clock;
        uint64_t end;

        if (ys_struct_kind(walk.s) == YS_KIND_SKIP) {
            ys_block_walk_next(&walk);
            continue;
        }
        end = walk_stretch(&walk);
        if (start < clock)
            start = clock;
        if (start < end && !ys_pending_holds(&doc->pending, block->client, start, end))
            return true;
    }
    return false;
}

static bool lacks_structs(struct ysync_doc *doc, const struct ys_update *update)
{
    for (size_t i = 0; i < update->block_count; i++) {
        if (lacks_block(doc, &update->blocks[i]))
            return true;
    }
    return false;
}

static enum ysync_err lacks_deletes(struct ysync_doc *doc, const struct ys_update *update, bool *out)
{
    struct ys_ranges missing;
    enum ysync_err err = ys_dset_thaw(doc->deletes, &update->deletes);

    ys_ranges_init(&missing);
    if (!err)
        err = ys_dset_missing(doc->deletes, &update->deletes, &missing);
    *out = missing.count > 0;
    ys_ranges_deinit(&missing, doc->alloc);
    return err;
}

enum ysync_err ysync_doc_lacks(struct ysync_doc *doc, struct ysync_bytes bytes, int *out)
{
    struct ys_update update;
    bool lacks = false;
    enum ysync_err err = decode(doc, bytes, &update);

    if (!err)
        err = lacks_deletes(doc, &update, &lacks);
    if (!err)
        *out = lacks || lacks_structs(doc, &update);
    ys_update_deinit(&update, doc->alloc);
    return err;
}

enum ysync_err ys_doc_lacks_structs(struct ysync_doc *doc, struct ysync_bytes bytes, bool *out)
{
    struct ys_update update;
    enum ysync_err err = decode(doc, bytes, &update);

    if (!err)
        *out = lacks_structs(doc, &update);
    ys_update_deinit(&update, doc->alloc);
    return err;
}
