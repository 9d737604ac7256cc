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
#include "doc/update.h"
#include "recorded.h"
#include "support/failing_alloc.h"

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

/* "9@0+4 7@5+2 -7[0,2)": the blocks and deletes, in the order in which they are handed on. */
static void format_update(const struct ys_update *update, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < update->block_count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, " %llu@%llu+%llu", (unsigned long long)update->blocks[i].client,
                                (unsigned long long)update->blocks[i].clock,
                                (unsigned long long)(update->blocks[i].end - update->blocks[i].clock));
    for (size_t i = 0; i < update->deletes.count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, " -%llu[%llu,%llu)",
                                (unsigned long long)update->deletes.items[i].client,
                                (unsigned long long)update->deletes.items[i].clock,
                                (unsigned long long)(update->deletes.items[i].clock + update->deletes.items[i].len));
}

static void test_update_sorts_what_it_holds(void **state)
{
    static const struct {
        const char *name;
        const char *update;
        const char *want;
        bool is_plain;
        bool is_in_order;
    } cases[] = {
        { "nothing", "", "", true, true },
        { "one section", "7@5 'ab' gc3", " 7@5+5", true, true },
        { "clients from high to low", "9@0 'a' 7@0 'b' -9[0,1) -7[4,5)", " 9@0+1 7@0+1 -9[0,1) -7[4,5)", true, true },
        { "clients in any order", "7@0 'b' 9@0 'a'", " 9@0+1 7@0+1", true, false },
        { "deletes in any order", "7@0 'b' -7[4,5) -7[0,2)", " 7@0+1 -7[0,2) -7[4,5)", true, false },
        { "deletes that touch", "-7[0,2) -7[2,3)", " -7[0,3)", true, false },
        { "two sections of one client", "7@4 'b' 7@0 'a'", " 7@0+1 7@4+1", false, false },
        { "a Skip", "7@0 'a' skip3 'b'", " 7@0+5", false, false },
        { "a Skip at the end", "7@0 'a' skip3", " 7@0+1", false, false },
        { "nothing but a Skip", "7@0 skip3 9@0 'a'", " 9@0+1", false, false },
        { "an empty section", "7@0 9@0 'a'", " 9@0+1", false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_update update;
        struct ys_buf bytes;
        struct ys_reader in;
        char got[256];

        write_update(&bytes, cases[i].update);
        in = ys_reader_init(ys_buf_bytes(&bytes));
        ys_update_init(&update);
        if (ys_update_decode(&update, ysync_alloc_default(), &in))
            fail_msg("%s: refused: %s", cases[i].name, in.problem);
        format_update(&update, got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
        if (update.is_plain != cases[i].is_plain || update.is_in_order != cases[i].is_in_order)
            fail_msg("%s: got plain %d, in order %d, want %d and %d", cases[i].name, update.is_plain,
                     update.is_in_order, cases[i].is_plain, cases[i].is_in_order);
        ys_update_deinit(&update, ysync_alloc_default());
        ys_buf_deinit(&bytes);
    }
}

static void test_update_walks_over_blocks(void **state)
{
    static const uint64_t clocks[] = { 5, 7, 10, 11 };
    struct ys_update update;
    struct ys_block_walk walk;
    struct ys_buf bytes;
    struct ys_reader in;
    size_t n = 0;

    (void)state;
    write_update(&bytes, "7@5 'ab' gc3 skip1 embed");
    in = ys_reader_init(ys_buf_bytes(&bytes));
    ys_update_init(&update);
    assert_int_equal(ys_update_decode(&update, ysync_alloc_default(), &in), YSYNC_OK);
    for (ys_block_walk_begin(&walk, &update.blocks[0]); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        assert_true(n < ARRAY_LEN(clocks));
        assert_int_equal(walk.clock, clocks[n++]);
    }
    assert_int_equal(n, ARRAY_LEN(clocks));
    assert_true(update.blocks[0].has_structure);
    ys_update_deinit(&update, ysync_alloc_default());
    ys_buf_deinit(&bytes);
}

static enum ysync_err decode(const struct ysync_alloc *alloc, struct ysync_bytes bytes, const char **problem)
{
    struct ys_reader in = ys_reader_init(bytes);
    struct ys_update update;
    enum ysync_err err;

    ys_update_init(&update);
    err = ys_update_decode(&update, alloc, &in);
    ys_update_deinit(&update, alloc);
    *problem = in.problem ? in.problem : "";
    return err;
}

static void test_update_refuses(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes bytes;
        const char *problem;
    } cases[] = {
        { "no bytes", BYTES(""), "truncated" },
        { "no delete set", BYTES("\x00"), "truncated" },
        { "bytes left over", BYTES("\x00\x00\x00"), "bytes left over behind the update" },
        { "more sections than bytes", BYTES("\x02\x00\x07\x00\x00"), "count larger than the bytes left could hold" },
        { "a huge count of sections", BYTES("\xff\xff\xff\xff\xff\xff\xff\x0f\x00\x00\x00"),
          "count larger than the bytes left could hold" },
        { "more structs than bytes", BYTES("\x01\x02\x07\x00\x00\x01\x00"),
          "count larger than the bytes left could hold" },
        { "a count past 2^53 - 1", BYTES("\x80\x80\x80\x80\x80\x80\x80\x10\x00"), "number beyond 2^53 - 1" },
        { "structs past the last clock", BYTES("\x01\x02\x07\xfe\xff\xff\xff\xff\xff\xff\x0f\x00\x01\x00\x01\x00"),
          "clock beyond 2^53 - 1" },
        { "an origin that an earlier struct of the section moved behind",
          BYTES("\x01\x02\x07\x00\x00\x05\x84\x07\x05\x01x\x00"), "origin not before the struct itself" },
        { "a bad delete set", BYTES("\x00\x01\x07\x01\x00\x00"), "delete range of length 0" },
    };
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ysync_err err = decode(ysync_alloc_default(), cases[i].bytes, &problem);

        if (err != YSYNC_ERR_MALFORMED || strcmp(problem, cases[i].problem) != 0)
            fail_msg("%s: got %d (%s), want %s", cases[i].name, (int)err, problem, cases[i].problem);
    }
}

