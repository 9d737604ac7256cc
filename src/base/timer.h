/* SPDX-License-Identifier: MIT */
/*
 * Many timers on one clock that the caller owns: a heap through the timers themselves, so that arming needs no memory,
 * and a million idle rooms cost nothing per tick.
 *
 *              3                 no timer is due before the one above it, so the root is due first
 *            /   \
 *           7     5              every level is full but the last, which is filled from the left:
 *          / \   /               so from top to bottom it is never more than the logarithm of their number
 *         9  8  6
 *
 * Times are milliseconds of one monotonic clock. Nothing here reads a clock.
 */
#ifndef YS_BASE_TIMER_H
#define YS_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YS_TIMER_NEVER UINT64_MAX

struct ys_timer;

/* May arm and disarm any timer, and free its own. */
typedef void ys_timer_fn(struct ys_timer *timer, uint64_t now_ms);

struct ys_timer {
    uint64_t due_ms;
    ys_timer_fn *fire;
    struct ys_timer *left;
    struct ys_timer *right;
    struct ys_timer *above; /* of the root: the root itself; NULL: not armed */
};

struct ys_timers {
    struct ys_timer *root;
    size_t count;
};

void ys_timer_init(struct ys_timer *timer, ys_timer_fn *fire);

/* Fires once, at or after due_ms; moves a timer that is armed already. */
void ys_timer_arm(struct ys_timers *timers, struct ys_timer *timer, uint64_t due_ms);
void ys_timer_disarm(struct ys_timers *timers, struct ys_timer *timer); /* does nothing if it is not armed */

static inline bool ys_timer_is_armed(const struct ys_timer *timer)
{
    return timer->above != NULL;
}

/* When the next one is due; YS_TIMER_NEVER if none is armed. */
uint64_t ys_timers_next(const struct ys_timers *timers);

/* Fires the one that is due first; false if none is. For who must not be held up by many at once. */
bool ys_timers_run_one(struct ys_timers *timers, uint64_t now_ms);

/* Fires all that are due. What a callback arms for now or earlier fires in the same call. */
void ys_timers_run(struct ys_timers *timers, uint64_t now_ms);

/* Aborts if an invariant does not hold. */
void ys_timers_check(const struct ys_timers *timers);

#endif
