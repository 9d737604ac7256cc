/* SPDX-License-Identifier: MIT */
/* Rooms with a store: loading, acknowledging, failing, saving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room/ledger.h"
#include "room/party.h"
#include "room/room.h"
#include "support/memory_store.h"

#define STATUS(id) TEXT("\x66\x01" id)

/* A party, and a store that waits for the test. */
struct library {
    struct party party;
    struct memory_store store;
};

static void library_prepare(struct library *library)
{
    party_prepare(&library->party);
    memory_store_init(&library->store);
    memory_store_wait(&library->store);
    library->party.config.store = &library->store.store;
}

static void library_init(struct library *library)
{
    library_prepare(library);
    party_start(&library->party);
}

/* Whatever has not been answered is answered when nobody is there any more. */
static void library_deinit(struct library *library)
{
    struct party *party = &library->party;

    for (size_t i = 0; i < MAX_GUESTS; i++) {
        if (party->guests[i].member)
            leave(party, i);
    }
    ys_hub_free(party->hub);
    memory_store_deinit(&library->store);
    assert_int_equal(party->memory.live_blocks, 0);
}

/* The answers are taken in, and what follows from them is asked. */
static void turn(struct library *library)
{
    ys_hub_tick(library->party.hub, library->party.now_ms);
    ys_hub_deliver(library->party.hub, library->party.now_ms);
}

static size_t waiting(struct library *library)
{
    return memory_store_waiting(&library->store);
}

/* What was asked first is done. */
static void answer(struct library *library)
{
    assert_true(memory_store_answer(&library->store));
    turn(library);
}

/* What was asked first is not done. */
static void refuse(struct library *library, enum ysync_err err)
{
    memory_store_fail(&library->store, ~0u, 1, err, "the shelf is broken");
    answer(library);
}

/* Until nothing more is asked. */
static void answer_all(struct library *library)
{
    turn(library);
    while (waiting(library) > 0)
        answer(library);
}

static void refuse_all(struct library *library, enum ysync_err err)
{
    turn(library);
    while (waiting(library) > 0)
        refuse(library, err);
}

/* Joins a room that has been loaded, and takes the greeting. */
static void join_loaded(struct library *library, size_t i, const char *room)
{
    join(&library->party, i, room);
    answer_all(library);
    expect_type(&library->party, i, YS_MESSAGE_SYNC_STEP1);
}

static void send_status(struct library *library, size_t i, struct ysync_bytes status)
{
    assert_int_equal(try_send(&library->party, i, status), YSYNC_OK);
    turn(library);
}

