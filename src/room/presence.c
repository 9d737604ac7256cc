/* SPDX-License-Identifier: MIT */
/*
 * Entries are found by client id. Each stands in one of two queues, and a state in its owner's list as well:
 *
 *     present   [ renewed longest ago ] ... [ renewed last ]      so what runs out stands in front
 *     gone      [ went first ] ... [ went last ]                  so what is forgotten stands in front
 *
 * A message is taken in with two walks. The first chooses the entries that count, writes them to the message for the
 * others, and makes a new entry for each state among them: whatever may fail is done then. The second walks over what
 * was chosen, in the same order and by the same rule, as the others will. So a client that is named twice in one
 * message ends up here as it does with them.
 */
#include "room/presence.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/timer.h"
#include "protocol/awareness.h"

struct entry {
    uint64_t client;
    uint64_t clock;
    uint64_t change; /* the number of the change that brought it here */
    uint64_t renewed_ms;
    uint8_t *state; /* JSON; NULL: gone */
    size_t state_len;
    struct ys_list in_queue;
    struct ys_list in_owner;
    struct ys_presence_owner *owner; /* NULL: gone */
};

struct ys_presence {
    const struct ysync_alloc *alloc;
    struct ys_hash_seed seed;
    size_t max_state_bytes;
    struct ys_map entries;
    struct ys_list present;
    struct ys_list gone;
    size_t gone_count;
    uint64_t changes; /* the number of the last change */
};

/* What the first walk prepared. */
struct plan {
    struct ys_awareness_writer relay;
    struct ys_awareness_writer reply;
    uint64_t reply_since;
    struct ys_list states; /* new entries, one for each state of the relay, in its order */
    size_t state_count;
    size_t new_count; /* of these, those whose client the owner does not own yet */
};

enum ysync_err ys_presence_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed, size_t max_state_bytes,
                               struct ys_presence **out)
{
    struct ys_presence *presence = ys_alloc_zeroed(alloc, 1, sizeof(*presence));

    if (!presence)
        return YSYNC_ERR_NOMEM;
    presence->alloc = alloc;
    presence->seed = seed;
    presence->max_state_bytes = max_state_bytes;
    ys_map_init(&presence->entries, alloc);
    ys_list_init(&presence->present);
    ys_list_init(&presence->gone);
    *out = presence;
    return YSYNC_OK;
}

static struct entry *from_queue(struct ys_list *node)
{
    return YS_CONTAINER_OF(node, struct entry, in_queue);
}

static void free_entry(const struct ys_presence *presence, struct entry *entry)
{
    ys_free(presence->alloc, entry->state);
    ys_free(presence->alloc, entry);
}

static void free_queue(const struct ys_presence *presence, struct ys_list *queue)
{
    YS_LIST_FOREACH (node, queue) {
        ys_list_remove(node);
        free_entry(presence, from_queue(node));
    }
}

void ys_presence_free(struct ys_presence *presence)
{
    if (!presence)
        return;
    assert(ys_list_is_empty(&presence->present));
    free_queue(presence, &presence->gone);
    ys_map_deinit(&presence->entries);
    ys_free(presence->alloc, presence);
}

static bool is_of_client(const void *item, const void *key)
{
    return ((const struct entry *)item)->client == *(const uint64_t *)key;
}

static struct entry *find(const struct ys_presence *presence, uint64_t client)
{
    return ys_map_find(&presence->entries, ys_hash_u64(presence->seed, client), is_of_client, &client);
}

/* The rule of y-protocols' applyAwarenessUpdate. known is NULL for a client never heard of. */
static bool counts(const struct entry *known, const struct ys_awareness_entry *incoming)
{
    if (!known)
        return incoming->clock > 0 && !incoming->is_null;
    if (incoming->clock == known->clock)
        return incoming->is_null && known->state;
    return incoming->clock > known->clock;
}

