/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/merge.h"
#include "doc/notation.h"
#include "support/failing_alloc.h"
#include "ysync/doc.h"

#define MAX_UPDATES 4

/* Updates as text, up to the first NULL, in their bytes. */
struct updates {
    struct ys_buf bufs[MAX_UPDATES];
    struct ysync_bytes bytes[MAX_UPDATES];
    size_t count;
};

static void write_updates(struct updates *updates, const char *const texts[MAX_UPDATES])
{
    for (updates->count = 0; updates->count < MAX_UPDATES && texts[updates->count]; updates->count++) {
        write_update(&updates->bufs[updates->count], texts[updates->count]);
        updates->bytes[updates->count] = ys_buf_bytes(&updates->bufs[updates->count]);
    }
}

static void free_updates(struct updates *updates)
{
    for (size_t i = 0; i < updates->count; i++)
        ys_buf_deinit(&updates->bufs[i]);
}

static void turn_round(struct updates *updates)
{
    for (size_t i = 0, j = updates->count; i + 1 < j; i++) {
        struct ysync_bytes bytes = updates->bytes[--j];

        updates->bytes[j] = updates->bytes[i];
        updates->bytes[i] = bytes;
    }
}

static void expect_merged(const char *row, const struct updates *updates, const char *want)
{
    struct ysync_bytes merged;
    const char *problem = NULL;

    if (ysync_merge_updates(NULL, updates->bytes, updates->count, &merged, &problem))
        fail_msg("%s: %s", row, problem);
    assert_update(row, merged, want);
    ysync_bytes_free(NULL, merged);
}

/* In whatever order they come. */
static void test_merge_says_what_all_say(void **state)
{
    static const struct {
        const char *name;
        const char *updates[MAX_UPDATES];
        const char *want;
    } cases[] = {
        { "none", { NULL }, "" },
        { "one, as it is", { "9@0 'b' 7@0 'a' 'c' -7[0,1)" }, "9@0 'b' 7@0 'a' 'c' -7[0,1)" },
        { "nothing at all", { "", "" }, "" },
        { "typing", { "7@0 'a'", "7@1 7.0<'b'", "7@2 7.1<'c'" }, "7@0 'abc'" },
        { "typing from somewhere on", { "7@5 7.4<'a'>7.2", "7@6 7.5<'b'>7.2" }, "7@5 7.4<'ab'>7.2" },
        { "what does not continue", { "7@0 'a'", "7@1 'b'" }, "7@0 'a' 'b'" },
        { "clients, from high to low", { "7@0 'a'", "9@3 7.0<'b'", "8@1 'c'" }, "9@3 7.0<'b' 8@1 'c' 7@0 'a'" },
        { "clients in turn", { "7@0 'a'", "9@0 7.0<'b'", "7@1 7.0<'c'", "9@1 9.0<'d'" }, "9@0 7.0<'bd' 7@0 'ac'" },
        { "several structs of several clients",
          { "9@0 'a' type 7@0 'x'", "9@2 9.1<'b' 7@1 7.0<'y' any(1)" },
          "9@0 'a' type 9.1<'b' 7@0 'xy' any(1)" },
        { "a gap", { "7@0 'a'", "7@3 7.2<'d'" }, "7@0 'a' skip2 7.2<'d'" },
        { "a gap that another one fills", { "7@0 'ab' skip2 7.3<'e'", "7@2 7.1<'cd'" }, "7@0 'abcde'" },
        { "a gap that is filled in part", { "7@0 'a' skip3 'e'", "7@2 7.1<'c'" }, "7@0 'a' skip1 7.1<'c' skip1 'e'" },
        { "gaps at the ends", { "7@0 skip2 'a' skip2", "7@3 7.2<'b' skip9" }, "7@2 'ab'" },
        { "nothing but a gap", { "7@0 skip2", "9@0 'a'" }, "9@0 'a'" },
        { "something twice", { "7@0 'abc'", "7@0 'abc'" }, "7@0 'abc'" },
        { "what one has in part", { "7@0 'abc'", "7@1 7.0<'bcd'" }, "7@0 'abcd'" },
        { "what one has within", { "7@0 'abcd'", "7@1 7.0<'bc'" }, "7@0 'abcd'" },
        { "the longer of two", { "7@0 'a'", "7@0 'ab'" }, "7@0 'ab'" },
        { "several sections of one client", { "7@0 'a' 7@1 7.0<'b'" }, "7@0 'ab'" },
        { "GCs", { "7@0 gc2", "7@2 gc1" }, "7@0 gc3" },
        { "GC and what follows it", { "7@0 gc2", "7@2 7.1<'a'" }, "7@0 gc2 7.1<'a'" },
        { "deletions", { "-7[0,2)", "-7[2,3) -9[0,1)", "-7[5,6)" }, "-9[0,1) -7[0,3) -7[5,6)" },
        { "deletions of what is written", { "7@0 'ab'", "-7[1,2)" }, "7@0 'ab' -7[1,2)" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct updates updates;

        write_updates(&updates, cases[i].updates);
        expect_merged(cases[i].name, &updates, cases[i].want);
        turn_round(&updates);
        expect_merged(cases[i].name, &updates, cases[i].want);
        free_updates(&updates);
    }
}

/* Letters that come as one string are cut between the bytes of a character where one update ends in it. */
static void test_merge_cuts_surrogate_pairs_as_yjs_does(void **state)
{
    static const char *const texts[MAX_UPDATES] = { "7@0 'ab'", "7@1 7.0<'\xf0\x9f\x98\x80'" };
    struct updates updates;

    (void)state;
    write_updates(&updates, texts);
    expect_merged("the first half is known", &updates, "7@0 'ab\xef\xbf\xbd'");
    free_updates(&updates);
}

static void test_merge_of_a_long_text_is_one_struct(void **state)
{
    struct ys_merge merge;
    struct ys_buf bufs[5000];
    struct ys_buf merged;
    struct ys_reader in;
    struct ys_update update;
    const char *problem;

    (void)state;
    ys_merge_init(&merge, ysync_alloc_default());
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
        char text[64];

        if (i == 0)
            snprintf(text, sizeof(text), "7@0 'x'");
        else
            snprintf(text, sizeof(text), "7@%zu 7.%zu<'x'", i, i - 1);
        write_update(&bufs[i], text);
        assert_int_equal(ys_merge_add(&merge, ys_buf_bytes(&bufs[i]), &problem), YSYNC_OK);
    }
    ys_buf_init(&merged, ysync_alloc_default(), SIZE_MAX);
    assert_int_equal(ys_merge_put(&merge, &merged), YSYNC_OK);
    in = ys_reader_init(ys_buf_bytes(&merged));
    ys_update_init(&update);
    assert_int_equal(ys_update_decode(&update, ysync_alloc_default(), &in), YSYNC_OK);
    assert_int_equal(update.block_count, 1);
    assert_int_equal(update.blocks[0].struct_count, 1);
    assert_int_equal(update.blocks[0].end, ARRAY_LEN(bufs));
    ys_update_deinit(&update, ysync_alloc_default());
    ys_buf_deinit(&merged);
    ys_merge_deinit(&merge);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        ys_buf_deinit(&bufs[i]);
}

