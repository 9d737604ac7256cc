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
#include "doc/run.h"
#include "doc/update.h"

/* Appends the structs of the one section in an update, as apply does: what is known already is cut off. */
static void append(struct ys_run *run, struct ysync_bytes bytes)
{
    struct ys_reader in = ys_reader_init(bytes);
    struct ys_update update;
    struct ys_block_walk walk;

    ys_update_init(&update);
    assert_int_equal(ys_update_decode(&update, ysync_alloc_default(), &in), YSYNC_OK);
    assert_int_equal(update.block_count, 1);
    for (ys_block_walk_begin(&walk, &update.blocks[0]); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        assert_int_equal(ys_run_reserve(run, walk.s->wire.len), YSYNC_OK);
        ys_run_append(run, walk.s, run->clock - walk.clock);
        ys_run_check(run);
    }
    ys_update_deinit(&update, ysync_alloc_default());
}

static void append_text(struct ys_run *run, const char *text)
{
    struct ys_buf update;

    write_update(&update, text);
    append(run, ys_buf_bytes(&update));
    ys_buf_deinit(&update);
}

static struct ys_run *new_run(uint64_t client, uint64_t clock)
{
    struct ys_run *run;

    assert_int_equal(ys_run_new(ysync_alloc_default(), (struct ys_id){ client, clock }, &run), YSYNC_OK);
    return run;
}