static void expect_clock(struct library *library, const char *name, uint64_t client, uint64_t clock)
{
    struct ys_room *room = ys_hub_find(library->party.hub, text_bytes(name));
    struct ysync_bytes vector;
    struct ys_buf want;

    assert_non_null(room);
    assert_int_equal(ysync_doc_state_vector(ys_room_doc(room), &vector), YSYNC_OK);
    ys_buf_init(&want, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_u8(&want, clock > 0);
    if (clock > 0) {
        ys_buf_put_varuint(&want, client);
        ys_buf_put_varuint(&want, clock);
    }
    assert_int_equal(vector.len, want.len);
    assert_memory_equal(vector.data, want.data, want.len);
    ys_buf_deinit(&want);
    ysync_bytes_free(&library->party.memory.alloc, vector);
}

/* Everybody leaves, the room is evicted, and comes back from the store. */
static void reopen(struct library *library, size_t i, const char *room)
{
    struct party *party = &library->party;

    for (size_t j = 0; j < MAX_GUESTS; j++) {
        if (party->guests[j].member)
            leave(party, j);
    }
    answer_all(library);
    party->now_ms += EVICT_AFTER_MS + YS_SAVINGS_MAX_RETRY_MS;
    answer_all(library);
    assert_null(ys_hub_find(party->hub, text_bytes(room)));
    join_loaded(library, i, room);
}

/* Loading */

static void test_ledger_answers_nothing_from_a_room_that_is_loading(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join(party, 0, "blog");
    send_message(party, 0, YS_MESSAGE_SYNC_STEP1, TEXT("\0"));
    type(party, 0, 7, 0);
    send_status(&library, 0, STATUS("a"));
    assert_int_equal(try_send(party, 0, TEXT("\x03")), YSYNC_OK);
    expect_nothing(party, 0);
    assert_true(ys_room_is_loading(ys_member_room(party->guests[0].member)));

    answer(&library); /* there is nothing */
    assert_int_equal(party->guests[0].wakes, 1);
    expect_type(party, 0, YS_MESSAGE_SYNC_STEP1);
    expect_type(party, 0, YS_MESSAGE_SYNC_STEP2);
    expect_type(party, 0, YS_MESSAGE_AWARENESS);
    expect_nothing(party, 0); /* the status waits for the store */
    expect_clock(&library, "blog", 7, 1);
    answer_all(&library);
    expect_frame(party, 0, STATUS("a"));
    library_deinit(&library);
}

static void test_ledger_loads_what_was_written(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    for (uint64_t clock = 0; clock < 5; clock++) {
        type(party, 0, 7, clock);
        answer_all(&library);
    }
    reopen(&library, 1, "blog");
    expect_clock(&library, "blog", 7, 5);
    send_message(party, 1, YS_MESSAGE_SYNC_STEP1, TEXT("\0"));
    assert_true(take_all(party, 1) > 0);
    assert_int_equal(try_type(party, 1, 7, 5), YSYNC_OK); /* it has what comes before */
    reopen(&library, 2, "blog");
    expect_clock(&library, "blog", 7, 6);
    library_deinit(&library);
}

static void test_ledger_loads_once_for_all_who_join(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    for (size_t i = 0; i < 3; i++)
        join(party, i, "blog");
    leave(party, 1);
    assert_int_equal(waiting(&library), 1);
    answer_all(&library);
    assert_int_equal(library.store.loads, 1);
    expect_type(party, 0, YS_MESSAGE_SYNC_STEP1);
    expect_type(party, 2, YS_MESSAGE_SYNC_STEP1);
    library_deinit(&library);
}

/* All who were there have left when it has loaded: then its time starts. */
static void test_ledger_evicts_rooms_that_everybody_left_while_they_loaded(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join(party, 0, "blog");
    leave(party, 0);
    party_at(party, party->now_ms + 2 * EVICT_AFTER_MS);
    assert_int_equal(ys_hub_room_count(party->hub), 1);
    answer_all(&library);
    assert_int_equal(ys_hub_room_count(party->hub), 1);
    party_at(party, party->now_ms + EVICT_AFTER_MS);
    assert_int_equal(ys_hub_room_count(party->hub), 0);
    assert_int_equal(library.store.saves, 0); /* nobody wrote anything */
    library_deinit(&library);
}

static void test_ledger_turns_members_away_when_loading_fails(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    reopen(&library, 0, "blog");
    leave(party, 0);
    party_at(party, party->now_ms + EVICT_AFTER_MS);

    join(party, 1, "blog");
    join(party, 2, "blog");
    type(party, 1, 8, 0);
    refuse(&library, YSYNC_ERR_IO);
    for (size_t i = 1; i <= 2; i++) {
        assert_int_equal(party->guests[i].ends, 1);
        assert_int_equal(party->guests[i].ended_with, YSYNC_ERR_IO);
        assert_int_equal(try_type(party, i, 9, 0), YSYNC_ERR_CLOSED);
        expect_nothing(party, i);
    }
    assert_int_equal(ys_hub_room_count(party->hub), 0);
    assert_int_equal(waiting(&library), 0);
    join_loaded(&library, 3, "blog"); /* and the stored data are as they were */
    expect_clock(&library, "blog", 7, 1);
    library_deinit(&library);
}

static void test_ledger_keeps_what_is_damaged(void **state)
{
    static const struct ysync_bytes nonsense = { (const uint8_t *)"this is no document", 19 };
    const struct memory_store_room *stored;
    struct library library;

    (void)state;
    library_init(&library);
    memory_store_put_snapshot(&library.store, "blog", nonsense);
    join(&library.party, 0, "blog");
    answer_all(&library);
    assert_int_equal(library.party.guests[0].ended_with, YSYNC_ERR_IO);
    stored = memory_store_find(&library.store, "blog");
    assert_int_equal(stored->snapshot.len, nonsense.len);
    assert_memory_equal(stored->snapshot.data, nonsense.data, nonsense.len);
    library_deinit(&library);
}

static void test_ledger_bounds_what_waits_for_loading(void **state)
{
    struct library library;
    struct party *party = &library.party;
    enum ysync_err err = YSYNC_OK;
    size_t sent = 0;

    (void)state;
    library_prepare(&library);
    library.party.config.max_outbox_bytes = 4096;
    party_start(party);
    join(party, 0, "blog");
    while (!err && sent < 10000) {
        err = try_send(party, 0, STATUS("x"));
        sent++;
    }
    assert_int_equal(err, YSYNC_ERR_IO);
    assert_non_null(party->guests[0].problem);
    assert_in_range(sent * 4, 4000, 4200);
    library_deinit(&library);
}

static void test_ledger_ends_members_whose_waiting_messages_are_malformed(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join(party, 0, "blog");
    join(party, 1, "blog");
    type(party, 1, 7, 0);
    send_message(party, 0, YS_MESSAGE_UPDATE, TEXT("\x09nonsense"));
    type(party, 0, 8, 0); /* what comes behind it is not looked at */
    answer_all(&library);
    assert_int_equal(party->guests[0].ended_with, YSYNC_ERR_MALFORMED);
    assert_non_null(party->guests[0].problem);
    assert_int_equal(party->guests[1].ends, 0);
    expect_clock(&library, "blog", 7, 1);
    assert_int_equal(try_type(party, 0, 8, 1), YSYNC_ERR_CLOSED);
    library_deinit(&library);
}

/* Lines stay alive while a slow store loads. */
static void test_ledger_keeps_lines_alive_while_loading(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join(party, 0, "blog");
    expect_nothing(party, 0);
    for (unsigned i = 0; i < 3; i++) {
        party_at(party, party->now_ms + YS_MEMBER_WAITING_KEEP_ALIVE_MS);
        expect_entries(party, 0, "");
    }
    answer_all(&library);
    expect_type(party, 0, YS_MESSAGE_SYNC_STEP1);
    party_at(party, party->now_ms + 3 * YS_MEMBER_WAITING_KEEP_ALIVE_MS);
    expect_nothing(party, 0);
    library_deinit(&library);
}

/* And while it fails to write: a client that gets no echo must not take that for a dead line. */
static void test_ledger_keeps_lines_alive_while_echoes_wait(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    send_status(&library, 0, STATUS("a"));
    refuse_all(&library, YSYNC_ERR_IO);
    for (unsigned i = 0; i < 3; i++) {
        party->now_ms += YS_MEMBER_WAITING_KEEP_ALIVE_MS;
        refuse_all(&library, YSYNC_ERR_IO);
        expect_entries(party, 0, "");
        expect_nothing(party, 0);
    }
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    expect_entries(party, 0, "");
    expect_frame(party, 0, STATUS("a"));
    party_at(party, party->now_ms + 3 * YS_MEMBER_WAITING_KEEP_ALIVE_MS);
    expect_nothing(party, 0);
    library_deinit(&library);
}

/* Acknowledging */

static void test_ledger_echoes_when_what_the_member_sent_is_durable(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    join_loaded(&library, 1, "blog");
    send_status(&library, 0, STATUS("a"));
    expect_frame(party, 0, STATUS("a")); /* nothing to wait for */
    type(party, 0, 7, 0);
    answer_all(&library); /* the first change: saved whole */
    assert_int_equal(library.store.saves, 1);

    type(party, 0, 7, 1);
    send_status(&library, 0, STATUS("b"));
    type(party, 1, 8, 0);
    send_status(&library, 1, STATUS("c"));
    type(party, 0, 7, 2);
    send_status(&library, 0, STATUS("d"));
    take_all(party, 0);
    take_all(party, 1);
    assert_int_equal(waiting(&library), 3);
    answer(&library);
    expect_frame(party, 0, STATUS("b"));
    expect_nothing(party, 0);
    expect_nothing(party, 1);
    answer(&library);
    expect_nothing(party, 0);
    expect_frame(party, 1, STATUS("c"));
    answer(&library);
    expect_frame(party, 0, STATUS("d"));
    library_deinit(&library);
}

/* What somebody else has brought before is not durable for this member's sake. */
static void test_ledger_echoes_no_sooner_for_what_was_known(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    join_loaded(&library, 1, "blog");
    type(party, 0, 7, 0);
    type(party, 1, 7, 0);
    send_status(&library, 1, STATUS("a"));
    take_all(party, 0);
    assert_int_equal(take_all(party, 1), 1); /* the update alone */
    answer_all(&library);
    expect_frame(party, 1, STATUS("a"));
    library_deinit(&library);
}

static void test_ledger_sends_updates_back_when_they_are_durable(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_prepare(&library);
    party->config.echoes = true;
    party_start(party);
    join_loaded(&library, 0, "blog");
    join_loaded(&library, 1, "blog");
    type(party, 0, 7, 0);
    expect_nothing(party, 0);
    expect_type(party, 1, YS_MESSAGE_UPDATE); /* the store holds nobody else up */
    answer_all(&library);
    expect_type(party, 0, YS_MESSAGE_UPDATE);
    library_deinit(&library);
}

/* A store that is down for long must cost a writer neither its connection nor the server memory. */
static void test_ledger_merges_updates_that_wait_to_be_sent_back(void **state)
{
    struct library library;
    struct party *party = &library.party;
    size_t before;

    (void)state;
    library_prepare(&library);
    party->config.echoes = true;
    party->config.max_outbox_bytes = 8192;
    party_start(party);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    refuse_all(&library, YSYNC_ERR_IO);
    before = party->memory.live_blocks;
    for (uint64_t clock = 1; clock < 5000; clock++)
        type(party, 0, 7, clock);
    assert_true(party->memory.live_blocks < before + 500);
    send_status(&library, 0, STATUS("a"));
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    assert_true(take_all(party, 0) < 1000);
    expect_equal(party, 0);
    library_deinit(&library);
}

static void test_ledger_bounds_sync_statuses_that_wait(void **state)
{
    struct library library;
    struct party *party = &library.party;
    enum ysync_err err = YSYNC_OK;

    (void)state;
    library_prepare(&library);
    party->config.max_outbox_bytes = 8192;
    party_start(party);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    for (unsigned i = 0; !err && i < 1000; i++)
        err = try_send(party, 0, STATUS("x"));
    assert_int_equal(err, YSYNC_ERR_IO);
    assert_non_null(party->guests[0].problem);
    library_deinit(&library);
}

/* What is asked of the store */

static void test_ledger_appends_and_saves_when_the_log_has_grown(void **state)
{
    struct library library;
    struct party *party = &library.party;
    const struct memory_store_room *stored;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    for (uint64_t clock = 0; clock < 10000; clock++) {
        type(party, 0, 7, clock);
        answer_all(&library);
    }
    stored = memory_store_find(&library.store, "blog");
    assert_int_equal(library.store.saves + library.store.appends, 10000 + library.store.saves - 1);
    assert_in_range(library.store.saves, 4, 12);
    assert_true(stored->update_count * YS_STORE_UPDATE_COST <= YS_LEDGER_MIN_LOG_BYTES + YS_STORE_UPDATE_COST);
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 10000);
    library_deinit(&library);
}

