/* SPDX-License-Identifier: MIT */
/*
 * By itself glibc gives back only what is free at the very end of its heap, and something always lies there. Asked like
 * this, it gives back every free page: it walks over the free blocks of one arena after the other, and who wants memory
 * of that arena waits meanwhile.
 */
#include "cli/give_back.h"

#include <malloc.h>

void ys_give_back_memory(void)
{
    malloc_trim(0);
}
