/* SPDX-License-Identifier: MIT */
/* What each message of a client does to its room, and who gets what for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "room/party.h"

/* Recorded from yjs 13.6.33: client 1 types 'a', 'b', 'c' into the text 't', then deletes 'b' */
static const uint8_t one_a[] = {
    0x01, 0x01, 0x01, 0x00, 0x04, 0x01, 0x01, 0x74, 0x01, 0x61, 0x00,
};
static const uint8_t one_b[] = {
    0x01, 0x01, 0x01, 0x01, 0x84, 0x01, 0x00, 0x01, 0x62, 0x00,
};
static const uint8_t one_c[] = {
    0x01, 0x01, 0x01, 0x02, 0x84, 0x01, 0x01, 0x01, 0x63, 0x00,
};
static const uint8_t one_deletes_b[] = {
    0x00, 0x01, 0x01, 0x01, 0x01, 0x01,
};
/* client 2, who has seen 'a', types 'X' behind it */
static const uint8_t two_x[] = {
    0x01, 0x01, 0x02, 0x00, 0x84, 0x01, 0x00, 0x01, 0x58, 0x00,
};
/* Yjs's encodings of nothing: encodeStateVector() and encodeStateAsUpdate() of a new document */
static const uint8_t empty_vector[] = { 0x00 };
static const uint8_t empty_update[] = { 0x00, 0x00 };

/* Three guests in one room who have been greeted. */
static void party_of_three(struct party *party)
{
    party_init(party);
    for (size_t i = 0; i < 3; i++) {
        join(party, i, "r");
        assert_int_equal(take_all(party, i), 1);
    }
}

static void test_receive_greets_with_the_state_vector(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    assert_true(ys_member_has_output(party.guests[0].member));
    expect_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    expect_nothing(&party, 0);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    join(&party, 1, "r");
    expect_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x01\x01\x01"));
    expect_nothing(&party, 1);
    assert_int_equal(party.guests[1].wakes, 0); /* joining tells it already */
    party_deinit(&party);
}

static void test_receive_greets_with_the_states_of_others(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    say(&party, 0, "7@1={\"name\":\"Ada\"} 8@4=[]");
    say(&party, 0, "8@5=null");
    join(&party, 1, "r");
    expect_type(&party, 1, YS_MESSAGE_SYNC_STEP1);
    expect_entries(&party, 1, "7@1={\"name\":\"Ada\"}");
    expect_nothing(&party, 1);
    leave(&party, 0);
    join(&party, 2, "r"); /* the first to come when nobody is left to introduce */
    expect_type(&party, 2, YS_MESSAGE_SYNC_STEP1);
    expect_nothing(&party, 2);
    party_deinit(&party);
}

static void test_receive_answers_step1_with_what_is_missing(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes state_vector;
        struct ysync_bytes want;
    } cases[] = {
        { "who has nothing",
          { empty_vector, sizeof(empty_vector) },
          TEXT("\x01\x01\x01\x00\x04\x01\x01t\x03"
               "abc\x01\x01\x01\x01\x01") },
        { "who has a part", TEXT("\x01\x01\x02"), TEXT("\x01\x01\x01\x02\x84\x01\x01\x01\x63\x01\x01\x01\x01\x01") },
        { "who has all but deletions", TEXT("\x01\x01\x03"), TEXT("\x00\x01\x01\x01\x01\x01") },
        { "who has more", TEXT("\x02\x09\x05\x01\x07"), TEXT("\x00\x01\x01\x01\x01\x01") },
    };
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_b));
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP2, BYTES(one_c));
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_deletes_b));
    take_all(&party, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_blob *want = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_SYNC_STEP2, cases[i].want);
        struct ys_blob *got;

        send_message(&party, 1, YS_MESSAGE_SYNC_STEP1, cases[i].state_vector);
        got = take(&party, 1);
        if (!got || got->len != want->len || memcmp(ys_blob_data(got), ys_blob_data(want), want->len) != 0)
            fail_msg("%s: got %zu bytes, want %zu", cases[i].name, got ? got->len : 0, want->len);
        expect_nothing(&party, 1);
        ys_blob_unref(got);
        ys_blob_unref(want);
    }
    expect_nothing(&party, 0); /* nobody else is told */
    party_deinit(&party);
}

static void test_receive_answers_step1_in_an_empty_room(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    expect_message(&party, 0, YS_MESSAGE_SYNC_STEP2, BYTES(empty_update));
    party_deinit(&party);
}

