/* SPDX-License-Identifier: MIT */
#include "doc/pending.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

struct ys_pending_tables {
    struct ys_hash_seed seed;
    struct ys_map by_start; /* struct ys_pending_block, by client and clock */
    struct ys_map waits;    /* struct wait, by the client whose clock is watched */
    size_t bytes;
    uint64_t added; /* blocks, ever */
};

/* The blocks that are looked at again when one client's clock moves. */
struct wait {
    uint64_t client;
    struct ys_timers due;   /* those that need it */
    struct ys_timers known; /* its own */
};

/* Beside the block itself: its places in the tables, and malloc's own. */
#define INDEX_COST 64

void ys_pending_init(struct ys_pending *pending, const struct ysync_alloc *alloc)
{
    *pending = (struct ys_pending){ .alloc = alloc };
}

void ys_pending_set_seed(struct ys_pending *pending, const struct ys_hash_seed *seed)
{
    pending->seed = seed;
}

/* What can be had without I/O. A peer that would like to make clients collide has to guess where things lie. */
static struct ys_hash_seed seed_from_addresses(const struct ys_pending_tables *tables)
{
    return (struct ys_hash_seed){ (uint64_t)(uintptr_t)tables, (uint64_t)(uintptr_t)&tables };
}

static enum ysync_err make_tables(struct ys_pending *pending)
{
    struct ys_pending_tables *tables = ys_alloc_zeroed(pending->alloc, 1, sizeof(*tables));

    if (!tables)
        return YSYNC_ERR_NOMEM;
    tables->seed = pending->seed ? *pending->seed : seed_from_addresses(tables);
    ys_map_init(&tables->by_start, pending->alloc);
    ys_map_init(&tables->waits, pending->alloc);
    pending->tables = tables;
    return YSYNC_OK;
}

/* To look into: empty ones, if there are none. */
static const struct ys_pending_tables *tables_of(const struct ys_pending *pending)
{
    static const struct ys_pending_tables none = { .bytes = 0 };

    return pending->tables ? pending->tables : &none;
}

void ys_pending_deinit(struct ys_pending *pending)
{
    struct ys_pending_tables *tables = pending->tables;
    void *item;

    if (!tables)
        return;
    for (size_t i = 0; (item = ys_map_next(&tables->by_start, &i)) != NULL;)
        ys_free(pending->alloc, item);
    for (size_t i = 0; (item = ys_map_next(&tables->waits, &i)) != NULL;)
        ys_free(pending->alloc, item);
    ys_map_deinit(&tables->by_start);
    ys_map_deinit(&tables->waits);
    ys_free(pending->alloc, tables);
    pending->tables = NULL;
}

static uint64_t hash_start(const struct ys_pending_tables *tables, uint64_t client, uint64_t clock)
{
    return ys_hash_u64(tables->seed, ys_hash_u64(tables->seed, client) ^ clock);
}

static bool starts_at(const void *item, const void *key)
{
    const struct ys_pending_block *block = item;
    const struct ys_id *start = key;

    return block->client == start->client && block->clock == start->clock;
}

static bool waits_for(const void *item, const void *key)
{
    const struct wait *wait = item;
    const uint64_t *client = key;

    return wait->client == *client;
}

static struct wait *find_wait(const struct ys_pending *pending, uint64_t client)
{
    const struct ys_pending_tables *tables = tables_of(pending);

    return ys_map_find(&tables->waits, ys_hash_u64(tables->seed, client), waits_for, &client);
}

static void remove_wait_if_empty(struct ys_pending *pending, struct wait *wait)
{
    if (wait && !wait->due.root && !wait->known.root) {
        ys_map_remove(&pending->tables->waits, ys_hash_u64(pending->tables->seed, wait->client), wait);
        ys_free(pending->alloc, wait);
    }
}

enum ysync_err ys_pending_block_new(const struct ysync_alloc *alloc, struct ys_id state, struct ys_block_walk *walk,
                                    uint64_t origin, struct ys_id needs, struct ys_pending_block **out)
{
    const uint8_t *start = walk->s->wire.data;
    uint64_t clock = walk->clock;
    uint64_t known_at = clock < state.clock ? clock + walk->s->len : clock + 1;
    uint64_t struct_count = 0;
    size_t len = 0;
    struct ys_pending_block *copy;

    for (; ys_block_walk_is_on(walk) && ys_struct_kind(walk->s) != YS_KIND_SKIP; ys_block_walk_next(walk)) {
        len += walk->s->wire.len;
        struct_count++;
    }
    copy = ys_alloc_array(alloc, sizeof(*copy) + len, 1);
    if (!copy)
        return YSYNC_ERR_NOMEM;
    *copy = (struct ys_pending_block){ .client = state.client,
                                       .clock = clock,
                                       .end = walk->clock,
                                       .struct_count = struct_count,
                                       .origin = origin,
                                       .needs = needs,
                                       .known_at = known_at,
                                       .len = len };
    memcpy(copy->bytes, start, len);
    *out = copy;
    return YSYNC_OK;
}

