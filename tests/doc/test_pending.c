/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/notation.h"
#include "doc/pending.h"
#include "support/failing_alloc.h"

/* Blocks made of the sections of an update, each waiting for the same. */
static size_t make_blocks(const struct ysync_alloc *alloc, const char *text, struct ys_id needs,
                          struct ys_pending_block **out)
{
    struct ys_update update;
    struct ys_buf bytes;
    struct ys_reader in;
    size_t count = 0;

    write_update(&bytes, text);
    in = ys_reader_init(ys_buf_bytes(&bytes));
    ys_update_init(&update);
    assert_int_equal(ys_update_decode(&update, ysync_alloc_default(), &in), YSYNC_OK);
    for (size_t i = 0; i < update.block_count; i++) {
        struct ys_block_walk walk;

        ys_block_walk_begin(&walk, &update.blocks[i]);
        assert_int_equal(
            ys_pending_block_new(alloc, (struct ys_id){ update.blocks[i].client, 0 }, &walk, i, needs, &out[count++]),
            YSYNC_OK);
    }
    ys_update_deinit(&update, ysync_alloc_default());
    ys_buf_deinit(&bytes);
    return count;
}

static void add(struct ys_pending *pending, const char *text, uint64_t client, uint64_t clock)
{
    struct ys_pending_block *blocks[8];
    size_t count = make_blocks(pending->alloc, text, (struct ys_id){ client, clock }, blocks);

    assert_int_equal(ys_pending_reserve(pending, blocks, count), YSYNC_OK);
    for (size_t i = 0; i < count; i++)
        blocks[i] = ys_pending_add(pending, blocks[i]);
    for (size_t i = 0; i < count; i++)
        ys_pending_block_free(pending, blocks[i]);
}

/* "7@5+2 7@9+1": all blocks, sorted. */
static void assert_blocks(const char *row, const struct ys_pending *pending, const char *want)
{
    struct ys_pending_block **blocks;
    char got[256] = "";
    size_t len = 0;

    ys_pending_check(pending);
    assert_int_equal(ys_pending_sorted(pending, &blocks), YSYNC_OK);
    for (size_t i = 0; i < ys_pending_count(pending); i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%llu@%llu+%llu", i ? " " : "",
                                (unsigned long long)blocks[i]->client, (unsigned long long)blocks[i]->clock,
                                (unsigned long long)(blocks[i]->end - blocks[i]->clock));
    if (strcmp(got, want) != 0)
        fail_msg("%s: got %s, want %s", row, got, want);
    ys_free(pending->alloc, blocks);
}

