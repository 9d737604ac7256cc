/* SPDX-License-Identifier: MIT */
/* Slow readers: what waits for them is bounded, and in the end they have everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/member.h"
#include "room/party.h"

#define OUTBOX_BYTES 1000

/* Guest 0 writes, guest 1 reads when it feels like it. */
static void slow_party(struct party *party)
{
    party_prepare(party);
    party->config.max_outbox_bytes = OUTBOX_BYTES;
    party_start(party);
    for (size_t i = 0; i < 2; i++) {
        join(party, i, "r");
        take_all(party, i);
    }
}

static void type_much(struct party *party, size_t i, uint64_t client, uint64_t from, uint64_t to)
{
    for (uint64_t clock = from; clock < to; clock++)
        type(party, i, client, clock);
}

static void test_outbox_keeps_all_messages_within_its_bound(void **state)
{
    struct party party;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 30);
    assert_int_equal(party.guests[1].member->outbox.count, 30);
    take_all(&party, 1);
    assert_int_equal(ys_hub_counters(party.hub)->resyncs, 0);
    expect_equal(&party, 1);
    party_deinit(&party);
}

static void test_outbox_makes_one_update_of_all_that_was_missed(void **state)
{
    struct party party;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 1);
    take_all(&party, 1);
    assert_int_equal(ys_hub_counters(party.hub)->resyncs, 0);
    type_much(&party, 0, 5, 1, 1000);
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_nothing(&party, 1);
    expect_equal(&party, 1);
    type_much(&party, 0, 5, 1000, 1010); /* then it goes on as before */
    assert_int_equal(take_all(&party, 1), 1);
    expect_equal(&party, 1);
    assert_int_equal(ys_hub_counters(party.hub)->resyncs, 1);
    party_deinit(&party);
}

/* The update begins where the first dropped one began: what was taken before is not sent again. */
static void test_outbox_sends_nothing_twice(void **state)
{
    struct party party;
    struct ys_blob *blob;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 7, 0, 30);
    take_all(&party, 1);
    type_much(&party, 0, 5, 0, 5000);
    for (size_t i = 0; i < 100; i++) {
        take_all(&party, 1);
        type_much(&party, 0, 5, 5000 + i, 5000 + i + 1);
    }
    take_all(&party, 1);
    type_much(&party, 0, 5, 5100, 5300);
    blob = take(&party, 1);
    assert_non_null(blob);
    if (blob->len > 250)
        fail_msg("got %zu bytes for 200 letters", blob->len);
    ys_blob_unref(blob);
    expect_nothing(&party, 1);
    expect_equal(&party, 1);
    party_deinit(&party);
}

static void test_outbox_does_not_grow_for_who_does_not_read(void **state)
{
    struct party party;
    size_t others_bytes;
    size_t peak_bytes;

    (void)state;
    slow_party(&party);
    join(&party, 2, "r");
    take_all(&party, 2);
    for (uint64_t clock = 0; clock < 20000; clock++) {
        char entry[64];

        type(&party, 0, 5, clock);
        snprintf(entry, sizeof(entry), "7@%u={\"cursor\":1234}", (unsigned)clock + 1);
        say(&party, 0, entry);
        take_all(&party, 2);
    }
    peak_bytes = party.memory.live_bytes;
    others_bytes = peak_bytes - ys_doc_bytes(ys_room_doc(ys_hub_find(party.hub, TEXT("r"))));
    if (others_bytes > 2 * OUTBOX_BYTES + 2000)
        fail_msg("%zu bytes beside the document", others_bytes);
    assert_int_equal(take_all(&party, 1), 2); /* an update, and a state */
    expect_equal(&party, 1);
    expect_equal(&party, 2);
    party_deinit(&party);
}

