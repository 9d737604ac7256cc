/* SPDX-License-Identifier: MIT */
/*
 * A room whose store is slow, fails, and is asked again, while members do whatever the input says. Whenever it is over,
 * as if the program had died there:
 *
 *     - what is stored can be loaded, whatever the hostile ones sent,
 *     - and holds all that the one who behaves had an echo for.
 *
 * If the store has answered everything by then, it holds what the room holds.
 *
 *     step     [ member * 8 + what | argument ]
 *              [ member * 8 + RECEIVE | length | message ... ]
 */
#include "documents.h"

#include "protocol/message.h"
#include "room/hub.h"
#include "support/failing_alloc.h"
#include "support/memory_store.h"

#define HOSTILE_MEMBERS 2
#define MAX_STEPS 200
#define MAX_RETRY_MS 10000
#define ROOM "room"
#define GOOD_CLIENT 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
    JOIN_OR_LEAVE,
    TYPE,   /* the good one, and wants to know whether that is saved */
    ANSWER, /* so many */
    FAIL,
    WAIT_A_MOMENT, /* the argument in milliseconds */
    WAIT_LONG,     /* in seconds */
    RECEIVE,
    GOOD_LEAVES_OR_JOINS,
};

struct party {
    struct ys_test_alloc memory;
    struct memory_store store;
    struct ys_hub *hub;
    uint64_t now_ms;
    struct ys_member *good; /* NULL: not there */
    uint8_t typed;          /* letters, of which its connection knows */
    uint8_t acknowledged;
    struct ys_member *hostile[HOSTILE_MEMBERS];
    bool has_ended[HOSTILE_MEMBERS];
};

static const struct ysync_bytes room_name = { (const uint8_t *)ROOM, sizeof(ROOM) - 1 };

static void on_wake(void *user)
{
    (void)user;
}

static void on_ended(void *user, enum ysync_err err, const char *problem)
{
    bool *has_ended = user;

    require(err != YSYNC_OK && problem, "who is told to go is told why");
    *has_ended = true;
}

static void on_good_ended(void *user, enum ysync_err err, const char *problem)
{
    (void)user;
    (void)problem;
    require(err == YSYNC_ERR_IO || err == YSYNC_ERR_LIMIT,
            "who behaves has to go only for want of the store, or of space");
}

static const struct ys_member_events events = { .wake = on_wake, .ended = on_ended };
static const struct ys_member_events good_events = { .wake = on_wake, .ended = on_good_ended };

static void turn(struct party *party)
{
    ys_hub_tick(party->hub, party->now_ms);
    ys_hub_deliver(party->hub, party->now_ms);
}

static struct ys_member *join(struct party *party, const struct ys_member_events *what, void *user)
{
    static const struct ys_member_options options = { .is_read_only = false };
    struct ys_member *member;

    require(!ys_hub_join(party->hub, room_name, what, user, &options, party->now_ms, &member), "anybody can join");
    return member;
}

static void leave(struct party *party, struct ys_member **member)
{
    ys_member_leave(*member, party->now_ms);
    *member = NULL;
}

/* The letter at `clock`, and with it those before: a client brings all it has. */
static size_t put_letters(uint8_t *to, uint8_t count)
{
    size_t len = 0;

    to[len++] = 0;
    to[len++] = 2;
    to[len++] = (uint8_t)(10 + count);
    memcpy(to + len, (uint8_t[]){ 1, 1, GOOD_CLIENT, 0, 4, 1, 1, 't', count }, 9);
    len += 9;
    memset(to + len, 'x', count);
    len += count;
    to[len++] = 0;
    return len;
}

static void type(struct party *party)
{
    uint8_t message[128];
    const char *problem;
    enum ysync_err err;

    if (!party->good || party->typed == 50)
        return;
    err = ys_member_receive(party->good, (struct ysync_bytes){ message, put_letters(message, ++party->typed) },
                            party->now_ms, &problem);
    if (!err)
        err = ys_member_receive(party->good, (struct ysync_bytes){ (uint8_t[]){ 102, 1, party->typed }, 3 },
                                party->now_ms, &problem);
    require(!err || err == YSYNC_ERR_LIMIT || err == YSYNC_ERR_IO || err == YSYNC_ERR_CLOSED,
            "who behaves is refused for want of space alone");
    if (err)
        leave(party, &party->good);
}

static void take(struct party *party)
{
    struct ys_blob *blob;

    while (party->good && (blob = ys_member_take(party->good, party->now_ms))) {
        if (ys_blob_data(blob)[0] == 102 && ys_blob_data(blob)[2] > party->acknowledged)
            party->acknowledged = ys_blob_data(blob)[2];
        ys_blob_unref(blob);
    }
    for (size_t i = 0; i < HOSTILE_MEMBERS; i++) {
        while (party->hostile[i] && (blob = ys_member_take(party->hostile[i], party->now_ms)))
            ys_blob_unref(blob);
    }
}

static void receive(struct party *party, size_t i, struct ysync_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1); /* exactly as long as it is, for the sanitizers */
    const char *problem = NULL;

    require(copy, "memory");
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    if (ys_member_receive(party->hostile[i], (struct ysync_bytes){ copy, bytes.len }, party->now_ms, &problem))
        leave(party, &party->hostile[i]);
    free(copy);
}

static void answer(struct party *party, size_t count)
{
    for (; count > 0 && memory_store_answer(&party->store); count--)
        turn(party);
}