/* Does somebody come back with the very clock at which the others saw it go? */
static bool comes_back(const struct entry *known, const struct ys_awareness_entry *incoming)
{
    return known && !known->state && !incoming->is_null && incoming->clock == known->clock;
}

static void disown(struct entry *entry)
{
    if (!entry->owner)
        return;
    ys_list_remove(&entry->in_owner);
    entry->owner->count--;
    entry->owner = NULL;
}

static void own(struct entry *entry, struct ys_presence_owner *owner)
{
    disown(entry);
    ys_list_append(&owner->states, &entry->in_owner);
    owner->count++;
    entry->owner = owner;
}

static void set_gone(struct ys_presence *presence, struct entry *entry, uint64_t clock)
{
    if (entry->state)
        presence->gone_count++;
    ys_free(presence->alloc, entry->state);
    entry->state = NULL;
    entry->state_len = 0;
    entry->clock = clock;
    entry->change = presence->changes;
    disown(entry);
    ys_list_remove(&entry->in_queue);
    ys_list_append(&presence->gone, &entry->in_queue);
}

/* Removing may make the table smaller: not to be called between reserving room in it and using it. */
static void forget_first_gone(struct ys_presence *presence)
{
    while (presence->gone_count > YS_PRESENCE_MAX_GONE) {
        struct entry *entry = from_queue(presence->gone.next);

        ys_list_remove(&entry->in_queue);
        ys_map_remove(&presence->entries, ys_hash_u64(presence->seed, entry->client), entry);
        presence->gone_count--;
        free_entry(presence, entry);
    }
}

/* fresh becomes the entry of its client, or lends it its state. */
static void set_state(struct ys_presence *presence, struct entry *fresh, struct ys_presence_owner *owner,
                      uint64_t now_ms)
{
    struct entry *entry = find(presence, fresh->client);

    if (!entry) {
        entry = fresh;
        ys_map_add(&presence->entries, ys_hash_u64(presence->seed, entry->client), entry);
    } else {
        if (!entry->state)
            presence->gone_count--;
        ys_free(presence->alloc, entry->state);
        entry->state = fresh->state;
        entry->state_len = fresh->state_len;
        entry->clock = fresh->clock;
        ys_free(presence->alloc, fresh);
    }
    entry->change = presence->changes;
    entry->renewed_ms = now_ms;
    own(entry, owner);
    ys_list_remove(&entry->in_queue);
    ys_list_append(&presence->present, &entry->in_queue);
}

static enum ysync_err plan_state(const struct ys_presence *presence, struct plan *plan,
                                 const struct ys_awareness_entry *incoming)
{
    struct entry *fresh = ys_alloc_zeroed(presence->alloc, 1, sizeof(*fresh));

    if (!fresh)
        return YSYNC_ERR_NOMEM;
    fresh->state = ys_alloc_array(presence->alloc, incoming->state.len, 1);
    if (!fresh->state) {
        ys_free(presence->alloc, fresh);
        return YSYNC_ERR_NOMEM;
    }
    memcpy(fresh->state, incoming->state.data, incoming->state.len);
    fresh->state_len = incoming->state.len;
    fresh->client = incoming->client;
    fresh->clock = incoming->clock;
    ys_list_init(&fresh->in_owner);
    ys_list_init(&fresh->in_queue);
    ys_list_append(&plan->states, &fresh->in_queue);
    plan->state_count++;
    return YSYNC_OK;
}

/* May the owner have one more state? The same client may be named again and again in one message: that counts, too. */
static enum ysync_err check_limits(const struct ys_presence *presence, struct plan *plan,
                                   const struct ys_presence_owner *owner, const struct entry *known,
                                   const struct ys_awareness_entry *incoming, const char **problem)
{
    if (incoming->state.len > presence->max_state_bytes) {
        *problem = "presence state too large";
        return YSYNC_ERR_LIMIT;
    }
    if (!known || known->owner != owner)
        plan->new_count++;
    if (plan->state_count >= YS_PRESENCE_MAX_OWNED || owner->count + plan->new_count > YS_PRESENCE_MAX_OWNED) {
        *problem = "too many presence states on one connection";
        return YSYNC_ERR_LIMIT;
    }
    return YSYNC_OK;
}