/* Updates that wait for others are stored as they came, and what they release is not stored again. */
static void test_ledger_stores_what_is_pending(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    type(party, 0, 7, 2); /* the snapshot of this turn holds both */
    send_status(&library, 0, STATUS("a"));
    expect_nothing(party, 0);
    answer_all(&library);
    expect_frame(party, 0, STATUS("a"));
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 1);

    type(party, 0, 7, 4);
    answer_all(&library);
    assert_int_equal(memory_store_find(&library.store, "blog")->update_count, 1);
    type(party, 0, 7, 1);
    answer_all(&library);
    assert_int_equal(memory_store_find(&library.store, "blog")->update_count, 2);
    expect_clock(&library, "blog", 7, 3);
    type(party, 0, 7, 3);
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 5);
    library_deinit(&library);
}

static void test_ledger_stores_nothing_twice(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    type(party, 0, 7, 1);
    answer_all(&library);
    for (unsigned i = 0; i < 3; i++)
        type(party, 0, 7, 1);
    say(party, 0, "7@1={}");
    answer_all(&library);
    assert_int_equal(library.store.saves, 1);
    assert_int_equal(library.store.appends, 0);
    library_deinit(&library);
}

static void test_ledger_puts_back_what_was_removed(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    answer_all(&library);
    memory_store_forget(&library.store, "blog");
    type(party, 0, 7, 1);
    send_status(&library, 0, STATUS("a"));
    answer_all(&library);
    expect_frame(party, 0, STATUS("a"));
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 2);
    library_deinit(&library);
}

