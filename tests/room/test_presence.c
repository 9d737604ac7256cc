/* SPDX-License-Identifier: MIT */
/* Presence: which entries count, who owns them, who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "room/entries.h"
#include "room/presence.h"
#include "support/failing_alloc.h"

#define MAX_STATE_BYTES 16
#define OWNERS 3
#define NOBODY ""

static const struct ys_hash_seed seed = { 1, 2 };

struct people {
    struct ys_test_alloc memory;
    struct ys_presence *presence;
    struct ys_presence_owner owners[OWNERS];
    uint64_t now_ms;
    char relay[2048];
    char reply[2048];
    size_t reply_len;
    enum ysync_err err;
    const char *problem;
};

static void people_init(struct people *people)
{
    memset(people, 0, sizeof(*people));
    ys_test_alloc_init(&people->memory, YS_TEST_NEVER_FAIL);
    assert_int_equal(ys_presence_new(&people->memory.alloc, seed, MAX_STATE_BYTES, &people->presence), YSYNC_OK);
    for (size_t i = 0; i < OWNERS; i++)
        ys_presence_owner_init(&people->owners[i]);
}

/* "" if there is no news. */
static void note(struct ys_presence_news *news, char *to, size_t size)
{
    to[0] = 0;
    if (!news->is_any)
        return;
    if (news->message)
        entries_format(ys_blob_bytes(news->message), to, size);
    else
        snprintf(to, size, "no memory");
    ys_blob_unref(news->message);
}

static void say(struct people *people, char who, const char *entries)
{
    struct ys_blob *blob = entries_encode(entries);
    struct ys_presence_news relay;
    struct ys_presence_news reply;
    struct ys_message message;

    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &people->problem), YSYNC_OK);
    people->problem = NULL;
    people->err = ys_presence_receive(people->presence, &people->owners[who - 'a'], message.payload, people->now_ms,
                                      &relay, &reply, &people->problem);
    people->reply_len = reply.message ? reply.message->len : 0;
    note(&relay, people->relay, sizeof(people->relay));
    note(&reply, people->reply, sizeof(people->reply));
    ys_blob_unref(blob);
}

static void leave(struct people *people, char who)
{
    struct ys_presence_news relay;

    ys_presence_leave(people->presence, &people->owners[who - 'a'], &relay);
    note(&relay, people->relay, sizeof(people->relay));
    people->reply[0] = 0;
}

static void expire(struct people *people)
{
    struct ys_presence_news relay;

    ys_presence_expire(people->presence, people->now_ms, &relay);
    note(&relay, people->relay, sizeof(people->relay));
    people->reply[0] = 0;
}

static void states(const struct people *people, char *to, size_t size)
{
    struct ys_blob *blob = ys_presence_encode_states(people->presence);

    assert_non_null(blob);
    entries_format(ys_blob_bytes(blob), to, size);
    ys_blob_unref(blob);
}

static void people_deinit(struct people *people)
{
    people->memory.fail_at = YS_TEST_NEVER_FAIL;
    for (char who = 'a'; who < 'a' + OWNERS; who++)
        leave(people, who);
    ys_presence_free(people->presence);
    assert_int_equal(people->memory.live_blocks, 0);
}

struct step {
    char who;
    const char *says;  /* "leaves", or entries */
    const char *relay; /* what everybody else is told */
    const char *reply; /* what the one who said it is told */
};

struct scene {
    const char *name;
    struct step steps[5];
    const char *left; /* all states at the end */
};

static size_t count_states(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '@';
    return count;
}