/* The run as an update of its own. */
static void put_run(const struct ys_run *run, struct ys_buf *out)
{
    ys_buf_init(out, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_varuint(out, 1);
    ys_buf_put_varuint(out, run->struct_count);
    ys_buf_put_varuint(out, run->client);
    ys_buf_put_varuint(out, run->start);
    ys_buf_put(out, ys_buf_bytes(&run->data));
    ys_buf_put_varuint(out, 0);
    assert_int_equal(ys_buf_err(out), YSYNC_OK);
}

static void test_run_merges_what_continues(void **state)
{
    static const struct {
        const char *name;
        const char *appended[3];
        const char *want;
    } cases[] = {
        { "typing on", { "7@0 'a'", "7@1 7.0<'b'", "7@2 7.1<'c'" }, "7@0 'abc'" },
        { "with the same right origin", { "7@0 9.0<'a'>9.1", "7@1 7.0<'b'>9.1" }, "7@0 9.0<'ab'>9.1" },
        { "not with another right origin", { "7@0 9.0<'a'>9.1", "7@1 7.0<'b'>9.2" }, "7@0 9.0<'a'>9.1 7.0<'b'>9.2" },
        { "not with a right origin where there was none", { "7@0 'a'", "7@1 7.0<'b'>9.1" }, "7@0 'a' 7.0<'b'>9.1" },
        { "not without one where there was one", { "7@0 'a'>9.1", "7@1 7.0<'b'" }, "7@0 'a'>9.1 7.0<'b'" },
        { "not with an earlier origin", { "7@0 'ab'", "7@2 7.0<'c'" }, "7@0 'ab' 7.0<'c'" },
        { "not with another client's origin", { "7@0 'a'", "7@1 9.0<'b'" }, "7@0 'a' 9.0<'b'" },
        { "not without an origin", { "7@0 'a'", "7@1 'b'" }, "7@0 'a' 'b'" },
        { "not another kind", { "7@0 'a'", "7@1 7.0<any(1)" }, "7@0 'a' 7.0<any(1)" },
        { "GC with GC", { "7@0 gc2", "7@2 gc3" }, "7@0 gc5" },
        { "deleted with deleted", { "7@0 deleted2", "7@2 7.1<deleted1" }, "7@0 deleted3" },
        { "deleted entries", { "7@0 deleted2#k", "7@2 7.1<deleted1#" }, "7@0 deleted3#k" },
        { "values", { "7@0 any(1,2)", "7@2 7.1<any(3)" }, "7@0 any(1,2,3)" },
        { "JSON", { "7@0 json({})", "7@1 7.0<json([],1)" }, "7@0 json({},[],1)" },
        { "not values of an entry", { "7@0 any(1)#k", "7@1 7.0<any(2)#" }, "7@0 any(1)#k 7.0<any(2)#" },
        { "not text of an entry", { "7@0 'a'#k", "7@1 7.0<'b'#" }, "7@0 'a'#k 7.0<'b'#" },
        { "not embeds", { "7@0 embed", "7@1 7.0<embed" }, "7@0 embed 7.0<embed" },
        { "not formats", { "7@0 format", "7@1 7.0<format" }, "7@0 format 7.0<format" },
        { "not types", { "7@0 type", "7@1 7.0<type" }, "7@0 type 7.0<type" },
        { "not bytes", { "7@0 binary", "7@1 7.0<binary" }, "7@0 binary 7.0<binary" },
        { "what is new of a text", { "7@0 'ab'", "7@0 'abcd'" }, "7@0 'abcd'" },
        { "what is new of values", { "7@0 any(1)", "7@0 any(1,2,3)" }, "7@0 any(1,2,3)" },
        { "what is new of JSON",
          { "7@0 json(1,undefined)", "7@1 7.0<json(undefined,{})" },
          "7@0 json(1,undefined,{})" },
        { "what is new of deleted content", { "7@0 deleted3", "7@1 7.0<deleted9" }, "7@0 deleted10" },
        { "what is new of a GC", { "7@0 gc3", "7@2 gc4" }, "7@0 gc6" },
        { "what is new behind another kind", { "7@0 'ab'", "7@0 deleted4" }, "7@0 'ab' 7.1<deleted2" },
        { "what is new of half a pair",
          { "7@0 'a\xef\xbf\xbd'", "7@0 'a😀b'" },
          "7@0 'a\xef\xbf\xbd\xef\xbf\xbd"
          "b'" },
        { "behind something else again", { "7@0 'a'", "7@1 7.0<embed", "7@2 7.1<'c'" }, "7@0 'a' 7.0<embed 7.1<'c'" },
        { "from any clock on", { "7@5 'a'", "7@6 7.5<'b'" }, "7@5 'ab'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_run *run = new_run(7, cases[i].want[2] == '5' ? 5 : 0);
        struct ys_buf got;

        for (size_t n = 0; n < ARRAY_LEN(cases[i].appended) && cases[i].appended[n]; n++)
            append_text(run, cases[i].appended[n]);
        put_run(run, &got);
        assert_update(cases[i].name, ys_buf_bytes(&got), cases[i].want);
        ys_buf_deinit(&got);
        ys_run_free(run);
    }
}

/* A count that was padded with zeros stays as it is: nothing is merged into its struct. */
static void test_run_leaves_padded_counts_alone(void **state)
{
    static const uint8_t padded[] = { 0x01, 0x01, 0x07, 0x00, 0x04, 0x01, 0x01, 't', 0x81, 0x00, 'a', 0x00 };
    struct ys_run *run = new_run(7, 0);
    struct ys_buf got;

    (void)state;
    append(run, (struct ysync_bytes){ padded, sizeof(padded) });
    append_text(run, "7@1 7.0<'b'");
    append_text(run, "7@2 7.1<'c'");
    put_run(run, &got);
    assert_update("padded", ys_buf_bytes(&got), "7@0 'a' 7.0<'bc'");
    ys_buf_deinit(&got);
    ys_run_free(run);
}

/* One character after the other: the count grows by a byte at 128 and at 16384 bytes, and marks move with the text. */
static void test_run_lengthens_counts_in_place(void **state)
{
    struct ys_run *run = new_run(7, 0);
    struct ys_buf update;
    struct ys_reader in;
    struct ys_struct s;

    (void)state;
    append_text(run, "7@0 embed"); /* so that the text does not begin at byte 0 */
    for (uint64_t clock = 1; clock < 17000; clock++) {
        ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put_str(&update, "\x84\x07");
        ys_buf_put_varuint(&update, clock - 1);
        ys_buf_put_u8(&update, 1);
        ys_buf_put_u8(&update, (uint8_t)('a' + clock % 26));
        in = ys_reader_init(ys_buf_bytes(&update));
        assert_int_equal(ys_struct_decode(&in, (struct ys_id){ 7, clock }, &s), YSYNC_OK);
        assert_int_equal(ys_run_reserve(run, s.wire.len), YSYNC_OK);
        ys_run_append(run, &s, 0);
        if (clock % 1000 == 0 || clock % 128 < 3 || (clock > 16380 && clock < 16390))
            ys_run_check(run);
        ys_buf_deinit(&update);
    }
    assert_int_equal(run->struct_count, 2);
    assert_int_equal(run->clock, 17000);
    assert_true(run->marks.count >= 15);
    in = ys_reader_init(ys_buf_bytes(&run->data));
    ys_struct_read(&in, &s);
    ys_struct_read(&in, &s);
    assert_int_equal(s.count, 16999);
    for (uint64_t clock = 1; clock < 17000; clock++)
        assert_int_equal(s.body.data[clock - 1], 'a' + clock % 26);
    ys_run_free(run);
}

/* There are no marks inside values: structs of them end somewhere, so that seeking does. */
static void test_run_ends_long_structs_of_values(void **state)
{
    struct ys_run *run = new_run(7, 0);
    char text[64];

    (void)state;
    for (unsigned clock = 0; clock < 4000; clock++) {
        snprintf(text, sizeof(text), clock ? "7@%u 7.%u<any(1)" : "7@%u any(1)", clock, clock - 1);
        append_text(run, text);
    }
    assert_in_range(run->struct_count, 4, 10);
    ys_run_free(run);
}

static void test_run_refuses_what_cannot_be_addressed(void **state)
{
    struct ys_run *run = new_run(7, 0);

    (void)state;
    assert_int_equal(ys_run_reserve(run, UINT32_MAX), YSYNC_ERR_LIMIT);
    append_text(run, "7@0 'a'");
    assert_int_equal(run->clock, 1);
    ys_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_merges_what_continues),
        cmocka_unit_test(test_run_leaves_padded_counts_alone),
        cmocka_unit_test(test_run_lengthens_counts_in_place),
        cmocka_unit_test(test_run_ends_long_structs_of_values),
        cmocka_unit_test(test_run_refuses_what_cannot_be_addressed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
