/* SPDX-License-Identifier: MIT */
#include "server/crew.h"

#include <assert.h>
#include <uv.h>

#include "base/alloc.h"

struct ys_crew {
    const struct ysync_alloc *alloc;
    struct ys_hash_seed seed;
    struct ys_admission *admission;
    struct ys_backoff *backoff;
    struct ys_quota rooms;
    struct ys_quota memory;
    const struct ysync_store *store;
    struct ysync_store *own_store;
    struct ys_store_health store_health;
    size_t size;
    struct ys_mailbox *mailboxes[];
};

enum ysync_err ys_crew_new(const struct ys_crew_config *config, struct ys_crew **out)
{
    size_t bytes = sizeof(struct ys_crew) + config->size * sizeof(struct ys_mailbox *);
    struct ys_crew *crew = ys_alloc_zeroed(config->alloc, 1, bytes);
    enum ysync_err err = YSYNC_OK;

    if (!crew)
        return YSYNC_ERR_NOMEM;
    crew->alloc = config->alloc;
    crew->size = config->size;
    ys_quota_init(&crew->rooms, config->max_rooms);
    ys_quota_init(&crew->memory, config->max_memory_bytes);
    crew->store = config->store;
    ys_store_health_init(&crew->store_health);
    if (uv_random(NULL, NULL, &crew->seed, sizeof(crew->seed), 0, NULL) != 0)
        err = YSYNC_ERR_IO;
    if (!err)
        err = ys_backoff_new(config->alloc, crew->seed, &crew->backoff);
    if (!err)
        err = ys_admission_new(config->alloc, crew->seed, config->max_connections, config->max_connections_per_ip,
                               &crew->admission);
    if (err) {
        ys_crew_free(crew);
        return err;
    }
    crew->own_store = config->own_store;
    *out = crew;
    return YSYNC_OK;
}

void ys_crew_free(struct ys_crew *crew)
{
    if (!crew)
        return;
    ysync_store_close(crew->own_store);
    for (size_t i = 0; i < crew->size; i++)
        ys_mailbox_unref(crew->mailboxes[i]);
    ys_admission_free(crew->admission);
    ys_backoff_free(crew->backoff);
    ys_free(crew->alloc, crew);
}

enum ysync_err ys_crew_join(struct ys_crew *crew, size_t place, uv_loop_t *loop, void *owner)
{
    assert(place < crew->size && !crew->mailboxes[place]);
    if (crew->size == 1 && !crew->store)
        return YSYNC_OK;
    return ys_mailbox_open(crew->alloc, loop, owner, &crew->mailboxes[place]);
}

void ys_crew_leave(struct ys_crew *crew, size_t place)
{
    if (crew->mailboxes[place])
        ys_mailbox_close(crew->mailboxes[place]);
}

size_t ys_crew_size(const struct ys_crew *crew)
{
    return crew->size;
}

struct ys_hash_seed ys_crew_seed(const struct ys_crew *crew)
{
    return crew->seed;
}

/* By the upper half of the hash: where a room stands in its hub's table, the lower half says. */
size_t ys_crew_owner(const struct ys_crew *crew, struct ysync_bytes room)
{
    uint64_t upper = crew->size > 1 ? ys_hash_bytes(crew->seed, room) >> 32 : 0;

    return (size_t)(upper * crew->size >> 32);
}

void ys_crew_send(struct ys_crew *crew, size_t place, struct ys_letter *letter)
{
    ys_mailbox_send(crew->mailboxes[place], letter);
}

struct ys_mailbox *ys_crew_mailbox(const struct ys_crew *crew, size_t place)
{
    return crew->mailboxes[place];
}

struct ys_admission *ys_crew_admission(const struct ys_crew *crew)
{
    return crew->admission;
}

struct ys_backoff *ys_crew_backoff(const struct ys_crew *crew)
{
    return crew->backoff;
}

struct ys_quota *ys_crew_rooms(struct ys_crew *crew)
{
    return &crew->rooms;
}

struct ys_quota *ys_crew_memory(struct ys_crew *crew)
{
    return crew->memory.max > 0 ? &crew->memory : NULL;
}

const struct ysync_store *ys_crew_store(const struct ys_crew *crew)
{
    return crew->store;
}

struct ys_store_health *ys_crew_store_health(struct ys_crew *crew)
{
    return &crew->store_health;
}