static void plan_reply(struct plan *plan, const struct entry *gone)
{
    if (plan->reply.count == YS_PRESENCE_MAX_OWNED)
        return;
    ys_awareness_put_null(&plan->reply, gone->client, gone->clock);
    plan->reply_since = gone->change < plan->reply_since ? gone->change : plan->reply_since;
}

static enum ysync_err plan_entry(const struct ys_presence *presence, struct plan *plan,
                                 const struct ys_presence_owner *owner, const struct ys_awareness_entry *incoming,
                                 const char **problem)
{
    const struct entry *known = find(presence, incoming->client);
    enum ysync_err err = YSYNC_OK;

    if (!counts(known, incoming)) {
        if (comes_back(known, incoming))
            plan_reply(plan, known);
        return YSYNC_OK;
    }
    if (!incoming->is_null) {
        err = check_limits(presence, plan, owner, known, incoming, problem);
        if (!err)
            err = plan_state(presence, plan, incoming);
    }
    if (!err)
        ys_awareness_put(&plan->relay, incoming->client, incoming->clock, incoming->state);
    return err;
}

static void plan_init(struct plan *plan, const struct ysync_alloc *alloc)
{
    ys_awareness_writer_init(&plan->relay, alloc);
    ys_awareness_writer_init(&plan->reply, alloc);
    plan->reply_since = UINT64_MAX;
    ys_list_init(&plan->states);
    plan->state_count = plan->new_count = 0;
}

static void plan_deinit(struct plan *plan, const struct ys_presence *presence)
{
    free_queue(presence, &plan->states);
    ys_awareness_writer_deinit(&plan->reply);
    ys_awareness_writer_deinit(&plan->relay);
}

/* Cannot fail. */
static void commit(struct ys_presence *presence, struct plan *plan, struct ys_presence_owner *owner, uint64_t now_ms)
{
    struct ys_awareness_reader chosen = ys_awareness_written(&plan->relay);
    struct ys_awareness_entry incoming;

    presence->changes++;
    while (ys_awareness_next(&chosen, &incoming)) {
        struct entry *known = find(presence, incoming.client);
        struct ys_list *fresh = plan->states.next;
        bool is_taken = counts(known, &incoming);

        if (incoming.is_null) {
            if (is_taken)
                set_gone(presence, known, incoming.clock);
            continue;
        }
        ys_list_remove(fresh);
        if (is_taken)
            set_state(presence, from_queue(fresh), owner, now_ms);
        else
            free_entry(presence, from_queue(fresh));
    }
    forget_first_gone(presence);
}

/* Makes both messages and room for the new entries: the last that may fail. */
static enum ysync_err prepare(struct ys_presence *presence, const struct plan *plan, struct ys_presence_news *relay,
                              struct ys_presence_news *reply)
{
    if (plan->relay.count > 0)
        *relay = (struct ys_presence_news){ true, ys_awareness_encode(&plan->relay), presence->changes + 1 };
    if (plan->reply.count > 0)
        *reply = (struct ys_presence_news){ true, ys_awareness_encode(&plan->reply), plan->reply_since };
    if ((!relay->is_any || relay->message) && (!reply->is_any || reply->message) &&
        !ys_map_reserve(&presence->entries, plan->state_count))
        return YSYNC_OK;
    ys_blob_unref(relay->message);
    ys_blob_unref(reply->message);
    *relay = *reply = (struct ys_presence_news){ 0 };
    return YSYNC_ERR_NOMEM;
}