static void play(const struct scene *scene)
{
    struct people people;
    char left[2048];

    people_init(&people);
    for (const struct step *step = scene->steps; step->who; step++) {
        if (strcmp(step->says, "leaves") == 0)
            leave(&people, step->who);
        else
            say(&people, step->who, step->says);
        if (people.err)
            fail_msg("%s: %c says %s: got %s", scene->name, step->who, step->says, ysync_strerror(people.err));
        if (strcmp(people.relay, step->relay) != 0)
            fail_msg("%s: %c says %s: others got '%s', want '%s'", scene->name, step->who, step->says, people.relay,
                     step->relay);
        if (strcmp(people.reply, step->reply) != 0)
            fail_msg("%s: %c says %s: got back '%s', want '%s'", scene->name, step->who, step->says, people.reply,
                     step->reply);
    }
    states(&people, left, sizeof(left));
    if (strcmp(left, scene->left) != 0)
        fail_msg("%s: left is '%s', want '%s'", scene->name, left, scene->left);
    if (ys_presence_count(people.presence) != count_states(left))
        fail_msg("%s: counts %zu states, want '%s'", scene->name, ys_presence_count(people.presence), left);
    people_deinit(&people);
}

static void test_presence_counts_only_what_is_newer(void **state)
{
    static const struct scene scenes[] = {
        { "the first state", { { 'a', "7@1={}", "7@1={}", NOBODY } }, "7@1={}" },
        { "clock 0 of a client never heard of", { { 'a', "7@0={}", NOBODY, NOBODY } }, "" },
        { "null for a client never heard of", { { 'a', "7@3=null", NOBODY, NOBODY } }, "" },
        { "no entries at all", { { 'a', "", NOBODY, NOBODY } }, "" },
        { "a newer state", { { 'a', "7@1={}", "7@1={}", NOBODY }, { 'a', "7@2=[]", "7@2=[]", NOBODY } }, "7@2=[]" },
        { "a state sent back", { { 'a', "7@1={}", "7@1={}", NOBODY }, { 'b', "7@1={}", NOBODY, NOBODY } }, "7@1={}" },
        { "another state with an equal clock",
          { { 'a', "7@1={}", "7@1={}", NOBODY }, { 'a', "7@1=[]", NOBODY, NOBODY } },
          "7@1={}" },
        { "an older state", { { 'a', "7@5={}", "7@5={}", NOBODY }, { 'a', "7@4=[]", NOBODY, NOBODY } }, "7@5={}" },
        { "an older null", { { 'a', "7@5={}", "7@5={}", NOBODY }, { 'a', "7@4=null", NOBODY, NOBODY } }, "7@5={}" },
        { "null with an equal clock",
          { { 'a', "7@5={}", "7@5={}", NOBODY }, { 'a', "7@5=null", "7@5=null", NOBODY } },
          "" },
        { "null with an equal clock, from somebody else",
          { { 'a', "7@5={}", "7@5={}", NOBODY }, { 'b', "7@5=null", "7@5=null", NOBODY } },
          "" },
        { "null with a newer clock",
          { { 'a', "7@5={}", "7@5={}", NOBODY }, { 'a', "7@6=null", "7@6=null", NOBODY } },
          "" },
        { "null twice",
          { { 'a', "7@5={}", "7@5={}", NOBODY },
            { 'a', "7@6=null", "7@6=null", NOBODY },
            { 'b', "7@6=null", NOBODY, NOBODY } },
          "" },
        { "a newer null for one who is gone",
          { { 'a', "7@5={}", "7@5={}", NOBODY },
            { 'a', "7@5=null", "7@5=null", NOBODY },
            { 'a', "7@7=null", "7@7=null", NOBODY },
            { 'a', "7@6={}", NOBODY, NOBODY } },
          "" },
        { "only what changed is passed on",
          { { 'a', "7@1={}", "7@1={}", NOBODY }, { 'b', "7@1={} 8@1={} 9@0={}", "8@1={}", NOBODY } },
          "7@1={} 8@1={}" },
        { "a client that is named twice", { { 'a', "7@1={} 7@2=[]", "7@1={} 7@2=[]", NOBODY } }, "7@2=[]" },
        { "a client that is named twice, the newer one first",
          { { 'a', "7@2=[] 7@1={}", "7@2=[] 7@1={}", NOBODY } },
          "7@2=[]" },
        { "a client that goes twice",
          { { 'a', "7@1={}", "7@1={}", NOBODY }, { 'a', "7@1=null 7@1=null", "7@1=null 7@1=null", NOBODY } },
          "" },
        { "the largest clock",
          { { 'a', "7@9007199254740991={}", "7@9007199254740991={}", NOBODY }, { 'a', "7@1={}", NOBODY, NOBODY } },
          "7@9007199254740991={}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        play(&scenes[i]);
}

static void test_presence_goes_with_its_owner(void **state)
{
    static const struct scene scenes[] = {
        { "who leaves takes its states along",
          { { 'a', "7@3={} 8@4={}", "7@3={} 8@4={}", NOBODY }, { 'a', "leaves", "7@3=null 8@4=null", NOBODY } },
          "" },
        { "who has none changes nothing",
          { { 'a', "7@3={}", "7@3={}", NOBODY }, { 'b', "leaves", NOBODY, NOBODY } },
          "7@3={}" },
        { "sending a state back does not make it one's own",
          { { 'a', "7@3={}", "7@3={}", NOBODY }, { 'b', "7@3={}", NOBODY, NOBODY }, { 'b', "leaves", NOBODY, NOBODY } },
          "7@3={}" },
        { "who brings a newer state owns it",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'b', "7@4={}", "7@4={}", NOBODY },
            { 'a', "leaves", NOBODY, NOBODY } },
          "7@4={}" },
        { "and takes it along",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'b', "7@4={}", "7@4={}", NOBODY },
            { 'b', "leaves", "7@4=null", NOBODY } },
          "" },
        { "who has gone is owned by nobody",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "7@4=null", "7@4=null", NOBODY },
            { 'a', "leaves", NOBODY, NOBODY } },
          "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        play(&scenes[i]);
}

