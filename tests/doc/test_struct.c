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

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

/* All of them are decoded as the struct with the id 7.5. */
static const struct ys_id id = { 7, 5 };

static const struct {
    const char *bytes_of; /* what it is */
    struct ysync_bytes bytes;
    const char *want;
    uint64_t len;
} good[] = {
    { "GC", BYTES("\x00\x03"), "gc3", 3 },
    { "Skip", BYTES("\x0a\x80\x01"), "skip128", 128 },
    { "deleted content", BYTES("\x81\x07\x04\x03"), "7.4<deleted3", 3 },
    { "JSON", BYTES("\x82\x07\x04\x02\x02{}\x09undefined"), "7.4<json({},undefined)", 2 },
    { "bytes", BYTES("\x83\x07\x04\x02\xff\x00"), "7.4<binary", 1 },
    { "a string", BYTES("\x84\x07\x04\x02hi"), "7.4<'hi'", 2 },
    { "a string of two units a character", BYTES("\x84\x07\x04\x05\xf0\x9f\x98\x80!"), "7.4<'😀!'", 3 },
    { "an embed", BYTES("\x85\x07\x04\x02{}"), "7.4<embed", 1 },
    { "a format",
      BYTES("\x86\x07\x04\x01"
            "b\x04true"),
      "7.4<format", 1 },
    { "an array", BYTES("\x87\x07\x04\x00"), "7.4<type", 1 },
    { "an XML element", BYTES("\x87\x07\x04\x03\x01p"), "7.4<type", 1 },
    { "an XML hook", BYTES("\x87\x07\x04\x05\x01h"), "7.4<type", 1 },
    { "an XML text", BYTES("\x87\x07\x04\x06"), "7.4<type", 1 },
    { "values", BYTES("\x88\x07\x04\x02\x7d\x01\x7e"), "7.4<any(1,?)", 2 },
    { "a subdocument", BYTES("\x89\x07\x04\x01g\x76\x00"), "7.4<doc", 1 },
    { "a subdocument with options", BYTES("\x89\x07\x04\x01g\x76\x02\x04guid\x77\x01h\x04meta\x7e"), "7.4<doc", 1 },
    { "in a root type", BYTES("\x04\x01\x01t\x01x"), "'x'", 1 },
    { "in a type", BYTES("\x04\x00\x09\x02\x01x"), "'x'^9.2", 1 },
    { "an entry of a root type", BYTES("\x24\x01\x01t\x01k\x01x"), "'x'#k", 1 },
    { "an entry of a type", BYTES("\x24\x00\x09\x02\x02\xc3\xa9\x01x"), "'x'^9.2#é", 1 },
    { "an entry that follows another", BYTES("\xa4\x07\x04\x01x"), "7.4<'x'#", 1 },
    { "a right origin alone", BYTES("\x44\x09\x02\x01x"), "'x'>9.2", 1 },
    { "both origins", BYTES("\xc4\x09\x01\x09\x02\x01x"), "9.1<'x'>9.2", 1 },
    { "a GC with bits that say nothing", BYTES("\xe0\x01"), "gc1", 1 },
    { "an id that is the largest of another client", BYTES("\x84\x08\xff\xff\xff\xff\xff\xff\xff\x0f\x01x"),
      "8.9007199254740991<'x'", 1 },
};