static void test_receive_sends_news_to_everybody_else(void **state)
{
    static const enum ys_message_type types[] = { YS_MESSAGE_UPDATE, YS_MESSAGE_SYNC_STEP2 };
    struct party party;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        party_of_three(&party);
        join(&party, 3, "another room");
        take_all(&party, 3);
        send_message(&party, 1, types[i], BYTES(one_a));
        expect_nothing(&party, 1);
        expect_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
        expect_message(&party, 2, YS_MESSAGE_UPDATE, BYTES(one_a));
        expect_nothing(&party, 3);
        assert_int_equal(ys_hub_counters(party.hub)->updates_applied, 1);

        send_message(&party, 0, types[i], BYTES(one_a)); /* nothing new: nobody hears of it */
        for (size_t j = 0; j < 4; j++)
            expect_nothing(&party, j);
        assert_int_equal(ys_hub_counters(party.hub)->updates_applied, 1);
        party_deinit(&party);
    }
}

static void test_receive_shares_one_message_among_all(void **state)
{
    struct party party;
    struct ys_blob *first;
    struct ys_blob *second;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    first = take(&party, 1);
    second = take(&party, 2);
    assert_ptr_equal(first, second);
    ys_blob_unref(first);
    ys_blob_unref(second);
    party_deinit(&party);
}

static void test_receive_sends_only_what_is_new(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    take_all(&party, 1);
    send_message(&party, 1, YS_MESSAGE_SYNC_STEP2,
                 TEXT("\x01\x01\x01\x00\x04\x01\x01t\x02"
                      "ab\x00"));
    expect_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_b));
    party_deinit(&party);
}

/* Two's update waits for one's. When that comes, two gets one's, and one gets two's. */
static void test_receive_sends_what_was_released_to_all_but_its_author(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 1, YS_MESSAGE_UPDATE, BYTES(two_x));
    expect_nothing(&party, 0);
    expect_nothing(&party, 2);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(two_x));
    expect_nothing(&party, 0);
    expect_message(&party, 1, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_nothing(&party, 1);
    assert_int_equal(take_all(&party, 2), 1); /* both */
    expect_equal(&party, 2);
    party_deinit(&party);
}

static void test_receive_limits_what_waits(void **state)
{
    struct party party;

    (void)state;
    party_prepare(&party);
    party.config.max_pending_bytes = 1;
    party_start(&party);
    join(&party, 0, "r");
    assert_int_equal(try_send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(two_x)), YSYNC_ERR_LIMIT);
    assert_string_equal(party.guests[0].problem, "too many updates wait for others");
    party_deinit(&party);
}

static void test_receive_limits_a_state_vector(void **state)
{
    const size_t max_bytes = (size_t)8 << 20;
    uint8_t *zeros = calloc(max_bytes + 1, 1); /* no clients, and bytes left over */
    struct party party;

    (void)state;
    assert_non_null(zeros);
    party_of_three(&party);
    assert_int_equal(try_send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, (struct ysync_bytes){ zeros, max_bytes }),
                     YSYNC_ERR_MALFORMED);
    assert_int_equal(try_send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, (struct ysync_bytes){ zeros, max_bytes + 1 }),
                     YSYNC_ERR_LIMIT);
    assert_string_equal(party.guests[0].problem, "state vector too large");
    expect_nothing(&party, 0);
    party_deinit(&party);
    free(zeros);
}

static void test_receive_refuses_what_is_malformed(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes frame;
    } cases[] = {
        { "nothing", TEXT("") },
        { "an unknown sync message", TEXT("\x00\x03\x00") },
        { "a truncated update", TEXT("\x00\x02\x09\x01\x01\x01\x00\x04\x01\x01t\x01") },
        { "bytes left over in an update", TEXT("\x00\x02\x03\x00\x00\x00") },
        { "a truncated state vector", TEXT("\x00\x00\x02\x01\x01") },
        { "bytes left over in a state vector", TEXT("\x00\x00\x02\x00\x00") },
        { "a state that is not JSON", TEXT("\x01\x06\x01\x07\x01\x02{]") },
        { "a truncated sync status", TEXT("\x66\x02\x00") },
    };
    struct party party;

    (void)state;
    party_of_three(&party);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ysync_err err = try_send(&party, 0, cases[i].frame);

        if (err != YSYNC_ERR_MALFORMED || !party.guests[0].problem)
            fail_msg("%s: got %s, want malformed", cases[i].name, ysync_strerror(err));
        for (size_t j = 0; j < 3; j++)
            expect_nothing(&party, j);
        assert_int_equal(ys_hub_counters(party.hub)->malformed, i + 1);
    }
    /* The others go on. */
    send_message(&party, 1, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_message(&party, 2, YS_MESSAGE_UPDATE, BYTES(one_a));
    party_deinit(&party);
}

