/* SPDX-License-Identifier: MIT */
/*
 * Editors delete near where they deleted last: adding tries the latest range before it searches. Many ranges at
 * once are merged in one pass over both lists, so that no order of arrival costs more than linear time.
 */
#include "doc/delete_set.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Fewer ranges than this are put in one by one. */
#define MERGE_FROM 8

struct span {
    uint64_t clock;
    uint64_t end;
};

struct client_spans {
    uint64_t client;
    struct span *spans;
    uint32_t count;
    uint32_t cap;
    uint32_t latest; /* where the last one was put in */
};

struct ys_dset {
    const struct ysync_alloc *alloc;
    struct client_spans *clients;
    size_t client_count;
    size_t client_cap;
    size_t range_count;
    size_t span_cap; /* of all clients */
};

/* Lists of ranges */

void ys_ranges_init(struct ys_ranges *ranges)
{
    ranges->items = ranges->few;
    ranges->count = 0;
    ranges->cap = ARRAY_LEN(ranges->few);
}

void ys_ranges_deinit(struct ys_ranges *ranges, const struct ysync_alloc *alloc)
{
    ys_free_grown(alloc, ranges->items, ranges->few);
    ys_ranges_init(ranges);
}

enum ysync_err ys_ranges_add(struct ys_ranges *ranges, const struct ysync_alloc *alloc, struct ys_range range)
{
    if (!ys_grow_from(alloc, &ranges->items, ranges->few, &ranges->cap, ranges->count + 1, sizeof(*ranges->items)))
        return YSYNC_ERR_NOMEM;
    ranges->items[ranges->count++] = range;
    return YSYNC_OK;
}

static int compare_ranges(const void *left, const void *right)
{
    const struct ys_range *a = left;
    const struct ys_range *b = right;

    if (a->client != b->client)
        return a->client > b->client ? -1 : 1;
    return a->clock < b->clock ? -1 : a->clock > b->clock;
}

static bool is_in_order(const struct ys_ranges *ranges)
{
    for (size_t i = 1; i < ranges->count; i++) {
        const struct ys_range *a = &ranges->items[i - 1];
        const struct ys_range *b = &ranges->items[i];

        if (a->client < b->client || (a->client == b->client && a->clock + a->len >= b->clock))
            return false;
    }
    return true;
}

void ys_ranges_sort(struct ys_ranges *ranges)
{
    size_t kept = 0;

    if (is_in_order(ranges))
        return;
    qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
    for (size_t i = 1; i < ranges->count; i++) {
        struct ys_range *last = &ranges->items[kept];
        const struct ys_range *next = &ranges->items[i];

        if (next->client != last->client || next->clock > last->clock + last->len)
            ranges->items[++kept] = *next;
        else if (next->clock + next->len > last->clock + last->len)
            last->len = next->clock + next->len - last->clock;
    }
    ranges->count = kept + 1;
}

static enum ysync_err decode_client(struct ys_ranges *ranges, const struct ysync_alloc *alloc, struct ys_reader *in)
{
    struct ys_range range;
    uint64_t count;
    enum ysync_err err = ys_reader_varuint(in, &range.client);

    if (!err)
        err = ys_reader_count(in, 2, &count);
    if (err)
        return err;
    for (; !err && count > 0; count--) {
        err = ys_reader_varuint(in, &range.clock);
        if (!err)
            err = ys_reader_varuint(in, &range.len);
        if (err)
            return err;
        if (range.len == 0)
            return ys_reader_fail(in, "delete range of length 0");
        if (range.len > YS_MAX_SAFE_INTEGER - range.clock)
            return ys_reader_fail(in, "delete range beyond 2^53 - 1");
        err = ys_ranges_add(ranges, alloc, range);
    }
    return err;
}

enum ysync_err ys_ranges_decode(struct ys_ranges *ranges, const struct ysync_alloc *alloc, struct ys_reader *in)
{
    uint64_t clients;
    enum ysync_err err = ys_reader_count(in, 2, &clients);

    for (; !err && clients > 0; clients--)
        err = decode_client(ranges, alloc, in);
    return err;
}

/* How many of the items from `i` on belong to the same client. */
static size_t client_run(const struct ys_ranges *ranges, size_t i)
{
    size_t end = i + 1;

    while (end < ranges->count && ranges->items[end].client == ranges->items[i].client)
        end++;
    return end - i;
}

void ys_ranges_put(const struct ys_ranges *ranges, struct ys_buf *out)
{
    size_t clients = 0;
    size_t count;

    for (size_t i = 0; i < ranges->count; i += client_run(ranges, i))
        clients++;
    ys_buf_put_varuint(out, clients);
    for (size_t i = 0; i < ranges->count; i += count) {
        count = client_run(ranges, i);
        ys_buf_put_varuint(out, ranges->items[i].client);
        ys_buf_put_varuint(out, count);
        for (size_t j = i; j < i + count; j++) {
            ys_buf_put_varuint(out, ranges->items[j].clock);
            ys_buf_put_varuint(out, ranges->items[j].len);
        }
    }
}

