/* SPDX-License-Identifier: MIT */
/* The life of rooms: when they are made, when they go, and what stops that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/timer.h"
#include "doc/document.h"
#include "room/party.h"

static void test_hub_makes_rooms_on_demand(void **state)
{
    struct party party;
    struct ys_room *room;

    (void)state;
    party_init(&party);
    assert_null(ys_hub_find(party.hub, TEXT("blog")));
    assert_int_equal(ys_hub_room_count(party.hub), 0);
    join(&party, 0, "blog");
    join(&party, 1, "todo");
    join(&party, 2, "blog");
    assert_int_equal(ys_hub_room_count(party.hub), 2);
    room = ys_hub_find(party.hub, TEXT("blog"));
    assert_non_null(room);
    assert_ptr_equal(ys_member_room(party.guests[2].member), room);
    assert_int_equal(ys_room_member_count(room), 2);
    assert_int_equal(ys_room_name(room).len, 4);
    assert_memory_equal(ys_room_name(room).data, "blog", 4);
    leave(&party, 0);
    assert_int_equal(ys_room_member_count(room), 1);
    party_deinit(&party);
}

static void test_hub_gives_documents_its_seed(void **state)
{
    const struct ysync_doc *doc;
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    doc = ys_room_doc(ys_hub_find(party.hub, text_bytes("r")));
    assert_non_null(doc->pending.seed);
    assert_memory_equal(doc->pending.seed, &party.config.seed, sizeof(party.config.seed));
    party_deinit(&party);
}

static void test_hub_compares_names_byte_by_byte(void **state)
{
    static const char *const names[] = { "a", "A", "a ", "aa", "a/b", "a/", "\xc3\xa4", "a\xcc\x88" };
    struct party party;

    (void)state;
    party_init(&party);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        join(&party, i, names[i]);
    assert_int_equal(ys_hub_room_count(party.hub), ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_ptr_equal(ys_hub_find(party.hub, text_bytes(names[i])), ys_member_room(party.guests[i].member));
    assert_null(ys_hub_find(party.hub, TEXT("a\0")));
    party_deinit(&party);
}

static void test_hub_lists_every_room_once(void **state)
{
    struct party party;
    struct ys_room *room;
    size_t position = 0;
    unsigned seen[3] = { 0 };

    (void)state;
    party_init(&party);
    join(&party, 0, "0");
    join(&party, 1, "1");
    join(&party, 2, "2");
    while ((room = ys_hub_next_room(party.hub, &position)))
        seen[ys_room_name(room).data[0] - '0']++;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seen[i], 1);
    party_deinit(&party);
}

static void test_hub_limits_rooms(void **state)
{
    struct party party;
    struct ys_room *room;

    (void)state;
    party_prepare(&party);
    party.config.max_rooms = 2;
    party_start(&party);
    join(&party, 0, "a");
    join(&party, 1, "b");
    assert_int_equal(try_join(&party, 2, "c", false), YSYNC_ERR_LIMIT);
    assert_int_equal(ys_hub_open(party.hub, TEXT("c"), party.now_ms, &room), YSYNC_ERR_LIMIT);
    assert_int_equal(ys_hub_room_count(party.hub), 2);
    join(&party, 3, "a"); /* a room that there is may be joined */
    leave(&party, 1);
    party_at(&party, party.now_ms + EVICT_AFTER_MS);
    join(&party, 2, "c");
    party_deinit(&party);
}

