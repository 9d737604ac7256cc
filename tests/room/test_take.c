/* SPDX-License-Identifier: MIT */
/* A first sync: the part of the document that is at rest goes out by reference, the rest behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/party.h"

#define TEXT_BYTES 20000

/* Room "r" with a long text at rest, which guest 0 wrote. */
static void party_with_base(struct party *party)
{
    static uint8_t text[TEXT_BYTES];
    struct ys_buf update;

    party_init(party);
    join(party, 0, "r");
    take_all(party, 0);
    memset(text, 'x', sizeof(text));
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put(&update, TEXT("\x01\x01\x05\x00\x04\x01\x01t"));
    ys_buf_put_var_bytes(&update, BYTES(text));
    ys_buf_put_u8(&update, 0);
    send_message(party, 0, YS_MESSAGE_UPDATE, ys_buf_bytes(&update));
    assert_int_equal(ysync_doc_apply(party->guests[0].doc, ys_buf_bytes(&update), 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&update);
}

static struct ys_blob *ask_for_all(struct party *party, size_t i)
{
    static const uint8_t nothing[] = { 0 };

    join(party, i, "r");
    expect_type(party, i, YS_MESSAGE_SYNC_STEP1);
    send_message(party, i, YS_MESSAGE_SYNC_STEP1, BYTES(nothing));
    return take(party, i);
}

static void test_take_sends_the_base_to_all_who_join_by_reference(void **state)
{
    struct party party;
    struct ys_blob *first;
    struct ys_blob *second;

    (void)state;
    party_with_base(&party);
    type(&party, 0, 5, TEXT_BYTES);
    first = ask_for_all(&party, 1);
    second = ask_for_all(&party, 2);
    assert_ptr_equal(first, second);
    assert_int_equal(ys_blob_data(first)[1], 2); /* an update: the answer to step 1 comes last */
    for (size_t i = 1; i <= 2; i++) {
        expect_type(&party, i, YS_MESSAGE_SYNC_STEP2);
        expect_nothing(&party, i);
        expect_equal(&party, i);
    }
    ys_blob_unref(first);
    ys_blob_unref(second);
    party_deinit(&party);
}

/* The base that a member was sent may be gone when it asks for the rest. */
static void test_take_sends_the_rest_of_a_base_that_was_replaced(void **state)
{
    struct party party;
    struct ys_blob *base;

    (void)state;
    party_with_base(&party);
    base = ask_for_all(&party, 1);
    type(&party, 0, 5, TEXT_BYTES);
    assert_int_equal(ysync_doc_compact(ys_room_doc(ys_member_room(party.guests[0].member))), YSYNC_OK);
    take_all(&party, 1);
    assert_int_equal(ysync_doc_compact(party.guests[1].doc), YSYNC_OK);
    expect_equal(&party, 1);
    ys_blob_unref(base);
    party_deinit(&party);
}

/* A text of three MiB, and half as much again by somebody else, goes out in parts of a MiB; `synced` comes with the
 * last. */
static void test_take_sends_a_large_document_in_parts(void **state)
{
    static uint8_t text[3 << 20];
    static const uint8_t nothing[] = { 0 };
    struct party party;
    struct ys_buf update;
    struct ys_blob *part;
    size_t parts = 0;

    (void)state;
    party_with_base(&party);
    memset(text, 'y', sizeof(text));
    for (uint8_t client = 6; client <= 7; client++) {
        ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put(&update, (struct ysync_bytes){ (const uint8_t[]){ 1, 1, client, 0, 4, 1, 1, 't' }, 8 });
        ys_buf_put_var_bytes(&update, (struct ysync_bytes){ text, sizeof(text) / (client - 5) });
        ys_buf_put_u8(&update, 0);
        send_message(&party, 0, YS_MESSAGE_UPDATE, ys_buf_bytes(&update));
        ys_buf_deinit(&update);
    }
    assert_int_equal(ysync_doc_compact(ys_room_doc(ys_member_room(party.guests[0].member))), YSYNC_OK);
    join(&party, 1, "r");
    expect_type(&party, 1, YS_MESSAGE_SYNC_STEP1);
    send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, BYTES(nothing));
    while ((part = take(&party, 1))) {
        if (parts < 5)
            assert_in_range(part->len, 900 << 10, 1 << 20);
        assert_int_equal(ys_blob_data(part)[1], parts == 4 ? 1 : 2);
        ys_blob_unref(part);
        parts++;
        if (parts == 2)
            type(&party, 0, 5, TEXT_BYTES); /* what comes meanwhile is in the last part */
    }
    assert_int_equal(parts, 6); /* the last one is the update that came meanwhile */
    assert_int_equal(ysync_doc_compact(party.guests[1].doc), YSYNC_OK);
    assert_int_equal(ysync_doc_compact(ys_room_doc(ys_member_room(party.guests[0].member))), YSYNC_OK);
    expect_equal(&party, 1);
    party_deinit(&party);
}

static void test_take_sends_who_has_something_only_what_it_lacks(void **state)
{
    static const uint8_t has[] = { 1, 5, 0x90, 0x4e }; /* client 5 up to 10,000 */
    struct party party;
    struct ys_blob *answer;

    (void)state;
    party_with_base(&party);
    join(&party, 1, "r");
    expect_type(&party, 1, YS_MESSAGE_SYNC_STEP1);
    send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, BYTES(has));
    answer = take(&party, 1);
    assert_int_equal(ys_blob_data(answer)[1], 1);
    assert_in_range(answer->len, TEXT_BYTES - 10000, TEXT_BYTES - 10000 + 100);
    ys_blob_unref(answer);
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_sends_the_base_to_all_who_join_by_reference),
        cmocka_unit_test(test_take_sends_the_rest_of_a_base_that_was_replaced),
        cmocka_unit_test(test_take_sends_a_large_document_in_parts),
        cmocka_unit_test(test_take_sends_who_has_something_only_what_it_lacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
