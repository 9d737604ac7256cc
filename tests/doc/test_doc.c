/* SPDX-License-Identifier: MIT */
/* Documents as those who use them see them. Updates are written as in notation.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/doc.h"
#include "doc/notation.h"
#include "doc/update.h"
#include "recorded.h"
#include "support/failing_alloc.h"

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }
#define NOTHING ((struct ysync_bytes){ NULL, 0 })

static struct ysync_doc *new_doc(void)
{
    struct ysync_doc *doc;

    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    return doc;
}

static struct ysync_bytes diff(struct ysync_doc *doc, struct ysync_bytes state_vector)
{
    struct ysync_bytes out;

    assert_int_equal(ysync_doc_diff(doc, state_vector, &out), YSYNC_OK);
    return out;
}

static void assert_whole(const char *row, struct ysync_doc *doc, const char *want)
{
    struct ysync_bytes whole = diff(doc, NOTHING);

    assert_update(row, whole, want);
    ysync_bytes_free(NULL, whole);
}

static void assert_same(const char *row, struct ysync_doc *a, struct ysync_doc *b)
{
    struct ysync_bytes of_a = diff(a, NOTHING);
    struct ysync_bytes of_b = diff(b, NOTHING);

    if (of_a.len != of_b.len || memcmp(of_a.data, of_b.data, of_a.len) != 0)
        fail_msg("%s: got %zu bytes, and other %zu bytes", row, of_a.len, of_b.len);
    ysync_bytes_free(NULL, of_a);
    ysync_bytes_free(NULL, of_b);
}

/* "1: 7@0 'a' | 2: ...": what was told, and by whom it came. */
struct told {
    struct ys_buf text;
    size_t count;
};

static void note_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    struct told *told = user;
    struct ys_buf text;
    char head[32];

    snprintf(head, sizeof(head), "%s%llu:", told->count++ ? " | " : "", (unsigned long long)origin);
    ys_buf_put_str(&told->text, head);
    describe_update(&text, update);
    ys_buf_put_str(&told->text, (const char *)text.data);
    ys_buf_deinit(&text);
}

static enum ysync_err apply(struct ysync_doc *doc, const char *update, uint64_t origin, struct told *told)
{
    struct ys_buf bytes;
    enum ysync_err err;

    write_update(&bytes, update);
    err = ysync_doc_apply(doc, ys_buf_bytes(&bytes), origin, told ? note_news : NULL, told);
    ys_buf_deinit(&bytes);
    ys_doc_check(doc);
    return err;
}

static void apply_and_check(const char *row, struct ysync_doc *doc, const char *update, uint64_t origin,
                            const char *want)
{
    struct told told = { .count = 0 };

    ys_buf_init(&told.text, ysync_alloc_default(), SIZE_MAX);
    assert_int_equal(apply(doc, update, origin, &told), YSYNC_OK);
    ys_buf_put_u8(&told.text, 0);
    if (strcmp((char *)told.text.data, want) != 0)
        fail_msg("%s: update %llu: told %s, want %s", row, (unsigned long long)origin, (char *)told.text.data, want);
    ys_buf_deinit(&told.text);
}

#define FFFD "\xef\xbf\xbd"

