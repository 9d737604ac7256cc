/* SPDX-License-Identifier: MIT */
/* Updates that wait together: who gets what as one message, in which order, and what that costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/context.h"
#include "room/member.h"
#include "room/party.h"

/* Guests 0 to count - 1, who have taken their greetings, in room "r". */
static void party_of(struct party *party, size_t count)
{
    party_init(party);
    for (size_t i = 0; i < count; i++) {
        join(party, i, "r");
        take_all(party, i);
    }
}

static void type_much(struct party *party, size_t i, uint64_t client, uint64_t from, uint64_t to)
{
    for (uint64_t clock = from; clock < to; clock++)
        type(party, i, client, clock);
}

/* All that the guest was told is told, and it has what the room has. */
static void expect_end(struct party *party, size_t i)
{
    expect_nothing(party, i);
    expect_equal(party, i);
}

static void test_shared_merge_sends_what_waits_as_one(void **state)
{
    struct party party;

    (void)state;
    party_of(&party, 2);
    type_much(&party, 0, 5, 0, 3);
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x03xxx\x00"));
    expect_end(&party, 1);
    type_much(&party, 0, 5, 3, 5);
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x03\x84\x05\x02\x02xx\x00"));
    expect_end(&party, 1);
    party_deinit(&party);
}

static void test_shared_merge_leaves_a_single_update_alone(void **state)
{
    static const struct ysync_bytes padded = TEXT("\x01\x01\x05\x80\x00\x04\x01\x01t\x01x\x00");
    struct party party;

    (void)state;
    party_of(&party, 2);
    send_message(&party, 0, YS_MESSAGE_UPDATE, padded);
    expect_message(&party, 1, YS_MESSAGE_UPDATE, padded);
    expect_nothing(&party, 1);
    party_deinit(&party);
}

static void test_shared_merge_unites_deletions(void **state)
{
    struct party party;
    uint8_t delete_one[] = { 0x00, 0x01, 0x05, 0x01, 0x00, 0x01 };

    (void)state;
    party_of(&party, 2);
    type_much(&party, 0, 5, 0, 6);
    take_all(&party, 1);
    for (uint8_t clock = 0; clock < 5; clock++) {
        delete_one[4] = clock;
        send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(delete_one));
    }
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x00\x01\x05\x01\x00\x05"));
    expect_end(&party, 1);
    party_deinit(&party);
}

static void test_shared_merge_is_one_block_for_all_who_lack_the_same(void **state)
{
    struct party party;
    struct ys_blob *blobs[3];

    (void)state;
    party_of(&party, 4);
    type_much(&party, 0, 5, 0, 10);
    type(&party, 3, 9, 0);
    type_much(&party, 0, 5, 10, 20);
    for (size_t i = 0; i < 3; i++)
        blobs[i] = take(&party, i + 1);
    assert_ptr_equal(blobs[0], blobs[1]);
    assert_ptr_not_equal(blobs[0], blobs[2]);
    assert_true(blobs[2]->len < blobs[0]->len); /* who wrote does not get its own back */
    for (size_t i = 0; i < 3; i++) {
        ys_blob_unref(blobs[i]);
        expect_end(&party, i + 1);
    }
    expect_type(&party, 0, YS_MESSAGE_UPDATE);
    expect_end(&party, 0);
    party_deinit(&party);
}

/* What one guest has taken already, or is sent beyond, is not what the other one lacks. */
static void test_shared_merge_is_not_for_those_who_lack_something_else(void **state)
{
    struct party party;
    struct ys_blob *one;
    struct ys_blob *other;

    (void)state;
    party_of(&party, 3);
    type(&party, 0, 5, 0);
    take_all(&party, 1);
    type_much(&party, 0, 5, 1, 3);
    one = take(&party, 1);
    other = take(&party, 2);
    assert_ptr_not_equal(one, other);
    expect_end(&party, 1);
    expect_end(&party, 2);
    ys_blob_unref(one);
    ys_blob_unref(other);

    type_much(&party, 0, 5, 3, 5);
    one = take(&party, 1);
    type_much(&party, 0, 5, 5, 7);
    other = take(&party, 2);
    assert_ptr_not_equal(one, other);
    expect_end(&party, 2);
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_end(&party, 1);
    ys_blob_unref(one);
    ys_blob_unref(other);
    party_deinit(&party);
}

/* An acknowledgement comes behind what was told before, and before what was told after it. */
static void test_shared_merge_goes_no_further_than_a_reply(void **state)
{
    struct party party;

    (void)state;
    party_of(&party, 2);
    type_much(&party, 0, 5, 0, 2);
    assert_int_equal(try_send(&party, 1, TEXT("\x66\x01\x01")), YSYNC_OK);
    type_much(&party, 0, 5, 2, 4);
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x02xx\x00"));
    expect_frame(&party, 1, TEXT("\x66\x01\x01"));
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x02\x84\x05\x01\x02xx\x00"));
    expect_end(&party, 1);
    party_deinit(&party);
}