static const struct {
    const char *name;
    struct ysync_bytes bytes;
    const char *problem;
} bad[] = {
    { "content of the kind 11", BYTES("\x8b\x07\x04\x01"), "unknown kind of content" },
    { "content of the kind 31", BYTES("\x9f\x07\x04\x01"), "unknown kind of content" },
    { "a GC of length 0", BYTES("\x00\x00"), "struct of length 0" },
    { "a Skip of length 0", BYTES("\x0a\x00"), "struct of length 0" },
    { "deleted content of length 0", BYTES("\x81\x07\x04\x00"), "struct of length 0" },
    { "an empty string", BYTES("\x84\x07\x04\x00"), "struct of length 0" },
    { "no values", BYTES("\x88\x07\x04\x00"), "struct of length 0" },
    { "no JSON", BYTES("\x82\x07\x04\x00"), "struct of length 0" },
    { "an origin at the struct itself", BYTES("\x84\x07\x05\x01x"), "origin not before the struct itself" },
    { "an origin behind it", BYTES("\x84\x07\x06\x01x"), "origin not before the struct itself" },
    { "a right origin at the struct itself", BYTES("\x44\x07\x05\x01x"), "right origin not before the struct itself" },
    { "a parent at the struct itself", BYTES("\x04\x00\x07\x05\x01x"), "parent not before the struct itself" },
    { "text that is not UTF-8", BYTES("\x84\x07\x04\x01\xff"), "invalid UTF-8" },
    { "half a surrogate pair", BYTES("\x84\x07\x04\x03\xed\xa0\x80"), "invalid UTF-8" },
    { "the name of a root type that is not UTF-8", BYTES("\x04\x01\x01\xff\x01x"), "invalid UTF-8" },
    { "a key that is not UTF-8", BYTES("\x24\x01\x01t\x01\xff\x01x"), "invalid UTF-8" },
    { "the name of an element that is not UTF-8", BYTES("\x87\x07\x04\x03\x01\xff"), "invalid UTF-8" },
    { "a format's name that is not UTF-8", BYTES("\x86\x07\x04\x01\xff\x04true"), "invalid UTF-8" },
    { "an embed that is not JSON", BYTES("\x85\x07\x04\x01{"), "invalid JSON" },
    { "an embed that is undefined", BYTES("\x85\x07\x04\x09undefined"), "invalid JSON" },
    { "a format that is not JSON",
      BYTES("\x86\x07\x04\x01"
            "b\x00"),
      "invalid JSON" },
    { "JSON that is none", BYTES("\x82\x07\x04\x01\x02{]"), "invalid JSON" },
    { "a value of an unknown kind", BYTES("\x88\x07\x04\x01\x00"), "unknown kind of value" },
    { "a type of an unknown kind", BYTES("\x87\x07\x04\x07"), "unknown type" },
    { "a subdocument with options that are no object", BYTES("\x89\x07\x04\x01g\x7e"),
      "options of a subdocument are not an object" },
    { "a subdocument with a guid that is no string", BYTES("\x89\x07\x04\x01g\x76\x01\x04guid\x7e"),
      "guid of a subdocument is not a string" },
    { "a subdocument with an option that is no value", BYTES("\x89\x07\x04\x01g\x76\x01\x01k\x00"),
      "unknown kind of value" },
    { "a length that leads past the last clock", BYTES("\x00\xfb\xff\xff\xff\xff\xff\xff\x0f"),
      "clock beyond 2^53 - 1" },
    { "a length past 2^53 - 1", BYTES("\x00\x80\x80\x80\x80\x80\x80\x80\x10"), "number beyond 2^53 - 1" },
    { "a client past 2^53 - 1", BYTES("\x84\x80\x80\x80\x80\x80\x80\x80\x10\x04\x01x"), "number beyond 2^53 - 1" },
    { "more values than there are bytes", BYTES("\x88\x07\x04\x05\x7e"),
      "count larger than the bytes left could hold" },
};

static void test_struct_decodes_every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct ys_reader in = ys_reader_init(good[i].bytes);
        struct ys_struct s;
        struct ys_buf got;

        ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
        if (ys_struct_decode(&in, id, &s))
            fail_msg("%s: refused: %s", good[i].bytes_of, in.problem);
        describe_struct(&s, &got);
        ys_buf_put_u8(&got, 0);
        if (strcmp((char *)got.data, good[i].want) != 0 || s.len != good[i].len)
            fail_msg("%s: got %s of length %llu, want %s of length %llu", good[i].bytes_of, (char *)got.data,
                     (unsigned long long)s.len, good[i].want, (unsigned long long)good[i].len);
        assert_int_equal(s.wire.len, good[i].bytes.len);
        assert_true(ys_reader_is_at_end(&in));
        ys_buf_deinit(&got);
    }
}