static void test_presence_tells_who_comes_back_to_raise_its_clock(void **state)
{
    static const struct scene scenes[] = {
        { "back with the clock that was seen to go",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "leaves", "7@3=null", NOBODY },
            { 'b', "7@3={}", NOBODY, "7@3=null" },
            { 'b', "7@4={}", "7@4={}", NOBODY } },
          "7@4={}" },
        { "back with a newer clock",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "leaves", "7@3=null", NOBODY },
            { 'b', "7@4={}", "7@4={}", NOBODY } },
          "7@4={}" },
        { "back with an older clock",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "leaves", "7@3=null", NOBODY },
            { 'b', "7@2={}", NOBODY, NOBODY } },
          "" },
        { "an echo of the removal",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "leaves", "7@3=null", NOBODY },
            { 'b', "7@3=null", NOBODY, NOBODY } },
          "" },
        { "others in the same message are passed on",
          { { 'a', "7@3={}", "7@3={}", NOBODY },
            { 'a', "leaves", "7@3=null", NOBODY },
            { 'b', "7@3={} 8@1={}", "8@1={}", "7@3=null" } },
          "8@1={}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        play(&scenes[i]);
}

static void test_presence_runs_out_unless_renewed(void **state)
{
    struct people people;

    (void)state;
    people_init(&people);
    assert_int_equal(ys_presence_next_expiry(people.presence), YS_TIMER_NEVER);
    people.now_ms = 1000;
    say(&people, 'a', "7@1={} 8@1={}");
    assert_int_equal(ys_presence_next_expiry(people.presence), 31000);

    people.now_ms = 20000;
    say(&people, 'a', "8@2={}");
    say(&people, 'b', "7@1={}"); /* an echo renews nothing */
    assert_int_equal(ys_presence_next_expiry(people.presence), 31000);

    people.now_ms = 30999;
    expire(&people);
    assert_string_equal(people.relay, NOBODY);
    people.now_ms = 31000;
    expire(&people);
    assert_string_equal(people.relay, "7@1=null");
    assert_int_equal(ys_presence_next_expiry(people.presence), 50000);
    assert_int_equal(ys_presence_count(people.presence), 1);

    say(&people, 'a', "7@1={}");
    assert_string_equal(people.reply, "7@1=null");
    people.now_ms = 50000;
    expire(&people);
    assert_string_equal(people.relay, "8@2=null");
    assert_int_equal(ys_presence_next_expiry(people.presence), YS_TIMER_NEVER);
    people_deinit(&people);
}

