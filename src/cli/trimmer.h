/* SPDX-License-Identifier: MIT */
/*
 * A thread that gives freed memory back to the system some time after there was any:
 *
 *     note note note . . . . give back . . . . . . note . . . . give back
 *      '-- pause -----------'                       '-- pause -'
 *
 * The pause lets what begins as one eviction become the eviction of all, and is at least a thousand times as long as
 * giving back took the last time: so it takes a thousandth of the time, however much memory there is.
 */
#ifndef YS_CLI_TRIMMER_H
#define YS_CLI_TRIMMER_H

#include <stdint.h>

#include "ysync/err.h"

struct ys_trimmer;

/* Errors: NOMEM, IO (no thread can be made). */
YSYNC_CHECKED enum ysync_err ys_trimmer_start(void (*give_back)(void), uint64_t min_pause_ms, struct ys_trimmer **out);

/* Ends the thread. Accepts NULL. */
void ys_trimmer_stop(struct ys_trimmer *trimmer);

/* There is something to give back. Any thread. */
void ys_trimmer_note(struct ys_trimmer *trimmer);

#endif
