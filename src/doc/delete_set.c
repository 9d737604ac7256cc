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
    bool is_thawed;  /* if not, its frozen ranges have not been read yet, and this entry says nothing */
    bool was_frozen; /* it has a section among the frozen ones, for which this entry stands now */
};

/* Where the section of a client begins in the frozen bytes. */
struct frozen_mark {
    uint64_t client;
    size_t at;
};

struct frozen {
    struct ysync_bytes bytes;
    struct frozen_mark *marks; /* about one every KiB; none if there was no memory for them */
    size_t mark_cap;
    uint32_t mark_count;
    bool is_marked;
};

struct ys_dset {
    const struct ysync_alloc *alloc;
    struct frozen frozen;
    struct client_spans *clients;
    size_t client_count;
    size_t client_cap;
    size_t range_count; /* the frozen ones included */
    size_t span_cap;    /* of all clients */
    uint8_t *encoded;   /* what put() wrote last; NULL when it no longer holds */
    size_t encoded_len;
};

/* Bytes between two marks of the frozen sections, about. */
#define FROZEN_MARK_EVERY 1024

enum ysync_err ys_dset_new(const struct ysync_alloc *alloc, struct ys_dset **out)
{
    struct ys_dset *set = ys_alloc_zeroed(alloc, 1, sizeof(*set));

    if (!set)
        return YSYNC_ERR_NOMEM;
    set->alloc = alloc;
    *out = set;
    return YSYNC_OK;
}

static void forget_encoding(struct ys_dset *set)
{
    ys_free(set->alloc, set->encoded);
    set->encoded = NULL;
    set->encoded_len = 0;
}

static void clear(struct ys_dset *set)
{
    for (size_t i = 0; i < set->client_count; i++)
        ys_free(set->alloc, set->clients[i].spans);
    ys_free(set->alloc, set->clients);
    ys_free(set->alloc, set->frozen.marks);
    forget_encoding(set);
    *set = (struct ys_dset){ .alloc = set->alloc };
}