static void test_pending_keeps_a_block_once(void **state)
{
    static const struct {
        const char *name;
        const char *added[3];
        const char *want;
    } cases[] = {
        { "one block", { "7@5 'ab'" }, "7@5+2" },
        { "the same again", { "7@5 'ab'", "7@5 'ab'" }, "7@5+2" },
        { "a longer one with the same beginning", { "7@5 'ab'", "7@5 'abc'" }, "7@5+3" },
        { "a shorter one with the same beginning", { "7@5 'ab'", "7@5 'a'" }, "7@5+2" },
        { "another beginning", { "7@5 'ab'", "7@6 'b'" }, "7@5+2 7@6+1" },
        { "another client", { "7@5 'ab'", "9@5 'ab'", "8@0 gc1" }, "9@5+2 8@0+1 7@5+2" },
        { "two of one update, of which one is known", { "7@5 'ab'", "7@5 'ab' 7@9 'c'" }, "7@5+2 7@9+1" },
        { "two of one update, of which one is longer", { "7@5 'ab'", "7@5 'abc' 7@9 'c'" }, "7@5+3 7@9+1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_test_alloc memory;
        struct ys_pending pending;

        ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
        ys_pending_init(&pending, &memory.alloc);
        for (size_t n = 0; n < ARRAY_LEN(cases[i].added) && cases[i].added[n]; n++)
            add(&pending, cases[i].added[n], 3, 1);
        assert_blocks(cases[i].name, &pending, cases[i].want);
        ys_pending_deinit(&pending);
        assert_int_equal(memory.live_blocks, 0);
    }
}

/* What waits goes up to the next gap. */
static void test_pending_copies_up_to_a_skip(void **state)
{
    struct ys_pending pending;

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    add(&pending, "7@5 'ab' 'c' skip4 'd'", 3, 1);
    assert_blocks("up to a Skip", &pending, "7@5+3");
    ys_pending_deinit(&pending);
}

static void test_pending_gives_out_what_is_due(void **state)
{
    struct ys_pending pending;
    struct ys_pending_block *block;

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    add(&pending, "9@0 'c'", 7, 31);
    add(&pending, "9@1 'a'", 7, 12);
    add(&pending, "9@2 'b'", 7, 30);
    add(&pending, "9@3 'd'", 8, 1);
    assert_null(ys_pending_take(&pending, 6, 99));
    assert_null(ys_pending_take(&pending, 7, 11));
    block = ys_pending_take(&pending, 7, 30);
    assert_int_equal(block->clock, 1);
    ys_pending_drop(&pending, block);
    ys_pending_check(&pending);
    block = ys_pending_take(&pending, 7, 30);
    assert_int_equal(block->clock, 2);
    ys_pending_put_back(&pending, block); /* it waits as before */
    ys_pending_check(&pending);
    block = ys_pending_take(&pending, 7, 30);
    assert_int_equal(block->clock, 2);
    ys_pending_drop(&pending, block);
    assert_null(ys_pending_take(&pending, 7, 30));
    assert_blocks("what was not due", &pending, "9@0+1 9@3+1");
    ys_pending_deinit(&pending);
}

/* When its first struct came another way, it no longer matters what that one needs. */
static void test_pending_gives_out_what_has_become_known(void **state)
{
    struct ys_pending pending;
    struct ys_pending_block *block;

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    add(&pending, "9@5 'ab' embed", 7, 12);
    add(&pending, "9@8 'd'", 9, 8);
    assert_null(ys_pending_take(&pending, 9, 5));
    block = ys_pending_take(&pending, 9, 6);
    assert_int_equal(block->clock, 5);
    assert_null(ys_pending_take(&pending, 7, 12));
    ys_pending_put_back(&pending, block);
    ys_pending_check(&pending);
    block = ys_pending_take(&pending, 7, 12);
    assert_int_equal(block->clock, 5);
    ys_pending_drop(&pending, block);
    ys_pending_check(&pending);
    assert_null(ys_pending_take(&pending, 9, 7));
    assert_int_equal(ys_pending_take(&pending, 9, 8)->clock, 8);
    ys_pending_deinit(&pending);
}

/* One that is looked at just now is not in the way of one that begins at the same clock. */
static void test_pending_replaces_what_is_taken(void **state)
{
    struct ys_pending pending;
    struct ys_pending_block *taken;

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    add(&pending, "9@5 'abc'", 7, 1);
    taken = ys_pending_take(&pending, 7, 1);
    add(&pending, "9@5 'a'", 8, 1);
    ys_pending_drop(&pending, taken);
    ys_pending_check(&pending);
    assert_blocks("the new one", &pending, "9@5+1");
    taken = ys_pending_take(&pending, 8, 1);
    assert_non_null(taken);
    ys_pending_drop(&pending, taken);
    assert_int_equal(ys_pending_bytes(&pending), 0);
    ys_pending_deinit(&pending);
}

/* Many blocks, of which each waits for the one before, in reverse order. */
static void test_pending_finds_one_among_many(void **state)
{
    struct ys_pending pending;
    char text[32];

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    for (uint64_t clock = 3000; clock > 0; clock--) {
        snprintf(text, sizeof(text), "7@%u 'a'", (unsigned)clock);
        add(&pending, text, 7, clock);
    }
    assert_int_equal(ys_pending_count(&pending), 3000);
    for (uint64_t clock = 1; clock <= 3000; clock++) {
        struct ys_pending_block *block = ys_pending_take(&pending, 7, clock);

        assert_non_null(block);
        assert_int_equal(block->clock, clock);
        assert_null(ys_pending_take(&pending, 7, clock));
        ys_pending_drop(&pending, block);
    }
    assert_int_equal(ys_pending_count(&pending), 0);
    ys_pending_deinit(&pending);
}

/* "7@5 7@9 ...": as the tables stand, which is how the seed has it. */
static void describe_order(const struct ys_hash_seed *seed, char *out, size_t size)
{
    const struct ys_pending_block *block;
    struct ys_pending pending;
    size_t len = 0;
    char text[32];

    ys_pending_init(&pending, ysync_alloc_default());
    ys_pending_set_seed(&pending, seed);
    for (unsigned clock = 1; clock <= 40; clock++) {
        snprintf(text, sizeof(text), "7@%u 'a'", clock);
        add(&pending, text, 3, clock);
    }
    for (size_t i = 0; (block = ys_pending_next(&pending, &i)) != NULL;)
        len += (size_t)snprintf(out + len, size - len, "7@%llu ", (unsigned long long)block->clock);
    ys_pending_deinit(&pending);
}

static void test_pending_hashes_with_the_seed_it_is_given(void **state)
{
    static const struct ys_hash_seed seed = { 1, 2 };
    static const struct ys_hash_seed other_seed = { 1, 3 };
    char first[512];
    char again[512];
    char other[512];

    (void)state;
    describe_order(&seed, first, sizeof(first));
    describe_order(&seed, again, sizeof(again));
    describe_order(&other_seed, other, sizeof(other));
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void test_pending_reads_as_a_block(void **state)
{
    struct ys_pending pending;
    struct ys_pending_block *taken;
    struct ys_block block;

    (void)state;
    ys_pending_init(&pending, ysync_alloc_default());
    add(&pending, "9@5 'abc' embed", 7, 1);
    taken = ys_pending_take(&pending, 7, 1);
    block = ys_pending_as_block(taken);
    assert_int_equal(block.client, 9);
    assert_int_equal(block.clock, 5);
    assert_int_equal(block.end, 9);
    assert_int_equal(block.struct_count, 2);
    assert_int_equal(block.first.len, 3);
    ys_pending_drop(&pending, taken);
    ys_pending_deinit(&pending);
}

static void test_pending_survives_any_allocation_failing(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_pending_block *blocks[8];
        struct ys_test_alloc memory;
        struct ys_pending pending;
        enum ysync_err err;
        size_t count;

        ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
        ys_pending_init(&pending, &memory.alloc);
        count = make_blocks(&memory.alloc, "9@0 'a' 9@5 'b' 7@1 gc3", (struct ys_id){ 3, 4 }, blocks);
        memory.fail_at = memory.requests + n;
        err = ys_pending_reserve(&pending, blocks, count);
        for (size_t i = 0; i < count; i++)
            ys_pending_block_free(&pending, err ? blocks[i] : ys_pending_add(&pending, blocks[i]));
        ys_pending_check(&pending);
        assert_int_equal(ys_pending_count(&pending), err ? 0 : 3);
        ys_pending_deinit(&pending);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending_keeps_a_block_once),
        cmocka_unit_test(test_pending_copies_up_to_a_skip),
        cmocka_unit_test(test_pending_gives_out_what_is_due),
        cmocka_unit_test(test_pending_gives_out_what_has_become_known),
        cmocka_unit_test(test_pending_replaces_what_is_taken),
        cmocka_unit_test(test_pending_finds_one_among_many),
        cmocka_unit_test(test_pending_hashes_with_the_seed_it_is_given),
        cmocka_unit_test(test_pending_reads_as_a_block),
        cmocka_unit_test(test_pending_survives_any_allocation_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