static void test_doc_takes_in_and_tells_what_is_new(void **state)
{
    static const struct {
        const char *name;
        struct {
            const char *update; /* its origin is its number, from 1 */
            const char *news;
        } steps[4];
        const char *whole;
    } cases[] = {
        { "typing", { { "7@0 'a'", "1: 7@0 'a'" }, { "7@1 7.0<'b'", "2: 7@1 7.0<'b'" } }, "7@0 'ab'" },
        { "the same again is no news", { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 'ab'", "" } }, "7@0 'ab'" },
        { "part of it is no news either", { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 'a'", "" } }, "7@0 'ab'" },
        { "only the new part of a struct",
          { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 'abcd'", "2: 7@2 7.1<'cd'" } },
          "7@0 'abcd'" },
        { "only the new structs",
          { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 'ab' embed 'c'", "2: 7@2 embed 'c'" } },
          "7@0 'ab' embed 'c'" },
        { "only the new clients",
          { { "7@0 'a'", "1: 7@0 'a'" }, { "9@0 'x' 7@0 'a'", "2: 9@0 'x'" } },
          "9@0 'x' 7@0 'a'" },
        { "half a pair that is new",
          { { "7@0 '" FFFD "'", "1: 7@0 '" FFFD "'" }, { "7@0 '😀'", "2: 7@1 7.0<'" FFFD "'" } },
          "7@0 '" FFFD FFFD "'" },
        { "several sections of one client", { { "7@2 7.1<'c' 7@0 'ab'", "1: 7@0 'abc'" } }, "7@0 'abc'" },
        { "sections that overlap", { { "7@1 7.0<'bcd' 7@0 'ab'", "1: 7@0 'abcd'" } }, "7@0 'abcd'" },
        { "a Skip over what is known",
          { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 skip2 7.1<'c'", "2: 7@2 7.1<'c'" } },
          "7@0 'abc'" },
        { "nothing", { { "", "" }, { "7@0 skip4", "" }, { "7@0", "" } }, "" },
        { "deletions", { { "7@0 'abc' -7[1,2)", "1: 7@0 'abc' -7[1,2)" } }, "7@0 'abc' -7[1,2)" },
        { "only the new deletions",
          { { "7@0 'abc' -7[0,2)", "1: 7@0 'abc' -7[0,2)" }, { "7@0 'abc' -7[1,3)", "2: -7[2,3)" } },
          "7@0 'abc' -7[0,3)" },
        { "deletions that are known are no news",
          { { "7@0 'abc' -7[0,2)", "1: 7@0 'abc' -7[0,2)" }, { "-7[1,2)", "" } },
          "7@0 'abc' -7[0,2)" },
        { "deletions of what has not come",
          { { "-7[1,2)", "1: -7[1,2)" }, { "7@0 'abc'", "2: 7@0 'abc'" } },
          "7@0 'abc' -7[1,2)" },
        { "a GC implies a deletion", { { "7@0 gc3", "1: 7@0 gc3" } }, "7@0 gc3 -7[0,3)" },
        { "deleted content does, too",
          { { "7@0 'a' 7.0<deleted2", "1: 7@0 'a' 7.0<deleted2" } },
          "7@0 'a' 7.0<deleted2 -7[1,3)" },
        { "but not of what is known",
          { { "7@0 'ab'", "1: 7@0 'ab'" }, { "7@0 gc4", "2: 7@2 gc2" } },
          "7@0 'ab' gc2 -7[2,4)" },
        { "a clock that has not come",
          { { "7@1 7.0<'b'", "" }, { "7@0 'a'", "2: 7@0 'a' | 1: 7@1 7.0<'b'" } },
          "7@0 'ab'" },
        { "an origin that has not come",
          { { "9@0 7.0<'x'", "" }, { "7@0 'a'", "2: 7@0 'a' | 1: 9@0 7.0<'x'" } },
          "9@0 7.0<'x' 7@0 'a'" },
        { "a right origin",
          { { "9@0 'x'>7.1", "" }, { "7@0 'a'", "2: 7@0 'a'" }, { "7@1 7.0<'b'", "3: 7@1 7.0<'b' | 1: 9@0 'x'>7.1" } },
          "9@0 'x'>7.1 7@0 'ab'" },
        { "a parent",
          { { "9@0 'x'^7.0#k", "" }, { "7@0 type", "2: 7@0 type | 1: 9@0 'x'^7.0#k" } },
          "9@0 'x'^7.0#k 7@0 type" },
        { "one struct more of a client that is known waits as well",
          { { "7@0 'a'", "1: 7@0 'a'" }, { "7@1 'b'^9.0#k", "" }, { "9@0 type", "3: 9@0 type | 2: 7@1 'b'^9.0#k" } },
          "9@0 type 7@0 'a' 'b'^9.0#k" },
        { "a chain",
          { { "9@0 8.0<'c'", "" },
            { "8@0 7.0<'b'", "" },
            { "7@0 'a'", "3: 7@0 'a' | 1: 9@0 8.0<'c' | 2: 8@0 7.0<'b'" } },
          "9@0 8.0<'c' 8@0 7.0<'b' 7@0 'a'" },
        { "all that one origin brought, together",
          { { "9@0 7.0<'x'", "" }, { "8@0 7.0<'y' 7@0 'a'", "2: 8@0 7.0<'y' 7@0 'a' | 1: 9@0 7.0<'x'" } },
          "9@0 7.0<'x' 8@0 7.0<'y' 7@0 'a'" },
        { "clients that need each other",
          { { "9@0 'a' 7.0<'b' 7@0 9.0<'x' 9.1<'y'", "1: 9@0 'a' 7.0<'b' 7@0 9.0<'x' 9.1<'y'" } },
          "9@0 'a' 7.0<'b' 7@0 9.0<'x' 9.1<'y'" },
        { "clients that wait for each other for ever",
          { { "9@0 7.0<'x' 7@0 9.0<'y'", "" }, { "5@0 'a'", "2: 5@0 'a'" } },
          "9@0 7.0<'x' 7@0 9.0<'y' 5@0 'a'" },
        { "one that is stuck does not stop the others",
          { { "9@0 'a' 5.0<'x' 7@0 'b'", "1: 9@0 'a' 7@0 'b'" } },
          "9@0 'a' 5.0<'x' 7@0 'b'" },
        { "what waits is handed out, with a Skip for each gap",
          { { "7@0 'a'", "1: 7@0 'a'" }, { "7@3 7.2<'d'", "" }, { "7@6 7.5<'g'", "" } },
          "7@0 'a' skip2 7.2<'d' skip2 7.5<'g'" },
        { "of a client that is not known, too", { { "7@3 7.2<'d'", "" } }, "7@3 7.2<'d'" },
        { "what waits twice is handed out once",
          { { "7@3 7.2<'def'", "" }, { "7@4 7.3<'ef'", "" }, { "7@3 7.2<'d'", "" } },
          "7@3 7.2<'def'" },
        { "a gap is filled",
          { { "7@0 'a' skip2 7.2<'d'", "1: 7@0 'a'" }, { "7@1 7.0<'bc'", "2: 7@1 7.0<'bc' | 1: 7@3 7.2<'d'" } },
          "7@0 'abcd'" },
        { "of two with the same beginning, one has a gap",
          { { "7@2 7.1<'cde'", "" },
            { "7@2 7.1<'c' skip9 7.11<'x'", "" },
            { "7@0 'ab'", "3: 7@0 'ab' | 1: 7@2 7.1<'cde'" } },
          "7@0 'abcde' skip7 7.11<'x'" },
        { "what was released in part by others",
          { { "7@1 7.0<'bcd'", "" }, { "7@0 'ab'", "2: 7@0 'ab' | 1: 7@2 7.1<'cd'" } },
          "7@0 'abcd'" },
        { "what waits for a part of an update that waits itself",
          { { "9@0 7.1<'x'", "" },
            { "7@1 7.0<'b'", "" },
            { "7@0 'a'", "3: 7@0 'a' | 1: 9@0 7.1<'x' | 2: 7@1 7.0<'b'" } },
          "9@0 7.1<'x' 7@0 'ab'" },
        { "part of a struct that refers to nothing that is lacking",
          { { "7@0 gc1", "1: 7@0 gc1" }, { "7@0 9.0<'xy'", "2: 7@1 7.0<'y'" } },
          "7@0 gc1 7.0<'y' -7[0,1)" },
        { "what follows a struct that came as GC",
          { { "7@0 9.0<'x' embed", "" }, { "7@0 gc1", "2: 7@0 gc1 | 1: 7@1 embed" } },
          "7@0 gc1 embed -7[0,1)" },
        { "the rest of a struct that came as GC",
          { { "7@0 9.0<'xyz'", "" }, { "7@0 gc1", "2: 7@0 gc1 | 1: 7@1 7.0<'yz'" } },
          "7@0 gc1 7.0<'yz' -7[0,1)" },
        { "what follows one that came as GC, in parts",
          { { "7@0 9.0<'xyz'>8.0 embed", "" },
            { "7@0 gc1", "2: 7@0 gc1" },
            { "7@1 gc2", "3: 7@1 gc2 | 1: 7@3 embed" } },
          "7@0 gc3 embed -7[0,3)" },
        { "what follows one that another wait brought as GC",
          { { "7@2 9.0<'x' embed", "" }, { "7@1 gc2", "" }, { "7@0 'a'", "3: 7@0 'a' | 1: 7@3 embed | 2: 7@1 gc2" } },
          "7@0 'a' gc2 embed -7[1,3)" },
        { "a client of each size of id",
          { { "9007199254740991@0 'a' 4294967296@0 'b' 0@0 'c'",
              "1: 9007199254740991@0 'a' 4294967296@0 'b' 0@0 'c'" } },
          "9007199254740991@0 'a' 4294967296@0 'b' 0@0 'c'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_doc *doc = new_doc();

        for (size_t n = 0; n < ARRAY_LEN(cases[i].steps) && cases[i].steps[n].update; n++)
            apply_and_check(cases[i].name, doc, cases[i].steps[n].update, n + 1, cases[i].steps[n].news);
        assert_whole(cases[i].name, doc, cases[i].whole);
        ysync_doc_free(doc);
    }
}

struct verbatim {
    struct ysync_bytes got;
    size_t count;
};

static void keep_place(void *user, uint64_t origin, struct ysync_bytes update)
{
    struct verbatim *verbatim = user;

    (void)origin;
    verbatim->got = update;
    verbatim->count++;
}

static void test_doc_passes_on_what_is_wholly_new_as_it_came(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_updates); i++) {
        struct ysync_bytes update = recorded_updates[i].bytes;
        bool has_gap = strncmp(recorded_updates[i].name, "with_", 5) == 0;
        bool waits = strncmp(recorded_updates[i].name, "typing_", 7) == 0 && update.data[3] > 0;
        bool is_empty = strcmp(recorded_updates[i].name, "empty") == 0;
        struct verbatim verbatim = { .count = 0 };
        struct ysync_doc *doc = new_doc();

        assert_int_equal(ysync_doc_apply(doc, update, 1, keep_place, &verbatim), YSYNC_OK);
        if (verbatim.count != !(waits || is_empty))
            fail_msg("%s: told %zu times", recorded_updates[i].name, verbatim.count);
        if (!waits && !is_empty && (verbatim.got.data == update.data) == has_gap)
            fail_msg("%s: got other bytes, want the very same", recorded_updates[i].name);
        ys_doc_check(doc);
        ysync_doc_free(doc);
    }
}

/* What one hands out, another takes in, and hands out the same. */
static void test_doc_hands_out_what_makes_the_same_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_updates); i++) {
        struct ysync_doc *doc = new_doc();
        struct ysync_doc *other = new_doc();
        struct ysync_bytes whole;

        assert_int_equal(ysync_doc_apply(doc, recorded_updates[i].bytes, 1, NULL, NULL), YSYNC_OK);
        whole = diff(doc, NOTHING);
        assert_int_equal(ysync_doc_apply(other, whole, 1, NULL, NULL), YSYNC_OK);
        ys_doc_check(other);
        assert_same(recorded_updates[i].name, doc, other);
        ysync_bytes_free(NULL, whole);
        ysync_doc_free(other);
        ysync_doc_free(doc);
    }
}

/* Every order of five updates that follow each other. */
static void permute(size_t order[5], size_t count)
{
    if (count == 5) {
        struct ysync_doc *doc = new_doc();

        for (size_t i = 0; i < 5; i++)
            assert_int_equal(ysync_doc_apply(doc, recorded_typing[order[i]], i, NULL, NULL), YSYNC_OK);
        ys_doc_check(doc);
        assert_whole("typing", doc, "7@0 'hello'");
        ysync_doc_free(doc);
        return;
    }
    for (size_t i = count; i < 5; i++) {
        size_t first = order[count];

        order[count] = order[i];
        order[i] = first;
        permute(order, count + 1);
        order[i] = order[count];
        order[count] = first;
    }
}

static void test_doc_does_not_mind_order(void **state)
{
    size_t order[5] = { 0, 1, 2, 3, 4 };

    (void)state;
    permute(order, 0);
}

static void count_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    (void)origin;
    (void)update;
    ++*(size_t *)user;
}

static void test_doc_takes_two_thousand_updates_in_reverse_order(void **state)
{
    struct ysync_doc *doc = new_doc();
    struct ysync_doc_stats stats;
    size_t told = 0;
    char text[64];

    (void)state;
    for (unsigned clock = 1999; clock > 0; clock--) {
        snprintf(text, sizeof(text), "7@%u 7.%u<'x'", clock, clock - 1);
        assert_int_equal(apply(doc, text, 1, NULL), YSYNC_OK);
    }
    ysync_doc_stats(doc, &stats);
    assert_int_equal(stats.pending, 1999);
    assert_int_equal(ysync_doc_apply(doc, recorded_typing[0], 2, count_news, &told), YSYNC_OK);
    ys_doc_check(doc);
    ysync_doc_stats(doc, &stats);
    assert_int_equal(stats.pending, 0);
    assert_int_equal(stats.pending_bytes, 0);
    assert_int_equal(stats.structs, 1);
    assert_int_equal(told, 2); /* the first character, and all the others, which have one origin */
    ysync_doc_free(doc);
}

/* "7:3 9:1" as a state vector. */
static void write_state_vector(struct ys_buf *out, const char *text)
{
    struct ys_buf entries;
    uint64_t count = 0;

    ys_buf_init(out, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&entries, ysync_alloc_default(), SIZE_MAX);
    while (*text) {
        char *end;

        ys_buf_put_varuint(&entries, strtoull(text, &end, 10));
        ys_buf_put_varuint(&entries, strtoull(end + 1, &end, 10));
        text = *end ? end + 1 : end;
        count++;
    }
    ys_buf_put_varuint(out, count);
    ys_buf_put(out, ys_buf_bytes(&entries));
    assert_int_equal(ys_buf_err(out), YSYNC_OK);
    ys_buf_deinit(&entries);
}

static void test_doc_hands_out_what_a_state_vector_lacks(void **state)
{
    static const char *const updates[] = {
        "9@0 'abc' 7@0 'a😀b' 7.3<embed 7.4<any(1,2,3) -7[0,1)", "7@12 7.11<'xyz' 3@4 9.7<'uvw'", /* waits */
    };
    static const struct {
        const char *name;
        const char *vector;
        const char *want;
    } cases[] = {
        { "of somebody who has nothing", "",
          "9@0 'abc' 7@0 'a😀b' 7.3<embed 7.4<any(1,2,3) skip4 7.11<'xyz' 3@4 9.7<'uvw' -7[0,1)" },
        { "of somebody who knows others", "100:5 8:1",
          "9@0 'abc' 7@0 'a😀b' 7.3<embed 7.4<any(1,2,3) skip4 7.11<'xyz' 3@4 9.7<'uvw' -7[0,1)" },
        { "one client", "9:3", "7@0 'a😀b' 7.3<embed 7.4<any(1,2,3) skip4 7.11<'xyz' 3@4 9.7<'uvw' -7[0,1)" },
        { "the end of a string", "9:2 7:3",
          "9@2 9.1<'c' 7@3 7.2<'b' 7.3<embed 7.4<any(1,2,3) skip4 7.11<'xyz' 3@4 "
          "9.7<'uvw' -7[0,1)" },
        { "half a pair", "9:3 7:2",
          "7@2 7.1<'" FFFD "b' 7.3<embed 7.4<any(1,2,3) skip4 7.11<'xyz' 3@4 9.7<'uvw' "
          "-7[0,1)" },
        { "values", "9:3 7:6 3:7", "7@6 7.5<any(2,3) skip4 7.11<'xyz' -7[0,1)" },
        { "what waits", "9:3 7:8", "7@12 7.11<'xyz' 3@4 9.7<'uvw' -7[0,1)" },
        { "part of what waits", "9:3 7:13 3:6", "7@13 7.12<'yz' 3@6 3.5<'w' -7[0,1)" },
        { "deletions always", "9:3 7:15 3:7", "-7[0,1)" },
        { "of somebody who has more", "9:30 7:99 3:7", "-7[0,1)" },
    };
    struct ysync_doc *doc = new_doc();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(updates); i++)
        assert_int_equal(apply(doc, updates[i], 1, NULL), YSYNC_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf vector;
        struct ysync_bytes got;

        write_state_vector(&vector, cases[i].vector);
        got = diff(doc, ys_buf_bytes(&vector));
        assert_update(cases[i].name, got, cases[i].want);
        ysync_bytes_free(NULL, got);
        ys_buf_deinit(&vector);
    }
    ysync_doc_free(doc);
}

static void test_doc_says_what_its_state_is(void **state)
{
    static const struct {
        const char *name;
        const char *update;
        struct ysync_bytes want;
    } cases[] = {
        { "nothing", "", BYTES("\x00") },
        { "clients from high to low", "7@0 'ab' 9@0 'c'", BYTES("\x02\x09\x01\x07\x02") },
        { "what waits does not count", "9@0 'c' 7@1 7.0<'ab'", BYTES("\x01\x09\x01") },
        { "nor does what is deleted before it comes", "-7[0,4)", BYTES("\x00") },
        { "UTF-16 units", "7@0 'é€😀'", BYTES("\x01\x07\x04") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_doc *doc = new_doc();
        struct ysync_bytes got;

        assert_int_equal(apply(doc, cases[i].update, 1, NULL), YSYNC_OK);
        assert_int_equal(ysync_doc_state_vector(doc, &got), YSYNC_OK);
        if (got.len != cases[i].want.len || memcmp(got.data, cases[i].want.data, got.len) != 0)
            fail_msg("%s: got %zu other bytes, want %zu", cases[i].name, got.len, cases[i].want.len);
        ysync_bytes_free(NULL, got);
        ysync_doc_free(doc);
    }
}

static void test_doc_knows_what_it_lacks(void **state)
{
    static const struct {
        const char *name;
        const char *update;
        int want;
    } cases[] = {
        { "nothing", "", 0 },
        { "all of it", "9@0 'abc' 7@0 'ab'", 0 },
        { "a part of it", "9@1 9.0<'b'", 0 },
        { "more of a client", "9@0 'abcd'", 1 },
        { "another client", "8@0 'a'", 1 },
        { "what would wait", "9@9 9.8<'x'", 1 },
        { "a deletion that is known", "-7[0,1)", 0 },
        { "a deletion that is not", "-7[0,2)", 1 },
        { "a deletion of a client that is not known", "-5[3,4)", 1 },
        { "a Skip", "9@0 'abc' skip4", 0 },
        { "nothing but a Skip", "9@7 skip4", 0 },
        { "what waits already", "4@5 4.4<'xyz'", 0 },
        { "what waits already, behind what is known", "9@0 'abc' 4@0 skip5 4.4<'xyz'", 0 },
        { "a part of what waits", "4@5 4.4<'xy'", 0 },
        { "more than what waits", "4@5 4.4<'xyzz'", 1 },
    };
    struct ysync_doc *doc = new_doc();
    struct ysync_doc_stats before;
    struct ysync_doc_stats after;

    (void)state;
    assert_int_equal(apply(doc, "9@0 'abc' 7@0 'ab' -7[0,1)", 1, NULL), YSYNC_OK);
    assert_int_equal(apply(doc, "4@5 4.4<'xyz'", 1, NULL), YSYNC_OK);
    ysync_doc_stats(doc, &before);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf bytes;
        int got = -1;

        write_update(&bytes, cases[i].update);
        assert_int_equal(ysync_doc_lacks(doc, ys_buf_bytes(&bytes), &got), YSYNC_OK);
        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
        ys_buf_deinit(&bytes);
    }
    ysync_doc_stats(doc, &after);
    assert_int_equal(after.bytes, before.bytes); /* asking about others' clients must not make a document grow */
    assert_whole("asking changes nothing", doc, "9@0 'abc' 7@0 'ab' 4@5 4.4<'xyz' -7[0,1)");
    ysync_doc_free(doc);
}

/* All that can be seen of a document. */
struct sight {
    struct ysync_bytes state_vector;
    struct ysync_bytes whole;
    struct ysync_doc_stats stats;
};

static struct sight look_at(struct ysync_doc *doc)
{
    struct sight sight;

    assert_int_equal(ysync_doc_state_vector(doc, &sight.state_vector), YSYNC_OK);
    sight.whole = diff(doc, NOTHING);
    ysync_doc_stats(doc, &sight.stats);
    return sight;
}

static void sight_deinit(struct sight *sight)
{
    ysync_bytes_free(NULL, sight->state_vector);
    ysync_bytes_free(NULL, sight->whole);
}

/* Memory may have been reserved for what then was not done: the bytes held are not compared. */
static void assert_unchanged(const char *row, const struct sight *before, struct ysync_doc *doc)
{
    struct sight after = look_at(doc);

    ys_doc_check(doc);
    if (after.state_vector.len != before->state_vector.len ||
        memcmp(after.state_vector.data, before->state_vector.data, after.state_vector.len) != 0)
        fail_msg("%s: the state vector changed", row);
    if (after.whole.len != before->whole.len || memcmp(after.whole.data, before->whole.data, after.whole.len) != 0)
        fail_msg("%s: the document changed", row);
    if (after.stats.clients != before->stats.clients || after.stats.structs != before->stats.structs ||
        after.stats.delete_ranges != before->stats.delete_ranges || after.stats.pending != before->stats.pending ||
        after.stats.pending_bytes != before->stats.pending_bytes)
        fail_msg("%s: the statistics changed", row);
    sight_deinit(&after);
}

/* A document that is as mixed as can be: what is in place, deleted, and waits. */
static struct ysync_doc *mixed_doc(void)
{
    struct ysync_doc *doc = new_doc();

    assert_int_equal(apply(doc, "9@0 'abc' 7@0 'ab' embed -7[0,1) -5[3,9)", 1, NULL), YSYNC_OK);
    assert_int_equal(apply(doc, "7@9 7.8<'xyz' 4@0 3.0<'y'", 2, NULL), YSYNC_OK);
    return doc;
}

static void refuse_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    (void)user;
    (void)origin;
    (void)update;
    fail_msg("there is no news");
}

