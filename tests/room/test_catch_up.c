/* SPDX-License-Identifier: MIT */
/* Which state vector is left of a document's when updates are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/catch_up.h"
#include "room/party.h"

#define UPDATE(literal)                                                                                                \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

/* "9:4 7:12" */
static void format_vector(struct ysync_bytes bytes, char *to, size_t size)
{
    struct ys_state_vector vector;
    struct ys_reader in = ys_reader_init(bytes);
    size_t len = 0;

    to[0] = 0;
    ys_state_vector_init(&vector);
    assert_int_equal(ys_state_vector_decode(&vector, ysync_alloc_default(), &in), YSYNC_OK);
    for (size_t i = 0; i < vector.count && len < size; i++)
        len += (size_t)snprintf(to + len, size - len, "%s%" PRIu64 ":%" PRIu64, i ? " " : "", vector.entries[i].client,
                                vector.entries[i].clock);
    ys_state_vector_deinit(&vector, ysync_alloc_default());
}

static void test_catch_up_lowers_to_where_dropped_updates_begin(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes dropped[3];
        const char *want;
    } cases[] = {
        { "nothing dropped", { { 0 } }, "9:40 7:30 5:20" },
        { "one", { UPDATE("\x01\x01\x07\x1d\x84\x07\x1c\x01x\x00") }, "9:40 7:29 5:20" },
        { "the earliest of several counts",
          { UPDATE("\x01\x01\x07\x0b\x84\x07\x0a\x01x\x00"), UPDATE("\x01\x01\x07\x0a\x84\x07\x09\x01x\x00"),
            UPDATE("\x01\x01\x07\x0c\x84\x07\x0b\x01x\x00") },
          "9:40 7:10 5:20" },
        { "several clients in one update",
          { UPDATE("\x02\x01\x09\x03\x84\x09\x02\x01x\x02\x05\x02\x84\x05\x01\x01x\x84\x09\x02\x01x\x00") },
          "9:3 7:30 5:2" },
        { "from the very beginning", { UPDATE("\x01\x01\x07\x00\x04\x01\x01t\x01x\x00") }, "9:40 7:0 5:20" },
        { "a client the document does not know",
          { UPDATE("\x01\x01\x08\x00\x04\x01\x01t\x01x\x00") },
          "9:40 7:30 5:20" },
        { "a clock the document does not have",
          { UPDATE("\x01\x01\x07\x7f\x04\x01\x01t\x01x\x00") },
          "9:40 7:30 5:20" },
        { "deletions alone", { UPDATE("\x00\x01\x07\x01\x00\x05") }, "9:40 7:30 5:20" },
    };
    static const uint8_t has[] = { 0x03, 0x09, 0x28, 0x07, 0x1e, 0x05, 0x14 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_catch_up catch_up;
        struct ys_blob *lowered;
        char got[128];

        ys_catch_up_init_from(&catch_up, ysync_alloc_default(), BYTES(has));
        for (size_t j = 0; j < 3 && cases[i].dropped[j].data; j++) {
            struct ys_blob *message = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_UPDATE, cases[i].dropped[j]);

            ys_catch_up_drop(&catch_up, message);
            ys_blob_unref(message);
        }
        lowered = ys_catch_up_encode(&catch_up);
        if (!lowered)
            fail_msg("%s: nothing is known", cases[i].name);
        format_vector(ys_blob_bytes(lowered), got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
        ys_blob_unref(lowered);
        ys_catch_up_deinit(&catch_up);
    }
}

static void test_catch_up_starts_from_the_document(void **state)
{
    struct ysync_doc *doc;
    struct ys_catch_up catch_up;
    struct ys_blob *has;
    char got[128];

    (void)state;
    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    assert_int_equal(ysync_doc_apply(doc, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x03xyz\x00"), 0, NULL, NULL), YSYNC_OK);
    ys_catch_up_init(&catch_up, ysync_alloc_default(), doc);
    has = ys_catch_up_encode(&catch_up);
    assert_non_null(has);
    format_vector(ys_blob_bytes(has), got, sizeof(got));
    assert_string_equal(got, "5:3");
    ys_blob_unref(has);
    ys_catch_up_deinit(&catch_up);
    ysync_doc_free(doc);
}

/* Without memory nothing is known of what the member has; half-lowered vectors would lose updates. */
static void test_catch_up_is_right_or_unknown(void **state)
{
    struct ys_buf vector;
    struct ys_blob *message = ys_message_encode(
        ysync_alloc_default(), YS_MESSAGE_UPDATE,
        TEXT("\x02\x01\x09\x03\x84\x09\x02\x01x\x01\x05\x02\x84\x05\x01\x01x\x00"));

    (void)state;
    ys_buf_init(&vector, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_varuint(&vector, 50);
    for (uint64_t client = 50; client > 0; client--) {
        ys_buf_put_varuint(&vector, client);
        ys_buf_put_varuint(&vector, 100);
    }
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_catch_up catch_up;
        struct ys_blob *lowered;

        ys_test_alloc_init(&memory, n);
        ys_catch_up_init_from(&catch_up, &memory.alloc, ys_buf_bytes(&vector));
        ys_catch_up_drop(&catch_up, message);
        lowered = ys_catch_up_encode(&catch_up);
        assert_int_equal(lowered == NULL, memory.failed);
        ys_blob_unref(lowered);
        ys_catch_up_deinit(&catch_up);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
    ys_blob_unref(message);
    ys_buf_deinit(&vector);
}

static void test_catch_up_guesses_nothing(void **state)
{
    struct ys_blob *message = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_UPDATE, TEXT("\x01"));
    struct ys_catch_up catch_up;

    (void)state;
    ys_catch_up_init_from(&catch_up, ysync_alloc_default(), TEXT("\x01\x05\x03"));
    ys_catch_up_drop(&catch_up, message);
    assert_null(ys_catch_up_encode(&catch_up));
    ys_catch_up_deinit(&catch_up);
    ys_blob_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catch_up_lowers_to_where_dropped_updates_begin),
        cmocka_unit_test(test_catch_up_starts_from_the_document),
        cmocka_unit_test(test_catch_up_is_right_or_unknown),
        cmocka_unit_test(test_catch_up_guesses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