/* Guests join room "r", leave it, and it is opened without joining; then it is there, or not. */
static void test_hub_evicts_empty_rooms(void **state)
{
    static const struct {
        const char *name;
        const struct {
            uint64_t at_ms;
            const char *what; /* "+0": guest 0 joins, "-0": it leaves, "open", "": nothing */
            bool is_there;
        } steps[7];
    } cases[] = {
        { "a room that was left goes in time",
          { { 1000, "+0", true }, { 5000, "-0", true }, { 64999, "", true }, { 65000, "", false } } },
        { "not while somebody is there",
          { { 1000, "+0", true }, { 2000, "+1", true }, { 3000, "-0", true }, { 900000, "", true } } },
        { "joining cancels it, to the last millisecond",
          { { 1000, "+0", true },
            { 5000, "-0", true },
            { 64999, "+1", true },
            { 65000, "", true },
            { 900000, "", true } } },
        { "leaving again starts it afresh",
          { { 1000, "+0", true },
            { 5000, "-0", true },
            { 60000, "+1", true },
            { 61000, "-1", true },
            { 120999, "", true },
            { 121000, "", false } } },
        { "a room that was opened and never joined goes too",
          { { 1000, "open", true }, { 60999, "", true }, { 61000, "", false } } },
        { "joining a room that was opened keeps it",
          { { 1000, "open", true }, { 2000, "+0", true }, { 900000, "", true } } },
        { "opening an empty room starts its time afresh",
          { { 1000, "+0", true },
            { 2000, "-0", true },
            { 50000, "open", true },
            { 109999, "", true },
            { 110000, "", false } } },
        { "opening a room that is in use changes nothing",
          { { 1000, "+0", true },
            { 2000, "open", true },
            { 900000, "", true },
            { 900001, "-0", true },
            { 960001, "", false } } },
        { "a room of the same name is a new one",
          { { 1000, "+0", true },
            { 1000, "-0", true },
            { 61000, "", false },
            { 61001, "+0", true },
            { 900000, "", true } } },
    };
    struct party party;
    struct ys_room *room;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        party_init(&party);
        for (size_t j = 0; cases[i].steps[j].what; j++) {
            const char *what = cases[i].steps[j].what;

            party_at(&party, cases[i].steps[j].at_ms);
            if (what[0] == '+')
                join(&party, (size_t)(what[1] - '0'), "r");
            else if (what[0] == '-')
                leave(&party, (size_t)(what[1] - '0'));
            else if (what[0] == 'o')
                assert_int_equal(ys_hub_open(party.hub, TEXT("r"), party.now_ms, &room), YSYNC_OK);
            if (!ys_hub_find(party.hub, TEXT("r")) == cases[i].steps[j].is_there)
                fail_msg("%s: at %u the room is %s", cases[i].name, (unsigned)party.now_ms,
                         cases[i].steps[j].is_there ? "gone" : "there");
        }
        party_deinit(&party);
    }
}

static void test_hub_counts_evictions(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "a");
    join(&party, 1, "b");
    leave(&party, 0);
    leave(&party, 1);
    assert_int_equal(ys_hub_counters(party.hub)->evictions, 0);
    party_at(&party, party.now_ms + EVICT_AFTER_MS);
    assert_int_equal(ys_hub_counters(party.hub)->evictions, 2);
    party_deinit(&party);
}

/* Document and presence are new, and no memory stays behind. */
/* Everybody left in the same millisecond: nothing else could be done meanwhile if all rooms went in one tick. */
static void test_hub_evicts_many_rooms_in_portions(void **state)
{
    enum { ROOMS = 2000, MAX_PER_TICK = 256 };
    struct party party;
    size_t ticks = 0;

    (void)state;
    party_init(&party);
    for (unsigned i = 0; i < ROOMS; i++) {
        struct ys_room *room;
        char name[16];

        snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(ys_hub_open(party.hub, text_bytes(name), party.now_ms, &room), YSYNC_OK);
    }
    for (size_t left = ROOMS; left > 0; left = ys_hub_room_count(party.hub)) {
        assert_true(ys_hub_next_tick(party.hub) <= 1000 + EVICT_AFTER_MS);
        party_at(&party, 1000 + EVICT_AFTER_MS);
        ticks++;
        if (left - ys_hub_room_count(party.hub) > MAX_PER_TICK || left == ys_hub_room_count(party.hub))
            fail_msg("tick %zu evicted %zu rooms of %zu", ticks, left - ys_hub_room_count(party.hub), left);
    }
    assert_int_equal(ys_hub_counters(party.hub)->evictions, ROOMS);
    assert_int_equal(ys_hub_next_tick(party.hub), YS_TIMER_NEVER);
    party_deinit(&party);
}

static void expect_totals(const struct party *party, size_t pending)
{
    const struct ys_hub_totals *totals = ys_hub_totals(party->hub);
    struct ys_hub_totals walked = { 0 };
    struct ys_room *room;
    size_t position = 0;

    while ((room = ys_hub_next_room(party->hub, &position))) {
        walked.members += ys_room_member_count(room);
        walked.document_bytes += ys_doc_bytes(ys_room_doc(room));
        walked.pending += ys_doc_pending_count(ys_room_doc(room));
    }
    assert_int_equal(walked.pending, pending);
    assert_int_equal(totals->pending, walked.pending);
    assert_int_equal(totals->members, walked.members);
    assert_int_equal(totals->document_bytes, walked.document_bytes);
}

