/* SPDX-License-Identifier: MIT */
/*
 * A hash table of pointers to items that know their own keys.
 *
 *     slot    0      1      2      3      4   ...        linear probing; an item stands at its home slot
 *           [h=8]  [h=1]  [h=0]  [   ]  [h=4]            (hash modulo slots) or as near behind it as was free
 *
 * The caller hashes (base/hash.h: keys come from peers) and compares. Adding is split in two: reserve may
 * fail, add cannot, so that changes stay all or nothing. Removing moves later items back, without
 * leaving gravestones, and gives memory back when few items are left.
 */
#ifndef YS_BASE_MAP_H
#define YS_BASE_MAP_H

#include <stdbool.h>

#include "ysync/alloc.h"
#include "ysync/err.h"
#include <stdint.h>

struct ys_map_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct ys_map {
    struct ys_map_slot *slots;
    size_t slot_count; /* 0 or a power of two, never more than three quarters full */
    size_t count;
    const struct ysync_alloc *alloc;
};

/* Is `item` the one with this key? */
typedef bool ys_map_is_fn(const void *item, const void *key);

void ys_map_init(struct ys_map *map, const struct ysync_alloc *alloc);
void ys_map_deinit(struct ys_map *map); /* the items are the caller's */

/* The item, or NULL. */
void *ys_map_find(const struct ys_map *map, uint64_t hash, ys_map_is_fn *is, const void *key);

/* Room for `extra` more items. */
YSYNC_CHECKED enum ysync_err ys_map_reserve(struct ys_map *map, size_t extra);

/* There is room (reserve), and no item with the same key. */
void ys_map_add(struct ys_map *map, uint64_t hash, void *item);

/* Puts `item`, which has the same key, in the place of `old`. */
void ys_map_replace(struct ys_map *map, uint64_t hash, const void *old, void *item);

/* The item is in the map, added with this hash. */
void ys_map_remove(struct ys_map *map, uint64_t hash, const void *item);

/* All items in no particular order: start with *position = 0, until NULL. The map must not change meanwhile. */
void *ys_map_next(const struct ys_map *map, size_t *position);

#endif
