/* SPDX-License-Identifier: MIT */
/*
 * A fixed table, so that no number of addresses takes more memory: each has four places where it may stand, and a
 * newcomer takes the one that was quiet for longest.
 *
 *     set = hash(ip)   [ ip, the times of its last 5 refusals ][ ... ][ ... ][ ... ]
 *
 * Who is pushed out is only let off easily; the secret seed keeps it from being arranged.
 */
#include "server/backoff.h"

#include <string.h>
#include <uv.h>

#include "base/alloc.h"

#define SETS 128
#define WAYS 4

struct entry {
    uint8_t ip[16];
    uint64_t times_ms[YS_BACKOFF_TIMES]; /* the latest first */
    unsigned count;                      /* of times_ms that are set; 0: a free entry */
    bool is_blocked;
};

struct ys_backoff {
    const struct ysync_alloc *alloc;
    struct ys_hash_seed seed;
    uv_mutex_t mutex; /* guards what follows */
    struct entry entries[SETS][WAYS];
};

enum ysync_err ys_backoff_new(const struct ysync_alloc *alloc, struct ys_hash_seed seed, struct ys_backoff **out)
{
    struct ys_backoff *backoff = ys_alloc_zeroed(alloc, 1, sizeof(*backoff));

    if (!backoff)
        return YSYNC_ERR_NOMEM;
    if (uv_mutex_init(&backoff->mutex) != 0) {
        ys_free(alloc, backoff);
        return YSYNC_ERR_NOMEM;
    }
    backoff->alloc = alloc;
    backoff->seed = seed;
    *out = backoff;
    return YSYNC_OK;
}

void ys_backoff_free(struct ys_backoff *backoff)
{
    if (!backoff)
        return;
    uv_mutex_destroy(&backoff->mutex);
    ys_free(backoff->alloc, backoff);
}

/* The address's own entry, or the one it may have. */
static struct entry *find(struct ys_backoff *backoff, const uint8_t ip[16])
{
    uint64_t hash = ys_hash_bytes(backoff->seed, (struct ysync_bytes){ ip, 16 });
    struct entry *set = backoff->entries[hash % SETS];
    struct entry *quietest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].count > 0 && memcmp(set[i].ip, ip, 16) == 0)
            return &set[i];
        if (set[i].times_ms[0] < quietest->times_ms[0])
            quietest = &set[i];
    }
    memset(quietest, 0, sizeof(*quietest));
    memcpy(quietest->ip, ip, 16);
    return quietest;
}

static bool note(struct ys_backoff *backoff, const uint8_t ip[16], uint64_t now_ms)
{
    struct entry *entry = find(backoff, ip);
    bool was_quiet = entry->count > 0 && now_ms - entry->times_ms[0] >= YS_BACKOFF_MS;
    bool was_blocked;

    if (was_quiet) {
        entry->count = 0;
        entry->is_blocked = false;
    }
    was_blocked = entry->is_blocked;
    memmove(&entry->times_ms[1], &entry->times_ms[0], sizeof(entry->times_ms) - sizeof(entry->times_ms[0]));
    entry->times_ms[0] = now_ms;
    if (entry->count < YS_BACKOFF_TIMES)
        entry->count++;
    if (entry->count == YS_BACKOFF_TIMES && now_ms - entry->times_ms[YS_BACKOFF_TIMES - 1] < YS_BACKOFF_MS)
        entry->is_blocked = true;
    return was_blocked;
}

bool ys_backoff_note(struct ys_backoff *backoff, const uint8_t ip[16], uint64_t now_ms)
{
    bool was_blocked;

    uv_mutex_lock(&backoff->mutex);
    was_blocked = note(backoff, ip, now_ms);
    uv_mutex_unlock(&backoff->mutex);
    return was_blocked;
}
