/* SPDX-License-Identifier: MIT */
#include "doc/ranges.h"

#include <stdlib.h>

#include "base/alloc.h"

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

bool ys_ranges_is_sorted(const struct ys_ranges *ranges)
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

    if (ys_ranges_is_sorted(ranges))
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

bool ys_ranges_contain(const struct ys_ranges *whole, const struct ys_ranges *part)
{
    size_t i = 0;

    for (size_t j = 0; j < part->count; j++) {
        const struct ys_range *want = &part->items[j];
        const struct ys_range *have;

        while (i < whole->count &&
               (whole->items[i].client > want->client ||
                (whole->items[i].client == want->client && whole->items[i].clock + whole->items[i].len <= want->clock)))
            i++;
        have = &whole->items[i];
        if (i == whole->count || have->client != want->client || have->clock > want->clock ||
            have->clock + have->len < want->clock + want->len)
            return false;
    }
    return true;
}

uint64_t ys_ranges_clocks(const struct ys_ranges *ranges)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ranges->count; i++)
        sum += ranges->items[i].len;
    return sum;
}

size_t ys_ranges_client_count(const struct ys_ranges *ranges, size_t i)
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

    for (size_t i = 0; i < ranges->count; i += ys_ranges_client_count(ranges, i))
        clients++;
    ys_buf_put_varuint(out, clients);
    for (size_t i = 0; i < ranges->count; i += count) {
        count = ys_ranges_client_count(ranges, i);
        ys_buf_put_varuint(out, ranges->items[i].client);
        ys_buf_put_varuint(out, count);
        for (size_t j = i; j < i + count; j++) {
            ys_buf_put_varuint(out, ranges->items[j].clock);
            ys_buf_put_varuint(out, ranges->items[j].len);
        }
    }
}