static void test_update_reads_what_yjs_wrote(void **state)
{
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_updates); i++) {
        if (decode(ysync_alloc_default(), recorded_updates[i].bytes, &problem))
            fail_msg("%s: refused: %s", recorded_updates[i].name, problem);
    }
}

static void test_update_refuses_every_prefix(void **state)
{
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_updates); i++) {
        for (size_t len = 0; len < recorded_updates[i].bytes.len; len++) {
            uint8_t *copy = malloc(len + 1); /* so that the sanitizers see a step past it */

            assert_non_null(copy);
            memcpy(copy, recorded_updates[i].bytes.data, len);
            if (decode(ysync_alloc_default(), (struct ysync_bytes){ copy, len }, &problem) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", recorded_updates[i].name, len);
            free(copy);
        }
    }
}

static void test_update_survives_any_allocation_failing(void **state)
{
    struct ys_buf bytes;
    const char *problem;

    (void)state;
    write_update(&bytes, "9@0 'a' 8@0 'b' 7@0 'c' 6@0 'd' -9[0,1) -8[0,1) -7[0,1) -6[0,1)");
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = decode(&memory.alloc, ys_buf_bytes(&bytes), &problem);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed) {
            assert_int_equal(err, YSYNC_OK);
            assert_true(n > 1);
            break;
        }
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
    ys_buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_sorts_what_it_holds),
        cmocka_unit_test(test_update_walks_over_blocks),
        cmocka_unit_test(test_update_refuses),
        cmocka_unit_test(test_update_reads_what_yjs_wrote),
        cmocka_unit_test(test_update_refuses_every_prefix),
        cmocka_unit_test(test_update_survives_any_allocation_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
