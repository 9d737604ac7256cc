/* SPDX-License-Identifier: MIT */
#include "doc/state_vector.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

void ys_state_vector_init(struct ys_state_vector *vector)
{
    vector->entries = vector->few;
    vector->count = 0;
    vector->cap = ARRAY_LEN(vector->few);
}

void ys_state_vector_deinit(struct ys_state_vector *vector, const struct ysync_alloc *alloc)
{
    ys_free_grown(alloc, vector->entries, vector->few);
    ys_state_vector_init(vector);
}

static int compare_entries(const void *left, const void *right)
{
    const struct ys_id *a = left;
    const struct ys_id *b = right;

    if (a->client != b->client)
        return a->client > b->client ? -1 : 1;
    return a->clock < b->clock ? -1 : a->clock > b->clock;
}

static void sort(struct ys_state_vector *vector)
{
    bool is_in_order = true;
    size_t kept = 0;

    for (size_t i = 1; i < vector->count && is_in_order; i++)
        is_in_order = vector->entries[i - 1].client > vector->entries[i].client;
    if (is_in_order)
        return;
    qsort(vector->entries, vector->count, sizeof(*vector->entries), compare_entries);
    for (size_t i = 1; i < vector->count; i++) {
        if (vector->entries[i].client != vector->entries[kept].client)
            vector->entries[++kept] = vector->entries[i];
    }
    vector->count = kept + 1;
}

enum ysync_err ys_state_vector_decode(struct ys_state_vector *vector, const struct ysync_alloc *alloc,
                                      struct ys_reader *in)
{
    uint64_t count;
    enum ysync_err err;

    if (ys_reader_is_at_end(in))
        return YSYNC_OK;
    err = ys_reader_count(in, 2, &count);
    if (err)
        return err;
    if (!ys_grow_from(alloc, &vector->entries, vector->few, &vector->cap, (size_t)count, sizeof(*vector->entries)))
        return YSYNC_ERR_NOMEM;
    for (uint64_t i = 0; i < count; i++) {
        struct ys_id *entry = &vector->entries[i];

        err = ys_reader_varuint(in, &entry->client);
        if (!err)
            err = ys_reader_varuint(in, &entry->clock);
        if (err)
            return err;
    }
    if (!ys_reader_is_at_end(in))
        return ys_reader_fail(in, "bytes left over behind the state vector");
    vector->count = (size_t)count;
    sort(vector);
    return YSYNC_OK;
}

uint64_t ys_state_vector_clock(const struct ys_state_vector *vector, uint64_t client, size_t *hint)
{
    while (*hint < vector->count && vector->entries[*hint].client > client)
        ++*hint;
    return *hint < vector->count && vector->entries[*hint].client == client ? vector->entries[*hint].clock : 0;
}