static void test_outbox_covers_deletions_that_were_dropped(void **state)
{
    struct party party;
    uint8_t delete_one[] = { 0x00, 0x01, 0x05, 0x01, 0x00, 0x01 };

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 100);
    take_all(&party, 1);
    for (uint8_t clock = 0; clock < 100; clock = (uint8_t)(clock + 2)) {
        delete_one[4] = clock;
        send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(delete_one));
    }
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_nothing(&party, 1);
    expect_equal(&party, 1);
    party_deinit(&party);
}

/* One update releases those of many others; the reader falls behind in the middle of it. */
static void test_outbox_covers_all_parts_of_one_change(void **state)
{
    static const uint8_t one_a[] = { 0x01, 0x01, 0x01, 0x00, 0x04, 0x01, 0x01, 0x74, 0x01, 0x61, 0x00 };
    struct party party;

    (void)state;
    slow_party(&party);
    for (size_t i = 2; i < 60; i++) {
        uint8_t waits[] = { 0x01, 0x01, 0x00, 0x00, 0x84, 0x01, 0x00, 0x01, 0x58, 0x00 };

        waits[2] = (uint8_t)i; /* each guest's client types behind an 'a' that nobody has */
        join(&party, i, "r");
        send_message(&party, i, YS_MESSAGE_UPDATE, BYTES(waits));
    }
    expect_nothing(&party, 1);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_nothing(&party, 1);
    expect_equal(&party, 1);
    party_deinit(&party);
}

static void test_outbox_lets_a_single_large_message_pass(void **state)
{
    struct party party;
    struct ys_buf update;
    struct ys_blob *blobs[2];

    (void)state;
    slow_party(&party);
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put(&update, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x90\x4e"));
    for (size_t i = 0; i < 10000; i++)
        ys_buf_put_u8(&update, 'x');
    ys_buf_put_u8(&update, 0);
    join(&party, 2, "r");
    take_all(&party, 2);
    send_message(&party, 0, YS_MESSAGE_UPDATE, ys_buf_bytes(&update));
    blobs[0] = take(&party, 1);
    blobs[1] = take(&party, 2);
    assert_ptr_equal(blobs[0], blobs[1]); /* it is shared, as all others are */
    ys_blob_unref(blobs[0]);
    ys_blob_unref(blobs[1]);
    send_message(&party, 1, YS_MESSAGE_SYNC_STATUS, ys_buf_bytes(&update));
    expect_message(&party, 1, YS_MESSAGE_SYNC_STATUS, ys_buf_bytes(&update));
    send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x00"));
    expect_message(&party, 1, YS_MESSAGE_UPDATE, ys_buf_bytes(&update)); /* all of it is at rest */
    expect_message(&party, 1, YS_MESSAGE_SYNC_STEP2, TEXT("\x00\x00"));
    ys_buf_deinit(&update);
    party_deinit(&party);
}

static void test_outbox_collapses_presence_to_the_newest(void **state)
{
    struct party party;

    (void)state;
    slow_party(&party);
    say(&party, 0, "6@1={\"was\":1} 7@1={} 8@1={}");
    take_all(&party, 1);
    for (unsigned clock = 2; clock < 100; clock++) {
        char entries[64];

        snprintf(entries, sizeof(entries), "7@%u={\"cursor\":%u} 9@%u={}", clock, clock, clock);
        say(&party, 0, entries);
    }
    say(&party, 0, "8@1=null 9@100=null");
    expect_entries(&party, 1, "7@99={\"cursor\":99} 8@1=null 9@100=null");
    expect_nothing(&party, 1);
    say(&party, 0, "7@100={}");
    expect_entries(&party, 1, "7@100={}");
    party_deinit(&party);
}

/* Who comes back while it is behind still gets its own entry, though that changed long ago. */
static void test_outbox_collapses_what_was_for_this_member_alone(void **state)
{
    struct party party;

    (void)state;
    slow_party(&party);
    join(&party, 2, "r");
    say(&party, 2, "3@5={}");
    leave(&party, 2);
    take_all(&party, 1);
    for (unsigned clock = 1; clock < 100; clock++) {
        char entries[64];

        snprintf(entries, sizeof(entries), "7@%u={\"cursor\":%u}", clock, clock);
        say(&party, 0, entries);
    }
    say(&party, 1, "3@5={}");
    expect_entries(&party, 1, "3@5=null 7@99={\"cursor\":99}");
    expect_nothing(&party, 1);
    party_deinit(&party);
}

static void test_outbox_remembers_so_many_requests(void **state)
{
    struct party party;
    size_t live_bytes;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 2000);
    take_all(&party, 1);
    for (int i = 0; i < 100; i++) {
        send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x01\x05\x8e\x0f"));
        assert_int_equal(try_send(&party, 1, TEXT("\x03")), YSYNC_OK);
    }
    live_bytes = party.memory.live_bytes;
    for (int i = 0; i < 2000; i++) {
        send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x01\x05\x00"));
        assert_int_equal(try_send(&party, 1, TEXT("\x03")), YSYNC_OK);
    }
    assert_int_equal(party.memory.live_bytes, live_bytes);
    for (size_t i = 0; i < 2 * YS_OUTBOX_MAX_REQUESTS; i++) {
        struct ys_blob *blob = take(&party, 1);

        assert_non_null(blob);
        /* The last answer covers all that were asked for after it: it is the whole document. */
        assert_int_equal(blob->len > 2000, i == 2 * YS_OUTBOX_MAX_REQUESTS - 2);
        ys_blob_unref(blob);
    }
    expect_nothing(&party, 1);
    party_deinit(&party);
}