static void test_doc_refuses_and_is_as_it_was(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes bytes;
        const char *problem;
    } cases[] = {
        { "an empty update", BYTES(""), "truncated" },
        { "bytes left over", BYTES("\x00\x00\x01"), "bytes left over behind the update" },
        { "a struct of length 0", BYTES("\x01\x01\x06\x00\x00\x00\x00"), "struct of length 0" },
        { "an empty string", BYTES("\x01\x01\x06\x00\x04\x01\x01t\x00\x00"), "struct of length 0" },
        { "a delete range of length 0", BYTES("\x00\x01\x06\x01\x00\x00"), "delete range of length 0" },
        { "an origin at the struct itself", BYTES("\x01\x01\x06\x00\x84\x06\x00\x01x\x00"),
          "origin not before the struct itself" },
        { "a right origin behind it", BYTES("\x01\x01\x06\x00\x44\x06\x01\x01x\x00"),
          "right origin not before the struct itself" },
        { "a parent that is itself", BYTES("\x01\x01\x06\x00\x04\x00\x06\x00\x01x\x00"),
          "parent not before the struct itself" },
        { "a number past 2^53 - 1", BYTES("\x01\x01\x80\x80\x80\x80\x80\x80\x80\x10\x00\x00\x01\x00"),
          "number beyond 2^53 - 1" },
        { "a clock past 2^53 - 1", BYTES("\x01\x01\x06\xff\xff\xff\xff\xff\xff\xff\x0f\x00\x01\x00"),
          "clock beyond 2^53 - 1" },
        { "a delete range past 2^53 - 1", BYTES("\x00\x01\x06\x01\xff\xff\xff\xff\xff\xff\xff\x0f\x01"),
          "delete range beyond 2^53 - 1" },
        { "text that is not UTF-8", BYTES("\x01\x01\x06\x00\x04\x01\x01t\x01\xff\x00"), "invalid UTF-8" },
        { "an embed that is not JSON", BYTES("\x01\x01\x06\x00\x05\x01\x01t\x01x\x00"), "invalid JSON" },
        { "an unknown kind of content", BYTES("\x01\x01\x06\x00\x0b\x01\x01t\x01x\x00"), "unknown kind of content" },
        { "an unknown kind of value", BYTES("\x01\x01\x06\x00\x08\x01\x01t\x01\x01\x00"), "unknown kind of value" },
        { "an unknown type", BYTES("\x01\x01\x06\x00\x07\x01\x01t\x07\x00"), "unknown type" },
        { "a subdocument without options", BYTES("\x01\x01\x06\x00\x09\x01\x01t\x01g\x7e\x00"),
          "options of a subdocument are not an object" },
        { "more sections than bytes", BYTES("\x09\x00\x00"), "count larger than the bytes left could hold" },
        { "a good section, then a bad one", BYTES("\x02\x01\x09\x03\x84\x09\x02\x01x\x01\x06\x00\x00\x00\x00"),
          "struct of length 0" },
        { "what would release others, then a bad delete set", BYTES("\x01\x01\x03\x00\x00\x01\x01\x06\x01\x00\x00"),
          "delete range of length 0" },
    };
    struct ysync_doc *doc = mixed_doc();
    struct sight before = look_at(doc);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int lacks;

        assert_int_equal(ysync_doc_apply(doc, cases[i].bytes, 3, refuse_news, NULL), YSYNC_ERR_MALFORMED);
        if (strcmp(ysync_doc_problem(doc), cases[i].problem) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, ysync_doc_problem(doc), cases[i].problem);
        assert_unchanged(cases[i].name, &before, doc);
        assert_int_equal(ysync_doc_lacks(doc, cases[i].bytes, &lacks), YSYNC_ERR_MALFORMED);
    }
    sight_deinit(&before);
    ysync_doc_free(doc);
}