/* A cursor is where the text is by then: updates overtake presence, never the other way round. */
static void test_shared_merge_passes_presence(void **state)
{
    struct party party;

    (void)state;
    party_of(&party, 2);
    say(&party, 0, "5@1={}");
    type(&party, 0, 5, 0);
    say(&party, 0, "5@2={}");
    type(&party, 0, 5, 1);
    say(&party, 0, "5@3={}");
    type(&party, 0, 5, 2);
    say(&party, 0, "5@4={}");
    expect_entries(&party, 1, "5@1={}");
    expect_message(&party, 1, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x03xxx\x00"));
    expect_entries(&party, 1, "5@2={}");
    expect_entries(&party, 1, "5@3={}");
    expect_entries(&party, 1, "5@4={}");
    expect_end(&party, 1);
    party_deinit(&party);
}

/* Copying those would cost more than a message of their own. */
static void test_shared_merge_leaves_large_updates_alone(void **state)
{
    static uint8_t text[40000];
    struct party party;
    struct ys_buf update;

    (void)state;
    party_of(&party, 3);
    memset(text, 'y', sizeof(text));
    type_much(&party, 0, 5, 0, 2);
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put(&update, TEXT("\x01\x01\x06\x00\x04\x01\x01t"));
    ys_buf_put_var_bytes(&update, BYTES(text));
    ys_buf_put_u8(&update, 0);
    send_message(&party, 1, YS_MESSAGE_UPDATE, ys_buf_bytes(&update));
    type_much(&party, 0, 5, 2, 4);
    expect_message(&party, 2, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x02xx\x00"));
    expect_message(&party, 2, YS_MESSAGE_UPDATE, ys_buf_bytes(&update));
    expect_message(&party, 2, YS_MESSAGE_UPDATE, TEXT("\x01\x01\x05\x02\x84\x05\x01\x02xx\x00"));
    expect_end(&party, 2);
    ys_buf_deinit(&update);
    party_deinit(&party);
}

static void test_shared_merge_leaves_nothing_behind_in_the_outbox(void **state)
{
    struct party party;
    const struct ys_outbox *outbox;

    (void)state;
    party_of(&party, 2);
    outbox = &party.guests[1].member->outbox;
    for (uint64_t clock = 0; clock < 100; clock++) {
        type(&party, 0, 5, clock);
        if (clock == 70)
            say(&party, 0, "5@1={}");
    }
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    assert_int_equal(outbox->count, 1);
    assert_int_equal(outbox->counts[YS_OUTBOX_UPDATE], 0);
    assert_int_equal(outbox->bytes, sizeof(struct ys_outbox_slot) + ys_outbox_front(outbox)->blob->len);
    expect_entries(&party, 1, "5@1={}");
    assert_int_equal(outbox->bytes, 0);
    assert_ptr_equal(outbox->slots, outbox->inline_slots);
    expect_end(&party, 1);
    party_deinit(&party);
}

static void test_shared_merge_keeps_nothing_beyond_the_turn(void **state)
{
    struct party party;
    size_t blocks;
    size_t doc_bytes;

    (void)state;
    party_of(&party, 3);
    ys_hub_deliver(party.hub, party.now_ms);
    blocks = party.memory.live_blocks;
    type_much(&party, 0, 5, 0, 100);
    take_all(&party, 1);
    take_all(&party, 2);
    doc_bytes = party.memory.live_bytes;
    ys_hub_deliver(party.hub, party.now_ms);
    assert_true(party.memory.live_bytes < doc_bytes);
    assert_in_range(party.memory.live_blocks, blocks, blocks + 4); /* those of the document, which has grown */
    party_deinit(&party);
}

static void test_shared_merge_counts_messages_that_leave(void **state)
{
    struct party party;
    const struct ys_hub_counters *counters;

    (void)state;
    party_of(&party, 3);
    counters = ys_hub_counters(party.hub);
    type_much(&party, 0, 5, 0, 10);
    assert_int_equal(counters->sent[YS_MESSAGE_UPDATE], 0);
    take_all(&party, 1);
    assert_int_equal(counters->sent[YS_MESSAGE_UPDATE], 1);
    take_all(&party, 2);
    assert_int_equal(counters->sent[YS_MESSAGE_UPDATE], 2);
    assert_int_equal(counters->updates_applied, 10);
    party_deinit(&party);
}

/* Without memory for the merged message each update goes out as it is, in its order. */
static void test_shared_merge_falls_back_without_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t n = 0; failed; n++) {
        struct party party;
        size_t messages;

        party_of(&party, 3);
        type_much(&party, 0, 5, 0, 20);
        type_much(&party, 2, 9, 0, 20);
        party.memory.fail_at = party.memory.requests + n;
        messages = take_all(&party, 1);
        failed = party.memory.failed;
        if (messages != 1 && !(failed && messages == 40))
            fail_msg("request %zu fails: got %zu messages for 40 updates", n, messages);
        party.memory.fail_at = YS_TEST_NEVER_FAIL;
        expect_end(&party, 1);
        type_much(&party, 0, 5, 20, 30);
        assert_int_equal(take_all(&party, 1), 1);
        expect_end(&party, 1);
        party_deinit(&party);
    }
}

