/* SPDX-License-Identifier: MIT */
/*
 * What the store has of a room's document, and what it is still to have. Rooms without a store have none.
 *
 *     changes      1  2  3  4  5  6  7          counted as they happen
 *     durable      ------>                      so far the store has answered that it has them
 *     under way             4  5  6  7          each was asked of the store at once
 *
 *     a member that sent change 3 wants an echo      at once
 *     a member that sent change 6 wants one          when 6 is durable; until then it waits (awaiting.h)
 *
 * A change that the store did not take, for whatever reason, is lost to its log, and what follows it is of no use
 * there. Then the document itself is what is kept: it is saved whole, which covers all changes so far.
 *
 *     changes      1  2  3  4  5  6  7  8  9
 *     durable      ------>                            3 was lost: 4 and 5 came too early to know, 6 is not sent
 *     lost                  *
 *     saved        ----------------------->           one request for all up to 7
 *     under way                               8  9    they go behind it
 *
 * The whole document is also saved when there is nothing to append to yet, and when the log has outgrown it.
 */
#ifndef YS_ROOM_LEDGER_H
#define YS_ROOM_LEDGER_H

#include "base/list.h"
#include "base/timer.h"
#include "room/store_request.h"

struct ys_context;
struct ys_room;

/* A hub's part in it: who is to be saved, and when it is tried again. */
struct ys_savings {
    struct ys_list requests; /* all that have not been answered */
    struct ys_list to_save;  /* ledgers whose documents are to be saved whole, as soon as not too much is under way */
    struct ys_list failed;   /* likewise, when the store works again */
    struct ys_list refused;  /* likewise, later: it works, but not for them */
    struct ys_timer retry;
    uint64_t retry_after_ms;
    bool is_failing;      /* a write failed: one at a time is tried */
    size_t failed_bytes;  /* the most that such a write had, until one that has as much succeeds */
    bool is_in_a_hurry;   /* the program ends: it is tried again soon */
    size_t saves;         /* under way */
    size_t writes;        /* under way, saves among them */
    size_t bytes;         /* of writes under way */
    size_t waiting_rooms; /* in the three lists */
};

/* How long after a failure it is tried again: at first, and at most. */
#define YS_SAVINGS_MIN_RETRY_MS 100
#define YS_SAVINGS_MAX_RETRY_MS 10000

/* Writes that a hub has under way: what comes then is not asked of the store one by one, but saved whole later. */
#define YS_SAVINGS_MAX_BYTES ((size_t)64 << 20)

/* Documents that are saved at a time. */
#define YS_SAVINGS_MAX_SAVES 64

/* A log that is smaller does not have its document saved. */
#define YS_LEDGER_MIN_LOG_BYTES ((size_t)64 << 10)

struct ys_ledger {
    struct ys_context *context;
    struct ys_room *room;
    struct ysync_store_request *load; /* while the room is loading */
    struct ys_list node;              /* in one of the lists of savings */
    struct ys_list writes;            /* its requests under way */
    struct ys_list awaiting;          /* members, with what waits for its changes */
    struct ys_list waiters;           /* struct ys_room_waiter */
    uint64_t changes;
    uint64_t durable;
    uint64_t lost;  /* the last change that will not be in the log; 0: none */
    uint64_t saved; /* by the save under way, all changes up to here; 0: there is none */
    size_t snapshot_bytes;
    size_t log_bytes;
    bool is_stored;  /* there is something in the store to append to */
    bool is_failing; /* the last write did not succeed */
};

void ys_savings_init(struct ys_savings *savings);

/* The hub goes: nobody waits for answers any more. */
void ys_savings_deinit(struct ys_context *context);

/* Saves some of the documents that are to be saved, as far as so many may be under way. The end of a turn. */
void ys_savings_go_on(struct ys_context *context);

/* Are there more, so that it should be called again soon? */
bool ys_savings_are_due(const struct ys_savings *savings);

/* The program ends: what failed is tried again at once, and soon again. */
void ys_savings_hurry(struct ys_context *context);

/* Has the store all that it is to have? */
bool ys_savings_are_complete(const struct ys_savings *savings);

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_ledger_new(struct ys_context *context, struct ys_room *room, struct ys_ledger **out);
void ys_ledger_free(struct ys_ledger *ledger); /* accepts NULL */

/* What was loaded, if anything was, is what the store has. */
void ys_ledger_begin(struct ys_ledger *ledger, const struct ysync_store_request *loaded, bool is_stored);

/* The document has changed: by this update, or by more than what an update says (one without bytes). Cannot fail. */
void ys_ledger_note(struct ys_ledger *ledger, struct ysync_bytes update);

/* Those whose change is durable are told so; of an error all are. */
void ys_ledger_tell_waiters(struct ys_ledger *ledger, enum ysync_err err);

/* The room is to go: is its document where it is to be? If not, ys_room_settled() will be called when it is. */
bool ys_ledger_settle(struct ys_ledger *ledger);

static inline bool ys_ledger_is_durable(const struct ys_ledger *ledger, uint64_t change)
{
    return change <= ledger->durable;
}

#endif
