/* SPDX-License-Identifier: MIT */
/*
 *     by_key   digest -> entry                      to find one
 *     by_age   oldest <-> ... <-> newest            to drop the oldest when there are too many
 *
 * The digests are their own hashes: whoever picked tokens so that a few bits of them agree would make the search a bit
 * longer among entries whose number is bounded.
 */
#include "auth/verdict_cache.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

struct entry {
    struct ys_list node; /* in cache->by_age */
    struct ys_verdict_key key;
    enum ys_access access;
    uint64_t until_ms;
};

struct ys_verdict_cache {
    const struct ysync_alloc *alloc;
    size_t max_entries;
    struct ys_map by_key;
    struct ys_list by_age;
};

/* Digests of digests: whatever the parts are, no two different pairs are the same bytes behind one another. */
enum ysync_err ys_verdict_key_of(const struct ys_auth_request *request, struct ys_verdict_key *out)
{
    uint8_t parts[2 * SHA256_DIGEST_LENGTH + 1];

    parts[2 * SHA256_DIGEST_LENGTH] = request->is_websocket;
    if (!SHA256(request->room.data, request->room.len, parts) ||
        !SHA256(request->token.data, request->token.len, parts + SHA256_DIGEST_LENGTH) ||
        !SHA256(parts, sizeof(parts), out->digest))
        return YSYNC_ERR_NOMEM;
    return YSYNC_OK;
}

static uint64_t hash_of(const struct ys_verdict_key *key)
{
    uint64_t hash;

    memcpy(&hash, key->digest, sizeof(hash));
    return hash;
}

static bool has_key(const void *item, const void *key)
{
    const struct entry *entry = item;

    return memcmp(&entry->key, key, sizeof(entry->key)) == 0;
}

static struct entry *find(const struct ys_verdict_cache *cache, const struct ys_verdict_key *key)
{
    return ys_map_find(&cache->by_key, hash_of(key), has_key, key);
}

static void drop(struct ys_verdict_cache *cache, struct entry *entry)
{
    ys_map_remove(&cache->by_key, hash_of(&entry->key), entry);
    ys_list_remove(&entry->node);
    ys_free(cache->alloc, entry);
}

static struct entry *oldest(const struct ys_verdict_cache *cache)
{
    return YS_CONTAINER_OF(cache->by_age.next, struct entry, node);
}

enum ysync_err ys_verdict_cache_new(const struct ysync_alloc *alloc, size_t max_entries, struct ys_verdict_cache **out)
{
    struct ys_verdict_cache *cache = ys_alloc_zeroed(alloc, 1, sizeof(*cache));

    if (!cache)
        return YSYNC_ERR_NOMEM;
    cache->alloc = alloc;
    cache->max_entries = max_entries;
    ys_map_init(&cache->by_key, alloc);
    ys_list_init(&cache->by_age);
    *out = cache;
    return YSYNC_OK;
}

void ys_verdict_cache_free(struct ys_verdict_cache *cache)
{
    if (!cache)
        return;
    while (!ys_list_is_empty(&cache->by_age))
        drop(cache, oldest(cache));
    ys_map_deinit(&cache->by_key);
    ys_free(cache->alloc, cache);
}

bool ys_verdict_cache_find(struct ys_verdict_cache *cache, const struct ys_verdict_key *key, uint64_t now_ms,
                           enum ys_access *out)
{
    struct entry *entry = find(cache, key);

    if (!entry)
        return false;
    if (now_ms >= entry->until_ms) {
        drop(cache, entry);
        return false;
    }
    *out = entry->access;
    return true;
}

void ys_verdict_cache_put(struct ys_verdict_cache *cache, const struct ys_verdict_key *key, enum ys_access access,
                          uint64_t until_ms)
{
    struct entry *entry = find(cache, key);

    if (entry)
        drop(cache, entry);
    if (cache->by_key.count == cache->max_entries)
        drop(cache, oldest(cache));
    if (ys_map_reserve(&cache->by_key, 1))
        return;
    entry = ys_alloc_array(cache->alloc, 1, sizeof(*entry));
    if (!entry)
        return;
    *entry = (struct entry){ .key = *key, .access = access, .until_ms = until_ms };
    ys_map_add(&cache->by_key, hash_of(key), entry);
    ys_list_append(&cache->by_age, &entry->node);
}