static void test_receive_echoes_sync_status(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    assert_int_equal(try_send(&party, 0, TEXT("\x66\x03\x01\x02\x03")), YSYNC_OK);
    expect_frame(&party, 0, TEXT("\x66\x03\x01\x02\x03"));
    assert_int_equal(try_send(&party, 0, TEXT("\xe6\x00\x81\x00\x07tail")), YSYNC_OK);
    expect_frame(&party, 0, TEXT("\xe6\x00\x81\x00\x07"));
    assert_int_equal(try_send(&party, 0, TEXT("\x66\x00")), YSYNC_OK);
    expect_frame(&party, 0, TEXT("\x66\x00"));
    expect_nothing(&party, 0);
    assert_int_equal(take_all(&party, 1), 1); /* the update alone */
    party_deinit(&party);
}

/* An echo says that what was sent before it has taken effect; the answers to it come first. */
static void test_receive_answers_in_order(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    assert_int_equal(try_send(&party, 0, TEXT("\x66\x01\x01")), YSYNC_OK);
    send_message(&party, 1, YS_MESSAGE_UPDATE, BYTES(one_a));
    assert_int_equal(try_send(&party, 0, TEXT("\x03")), YSYNC_OK);
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    assert_int_equal(try_send(&party, 0, TEXT("\x66\x01\x02")), YSYNC_OK);
    expect_type(&party, 0, YS_MESSAGE_SYNC_STEP2);
    expect_frame(&party, 0, TEXT("\x66\x01\x01"));
    expect_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_entries(&party, 0, "");
    expect_type(&party, 0, YS_MESSAGE_SYNC_STEP2);
    expect_frame(&party, 0, TEXT("\x66\x01\x02"));
    expect_nothing(&party, 0);
    party_deinit(&party);
}

static void test_receive_answers_queries_with_all_states(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    assert_int_equal(try_send(&party, 0, TEXT("\x03")), YSYNC_OK);
    expect_frame(&party, 0, TEXT("\x01\x01\x00"));
    say(&party, 0, "7@1={}");
    say(&party, 1, "8@1={} 9@1={}");
    say(&party, 1, "9@1=null");
    take_all(&party, 0);
    assert_int_equal(try_send(&party, 0, TEXT("\x03")), YSYNC_OK);
    expect_entries(&party, 0, "7@1={} 8@1={}");
    expect_nothing(&party, 0);
    party_deinit(&party);
}

static void test_receive_ignores_and_counts_the_rest(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    assert_int_equal(try_send(&party, 0, TEXT("\x02\x00\x02no")), YSYNC_OK);
    assert_int_equal(try_send(&party, 0, TEXT("\x2a what is this?")), YSYNC_OK);
    for (size_t i = 0; i < 3; i++)
        expect_nothing(&party, i);
    assert_int_equal(ys_hub_counters(party.hub)->received[YS_MESSAGE_AUTH], 1);
    assert_int_equal(ys_hub_counters(party.hub)->received[YS_MESSAGE_UNKNOWN], 1);
    party_deinit(&party);
}

static void test_receive_counts_what_comes_and_goes(void **state)
{
    const struct ys_hub_counters *counters;
    struct party party;

    (void)state;
    party_of_three(&party);
    counters = ys_hub_counters(party.hub);
    assert_int_equal(counters->sent[YS_MESSAGE_SYNC_STEP1], 3);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP2, BYTES(one_b));
    send_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    say(&party, 0, "7@1={}");
    assert_int_equal(try_send(&party, 0, TEXT("\x03")), YSYNC_OK);
    assert_int_equal(try_send(&party, 0, TEXT("\x66\x00")), YSYNC_OK);
    assert_int_equal(counters->received[YS_MESSAGE_UPDATE], 1);
    assert_int_equal(counters->received[YS_MESSAGE_SYNC_STEP2], 1);
    assert_int_equal(counters->received[YS_MESSAGE_SYNC_STEP1], 1);
    assert_int_equal(counters->received[YS_MESSAGE_AWARENESS], 1);
    assert_int_equal(counters->received[YS_MESSAGE_QUERY_AWARENESS], 1);
    assert_int_equal(counters->received[YS_MESSAGE_SYNC_STATUS], 1);
    assert_int_equal(counters->sent[YS_MESSAGE_UPDATE], 0);
    take_all(&party, 1);
    take_all(&party, 2);
    assert_int_equal(counters->sent[YS_MESSAGE_UPDATE], 2);
    assert_int_equal(counters->sent[YS_MESSAGE_SYNC_STEP2], 1);
    assert_int_equal(counters->sent[YS_MESSAGE_AWARENESS], 3);
    assert_int_equal(counters->sent[YS_MESSAGE_SYNC_STATUS], 1);
    assert_int_equal(counters->updates_applied, 2);
    assert_int_equal(counters->malformed, 0);
    party_deinit(&party);
}