size_t ys_pending_cost(const struct ys_pending_block *block)
{
    return sizeof(*block) + block->len + INDEX_COST;
}

static enum ysync_err add_wait(struct ys_pending *pending, uint64_t client)
{
    struct wait *wait;

    if (find_wait(pending, client))
        return YSYNC_OK;
    wait = ys_alloc_zeroed(pending->alloc, 1, sizeof(*wait));
    if (!wait)
        return YSYNC_ERR_NOMEM;
    wait->client = client;
    ys_map_add(&pending->tables->waits, ys_hash_u64(pending->tables->seed, client), wait);
    return YSYNC_OK;
}

enum ysync_err ys_pending_reserve(struct ys_pending *pending, struct ys_pending_block *const *blocks, size_t count)
{
    enum ysync_err err = pending->tables || count == 0 ? YSYNC_OK : make_tables(pending);

    if (!err && count > 0)
        err = ys_map_reserve(&pending->tables->by_start, count);
    if (!err && count > 0)
        err = ys_map_reserve(&pending->tables->waits, 2 * count);
    for (size_t i = 0; !err && i < count; i++)
        err = add_wait(pending, blocks[i]->needs.client);
    for (size_t i = 0; !err && i < count; i++)
        err = add_wait(pending, blocks[i]->client);
    return err;
}

void ys_pending_block_free(struct ys_pending *pending, struct ys_pending_block *block)
{
    uint64_t client;
    uint64_t needed;

    if (!block)
        return;
    client = block->client;
    needed = block->needs.client;
    ys_free(pending->alloc, block);
    remove_wait_if_empty(pending, find_wait(pending, needed));
    remove_wait_if_empty(pending, find_wait(pending, client));
}

static void arm_for(struct ys_pending *pending, struct ys_pending_block *block, uint64_t needed, uint64_t known)
{
    ys_timer_arm(&find_wait(pending, block->needs.client)->due, &block->due, needed);
    if (block->needs.client != block->client)
        ys_timer_arm(&find_wait(pending, block->client)->known, &block->known, known);
}

static void arm(struct ys_pending *pending, struct ys_pending_block *block)
{
    arm_for(pending, block, block->needs.clock, block->known_at);
}

/* Out of its heaps; what it waited for is watched on. */
static void disarm(struct ys_pending *pending, struct ys_pending_block *block)
{
    ys_timer_disarm(&find_wait(pending, block->needs.client)->due, &block->due);
    ys_timer_disarm(&find_wait(pending, block->client)->known, &block->known);
    pending->tables->bytes -= ys_pending_cost(block);
}

struct ys_pending_block *ys_pending_add(struct ys_pending *pending, struct ys_pending_block *block)
{
    struct ys_pending_tables *tables = pending->tables;
    uint64_t hash = hash_start(tables, block->client, block->clock);
    struct ys_id start = { block->client, block->clock };
    struct ys_pending_block *same = ys_map_find(&tables->by_start, hash, starts_at, &start);
    bool is_same_taken = same && same->due.due_ms == YS_TIMER_NEVER;

    if (same && !is_same_taken && same->end >= block->end)
        return block;
    arm(pending, block);
    tables->bytes += ys_pending_cost(block);
    tables->added++;
    if (!same) {
        ys_map_add(&tables->by_start, hash, block);
        return NULL;
    }
    ys_map_replace(&tables->by_start, hash, same, block);
    if (is_same_taken)
        return NULL;
    disarm(pending, same);
    return same;
}

struct ys_pending_block *ys_pending_take(struct ys_pending *pending, uint64_t client, uint64_t clock)
{
    struct wait *wait = find_wait(pending, client);
    struct ys_pending_block *block;

    if (wait && ys_timers_next(&wait->due) <= clock)
        block = YS_CONTAINER_OF(wait->due.root, struct ys_pending_block, due);
    else if (wait && ys_timers_next(&wait->known) <= clock)
        block = YS_CONTAINER_OF(wait->known.root, struct ys_pending_block, known);
    else
        return NULL;
    arm_for(pending, block, YS_TIMER_NEVER, YS_TIMER_NEVER); /* so that the heaps, and room in them, stay */
    return block;
}

