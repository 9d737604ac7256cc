/* SPDX-License-Identifier: MIT */
/*
 * Each member's letter comes back as the answer, so nothing has to be allocated on the way. What is not delivered is
 * sent back unanswered; what cannot even be sent back only lets go of the gathering, which goes with its last letter.
 */
#include "server/gather.h"

#include <stdatomic.h>

#include "base/alloc.h"

struct part {
    struct ys_letter letter;
    struct ys_gather *gather;
    struct ys_buf collected;
};

struct ys_gather {
    const struct ysync_alloc *alloc;
    struct ys_crew *crew;
    size_t asker; /* its place */
    ys_gather_collect_fn *collect;
    ys_gather_done_fn *done;
    void *user;
    struct ys_gather **slot; /* NULL: the asker has gone */
    size_t count;
    size_t returned;          /* the asker's */
    atomic_size_t letters;    /* that are still somewhere */
    struct ys_buf *collected; /* as many, for `done` */
    struct part parts[];
};

static void free_gather(struct ys_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++)
        ys_buf_deinit(&gather->parts[i].collected);
    ys_free(gather->alloc, gather->collected);
    ys_free(gather->alloc, gather);
}

static void let_go(struct ys_letter *letter)
{
    struct ys_gather *gather = YS_CONTAINER_OF(letter, struct part, letter)->gather;

    if (atomic_fetch_sub(&gather->letters, 1) == 1)
        free_gather(gather);
}

static void finish(struct ys_gather *gather)
{
    if (!gather->slot)
        return;
    *gather->slot = NULL;
    for (size_t i = 0; i < gather->count; i++)
        gather->collected[i] = gather->parts[i].collected; /* lent */
    gather->done(gather->user, gather->collected, gather->count);
}

static void take_back(struct ys_letter *letter, void *owner)
{
    struct ys_gather *gather = YS_CONTAINER_OF(letter, struct part, letter)->gather;

    (void)owner;
    gather->returned++;
    if (gather->returned == gather->count)
        finish(gather);
    let_go(letter);
}

static void send_back(struct ys_letter *letter)
{
    struct ys_gather *gather = YS_CONTAINER_OF(letter, struct part, letter)->gather;

    letter->deliver = take_back;
    letter->discard = let_go;
    ys_crew_send(gather->crew, gather->asker, letter);
}

static void answer(struct ys_letter *letter, void *owner)
{
    struct part *part = YS_CONTAINER_OF(letter, struct part, letter);

    part->gather->collect(owner, &part->collected);
    send_back(letter);
}

static struct ys_gather *new_gather(struct ys_session_context *context, size_t count)
{
    const struct ysync_alloc *alloc = context->config->alloc;
    struct ys_gather *gather = ys_alloc_zeroed(alloc, 1, sizeof(*gather) + count * sizeof(gather->parts[0]));

    if (!gather)
        return NULL;
    gather->collected = ys_alloc_zeroed(alloc, count, sizeof(*gather->collected));
    if (!gather->collected) {
        ys_free(alloc, gather);
        return NULL;
    }
    gather->alloc = alloc;
    gather->crew = context->crew;
    gather->asker = context->place;
    gather->count = count;
    atomic_init(&gather->letters, count);
    for (size_t i = 0; i < count; i++) {
        gather->parts[i].gather = gather;
        gather->parts[i].letter = (struct ys_letter){ .deliver = answer, .discard = send_back };
        ys_buf_init(&gather->parts[i].collected, alloc, SIZE_MAX);
    }
    return gather;
}

enum ysync_err ys_gather(struct ys_session_context *context, ys_gather_collect_fn *collect, ys_gather_done_fn *done,
                         void *user, struct ys_gather **slot)
{
    size_t count = ys_crew_size(context->crew);
    struct ys_gather *gather = new_gather(context, count);

    if (!gather)
        return YSYNC_ERR_NOMEM;
    gather->collect = collect;
    gather->done = done;
    gather->user = user;
    gather->slot = slot;
    *slot = gather;
    if (count == 1) {
        collect(context, &gather->parts[0].collected);
        take_back(&gather->parts[0].letter, context);
        return YSYNC_OK;
    }
    for (size_t i = 0; i < count; i++)
        ys_crew_send(context->crew, i, &gather->parts[i].letter);
    return YSYNC_OK;
}

void ys_gather_forget(struct ys_gather *gather)
{
    if (gather)
        gather->slot = NULL;
}