/* The set */

enum ysync_err ys_dset_new(const struct ysync_alloc *alloc, struct ys_dset **out)
{
    struct ys_dset *set = ys_alloc_zeroed(alloc, 1, sizeof(*set));

    if (!set)
        return YSYNC_ERR_NOMEM;
    set->alloc = alloc;
    *out = set;
    return YSYNC_OK;
}

void ys_dset_free(struct ys_dset *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->client_count; i++)
        ys_free(set->alloc, set->clients[i].spans);
    ys_free(set->alloc, set->clients);
    ys_free(set->alloc, set);
}

/* The place of the client in the array, from high to low: its own, or where it would go. */
static size_t find_client(const struct ys_dset *set, uint64_t client)
{
    size_t low = 0;
    size_t high = set->client_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->clients[middle].client > client)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct client_spans *get_client(const struct ys_dset *set, uint64_t client)
{
    size_t i = find_client(set, client);

    return i < set->client_count && set->clients[i].client == client ? &set->clients[i] : NULL;
}

/* The first span that ends at or behind `clock`: the one that holds or touches it, if there is one. */
static uint32_t find_span(const struct client_spans *client, uint64_t clock)
{
    uint32_t low = 0;
    uint32_t high = client->count;
    uint32_t latest = client->latest;

    if (latest < client->count && client->spans[latest].end >= clock) {
        if (latest == 0 || client->spans[latest - 1].end < clock)
            return latest;
        high = latest;
    } else if (latest < client->count) {
        low = latest + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (client->spans[middle].end < clock)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ys_dset_contains(const struct ys_dset *set, uint64_t client, uint64_t clock)
{
    const struct client_spans *found = get_client(set, client);
    uint32_t i;

    if (!found)
        return false;
    i = find_span(found, clock + 1);
    return i < found->count && found->spans[i].clock <= clock;
}

static enum ysync_err add_missing(const struct ysync_alloc *alloc, const struct client_spans *client,
                                  struct ys_range range, struct ys_ranges *missing)
{
    uint64_t clock = range.clock;
    uint64_t end = range.clock + range.len;
    enum ysync_err err = YSYNC_OK;

    for (uint32_t i = client ? find_span(client, clock + 1) : 0; !err && client && i < client->count; i++) {
        const struct span *span = &client->spans[i];

        if (span->clock >= end)
            break;
        if (span->clock > clock)
            err = ys_ranges_add(missing, alloc, (struct ys_range){ range.client, clock, span->clock - clock });
        clock = span->end;
    }
    if (!err && clock < end)
        err = ys_ranges_add(missing, alloc, (struct ys_range){ range.client, clock, end - clock });
    return err;
}

enum ysync_err ys_dset_missing(const struct ys_dset *set, const struct ys_ranges *ranges, struct ys_ranges *missing)
{
    const struct client_spans *client = NULL;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < ranges->count; i++) {
        if (i == 0 || ranges->items[i].client != ranges->items[i - 1].client)
            client = get_client(set, ranges->items[i].client);
        err = add_missing(set->alloc, client, ranges->items[i], missing);
    }
    return err;
}

/* Makes entries for the clients in `ranges` that have none: both are in order, so one walk from the back will do. */
static enum ysync_err add_clients(struct ys_dset *set, const struct ys_ranges *ranges)
{
    size_t fresh = 0;
    size_t from = set->client_count;
    size_t to;

    for (size_t i = 0; i < ranges->count; i += client_run(ranges, i))
        fresh += get_client(set, ranges->items[i].client) == NULL;
    if (fresh == 0)
        return YSYNC_OK;
    if (!ys_grow_array(set->alloc, &set->clients, &set->client_cap, from + fresh, sizeof(*set->clients)))
        return YSYNC_ERR_NOMEM;
    to = set->client_count = from + fresh;
    for (size_t i = ranges->count; i > 0 && to > from; i--) {
        uint64_t client = ranges->items[i - 1].client;

        if (i > 1 && ranges->items[i - 2].client == client)
            continue;
        while (from > 0 && set->clients[from - 1].client < client)
            set->clients[--to] = set->clients[--from];
        if (from == 0 || set->clients[from - 1].client != client)
            set->clients[--to] = (struct client_spans){ .client = client };
    }
    return YSYNC_OK;
}

enum ysync_err ys_dset_reserve(struct ys_dset *set, const struct ys_ranges *ranges)
{
    enum ysync_err err = add_clients(set, ranges);
    size_t count;

    if (err)
        return err;
    for (size_t i = 0; i < ranges->count; i += count) {
        struct client_spans *client = get_client(set, ranges->items[i].client);
        size_t cap = client->cap;

        count = client_run(ranges, i);
        if (count > UINT32_MAX / 2 - client->count)
            return YSYNC_ERR_LIMIT;
        if (!ys_grow_array(set->alloc, &client->spans, &cap, client->count + count, sizeof(*client->spans)))
            return YSYNC_ERR_NOMEM;
        set->span_cap += cap - client->cap;
        client->cap = (uint32_t)cap;
    }
    return YSYNC_OK;
}

static void add_one(struct client_spans *client, struct span span)
{
    uint32_t first = find_span(client, span.clock);
    uint32_t behind = first; /* the first span that neither overlaps nor touches */

    while (behind < client->count && client->spans[behind].clock <= span.end)
        behind++;
    if (behind > first) {
        if (client->spans[first].clock < span.clock)
            span.clock = client->spans[first].clock;
        if (client->spans[behind - 1].end > span.end)
            span.end = client->spans[behind - 1].end;
    }
    memmove(client->spans + first + 1, client->spans + behind, (client->count - behind) * sizeof(*client->spans));
    client->spans[first] = span;
    client->count = client->count - (behind - first) + 1;
    client->latest = first;
}

static void append_joined(struct client_spans *client, struct span span)
{
    struct span *last = client->count ? &client->spans[client->count - 1] : NULL;

    if (!last || span.clock > last->end)
        client->spans[client->count++] = span;
    else if (span.end > last->end)
        last->end = span.end;
}

/* The old spans move to the end of the array, out of the way of the merged ones that grow from its beginning. */
static void merge(struct client_spans *client, const struct ys_range *ranges, size_t count)
{
    struct span *old = client->spans + count;
    struct span *old_end = old + client->count;

    memmove(old, client->spans, client->count * sizeof(*old));
    client->count = 0;
    client->latest = 0;
    for (size_t i = 0; i < count; i++) {
        while (old < old_end && old->clock < ranges[i].clock)
            append_joined(client, *old++);
        append_joined(client, (struct span){ ranges[i].clock, ranges[i].clock + ranges[i].len });
    }
    while (old < old_end)
        append_joined(client, *old++);
}

void ys_dset_add(struct ys_dset *set, const struct ys_ranges *ranges)
{
    size_t count;

    for (size_t i = 0; i < ranges->count; i += count) {
        struct client_spans *client = get_client(set, ranges->items[i].client);
        uint32_t before = client->count;

        count = client_run(ranges, i);
        assert(client->cap - client->count >= count);
        if (count >= MERGE_FROM) {
            merge(client, ranges->items + i, count);
        } else {
            for (size_t j = i; j < i + count; j++)
                add_one(client, (struct span){ ranges->items[j].clock,
                                               ranges->items[j].clock + ranges->items[j].len });
        }
        set->range_count = set->range_count - before + client->count;
    }
}

size_t ys_dset_range_count(const struct ys_dset *set)
{
    return set->range_count;
}

size_t ys_dset_bytes(const struct ys_dset *set)
{
    return sizeof(*set) + set->client_cap * sizeof(*set->clients) + set->span_cap * sizeof(struct span);
}

size_t ys_dset_put_bound(const struct ys_dset *set)
{
    return YS_VARUINT_MAX_BYTES * (1 + 2 * set->client_count + 2 * set->range_count);
}

void ys_dset_put(const struct ys_dset *set, struct ys_buf *out)
{
    size_t clients = 0;

    for (size_t i = 0; i < set->client_count; i++)
        clients += set->clients[i].count > 0;
    ys_buf_put_varuint(out, clients);
    for (size_t i = 0; i < set->client_count; i++) {
        const struct client_spans *client = &set->clients[i];

        if (client->count == 0)
            continue;
        ys_buf_put_varuint(out, client->client);
        ys_buf_put_varuint(out, client->count);
        for (uint32_t j = 0; j < client->count; j++) {
            ys_buf_put_varuint(out, client->spans[j].clock);
            ys_buf_put_varuint(out, client->spans[j].end - client->spans[j].clock);
        }
    }
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "delete set: %s\n", what);
    abort();
}

void ys_dset_check(const struct ys_dset *set)
{
    size_t ranges = 0;
    size_t cap = 0;

    for (size_t i = 0; i < set->client_count; i++) {
        const struct client_spans *client = &set->clients[i];

        check(i == 0 || client[-1].client > client->client, "clients do not run from high to low");
        for (uint32_t j = 0; j < client->count; j++) {
            check(client->spans[j].clock < client->spans[j].end, "an empty range");
            check(j == 0 || client->spans[j - 1].end < client->spans[j].clock, "ranges touch or overlap");
        }
        ranges += client->count;
        cap += client->cap;
    }
    check(ranges == set->range_count, "ranges are miscounted");
    check(cap == set->span_cap, "memory is miscounted");
}