/* Each of many writers lacks something else. Merging for all of them would take long: some get what there is one by
 * one. Those who only read still have theirs in common. */
static void test_shared_merge_is_sparing_when_all_write(void **state)
{
    enum { WRITERS = 48, LETTERS = 4 };
    struct party party;
    struct ys_blob *shared = NULL;
    size_t sharing = 0;

    (void)state;
    party_of(&party, MAX_GUESTS);
    for (size_t i = 0; i < WRITERS; i++)
        type_much(&party, i, 100 + i, 0, LETTERS);
    for (size_t i = 0; i < WRITERS; i++)
        take_all(&party, i);
    assert_in_range(ys_hub_context(party.hub)->merges.updates, YS_SHARED_MERGES_UPDATES / 2, YS_SHARED_MERGES_UPDATES);
    assert_true(ys_hub_counters(party.hub)->sent[YS_MESSAGE_UPDATE] > (uint64_t)WRITERS * LETTERS * 10);
    for (size_t i = WRITERS; i < MAX_GUESTS; i++) {
        struct ys_blob *blob = take(&party, i);

        if (!ys_member_has_output(party.guests[i].member)) {
            assert_true(!shared || shared == blob);
            shared = blob;
            sharing++;
        }
        ys_blob_unref(blob);
        take_all(&party, i);
    }
    assert_in_range(sharing, MAX_GUESTS - WRITERS - YS_SHARED_MERGES_SPARING + 1, MAX_GUESTS - WRITERS);
    for (size_t i = 0; i < MAX_GUESTS; i++)
        expect_end(&party, i);
    ys_hub_deliver(party.hub, party.now_ms); /* in the next turn there is time again */
    type_much(&party, 0, 100, LETTERS, LETTERS + 5);
    assert_int_equal(take_all(&party, 1), 1);
    party_deinit(&party);
}

/* Whoever takes whatever, whenever, has everything in the end. */
static void test_shared_merge_brings_everybody_everything(void **state)
{
    struct party party;
    uint64_t clocks[6] = { 0 };
    uint32_t random = 4711;

    (void)state;
    party_of(&party, 6);
    for (int round = 0; round < 3000; round++) {
        size_t i;

        random = random * 1664525 + 1013904223;
        i = (random >> 24) % 6;
        switch (random >> 16 & 0xf) {
        case 0:
            ys_blob_unref(take(&party, i));
            break;
        case 1:
            take_all(&party, i);
            break;
        case 2:
            assert_int_equal(try_send(&party, i, TEXT("\x66\x00")), YSYNC_OK);
            break;
        case 3:
            ys_hub_deliver(party.hub, party.now_ms);
            break;
        default:
            type(&party, i, 50 + i, clocks[i]++);
            break;
        }
    }
    for (size_t i = 0; i < 6; i++) {
        take_all(&party, i);
        expect_end(&party, i);
    }
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_merge_sends_what_waits_as_one),
        cmocka_unit_test(test_shared_merge_leaves_a_single_update_alone),
        cmocka_unit_test(test_shared_merge_unites_deletions),
        cmocka_unit_test(test_shared_merge_is_one_block_for_all_who_lack_the_same),
        cmocka_unit_test(test_shared_merge_is_not_for_those_who_lack_something_else),
        cmocka_unit_test(test_shared_merge_goes_no_further_than_a_reply),
        cmocka_unit_test(test_shared_merge_passes_presence),
        cmocka_unit_test(test_shared_merge_leaves_large_updates_alone),
        cmocka_unit_test(test_shared_merge_leaves_nothing_behind_in_the_outbox),
        cmocka_unit_test(test_shared_merge_keeps_nothing_beyond_the_turn),
        cmocka_unit_test(test_shared_merge_counts_messages_that_leave),
        cmocka_unit_test(test_shared_merge_falls_back_without_memory),
        cmocka_unit_test(test_shared_merge_is_sparing_when_all_write),
        cmocka_unit_test(test_shared_merge_brings_everybody_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