static void test_hub_sums_up_its_rooms(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    expect_totals(&party, 0);
    for (size_t i = 0; i < 4; i++)
        join(&party, i, i < 2 ? "blog" : "todo");
    expect_totals(&party, 0);
    type(&party, 0, 7, 0);
    type(&party, 2, 7, 5); /* waits for those before it */
    expect_totals(&party, 1);
    leave(&party, 0);
    expect_totals(&party, 1);
    ys_hub_drop(party.hub, ys_hub_find(party.hub, TEXT("todo")));
    leave(&party, 2);
    leave(&party, 3);
    expect_totals(&party, 0);
    leave(&party, 1);
    party_at(&party, 1000 + EVICT_AFTER_MS);
    assert_int_equal(ys_hub_totals(party.hub)->document_bytes, 0);
    expect_totals(&party, 0);
    party_deinit(&party);
}

static void test_hub_forgets_evicted_rooms(void **state)
{
    static const uint8_t no_clients[] = { 0 };
    struct party party;
    size_t live_bytes;

    (void)state;
    party_init(&party);
    live_bytes = party.memory.live_bytes;
    join(&party, 0, "r");
    type(&party, 0, 5, 0);
    say(&party, 0, "5@3={}");
    leave(&party, 0);
    party_at(&party, party.now_ms + EVICT_AFTER_MS);
    assert_int_equal(party.memory.live_bytes, live_bytes);
    join(&party, 0, "r");
    expect_message(&party, 0, YS_MESSAGE_SYNC_STEP1, BYTES(no_clients));
    say(&party, 0, "5@3={}"); /* its clock is not remembered either */
    expect_nothing(&party, 0);
    party_deinit(&party);
}

/* What is kept while the room waits for its next guest. */
static void test_hub_keeps_empty_rooms_whole(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    type(&party, 0, 5, 0);
    say(&party, 0, "5@3={}");
    leave(&party, 0);
    party_at(&party, party.now_ms + EVICT_AFTER_MS - 1);
    join(&party, 1, "r");
    expect_message(&party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\x01\x05\x01"));
    expect_nothing(&party, 1);
    say(&party, 1, "5@3={}");
    expect_entries(&party, 1, "5@3=null");
    party_deinit(&party);
}

static void test_hub_keeps_rooms_that_are_written_to(void **state)
{
    static const uint8_t nothing[] = { 0x00, 0x00 };
    struct party party;
    struct ys_room *room;

    (void)state;
    party_init(&party);
    assert_int_equal(ys_hub_open(party.hub, TEXT("r"), 1000, &room), YSYNC_OK);
    assert_int_equal(ys_room_apply(room, BYTES(nothing), 50000), YSYNC_OK);
    party_at(&party, 109999);
    assert_non_null(ys_hub_find(party.hub, TEXT("r")));
    party_at(&party, 110000);
    assert_null(ys_hub_find(party.hub, TEXT("r")));
    party_deinit(&party);
}

static void test_hub_is_due_when_the_next_thing_is(void **state)
{
    struct party party;
    struct ys_room *room;

    (void)state;
    party_init(&party);
    assert_int_equal(ys_hub_next_tick(party.hub), YS_TIMER_NEVER);
    assert_int_equal(ys_hub_open(party.hub, TEXT("a"), 1000, &room), YSYNC_OK);
    assert_int_equal(ys_hub_next_tick(party.hub), 1000 + EVICT_AFTER_MS);
    join(&party, 0, "b");
    assert_int_equal(ys_hub_next_tick(party.hub), 16000);
    leave(&party, 0);
    party_at(&party, 1000 + EVICT_AFTER_MS);
    assert_int_equal(ys_hub_room_count(party.hub), 0);
    assert_int_equal(ys_hub_next_tick(party.hub), YS_TIMER_NEVER);
    party_deinit(&party);
}

static void test_hub_keeps_rooms_for_ever_if_told_so(void **state)
{
    struct party party;

    (void)state;
    party_prepare(&party);
    party.config.evict_after_ms = UINT64_MAX;
    party_start(&party);
    join(&party, 0, "r");
    leave(&party, 0);
    party_at(&party, UINT64_MAX - 1);
    assert_int_equal(ys_hub_room_count(party.hub), 1);
    party_deinit(&party);
}

static void test_hub_joins_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct party party;
        enum ysync_err err;

        party_init(&party);
        party.memory.fail_at = party.memory.requests + n;
        err = try_join(&party, 0, "r", false);
        assert_int_equal(ys_hub_room_count(party.hub), err ? 0 : 1);
        if (party.memory.failed)
            assert_int_equal(err, YSYNC_ERR_NOMEM);
        party.memory.fail_at = YS_TEST_NEVER_FAIL;
        if (err)
            assert_int_equal(ys_hub_next_tick(party.hub), YS_TIMER_NEVER);
        party_deinit(&party);
        if (!party.memory.failed)
            break;
    }
}

