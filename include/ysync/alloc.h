/* SPDX-License-Identifier: MIT */
/* Where memory comes from. Whatever is created with an allocator asks it, and nothing else, for its memory. */
#ifndef YSYNC_ALLOC_H
#define YSYNC_ALLOC_H

#include <stddef.h>

#include "ysync/api.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ysync_alloc {
    /* As realloc(): NULL asks for a new block, a failed call returns NULL and leaves ptr as it was.
     * bytes == 0 frees ptr (which may be NULL) and returns NULL. Blocks are aligned as malloc() aligns. */
    void *(*resize)(void *user, void *ptr, size_t bytes);
    void *user;
};

/* malloc() and free(). Static; any thread. */
YSYNC_API const struct ysync_alloc *ysync_alloc_default(void);

#ifdef __cplusplus
}
#endif

#endif