/* One step; returns how much of the input it took. */
static size_t step(struct party *party, const uint8_t *data, size_t size)
{
    size_t i = data[0] >> 3 & 1;
    size_t len = data[1] < size - 2 ? data[1] : size - 2;
    enum what what = data[0] & 7;

    switch (what) {
    case JOIN_OR_LEAVE:
        if (party->hostile[i])
            leave(party, &party->hostile[i]);
        else
            party->hostile[i] = join(party, &events, &party->has_ended[i]);
        party->has_ended[i] = false;
        break;
    case TYPE:
        type(party);
        break;
    case ANSWER:
        answer(party, data[1]);
        break;
    case FAIL:
        memory_store_fail(&party->store, data[1] & 31, 1, data[1] & 32 ? YSYNC_ERR_LIMIT : YSYNC_ERR_IO, NULL);
        break;
    case WAIT_A_MOMENT:
        party->now_ms += data[1];
        break;
    case WAIT_LONG:
        party->now_ms += data[1] * 1000u;
        break;
    case RECEIVE:
        if (party->hostile[i])
            receive(party, i, (struct ysync_bytes){ data + 2, len });
        break;
    case GOOD_LEAVES_OR_JOINS:
        if (party->good)
            leave(party, &party->good);
        else
            party->good = join(party, &good_events, NULL);
        break;
    }
    turn(party);
    take(party);
    return what == RECEIVE ? 2 + len : 2;
}

static void open_party(struct party *party)
{
    struct ys_hub_config config = {
        .alloc = &party->memory.alloc,
        .seed = { 1, 2 },
        .evict_after_ms = 5000,
        .max_room_bytes = 65536,
        .max_pending_bytes = 4096,
        .max_presence_bytes = 64,
        .max_outbox_bytes = 512,
        .store = &party->store.store,
    };

    ys_test_alloc_init(&party->memory, YS_TEST_NEVER_FAIL);
    memory_store_init(&party->store);
    memory_store_wait(&party->store);
    party->now_ms = 1000;
    require(!ys_hub_new(&config, &party->hub), "a hub");
    party->good = join(party, &good_events, NULL);
}

/* What is stored, as it is loaded. */
static struct ysync_doc *load_stored(struct party *party)
{
    const struct memory_store_room *room = memory_store_find(&party->store, ROOM);
    struct ysync_doc *doc = NULL;

    if (!room)
        return new_doc();
    require(room->snapshot.data, "there is no log without a snapshot");
    require(!ysync_doc_load(NULL, (struct ysync_bytes){ room->snapshot.data, room->snapshot.len }, &doc),
            "a stored snapshot can be loaded");
    ysync_doc_set_max_pending(doc, SIZE_MAX);
    for (size_t i = 0; i < room->update_count; i++)
        require(
            !ysync_doc_apply(doc, (struct ysync_bytes){ room->updates[i].data, room->updates[i].len }, 0, NULL, NULL),
            "a stored update can be applied");
    ys_doc_check(doc);
    return doc;
}

/* The hostile ones may use the good one's client id too: then what it typed is not new, but it is there. */
static void check_acknowledged(const struct party *party, struct ysync_doc *stored)
{
    uint8_t message[128];
    size_t len = put_letters(message, party->acknowledged);
    struct ysync_bytes update = { message + 3, len - 3 };
    int lacks = 0;

    if (party->acknowledged == 0)
        return;
    require(!ysync_doc_lacks(stored, update, &lacks), "an update");
    require(!lacks, "what was acknowledged is stored");
}

/* Everything is answered, at last: the store has what the room has. */
static void check_all(struct party *party)
{
    struct ys_room *room;
    struct ysync_doc *stored;
    struct ysync_bytes whole;
    struct ysync_doc *copy;

    memory_store_fail(&party->store, 0, 0, YSYNC_OK, NULL);
    for (unsigned i = 0; i < 4; i++) {
        answer(party, SIZE_MAX);
        party->now_ms += MAX_RETRY_MS;
        turn(party);
    }
    require(ys_hub_is_stored(party->hub), "a store that works gets everything");
    room = ys_hub_find(party->hub, room_name);
    if (!room)
        return;
    stored = load_stored(party);
    require(!ysync_doc_diff(ys_room_doc(room), (struct ysync_bytes){ NULL, 0 }, &whole), "a document is handed out");
    copy = load(whole);
    if (!has_pending(copy) && !has_pending(stored))
        require_equal(copy, stored, "the store has what the room has");
    ysync_doc_free(copy);
    ysync_bytes_free(&party->memory.alloc, whole);
    ysync_doc_free(stored);
}

static void close_party(struct party *party)
{
    for (size_t i = 0; i < HOSTILE_MEMBERS; i++) {
        if (party->hostile[i])
            leave(party, &party->hostile[i]);
    }
    if (party->good)
        leave(party, &party->good);
    ys_hub_free(party->hub);
    memory_store_deinit(&party->store);
    require(party->memory.live_blocks == 0, "all memory is given back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct party party = { .hub = NULL };
    struct ysync_doc *stored;

    open_party(&party);
    for (int steps = 0; size >= 2 && steps < MAX_STEPS; steps++) {
        size_t taken = step(&party, data, size);

        data += taken;
        size -= taken;
    }
    stored = load_stored(&party);
    check_acknowledged(&party, stored);
    ysync_doc_free(stored);
    check_all(&party);
    close_party(&party);
    return 0;
}