/* Who is in a room that is dropped is told, and can do nothing but leave; its name leads to another room at once. */
static void test_hub_drops_rooms(void **state)
{
    struct party party;
    struct ys_room *room;

    (void)state;
    party_init(&party);
    for (size_t i = 0; i < 3; i++)
        join(&party, i, "blog");
    join(&party, 3, "todo");
    type(&party, 0, 7, 0);
    say(&party, 0, "7@1={}");
    room = ys_member_room(party.guests[0].member);
    ys_hub_drop(party.hub, room);
    assert_null(ys_hub_find(party.hub, TEXT("blog")));
    assert_int_equal(ys_hub_room_count(party.hub), 1);
    assert_int_equal(party.guests[3].ends, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(party.guests[i].ends, 1);
        assert_int_equal(party.guests[i].ended_with, YSYNC_ERR_NOT_FOUND);
        assert_int_equal(try_type(&party, i, 8, 0), YSYNC_ERR_CLOSED);
        assert_non_null(party.guests[i].problem);
    }
    join(&party, 4, "blog");
    assert_ptr_not_equal(ys_member_room(party.guests[4].member), room);
    leave(&party, 0);
    party_at(&party, party.now_ms + 10 * EVICT_AFTER_MS);
    leave(&party, 1);
    leave(&party, 2);
    expect_type(&party, 4, YS_MESSAGE_SYNC_STEP1);
    expect_nothing(&party, 4); /* the new room knows nothing of the old one's states */
    expect_equal(&party, 4);
    assert_int_equal(ys_hub_room_count(party.hub), 2);
    party_deinit(&party);
}

static void leave_at_once(void *user, enum ysync_err err, const char *problem)
{
    struct guest *guest = user;

    (void)err;
    (void)problem;
    guest->ends++;
    ys_member_leave(guest->member, 1000);
    guest->member = NULL;
}

static void test_hub_drops_rooms_whose_members_leave_at_once(void **state)
{
    static const struct ys_member_events events = { note_wake, leave_at_once };
    static const struct ys_member_options options = { .is_read_only = false };
    struct party party;
    struct ys_room *room;

    (void)state;
    party_init(&party);
    for (size_t i = 0; i < 3; i++) {
        struct guest *guest = &party.guests[i];

        assert_int_equal(ys_hub_join(party.hub, TEXT("blog"), &events, guest, &options, 1000, &guest->member),
                         YSYNC_OK);
    }
    say(&party, 1, "7@1={}");
    ys_hub_drop(party.hub, ys_hub_find(party.hub, TEXT("blog")));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(party.guests[i].ends, 1);
    assert_int_equal(ys_hub_open(party.hub, TEXT("empty"), 1000, &room), YSYNC_OK);
    ys_hub_drop(party.hub, room);
    assert_int_equal(ys_hub_room_count(party.hub), 0);
    assert_int_equal(ys_hub_next_tick(party.hub), UINT64_MAX);
    party_deinit(&party);
}

static void test_hub_versions_change_with_documents(void **state)
{
    struct party party;
    struct ys_room *room;
    struct ys_buf update;
    uint64_t version;

    (void)state;
    party_init(&party);
    assert_int_equal(ys_hub_open(party.hub, TEXT("blog"), 1000, &room), YSYNC_OK);
    version = ys_room_version(room);
    join(&party, 0, "blog");
    join(&party, 1, "todo");
    assert_true(ys_room_version(ys_member_room(party.guests[1].member)) != version);
    assert_true(ys_room_version(room) == version);
    assert_int_equal(ys_room_apply(room, typing(&update, 7, 0), 1000), YSYNC_OK);
    ys_buf_deinit(&update);
    assert_true(ys_room_version(room) != version);
    assert_true(ys_room_version(room) != ys_room_version(ys_member_room(party.guests[1].member)));
    party_deinit(&party);
}

