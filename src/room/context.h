/* SPDX-License-Identifier: MIT */
/* What a hub's rooms and members share: the hub as seen from below. */
#ifndef YS_ROOM_CONTEXT_H
#define YS_ROOM_CONTEXT_H

#include "base/list.h"
#include "base/timer.h"
#include "room/hub.h"
#include "room/shared_merge.h"

struct ys_context {
    struct ys_hub_config config;
    struct ysync_log log; /* config.log, unless that is NULL */
    struct ys_timers timers;
    struct ys_hub_counters counters;
    struct ys_hub_totals totals;
    struct ys_blob *keep_alive; /* an empty awareness message */
    uint64_t last_member_id;
    uint64_t last_change_number;
    bool is_in_callback;    /* one that must not call into the hub */
    size_t tick_cost;       /* of what this tick has done so far */
    struct ys_list to_send; /* public.c: members with something to send */
    struct ys_shared_merges merges;
    struct ys_room **compacting; /* rooms whose documents have a compaction to go on with */
    size_t compacting_count;
    size_t compacting_cap;

    /* The room's time is over: it has no members, and is to be forgotten and freed. */
    void (*evict)(struct ys_context *context, struct ys_room *room);
};

struct ys_context *ys_hub_context(struct ys_hub *hub);

#endif