/* What was validated is read without looking at everything again, with the same result. */
static void test_struct_reads_what_was_decoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct ys_reader in = ys_reader_init(good[i].bytes);
        struct ys_struct decoded;
        struct ys_struct read;

        assert_int_equal(ys_struct_decode(&in, id, &decoded), YSYNC_OK);
        in = ys_reader_init(good[i].bytes);
        ys_struct_read(&in, &read);
        assert_true(ys_reader_is_at_end(&in));
        assert_int_equal(read.info, decoded.info);
        assert_int_equal(read.len, decoded.len);
        assert_int_equal(read.count, decoded.count);
        assert_int_equal(read.count_at, decoded.count_at);
        assert_ptr_equal(read.body.data, decoded.body.data);
        assert_int_equal(read.body.len, decoded.body.len);
        in = ys_reader_init(good[i].bytes);
        ys_struct_read_head(&in, &read);
        assert_true(ys_reader_is_at_end(&in));
        assert_int_equal(read.count, decoded.count);
    }
}

static void test_struct_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ys_reader in = ys_reader_init(bad[i].bytes);
        struct ys_struct s;
        enum ysync_err err = ys_struct_decode(&in, id, &s);

        if (err != YSYNC_ERR_MALFORMED || strcmp(in.problem, bad[i].problem) != 0)
            fail_msg("%s: got %d (%s), want %s", bad[i].name, (int)err, err ? in.problem : "", bad[i].problem);
    }
}

static void test_struct_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        for (size_t len = 0; len < good[i].bytes.len; len++) {
            uint8_t *copy = malloc(len + 1); /* so that the sanitizers see a step past it */
            struct ys_reader in = ys_reader_init((struct ysync_bytes){ copy, len });
            struct ys_struct s;

            assert_non_null(copy);
            memcpy(copy, good[i].bytes.data, len);
            if (ys_struct_decode(&in, id, &s) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", good[i].bytes_of, len);
            free(copy);
        }
    }
}

/* The struct that is written as text, cut, as text. */
static void check_piece(const char *name, const char *text, uint64_t from, uint64_t to, const char *want)
{
    struct ys_buf update;
    struct ys_buf piece;
    struct ys_buf got;
    struct ys_reader in;
    struct ys_struct s;
    char section[128];

    snprintf(section, sizeof(section), "7@5 %s", text);
    write_update(&update, section);
    in = ys_reader_init(ys_buf_bytes(&update));
    in.at += 4; /* the counts, the client and the clock */
    assert_int_equal(ys_struct_decode(&in, id, &s), YSYNC_OK);
    ys_buf_init(&piece, ysync_alloc_default(), SIZE_MAX);
    ys_struct_put_piece(&piece, &s, id, from, to);
    assert_int_equal(ys_buf_err(&piece), YSYNC_OK);

    in = ys_reader_init(ys_buf_bytes(&piece));
    if (ys_struct_decode(&in, (struct ys_id){ 7, 5 + from }, &s) || !ys_reader_is_at_end(&in))
        fail_msg("%s: the piece is malformed: %s", name, in.problem);
    if (s.len != (to == YS_STRUCT_END ? s.len : to - from))
        fail_msg("%s: got a piece of %llu units, want %llu", name, (unsigned long long)s.len,
                 (unsigned long long)(to - from));
    ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
    describe_struct(&s, &got);
    ys_buf_put_u8(&got, 0);
    if (strcmp((char *)got.data, want) != 0)
        fail_msg("%s: got %s, want %s", name, (char *)got.data, want);
    ys_buf_deinit(&got);
    ys_buf_deinit(&piece);
    ys_buf_deinit(&update);
}