void ys_dset_free(struct ys_dset *set)
{
    if (!set)
        return;
    clear(set);
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

/* Frozen sections */

void ys_dset_freeze(struct ys_dset *set, struct ysync_bytes bytes, size_t range_count)
{
    clear(set);
    set->frozen.bytes = bytes;
    set->range_count = range_count;
}

/* Steps over `count` numbers that were validated before. */
static void skip_numbers(struct ys_reader *in, uint64_t count)
{
    while (count > 0 && in->at < in->end)
        count -= *in->at++ < 0x80;
}

struct section {
    uint64_t client;
    uint64_t range_count;
    size_t at;           /* of the section in the frozen bytes */
    struct ys_reader in; /* at the ranges */
};

/* Reads the head of the section at which `in` stands; false at the end. */
static bool read_section(const struct frozen *frozen, struct ys_reader *in, struct section *out)
{
    out->at = (size_t)(in->at - frozen->bytes.data);
    if (ys_reader_is_at_end(in) || ys_reader_varuint(in, &out->client) || ys_reader_varuint(in, &out->range_count))
        return false;
    out->in = *in;
    return true;
}

static struct ys_reader frozen_reader(const struct frozen *frozen)
{
    struct ys_reader in = ys_reader_init(frozen->bytes);

    skip_numbers(&in, 1); /* the count of sections */
    return in;
}

static void mark_frozen(struct frozen *frozen, const struct ysync_alloc *alloc)
{
    struct ys_reader in = frozen_reader(frozen);
    struct section section;
    size_t last = 0;

    frozen->is_marked = true;
    while (read_section(frozen, &in, &section)) {
        if (section.at - last >= FROZEN_MARK_EVERY) {
            if (!ys_grow_array(alloc, &frozen->marks, &frozen->mark_cap, frozen->mark_count + 1,
                               sizeof(*frozen->marks)))
                return;
            last = section.at;
            frozen->marks[frozen->mark_count++] = (struct frozen_mark){ section.client, section.at };
        }
        skip_numbers(&in, 2 * section.range_count);
    }
}

/* The client's section; false if it has none. */
static bool find_section(struct ys_dset *set, uint64_t client, struct section *out)
{
    struct frozen *frozen = &set->frozen;
    struct ys_reader in = frozen_reader(frozen);
    size_t low = 0;
    size_t high;

    if (frozen->bytes.len > FROZEN_MARK_EVERY && !frozen->is_marked)
        mark_frozen(frozen, set->alloc);
    high = frozen->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (frozen->marks[middle].client >= client)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        in.at = frozen->bytes.data + frozen->marks[low - 1].at;
    while (read_section(frozen, &in, out) && out->client >= client) {
        if (out->client == client)
            return true;
        skip_numbers(&in, 2 * out->range_count);
    }
    return false;
}

/* Reads the client's frozen ranges, which there are, into its entry. */
static enum ysync_err thaw_client(struct ys_dset *set, struct client_spans *client)
{
    struct section section;
    uint64_t clock;
    uint64_t len;

    if (!find_section(set, client->client, &section))
        return YSYNC_OK;
    if (section.range_count > 0) {
        client->spans = ys_alloc_array(set->alloc, (size_t)section.range_count, sizeof(*client->spans));
        if (!client->spans)
            return YSYNC_ERR_NOMEM;
    }
    client->cap = (uint32_t)section.range_count;
    set->span_cap += client->cap;
    while (client->count < client->cap && !ys_reader_varuint(&section.in, &clock) &&
           !ys_reader_varuint(&section.in, &len))
        client->spans[client->count++] = (struct span){ clock, clock + len };
    client->was_frozen = true;
    client->is_thawed = true;
    return YSYNC_OK;
}

bool ys_dset_is_thawed(const struct ys_dset *set, uint64_t client)
{
    const struct client_spans *found = get_client(set, client);

    return found && found->is_thawed;
}

bool ys_dset_has_thawed(const struct ys_dset *set)
{
    return set->client_count > 0;
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
        if (low == client->count || client->spans[low].end >= clock)
            return low;
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

bool ys_dset_next(const struct ys_dset *set, uint64_t client, uint64_t clock, struct ys_range *out)
{
    const struct client_spans *found = get_client(set, client);
    uint32_t i = found ? find_span(found, clock + 1) : 0;

    if (!found || i == found->count)
        return false;
    *out = (struct ys_range){ client, found->spans[i].clock, found->spans[i].end - found->spans[i].clock };
    return true;
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

    for (size_t i = 0; i < ranges->count; i += ys_ranges_client_count(ranges, i))
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

/* Those of the clients in `ranges` whose ranges are frozen still, a range for each. */
static enum ysync_err find_frozen(struct ys_dset *set, const struct ys_ranges *ranges, struct ys_ranges *out)
{
    struct section section;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < ranges->count; i += ys_ranges_client_count(ranges, i)) {
        uint64_t client = ranges->items[i].client;

        if (!ys_dset_is_thawed(set, client) && find_section(set, client, &section))
            err = ys_ranges_add(out, set->alloc, (struct ys_range){ client, 0, 1 });
    }
    return err;
}

enum ysync_err ys_dset_thaw(struct ys_dset *set, const struct ys_ranges *ranges)
{
    struct ys_ranges frozen;
    enum ysync_err err;

    if (set->frozen.bytes.len == 0)
        return YSYNC_OK;
    ys_ranges_init(&frozen);
    err = find_frozen(set, ranges, &frozen);
    if (!err)
        err = add_clients(set, &frozen);
    for (size_t i = 0; !err && i < frozen.count; i++)
        err = thaw_client(set, get_client(set, frozen.items[i].client));
    ys_ranges_deinit(&frozen, set->alloc);
    return err;
}

enum ysync_err ys_dset_reserve(struct ys_dset *set, const struct ys_ranges *ranges)
{
    size_t count;
    enum ysync_err err = add_clients(set, ranges);

    if (err)
        return err;
    for (size_t i = 0; i < ranges->count; i += count) {
        struct client_spans *client = get_client(set, ranges->items[i].client);
        size_t cap = client->cap;

        client->is_thawed = true; /* nothing of it is frozen any more */
        count = ys_ranges_client_count(ranges, i);
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

    if (ranges->count > 0)
        forget_encoding(set);
    for (size_t i = 0; i < ranges->count; i += count) {
        struct client_spans *client = get_client(set, ranges->items[i].client);
        uint32_t before = client->count;

        count = ys_ranges_client_count(ranges, i);
        assert(client->cap - client->count >= count);
        if (count >= MERGE_FROM) {
            merge(client, ranges->items + i, count);
        } else {
            for (size_t j = i; j < i + count; j++)
                add_one(client, (struct span){ ranges->items[j].clock, ranges->items[j].clock + ranges->items[j].len });
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
    return sizeof(*set) + set->client_cap * sizeof(*set->clients) + set->span_cap * sizeof(struct span) +
           set->frozen.mark_cap * sizeof(*set->frozen.marks) + set->encoded_len;
}

/* The encoded set, if it is at hand; if not, nothing. */
static struct ysync_bytes kept_encoding(const struct ys_dset *set)
{
    bool is_frozen = set->client_count == 0 && set->frozen.bytes.len > 0;

    return is_frozen ? set->frozen.bytes : (struct ysync_bytes){ set->encoded, set->encoded_len };
}

size_t ys_dset_put_bound(const struct ys_dset *set)
{
    if (kept_encoding(set).len > 0)
        return kept_encoding(set).len;
    return YS_VARUINT_MAX_BYTES * (1 + 2 * set->client_count + 2 * set->span_cap) + set->frozen.bytes.len;
}

static void put_client(const struct client_spans *client, struct ys_buf *out)
{
    if (client->count == 0)
        return;
    ys_buf_put_varuint(out, client->client);
    ys_buf_put_varuint(out, client->count);
    for (uint32_t i = 0; i < client->count; i++) {
        ys_buf_put_varuint(out, client->spans[i].clock);
        ys_buf_put_varuint(out, client->spans[i].end - client->spans[i].clock);
    }
}

static uint64_t count_clients(const struct ys_dset *set)
{
    struct ys_reader in = ys_reader_init(set->frozen.bytes);
    uint64_t clients = 0;

    if (ys_reader_varuint(&in, &clients))
        clients = 0; /* nothing is frozen */
    for (size_t i = 0; i < set->client_count; i++) {
        clients += set->clients[i].is_thawed && set->clients[i].count > 0;
        clients -= set->clients[i].was_frozen;
    }
    return clients;
}

/* Frozen sections and thawed clients, merged from high to low. */
static void put_merged(const struct ys_dset *set, struct ys_buf *out)
{
    struct ys_reader in = frozen_reader(&set->frozen);
    struct section section;
    size_t i = 0;

    while (read_section(&set->frozen, &in, &section)) {
        const uint8_t *start = set->frozen.bytes.data + section.at;

        skip_numbers(&in, 2 * section.range_count);
        for (; i < set->client_count && set->clients[i].client > section.client; i++)
            put_client(&set->clients[i], out);
        if (i == set->client_count || set->clients[i].client != section.client || !set->clients[i].is_thawed)
            ys_buf_put(out, (struct ysync_bytes){ start, (size_t)(in.at - start) });
    }
    for (; i < set->client_count; i++)
        put_client(&set->clients[i], out);
}

/* The next to ask most likely wants the same. Without memory for it, it is written anew. */
static void keep_encoding(struct ys_dset *set, struct ysync_bytes bytes)
{
    uint8_t *copy = ys_alloc_array(set->alloc, bytes.len, 1);

    if (!copy)
        return;
    memcpy(copy, bytes.data, bytes.len);
    set->encoded = copy;
    set->encoded_len = bytes.len;
}

void ys_dset_put(struct ys_dset *set, struct ys_buf *out)
{
    size_t start = out->len;

    if (kept_encoding(set).len > 0) {
        ys_buf_put(out, kept_encoding(set));
        return;
    }
    ys_buf_put_varuint(out, count_clients(set));
    put_merged(set, out);
    if (!out->err && set->client_count > 0)
        keep_encoding(set, (struct ysync_bytes){ out->data + start, out->len - start });
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
    check(set->frozen.bytes.len > 0 || ranges == set->range_count, "ranges are miscounted");
    check(cap == set->span_cap, "memory is miscounted");
}