/* What the program writes into a new room is stored. */
static void fill(void *user, struct ysync_room *room)
{
    struct ys_buf update;
    struct ysync_bytes bytes = typing(&update, 5, 0);
    unsigned *calls = user;

    ++*calls;
    assert_int_equal(ysync_doc_apply(ysync_room_doc(room), bytes, 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&update);
}

static void count_end(void *user, struct ysync_room *room)
{
    unsigned *calls = user;

    (void)room;
    *calls += 100;
}

static void test_ledger_stores_what_the_program_fills_in(void **state)
{
    struct library library;
    struct party *party = &library.party;
    unsigned calls = 0;

    (void)state;
    library_prepare(&library);
    party->config.events = (struct ysync_room_events){ .user = &calls, .created = fill, .evicted = count_end };
    party_start(party);
    join(party, 0, "blog");
    assert_int_equal(calls, 0); /* not before it has loaded */
    answer_all(&library);
    assert_int_equal(calls, 1);
    assert_int_equal(library.store.saves, 1);
    reopen(&library, 0, "blog");
    assert_int_equal(calls, 102);
    expect_clock(&library, "blog", 5, 1);
    assert_int_equal(library.store.saves, 1);
    join(party, 1, "todo");
    leave(party, 1);
    refuse_all(&library, YSYNC_ERR_IO);
    assert_int_equal(calls, 102); /* what never came to life does not end */
    library_deinit(&library);
}

/* Failing */

static void test_ledger_goes_on_in_memory_when_the_store_fails(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    join_loaded(&library, 1, "blog");
    type(party, 0, 7, 0);
    answer_all(&library);
    type(party, 0, 7, 1);
    send_status(&library, 0, STATUS("a"));
    refuse_all(&library, YSYNC_ERR_IO);
    for (uint64_t clock = 2; clock < 100; clock++)
        type(party, 0, 7, clock);
    send_status(&library, 0, STATUS("b"));
    expect_nothing(party, 0);
    assert_true(take_all(party, 1) > 0);
    expect_clock(&library, "blog", 7, 100);
    assert_int_equal(waiting(&library), 0); /* nothing is asked of a store that fails */
    assert_int_equal(ys_hub_store_totals(party->hub).unsaved_rooms, 1);

    party->now_ms += YS_SAVINGS_MIN_RETRY_MS;
    turn(&library);
    assert_int_equal(waiting(&library), 1);
    type(party, 0, 7, 100); /* behind the save that is under way */
    send_status(&library, 0, STATUS("c"));
    assert_int_equal(waiting(&library), 2);
    answer(&library);
    expect_frame(party, 0, STATUS("a"));
    expect_frame(party, 0, STATUS("b"));
    expect_nothing(party, 0);
    answer(&library);
    expect_frame(party, 0, STATUS("c"));
    assert_true(ys_hub_is_stored(party->hub));
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 101);
    library_deinit(&library);
}

