/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "edit.h"
#include "ysync/doc.h"

#define CLIENT UINT64_C(0x40000007)

/* The ranges that were heard of, as text: "7:[0,3) 9:[5,6) ". */
struct heard {
    char text[256];
};

static void note_range(void *user, uint64_t client, uint64_t from, uint64_t to)
{
    struct heard *heard = user;
    size_t len = strlen(heard->text);

    snprintf(heard->text + len, sizeof(heard->text) - len, "%" PRIu64 ":[%" PRIu64 ",%" PRIu64 ") ", client, from, to);
}

static void init(struct ys_buf *buf)
{
    ys_buf_init(buf, ysync_alloc_default(), SIZE_MAX);
}

/* Applies it to the document and returns how many bytes of it were new. */
static void add_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    size_t *bytes = user;

    (void)origin;
    *bytes += update.len;
}

static size_t apply(struct ysync_doc *doc, struct ysync_bytes update)
{
    size_t news = 0;

    assert_int_equal(ysync_doc_apply(doc, update, 1, add_news, &news), YSYNC_OK);
    return news;
}

static void test_edit_every_one_is_new_and_waits_for_nothing(void **state)
{
    static const size_t units[] = { 1, 7, YS_EDIT_MAX_UNITS };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        struct ysync_doc_stats stats;
        struct ysync_doc *doc;
        struct ys_buf edit;

        init(&edit);
        assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
        for (uint64_t n = 0; n < 50; n++) {
            ys_buf_clear(&edit);
            ys_edit_put(&edit, CLIENT + n % 2, n / 2 * units[i], units[i]);
            assert_int_equal(apply(doc, ys_buf_bytes(&edit)), edit.len);
            assert_int_equal(ys_edit_count(ys_buf_bytes(&edit)), units[i]);
        }
        ysync_doc_stats(doc, &stats);
        assert_int_equal(stats.pending, 0);
        ysync_doc_free(doc);
        ys_buf_deinit(&edit);
    }
}

static void test_edit_reads_what_updates_hold(void **state)
{
    static const struct {
        const char *name;
        const uint8_t update[32];
        size_t len;
        const char *want;
    } cases[] = {
        { "nothing", { 0, 0 }, 2, "" },
        { "one client", { 1, 1, 7, 5, 0, 3, 0 }, 7, "7:[5,8) " },
        { "two clients", { 2, 1, 9, 0, 0, 1, 1, 7, 2, 0, 2, 0 }, 12, "9:[0,1) 7:[2,4) " },
        { "several structs", { 1, 2, 7, 0, 0, 3, 0, 2, 0 }, 9, "7:[0,5) " },
        { "a gap", { 1, 3, 7, 0, 0, 3, 10, 4, 0, 1, 0 }, 11, "7:[0,3) 7:[7,8) " },
        { "deletions alone", { 0, 1, 7, 1, 0, 3 }, 6, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct heard heard = { "" };

        ys_edit_read((struct ysync_bytes){ cases[i].update, cases[i].len }, note_range, &heard);
        if (strcmp(heard.text, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, heard.text, cases[i].want);
    }
}

static void test_edit_document_has_its_size_and_its_state_vector(void **state)
{
    struct ys_buf document;
    struct ys_buf vector;
    struct ysync_bytes want;
    struct ysync_doc *doc;

    (void)state;
    init(&document);
    init(&vector);
    ys_edit_put_document(&document, CLIENT, 30000);
    ys_edit_put_state_vector(&vector, ys_buf_bytes(&document));
    assert_in_range(document.len, 27000, 33000);
    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    assert_int_equal(apply(doc, ys_buf_bytes(&document)), document.len);
    assert_int_equal(ysync_doc_state_vector(doc, &want), YSYNC_OK);
    assert_int_equal(vector.len, want.len);
    assert_memory_equal(vector.data, want.data, want.len);
    ysync_bytes_free(NULL, want);
    ysync_doc_free(doc);
    ys_buf_deinit(&vector);
    ys_buf_deinit(&document);
}

static void test_edit_presence_tells_its_clock(void **state)
{
    struct heard heard = { "" };
    struct ys_buf entries;

    (void)state;
    init(&entries);
    ys_edit_put_presence(&entries, 7, 3);
    ys_edit_read_presence(ys_buf_bytes(&entries), note_range, &heard);
    assert_string_equal(heard.text, "7:[3,4) ");
    ys_buf_deinit(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit_every_one_is_new_and_waits_for_nothing),
        cmocka_unit_test(test_edit_reads_what_updates_hold),
        cmocka_unit_test(test_edit_document_has_its_size_and_its_state_vector),
        cmocka_unit_test(test_edit_presence_tells_its_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
