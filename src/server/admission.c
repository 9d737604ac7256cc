/* SPDX-License-Identifier: MIT */
#include "server/admission.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/quota.h"

#define PREFIX_BYTES 8 /* of an IPv6 address: /64 */

struct source {
    uint8_t ip[16];
    size_t count;
};

struct ys_admission {
    const struct ysync_alloc *alloc;
    struct ys_hash_seed seed;
    struct ys_quota connections;
    size_t max_per_address;
    uv_mutex_t mutex;      /* guards what follows */
    struct ys_map sources; /* addresses that have a connection */
};

enum ysync_err ys_admission_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed, size_t max_connections,
                                size_t max_per_address, struct ys_admission **out)
{
    struct ys_admission *admission = ys_alloc_zeroed(alloc, 1, sizeof(*admission));

    if (!admission)
        return YSYNC_ERR_NOMEM;
    if (uv_mutex_init(&admission->mutex) != 0) {
        ys_free(alloc, admission);
        return YSYNC_ERR_NOMEM;
    }
    admission->alloc = alloc;
    admission->seed = seed;
    ys_quota_init(&admission->connections, max_connections);
    admission->max_per_address = max_per_address;
    ys_map_init(&admission->sources, alloc);
    *out = admission;
    return YSYNC_OK;
}

void ys_admission_free(struct ys_admission *admission)
{
    size_t position = 0;
    struct source *source;

    if (!admission)
        return;
    while ((source = ys_map_next(&admission->sources, &position)) != NULL)
        ys_free(admission->alloc, source);
    ys_map_deinit(&admission->sources);
    uv_mutex_destroy(&admission->mutex);
    ys_free(admission->alloc, admission);
}

enum ysync_err ys_admission_enter(struct ys_admission *admission)
{
    return ys_quota_take(&admission->connections) ? YSYNC_OK : YSYNC_ERR_LIMIT;
}

void ys_admission_leave(struct ys_admission *admission)
{
    ys_quota_give(&admission->connections);
}

static bool is_source(const void *item, const void *key)
{
    const struct source *source = item;

    return memcmp(source->ip, key, sizeof(source->ip)) == 0;
}

static bool is_counted(const struct ys_admission *admission, const struct ys_peer *peer)
{
    return admission->max_per_address > 0 && peer->family != AF_UNIX;
}

/* Finds the address's entry, by its prefix where that is what counts. */
static struct source *find(const struct ys_admission *admission, const struct ys_peer *peer, uint8_t ip[16],
                           uint64_t *hash)
{
    memcpy(ip, peer->ip, sizeof(peer->ip));
    if (peer->family == AF_INET6)
        memset(ip + PREFIX_BYTES, 0, sizeof(peer->ip) - PREFIX_BYTES);
    *hash = ys_hash_bytes(admission->seed, (struct ysync_bytes){ ip, sizeof(peer->ip) });
    return ys_map_find(&admission->sources, *hash, is_source, ip);
}

static enum ysync_err add(struct ys_admission *admission, const uint8_t ip[16], uint64_t hash)
{
    struct source *source;

    if (ys_map_reserve(&admission->sources, 1))
        return YSYNC_ERR_NOMEM;
    source = ys_alloc_array(admission->alloc, 1, sizeof(*source));
    if (!source)
        return YSYNC_ERR_NOMEM;
    memcpy(source->ip, ip, sizeof(source->ip));
    source->count = 1;
    ys_map_add(&admission->sources, hash, source);
    return YSYNC_OK;
}

static enum ysync_err enter_from(struct ys_admission *admission, const struct ys_peer *peer)
{
    uint8_t ip[16];
    uint64_t hash;
    struct source *source = find(admission, peer, ip, &hash);

    if (!source)
        return add(admission, ip, hash);
    if (source->count >= admission->max_per_address)
        return YSYNC_ERR_LIMIT;
    source->count++;
    return YSYNC_OK;
}

static void leave_from(struct ys_admission *admission, const struct ys_peer *peer)
{
    uint8_t ip[16];
    uint64_t hash;
    struct source *source = find(admission, peer, ip, &hash);

    assert(source);
    if (--source->count > 0)
        return;
    ys_map_remove(&admission->sources, hash, source);
    ys_free(admission->alloc, source);
}

enum ysync_err ys_admission_enter_from(struct ys_admission *admission, const struct ys_peer *peer)
{
    enum ysync_err err;

    if (!is_counted(admission, peer))
        return YSYNC_OK;
    uv_mutex_lock(&admission->mutex);
    err = enter_from(admission, peer);
    uv_mutex_unlock(&admission->mutex);
    return err;
}

void ys_admission_leave_from(struct ys_admission *admission, const struct ys_peer *peer)
{
    if (!is_counted(admission, peer))
        return;
    uv_mutex_lock(&admission->mutex);
    leave_from(admission, peer);
    uv_mutex_unlock(&admission->mutex);
}