static void test_outbox_bounds_large_requests(void **state)
{
    struct party party;
    struct ys_buf vector;
    size_t live_bytes;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 1);
    take_all(&party, 1);
    live_bytes = party.memory.live_bytes;
    ys_buf_init(&vector, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_varuint(&vector, 300);
    for (uint64_t client = 1000; client < 1300; client++) {
        ys_buf_put_varuint(&vector, client);
        ys_buf_put_varuint(&vector, 9);
    }
    for (int i = 0; i < 100; i++)
        send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, ys_buf_bytes(&vector));
    assert_in_range(party.memory.live_bytes, 0, live_bytes + 2 * vector.len);
    assert_in_range(take_all(&party, 1), 1, YS_OUTBOX_MAX_REQUESTS);
    expect_equal(&party, 1);
    ys_buf_deinit(&vector);
    party_deinit(&party);
}

/* However large the state vector, which may come before any of it could be answered. */
static void test_outbox_keeps_room_for_replies_behind_a_request(void **state)
{
    struct party party;
    struct ys_buf vector;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 10);
    take_all(&party, 1);
    ys_buf_init(&vector, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_varuint(&vector, 1000);
    for (uint64_t client = 1000; client < 2000; client++) {
        ys_buf_put_varuint(&vector, client);
        ys_buf_put_varuint(&vector, 9);
    }
    assert_true(vector.len > OUTBOX_BYTES);
    for (int i = 0; i < 3; i++)
        send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, ys_buf_bytes(&vector));
    assert_int_equal(try_send(&party, 1, TEXT("\x66\x00")), YSYNC_OK);
    type_much(&party, 0, 5, 10, 12); /* nor does it fall behind for that; they leave as one */
    assert_int_equal(take_all(&party, 1), 5);
    assert_int_equal(ys_hub_counters(party.hub)->resyncs, 0);
    assert_int_equal(party.guests[1].member->outbox.requested_bytes, 0);
    expect_equal(&party, 1);
    ys_buf_deinit(&vector);
    party_deinit(&party);
}

static void test_outbox_refuses_endless_acknowledgements(void **state)
{
    struct party party;
    enum ysync_err err = YSYNC_OK;
    char entry[400] = "7@100=";
    size_t count = 0;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 10);
    memset(entry + 6, '1', 300);
    say(&party, 0, entry);
    while (!err && count < 1000) {
        err = try_send(&party, 1, TEXT("\x66\x02\x01\x02"));
        count += !err;
    }
    assert_int_equal(err, YSYNC_ERR_LIMIT);
    assert_string_equal(party.guests[1].problem, "too many sync status messages unread");
    /* All of them are there: to make room, updates and presence were dropped. */
    assert_in_range(count, 45, OUTBOX_BYTES / (sizeof(struct ys_outbox_slot) + 4));
    assert_int_equal(take_all(&party, 1), count + 2);
    expect_equal(&party, 1);
    assert_int_equal(try_send(&party, 1, TEXT("\x66\x00")), YSYNC_OK);
    party_deinit(&party);
}