static void test_struct_cuts_as_yjs(void **state)
{
    static const struct {
        const char *name;
        const char *whole;
        uint64_t from;
        uint64_t to;
        const char *want;
    } cases[] = {
        { "all of it", "9.1<'abc'>9.2", 0, 3, "9.1<'abc'>9.2" },
        { "the left piece keeps the origin", "9.1<'abc'>9.2", 0, 2, "9.1<'ab'>9.2" },
        { "the right piece has the unit before it as its origin", "9.1<'abc'>9.2", 1, YS_STRUCT_END, "7.5<'bc'>9.2" },
        { "the middle", "9.1<'abcd'>9.2", 1, 3, "7.5<'bc'>9.2" },
        { "the right piece needs no parent", "'abc'^9.2", 2, YS_STRUCT_END, "7.6<'c'" },
        { "the left piece needs it", "'abc'^9.2", 0, 1, "'a'^9.2" },
        { "an entry stays one", "any(1,2)#k", 1, 2, "7.5<any(2)#" },
        { "the left piece of an entry keeps its key", "any(1,2)^9.1#k", 0, 1, "any(1)^9.1#k" },
        { "a right origin alone", "'ab'>9.2", 1, 2, "7.5<'b'>9.2" },
        { "behind a pair", "'😀ab'", 2, YS_STRUCT_END, "7.6<'ab'" },
        { "in a pair at the start", "'😀ab'", 1, YS_STRUCT_END,
          "7.5<'\xef\xbf\xbd"
          "ab'" },
        { "in a pair at the end", "'ab😀'", 0, 3, "'ab\xef\xbf\xbd'" },
        { "in pairs at both ends", "'😀é😁'", 1, 4, "7.5<'\xef\xbf\xbdé\xef\xbf\xbd'" },
        { "in neighbouring pairs", "'😀😁'", 1, 3, "7.5<'\xef\xbf\xbd\xef\xbf\xbd'" },
        { "the first half of a pair", "'😀'", 0, 1, "'\xef\xbf\xbd'" },
        { "the second half of a pair", "'😀'", 1, 2, "7.5<'\xef\xbf\xbd'" },
        { "values", "9.1<any(1,2,3,4)", 1, 3, "7.5<any(2,3)" },
        { "values up to the end", "any(1,2,3)", 2, YS_STRUCT_END, "7.6<any(3)" },
        { "JSON", "json({},undefined,[],1)", 1, 3, "7.5<json(undefined,[])" },
        { "deleted content", "9.1<deleted9>9.2", 4, 6, "7.8<deleted2>9.2" },
        { "the left piece of deleted content", "deleted9", 0, 6, "deleted6" },
        { "GC has no origin", "gc9", 4, 6, "gc2" },
        { "Skip has none either", "skip9", 4, YS_STRUCT_END, "skip5" },
        { "a type is never cut", "9.1<type>9.2", 0, 1, "9.1<type>9.2" },
        { "nor is an embed", "embed", 0, YS_STRUCT_END, "embed" },
        { "nor is a format", "9.1<format", 0, 1, "9.1<format" },
        { "nor are bytes", "binary", 0, 1, "binary" },
        { "nor is a subdocument", "doc#k", 0, 1, "doc#k" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_piece(cases[i].name, cases[i].whole, cases[i].from, cases[i].to, cases[i].want);
}

static void test_struct_writes_counts_of_any_size(void **state)
{
    static const size_t sizes[] = { 1, 127, 128, 16383, 16384, 70000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct ys_buf wire;
        struct ys_buf piece;
        struct ys_reader in;
        struct ys_struct s;

        ys_buf_init(&wire, ysync_alloc_default(), SIZE_MAX);
        ys_buf_init(&piece, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put_str(&wire, "\x84\x07\x04");
        ys_buf_put_varuint(&wire, sizes[i] + 1);
        for (size_t n = 0; n <= sizes[i]; n++)
            ys_buf_put_u8(&wire, 'x');
        in = ys_reader_init(ys_buf_bytes(&wire));
        assert_int_equal(ys_struct_decode(&in, id, &s), YSYNC_OK);
        ys_struct_put_piece(&piece, &s, id, 0, sizes[i]);
        in = ys_reader_init(ys_buf_bytes(&piece));
        assert_int_equal(ys_struct_decode(&in, id, &s), YSYNC_OK);
        assert_int_equal(s.len, sizes[i]);
        assert_true(ys_reader_is_at_end(&in));
        ys_buf_deinit(&piece);
        ys_buf_deinit(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_struct_decodes_every_kind),
        cmocka_unit_test(test_struct_reads_what_was_decoded),
        cmocka_unit_test(test_struct_refuses),
        cmocka_unit_test(test_struct_refuses_every_prefix),
        cmocka_unit_test(test_struct_cuts_as_yjs),
        cmocka_unit_test(test_struct_writes_counts_of_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
