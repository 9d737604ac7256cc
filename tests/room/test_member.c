/* SPDX-License-Identifier: MIT */
/* When a member is woken, and how its line is kept alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/party.h"

#define SILENCE_MS 15000
#define KEEP_ALIVE TEXT("\x01\x01\x00")

static void test_member_is_woken_once(void **state)
{
    struct party party;
    struct guest *guest = &party.guests[1];

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    join(&party, 1, "r");
    type(&party, 0, 5, 0);
    assert_int_equal(guest->wakes, 0); /* who joined is about to take */
    assert_int_equal(take_all(&party, 1), 2);
    type(&party, 0, 5, 1);
    assert_int_equal(guest->wakes, 1);
    say(&party, 0, "5@1={}");
    type(&party, 0, 5, 2);
    assert_int_equal(guest->wakes, 1);
    expect_type(&party, 1, YS_MESSAGE_UPDATE);
    expect_type(&party, 1, YS_MESSAGE_AWARENESS);
    assert_false(ys_member_has_output(guest->member));
    type(&party, 0, 5, 3); /* it has not been told yet that there is no more */
    assert_int_equal(guest->wakes, 1);
    assert_int_equal(take_all(&party, 1), 1);
    type(&party, 0, 5, 4);
    assert_int_equal(guest->wakes, 2);
    party_deinit(&party);
}

static void test_member_wakes_for_its_own_replies(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes frame;
    } cases[] = {
        { "sync step 1", TEXT("\x00\x00\x01\x00") },
        { "query awareness", TEXT("\x03") },
        { "sync status", TEXT("\x66\x00") },
    };
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    take_all(&party, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        party.guests[0].wakes = 0;
        assert_int_equal(try_send(&party, 0, cases[i].frame), YSYNC_OK);
        if (party.guests[0].wakes != 1)
            fail_msg("%s: got %u wakes, want 1", cases[i].name, party.guests[0].wakes);
        assert_int_equal(take_all(&party, 0), 1);
    }
    party_deinit(&party);
}

static void test_member_is_kept_alive_after_silence(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    party_at(&party, 1000);
    join(&party, 0, "r");
    take_all(&party, 0);
    for (uint64_t since = 1000; since < 1000 + 5 * SILENCE_MS; since += SILENCE_MS) {
        party.guests[0].wakes = 0;
        party_at(&party, since + SILENCE_MS - 1);
        expect_nothing(&party, 0);
        party_at(&party, since + SILENCE_MS);
        assert_int_equal(party.guests[0].wakes, 1);
        expect_frame(&party, 0, KEEP_ALIVE);
        expect_nothing(&party, 0);
    }
    party_deinit(&party);
}

static void test_member_needs_no_keeping_alive_while_messages_flow(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    party_at(&party, 1000);
    join(&party, 0, "r");
    join(&party, 1, "r");
    take_all(&party, 1);
    for (uint64_t clock = 0; clock < 10; clock++) {
        party_at(&party, party.now_ms + 7000);
        type(&party, 0, 5, clock);
        expect_type(&party, 1, YS_MESSAGE_UPDATE);
        expect_nothing(&party, 1);
    }
    party_at(&party, party.now_ms + SILENCE_MS - 1);
    expect_nothing(&party, 1);
    party_at(&party, party.now_ms + 1);
    expect_frame(&party, 1, KEEP_ALIVE);
    party_deinit(&party);
}

/* What it sends itself is no sign of life for it. */
static void test_member_is_kept_alive_while_it_only_talks(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    party_at(&party, 1000);
    join(&party, 0, "r");
    take_all(&party, 0);
    party_at(&party, 15000);
    type(&party, 0, 5, 0);
    party_at(&party, 16000);
    expect_frame(&party, 0, KEEP_ALIVE);
    party_deinit(&party);
}

/* It has something to read: one more message would only pile up. */
static void test_member_that_does_not_read_gets_no_more(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    party_at(&party, 1000);
    join(&party, 0, "r");
    for (int i = 1; i < 10; i++)
        party_at(&party, 1000 + (uint64_t)i * SILENCE_MS);
    assert_int_equal(take_all(&party, 0), 1);
    party_at(&party, party.now_ms + SILENCE_MS);
    expect_frame(&party, 0, KEEP_ALIVE);
    party_deinit(&party);
}

/* Without memory for a message, it waits; the member is told when it is worth trying again. */
static void test_member_tries_again_when_there_is_memory(void **state)
{
    struct party party;

    (void)state;
    party_init(&party);
    join(&party, 0, "r");
    party.memory.fail_at = 0;
    assert_null(take(&party, 0));
    assert_true(ys_member_has_output(party.guests[0].member));
    party_at(&party, party.now_ms + 999);
    assert_int_equal(party.guests[0].wakes, 0);
    party_at(&party, party.now_ms + 1);
    assert_int_equal(party.guests[0].wakes, 1);
    assert_null(take(&party, 0));
    party.memory.fail_at = YS_TEST_NEVER_FAIL;
    party_at(&party, party.now_ms + 1000);
    assert_int_equal(party.guests[0].wakes, 2);
    expect_type(&party, 0, YS_MESSAGE_SYNC_STEP1);
    expect_nothing(&party, 0);
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member_is_woken_once),
        cmocka_unit_test(test_member_wakes_for_its_own_replies),
        cmocka_unit_test(test_member_is_kept_alive_after_silence),
        cmocka_unit_test(test_member_needs_no_keeping_alive_while_messages_flow),
        cmocka_unit_test(test_member_is_kept_alive_while_it_only_talks),
        cmocka_unit_test(test_member_that_does_not_read_gets_no_more),
        cmocka_unit_test(test_member_tries_again_when_there_is_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