enum ysync_err ys_presence_receive(struct ys_presence *presence, struct ys_presence_owner *owner,
                                   struct ysync_bytes payload, uint64_t now_ms, struct ys_presence_news *relay,
                                   struct ys_presence_news *reply, const char **problem)
{
    struct ys_awareness_reader reader;
    struct ys_awareness_entry incoming;
    struct plan plan;
    enum ysync_err err = ys_awareness_open(payload, &reader, problem);

    *relay = *reply = (struct ys_presence_news){ 0 };
    if (err)
        return err;
    plan_init(&plan, presence->alloc);
    while (!err && ys_awareness_next(&reader, &incoming))
        err = plan_entry(presence, &plan, owner, &incoming, problem);
    if (!err)
        err = prepare(presence, &plan, relay, reply);
    if (!err && relay->is_any)
        commit(presence, &plan, owner, now_ms);
    plan_deinit(&plan, presence);
    return err;
}

/* Removes one state with its clock as it is, and says so. */
static void remove_state(struct ys_presence *presence, struct entry *entry, struct ys_awareness_writer *writer)
{
    ys_awareness_put_null(writer, entry->client, entry->clock);
    set_gone(presence, entry, entry->clock);
}

static struct ys_presence_news news_of_removals(struct ys_presence *presence, struct ys_awareness_writer *writer)
{
    struct ys_presence_news news = { 0 };

    if (writer->count > 0)
        news = (struct ys_presence_news){ true, ys_awareness_encode(writer), presence->changes };
    ys_awareness_writer_deinit(writer);
    forget_first_gone(presence);
    return news;
}

void ys_presence_leave(struct ys_presence *presence, struct ys_presence_owner *owner, struct ys_presence_news *relay)
{
    struct ys_awareness_writer writer;

    ys_awareness_writer_init(&writer, presence->alloc);
    presence->changes++;
    while (!ys_list_is_empty(&owner->states))
        remove_state(presence, YS_CONTAINER_OF(owner->states.next, struct entry, in_owner), &writer);
    *relay = news_of_removals(presence, &writer);
}

void ys_presence_expire(struct ys_presence *presence, uint64_t now_ms, struct ys_presence_news *relay)
{
    struct ys_awareness_writer writer;

    ys_awareness_writer_init(&writer, presence->alloc);
    presence->changes++;
    while (ys_presence_next_expiry(presence) <= now_ms)
        remove_state(presence, from_queue(presence->present.next), &writer);
    *relay = news_of_removals(presence, &writer);
}

uint64_t ys_presence_next_expiry(const struct ys_presence *presence)
{
    if (ys_list_is_empty(&presence->present))
        return YS_TIMER_NEVER;
    return from_queue(presence->present.next)->renewed_ms + YS_PRESENCE_TIMEOUT_MS;
}

size_t ys_presence_count(const struct ys_presence *presence)
{
    return presence->entries.count - presence->gone_count;
}

static struct ys_blob *encode(const struct ys_presence *presence, uint64_t since, bool with_gone)
{
    struct ys_awareness_writer writer;
    const struct entry *entry;
    size_t position = 0;
    struct ys_blob *message;

    ys_awareness_writer_init(&writer, presence->alloc);
    while ((entry = ys_map_next(&presence->entries, &position))) {
        if (entry->change < since)
            continue;
        if (entry->state)
            ys_awareness_put(&writer, entry->client, entry->clock,
                             (struct ysync_bytes){ entry->state, entry->state_len });
        else if (with_gone)
            ys_awareness_put_null(&writer, entry->client, entry->clock);
    }
    message = ys_awareness_encode(&writer);
    ys_awareness_writer_deinit(&writer);
    return message;
}

struct ys_blob *ys_presence_encode_states(const struct ys_presence *presence)
{
    return encode(presence, 0, false);
}

struct ys_blob *ys_presence_encode_changes(const struct ys_presence *presence, uint64_t since)
{
    return encode(presence, since, true);
}
