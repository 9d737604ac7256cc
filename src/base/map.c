/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <assert.h>

#include "base/alloc.h"

#define MIN_SLOTS 8

void ys_map_init(struct ys_map *map, const struct ysync_alloc *alloc)
{
    *map = (struct ys_map){ .alloc = alloc };
}

void ys_map_deinit(struct ys_map *map)
{
    ys_free(map->alloc, map->slots);
    ys_map_init(map, map->alloc);
}

void *ys_map_find(const struct ys_map *map, uint64_t hash, ys_map_is_fn *is, const void *key)
{
    size_t mask = map->slot_count - 1;

    if (map->slot_count == 0)
        return NULL;
    for (size_t i = (size_t)hash & mask; map->slots[i].item; i = (i + 1) & mask) {
        if (map->slots[i].hash == hash && is(map->slots[i].item, key))
            return map->slots[i].item;
    }
    return NULL;
}

static void put(struct ys_map_slot *slots, size_t slot_count, struct ys_map_slot entry)
{
    size_t mask = slot_count - 1;
    size_t i = (size_t)entry.hash & mask;

    while (slots[i].item)
        i = (i + 1) & mask;
    slots[i] = entry;
}

static enum ysync_err resize(struct ys_map *map, size_t slot_count)
{
    struct ys_map_slot *slots = ys_alloc_zeroed(map->alloc, slot_count, sizeof(*slots));

    if (!slots)
        return YSYNC_ERR_NOMEM;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].item)
            put(slots, slot_count, map->slots[i]);
    }
    ys_free(map->alloc, map->slots);
    map->slots = slots;
    map->slot_count = slot_count;
    return YSYNC_OK;
}

static void put_anew(struct ys_map *map, size_t i, size_t slot_count)
{
    struct ys_map_slot entry = map->slots[i];

    map->slots[i].item = NULL;
    if (entry.item)
        put(map->slots, slot_count, entry);
}

/* Moves the upper half of the table into the lower one, and gives its memory back. In place: when most of what was
 * there is gone, asking malloc for another large block makes it look at all that was freed, which takes many times as
 * long.
 *
 * What stands in the lower half is at home there, but for the items at its beginning that had no room at the end of
 * the upper one, and those behind them without a gap. */
static void halve(struct ys_map *map)
{
    size_t half = map->slot_count / 2;
    struct ys_map_slot *slots;

    for (size_t i = 0; i < half && map->slots[i].item; i++)
        put_anew(map, i, half);
    for (size_t i = half; i < map->slot_count; i++)
        put_anew(map, i, half);
    map->slot_count = half;
    slots = ys_realloc_array(map->alloc, map->slots, half, sizeof(*slots));
    if (slots) /* if not, the memory stays, and is not used */
        map->slots = slots;
}

enum ysync_err ys_map_reserve(struct ys_map *map, size_t extra)
{
    size_t slot_count = map->slot_count ? map->slot_count : MIN_SLOTS;

    if (extra > SIZE_MAX / 4 - map->count)
        return YSYNC_ERR_NOMEM;
    while (map->count + extra > slot_count - slot_count / 4)
        slot_count *= 2;
    return slot_count == map->slot_count ? YSYNC_OK : resize(map, slot_count);
}

void ys_map_add(struct ys_map *map, uint64_t hash, void *item)
{
    assert(item && map->count < map->slot_count - map->slot_count / 4);
    put(map->slots, map->slot_count, (struct ys_map_slot){ hash, item });
    map->count++;
}

/* Fills the hole at i with the next item that would rather stand there, and so on until the run of items ends. */
static void close_hole(struct ys_map *map, size_t i)
{
    size_t mask = map->slot_count - 1;

    for (size_t j = (i + 1) & mask; map->slots[j].item; j = (j + 1) & mask) {
        size_t home = (size_t)map->slots[j].hash & mask;

        if (((j - home) & mask) >= ((j - i) & mask)) {
            map->slots[i] = map->slots[j];
            i = j;
        }
    }
    map->slots[i].item = NULL;
}

static size_t find_slot(const struct ys_map *map, uint64_t hash, const void *item)
{
    size_t mask = map->slot_count - 1;
    size_t i = (size_t)hash & mask;

    assert(map->count > 0);
    while (map->slots[i].item != item)
        i = (i + 1) & mask;
    return i;
}

void ys_map_replace(struct ys_map *map, uint64_t hash, const void *old, void *item)
{
    map->slots[find_slot(map, hash, old)].item = item;
}

void ys_map_remove(struct ys_map *map, uint64_t hash, const void *item)
{
    close_hole(map, find_slot(map, hash, item));
    map->count--;
    if (map->count == 0)
        ys_map_deinit(map);
    else if (map->slot_count > MIN_SLOTS && map->count < map->slot_count / 8)
        halve(map);
}

void *ys_map_next(const struct ys_map *map, size_t *position)
{
    while (*position < map->slot_count) {
        void *item = map->slots[(*position)++].item;

        if (item)
            return item;
    }
    return NULL;
}
