/* SPDX-License-Identifier: MIT */
/*
 * A plugin's way to its store, and the answers' way back to the plugin's thread.
 *
 *     hub --- append ---> link: what time is it? --- append ---> store
 *                                                                  |  any thread
 *     hub <--- answer --- link: how long did it take? <--- mailbox-'
 *
 * What goes wrong is logged here: what concerns all rooms once, until it is over.
 */
#ifndef YS_SERVER_STORE_LINK_H
#define YS_SERVER_STORE_LINK_H

#include "net/mailbox.h"
#include "server/store_health.h"
#include "ysync/log.h"
#include "ysync/store.h"

struct ys_store_link {
    struct ysync_store face; /* for the hub: a store that passes on what it is asked */
    const struct ysync_store *store;
    struct ys_mailbox *mailbox;
    struct ys_store_health *health;
    bool is_failing; /* the hub's last word of it */
    const struct ysync_log *log;
};

/* All that is pointed to is kept. The mailbox's owner is the plugin's session context. */
void ys_store_link_init(struct ys_store_link *link, const struct ysync_store *store, struct ys_mailbox *mailbox,
                        struct ys_store_health *health, const struct ysync_log *log);

#endif