/* A disk that is nearly full: one room is too large for it, another goes on being saved. */
static void test_ledger_does_not_hurry_what_is_large_when_something_small_succeeds(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "large");
    join_loaded(&library, 1, "small");
    type(party, 1, 8, 0);
    answer_all(&library);
    for (uint64_t clock = 0; clock < 100; clock++)
        type(party, 0, 7, clock);
    refuse_all(&library, YSYNC_ERR_IO);
    for (uint64_t clock = 1; clock < 20; clock++) {
        type(party, 1, 8, clock);
        turn(&library);
        assert_int_equal(waiting(&library), 1); /* the small one alone */
        answer(&library);
    }
    assert_int_equal(ys_hub_store_totals(party->hub).unsaved_rooms, 1);

    party->now_ms += YS_SAVINGS_MIN_RETRY_MS;
    turn(&library);
    assert_int_equal(waiting(&library), 1);
    refuse(&library, YSYNC_ERR_IO);
    party->now_ms += YS_SAVINGS_MIN_RETRY_MS;
    turn(&library);
    assert_int_equal(waiting(&library), 0); /* the second time it takes longer */
    party->now_ms += YS_SAVINGS_MIN_RETRY_MS;
    answer_all(&library);
    assert_true(ys_hub_is_stored(party->hub));
    reopen(&library, 0, "large");
    expect_clock(&library, "large", 7, 100);
    library_deinit(&library);
}

/* Writes that were under way behind the one that failed may succeed: that makes nothing durable. */
static void test_ledger_believes_no_answer_behind_a_lost_change(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    answer_all(&library);
    for (uint64_t clock = 1; clock < 4; clock++)
        type(party, 0, 7, clock);
    send_status(&library, 0, STATUS("a"));
    refuse(&library, YSYNC_ERR_IO);
    answer(&library);
    answer(&library);
    expect_nothing(party, 0);
    answer_all(&library); /* others work again, so this one is saved at once */
    expect_frame(party, 0, STATUS("a"));
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 4);
    library_deinit(&library);
}

/* One change after the other fails, is saved, fails again: whatever the order, what is acknowledged is there. */
static void test_ledger_saves_again_what_was_lost_meanwhile(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    turn(&library);
    type(party, 0, 7, 1);
    type(party, 0, 7, 2);
    assert_int_equal(waiting(&library), 3);
    answer(&library);               /* the save of the first */
    refuse(&library, YSYNC_ERR_IO); /* the second is lost, */
    refuse(&library, YSYNC_ERR_IO); /* and the third */
    party->now_ms += YS_SAVINGS_MIN_RETRY_MS;
    turn(&library);
    type(party, 0, 7, 3);
    send_status(&library, 0, STATUS("a"));
    answer(&library);
    refuse(&library, YSYNC_ERR_IO); /* what went behind the save */
    expect_nothing(party, 0);
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    expect_entries(party, 0, "");
    expect_frame(party, 0, STATUS("a"));
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 4);
    library_deinit(&library);
}

static void test_ledger_tries_again_at_growing_intervals(void **state)
{
    struct library library;
    struct party *party = &library.party;
    unsigned tries = 0;
    uint64_t end_ms;

    (void)state;
    library_init(&library);
    for (size_t i = 0; i < 8; i++) {
        const char name[] = { (char)('a' + i), '\0' };

        join_loaded(&library, i, name);
        type(party, i, 7, 0);
    }
    refuse_all(&library, YSYNC_ERR_IO);
    for (end_ms = party->now_ms + 60000; party->now_ms < end_ms; party->now_ms += 50) {
        turn(&library);
        assert_true(waiting(&library) <= 1); /* eight wait, and one tries */
        tries += waiting(&library) > 0;
        refuse_all(&library, YSYNC_ERR_IO);
        type(party, 0, 7, 0);
    }
    assert_in_range(tries, 8, 16);
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    assert_int_equal(library.store.saves, 8);
    assert_true(ys_hub_is_stored(party->hub));
    library_deinit(&library);
}

/* A room that the store refuses for its own sake holds no other up, and is not asked for again and again. */
static void test_ledger_lets_no_refused_room_hold_others_up(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "large");
    join_loaded(&library, 1, "blog");
    type(party, 0, 7, 0);
    send_status(&library, 0, STATUS("a"));
    refuse_all(&library, YSYNC_ERR_LIMIT);
    for (uint64_t clock = 0; clock < 10; clock++) {
        type(party, 1, 8, clock);
        answer_all(&library);
    }
    assert_int_equal(library.store.saves, 1);
    assert_int_equal(library.store.appends, 9);
    expect_nothing(party, 0);
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    expect_entries(party, 0, "");
    expect_frame(party, 0, STATUS("a"));
    library_deinit(&library);
}

/* Saving */

