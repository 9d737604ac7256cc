/* SPDX-License-Identifier: MIT */
/* Rooms as programs use them: ysync/room.h, by what its callbacks are called with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/reader.h"
#include "doc/state_vector.h"
#include "room/party.h"
#include "support/memory_store.h"
#include "ysync/room.h"

/* A line that takes as many messages as it has room for. */
struct line {
    struct ysync_member *member;
    struct ysync_doc *doc; /* that its client would have */
    size_t room_for;
    size_t taken;
    size_t taken_bytes;
    unsigned drops;
    bool leaves_when_dropped;
};

/* What a program was told, as text: "created blog; updated blog from 3; ". */
struct diary {
    char text[512];
    struct ysync_doc *theirs; /* what `resolve` gives for "mine" */
};

struct program {
    struct ys_test_alloc memory;
    struct ysync_hub_config config;
    struct ysync_hub *hub;
    struct diary diary;
};

static void note(struct diary *diary, const char *what, struct ysync_room *room)
{
    size_t len = strlen(diary->text);
    struct ysync_bytes name = ysync_room_name(room);

    snprintf(diary->text + len, sizeof(diary->text) - len, "%s %.*s; ", what, (int)name.len, (const char *)name.data);
}

static void on_created(void *user, struct ysync_room *room)
{
    note(user, "created", room);
}

static void on_evicted(void *user, struct ysync_room *room)
{
    assert_non_null(ysync_room_doc(room));
    note(user, "evicted", room);
}

static void on_updated(void *user, struct ysync_room *room, uint64_t origin, struct ysync_bytes update)
{
    char what[64];

    assert_true(update.len > 0);
    snprintf(what, sizeof(what), "updated by %llu", (unsigned long long)origin);
    note(user, what, room);
}

static struct ysync_doc *resolve(void *user, struct ysync_bytes room)
{
    struct diary *diary = user;

    return room.len == 4 && memcmp(room.data, "mine", 4) == 0 ? diary->theirs : NULL;
}

static void prepare(struct program *program, size_t fail_at)
{
    memset(program, 0, sizeof(*program));
    ys_test_alloc_init(&program->memory, fail_at);
    ysync_hub_config_init(&program->config);
    program->config.alloc = &program->memory.alloc;
    program->config.events = (struct ysync_room_events){
        .user = &program->diary,
        .created = on_created,
        .evicted = on_evicted,
        .updated = on_updated,
    };
}

static void start(struct program *program)
{
    assert_int_equal(ysync_hub_new(&program->config, &program->hub), YSYNC_OK);
}

static void expect_diary(struct program *program, const char *want)
{
    assert_string_equal(program->diary.text, want);
    program->diary.text[0] = '\0';
}

static int take_message(void *user, struct ysync_bytes message)
{
    struct line *line = user;
    struct ys_message decoded;
    const char *problem;

    assert_int_equal(ys_message_decode(message, &decoded, &problem), YSYNC_OK);
    if (decoded.type == YS_MESSAGE_UPDATE || decoded.type == YS_MESSAGE_SYNC_STEP2)
        assert_int_equal(ysync_doc_apply(line->doc, decoded.payload, 0, NULL, NULL), YSYNC_OK);
    if (line->room_for == 0)
        fail_msg("a line that is full was called");
    line->taken++;
    line->taken_bytes += message.len;
    return --line->room_for > 0;
}

static void on_ended(void *user, enum ysync_err err, const char *problem)
{
    struct line *line = user;

    assert_int_equal(err, YSYNC_ERR_NOT_FOUND);
    assert_non_null(problem);
    line->drops++;
    if (!line->leaves_when_dropped)
        return;
    ysync_member_leave(line->member, 0);
    line->member = NULL;
}

static const struct ysync_member_events line_events = { .send = take_message, .ended = on_ended };

static enum ysync_err try_join_line(struct program *program, struct line *line, const char *room)
{
    line->room_for = SIZE_MAX;
    if (!line->doc)
        assert_int_equal(ysync_doc_new(NULL, &line->doc), YSYNC_OK);
    return ysync_hub_join(program->hub, text_bytes(room), &line_events, line, NULL, 0, &line->member);
}

static void join_line(struct program *program, struct line *line, const char *room)
{
    assert_int_equal(try_join_line(program, line, room), YSYNC_OK);
}

static void leave_line(struct line *line)
{
    if (line->member)
        ysync_member_leave(line->member, 0);
    line->member = NULL;
    ysync_doc_free(line->doc);
    line->doc = NULL;
}

static void end(struct program *program)
{
    ysync_hub_free(program->hub);
    assert_int_equal(program->memory.live_blocks, 0);
}

