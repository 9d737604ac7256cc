/* SPDX-License-Identifier: MIT */
/*
 * The timer is armed for when silence would last long enough. Messages do not touch it: they only note when they were
 * taken, and a timer that fires too early is armed again for what is left. So a busy member costs one firing every 15
 * seconds, whatever it sends.
 */
#include "room/member.h"

#include <assert.h>

#include "base/alloc.h"
#include "room/awaiting.h"
#include "room/room.h"

static void wake(struct ys_member *member)
{
    if (member->is_awake)
        return;
    member->is_awake = true;
    member->context->is_in_callback = true;
    member->events->wake(member->user);
    member->context->is_in_callback = false;
}

/* Into an outbox that is empty, so it cannot fail. */
static void put_keep_alive(struct ys_member *member)
{
    if (ys_outbox_put_reply(&member->outbox, NULL, member->context->keep_alive)) {
        assert(0 && "an empty outbox has room for one message");
        return;
    }
    member->context->counters.sent[YS_MESSAGE_AWARENESS]++;
}

static bool is_waiting(const struct ys_member *member)
{
    return ys_awaiting_has_acknowledgements(member) || ys_room_is_loading(member->room);
}

void ys_member_note_waiting(struct ys_member *member)
{
    uint64_t due_ms = member->context->now_ms + YS_MEMBER_WAITING_KEEP_ALIVE_MS;

    if (due_ms < member->timer.due_ms)
        ys_timer_arm(&member->context->timers, &member->timer, due_ms);
}

static void on_timer(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_member *member = YS_CONTAINER_OF(timer, struct ys_member, timer);
    uint64_t interval_ms = is_waiting(member) ? YS_MEMBER_WAITING_KEEP_ALIVE_MS : YS_MEMBER_KEEP_ALIVE_MS;
    uint64_t due_ms = member->last_sent_ms + interval_ms;
    bool is_silent = due_ms <= now_ms;

    if (is_silent && ys_outbox_is_empty(&member->outbox))
        put_keep_alive(member);
    ys_timer_arm(&member->context->timers, timer, is_silent ? now_ms + interval_ms : due_ms);
    if (!ys_outbox_is_empty(&member->outbox))
        wake(member);
}

enum ysync_err ys_member_new(struct ys_context *context, struct ys_room *room, const struct ys_member_events *events,
                             void *user, bool is_read_only, uint64_t now_ms, struct ys_member **out)
{
    struct ys_member *member = ys_alloc_zeroed(context->config.alloc, 1, sizeof(*member));

    if (!member)
        return YSYNC_ERR_NOMEM;
    member->context = context;
    member->room = room;
    ys_list_init(&member->in_room);
    member->id = ++context->last_member_id;
    member->events = events;
    member->user = user;
    member->last_sent_ms = now_ms;
    member->is_read_only = is_read_only;
    ys_presence_owner_init(&member->presence);
    ys_outbox_init(&member->outbox, context->config.alloc, context->config.max_outbox_bytes);
    ys_timer_init(&member->timer, on_timer);
    ys_timer_arm(&context->timers, &member->timer, now_ms + YS_MEMBER_KEEP_ALIVE_MS);
    *out = member;
    return YSYNC_OK;
}

void ys_member_free(struct ys_member *member)
{
    if (!member)
        return;
    assert(member->presence.count == 0);
    ys_timer_disarm(&member->context->timers, &member->timer);
    ys_awaiting_free(member);
    ys_outbox_deinit(&member->outbox);
    ys_free(member->context->config.alloc, member);
}

void ys_member_greet(struct ys_member *member, bool has_states)
{
    ys_outbox_put_greeting(&member->outbox, has_states);
    member->context->counters.sent[YS_MESSAGE_SYNC_STEP1]++;
    member->context->counters.sent[YS_MESSAGE_AWARENESS] += has_states;
    member->is_awake = true; /* whoever joins takes its greeting */
}

void ys_member_greet_late(struct ys_member *member)
{
    bool was_awake = member->is_awake;

    ys_member_greet(member, false);
    member->is_awake = was_awake;
    wake(member);
}

void ys_member_put_update(struct ys_member *member, const struct ysync_doc *doc, uint64_t change_number,
                          struct ys_blob *message)
{
    ys_outbox_put_update(&member->outbox, doc, change_number, message);
    wake(member);
}

void ys_member_put_presence(struct ys_member *member, const struct ys_presence_news *news)
{
    ys_outbox_put_presence(&member->outbox, news->since, news->message);
    member->context->counters.sent[YS_MESSAGE_AWARENESS]++;
    wake(member);
}

void ys_member_end(struct ys_member *member, enum ysync_err err, const char *problem)
{
    member->has_ended = true;
    if (member->events->ended)
        member->events->ended(member->user, err, problem);
}

enum ysync_err ys_member_acknowledge(struct ys_member *member, uint64_t change, enum ys_message_type type,
                                     struct ys_blob *message)
{
    const struct ys_ledger *ledger = ys_room_ledger(member->room);

    if (ledger && (!ys_ledger_is_durable(ledger, change) || ys_awaiting_has_acknowledgements(member)))
        return ys_awaiting_put(member, change, type, message);
    return ys_member_put_reply(member, ys_room_doc(member->room), type, message);
}

enum ysync_err ys_member_put_reply(struct ys_member *member, const struct ysync_doc *doc, enum ys_message_type type,
                                   struct ys_blob *message)
{
    enum ysync_err err = ys_outbox_put_reply(&member->outbox, doc, message);

    if (err)
        return err;
    member->context->counters.sent[type]++;
    wake(member);
    return YSYNC_OK;
}

enum ysync_err ys_member_put_step2(struct ys_member *member, struct ysync_bytes state_vector)
{
    enum ysync_err err = ys_outbox_put_step2(&member->outbox, state_vector);

    if (err)
        return err;
    member->context->counters.sent[YS_MESSAGE_SYNC_STEP2]++;
    wake(member);
    return YSYNC_OK;
}

enum ysync_err ys_member_put_states(struct ys_member *member)
{
    enum ysync_err err = ys_outbox_put_states(&member->outbox);

    if (err)
        return err;
    member->context->counters.sent[YS_MESSAGE_AWARENESS]++;
    wake(member);
    return YSYNC_OK;
}

void ys_member_retry(struct ys_member *member, uint64_t now_ms)
{
    ys_timer_arm(&member->context->timers, &member->timer, now_ms + YS_MEMBER_RETRY_MS);
}

struct ys_room *ys_member_room(const struct ys_member *member)
{
    return member->room;
}

uint64_t ys_member_id(const struct ys_member *member)
{
    return member->id;
}

bool ys_member_has_output(const struct ys_member *member)
{
    return !ys_outbox_is_empty(&member->outbox);
}