static void test_ledger_evicts_no_room_before_it_is_saved(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    refuse_all(&library, YSYNC_ERR_IO);
    leave(party, 0);
    for (unsigned i = 0; i < 10; i++) {
        party->now_ms += EVICT_AFTER_MS;
        refuse_all(&library, YSYNC_ERR_IO);
        assert_int_equal(ys_hub_room_count(party->hub), 1);
    }
    join(party, 1, "blog"); /* as it was, without asking the store */
    assert_int_equal(library.store.loads, 1);
    expect_type(party, 1, YS_MESSAGE_SYNC_STEP1);
    expect_clock(&library, "blog", 7, 1);
    leave(party, 1);
    party->now_ms += EVICT_AFTER_MS;
    answer_all(&library);
    assert_int_equal(ys_hub_room_count(party->hub), 0);
    join_loaded(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 1);
    library_deinit(&library);
}

static void test_ledger_lets_members_join_while_a_room_is_saved(void **state)
{
    struct library library;
    struct party *party = &library.party;
    struct ys_room *room;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    turn(&library);
    leave(party, 0);
    party_at(party, party->now_ms + EVICT_AFTER_MS);
    room = ys_hub_find(party->hub, TEXT("blog"));
    assert_true(ys_room_is_saving(room));
    join(party, 1, "blog");
    assert_ptr_equal(ys_member_room(party->guests[1].member), room);
    expect_type(party, 1, YS_MESSAGE_SYNC_STEP1);
    answer_all(&library);
    assert_ptr_equal(ys_hub_find(party->hub, TEXT("blog")), room);
    leave(party, 1);
    party_at(party, party->now_ms + EVICT_AFTER_MS);
    assert_int_equal(ys_hub_room_count(party->hub), 0);
    library_deinit(&library);
}

/* A small log stays where it is; a larger one is made one with its document while nobody needs it. */
static void test_ledger_saves_at_eviction_what_has_a_long_log(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    for (uint64_t clock = 0; clock < 20; clock++) {
        type(party, 0, 7, clock);
        answer_all(&library);
    }
    reopen(&library, 0, "blog");
    assert_int_equal(library.store.saves, 1);
    for (uint64_t clock = 20; clock < 300; clock++) {
        type(party, 0, 7, clock);
        answer_all(&library);
    }
    reopen(&library, 0, "blog");
    assert_int_equal(library.store.saves, 2);
    assert_int_equal(memory_store_find(&library.store, "blog")->update_count, 0);
    expect_clock(&library, "blog", 7, 300);
    library_deinit(&library);
}

/* So does one that nobody has changed: it was loaded with a log, and will be without one the next time. */
static void test_ledger_saves_what_was_only_loaded(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    answer_all(&library);
    for (uint64_t clock = 1; clock < 300; clock++) {
        struct ys_buf update;

        memory_store_put_update(&library.store, "blog", typing(&update, 7, clock));
        ys_buf_deinit(&update);
    }
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 300);
    leave(party, 0);
    party_at(party, party->now_ms + EVICT_AFTER_MS);
    turn(&library);
    join(party, 1, "blog"); /* while it is saved */
    assert_int_equal(try_type(party, 1, 7, 300), YSYNC_OK);
    answer_all(&library);
    assert_int_equal(memory_store_find(&library.store, "blog")->update_count, 1);
    reopen(&library, 0, "blog");
    expect_clock(&library, "blog", 7, 301);
    library_deinit(&library);
}

/* The program ends: intervals do not grow any more. */
static void test_ledger_hurries_when_asked_to(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    refuse_all(&library, YSYNC_ERR_IO);
    for (unsigned i = 0; i < 10; i++) {
        party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
        refuse_all(&library, YSYNC_ERR_IO);
    }
    assert_false(ys_hub_is_stored(party->hub));
    ys_hub_hurry(party->hub, party->now_ms);
    turn(&library);
    assert_int_equal(waiting(&library), 1);
    refuse_all(&library, YSYNC_ERR_IO);
    party->now_ms += 500;
    answer_all(&library);
    assert_true(ys_hub_is_stored(party->hub));
    library_deinit(&library);
}

/* Ending, at any time */

static void test_ledger_survives_rooms_that_are_dropped(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join(party, 0, "blog");
    ys_hub_drop(party->hub, ys_member_room(party->guests[0].member)); /* while it is loading */
    join(party, 1, "blog");
    type(party, 1, 7, 0);
    send_status(&library, 1, STATUS("a"));
    answer_all(&library);
    assert_int_equal(party->guests[0].ended_with, YSYNC_ERR_NOT_FOUND);
    assert_int_equal(party->guests[1].ends, 0);
    take_all(party, 1);
    type(party, 1, 7, 1);
    send_status(&library, 1, STATUS("b"));
    ys_hub_drop(party->hub, ys_member_room(party->guests[1].member)); /* while something is being written */
    answer_all(&library);
    expect_nothing(party, 1);
    library_deinit(&library);
}