static enum ysync_err try_type_on(struct line *line, uint64_t client, uint64_t clock)
{
    struct ys_buf update;
    struct ys_blob *blob = ys_message_encode(ysync_alloc_default(), YS_MESSAGE_UPDATE, typing(&update, client, clock));
    enum ysync_err err = ysync_member_receive(line->member, ys_blob_bytes(blob), 0, NULL);

    ys_blob_unref(blob);
    ys_buf_deinit(&update);
    return err;
}

static void type_on(struct line *line, uint64_t client, uint64_t clock)
{
    assert_int_equal(try_type_on(line, client, clock), YSYNC_OK);
}

static enum ysync_err try_apply_to(struct ysync_room *room, uint64_t client, uint64_t clock)
{
    struct ys_buf update;
    enum ysync_err err = ysync_room_apply(room, typing(&update, client, clock), 0);

    ys_buf_deinit(&update);
    return err;
}

/* How much of client's typing the document has. */
static uint64_t clock_of(struct ysync_doc *doc, uint64_t client)
{
    struct ys_state_vector vector;
    struct ysync_bytes bytes;
    struct ys_reader in;
    size_t hint = 0;
    uint64_t clock;

    assert_int_equal(ysync_doc_state_vector(doc, &bytes), YSYNC_OK);
    in = ys_reader_init(bytes);
    ys_state_vector_init(&vector);
    assert_int_equal(ys_state_vector_decode(&vector, ysync_alloc_default(), &in), YSYNC_OK);
    clock = ys_state_vector_clock(&vector, client, &hint);
    ys_state_vector_deinit(&vector, ysync_alloc_default());
    ysync_bytes_free(NULL, bytes);
    return clock;
}

static void test_public_messages_are_sent_before_calls_return(void **state)
{
    struct program program;
    struct line a = { 0 };
    struct line b = { 0 };

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    start(&program);
    join_line(&program, &a, "blog");
    join_line(&program, &b, "blog");
    assert_int_equal(a.taken, 1); /* the greeting */
    assert_int_equal(b.taken, 1);
    type_on(&a, 7, 0);
    assert_int_equal(a.taken, 1);
    assert_int_equal(b.taken, 2);
    assert_int_equal(clock_of(b.doc, 7), 1);
    ysync_hub_tick(program.hub, 15000);
    assert_int_equal(a.taken, 2); /* so that its line stays alive */
    assert_true(ysync_hub_next_tick(program.hub) > 15000);
    leave_line(&a);
    leave_line(&b);
    end(&program);
}

/* While a line is full nothing is sent and little is held; then it gets all that it missed. */
static void test_public_full_lines_catch_up(void **state)
{
    struct program program;
    struct line fast = { 0 };
    struct line slow = { 0 };
    size_t before;

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    program.config.send_buffer_bytes = 500;
    start(&program);
    join_line(&program, &fast, "blog");
    join_line(&program, &slow, "blog");
    type_on(&fast, 7, 0);
    slow.room_for = 1;
    type_on(&fast, 7, 1);
    before = slow.taken;
    for (uint64_t clock = 2; clock < 1000; clock++)
        type_on(&fast, 7, clock);
    ysync_hub_tick(program.hub, 20000);
    assert_int_equal(slow.taken, before);
    assert_int_equal(clock_of(slow.doc, 7), 2);
    assert_true(program.memory.live_bytes < 20000);

    slow.room_for = 1;
    ysync_member_writable(slow.member, 20000);
    assert_int_equal(slow.taken, before + 1);
    slow.room_for = SIZE_MAX;
    ysync_member_writable(slow.member, 20000);
    assert_int_equal(clock_of(slow.doc, 7), 1000);
    assert_true(slow.taken < 100);
    type_on(&fast, 7, 1000);
    assert_int_equal(clock_of(slow.doc, 7), 1001);
    leave_line(&fast);
    leave_line(&slow);
    end(&program);
}

/* As long as they do not fall behind. */
static void test_public_full_lines_get_what_waits_as_one(void **state)
{
    struct program program;
    struct line fast = { 0 };
    struct line slow[2] = { { 0 }, { 0 } };

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    start(&program);
    join_line(&program, &fast, "blog");
    for (size_t i = 0; i < 2; i++) {
        join_line(&program, &slow[i], "blog");
        slow[i].room_for = 1;
    }
    for (uint64_t clock = 0; clock < 50; clock++)
        type_on(&fast, 7, clock);
    for (size_t i = 0; i < 2; i++) {
        size_t before = slow[i].taken;

        assert_int_equal(clock_of(slow[i].doc, 7), 1);
        slow[i].room_for = SIZE_MAX;
        ysync_member_writable(slow[i].member, 1000);
        assert_int_equal(slow[i].taken, before + 1);
        assert_int_equal(clock_of(slow[i].doc, 7), 50);
        leave_line(&slow[i]);
    }
    leave_line(&fast);
    end(&program);
}