static void test_hub_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct party party;
        enum ysync_err err;

        party_prepare(&party);
        party.memory.fail_at = n;
        err = ys_hub_new(&party.config, &party.hub);
        assert_int_equal(err, party.memory.failed ? YSYNC_ERR_NOMEM : YSYNC_OK);
        if (!err)
            ys_hub_free(party.hub);
        assert_int_equal(party.memory.live_blocks, 0);
        if (!err)
            break;
    }
}

#define LETTERS 20000

/* A whole document as somebody else may have encoded it: every letter a struct of its own. */
static struct ysync_bytes letter_by_letter(struct ys_buf *update)
{
    static const uint8_t letter[] = { 1, 'a' };

    ys_buf_init(update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_u8(update, 1); /* client */
    ys_buf_put_varuint(update, LETTERS);
    ys_buf_put_u8(update, 7);
    ys_buf_put_u8(update, 0);
    for (unsigned clock = 0; clock < LETTERS; clock++) {
        if (clock == 0) {
            ys_buf_put_str(update, "\x04\x01\x01t"); /* a string in the type "t" */
        } else {
            ys_buf_put_str(update, "\x84\x07"); /* a string behind 7@(clock - 1) */
            ys_buf_put_varuint(update, clock - 1);
        }
        ys_buf_put(update, BYTES(letter));
    }
    ys_buf_put_u8(update, 0); /* no deletions */
    return ys_buf_bytes(update);
}

/* Nobody writes any more, so it is the hub that goes on. */
static void test_hub_compacts_documents_that_are_only_read(void **state)
{
    struct party party;
    struct ys_buf update;
    size_t bytes_before;
    unsigned ticks = 0;

    (void)state;
    party_init(&party);
    for (unsigned i = 0; i < 3; i++) {
        struct ys_room *room;
        char name[] = { (char)('a' + i), '\0' };

        assert_int_equal(ys_hub_open(party.hub, text_bytes(name), party.now_ms, &room), YSYNC_OK);
        assert_int_equal(ys_room_apply(room, letter_by_letter(&update), party.now_ms), YSYNC_OK);
        ys_buf_deinit(&update);
    }
    bytes_before = ys_hub_totals(party.hub)->document_bytes;
    assert_true(bytes_before > 3 * 5 * LETTERS);
    ys_hub_drop(party.hub, ys_hub_find(party.hub, TEXT("b")));
    while (ys_hub_next_tick(party.hub) == 0) {
        party_at(&party, party.now_ms);
        assert_in_range(++ticks, 1, 100);
    }
    assert_true(ticks > 2); /* a part at a time */
    assert_in_range(ys_hub_totals(party.hub)->document_bytes, 2 * LETTERS, 2 * LETTERS + 4096);
    assert_in_range(ys_hub_next_tick(party.hub), party.now_ms, party.now_ms + EVICT_AFTER_MS);
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_makes_rooms_on_demand),
        cmocka_unit_test(test_hub_gives_documents_its_seed),
        cmocka_unit_test(test_hub_compares_names_byte_by_byte),
        cmocka_unit_test(test_hub_lists_every_room_once),
        cmocka_unit_test(test_hub_limits_rooms),
        cmocka_unit_test(test_hub_evicts_empty_rooms),
        cmocka_unit_test(test_hub_counts_evictions),
        cmocka_unit_test(test_hub_evicts_many_rooms_in_portions),
        cmocka_unit_test(test_hub_sums_up_its_rooms),
        cmocka_unit_test(test_hub_forgets_evicted_rooms),
        cmocka_unit_test(test_hub_keeps_empty_rooms_whole),
        cmocka_unit_test(test_hub_keeps_rooms_that_are_written_to),
        cmocka_unit_test(test_hub_is_due_when_the_next_thing_is),
        cmocka_unit_test(test_hub_keeps_rooms_for_ever_if_told_so),
        cmocka_unit_test(test_hub_joins_whole_or_not_at_all),
        cmocka_unit_test(test_hub_drops_rooms),
        cmocka_unit_test(test_hub_drops_rooms_whose_members_leave_at_once),
        cmocka_unit_test(test_hub_versions_change_with_documents),
        cmocka_unit_test(test_hub_compacts_documents_that_are_only_read),
        cmocka_unit_test(test_hub_is_made_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