/* What was there before stays in its order; the mark comes behind it. */
static void test_outbox_keeps_replies_when_it_falls_behind(void **state)
{
    struct party party;

    (void)state;
    slow_party(&party);
    type_much(&party, 0, 5, 0, 10);
    assert_int_equal(try_send(&party, 1, TEXT("\x66\x01\x01")), YSYNC_OK);
    send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x00"));
    type_much(&party, 0, 5, 10, 100);
    assert_int_equal(try_send(&party, 1, TEXT("\x66\x01\x02")), YSYNC_OK);
    expect_frame(&party, 1, TEXT("\x66\x01\x01"));
    expect_type(&party, 1, YS_MESSAGE_SYNC_STEP2);
    expect_equal(&party, 1);
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_frame(&party, 1, TEXT("\x66\x01\x02"));
    expect_nothing(&party, 1);
    party_deinit(&party);
}

/* Two writers, three readers at different speeds, falling behind over and over. */
static void test_outbox_brings_everybody_everything_in_the_end(void **state)
{
    struct party party;
    uint64_t clocks[2] = { 0 };
    uint32_t random = 12345;

    (void)state;
    slow_party(&party);
    for (size_t i = 2; i < 5; i++)
        join(&party, i, "r");
    for (int round = 0; round < 5000; round++) {
        struct ys_blob *blob;
        size_t writer;

        random = random * 1664525 + 1013904223;
        writer = random >> 31;
        type(&party, writer, 50 + writer, clocks[writer]++);
        for (size_t i = 0; i < 5; i++) {
            if ((random >> (8 + i)) % (1u << (2 * i)) != 0)
                continue;
            blob = take(&party, i);
            ys_blob_unref(blob);
        }
    }
    for (size_t i = 0; i < 5; i++) {
        take_all(&party, i);
        expect_equal(&party, i);
    }
    party_deinit(&party);
}

static void test_outbox_gives_its_memory_back(void **state)
{
    struct party party;
    size_t live_bytes;

    (void)state;
    slow_party(&party);
    say(&party, 0, "7@1={\"cursor\":1234}");
    take_all(&party, 1);
    live_bytes = party.memory.live_bytes;
    for (int i = 0; i < 40; i++)
        assert_int_equal(try_send(&party, 1, TEXT("\x66\x00")), YSYNC_OK);
    assert_int_equal(take_all(&party, 1), 40);
    assert_int_equal(party.memory.live_bytes, live_bytes);

    for (int clock = 2; clock < 100; clock++) {
        char entry[64];

        snprintf(entry, sizeof(entry), "7@%d={\"cursor\":1234}", clock);
        say(&party, 0, entry);
    }
    assert_int_equal(party.memory.live_bytes, live_bytes); /* it fell behind: nothing is kept for it */
    party_deinit(&party);
}

/* There was no memory for an update that the document has taken in: nobody knows what the member lacks. */
static void test_outbox_starts_over_after_an_update_without_memory(void **state)
{
    struct ys_blob *message = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_UPDATE,
                                                TEXT("\x01\x01\x05\x01\x84\x05\x00\x01x\x00"));
    struct ys_outbox outbox;
    struct ysync_doc *doc;

    (void)state;
    assert_int_equal(ysync_doc_new(NULL, &doc), YSYNC_OK);
    assert_int_equal(ysync_doc_apply(doc, TEXT("\x01\x01\x05\x00\x04\x01\x01t\x03xyz\x00"), 0, NULL, NULL), YSYNC_OK);
    ys_outbox_init(&outbox, ysync_alloc_default(), OUTBOX_BYTES);
    ys_outbox_put_update(&outbox, doc, 1, NULL);
    ys_outbox_put_update(&outbox, doc, 1, message);
    ys_outbox_put_update(&outbox, doc, 2, message);
    assert_int_equal(outbox.count, 1);
    assert_int_equal(ys_outbox_front(&outbox)->kind, YS_OUTBOX_MISSED_UPDATES);
    assert_null(ys_outbox_front(&outbox)->blob);
    ys_outbox_deinit(&outbox);
    ysync_doc_free(doc);
    ys_blob_unref(message);
}

