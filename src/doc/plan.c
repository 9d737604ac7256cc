/* SPDX-License-Identifier: MIT */
#include "doc/plan.h"

#include "base/alloc.h"

void ys_plan_init(struct ys_plan *plan, struct ysync_doc *doc, const struct ys_update *update)
{
    plan->doc = doc;
    plan->update = update;
    plan->works = plan->few;
    plan->work_count = 0;
    plan->work_cap = ARRAY_LEN(plan->few);
    ys_ranges_init(&plan->implied);
}

void ys_plan_deinit(struct ys_plan *plan)
{
    ys_ranges_deinit(&plan->implied, plan->doc->alloc);
    ys_free_grown(plan->doc->alloc, plan->works, plan->few);
}

enum step {
    STEP_GOAL,      /* the client's clock is where it is wanted */
    STEP_EXHAUSTED, /* there is no struct left */
    STEP_BLOCKED,   /* it needs another client: work->needs */
};

static void begin_work(struct ys_plan *plan, struct ys_work *work, size_t first_block, size_t end_block)
{
    const struct ys_block *block = &plan->update->blocks[first_block];

    work->client = block->client;
    work->run = ys_doc_find_run(plan->doc, block->client);
    work->before = work->clock = work->run ? work->run->clock : ys_doc_clock(plan->doc, block->client);
    work->block = work->first_block = first_block;
    work->end_block = end_block;
    work->ready_bytes = 0;
    work->is_new_run = work->is_stuck = work->is_on_stack = false;
    ys_block_walk_begin(&work->walk, block);
}

static enum ysync_err begin_works(struct ys_plan *plan)
{
    const struct ys_update *update = plan->update;
    size_t end;

    if (!ys_grow_from(plan->doc->alloc, &plan->works, plan->few, &plan->work_cap, update->block_count,
                      sizeof(*plan->works)))
        return YSYNC_ERR_NOMEM;
    for (size_t i = 0; i < update->block_count; i = end) {
        for (end = i + 1; end < update->block_count && update->blocks[end].client == update->blocks[i].client;)
            end++;
        begin_work(plan, &plan->works[plan->work_count++], i, end);
    }
    return YSYNC_OK;
}

static struct ys_work *find_work(const struct ys_plan *plan, uint64_t client)
{
    size_t low = 0;
    size_t high = plan->work_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (plan->works[middle].client > client)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->work_count && plan->works[low].client == client ? &plan->works[low] : NULL;
}

/* Is the struct that `id` names there, or planned? If not, it is what `work` needs. */
static bool is_there(const struct ys_plan *plan, struct ys_work *work, struct ys_id id)
{
    const struct ys_work *other;

    if (id.client == work->client)
        return true; /* decoding saw to it that it lies before the struct itself */
    if (id.clock < ys_doc_clock(plan->doc, id.client))
        return true;
    other = plan->work_count > 1 ? find_work(plan, id.client) : NULL;
    if (other && id.clock < other->clock)
        return true;
    work->needs = (struct ys_id){ id.client, id.clock + 1 };
    return false;
}

static bool is_ready(const struct ys_plan *plan, struct ys_work *work)
{
    const struct ys_struct *s = work->walk.s;
    bool is_cut = work->walk.clock < work->clock; /* what is left of it has its own client's clock as its origin */

    if (work->walk.clock > work->clock) {
        work->needs = (struct ys_id){ work->client, work->walk.clock };
        return false;
    }
    if (ys_struct_kind(s) == YS_KIND_GC)
        return true;
    return (is_cut || !(s->info & YS_INFO_ORIGIN) || is_there(plan, work, s->origin)) &&
           (!(s->info & YS_INFO_RIGHT_ORIGIN) || is_there(plan, work, s->right_origin)) &&
           (is_cut || !s->has_parent_id || is_there(plan, work, s->parent));
}

/* GC and deleted content say that their clocks are deleted, whether or not the delete set does: those that are new. */
static enum ysync_err note_deletion(struct ys_plan *plan, const struct ys_work *work)
{
    enum ys_kind kind = ys_struct_kind(work->walk.s);
    uint64_t end = work->walk.clock + work->walk.s->len;

    if (kind != YS_KIND_GC && kind != YS_KIND_DELETED)
        return YSYNC_OK;
    return ys_ranges_add(&plan->implied, plan->doc->alloc,
                         (struct ys_range){ work->client, work->clock, end - work->clock });
}

/* Goes on with one client until its clock is at its goal, or it can go no further. */
static enum ysync_err advance(struct ys_plan *plan, struct ys_work *work, enum step *out)
{
    enum ysync_err err;

    while (work->block < work->end_block) {
        uint64_t end = work->walk.clock + work->walk.s->len;

        if (!ys_block_walk_is_on(&work->walk)) {
            if (++work->block < work->end_block)
                ys_block_walk_begin(&work->walk, &plan->update->blocks[work->block]);
            continue;
        }
        if (end > work->clock && ys_struct_kind(work->walk.s) != YS_KIND_SKIP) {
            *out = work->clock >= work->goal ? STEP_GOAL : STEP_BLOCKED;
            if (*out == STEP_GOAL || !is_ready(plan, work))
                return YSYNC_OK;
            err = note_deletion(plan, work);
            if (err)
                return err;
            work->clock = end;
            work->ready_bytes += work->walk.s->wire.len;
        }
        ys_block_walk_next(&work->walk);
    }
    *out = STEP_EXHAUSTED;
    return YSYNC_OK;
}

static struct ys_work *push(struct ys_work *top, struct ys_work *next, uint64_t goal)
{
    next->below = top;
    next->goal = goal;
    next->is_on_stack = true;
    return next;
}

static struct ys_work *pop(struct ys_work *top)
{
    top->is_on_stack = false;
    return top->below;
}

/* Goes on with one client to its end, and for it with whom it needs. */
static enum ysync_err drive(struct ys_plan *plan, struct ys_work *work)
{
    struct ys_work *top = push(NULL, work, UINT64_MAX);
    enum step step;

    while (top) {
        struct ys_work *next;
        enum ysync_err err = advance(plan, top, &step);

        if (err)
            return err;
        if (step != STEP_BLOCKED) {
            top = pop(top);
            continue;
        }
        next = find_work(plan, top->needs.client);
        if (next && !next->is_stuck && !next->is_on_stack && next->block < next->end_block) {
            top = push(top, next, top->needs.clock);
            continue;
        }
        for (; top; top = pop(top))
            top->is_stuck = true;
    }
    return YSYNC_OK;
}

enum ysync_err ys_plan_make(struct ys_plan *plan)
{
    enum ysync_err err = begin_works(plan);

    for (size_t i = 0; !err && i < plan->work_count; i++) {
        if (!plan->works[i].is_stuck)
            err = drive(plan, &plan->works[i]);
    }
    return err;
}
