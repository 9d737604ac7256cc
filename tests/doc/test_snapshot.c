/* SPDX-License-Identifier: MIT */
/* Documents saved and loaded. Updates are written as in notation.h; that any history survives, tests/clients shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/doc.h"
#include "doc/notation.h"
#include "support/failing_alloc.h"

/* Text of two clients, a deletion, and a struct that waits for a third. */
static const char update[] = "9@0 'world' 9@7 8.3<'later' 7@0 'hello' -7[1,2)";

static struct ysync_bytes save_some_document(void)
{
    struct ysync_bytes saved;
    struct ysync_doc *doc;
    struct ys_buf bytes;

    write_update(&bytes, update);
    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    assert_int_equal(ysync_doc_apply(doc, ys_buf_bytes(&bytes), 0, NULL, NULL), YSYNC_OK);
    assert_int_equal(ysync_doc_save(doc, &saved), YSYNC_OK);
    ysync_doc_free(doc);
    ys_buf_deinit(&bytes);
    return saved;
}

static enum ysync_err load(struct ysync_bytes bytes)
{
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ysync_doc_load(NULL, bytes, &doc);

    ysync_doc_free(doc);
    return err;
}

static void test_snapshot_is_loaded_as_it_was_saved(void **state)
{
    struct ysync_bytes saved = save_some_document();
    struct ysync_bytes again;
    struct ysync_doc *doc;

    (void)state;
    assert_int_equal(ysync_doc_load(NULL, saved, &doc), YSYNC_OK);
    ys_doc_check(doc);
    assert_int_equal(ys_doc_pending_count(doc), 1);
    assert_int_equal(ysync_doc_save(doc, &again), YSYNC_OK);
    assert_int_equal(again.len, saved.len);
    assert_memory_equal(again.data, saved.data, saved.len);
    ysync_doc_free(doc);
    ysync_bytes_free(NULL, saved);
    ysync_bytes_free(NULL, again);
}

static void test_snapshot_notices_every_change_of_a_byte(void **state)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    struct ysync_bytes saved = save_some_document();
    uint8_t *copy = malloc(saved.len);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, saved.data, saved.len);
    for (size_t i = 0; i < saved.len * ARRAY_LEN(masks); i++) {
        size_t at = i / ARRAY_LEN(masks);
        uint8_t mask = masks[i % ARRAY_LEN(masks)];
        enum ysync_err err;

        copy[at] ^= mask;
        err = load((struct ysync_bytes){ copy, saved.len });
        if (err != YSYNC_ERR_MALFORMED)
            fail_msg("byte %zu of %zu changed by 0x%02x: got %s, want %s", at, saved.len, mask, ysync_strerror(err),
                     ysync_strerror(YSYNC_ERR_MALFORMED));
        copy[at] ^= mask;
    }
    free(copy);
    ysync_bytes_free(NULL, saved);
}

static void test_snapshot_must_be_whole(void **state)
{
    struct ysync_bytes saved = save_some_document();

    (void)state;
    for (size_t len = 0; len < saved.len; len++) {
        if (load((struct ysync_bytes){ saved.data, len }) != YSYNC_ERR_MALFORMED)
            fail_msg("the first %zu of %zu bytes were loaded", len, saved.len);
        if (load((struct ysync_bytes){ saved.data + saved.len - len, len }) != YSYNC_ERR_MALFORMED)
            fail_msg("the last %zu of %zu bytes were loaded", len, saved.len);
    }
    ysync_bytes_free(NULL, saved);
}

/* What would only have made it smaller may fail without a word. */
static void test_snapshot_loading_survives_failed_allocations(void **state)
{
    struct ysync_bytes saved = save_some_document();

    (void)state;
    for (size_t n = 0;; n++) {
        struct ysync_doc *doc = NULL;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ysync_doc_load(&memory.alloc, saved, &doc);
        assert_true(err == YSYNC_OK || err == YSYNC_ERR_NOMEM);
        if (doc)
            ys_doc_check(doc);
        ysync_doc_free(doc);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
    ysync_bytes_free(NULL, saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_is_loaded_as_it_was_saved),
        cmocka_unit_test(test_snapshot_notices_every_change_of_a_byte),
        cmocka_unit_test(test_snapshot_must_be_whole),
        cmocka_unit_test(test_snapshot_loading_survives_failed_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
