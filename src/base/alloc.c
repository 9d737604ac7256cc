/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *resize_with_malloc(void *user, void *ptr, size_t bytes)
{
    (void)user;
    if (bytes == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, bytes);
}

const struct ysync_alloc *ysync_alloc_default(void)
{
    static const struct ysync_alloc with_malloc = { resize_with_malloc, NULL };
    return &with_malloc;
}

void *ys_realloc_array(const struct ysync_alloc *alloc, void *ptr, size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size)
        return NULL;
    return alloc->resize(alloc->user, ptr, count * size);
}

void *ys_alloc_array(const struct ysync_alloc *alloc, size_t count, size_t size)
{
    return ys_realloc_array(alloc, NULL, count, size);
}

void *ys_alloc_zeroed(const struct ysync_alloc *alloc, size_t count, size_t size)
{
    void *block = ys_alloc_array(alloc, count, size);

    if (block)
        memset(block, 0, count * size);
    return block;
}

int ys_grow_array(const struct ysync_alloc *alloc, void *items, size_t *cap, size_t need, size_t size)
{
    void *block;
    size_t want;

    if (need <= *cap)
        return 1;
    want = *cap + *cap / 2;
    if (want < need)
        want = need;
    if (want < 4)
        want = 4;
    memcpy(&block, items, sizeof(block)); /* items is the address of some T *, of whatever T */
    block = ys_realloc_array(alloc, block, want, size);
    if (!block)
        return 0;
    memcpy(items, &block, sizeof(block));
    *cap = want;
    return 1;
}

int ys_grow_from(const struct ysync_alloc *alloc, void *items, const void *few, size_t *cap, size_t need, size_t size)
{
    void *block;
    void *moved = NULL;
    size_t moved_cap = 0;

    memcpy(&block, items, sizeof(block));
    if (need <= *cap || block != few)
        return ys_grow_array(alloc, items, cap, need, size);
    if (!ys_grow_array(alloc, &moved, &moved_cap, need, size))
        return 0;
    memcpy(moved, few, *cap * size);
    memcpy(items, &moved, sizeof(moved));
    *cap = moved_cap;
    return 1;
}

void ys_free_grown(const struct ysync_alloc *alloc, void *items, const void *few)
{
    if (items != few)
        ys_free(alloc, items);
}

int ys_copy_text(const struct ysync_alloc *alloc, const char *text, char **out)
{
    size_t size = text ? strlen(text) + 1 : 0;
    char *copy = text ? ys_alloc_array(alloc, size, 1) : NULL;

    if (text && !copy)
        return 0;
    if (text)
        memcpy(copy, text, size);
    *out = copy;
    return 1;
}

void ys_free(const struct ysync_alloc *alloc, void *ptr)
{
    if (ptr)
        alloc->resize(alloc->user, ptr, 0);
}
