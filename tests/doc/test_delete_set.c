/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/delete_set.h"
#include "recorded.h"
#include "support/failing_alloc.h"

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

struct range {
    uint64_t clock;
    uint64_t len;
};

static struct ys_dset *new_set(void)
{
    struct ys_dset *set;

    assert_int_equal(ys_dset_new(ysync_alloc_default(), &set), YSYNC_OK);
    return set;
}

static enum ysync_err add_ranges(struct ys_dset *set, struct ys_ranges *ranges)
{
    enum ysync_err err;

    ys_ranges_sort(ranges);
    err = ys_dset_thaw(set, ranges);
    if (!err)
        err = ys_dset_reserve(set, ranges);
    if (!err)
        ys_dset_add(set, ranges);
    ys_dset_check(set);
    return err;
}

static void add(struct ys_dset *set, uint64_t client, uint64_t clock, uint64_t len)
{
    struct ys_ranges ranges;

    ys_ranges_init(&ranges);
    assert_int_equal(ys_ranges_add(&ranges, ysync_alloc_default(), (struct ys_range){ client, clock, len }), YSYNC_OK);
    assert_int_equal(add_ranges(set, &ranges), YSYNC_OK);
    ys_ranges_deinit(&ranges, ysync_alloc_default());
}

/* "[0,5)[7,9)" */
static void format_ranges(const struct ys_ranges *ranges, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ranges->count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "[%llu,%llu)", (unsigned long long)ranges->items[i].clock,
                                (unsigned long long)(ranges->items[i].clock + ranges->items[i].len));
}

/* What is in the set, by way of its encoding. */
static void read_set(struct ys_dset *set, struct ys_ranges *out)
{
    struct ys_buf bytes;
    struct ys_reader in;

    ys_buf_init(&bytes, ysync_alloc_default(), SIZE_MAX);
    ys_dset_put(set, &bytes);
    assert_int_equal(ys_buf_err(&bytes), YSYNC_OK);
    assert_true(bytes.len <= ys_dset_put_bound(set));
    in = ys_reader_init(ys_buf_bytes(&bytes));
    ys_ranges_init(out);
    assert_int_equal(ys_ranges_decode(out, ysync_alloc_default(), &in), YSYNC_OK);
    assert_true(ys_reader_is_at_end(&in));
    assert_true(ys_ranges_is_sorted(out));
    ys_buf_deinit(&bytes);
}

static void format_after_adding(const struct range *ranges, size_t count, char *out, size_t cap)
{
    struct ys_dset *set = new_set();
    struct ys_ranges got;

    for (size_t i = 0; i < count; i++) {
        if (ranges[i].len > 0)
            add(set, 7, ranges[i].clock, ranges[i].len);
    }
    read_set(set, &got);
    assert_int_equal(ys_dset_range_count(set), got.count);
    format_ranges(&got, out, cap);
    ys_ranges_deinit(&got, ysync_alloc_default());
    ys_dset_free(set);
}

