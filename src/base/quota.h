/* SPDX-License-Identifier: MIT */
/* A number of things of which there may be so many, counted by several threads together. */
#ifndef YS_BASE_QUOTA_H
#define YS_BASE_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ys_quota {
    atomic_size_t used;
    size_t max; /* 0: no limit */
};

static inline void ys_quota_init(struct ys_quota *quota, size_t max)
{
    atomic_init(&quota->used, 0);
    quota->max = max;
}

/* One more. False if there are as many as may be. */
static inline bool ys_quota_take(struct ys_quota *quota)
{
    size_t used = atomic_fetch_add_explicit(&quota->used, 1, memory_order_relaxed);

    if (quota->max == 0 || used < quota->max)
        return true;
    atomic_fetch_sub_explicit(&quota->used, 1, memory_order_relaxed);
    return false;
}

static inline bool ys_quota_is_full(struct ys_quota *quota)
{
    return quota->max > 0 && atomic_load_explicit(&quota->used, memory_order_relaxed) >= quota->max;
}

/* What counted as `before` counts as `after` from now on. */
static inline void ys_quota_change(struct ys_quota *quota, size_t before, size_t after)
{
    if (after != before)
        atomic_fetch_add_explicit(&quota->used, after - before, memory_order_relaxed);
}

static inline void ys_quota_give(struct ys_quota *quota)
{
    atomic_fetch_sub_explicit(&quota->used, 1, memory_order_relaxed);
}

#endif
