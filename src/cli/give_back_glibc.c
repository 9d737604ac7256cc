/* SPDX-License-Identifier: MIT */
/*
 * By itself glibc gives back only what is free at the very end of its heap, and something always lies there. Asked like
 * this, it gives back every free page: it walks over the free blocks of one arena after the other, and who wants memory
 * of that arena waits meanwhile.
 */
#include "cli/give_back.h"

#include <malloc.h>

/* A block of this size is mapped on its own, and shrinks and goes on its own. glibc begins with this, too, but takes a
 * larger one with each large block that is freed, and then documents lie in the heap with holes between them. */
#define LARGE_BYTES (128 * 1024)

void ys_give_back_memory(void)
{
    malloc_trim(0);
}

void ys_give_back_large_blocks(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}