static void test_presence_knows_what_changed_since(void **state)
{
    struct people people;
    struct ys_presence_news relay;
    struct ys_presence_news reply;
    struct ys_message message;
    struct ys_blob *blob = entries_encode("9@1={}");
    char changes[256];

    (void)state;
    people_init(&people);
    say(&people, 'a', "6@1={} 7@1={} 8@1={}");
    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &people.problem), YSYNC_OK);
    assert_int_equal(
        ys_presence_receive(people.presence, &people.owners[1], message.payload, 0, &relay, &reply, &people.problem),
        YSYNC_OK);
    ys_blob_unref(blob);
    ys_blob_unref(relay.message);
    say(&people, 'a', "7@2=null 8@2=[]");

    blob = ys_presence_encode_changes(people.presence, relay.since);
    assert_non_null(blob);
    entries_format(ys_blob_bytes(blob), changes, sizeof(changes));
    assert_string_equal(changes, "7@2=null 8@2=[] 9@1={}");
    ys_blob_unref(blob);
    people_deinit(&people);
}

static void test_presence_limits_a_state(void **state)
{
    struct people people;

    (void)state;
    people_init(&people);
    say(&people, 'a', "8@1={} 7@1=\"5678901234567\"");
    assert_int_equal(people.err, YSYNC_OK);
    say(&people, 'a', "7@2={} 8@2=\"678901234567890\"");
    assert_int_equal(people.err, YSYNC_ERR_LIMIT);
    assert_string_equal(people.problem, "presence state too large");
    assert_string_equal(people.relay, NOBODY);
    say(&people, 'b', "7@2={}");
    assert_string_equal(people.relay, "7@2={}");
    people_deinit(&people);
}

/* "100@clock={} 101@clock={} ..." */
static char *many(size_t first, size_t count, uint64_t clock)
{
    char *text = malloc(count * 40 + 1);
    size_t len = 0;

    assert_non_null(text);
    text[0] = 0;
    for (size_t i = first; i < first + count; i++)
        len += (size_t)sprintf(text + len, "%s%zu@%" PRIu64 "={}", len ? " " : "", i, clock);
    return text;
}

static void say_many(struct people *people, char who, size_t first, size_t count, uint64_t clock)
{
    char *text = many(first, count, clock);

    say(people, who, text);
    free(text);
}

static void test_presence_limits_what_one_may_own(void **state)
{
    struct people people;

    (void)state;
    people_init(&people);
    say_many(&people, 'a', 0, YS_PRESENCE_MAX_OWNED, 1);
    assert_int_equal(people.err, YSYNC_OK);
    say(&people, 'a', "9999@1={}");
    assert_int_equal(people.err, YSYNC_ERR_LIMIT);
    assert_string_equal(people.problem, "too many presence states on one connection");
    assert_int_equal(ys_presence_count(people.presence), YS_PRESENCE_MAX_OWNED);

    say_many(&people, 'a', 0, YS_PRESENCE_MAX_OWNED, 2); /* renewing all of them is fine */
    assert_int_equal(people.err, YSYNC_OK);
    say_many(&people, 'b', 1000, YS_PRESENCE_MAX_OWNED, 1); /* and so is somebody else's share */
    assert_int_equal(people.err, YSYNC_OK);
    say(&people, 'a', "0@3=null");
    say(&people, 'a', "9999@1={}"); /* one for another */
    assert_int_equal(people.err, YSYNC_OK);
    assert_int_equal(ys_presence_count(people.presence), 2 * YS_PRESENCE_MAX_OWNED);
    people_deinit(&people);
}

static void test_presence_limits_a_client_named_again_and_again(void **state)
{
    struct people people;
    char text[16 * (YS_PRESENCE_MAX_OWNED + 1)] = "";
    size_t len = 0;

    (void)state;
    people_init(&people);
    say(&people, 'a', "7@1={}");
    for (unsigned clock = 2; clock < 2 + YS_PRESENCE_MAX_OWNED + 1; clock++)
        len += (size_t)sprintf(text + len, "%s7@%u={}", len ? " " : "", clock);
    say(&people, 'a', text);
    assert_int_equal(people.err, YSYNC_ERR_LIMIT);
    people_deinit(&people);
}

