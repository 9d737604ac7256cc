/* SPDX-License-Identifier: MIT */
/*
 * An allocator for tests: it counts the blocks and bytes that are alive, and fails when it is told to.
 *
 *     for (size_t n = 0;; n++) {
 *         struct ys_test_alloc memory;
 *
 *         ys_test_alloc_init(&memory, n);           the n-th request, from 0, is the first to fail
 *         err = try(&memory.alloc);
 *         assert_int_equal(memory.live_blocks, 0);  nothing leaked
 *         if (!memory.failed)
 *             break;                                it needs no more than n requests
 *         assert_int_equal(err, YSYNC_ERR_NOMEM);
 *     }
 *
 * Every later request fails too: what cleans up must not need memory. Blocks move each time they are resized, so that
 * the sanitizers see whoever holds on to the old place. Any thread may ask.
 */
#ifndef YS_TEST_FAILING_ALLOC_H
#define YS_TEST_FAILING_ALLOC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ysync/alloc.h"

#define YS_TEST_NEVER_FAIL SIZE_MAX

struct ys_test_alloc {
    struct ysync_alloc alloc; /* hand out its address */
    size_t fail_at;
    size_t requests; /* for memory; frees do not count */
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes; /* most that were alive at once */
    bool failed;       /* has a request been refused? */
    pthread_mutex_t mutex;
};

/* In front of each block: as large as the strictest alignment asks. */
union ys_test_block {
    size_t bytes;
    max_align_t align;
};

static inline void *ys_test_alloc_new_block(struct ys_test_alloc *memory, size_t bytes)
{
    union ys_test_block *block;

    if (memory->requests++ >= memory->fail_at || bytes > SIZE_MAX - sizeof(*block)) {
        memory->failed = true;
        return NULL;
    }
    block = malloc(sizeof(*block) + bytes);
    if (!block)
        abort();
    block->bytes = bytes;
    memset(block + 1, 0xa5, bytes);
    memory->live_blocks++;
    memory->live_bytes += bytes;
    if (memory->live_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->live_bytes;
    return block + 1;
}

static inline void ys_test_alloc_free_block(struct ys_test_alloc *memory, void *ptr)
{
    union ys_test_block *block = (union ys_test_block *)ptr - 1;

    memory->live_blocks--;
    memory->live_bytes -= block->bytes;
    free(block);
}

static inline void *ys_test_alloc_resize_block(struct ys_test_alloc *memory, void *ptr, size_t bytes)
{
    size_t old_bytes = ptr ? ((union ys_test_block *)ptr - 1)->bytes : 0;
    void *moved;

    if (bytes == 0) {
        if (ptr)
            ys_test_alloc_free_block(memory, ptr);
        return NULL;
    }
    moved = ys_test_alloc_new_block(memory, bytes);
    if (moved && ptr) {
        memcpy(moved, ptr, old_bytes < bytes ? old_bytes : bytes);
        ys_test_alloc_free_block(memory, ptr);
    }
    return moved;
}

static inline void *ys_test_alloc_resize(void *user, void *ptr, size_t bytes)
{
    struct ys_test_alloc *memory = user;
    void *resized;

    pthread_mutex_lock(&memory->mutex);
    resized = ys_test_alloc_resize_block(memory, ptr, bytes);
    pthread_mutex_unlock(&memory->mutex);
    return resized;
}

/* fail_at: the first request to fail, counted from 0; YS_TEST_NEVER_FAIL for none. */
static inline void ys_test_alloc_init(struct ys_test_alloc *memory, size_t fail_at)
{
    *memory = (struct ys_test_alloc){ .alloc = { ys_test_alloc_resize, memory },
                                      .fail_at = fail_at,
                                      .mutex = PTHREAD_MUTEX_INITIALIZER };
}

#endif