static void test_receive_lets_readers_read(void **state)
{
    static const uint8_t denied[] = "\x02\x00\x1c"
                                    "This connection is read-only";
    struct party party;

    (void)state;
    party_of_three(&party);
    assert_int_equal(try_join(&party, 3, "r", true), YSYNC_OK);
    take_all(&party, 3);
    send_message(&party, 0, YS_MESSAGE_UPDATE, BYTES(one_a));
    expect_message(&party, 3, YS_MESSAGE_UPDATE, BYTES(one_a));

    send_message(&party, 3, YS_MESSAGE_SYNC_STEP2, BYTES(one_a)); /* holds nothing new: no offence */
    send_message(&party, 3, YS_MESSAGE_SYNC_STEP2, BYTES(empty_update));
    expect_nothing(&party, 3);
    send_message(&party, 3, YS_MESSAGE_UPDATE, BYTES(one_b));
    expect_frame(&party, 3, (struct ysync_bytes){ denied, sizeof(denied) - 1 });
    send_message(&party, 3, YS_MESSAGE_SYNC_STEP2, BYTES(one_b)); /* told once is enough */
    send_message(&party, 3, YS_MESSAGE_UPDATE, BYTES(one_deletes_b));
    expect_nothing(&party, 3);
    assert_int_equal(try_send_message(&party, 3, YS_MESSAGE_UPDATE, TEXT("\x01")), YSYNC_ERR_MALFORMED);
    assert_non_null(party.guests[3].problem);

    take_all(&party, 0);
    say(&party, 3, "7@1={}");
    expect_entries(&party, 0, "7@1={}");
    expect_nothing(&party, 0);
    send_message(&party, 3, YS_MESSAGE_SYNC_STEP1, BYTES(empty_vector));
    expect_message(&party, 3, YS_MESSAGE_SYNC_STEP2, BYTES(one_a));
    assert_int_equal(ys_hub_counters(party.hub)->sent[YS_MESSAGE_AUTH], 1);
    party_deinit(&party);
}

static void test_receive_applies_what_came_over_http(void **state)
{
    struct party party;
    struct ys_room *room;

    (void)state;
    party_of_three(&party);
    room = ys_hub_find(party.hub, TEXT("r"));
    assert_int_equal(ys_room_apply(room, BYTES(one_a), party.now_ms), YSYNC_OK);
    for (size_t i = 0; i < 3; i++) {
        expect_message(&party, i, YS_MESSAGE_UPDATE, BYTES(one_a));
        expect_nothing(&party, i);
    }
    assert_int_equal(ys_room_apply(room, BYTES(one_a), party.now_ms), YSYNC_OK);
    assert_int_equal(ys_room_apply(room, TEXT("\x01"), party.now_ms), YSYNC_ERR_MALFORMED);
    assert_non_null(ysync_doc_problem(ys_room_doc(room)));
    for (size_t i = 0; i < 3; i++)
        expect_nothing(&party, i);
    assert_int_equal(ys_hub_counters(party.hub)->updates_applied, 1);
    party_deinit(&party);
}

/* Every client sends back each presence message that it gets, as y-websocket does. */
static size_t move_cursors(struct party *party, size_t count, unsigned clock)
{
    uint64_t before = ys_hub_counters(party->hub)->sent[YS_MESSAGE_AWARENESS];
    bool is_quiet = false;

    for (size_t i = 0; i < count; i++) {
        char entry[64];

        snprintf(entry, sizeof(entry), "%zu@%u={\"cursor\":%u}", 100 + i, clock, clock);
        say(party, i, entry);
    }
    while (!is_quiet) {
        is_quiet = true;
        for (size_t i = 0; i < count; i++) {
            struct ys_blob *blob;

            while ((blob = take(party, i))) {
                assert_int_equal(try_send(party, i, ys_blob_bytes(blob)), YSYNC_OK);
                ys_blob_unref(blob);
                is_quiet = false;
            }
        }
    }
    return (size_t)(ys_hub_counters(party->hub)->sent[YS_MESSAGE_AWARENESS] - before);
}