static void test_dset_merges_ranges(void **state)
{
    static const struct {
        const char *name;
        struct range add[4];
        const char *want;
    } cases[] = {
        { "one range", { { 3, 2 } }, "[3,5)" },
        { "adjacent ranges join", { { 0, 3 }, { 3, 2 } }, "[0,5)" },
        { "also from behind", { { 3, 2 }, { 0, 3 } }, "[0,5)" },
        { "an overlap counts once", { { 0, 4 }, { 2, 4 } }, "[0,6)" },
        { "a gap is kept", { { 0, 2 }, { 5, 1 } }, "[0,2)[5,6)" },
        { "arrival order is free", { { 5, 1 }, { 0, 2 }, { 2, 3 } }, "[0,6)" },
        { "the same range again", { { 2, 3 }, { 2, 3 } }, "[2,5)" },
        { "a part of a range", { { 2, 9 }, { 4, 2 } }, "[2,11)" },
        { "one that holds all others", { { 2, 1 }, { 4, 1 }, { 6, 1 }, { 1, 9 } }, "[1,10)" },
        { "one that fills a gap", { { 0, 2 }, { 4, 2 }, { 2, 2 } }, "[0,6)" },
        { "one that reaches into both neighbours", { { 0, 2 }, { 4, 2 }, { 1, 4 } }, "[0,6)" },
        { "in front", { { 5, 1 }, { 9, 1 }, { 0, 1 } }, "[0,1)[5,6)[9,10)" },
        { "the last clock", { { (UINT64_C(1) << 53) - 2, 1 } }, "[9007199254740990,9007199254740991)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[128];

        format_after_adding(cases[i].add, ARRAY_LEN(cases[i].add), got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
    }
}

static void test_dset_finds_what_is_missing(void **state)
{
    static const struct {
        const char *name;
        struct range have[3];
        struct range ask[3];
        const char *want;
    } cases[] = {
        { "all of it", { { 0, 0 } }, { { 2, 3 } }, "[2,5)" },
        { "nothing", { { 0, 9 } }, { { 2, 3 } }, "" },
        { "the beginning", { { 3, 9 } }, { { 1, 4 } }, "[1,3)" },
        { "the end", { { 0, 3 } }, { { 1, 4 } }, "[3,5)" },
        { "both ends", { { 3, 2 } }, { { 0, 9 } }, "[0,3)[5,9)" },
        { "what lies between", { { 0, 2 }, { 4, 2 } }, { { 0, 6 } }, "[2,4)" },
        { "some of several", { { 0, 2 }, { 4, 2 } }, { { 1, 2 }, { 4, 1 }, { 8, 1 } }, "[2,3)[8,9)" },
        { "right beside", { { 2, 2 } }, { { 0, 2 }, { 4, 1 } }, "[0,2)[4,5)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_dset *set = new_set();
        struct ys_ranges ask;
        struct ys_ranges missing;
        char got[128];

        ys_ranges_init(&ask);
        ys_ranges_init(&missing);
        for (size_t n = 0; n < 3; n++) {
            struct ys_range range = { 7, cases[i].ask[n].clock, cases[i].ask[n].len };

            if (cases[i].have[n].len > 0)
                add(set, 7, cases[i].have[n].clock, cases[i].have[n].len);
            if (range.len > 0)
                assert_int_equal(ys_ranges_add(&ask, ysync_alloc_default(), range), YSYNC_OK);
        }
        assert_int_equal(ys_dset_thaw(set, &ask), YSYNC_OK);
        assert_int_equal(ys_dset_missing(set, &ask, &missing), YSYNC_OK);
        format_ranges(&missing, got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
        ys_ranges_deinit(&missing, ysync_alloc_default());
        ys_ranges_deinit(&ask, ysync_alloc_default());
        ys_dset_free(set);
    }
}

static void test_dset_writes_what_yjs_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_delete_sets); i++) {
        struct ysync_bytes bytes = recorded_delete_sets[i].bytes;
        struct ys_reader in = ys_reader_init(bytes);
        struct ys_dset *set = new_set();
        struct ys_ranges ranges;
        struct ys_buf got;

        ys_ranges_init(&ranges);
        ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
        assert_int_equal(ys_ranges_decode(&ranges, ysync_alloc_default(), &in), YSYNC_OK);
        assert_int_equal(add_ranges(set, &ranges), YSYNC_OK);
        ys_dset_put(set, &got);
        if (got.len != bytes.len || memcmp(got.data, bytes.data, bytes.len) != 0)
            fail_msg("%s: got %zu other bytes, want %zu", recorded_delete_sets[i].name, got.len, bytes.len);
        ys_buf_clear(&got);
        ys_ranges_put(&ranges, &got);
        assert_int_equal(got.len, bytes.len);
        assert_memory_equal(got.data, bytes.data, bytes.len);
        ys_buf_deinit(&got);
        ys_ranges_deinit(&ranges, ysync_alloc_default());
        ys_dset_free(set);
    }
}

static void test_dset_refuses(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes bytes;
        const char *problem;
    } cases[] = {
        { "a range of length 0", BYTES("\x01\x07\x01\x05\x00"), "delete range of length 0" },
        { "a range that leads past the last clock", BYTES("\x01\x07\x01\x01\xff\xff\xff\xff\xff\xff\xff\x0f"),
          "delete range beyond 2^53 - 1" },
        { "a clock past 2^53 - 1", BYTES("\x01\x07\x01\x80\x80\x80\x80\x80\x80\x80\x10\x01"),
          "number beyond 2^53 - 1" },
        { "more clients than bytes", BYTES("\x05\x07\x00\x08\x00"), "count larger than the bytes left could hold" },
        { "more ranges than bytes", BYTES("\x01\x07\x03\x01\x01\x05\x01"),
          "count larger than the bytes left could hold" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_reader in = ys_reader_init(cases[i].bytes);
        struct ys_ranges ranges;
        enum ysync_err err;

        ys_ranges_init(&ranges);
        err = ys_ranges_decode(&ranges, ysync_alloc_default(), &in);
        if (err != YSYNC_ERR_MALFORMED || strcmp(in.problem, cases[i].problem) != 0)
            fail_msg("%s: got %d (%s), want %s", cases[i].name, (int)err, in.problem, cases[i].problem);
        ys_ranges_deinit(&ranges, ysync_alloc_default());
    }
}

static void test_dset_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_delete_sets); i++) {
        for (size_t len = 0; len < recorded_delete_sets[i].bytes.len; len++) {
            uint8_t *copy = malloc(len + 1);
            struct ys_reader in = ys_reader_init((struct ysync_bytes){ copy, len });
            struct ys_ranges ranges;

            assert_non_null(copy);
            memcpy(copy, recorded_delete_sets[i].bytes.data, len);
            ys_ranges_init(&ranges);
            if (ys_ranges_decode(&ranges, ysync_alloc_default(), &in) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", recorded_delete_sets[i].name, len);
            ys_ranges_deinit(&ranges, ysync_alloc_default());
            free(copy);
        }
    }
}

