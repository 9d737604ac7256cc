/* SPDX-License-Identifier: MIT */
/* For a malloc that gives memory back by itself, or cannot. */
#include "cli/give_back.h"

void ys_give_back_memory(void)
{
}

void ys_give_back_large_blocks(void)
{
}
