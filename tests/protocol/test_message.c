/* SPDX-License-Identifier: MIT */
/* Messages, against bytes written by y-protocols 1.0.7 (yjs 13.6.33, lib0). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "protocol/message.h"
#include "support/failing_alloc.h"

#define BYTES(array) ((struct ysync_bytes){ array, sizeof(array) })
#define TEXT(literal) ((struct ysync_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

/* doc.clientID = 7; doc.getText('t').insert(0, 'hi'); then writeSyncStep1, writeSyncStep2, writeUpdate */
static const uint8_t step1[] = {
    0x00, 0x00, 0x03, 0x01, 0x07, 0x02,
};
static const uint8_t step2[] = {
    0x00, 0x01, 0x0c, 0x01, 0x01, 0x07, 0x00, 0x04, 0x01, 0x01, 0x74, 0x02, 0x68, 0x69, 0x00,
};
static const uint8_t update[] = {
    0x00, 0x02, 0x0c, 0x01, 0x01, 0x07, 0x00, 0x04, 0x01, 0x01, 0x74, 0x02, 0x68, 0x69, 0x00,
};
/* encodeAwarenessUpdate() of client 7 at clock 1 with the state {} */
static const uint8_t awareness[] = {
    0x01, 0x06, 0x01, 0x07, 0x01, 0x02, 0x7b, 0x7d,
};
/* writePermissionDenied(encoder, 'Unauthorized') */
static const uint8_t denied[] = {
    0x02, 0x00, 0x0c, 0x55, 0x6e, 0x61, 0x75, 0x74, 0x68, 0x6f, 0x72, 0x69, 0x7a, 0x65, 0x64,
};
static const uint8_t query[] = {
    0x03,
};
static const uint8_t status[] = {
    0x66, 0x03, 0x01, 0x02, 0x03,
};

static const struct {
    const char *name;
    struct ysync_bytes frame;
    enum ys_message_type type;
    size_t payload_at;
    size_t payload_len;
} recorded[] = {
    { "sync_step1", { step1, sizeof(step1) }, YS_MESSAGE_SYNC_STEP1, 3, 3 },
    { "sync_step2", { step2, sizeof(step2) }, YS_MESSAGE_SYNC_STEP2, 3, 12 },
    { "update", { update, sizeof(update) }, YS_MESSAGE_UPDATE, 3, 12 },
    { "awareness", { awareness, sizeof(awareness) }, YS_MESSAGE_AWARENESS, 2, 6 },
    { "sync_status", { status, sizeof(status) }, YS_MESSAGE_SYNC_STATUS, 2, 3 },
};

static void check_decodes(size_t row, struct ysync_bytes frame)
{
    struct ys_message message;
    const char *problem = NULL;
    enum ysync_err err = ys_message_decode(frame, &message, &problem);

    if (err)
        fail_msg("%s: got %s (%s), want ok", recorded[row].name, ysync_strerror(err), problem);
    assert_string_equal(ys_message_type_name(message.type), recorded[row].name);
    assert_int_equal(message.type, recorded[row].type);
    assert_ptr_equal(message.payload.data, frame.data + recorded[row].payload_at);
    assert_int_equal(message.payload.len, recorded[row].payload_len);
    assert_ptr_equal(message.whole.data, frame.data);
    assert_int_equal(message.whole.len, recorded[row].frame.len);
}

static void test_message_decodes_what_clients_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++)
        check_decodes(i, recorded[i].frame);
}

static void test_message_ignores_bytes_behind_it(void **state)
{
    uint8_t frame[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
        memcpy(frame, recorded[i].frame.data, recorded[i].frame.len);
        memset(frame + recorded[i].frame.len, 0xff, 3);
        check_decodes(i, (struct ysync_bytes){ frame, recorded[i].frame.len + 3 });
    }
}

static void test_message_encodes_what_clients_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
        struct ysync_bytes payload = { recorded[i].frame.data + recorded[i].payload_at, recorded[i].payload_len };
        struct ys_blob *blob = ys_message_encode(ysync_alloc_default(), recorded[i].type, payload);

        assert_non_null(blob);
        assert_int_equal(blob->len, recorded[i].frame.len);
        assert_memory_equal(ys_blob_data(blob), recorded[i].frame.data, recorded[i].frame.len);
        ys_blob_unref(blob);
    }
}

static void test_message_encodes_denials(void **state)
{
    struct ys_blob *blob = ys_message_encode_denied(ysync_alloc_default(), "Unauthorized");

    (void)state;
    assert_non_null(blob);
    assert_int_equal(blob->len, sizeof(denied));
    assert_memory_equal(ys_blob_data(blob), denied, sizeof(denied));
    ys_blob_unref(blob);
}