static void test_ledger_survives_hubs_that_go_before_the_answers(void **state)
{
    struct library library;
    struct party *party = &library.party;

    (void)state;
    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    turn(&library);
    type(party, 0, 7, 1);
    join(party, 1, "todo");
    assert_true(memory_store_answer(&library.store)); /* answered, but not taken in */
    library_deinit(&library);
}

struct asker {
    struct ys_room_waiter waiter;
    unsigned calls;
    enum ysync_err err;
};

static void note_done(struct ys_room_waiter *waiter, enum ysync_err err)
{
    struct asker *asker = YS_CONTAINER_OF(waiter, struct asker, waiter);

    asker->calls++;
    asker->err = err;
}

static void wait_for(struct ys_room *room, struct asker *asker)
{
    *asker = (struct asker){ .waiter.done = note_done };
    ys_room_await(room, &asker->waiter);
}

static void test_ledger_tells_those_who_wait(void **state)
{
    struct library library;
    struct party *party = &library.party;
    struct asker askers[5];
    struct ys_room *room;

    (void)state;
    library_init(&library);
    assert_int_equal(ys_hub_open(party->hub, TEXT("blog"), party->now_ms, &room), YSYNC_OK);
    wait_for(room, &askers[0]);
    assert_int_equal(ys_room_apply(room, TEXT("\0\0"), party->now_ms), YSYNC_ERR_CONFLICT);
    answer_all(&library);
    assert_int_equal(askers[0].calls, 1);
    assert_int_equal(askers[0].err, YSYNC_OK);

    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    assert_false(ys_room_is_durable(room));
    wait_for(room, &askers[1]);
    wait_for(room, &askers[2]);
    ys_room_waiter_forget(&askers[2].waiter);
    answer_all(&library);
    assert_true(ys_room_is_durable(room));
    assert_int_equal(askers[1].calls, 1);
    assert_int_equal(askers[2].calls, 0);

    type(party, 0, 7, 1);
    wait_for(room, &askers[3]);
    refuse_all(&library, YSYNC_ERR_IO);
    assert_int_equal(askers[3].err, YSYNC_ERR_IO);
    assert_true(ys_room_is_failing(room));
    wait_for(room, &askers[4]);
    ys_hub_drop(party->hub, room);
    assert_int_equal(askers[4].err, YSYNC_ERR_CLOSED);
    library_deinit(&library);
}

static void test_ledger_limits_memory(void **state)
{
    struct library library;
    struct party *party = &library.party;
    struct ys_room *room;
    uint64_t clock = 0;

    (void)state;
    library_prepare(&library);
    party->config.max_memory_bytes = 4096;
    party_start(party);
    join_loaded(&library, 0, "blog");
    while (ys_hub_totals(party->hub)->document_bytes < 4096)
        type(party, 0, 7, clock++);
    assert_int_equal(try_join(party, 1, "todo", false), YSYNC_ERR_LIMIT);
    assert_int_equal(ys_hub_open(party->hub, TEXT("todo"), party->now_ms, &room), YSYNC_ERR_LIMIT);
    join(party, 2, "blog"); /* what is there stays, and goes on */
    type(party, 0, 7, clock);
    reopen(&library, 3, "blog");
    library_deinit(&library);
}

/* Each allocation fails once: nothing is acknowledged that is not stored, and nothing leaks. */
static void play_with_failing_memory(size_t nth, bool *failed)
{
    struct library library;
    struct party *party = &library.party;
    struct ys_blob *blob;
    bool is_acknowledged = false;

    library_init(&library);
    join_loaded(&library, 0, "blog");
    type(party, 0, 7, 0);
    answer_all(&library);
    party->memory.fail_at = party->memory.requests + nth;
    for (uint64_t clock = 1; clock < 4; clock++) {
        (void)!try_type(party, 0, 7, clock);
        (void)!try_send(party, 0, STATUS("a"));
        turn(&library);
    }
    *failed = party->memory.failed;
    party->memory.fail_at = YS_TEST_NEVER_FAIL;
    send_status(&library, 0, STATUS("z"));
    party->now_ms += YS_SAVINGS_MAX_RETRY_MS;
    answer_all(&library);
    while ((blob = ys_member_take(party->guests[0].member, party->now_ms)) != NULL) {
        is_acknowledged |= blob->len == 3 && ys_blob_data(blob)[2] == 'z';
        ys_blob_unref(blob);
    }
    assert_true(is_acknowledged);
    assert_true(ys_hub_is_stored(party->hub));
    reopen(&library, 0, "blog");
    library_deinit(&library);
}

static void test_ledger_survives_want_of_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t nth = 0; failed; nth++)
        play_with_failing_memory(nth, &failed);
}

