/* SPDX-License-Identifier: MIT */
/*
 * Memory by count and size: the one place where the product is checked for overflow.
 *
 * Everything here takes the allocator that the object was created with.
 */
#ifndef YS_BASE_ALLOC_H
#define YS_BASE_ALLOC_H

#include <stddef.h>

#include "ysync/alloc.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Uninitialized; NULL if there is no memory. count and size are at least 1. */
void *ys_alloc_array(const struct ysync_alloc *alloc, size_t count, size_t size);

/* As above, filled with zeros. */
void *ys_alloc_zeroed(const struct ysync_alloc *alloc, size_t count, size_t size);

/* Grows or shrinks ptr (NULL: a new block). On NULL the old block is as it was. */
void *ys_realloc_array(const struct ysync_alloc *alloc, void *ptr, size_t count, size_t size);

/* Makes room for at least `need` elements in the array *items of *cap elements, growing by half so
 * that appending stays cheap. Returns 0 and changes nothing if there is no memory. */
int ys_grow_array(const struct ysync_alloc *alloc, void *items, size_t *cap, size_t need, size_t size);

/* The same for an array that begins in storage of the caller's own, `few`: what is in it moves to the heap when it
 * outgrows that. For scratch space that mostly holds one or two things. Free it with ys_free_grown(). */
int ys_grow_from(const struct ysync_alloc *alloc, void *items, const void *few, size_t *cap, size_t need, size_t size);
void ys_free_grown(const struct ysync_alloc *alloc, void *items, const void *few);

/* A copy of a text in *out; of NULL it makes NULL. Returns 0 and changes nothing if there is no memory. */
int ys_copy_text(const struct ysync_alloc *alloc, const char *text, char **out);

/* Accepts NULL. */
void ys_free(const struct ysync_alloc *alloc, void *ptr);

#endif