static void test_receive_tells_each_cursor_to_each_other_once(void **state)
{
    static const size_t counts[] = { 2, 10, 50 };
    struct party party;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t n = counts[i];

        party_init(&party);
        for (size_t j = 0; j < n; j++) {
            join(&party, j, "r");
            take_all(&party, j);
        }
        assert_int_equal(move_cursors(&party, n, 1), n * (n - 1));
        assert_int_equal(move_cursors(&party, n, 2), n * (n - 1));
        assert_int_equal(move_cursors(&party, n, 2), n * 0); /* nobody moved */
        party_deinit(&party);
    }
}

static void test_receive_tells_the_others_who_left(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    say(&party, 0, "7@1={}");
    say(&party, 1, "7@1={} 8@6={}");
    take_all(&party, 0);
    take_all(&party, 1);
    take_all(&party, 2);
    leave(&party, 1);
    expect_entries(&party, 0, "8@6=null");
    expect_entries(&party, 2, "8@6=null");
    leave(&party, 2);
    expect_nothing(&party, 0);
    party_deinit(&party);
}

/* The owner as well: it may be there still, and will say so. */
static void test_receive_tells_everybody_who_was_silent_for_too_long(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    say(&party, 0, "7@1={}");
    party_at(&party, 11000);
    say(&party, 1, "8@1={}");
    for (size_t i = 0; i < 3; i++)
        take_all(&party, i);
    party_at(&party, 30999);
    for (size_t i = 0; i < 3; i++)
        take_all(&party, i); /* messages that keep the line alive */
    party_at(&party, 31000);
    for (size_t i = 0; i < 3; i++) {
        expect_entries(&party, i, "7@1=null");
        expect_nothing(&party, i);
    }
    party_at(&party, 41000);
    expect_entries(&party, 0, "8@1=null");
    say(&party, 0, "7@2={}");
    party_at(&party, 70999);
    take_all(&party, 0);
    party_at(&party, 71000);
    expect_entries(&party, 0, "7@2=null");
    party_deinit(&party);
}

/* A client without a state of its own begins with clock 0, which is no news. */
static void test_receive_waits_for_states_that_came_after_none(void **state)
{
    struct party party;

    (void)state;
    party_of_three(&party);
    party_at(&party, 1000);
    say(&party, 0, "7@0={}");
    say(&party, 0, "7@1={}");
    expect_entries(&party, 1, "7@1={}");
    party_at(&party, 30999);
    take_all(&party, 1);
    party_at(&party, 31000);
    expect_entries(&party, 1, "7@1=null");
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receive_greets_with_the_state_vector),
        cmocka_unit_test(test_receive_greets_with_the_states_of_others),
        cmocka_unit_test(test_receive_answers_step1_with_what_is_missing),
        cmocka_unit_test(test_receive_answers_step1_in_an_empty_room),
        cmocka_unit_test(test_receive_sends_news_to_everybody_else),
        cmocka_unit_test(test_receive_shares_one_message_among_all),
        cmocka_unit_test(test_receive_sends_only_what_is_new),
        cmocka_unit_test(test_receive_sends_what_was_released_to_all_but_its_author),
        cmocka_unit_test(test_receive_limits_what_waits),
        cmocka_unit_test(test_receive_limits_a_state_vector),
        cmocka_unit_test(test_receive_refuses_what_is_malformed),
        cmocka_unit_test(test_receive_echoes_sync_status),
        cmocka_unit_test(test_receive_answers_in_order),
        cmocka_unit_test(test_receive_answers_queries_with_all_states),
        cmocka_unit_test(test_receive_ignores_and_counts_the_rest),
        cmocka_unit_test(test_receive_counts_what_comes_and_goes),
        cmocka_unit_test(test_receive_lets_readers_read),
        cmocka_unit_test(test_receive_applies_what_came_over_http),
        cmocka_unit_test(test_receive_tells_each_cursor_to_each_other_once),
        cmocka_unit_test(test_receive_tells_the_others_who_left),
        cmocka_unit_test(test_receive_tells_everybody_who_was_silent_for_too_long),
        cmocka_unit_test(test_receive_waits_for_states_that_came_after_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