/* Nor does it make the answer grow. */
static void test_presence_limits_what_it_answers(void **state)
{
    struct people people;
    char text[6 * 1000] = "";
    size_t len = 0;

    (void)state;
    people_init(&people);
    say(&people, 'a', "7@1={}");
    leave(&people, 'a');
    for (unsigned i = 0; i < 900; i++)
        len += (size_t)sprintf(text + len, "%s7@1=1", len ? " " : "");
    say(&people, 'b', text);
    assert_int_equal(people.err, YSYNC_OK);
    assert_in_range(people.reply_len, 1, 10 + 7 * YS_PRESENCE_MAX_OWNED);
    people_deinit(&people);
}

static void test_presence_forgets_who_went_first(void **state)
{
    struct people people;
    size_t live_bytes = 0;

    (void)state;
    people_init(&people);
    for (size_t first = 0; first < 3 * YS_PRESENCE_MAX_GONE; first += YS_PRESENCE_MAX_OWNED) {
        say_many(&people, 'a', first, YS_PRESENCE_MAX_OWNED, 5);
        assert_int_equal(people.err, YSYNC_OK);
        leave(&people, 'a');
        if (first < 2 * YS_PRESENCE_MAX_GONE)
            live_bytes = people.memory.live_bytes;
    }
    assert_int_equal(people.memory.live_bytes, live_bytes);
    say(&people, 'a', "12287@5={}"); /* the last one is known */
    assert_string_equal(people.relay, NOBODY);
    assert_string_equal(people.reply, "12287@5=null");
    say(&people, 'a', "8192@5={}"); /* and so is the first of the last 4096 */
    assert_string_equal(people.reply, "8192@5=null");
    say(&people, 'a', "8191@5={}"); /* the one before it is not */
    assert_string_equal(people.relay, "8191@5={}");
    people_deinit(&people);
}

/* The n-th request for memory fails, for all n: a message either counts as a whole or not at all. */
static void test_presence_is_as_it_was_without_memory(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct people people;
        char left[256];

        people_init(&people);
        say(&people, 'a', "5@1={} 6@1={} 7@1={}");
        leave(&people, 'a');
        say(&people, 'b', "6@2={} 7@2={}");
        people.memory.fail_at = people.memory.requests + n;
        say(&people, 'a', "5@1={} 6@3=null 7@3=[] 8@1={}");
        if (people.memory.failed) {
            assert_int_equal(people.err, YSYNC_ERR_NOMEM);
            assert_string_equal(people.relay, NOBODY);
            assert_string_equal(people.reply, NOBODY);
        }
        people.memory.fail_at = YS_TEST_NEVER_FAIL;
        states(&people, left, sizeof(left));
        assert_string_equal(left, people.err ? "6@2={} 7@2={}" : "7@3=[] 8@1={}");
        people_deinit(&people);
        if (!people.memory.failed)
            break;
    }
}

static void test_presence_leaves_without_memory(void **state)
{
    struct people people;

    (void)state;
    people_init(&people);
    say(&people, 'a', "7@1={}");
    people.memory.fail_at = 0;
    leave(&people, 'a');
    assert_string_equal(people.relay, "no memory");
    assert_int_equal(ys_presence_count(people.presence), 0);
    people_deinit(&people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presence_counts_only_what_is_newer),
        cmocka_unit_test(test_presence_goes_with_its_owner),
        cmocka_unit_test(test_presence_tells_who_comes_back_to_raise_its_clock),
        cmocka_unit_test(test_presence_runs_out_unless_renewed),
        cmocka_unit_test(test_presence_knows_what_changed_since),
        cmocka_unit_test(test_presence_limits_a_state),
        cmocka_unit_test(test_presence_limits_what_one_may_own),
        cmocka_unit_test(test_presence_limits_a_client_named_again_and_again),
        cmocka_unit_test(test_presence_limits_what_it_answers),
        cmocka_unit_test(test_presence_forgets_who_went_first),
        cmocka_unit_test(test_presence_is_as_it_was_without_memory),
        cmocka_unit_test(test_presence_leaves_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