static void want_or_nomem(enum ysync_err err)
{
    assert_true(err == YSYNC_OK || err == YSYNC_ERR_NOMEM);
}

/* Whoever lost a message of his own, for want of memory, is gone; all others catch up as soon as there is some. */
static void play_without_memory(struct party *party, size_t n)
{
    party->memory.fail_at = party->memory.requests + n;
    want_or_nomem(try_join(party, 2, "r", false));
    for (uint64_t clock = 0; clock < 60; clock++) {
        char entries[64];

        if (party->guests[0].member && try_type(party, 0, 5, clock))
            leave(party, 0);
        snprintf(entries, sizeof(entries), "7@%u={\"cursor\":1}", (unsigned)clock + 1);
        if (party->guests[0].member)
            want_or_nomem(try_say(party, 0, entries));
        if (clock % 5 == 0) {
            want_or_nomem(try_send(party, 1, TEXT("\x66\x01\x01")));
            want_or_nomem(try_send_message(party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x00")));
            want_or_nomem(try_send(party, 1, TEXT("\x03")));
        }
        if (clock % 20 == 0)
            take_all(party, 1);
    }
    party_at(party, party->now_ms + 31000);
    if (party->guests[0].member)
        leave(party, 0);
    party->memory.fail_at = YS_TEST_NEVER_FAIL;
}

static void test_outbox_loses_nothing_without_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t n = 0; failed; n++) {
        struct party party;
        uint64_t others;

        slow_party(&party);
        play_without_memory(&party, n);
        failed = party.memory.failed;
        take_all(&party, 1);
        expect_equal(&party, 1);
        join(&party, 3, "r"); /* the hub still works */
        type(&party, 3, 9, 0);
        say(&party, 3, "9@1={}");
        others = take_all(&party, 1);
        assert_int_equal(others, 2);
        expect_equal(&party, 1);
        party_deinit(&party);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outbox_keeps_all_messages_within_its_bound),
        cmocka_unit_test(test_outbox_makes_one_update_of_all_that_was_missed),
        cmocka_unit_test(test_outbox_sends_nothing_twice),
        cmocka_unit_test(test_outbox_does_not_grow_for_who_does_not_read),
        cmocka_unit_test(test_outbox_covers_deletions_that_were_dropped),
        cmocka_unit_test(test_outbox_covers_all_parts_of_one_change),
        cmocka_unit_test(test_outbox_lets_a_single_large_message_pass),
        cmocka_unit_test(test_outbox_collapses_presence_to_the_newest),
        cmocka_unit_test(test_outbox_collapses_what_was_for_this_member_alone),
        cmocka_unit_test(test_outbox_remembers_so_many_requests),
        cmocka_unit_test(test_outbox_bounds_large_requests),
        cmocka_unit_test(test_outbox_keeps_room_for_replies_behind_a_request),
        cmocka_unit_test(test_outbox_refuses_endless_acknowledgements),
        cmocka_unit_test(test_outbox_keeps_replies_when_it_falls_behind),
        cmocka_unit_test(test_outbox_gives_its_memory_back),
        cmocka_unit_test(test_outbox_starts_over_after_an_update_without_memory),
        cmocka_unit_test(test_outbox_brings_everybody_everything_in_the_end),
        cmocka_unit_test(test_outbox_loses_nothing_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