static void test_public_programs_are_told_of_rooms(void **state)
{
    struct program program;
    struct ysync_room *room;
    struct line a = { 0 };
    char want[128];

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    program.config.evict_after_ms = 100;
    start(&program);
    join_line(&program, &a, "blog");
    expect_diary(&program, "created blog; ");
    type_on(&a, 7, 0);
    type_on(&a, 7, 0); /* known: no news */
    snprintf(want, sizeof(want), "updated by %llu blog; ", (unsigned long long)ysync_member_id(a.member));
    expect_diary(&program, want);
    assert_int_equal(try_apply_to(ysync_member_room(a.member), 8, 0), YSYNC_OK);
    expect_diary(&program, "updated by 0 blog; ");
    assert_int_equal(clock_of(a.doc, 8), 1);
    leave_line(&a);
    expect_diary(&program, "");
    ysync_hub_tick(program.hub, 100);
    expect_diary(&program, "evicted blog; ");

    assert_int_equal(ysync_hub_open(program.hub, TEXT("b"), 0, &room), YSYNC_OK);
    ysync_hub_drop(program.hub, room);
    expect_diary(&program, "created b; evicted b; ");
    assert_int_equal(ysync_hub_open(program.hub, TEXT("c"), 0, &room), YSYNC_OK);
    end(&program);
    expect_diary(&program, "created c; evicted c; ");
}

static void test_public_integrated_documents_are_the_programs(void **state)
{
    struct program program;
    struct ysync_room *room;
    struct line a = { 0 };
    struct line b = { 0 };
    struct ys_buf update;

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    program.config.events.resolve = resolve;
    program.config.evict_after_ms = 100;
    start(&program);
    assert_int_equal(ysync_doc_new(NULL, &program.diary.theirs), YSYNC_OK);
    assert_int_equal(ysync_doc_apply(program.diary.theirs, typing(&update, 9, 0), 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&update);

    assert_int_equal(try_join_line(&program, &a, "yours"), YSYNC_ERR_NOT_FOUND);
    assert_int_equal(ysync_hub_open(program.hub, TEXT("yours"), 0, &room), YSYNC_ERR_NOT_FOUND);
    assert_int_equal(ysync_hub_room_count(program.hub), 0);
    join_line(&program, &a, "mine");
    assert_ptr_equal(ysync_room_doc(ysync_member_room(a.member)), program.diary.theirs);
    assert_int_equal(ysync_member_receive(a.member, TEXT("\0\0\1\0"), 0, NULL), YSYNC_OK);
    assert_int_equal(clock_of(a.doc, 9), 1);
    assert_int_equal(try_apply_to(ysync_member_room(a.member), 9, 1), YSYNC_OK);
    assert_int_equal(clock_of(a.doc, 9), 2);
    leave_line(&a);
    ysync_hub_tick(program.hub, 100);
    expect_diary(&program, "updated by 0 mine; evicted mine; ");
    assert_int_equal(clock_of(program.diary.theirs, 9), 2);
    join_line(&program, &b, "mine");
    leave_line(&b);
    end(&program);
    expect_diary(&program, "evicted mine; ");
    ysync_doc_free(program.diary.theirs);
}

/* The program may free its document as soon as it was told, though somebody is still there and has not taken all. */
static void test_public_dropped_rooms_let_go_of_documents(void **state)
{
    struct program program;
    struct line full = { 0 };
    struct line leaver = { .leaves_when_dropped = true };
    struct line stayer = { 0 };
    struct ysync_room *room;

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    program.config.events.resolve = resolve;
    start(&program);
    assert_int_equal(ysync_doc_new(NULL, &program.diary.theirs), YSYNC_OK);
    join_line(&program, &full, "mine");
    join_line(&program, &leaver, "mine");
    join_line(&program, &stayer, "mine");
    full.room_for = 1;
    for (uint64_t clock = 0; clock < 3; clock++)
        type_on(&stayer, 7, clock);
    room = ysync_member_room(full.member);
    ysync_hub_drop(program.hub, room);
    ysync_doc_free(program.diary.theirs);
    assert_null(leaver.member);
    assert_int_equal(full.drops + leaver.drops + stayer.drops, 3);
    ysync_member_writable(full.member, 0);
    ysync_hub_tick(program.hub, 100000);
    assert_int_equal(try_type_on(&stayer, 7, 3), YSYNC_ERR_CLOSED);
    leave_line(&full);
    leave_line(&leaver);
    leave_line(&stayer);
    end(&program);
}

static void test_public_says_why_messages_are_refused(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes message;
        bool is_refused;
    } cases[] = {
        { "an empty message", { NULL, 0 }, true },
        { "an unknown sync type", TEXT("\0\7"), true },
        { "a query", TEXT("\3"), false },
    };
    struct program program;
    struct line a = { 0 };

    (void)state;
    prepare(&program, YS_TEST_NEVER_FAIL);
    start(&program);
    join_line(&program, &a, "blog");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *problem = "not set";
        enum ysync_err err = ysync_member_receive(a.member, cases[i].message, 0, &problem);

        if (err != (cases[i].is_refused ? YSYNC_ERR_MALFORMED : YSYNC_OK) || !problem == cases[i].is_refused)
            fail_msg("%s: got %s (%s)", cases[i].name, ysync_strerror(err), problem);
        assert_int_equal(ysync_member_receive(a.member, cases[i].message, 0, NULL), err);
    }
    leave_line(&a);
    end(&program);
}