static void test_merge_says_what_is_wrong(void **state)
{
    static const uint8_t bad[] = { 0x01, 0x01, 0x07, 0x00, 0x04, 0x01, 0x01, 't', 0x01, 0xff, 0x00 };
    struct ysync_bytes updates[2] = { { (const uint8_t *)"\x00\x00", 2 }, { bad, sizeof(bad) } };
    struct ysync_bytes merged;
    const char *problem = NULL;

    (void)state;
    assert_int_equal(ysync_merge_updates(NULL, updates, 2, &merged, &problem), YSYNC_ERR_MALFORMED);
    assert_string_equal(problem, "invalid UTF-8");
    assert_int_equal(ysync_merge_updates(NULL, updates, 2, &merged, NULL), YSYNC_ERR_MALFORMED);
}

static void test_merge_survives_failed_allocations(void **state)
{
    static const char *const texts[MAX_UPDATES] = {
        "9@0 'a' skip2 'b' skip2 'c' 8@0 'x'",
        "9@1 9.0<'d' 7@0 'y' -3[0,1) -2[0,1)",
        "9@2 9.1<'e' 6@0 'z' -1[0,1)",
    };
    struct ys_test_alloc memory = { .failed = true };
    struct updates updates;

    (void)state;
    write_updates(&updates, texts);
    for (size_t n = 0; memory.failed; n++) {
        struct ysync_bytes merged;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ysync_merge_updates(&memory.alloc, updates.bytes, updates.count, &merged, NULL);
        if (!err)
            ysync_bytes_free(&memory.alloc, merged); /* to make it shorter need not succeed */
        else
            assert_int_equal(err, YSYNC_ERR_NOMEM);
        assert_int_equal(memory.live_blocks, 0);
    }
    free_updates(&updates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_says_what_all_say),
        cmocka_unit_test(test_merge_cuts_surrogate_pairs_as_yjs_does),
        cmocka_unit_test(test_merge_of_a_long_text_is_one_struct),
        cmocka_unit_test(test_merge_says_what_is_wrong),
        cmocka_unit_test(test_merge_survives_failed_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
