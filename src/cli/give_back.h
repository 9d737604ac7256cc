/* SPDX-License-Identifier: MIT */
/* What malloc keeps of freed memory goes back to the system, where malloc can be asked for that. Any thread. */
#ifndef YS_CLI_GIVE_BACK_H
#define YS_CLI_GIVE_BACK_H

void ys_give_back_memory(void);

/* Before there are threads: large blocks are to be given back as soon as they are freed. */
void ys_give_back_large_blocks(void);

#endif
