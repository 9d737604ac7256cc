/* SPDX-License-Identifier: MIT */
#include "base/timer.h"

void ys_timer_init(struct ys_timer *timer, ys_timer_fn *fire)
{
    *timer = (struct ys_timer){ .fire = fire };
}

/* Joins two heaps (either may be NULL); the returned root's link is the caller's to set. */
static struct ys_timer *meld(struct ys_timer *a, struct ys_timer *b)
{
    struct ys_timer *swap;

    if (!a || !b)
        return a ? a : b;
    if (b->due_ms < a->due_ms) {
        swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next)
        b->next->link = &b->next;
    a->child = b;
    b->link = &a->child;
    return a;
}

/* Joins a chain of heaps: in pairs from the left, then all from the right. Without recursion, as chains are long. */
static struct ys_timer *meld_chain(struct ys_timer *chain)
{
    struct ys_timer *pairs = NULL;
    struct ys_timer *whole = NULL;

    while (chain) {
        struct ys_timer *a = chain;
        struct ys_timer *b = a->next;

        chain = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct ys_timer *a = pairs;

        pairs = a->next;
        a->next = NULL;
        whole = meld(whole, a);
    }
    return whole;
}

static void set_root(struct ys_timers *timers, struct ys_timer *root)
{
    timers->root = root;
    if (root)
        root->link = &timers->root;
}

void ys_timer_disarm(struct ys_timers *timers, struct ys_timer *timer)
{
    struct ys_timer *below;

    if (!timer->link)
        return;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    below = meld_chain(timer->child);
    timer->child = timer->next = NULL;
    timer->link = NULL;
    set_root(timers, meld(timers->root, below));
}

void ys_timer_arm(struct ys_timers *timers, struct ys_timer *timer, uint64_t due_ms)
{
    ys_timer_disarm(timers, timer);
    timer->due_ms = due_ms;
    set_root(timers, meld(timers->root, timer));
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
