/* SPDX-License-Identifier: MIT */
/* What a hub's rooms and members share: the hub as seen from below. */
#ifndef YS_ROOM_CONTEXT_H
#define YS_ROOM_CONTEXT_H

#include "base/timer.h"
#include "room/hub.h"

struct ys_context {
    struct ys_hub_config config;
    struct ys_timers timers;
    struct ys_hub_counters counters;
    struct ys_blob *keep_alive; /* an empty awareness message */
    uint64_t last_member_id;
    uint64_t last_change_number;
    bool is_waking; /* events.wake is running: it must not call into the hub */

    /* The room's time is over: it has no members, and is to be forgotten and freed. */
    void (*evict)(struct ys_context *context, struct ys_room *room);
};

#endif
