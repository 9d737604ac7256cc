/* SPDX-License-Identifier: MIT */
/* Awareness updates, against bytes written by y-protocols' encodeAwarenessUpdate(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "protocol/awareness.h"
#include "protocol/message.h"
#include "support/failing_alloc.h"

#define TEXT(literal) ((struct ysync_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

/* Client 7 at clock 1 with {name:'Ada'}, client 300 at clock 4 with {name:'Zoë'}, client 2^53 - 1 at clock 9, gone */
static const uint8_t recorded[] = {
    0x03, 0x07, 0x01, 0x0e, 0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0x41, 0x64, 0x61, 0x22,
    0x7d, 0xac, 0x02, 0x04, 0x0f, 0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0x5a, 0x6f, 0xc3,
    0xab, 0x22, 0x7d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x09, 0x04, 0x6e, 0x75, 0x6c, 0x6c,
};

static const struct {
    uint64_t client;
    uint64_t clock;
    const char *state;
    bool is_null;
} entries[] = {
    { 7, 1, "{\"name\":\"Ada\"}", false },
    { 300, 4, "{\"name\":\"Zo\xc3\xab\"}", false },
    { (UINT64_C(1) << 53) - 1, 9, "null", true },
};

static void check_entries(struct ys_awareness_reader reader)
{
    struct ys_awareness_entry entry;

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        assert_true(ys_awareness_next(&reader, &entry));
        assert_int_equal(entry.client, entries[i].client);
        assert_int_equal(entry.clock, entries[i].clock);
        assert_int_equal(entry.state.len, strlen(entries[i].state));
        assert_memory_equal(entry.state.data, entries[i].state, entry.state.len);
        assert_int_equal(entry.is_null, entries[i].is_null);
    }
    assert_false(ys_awareness_next(&reader, &entry));
}

static void test_awareness_reads_what_clients_write(void **state)
{
    struct ys_awareness_reader reader;
    const char *problem = NULL;

    (void)state;
    assert_int_equal(ys_awareness_open((struct ysync_bytes){ recorded, sizeof(recorded) }, &reader, &problem),
                     YSYNC_OK);
    check_entries(reader);
}

static void test_awareness_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(recorded); len++) {
        uint8_t *payload = malloc(len + 1);
        struct ys_awareness_reader reader;
        const char *problem = NULL;
        enum ysync_err err;

        assert_non_null(payload);
        memcpy(payload, recorded, len);
        err = ys_awareness_open((struct ysync_bytes){ payload, len }, &reader, &problem);
        if (err != YSYNC_ERR_MALFORMED || !problem)
            fail_msg("%zu bytes: got %s, want malformed", len, ysync_strerror(err));
        free(payload);
    }
}

static void test_awareness_checks_all_before_the_first(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes payload;
        const char *problem; /* NULL: it is good */
    } cases[] = {
        { "no entries", TEXT("\x00"), NULL },
        { "the shortest state",
          TEXT("\x01\x07\x01\x01"
               "0"),
          NULL },
        { "null within spaces", TEXT("\x01\x07\x01\x06 null "), NULL },
        { "a good one, then a bad one", TEXT("\x02\x07\x01\x02{}\x08\x01\x02{]"), "awareness state is not valid JSON" },
        { "an empty state", TEXT("\x01\x07\x01\x00\x00"), "awareness state is not valid JSON" },
        { "undefined", TEXT("\x01\x07\x01\x09undefined"), "awareness state is not valid JSON" },
        { "invalid UTF-8", TEXT("\x01\x07\x01\x03\"\xff\""), "awareness state is not valid JSON" },
        { "bytes left over", TEXT("\x01\x07\x01\x02{}\x00"), "bytes left over after the awareness states" },
        { "bytes behind no entries", TEXT("\x00\x00"), "bytes left over after the awareness states" },
        { "a client beyond 2^53 - 1", TEXT("\x01\xff\xff\xff\xff\xff\xff\xff\x1f\x01\x02{}"),
          "number beyond 2^53 - 1" },
        { "a clock beyond 2^53 - 1", TEXT("\x01\x07\xff\xff\xff\xff\xff\xff\xff\x1f\x02{}"), "number beyond 2^53 - 1" },
        { "a count that cannot be true", TEXT("\xff\xff\xff\x7f\x07\x01\x02{}"),
          "count larger than the bytes left could hold" },
        { "a state beyond the payload", TEXT("\x01\x07\x01\x03{}"), "truncated" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_awareness_reader reader = { .left = 99 };
        const char *problem = NULL;
        enum ysync_err err = ys_awareness_open(cases[i].payload, &reader, &problem);

        if (err != (cases[i].problem ? YSYNC_ERR_MALFORMED : YSYNC_OK))
            fail_msg("%s: got %s", cases[i].name, ysync_strerror(err));
        if (cases[i].problem && (!problem || strcmp(problem, cases[i].problem) != 0))
            fail_msg("%s: got %s, want %s", cases[i].name, problem, cases[i].problem);
        if (cases[i].problem)
            assert_int_equal(reader.left, 99);
    }
}

static void put_entries(struct ys_awareness_writer *writer)
{
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        if (entries[i].is_null)
            ys_awareness_put_null(writer, entries[i].client, entries[i].clock);
        else
            ys_awareness_put(writer, entries[i].client, entries[i].clock,
                             (struct ysync_bytes){ (const uint8_t *)entries[i].state, strlen(entries[i].state) });
    }
}

static void test_awareness_writes_what_clients_write(void **state)
{
    struct ys_awareness_writer writer;
    struct ys_message message;
    struct ys_blob *blob;
    const char *problem;

    (void)state;
    ys_awareness_writer_init(&writer, ysync_alloc_default());
    put_entries(&writer);
    check_entries(ys_awareness_written(&writer));
    blob = ys_awareness_encode(&writer);
    assert_non_null(blob);
    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &problem), YSYNC_OK);
    assert_int_equal(message.type, YS_MESSAGE_AWARENESS);
    assert_int_equal(message.payload.len, sizeof(recorded));
    assert_memory_equal(message.payload.data, recorded, sizeof(recorded));
    ys_blob_unref(blob);
    ys_awareness_writer_deinit(&writer);
}

static void test_awareness_writes_no_entries(void **state)
{
    static const uint8_t want[] = { 1, 1, 0 };
    struct ys_awareness_writer writer;
    struct ys_blob *blob;

    (void)state;
    ys_awareness_writer_init(&writer, ysync_alloc_default());
    blob = ys_awareness_encode(&writer);
    assert_non_null(blob);
    assert_int_equal(blob->len, sizeof(want));
    assert_memory_equal(ys_blob_data(blob), want, sizeof(want));
    ys_blob_unref(blob);
    ys_awareness_writer_deinit(&writer);
}

static void test_awareness_survives_want_of_memory(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_awareness_writer writer;
        struct ys_test_alloc memory;
        struct ys_blob *blob;

        ys_test_alloc_init(&memory, n);
        ys_awareness_writer_init(&writer, &memory.alloc);
        put_entries(&writer);
        blob = ys_awareness_encode(&writer);
        assert_int_equal(blob == NULL, memory.failed);
        ys_blob_unref(blob);
        ys_awareness_writer_deinit(&writer);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_awareness_reads_what_clients_write),
        cmocka_unit_test(test_awareness_refuses_every_prefix),
        cmocka_unit_test(test_awareness_checks_all_before_the_first),
        cmocka_unit_test(test_awareness_writes_what_clients_write),
        cmocka_unit_test(test_awareness_writes_no_entries),
        cmocka_unit_test(test_awareness_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