static void test_doc_refuses_values_that_are_nested_too_deep(void **state)
{
    struct ysync_doc *doc = mixed_doc();
    struct sight before = look_at(doc);
    struct ys_buf update;

    (void)state;
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put(&update, (struct ysync_bytes)BYTES("\x01\x01\x06\x00\x08\x01\x01t\x01"));
    for (int depth = 0; depth < 257; depth++)
        ys_buf_put_str(&update, "\x75\x01");
    ys_buf_put(&update, (struct ysync_bytes)BYTES("\x7e\x00"));
    assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&update), 3, refuse_news, NULL), YSYNC_ERR_MALFORMED);
    assert_string_equal(ysync_doc_problem(doc), "values nested too deep");
    assert_unchanged("nested", &before, doc);
    ys_buf_deinit(&update);
    sight_deinit(&before);
    ysync_doc_free(doc);
}

static void test_doc_refuses_every_prefix(void **state)
{
    struct ysync_doc *doc = mixed_doc();
    struct sight before = look_at(doc);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_updates); i++) {
        for (size_t len = 0; len < recorded_updates[i].bytes.len; len++) {
            uint8_t *copy = malloc(len + 1); /* so that the sanitizers see a step past it */

            assert_non_null(copy);
            memcpy(copy, recorded_updates[i].bytes.data, len);
            if (ysync_doc_apply(doc, (struct ysync_bytes){ copy, len }, 3, refuse_news, NULL) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", recorded_updates[i].name, len);
            free(copy);
        }
        assert_unchanged(recorded_updates[i].name, &before, doc);
    }
    sight_deinit(&before);
    ysync_doc_free(doc);
}

