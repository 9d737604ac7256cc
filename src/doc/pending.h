/* SPDX-License-Identifier: MIT */
/*
 * Blocks of structs that wait for others, indexed by what they wait for.
 *
 *     waits for client 7:   heap by clock   [7 >= 12: block a] [7 >= 30: block b] [7 >= 31: block c]
 *     waits for client 9:                   [9 >= 1: block d]
 *     may be known from client 5:           [5 >= 41: block a]   [5 >= 61: block b]
 *
 * When client 7 has come to clock 30, a and b are taken out and tried again; nothing else is looked at. So
 * thirty thousand updates that arrive in reverse order cost thirty thousand times a logarithm. (The heaps are those of
 * base/timer.h: a client's clock is a clock, and what waits for it is due at a time.)
 *
 * What a block waits for is what its first struct refers to. That struct may come another way, where it refers to
 * nothing: as GC, once somebody who had all of it collected its parent. Then what follows it in the block need not wait
 * any longer; so a block is due as well when its own client's clock has passed its first struct's.
 *
 * A block that comes again, as after each reconnect of the client that sent it, is kept once.
 */
#ifndef YS_DOC_PENDING_H
#define YS_DOC_PENDING_H

#include "base/hash.h"
#include "base/timer.h"
#include "doc/update.h"

struct ys_pending_block {
    uint64_t client;
    uint64_t clock;
    uint64_t end;
    uint64_t struct_count;
    uint64_t origin;       /* of the ysync_doc_apply() that brought it */
    struct ys_id needs;    /* waits until needs.client's clock is at least needs.clock */
    struct ys_timer due;   /* in the heap of needs.client; never due while somebody has taken the block */
    uint64_t known_at;     /* its client's clock from which on less of its first struct counts */
    struct ys_timer known; /* in the other heap of its own client, unless that is what it needs; as due */
    size_t len;
    uint8_t bytes[]; /* the structs */
};

/* Most documents never have anything pending. */
struct ys_pending {
    const struct ysync_alloc *alloc;
    const struct ys_hash_seed *seed;  /* NULL: addresses will do */
    struct ys_pending_tables *tables; /* NULL: nothing ever was */
};

void ys_pending_init(struct ys_pending *pending, const struct ysync_alloc *alloc);
/* The seed is kept, and copied when the first block is added. */
void ys_pending_set_seed(struct ys_pending *pending, const struct ys_hash_seed *seed);
void ys_pending_deinit(struct ys_pending *pending);

/* A copy of a block's structs, from the one on at which `walk` stands up to the next Skip or the end of the block,
 * which is where `walk` stands then. `state`: the block's client, and how far its clocks are known. In no index yet. */
YSYNC_CHECKED enum ysync_err ys_pending_block_new(const struct ysync_alloc *alloc, struct ys_id state,
                                                  struct ys_block_walk *walk, uint64_t origin, struct ys_id needs,
                                                  struct ys_pending_block **out);

/* What keeping the block costs, as max_pending counts it. */
size_t ys_pending_cost(const struct ys_pending_block *block);

/* Room for adding these blocks, all of them. */
YSYNC_CHECKED enum ysync_err ys_pending_reserve(struct ys_pending *pending, struct ys_pending_block *const *blocks,
                                                size_t count);

/* Takes the block, for which there is room (reserve). Of two that start at the same clock only the longer is kept: the
 * other one, or NULL, is returned. Free it when all that there is room for have been added. */
struct ys_pending_block *ys_pending_add(struct ys_pending *pending, struct ys_pending_block *block);

/* A block that is due now that `client` has come to `clock`, or NULL. It waits no more, until it is put back; or it is
 * dropped. A block added meanwhile that starts at the same clock takes its place. */
struct ys_pending_block *ys_pending_take(struct ys_pending *pending, uint64_t client, uint64_t clock);
void ys_pending_put_back(struct ys_pending *pending, struct ys_pending_block *block);
void ys_pending_drop(struct ys_pending *pending, struct ys_pending_block *block);

/* Frees a block that is in no index, and the room that was reserved for it alone. Accepts NULL. */
void ys_pending_block_free(struct ys_pending *pending, struct ys_pending_block *block);

/* Is there a block that holds the client's clocks [clock, end), and begins with them? */
bool ys_pending_holds(const struct ys_pending *pending, uint64_t client, uint64_t clock, uint64_t end);

/* The clients for which ys_pending_take() may find blocks, in no particular order: start with *position = 0, until
 * false. Nothing may be added, taken or dropped meanwhile. */
bool ys_pending_next_awaited(const struct ys_pending *pending, size_t *position, uint64_t *client);

size_t ys_pending_count(const struct ys_pending *pending);

/* How many blocks were ever kept. */
uint64_t ys_pending_added(const struct ys_pending *pending);

/* The cost of all blocks. */
size_t ys_pending_bytes(const struct ys_pending *pending);

/* All blocks, by client from high to low, then by clock. *out is for the caller to ys_free(); NULL when there are none.
 */
YSYNC_CHECKED enum ysync_err ys_pending_sorted(const struct ys_pending *pending, struct ys_pending_block ***out);

/* Aborts if an invariant does not hold. */
void ys_pending_check(const struct ys_pending *pending);

/* All blocks in no particular order, as ys_map_next() walks. */
const struct ys_pending_block *ys_pending_next(const struct ys_pending *pending, size_t *position);

/* The block as if it had just been read from an update. */
struct ys_block ys_pending_as_block(const struct ys_pending_block *pending_block);

#endif
