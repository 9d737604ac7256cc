/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "doc/update.h"

#define TEXT_NAME "text"

/* Units of a struct of ys_edit_put_document(), and the bytes it takes with ids of five and two bytes. */
#define PARAGRAPH_UNITS 20
#define PARAGRAPH_BYTES 30

static void put_text(struct ys_buf *out, uint64_t seed, size_t units)
{
    ys_buf_put_varuint(out, units);
    for (size_t i = 0; i < units; i++)
        ys_buf_put_u8(out, (uint8_t)('a' + (seed + i) % 26));
}

/* The parent of a struct without origins: the root text. */
static void put_root(struct ys_buf *out)
{
    ys_buf_put_varuint(out, 1);
    ys_buf_put_var_bytes(out, (struct ysync_bytes){ (const uint8_t *)TEXT_NAME, strlen(TEXT_NAME) });
}

/* One section, of one client; its structs come next, and behind them the deletions. */
static void put_head(struct ys_buf *out, uint64_t struct_count, uint64_t client, uint64_t clock)
{
    ys_buf_put_varuint(out, 1);
    ys_buf_put_varuint(out, struct_count);
    ys_buf_put_varuint(out, client);
    ys_buf_put_varuint(out, clock);
}

static void put_no_deletions(struct ys_buf *out)
{
    ys_buf_put_varuint(out, 0);
}

void ys_edit_put(struct ys_buf *out, uint64_t client, uint64_t clock, size_t units)
{
    put_head(out, 1, client, clock);
    if (clock == 0) {
        ys_buf_put_u8(out, YS_KIND_STRING);
        put_root(out);
    } else {
        ys_buf_put_u8(out, YS_KIND_STRING | YS_INFO_ORIGIN);
        ys_buf_put_varuint(out, client);
        ys_buf_put_varuint(out, clock - 1);
    }
    put_text(out, clock, units);
    put_no_deletions(out);
}

void ys_edit_put_presence(struct ys_buf *out, uint64_t client, uint64_t clock)
{
    char state[128];
    int len = snprintf(state, sizeof(state),
                       "{\"user\":{\"name\":\"visitor %llu\",\"color\":\"#30bced\"},\"cursor\":{\"at\":%llu}}",
                       (unsigned long long)client, (unsigned long long)clock);

    ys_buf_put_varuint(out, 1);
    ys_buf_put_varuint(out, client);
    ys_buf_put_varuint(out, clock);
    ys_buf_put_var_bytes(out, (struct ysync_bytes){ (const uint8_t *)state, (size_t)len });
}

/* Each paragraph is put in front of the one before, so that no two are neighbours that could merge, and a Yjs server
 * need not look for its place. */
void ys_edit_put_document(struct ys_buf *out, uint64_t client, size_t bytes)
{
    uint64_t count = bytes / PARAGRAPH_BYTES + 1;

    put_head(out, count, client, 0);
    for (uint64_t i = 0; i < count; i++) {
        if (i == 0) {
            ys_buf_put_u8(out, YS_KIND_STRING);
            put_root(out);
        } else {
            ys_buf_put_u8(out, YS_KIND_STRING | YS_INFO_RIGHT_ORIGIN);
            ys_buf_put_varuint(out, client);
            ys_buf_put_varuint(out, (i - 1) * PARAGRAPH_UNITS);
        }
        put_text(out, i, PARAGRAPH_UNITS);
    }
    put_no_deletions(out);
}

/* The ranges between the Skips of a block. */
static void read_around_skips(const struct ys_block *block, ys_edit_range_fn *range, void *user)
{
    struct ys_block_walk walk;

    for (ys_block_walk_begin(&walk, block); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        if (ys_struct_kind(walk.s) != YS_KIND_SKIP)
            range(user, block->client, walk.clock, walk.clock + walk.s->len);
    }
}

void ys_edit_read(struct ysync_bytes bytes, ys_edit_range_fn *range, void *user)
{
    struct ys_reader in = ys_reader_init(bytes);
    struct ys_update update;

    ys_update_init(&update);
    if (ys_update_decode(&update, ysync_alloc_default(), &in))
        ys_give_up("a malformed update came: %s", in.problem ? in.problem : "out of memory");
    for (size_t i = 0; i < update.block_count; i++) {
        const struct ys_block *block = &update.blocks[i];

        if (block->has_skip)
            read_around_skips(block, range, user);
        else
            range(user, block->client, block->clock, block->end);
    }
    ys_update_deinit(&update, ysync_alloc_default());
}

static void count_range(void *user, uint64_t client, uint64_t from, uint64_t to)
{
    uint64_t *count = user;

    (void)client;
    *count += to - from;
}

uint64_t ys_edit_count(struct ysync_bytes update)
{
    uint64_t count = 0;

    ys_edit_read(update, count_range, &count);
    return count;
}

struct vector {
    struct ys_buf entries;
    uint64_t count;
};

static void put_entry(void *user, uint64_t client, uint64_t from, uint64_t to)
{
    struct vector *vector = user;

    ys_expect(from == 0, "a document must be whole");
    ys_buf_put_varuint(&vector->entries, client);
    ys_buf_put_varuint(&vector->entries, to);
    vector->count++;
}

void ys_edit_put_state_vector(struct ys_buf *out, struct ysync_bytes update)
{
    struct vector vector = { .count = 0 };

    ys_buf_init(&vector.entries, ysync_alloc_default(), SIZE_MAX);
    ys_edit_read(update, put_entry, &vector);
    ys_must(ys_buf_err(&vector.entries), "state vector");
    ys_buf_put_varuint(out, vector.count);
    ys_buf_put(out, ys_buf_bytes(&vector.entries));
    ys_buf_deinit(&vector.entries);
}

void ys_edit_read_presence(struct ysync_bytes entries, ys_edit_range_fn *range, void *user)
{
    struct ys_reader in = ys_reader_init(entries);
    enum ysync_err err;
    uint64_t count;
    uint64_t client;
    uint64_t clock;
    struct ysync_bytes state;

    err = ys_reader_varuint(&in, &count);
    for (; !err && count > 0; count--) {
        if (!(err = ys_reader_varuint(&in, &client)) && !(err = ys_reader_varuint(&in, &clock)) &&
            !(err = ys_reader_var_bytes(&in, &state)))
            range(user, client, clock, clock + 1);
    }
    ys_must(err, "malformed presence came");
}