static void test_doc_refuses_a_bad_state_vector(void **state)
{
    static const struct ysync_bytes bad = BYTES("\x02\x07\x01");
    struct ysync_doc *doc = mixed_doc();
    struct ysync_bytes out;

    (void)state;
    assert_int_equal(ysync_doc_diff(doc, bad, &out), YSYNC_ERR_MALFORMED);
    assert_string_equal(ysync_doc_problem(doc), "count larger than the bytes left could hold");
    ysync_doc_free(doc);
}

static void test_doc_bounds_what_waits(void **state)
{
    struct ysync_doc *doc = mixed_doc();
    struct sight before = look_at(doc);

    (void)state;
    ysync_doc_set_max_pending(doc, before.stats.pending_bytes + 10);
    assert_int_equal(apply(doc, "9@3 9.2<'d' 7@20 7.19<'x' -9[0,1)", 3, NULL), YSYNC_ERR_LIMIT);
    assert_unchanged("one block too many", &before, doc);
    assert_int_equal(apply(doc, "7@9 7.8<'xyz'", 3, NULL), YSYNC_ERR_LIMIT);
    assert_unchanged("one that waits already", &before, doc);
    assert_int_equal(apply(doc, "9@3 9.2<'d'", 3, NULL), YSYNC_OK);
    ysync_doc_set_max_pending(doc, 0);
    assert_int_equal(apply(doc, "3@0 'x'", 3, NULL), YSYNC_OK);
    assert_whole("what waits is released as ever", doc,
                 "9@0 'abcd' 7@0 'ab' embed skip6 7.8<'xyz' 4@0 3.0<'y' 3@0 'x' -7[0,1) -5[3,9)");
    sight_deinit(&before);
    ysync_doc_free(doc);
}