/* Random histories with a store that fails now and then, and rooms that come and go: whatever was acknowledged is there
 * in the end. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

static void play_at_random(unsigned seed)
{
    unsigned random = seed;
    struct library library;
    struct party *party = &library.party;
    uint64_t clock = 0;
    uint64_t acknowledged = 0;
    uint64_t asked = 0;

    library_init(&library);
    join_loaded(&library, 0, "blog");
    for (unsigned step = 0; step < 300; step++) {
        struct ys_blob *blob;

        switch (next_random(&random) % 8) {
        case 0:
        case 1:
        case 2:
            type(party, 0, 7, clock++);
            break;
        case 3:
            if (asked <= acknowledged) {
                send_status(&library, 0, STATUS("a"));
                asked = clock;
            }
            break;
        case 4:
            if (waiting(&library) > 0)
                refuse(&library, YSYNC_ERR_IO);
            break;
        case 5:
            party->now_ms += next_random(&random) % 20000;
            turn(&library);
            break;
        default:
            if (waiting(&library) > 0)
                answer(&library);
            break;
        }
        while ((blob = ys_member_take(party->guests[0].member, party->now_ms)) != NULL) {
            if (ys_blob_data(blob)[0] == 0x66)
                acknowledged = asked;
            ys_blob_unref(blob);
        }
    }
    /* The crash: nothing more is written. */
    leave(party, 0);
    ys_hub_free(party->hub);
    memory_store_fail(&library.store, ~0u, SIZE_MAX, YSYNC_ERR_CLOSED, NULL);
    while (memory_store_answer(&library.store))
        ;
    memory_store_fail(&library.store, 0, 0, YSYNC_OK, NULL);
    party_start(party);
    join_loaded(&library, 1, "blog");
    for (uint64_t lost = clock; lost > acknowledged; lost--) /* the client still has what it was told nothing of */
        type(party, 1, 7, lost - 1);
    expect_clock(&library, "blog", 7, clock);
    library_deinit(&library);
}

static void test_ledger_loses_nothing_that_was_acknowledged(void **state)
{
    const char *given = getenv("YSYNC_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;

    (void)state;
    for (unsigned round = 0; round < (given ? 1 : 300); round++) {
        print_message("seed %u\n", seed + round);
        play_at_random(seed + round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_answers_nothing_from_a_room_that_is_loading),
        cmocka_unit_test(test_ledger_loads_what_was_written),
        cmocka_unit_test(test_ledger_loads_once_for_all_who_join),
        cmocka_unit_test(test_ledger_evicts_rooms_that_everybody_left_while_they_loaded),
        cmocka_unit_test(test_ledger_turns_members_away_when_loading_fails),
        cmocka_unit_test(test_ledger_keeps_what_is_damaged),
        cmocka_unit_test(test_ledger_bounds_what_waits_for_loading),
        cmocka_unit_test(test_ledger_ends_members_whose_waiting_messages_are_malformed),
        cmocka_unit_test(test_ledger_keeps_lines_alive_while_loading),
        cmocka_unit_test(test_ledger_keeps_lines_alive_while_echoes_wait),
        cmocka_unit_test(test_ledger_echoes_when_what_the_member_sent_is_durable),
        cmocka_unit_test(test_ledger_echoes_no_sooner_for_what_was_known),
        cmocka_unit_test(test_ledger_sends_updates_back_when_they_are_durable),
        cmocka_unit_test(test_ledger_merges_updates_that_wait_to_be_sent_back),
        cmocka_unit_test(test_ledger_bounds_sync_statuses_that_wait),
        cmocka_unit_test(test_ledger_appends_and_saves_when_the_log_has_grown),
        cmocka_unit_test(test_ledger_stores_what_is_pending),
        cmocka_unit_test(test_ledger_stores_nothing_twice),
        cmocka_unit_test(test_ledger_puts_back_what_was_removed),
        cmocka_unit_test(test_ledger_stores_what_the_program_fills_in),
        cmocka_unit_test(test_ledger_goes_on_in_memory_when_the_store_fails),
        cmocka_unit_test(test_ledger_does_not_hurry_what_is_large_when_something_small_succeeds),
        cmocka_unit_test(test_ledger_believes_no_answer_behind_a_lost_change),
        cmocka_unit_test(test_ledger_saves_again_what_was_lost_meanwhile),
        cmocka_unit_test(test_ledger_tries_again_at_growing_intervals),
        cmocka_unit_test(test_ledger_lets_no_refused_room_hold_others_up),
        cmocka_unit_test(test_ledger_evicts_no_room_before_it_is_saved),
        cmocka_unit_test(test_ledger_lets_members_join_while_a_room_is_saved),
        cmocka_unit_test(test_ledger_saves_at_eviction_what_has_a_long_log),
        cmocka_unit_test(test_ledger_saves_what_was_only_loaded),
        cmocka_unit_test(test_ledger_hurries_when_asked_to),
        cmocka_unit_test(test_ledger_survives_rooms_that_are_dropped),
        cmocka_unit_test(test_ledger_survives_hubs_that_go_before_the_answers),
        cmocka_unit_test(test_ledger_tells_those_who_wait),
        cmocka_unit_test(test_ledger_limits_memory),
        cmocka_unit_test(test_ledger_survives_want_of_memory),
        cmocka_unit_test(test_ledger_loses_nothing_that_was_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