static void test_dset_keeps_clients_from_high_to_low(void **state)
{
    static const uint64_t clients[] = { 5, 900, 7, (UINT64_C(1) << 53) - 1, 0, 6, 900, 1 };
    struct ys_dset *set = new_set();
    struct ys_ranges got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        add(set, clients[i], 2 * i, 1);
    read_set(set, &got);
    assert_int_equal(got.count, 8);
    assert_int_equal(got.items[0].client, (UINT64_C(1) << 53) - 1);
    assert_int_equal(got.items[1].client, 900);
    assert_int_equal(got.items[1].clock, 2);
    assert_int_equal(got.items[2].clock, 12);
    assert_int_equal(got.items[7].client, 0);
    ys_ranges_deinit(&got, ysync_alloc_default());
    ys_dset_free(set);
}

/* Random numbers that a seed repeats (xorshift). */
static uint32_t next_random(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

#define ORACLE_CLIENTS 3
#define ORACLE_CLOCKS 300

/* Against a table that says of every clock whether it is deleted. */
static void check_against_oracle(struct ys_dset *set, bool oracle[ORACLE_CLIENTS][ORACLE_CLOCKS], uint32_t seed)
{
    for (uint64_t client = 0; client < ORACLE_CLIENTS; client++) {
        for (uint64_t clock = 0; clock < ORACLE_CLOCKS; clock++) {
            if (ys_dset_contains(set, client, clock) != oracle[client][clock])
                fail_msg("seed %u: client %llu, clock %llu: want %d", seed, (unsigned long long)client,
                         (unsigned long long)clock, oracle[client][clock]);
        }
    }
}

static void play_random(uint32_t first_seed)
{
    bool oracle[ORACLE_CLIENTS][ORACLE_CLOCKS] = { { false } };
    struct ys_dset *set = new_set();
    uint32_t seed = first_seed;

    for (unsigned step = 0; step < 40; step++) {
        struct ys_ranges ranges;
        struct ys_ranges missing;
        uint64_t fresh = 0;

        ys_ranges_init(&ranges);
        ys_ranges_init(&missing);
        for (uint32_t n = 1 + next_random(&seed, step % 5 ? 3 : 20); n > 0; n--) {
            struct ys_range range = { next_random(&seed, ORACLE_CLIENTS), next_random(&seed, ORACLE_CLOCKS - 20),
                                      1 + next_random(&seed, 12) };

            assert_int_equal(ys_ranges_add(&ranges, ysync_alloc_default(), range), YSYNC_OK);
            for (uint64_t clock = range.clock; clock < range.clock + range.len; clock++) {
                fresh += !oracle[range.client][clock];
                oracle[range.client][clock] = true;
            }
        }
        ys_ranges_sort(&ranges);
        assert_int_equal(ys_dset_thaw(set, &ranges), YSYNC_OK);
        assert_int_equal(ys_dset_missing(set, &ranges, &missing), YSYNC_OK);
        if (ys_ranges_clocks(&missing) != fresh)
            fail_msg("seed %u: got %llu clocks missing, want %llu", first_seed,
                     (unsigned long long)ys_ranges_clocks(&missing), (unsigned long long)fresh);
        assert_int_equal(add_ranges(set, &ranges), YSYNC_OK);
        ys_ranges_deinit(&missing, ysync_alloc_default());
        ys_ranges_deinit(&ranges, ysync_alloc_default());
    }
    check_against_oracle(set, oracle, first_seed);
    ys_dset_free(set);
}

static void test_dset_holds_what_a_table_holds(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++)
        play_random(seed);
}