static void test_doc_bounds_the_clients_of_an_update(void **state)
{
    struct ysync_doc *doc = mixed_doc();
    struct sight before = look_at(doc);

    (void)state;
    for (uint64_t more = 0; more < 2; more++) {
        struct ys_buf update;
        enum ysync_err err;

        ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put_varuint(&update, YS_UPDATE_MAX_SECTIONS + 1 - more);
        for (uint64_t client = YS_UPDATE_MAX_SECTIONS + 1 - more; client > 0; client--) {
            ys_buf_put_u8(&update, 1);
            ys_buf_put_varuint(&update, 100 + client);
            ys_buf_put(&update, (struct ysync_bytes)BYTES("\x00\x00\x01")); /* from clock 0, a GC of one */
        }
        ys_buf_put_u8(&update, 0);
        err = ysync_doc_apply(doc, ys_buf_bytes(&update), 1, NULL, NULL);
        assert_int_equal(err, more ? YSYNC_OK : YSYNC_ERR_LIMIT);
        ys_buf_deinit(&update);
        if (err) {
            assert_string_equal(ysync_doc_problem(doc), "too many clients in one update");
            assert_unchanged("one client too many", &before, doc);
        }
    }
    sight_deinit(&before);
    ysync_doc_free(doc);
}

static void test_doc_hands_on_what_waits(void **state)
{
    static const char missing[] = "7@3 7.2<'......' 3@0 'x'";
    struct ysync_doc *doc = mixed_doc();
    struct ysync_doc *other = new_doc();
    struct ysync_bytes whole = diff(doc, NOTHING);

    (void)state;
    assert_int_equal(ysync_doc_apply(other, whole, 1, NULL, NULL), YSYNC_OK);
    ys_doc_check(other);
    assert_same("while it waits", doc, other);
    assert_int_equal(apply(doc, missing, 2, NULL), YSYNC_OK);
    assert_int_equal(apply(other, missing, 2, NULL), YSYNC_OK);
    assert_whole("when it has come", doc,
                 "9@0 'abc' 7@0 'ab' embed 7.2<'......xyz' 4@0 3.0<'y' 3@0 'x' -7[0,1) -5[3,9)");
    assert_same("when it has come", doc, other);
    ysync_bytes_free(NULL, whole);
    ysync_doc_free(other);
    ysync_doc_free(doc);
}

