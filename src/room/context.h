/* SPDX-License-Identifier: MIT */
/* What a hub's rooms and members share: the hub as seen from below. */
#ifndef YS_ROOM_CONTEXT_H
#define YS_ROOM_CONTEXT_H

#include "base/list.h"
#include "base/timer.h"
#include "room/hub.h"
#include "room/ledger.h"
#include "room/shared_merge.h"

struct ys_context {
    struct ys_hub_config config;
    struct ysync_log log; /* config.log, unless that is NULL */
    struct ys_timers timers;
    struct ys_hub_counters counters;
    struct ys_hub_totals totals;
    struct ys_blob *keep_alive; /* an empty awareness message */
    struct ys_savings savings;
    struct ys_list answered; /* requests to the store whose answers are to be taken in */
    uint64_t now_ms;         /* when the hub was last called by somebody who knew */
    uint64_t last_member_id;
    uint64_t last_change_number;
    uint64_t origin;        /* of the change that is running in one of the rooms */
    uint64_t pending_added; /* to its document, before that */
    bool has_news;          /* it did bring some */
    bool is_in_callback;    /* one that must not call into the hub */
    size_t tick_cost;       /* of what this tick has done so far */
    struct ys_list to_send; /* public.c: members with something to send */
    struct ys_shared_merges merges;
    struct ys_room **compacting; /* rooms whose documents have a compaction to go on with */
    size_t compacting_count;
    size_t compacting_cap;

    /* The room's time is over: it has no members, and is to be forgotten and freed. */
    void (*evict)(struct ys_context *context, struct ys_room *room);

    /* The room could not be loaded: it is to be forgotten, and its members told. */
    void (*give_up)(struct ys_context *context, struct ys_room *room);
};

/* A question to the store, to be asked by ys_store_ask(). Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_context_new_request(struct ys_context *context, enum ys_store_request_kind kind,
                                                    struct ysync_bytes room, struct ysync_bytes update,
                                                    ys_store_done_fn *done, void *user,
                                                    struct ysync_store_request **out);

/* The same to load a document: with one that is to be filled. */
YSYNC_CHECKED enum ysync_err ys_context_new_load(struct ys_context *context, struct ysync_bytes room,
                                                 ys_store_done_fn *done, void *user, struct ysync_store_request **out);

/* Takes in what was answered on this thread. */
void ys_context_take_answers(struct ys_context *context);

/* The hub goes: whatever the answer will be, it is nobody's. */
void ys_context_abandon_request(struct ysync_store_request *request);

struct ys_context *ys_hub_context(struct ys_hub *hub);

#endif