void ys_pending_put_back(struct ys_pending *pending, struct ys_pending_block *block)
{
    arm(pending, block);
}

void ys_pending_drop(struct ys_pending *pending, struct ys_pending_block *block)
{
    struct ys_pending_tables *tables = pending->tables;
    uint64_t hash = hash_start(tables, block->client, block->clock);
    struct ys_id start = { block->client, block->clock };

    if (ys_map_find(&tables->by_start, hash, starts_at, &start) == block)
        ys_map_remove(&tables->by_start, hash, block);
    disarm(pending, block);
    ys_pending_block_free(pending, block);
}

bool ys_pending_holds(const struct ys_pending *pending, uint64_t client, uint64_t clock, uint64_t end)
{
    const struct ys_pending_tables *tables = tables_of(pending);
    struct ys_id start = { client, clock };
    const struct ys_pending_block *block = ys_map_find(&tables->by_start, hash_start(tables, client, clock), starts_at,
                                                       &start);

    return block && block->end >= end;
}

bool ys_pending_next_awaited(const struct ys_pending *pending, size_t *position, uint64_t *client)
{
    const struct wait *wait = ys_map_next(&tables_of(pending)->waits, position);

    if (wait)
        *client = wait->client;
    return wait != NULL;
}

size_t ys_pending_count(const struct ys_pending *pending)
{
    return tables_of(pending)->by_start.count;
}

uint64_t ys_pending_added(const struct ys_pending *pending)
{
    return tables_of(pending)->added;
}

size_t ys_pending_bytes(const struct ys_pending *pending)
{
    return tables_of(pending)->bytes;
}

static int compare_blocks(const void *left, const void *right)
{
    const struct ys_pending_block *a = *(struct ys_pending_block *const *)left;
    const struct ys_pending_block *b = *(struct ys_pending_block *const *)right;

    if (a->client != b->client)
        return a->client > b->client ? -1 : 1;
    return a->clock < b->clock ? -1 : a->clock > b->clock;
}

enum ysync_err ys_pending_sorted(const struct ys_pending *pending, struct ys_pending_block ***out)
{
    size_t count = ys_pending_count(pending);
    struct ys_pending_block **blocks;
    void *item;

    if (count == 0) {
        *out = NULL;
        return YSYNC_OK;
    }
    blocks = ys_alloc_array(pending->alloc, count, sizeof(*blocks));
    if (!blocks)
        return YSYNC_ERR_NOMEM;
    count = 0;
    for (size_t i = 0; (item = ys_map_next(&tables_of(pending)->by_start, &i)) != NULL;)
        blocks[count++] = item;
    qsort(blocks, count, sizeof(*blocks), compare_blocks);
    *out = blocks;
    return YSYNC_OK;
}

const struct ys_pending_block *ys_pending_next(const struct ys_pending *pending, size_t *position)
{
    return ys_map_next(&tables_of(pending)->by_start, position);
}

struct ys_block ys_pending_as_block(const struct ys_pending_block *pending_block)
{
    struct ys_block block = { .client = pending_block->client,
                              .clock = pending_block->clock,
                              .end = pending_block->end,
                              .struct_count = pending_block->struct_count,
                              .bytes = { pending_block->bytes, pending_block->len },
                              .has_structure = true }; /* unknown; nothing is lost by assuming it */
    struct ys_reader in = ys_reader_init(block.bytes);

    ys_struct_read(&in, &block.first);
    return block;
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "pending: %s\n", what);
    abort();
}

void ys_pending_check(const struct ys_pending *pending)
{
    const struct ys_pending_block *block;
    const struct wait *wait;
    size_t bytes = 0;

    for (size_t i = 0; (block = ys_pending_next(pending, &i)) != NULL;) {
        bool needs_other = block->needs.client != block->client;

        check(block->due.due_ms == block->needs.clock, "a block waits for nothing");
        check(ys_timer_is_armed(&block->known) == needs_other, "a block may become known, and nobody watches");
        check(!needs_other || block->known.due_ms == block->known_at, "a block is looked for at another clock");
        check(find_wait(pending, block->needs.client) != NULL, "a block waits for a client that nobody watches");
        check(block->clock < block->end && block->struct_count > 0, "an empty block");
        bytes += ys_pending_cost(block);
    }
    for (size_t i = 0; (wait = ys_map_next(&tables_of(pending)->waits, &i)) != NULL;)
        check(wait->due.root || wait->known.root, "a client is watched for nobody");
    check(bytes == ys_pending_bytes(pending), "memory is miscounted");
}