static void test_doc_counts(void **state)
{
    struct ysync_doc *doc = mixed_doc();
    struct ysync_doc_stats stats;

    (void)state;
    ysync_doc_stats(doc, &stats);
    assert_int_equal(stats.clients, 2);
    assert_int_equal(stats.structs, 3);
    assert_int_equal(stats.delete_ranges, 2);
    assert_int_equal(stats.pending, 2);
    assert_true(stats.pending_bytes > 0 && stats.pending_bytes < stats.bytes);
    assert_int_equal(stats.bytes, ys_doc_bytes(doc));
    ysync_doc_free(doc);
}

/* A scenario in which memory runs out at the n-th request: what failed is tried again. */
struct scenario {
    struct ys_test_alloc memory;
    struct ysync_doc *doc;
};

static enum ysync_err read_out(struct scenario *scenario)
{
    struct ysync_bytes bytes;
    enum ysync_err err = ysync_doc_diff(scenario->doc, (struct ysync_bytes)BYTES("\x01\x07\x02"), &bytes);

    if (err)
        return err;
    ysync_bytes_free(&scenario->memory.alloc, bytes);
    err = ysync_doc_state_vector(scenario->doc, &bytes);
    if (!err)
        ysync_bytes_free(&scenario->memory.alloc, bytes);
    return err;
}

