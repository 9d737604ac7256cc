/* SPDX-License-Identifier: MIT */
/*
 * A timer is put in where the last level goes on, and rises; the last of all takes the place of one that is taken out,
 * and rises or sinks from there. So no step takes longer than the tree is high. (Heaps that are quick on the average
 * will not do: when a hundred thousand timers were armed one after the other, as at the start of a server, a pairing
 * heap looks at all of them when the first one fires.)
 *
 * Places are numbered from the top, and from left to right: 1, 2 3, 4 5 6 7 ... The binary digits of such a number
 * behind its first tell the way there, 0 to the left and 1 to the right.
 */
#include "base/timer.h"

#include <stdio.h>
#include <stdlib.h>

void ys_timer_init(struct ys_timer *timer, ys_timer_fn *fire)
{
    *timer = (struct ys_timer){ .fire = fire };
}

static inline bool is_root(const struct ys_timer *timer)
{
    return timer->above == timer;
}

/* What points to the place with this number, and the timer above it. */
static struct ys_timer **find_place(struct ys_timers *timers, size_t number, struct ys_timer **above)
{
    struct ys_timer **place = &timers->root;
    size_t digit = 1;

    *above = NULL;
    while (digit <= number / 2)
        digit *= 2;
    for (digit /= 2; digit > 0; digit /= 2) {
        *above = *place;
        place = number & digit ? &(*place)->right : &(*place)->left;
    }
    return place;
}

/* Sets a timer in the place of another, with what is above and below that. */
static void replace(struct ys_timers *timers, const struct ys_timer *old, struct ys_timer *timer)
{
    timer->above = is_root(old) ? timer : old->above;
    timer->left = old->left;
    timer->right = old->right;
    if (is_root(timer))
        timers->root = timer;
    else if (timer->above->left == old)
        timer->above->left = timer;
    else
        timer->above->right = timer;
    if (timer->left)
        timer->left->above = timer;
    if (timer->right)
        timer->right->above = timer;
}

/* Exchanges a timer with the one above it. */
static void lift(struct ys_timers *timers, struct ys_timer *timer)
{
    struct ys_timer *above = timer->above;
    struct ys_timer below = *timer;
    bool was_left = above->left == timer;

    if (was_left)
        above->left = NULL;
    else
        above->right = NULL;
    replace(timers, above, timer);
    above->left = below.left;
    above->right = below.right;
    above->above = timer;
    if (above->left)
        above->left->above = above;
    if (above->right)
        above->right->above = above;
    if (was_left)
        timer->left = above;
    else
        timer->right = above;
}

static void rise(struct ys_timers *timers, struct ys_timer *timer)
{
    while (!is_root(timer) && timer->due_ms < timer->above->due_ms)
        lift(timers, timer);
}

static void sink(struct ys_timers *timers, struct ys_timer *timer)
{
    for (;;) {
        struct ys_timer *first = timer->left;

        if (timer->right && timer->right->due_ms < first->due_ms)
            first = timer->right;
        if (!first || first->due_ms >= timer->due_ms)
            return;
        lift(timers, first);
    }
}

void ys_timer_disarm(struct ys_timers *timers, struct ys_timer *timer)
{
    struct ys_timer **place;
    struct ys_timer *above;
    struct ys_timer *last;

    if (!timer->above)
        return;
    place = find_place(timers, timers->count, &above);
    last = *place;
    *place = NULL;
    timers->count--;
    if (last != timer) {
        replace(timers, timer, last);
        rise(timers, last);
        sink(timers, last);
    }
    timer->left = timer->right = timer->above = NULL;
}

void ys_timer_arm(struct ys_timers *timers, struct ys_timer *timer, uint64_t due_ms)
{
    struct ys_timer **place;
    struct ys_timer *above;

    ys_timer_disarm(timers, timer);
    timer->due_ms = due_ms;
    timers->count++;
    place = find_place(timers, timers->count, &above);
    *place = timer;
    timer->above = above ? above : timer;
    rise(timers, timer);
}

uint64_t ys_timers_next(const struct ys_timers *timers)
{
    return timers->root ? timers->root->due_ms : YS_TIMER_NEVER;
}

bool ys_timers_run_one(struct ys_timers *timers, uint64_t now_ms)
{
    struct ys_timer *timer = timers->root;

    if (!timer || timer->due_ms > now_ms)
        return false;
    ys_timer_disarm(timers, timer);
    timer->fire(timer, now_ms);
    return true;
}

void ys_timers_run(struct ys_timers *timers, uint64_t now_ms)
{
    while (ys_timers_run_one(timers, now_ms))
        ;
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "timers: %s\n", what);
    abort();
}

void ys_timers_check(const struct ys_timers *timers)
{
    struct ys_timers copy = *timers;

    check((timers->count == 0) == (timers->root == NULL), "miscounted");
    for (size_t number = 1; number <= timers->count; number++) {
        struct ys_timer *above;
        const struct ys_timer *timer = *find_place(&copy, number, &above);

        check(timer != NULL, "a place is empty");
        check(timer->above == (above ? above : timer), "a timer hangs from another one");
        check(timer->due_ms >= timer->above->due_ms, "a timer is due before the one above it");
        check(2 * number <= timers->count || !timer->left, "a timer behind the last one");
        check(2 * number < timers->count || !timer->right, "a timer behind the last one");
    }
}
