/* SPDX-License-Identifier: MIT */
/*
 * Does the store work? All loops of a server find out at about the same time, and whoever runs it wants to read of it
 * once.
 *
 *     WORKING --- a request fails: one line, what is wrong and what to do ---> FAILING
 *        ^------------ no hub has anything that fails: one line ----------------'
 *
 * A disk that is nearly full takes one write and refuses the next: that is told once in ten seconds.
 */
#ifndef YS_SERVER_STORE_HEALTH_H
#define YS_SERVER_STORE_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define YS_STORE_HEALTH_INTERVAL_S 10

struct ys_store_health {
    atomic_bool is_failing;
    atomic_uint hubs;                       /* whose last word is that it fails */
    atomic_uint_least64_t told_at_s;        /* that it fails; 0: never */
    atomic_uint_least64_t last_complaint_s; /* about a single room */
};

static inline void ys_store_health_init(struct ys_store_health *health)
{
    atomic_init(&health->is_failing, false);
    atomic_init(&health->hubs, 0);
    atomic_init(&health->told_at_s, 0);
    atomic_init(&health->last_complaint_s, 0);
}

/* True for the first who says so, unless it was said of late. */
static inline bool ys_store_health_fell_ill(struct ys_store_health *health, uint64_t now_s)
{
    uint64_t told_at_s = atomic_load(&health->told_at_s);

    if (told_at_s > 0 && now_s < told_at_s + YS_STORE_HEALTH_INTERVAL_S)
        return false;
    if (atomic_exchange(&health->is_failing, true))
        return false;
    atomic_store(&health->told_at_s, now_s);
    return true;
}

/* A hub finds that the store fails, and later that it does not; true: it was the last that found so. */
static inline void ys_store_health_add_hub(struct ys_store_health *health)
{
    atomic_fetch_add(&health->hubs, 1);
}

static inline bool ys_store_health_remove_hub(struct ys_store_health *health)
{
    return atomic_fetch_sub(&health->hubs, 1) == 1;
}

static inline bool ys_store_health_recovered(struct ys_store_health *health)
{
    return atomic_load_explicit(&health->is_failing, memory_order_relaxed) &&
           atomic_exchange(&health->is_failing, false);
}

/* May a line about a single room be written? One a second: clients come back as soon as they are turned away. */
static inline bool ys_store_health_may_complain(struct ys_store_health *health, uint64_t now_s)
{
    return atomic_exchange(&health->last_complaint_s, now_s) != now_s;
}

#endif