static enum ysync_err run_step(struct scenario *scenario, struct ysync_bytes update)
{
    size_t told = 0;
    int lacks;
    enum ysync_err err;

    if (!scenario->doc)
        return ysync_doc_new(&scenario->memory.alloc, &scenario->doc);
    if (update.len == 0)
        return read_out(scenario);
    err = ysync_doc_lacks(scenario->doc, update, &lacks);
    if (!err)
        err = ysync_doc_apply(scenario->doc, update, 1, count_news, &told);
    ys_doc_check(scenario->doc);
    return err;
}

/* Like assert_same(), of documents that have allocators of their own. */
static void assert_same_end(struct scenario *a, struct scenario *b)
{
    struct ysync_bytes of_a;
    struct ysync_bytes of_b;

    assert_int_equal(ysync_doc_diff(a->doc, NOTHING, &of_a), YSYNC_OK);
    assert_int_equal(ysync_doc_diff(b->doc, NOTHING, &of_b), YSYNC_OK);
    assert_int_equal(of_a.len, of_b.len);
    assert_memory_equal(of_a.data, of_b.data, of_b.len);
    ysync_bytes_free(&a->memory.alloc, of_a);
    ysync_bytes_free(&b->memory.alloc, of_b);
}

static void run_scenario(struct scenario *scenario, const struct ys_buf *updates, size_t count)
{
    for (size_t i = 0; i <= count; i++) {
        struct ysync_bytes update = i > 0 ? ys_buf_bytes(&updates[i - 1]) : NOTHING;
        enum ysync_err err = run_step(scenario, update);

        if (err) {
            assert_int_equal(err, YSYNC_ERR_NOMEM);
            assert_true(scenario->memory.failed);
            scenario->memory.fail_at = YS_TEST_NEVER_FAIL;
            assert_int_equal(run_step(scenario, update), YSYNC_OK);
        }
    }
    scenario->memory.fail_at = YS_TEST_NEVER_FAIL;
}

static void test_doc_survives_any_allocation_failing(void **state)
{
    static const char *const steps[] = {
        "9@0 'abc' 8@0 'x' 7@0 'ab' 6@0 type 5@0 embed -9[0,1) -8[0,1) -7[0,1)",
        "4@0 3.1<'p' 3@1 3.0<'q' 2@0 9.9<'r' 2@5 2.4<'s' -2[0,1)", /* waits */
        "",
        "7@2 7.1<'more' 1@0 gc4 9.0<'z' -7[3,4) -6[5,9) -4[0,9)",
        "3@0 'o' 9@3 9.2<'defghij'", /* releases what waits, in two steps */
        "2@1 2.0<'stuv'",
        "",
    };
    struct ys_buf updates[ARRAY_LEN(steps)];
    struct scenario wanted;
    size_t failures = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        write_update(&updates[i], steps[i]);
        if (!*steps[i])
            ys_buf_clear(&updates[i]); /* is read out, rather than applied to */
    }
    wanted = (struct scenario){ .doc = NULL };
    ys_test_alloc_init(&wanted.memory, YS_TEST_NEVER_FAIL);
    run_scenario(&wanted, updates, ARRAY_LEN(steps));
    for (bool failed = true; failed; failures++) {
        struct scenario scenario = { .doc = NULL };
        struct ysync_doc_stats stats;

        ys_test_alloc_init(&scenario.memory, failures);
        run_scenario(&scenario, updates, ARRAY_LEN(steps));
        failed = scenario.memory.failed;
        assert_int_equal(apply(scenario.doc, "", 1, NULL), YSYNC_OK); /* wakes what could not be woken */
        ysync_doc_stats(scenario.doc, &stats);
        assert_int_equal(stats.pending, 0);
        assert_same_end(&scenario, &wanted);
        ysync_doc_free(scenario.doc);
        assert_int_equal(scenario.memory.live_blocks, 0);
    }
    assert_true(failures > 20);
    ysync_doc_free(wanted.doc);
    assert_int_equal(wanted.memory.live_blocks, 0);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        ys_buf_deinit(&updates[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doc_takes_in_and_tells_what_is_new),
        cmocka_unit_test(test_doc_passes_on_what_is_wholly_new_as_it_came),
        cmocka_unit_test(test_doc_hands_out_what_makes_the_same_document),
        cmocka_unit_test(test_doc_does_not_mind_order),
        cmocka_unit_test(test_doc_takes_two_thousand_updates_in_reverse_order),
        cmocka_unit_test(test_doc_hands_out_what_a_state_vector_lacks),
        cmocka_unit_test(test_doc_says_what_its_state_is),
        cmocka_unit_test(test_doc_knows_what_it_lacks),
        cmocka_unit_test(test_doc_refuses_and_is_as_it_was),
        cmocka_unit_test(test_doc_refuses_values_that_are_nested_too_deep),
        cmocka_unit_test(test_doc_refuses_every_prefix),
        cmocka_unit_test(test_doc_refuses_a_bad_state_vector),
        cmocka_unit_test(test_doc_bounds_what_waits),
        cmocka_unit_test(test_doc_bounds_the_clients_of_an_update),
        cmocka_unit_test(test_doc_hands_on_what_waits),
        cmocka_unit_test(test_doc_counts),
        cmocka_unit_test(test_doc_survives_any_allocation_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