static void test_message_encodes_long_lengths(void **state)
{
    static const uint8_t payload[300];
    struct ys_blob *blob = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_UPDATE, BYTES(payload));
    struct ys_message message;
    const char *problem;

    (void)state;
    assert_non_null(blob);
    assert_int_equal(blob->len, 4 + sizeof(payload));
    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &problem), YSYNC_OK);
    assert_int_equal(message.payload.len, sizeof(payload));
    ys_blob_unref(blob);
}

static void test_message_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
        for (size_t len = 0; len < recorded[i].frame.len; len++) {
            /* A copy of that size, so that the sanitizers see a step past it. */
            uint8_t *frame = malloc(len + 1);
            struct ys_message message;
            const char *problem = NULL;
            enum ysync_err err;

            assert_non_null(frame);
            memcpy(frame, recorded[i].frame.data, len);
            err = ys_message_decode((struct ysync_bytes){ frame, len }, &message, &problem);
            if (err != YSYNC_ERR_MALFORMED || !problem)
                fail_msg("%s, %zu bytes: got %s, want malformed", recorded[i].name, len, ysync_strerror(err));
            free(frame);
        }
    }
}

static void test_message_tells_types_apart(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes frame;
        enum ysync_err err;
        const char *says; /* the type's name, or the problem */
    } cases[] = {
        { "query awareness", { query, sizeof(query) }, YSYNC_OK, "query_awareness" },
        { "auth", { denied, sizeof(denied) }, YSYNC_OK, "auth" },
        { "auth is not looked into", TEXT("\x02"), YSYNC_OK, "auth" },
        { "tag 4", TEXT("\x04"), YSYNC_OK, "unknown" },
        { "tag 101", TEXT("\x65"), YSYNC_OK, "unknown" },
        { "tag 103, with anything behind", TEXT("\x67\xff\xff"), YSYNC_OK, "unknown" },
        { "the largest tag", TEXT("\xff\xff\xff\xff\xff\xff\xff\x0f"), YSYNC_OK, "unknown" },
        { "a tag with padding", TEXT("\x81\x00\x00"), YSYNC_OK, "awareness" },
        { "an empty payload", TEXT("\x66\x00"), YSYNC_OK, "sync_status" },
        { "nothing", TEXT(""), YSYNC_ERR_MALFORMED, "empty message" },
        { "sync type 3", TEXT("\x00\x03\x00"), YSYNC_ERR_MALFORMED, "unknown sync message" },
        { "a large sync type", TEXT("\x00\xff\x7f\x00"), YSYNC_ERR_MALFORMED, "unknown sync message" },
        { "no sync type", TEXT("\x00"), YSYNC_ERR_MALFORMED, "truncated" },
        { "a tag beyond 2^53 - 1", TEXT("\xff\xff\xff\xff\xff\xff\xff\x1f"), YSYNC_ERR_MALFORMED,
          "number beyond 2^53 - 1" },
        { "a length beyond the frame", TEXT("\x01\x02\x00"), YSYNC_ERR_MALFORMED, "truncated" },
        { "a length of 2^53 - 1", TEXT("\x00\x02\xff\xff\xff\xff\xff\xff\xff\x0f"), YSYNC_ERR_MALFORMED, "truncated" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_message message;
        const char *says = NULL;
        enum ysync_err err = ys_message_decode(cases[i].frame, &message, &says);

        if (!err)
            says = ys_message_type_name(message.type);
        if (err != cases[i].err || strcmp(says, cases[i].says) != 0)
            fail_msg("%s: got %s, %s; want %s, %s", cases[i].name, ysync_strerror(err), says,
                     ysync_strerror(cases[i].err), cases[i].says);
    }
}

static void test_message_survives_want_of_memory(void **state)
{
    struct ys_test_alloc memory;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_null(ys_message_encode(&memory.alloc, YS_MESSAGE_UPDATE, BYTES(update)));
    assert_null(ys_message_encode_denied(&memory.alloc, "no"));
    assert_int_equal(memory.requests, 2);
    assert_int_equal(memory.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_decodes_what_clients_write),
        cmocka_unit_test(test_message_ignores_bytes_behind_it),
        cmocka_unit_test(test_message_encodes_what_clients_write),
        cmocka_unit_test(test_message_encodes_denials),
        cmocka_unit_test(test_message_encodes_long_lengths),
        cmocka_unit_test(test_message_refuses_every_prefix),
        cmocka_unit_test(test_message_tells_types_apart),
        cmocka_unit_test(test_message_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