/* A set that is left in its bytes holds the same as one that was added to. */
static void test_dset_thaws_what_is_frozen(void **state)
{
    static const uint8_t frozen[] = { 0x03, 0x09, 0x01, 0x02, 0x02, 0x07, 0x02, 0x00,
                                      0x03, 0x05, 0x04, 0x03, 0x01, 0x00, 0x01 };
    struct ys_dset *set = new_set();
    struct ys_buf bytes;
    char got[64];
    struct ys_ranges all;

    (void)state;
    ys_buf_init(&bytes, ysync_alloc_default(), SIZE_MAX);
    ys_dset_freeze(set, (struct ysync_bytes){ frozen, sizeof(frozen) }, 4);
    ys_dset_check(set);
    assert_int_equal(ys_dset_range_count(set), 4);
    assert_false(ys_dset_is_thawed(set, 7));
    ys_dset_put(set, &bytes);
    assert_int_equal(bytes.len, sizeof(frozen));
    assert_memory_equal(bytes.data, frozen, sizeof(frozen));
    add(set, 7, 3, 2);
    assert_true(ys_dset_is_thawed(set, 7));
    assert_false(ys_dset_is_thawed(set, 9));
    assert_true(ys_dset_contains(set, 7, 8));
    assert_false(ys_dset_contains(set, 7, 9));
    read_set(set, &all);
    format_ranges(&all, got, sizeof(got));
    assert_string_equal(got, "[2,4)[0,9)[0,1)");
    ys_ranges_deinit(&all, ysync_alloc_default());
    ys_buf_deinit(&bytes);
    ys_dset_free(set);
}

static enum ysync_err fill(const struct ysync_alloc *alloc)
{
    struct ys_dset *set = NULL;
    struct ys_ranges ranges;
    struct ys_ranges missing;
    enum ysync_err err = ys_dset_new(alloc, &set);

    ys_ranges_init(&ranges);
    ys_ranges_init(&missing);
    for (uint64_t i = 0; !err && i < 40; i++)
        err = ys_ranges_add(&ranges, alloc, (struct ys_range){ i % 4, 3 * i, 2 });
    ys_ranges_sort(&ranges);
    if (!err)
        err = ys_dset_thaw(set, &ranges);
    if (!err)
        err = ys_dset_missing(set, &ranges, &missing);
    if (!err)
        err = ys_dset_reserve(set, &ranges);
    if (set)
        ys_dset_check(set);
    if (!err)
        ys_dset_add(set, &ranges);
    ys_ranges_deinit(&ranges, alloc);
    ys_ranges_deinit(&missing, alloc);
    ys_dset_free(set);
    return err;
}

static void test_dset_survives_any_allocation_failing(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = fill(&memory.alloc);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed) {
            assert_int_equal(err, YSYNC_OK);
            break;
        }
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dset_merges_ranges),
        cmocka_unit_test(test_dset_finds_what_is_missing),
        cmocka_unit_test(test_dset_writes_what_yjs_wrote),
        cmocka_unit_test(test_dset_refuses),
        cmocka_unit_test(test_dset_refuses_every_prefix),
        cmocka_unit_test(test_dset_keeps_clients_from_high_to_low),
        cmocka_unit_test(test_dset_holds_what_a_table_holds),
        cmocka_unit_test(test_dset_thaws_what_is_frozen),
        cmocka_unit_test(test_dset_survives_any_allocation_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