static enum ysync_err live(struct program *program)
{
    struct line a = { 0 };
    struct line b = { 0 };
    enum ysync_err err = ysync_hub_new(&program->config, &program->hub);

    if (!err)
        err = try_join_line(program, &a, "blog");
    if (!err)
        err = try_join_line(program, &b, "blog");
    if (!err)
        err = try_type_on(&a, 7, 0);
    if (!err)
        ysync_hub_tick(program->hub, 30000);
    leave_line(&a);
    leave_line(&b);
    ysync_hub_free(program->hub);
    return err;
}

static void test_public_survives_failed_allocations(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct program program;
        enum ysync_err err;

        prepare(&program, n);
        err = live(&program);
        assert_int_equal(program.memory.live_blocks, 0);
        if (!program.memory.failed)
            break;
        if (err && err != YSYNC_ERR_NOMEM)
            fail_msg("allocation %zu failed: got %s", n, ysync_strerror(err));
    }
}

/* Ticks at the time 0 until there is nothing more to do then. */
static void tick_on(struct program *program)
{
    while (ysync_hub_next_tick(program->hub) == 0)
        ysync_hub_tick(program->hub, 0);
}

/* A store that answers from inside: the answers are taken in by the next tick, which is due at once. */
static void test_public_rooms_may_have_a_store(void **state)
{
    struct ysync_doc_stats stats;
    struct memory_store store;
    struct program program;
    struct line a = { 0 };
    struct ysync_room *room;

    (void)state;
    memory_store_init(&store);
    prepare(&program, YS_TEST_NEVER_FAIL);
    program.config.store = &store.store;
    program.config.evict_after_ms = 10;
    start(&program);
    join_line(&program, &a, "blog");
    room = ysync_member_room(a.member);
    assert_false(ysync_room_is_loaded(room));
    assert_null(ysync_room_doc(room));
    assert_int_equal(a.taken, 0);
    assert_int_equal(try_apply_to(room, 9, 0), YSYNC_ERR_CONFLICT);
    expect_diary(&program, "");

    tick_on(&program);
    assert_true(ysync_room_is_loaded(room));
    expect_diary(&program, "created blog; ");
    assert_int_equal(a.taken, 1);
    type_on(&a, 1, 0);
    assert_int_equal(ysync_member_receive(a.member, TEXT("\x66\x01x"), 0, NULL), YSYNC_OK);
    assert_int_equal(a.taken, 1);
    assert_false(ysync_hub_is_stored(program.hub));
    tick_on(&program);
    assert_int_equal(a.taken, 2); /* the echo */
    assert_true(ysync_hub_is_stored(program.hub));
    expect_diary(&program, "updated by 1 blog; ");

    leave_line(&a);
    ysync_hub_tick(program.hub, 10);
    expect_diary(&program, "evicted blog; ");
    assert_non_null(memory_store_find(&store, "blog"));
    join_line(&program, &a, "blog");
    tick_on(&program);
    room = ysync_member_room(a.member);
    ysync_doc_stats(ysync_room_doc(room), &stats);
    assert_int_equal(stats.structs, 1);
    ysync_hub_drop(program.hub, room);
    tick_on(&program);
    assert_null(memory_store_find(&store, "blog"));
    leave_line(&a);
    end(&program);
    memory_store_deinit(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_messages_are_sent_before_calls_return),
        cmocka_unit_test(test_public_full_lines_catch_up),
        cmocka_unit_test(test_public_full_lines_get_what_waits_as_one),
        cmocka_unit_test(test_public_programs_are_told_of_rooms),
        cmocka_unit_test(test_public_integrated_documents_are_the_programs),
        cmocka_unit_test(test_public_rooms_may_have_a_store),
        cmocka_unit_test(test_public_dropped_rooms_let_go_of_documents),
        cmocka_unit_test(test_public_says_why_messages_are_refused),
        cmocka_unit_test(test_public_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
