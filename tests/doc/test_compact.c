/* SPDX-License-Identifier: MIT */
/* Compaction in steps, with things happening between them. Updates are written as in notation.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/compact.h"
#include "doc/doc.h"
#include "doc/notation.h"

/* A document that leaves compaction to the test, but for one struct with each update. */
static struct ysync_doc *new_doc(void)
{
    struct ysync_doc *doc;

    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    ysync_doc_set_gc(doc, YSYNC_GC_EAGER);
    doc->compact_step_bytes = 1;
    doc->compact_factor = 0;
    return doc;
}

static void apply(struct ysync_doc *doc, const char *update)
{
    struct ys_buf bytes;

    write_update(&bytes, update);
    assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&bytes), 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&bytes);
    ys_doc_check(doc);
}

static void assert_whole(const char *row, struct ysync_doc *doc, const char *want)
{
    struct ysync_bytes whole;

    assert_int_equal(ysync_doc_diff(doc, (struct ysync_bytes){ NULL, 0 }, &whole), YSYNC_OK);
    assert_update(row, whole, want);
    ysync_bytes_free(NULL, whole);
}

/* What each row does after one client of the two was looked at, and before it is the other one's turn. */
static void test_compact_drops_later_what_came_meanwhile(void **state)
{
    static const struct {
        const char *name;
        const char *meanwhile;
        const char *want;
    } cases[] = {
        { "nothing", "", "9@0 'cd' 7@0 'ab'" },
        { "the client that is done is deleted", "-9[0,2)", "9@0 deleted2 7@0 'ab' -9[0,2)" },
        { "the client that is to come is deleted", "-7[0,2)", "9@0 'cd' 7@0 deleted2 -7[0,2)" },
        { "the client that is done writes on", "9@2 9.1<'ef' -9[1,3)",
          "9@0 'c' 9.0<deleted2 9.2<'f' 7@0 'ab' -9[1,3)" },
        { "somebody new is deleted at once", "8@0 'x' -8[0,1)", "9@0 'cd' 8@0 deleted1 7@0 'ab' -8[0,1)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_doc *doc = new_doc();
        bool done;

        apply(doc, "9@0 'cd' 7@0 'ab'");
        assert_int_equal(ys_compaction_step(doc, 1, &done), YSYNC_OK);
        assert_false(done);
        apply(doc, cases[i].meanwhile);
        while (doc->compaction)
            assert_int_equal(ys_compaction_step(doc, 1, &done), YSYNC_OK);
        assert_int_equal(ysync_doc_compact(doc), YSYNC_OK);
        ys_doc_check(doc);
        assert_whole(cases[i].name, doc, cases[i].want);
        ysync_doc_free(doc);
    }
}

/* Updates large enough to become the base as they are, in documents that hold nothing yet, or only deletions. */
static void test_compact_keeps_to_what_a_whole_document_came_with(void **state)
{
    static const struct {
        const char *name;
        const char *before;
        const char *update; /* behind its first section, which is long */
        const char *want;
    } cases[] = {
        { "content that is deleted", "", "7@0 'ab' -7[0,2)", "7@0 deleted2 -7[0,2)" },
        { "deletions that came before", "-7[0,2)", "7@0 'ab'", "7@0 deleted2 -7[0,2)" },
    };
    char section[1024 + 16] = "9@0 '";

    (void)state;
    memset(section + strlen(section), 'n', 1024);
    strcat(section, "' ");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_doc *doc = new_doc();
        char update[sizeof(section) + 64];
        char want[sizeof(section) + 64];

        snprintf(update, sizeof(update), "%s%s", section, cases[i].update);
        snprintf(want, sizeof(want), "%s%s", section, cases[i].want);
        apply(doc, cases[i].before);
        apply(doc, update);
        assert_int_equal(ysync_doc_compact(doc), YSYNC_OK);
        assert_whole(cases[i].name, doc, want);
        ysync_doc_free(doc);
    }
}

/* An update that sets a key of a map to 64 KiB for the n-th time, deleting what it was before. */
static void write_overwriting(struct ys_buf *to, uint64_t n)
{
    static uint8_t value[64 * 1024];

    memset(value, 'v', sizeof(value));
    ys_buf_clear(to);
    ys_buf_put(to, (struct ysync_bytes){ (const uint8_t *)"\x01\x01\x07", 3 });
    ys_buf_put_varuint(to, n);
    if (n == 0) {
        ys_buf_put_u8(to, YS_INFO_MAP_ENTRY | YS_KIND_BINARY);
        ys_buf_put_str(to, "\x01\x01m\x01k"); /* in the root type "m", under the key "k" */
    } else {
        ys_buf_put_u8(to, YS_INFO_ORIGIN | YS_INFO_MAP_ENTRY | YS_KIND_BINARY);
        ys_buf_put_u8(to, 7);
        ys_buf_put_varuint(to, n - 1);
    }
    ys_buf_put_var_bytes(to, (struct ysync_bytes){ value, sizeof(value) });
    ys_buf_put_u8(to, n > 0);
    if (n > 0) {
        ys_buf_put(to, (struct ysync_bytes){ (const uint8_t *)"\x07\x01", 2 });
        ys_buf_put_varuint(to, n - 1);
        ys_buf_put_u8(to, 1);
    }
}

/* However much each update brings, more is compacted meanwhile: what was overwritten does not pile up. */
static void test_compact_outruns_large_updates(void **state)
{
    struct ysync_doc *doc;
    struct ys_buf update;
    size_t most = 0;

    (void)state;
    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    for (uint64_t n = 0; n < 1000; n++) {
        write_overwriting(&update, n);
        assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&update), 0, NULL, NULL), YSYNC_OK);
        most = ys_doc_bytes(doc) > most ? ys_doc_bytes(doc) : most;
    }
    assert_in_range(most, 64 * 1024, 1024 * 1024);
    ys_buf_deinit(&update);
    ysync_doc_free(doc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compact_drops_later_what_came_meanwhile),
        cmocka_unit_test(test_compact_outruns_large_updates),
        cmocka_unit_test(test_compact_keeps_to_what_a_whole_document_came_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
