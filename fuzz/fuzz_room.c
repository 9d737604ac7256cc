/* SPDX-License-Identifier: MIT */
/*
 * Members who do whatever the input says, and one who behaves: it takes what there is every few steps, so that some of
 * it is merged, and has in the end what the room has. When all is over no memory is left.
 *
 *     step     [ member * 8 + what | argument ]      join, leave, take one or all, let time pass
 *              [ member * 8 + RECEIVE | length | message ... ]
 */
#include "documents.h"

#include "protocol/message.h"
#include "room/hub.h"
#include "support/failing_alloc.h"

#define HOSTILE_MEMBERS 2
#define MAX_STEPS 200
#define TAKE_EVERY 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
    JOIN,
    LEAVE,
    TAKE_ONE,
    TAKE_ALL,
    WAIT_A_MOMENT, /* the argument in milliseconds */
    WAIT_LONG,     /* in seconds */
    RECEIVE,
    JOIN_READ_ONLY,
};

struct party {
    struct ys_test_alloc memory;
    struct ys_hub *hub;
    uint64_t now_ms;
    struct ys_member *good;
    struct ysync_doc *good_doc; /* what its client has */
    struct ys_member *hostile[HOSTILE_MEMBERS];
};

static const struct ysync_bytes room_name = { (const uint8_t *)"room", 4 };

static void on_wake(void *user)
{
    (void)user;
}

static const struct ys_member_events events = { .wake = on_wake };

static struct ys_member *join(struct party *party, bool is_read_only)
{
    struct ys_member_options options = { .is_read_only = is_read_only };
    struct ys_member *member;

    require(!ys_hub_join(party->hub, room_name, &events, NULL, &options, party->now_ms, &member), "anybody can join");
    return member;
}

static void receive(struct party *party, struct ys_member *member, struct ysync_bytes bytes, enum ysync_err *err)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1); /* exactly as long as it is, for the sanitizers */
    const char *problem = NULL;

    require(copy, "memory");
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    *err = ys_member_receive(member, (struct ysync_bytes){ copy, bytes.len }, party->now_ms, &problem);
    require(*err != YSYNC_ERR_MALFORMED || problem, "what is malformed is explained");
    free(copy);
}

/* As a client does with what it gets. */
static void take_all_of_the_good(struct party *party)
{
    struct ys_blob *blob;

    while ((blob = ys_member_take(party->good, party->now_ms))) {
        struct ys_message message;
        const char *problem;

        require(!ys_message_decode(ys_blob_bytes(blob), &message, &problem), "a message that is one");
        if (message.type == YS_MESSAGE_SYNC_STEP2 || message.type == YS_MESSAGE_UPDATE)
            require(!ysync_doc_apply(party->good_doc, message.payload, 0, NULL, NULL), "an update that is one");
        ys_blob_unref(blob);
    }
}

static void take(struct party *party, struct ys_member *member, size_t count)
{
    struct ys_blob *blob;

    for (; count > 0 && (blob = ys_member_take(member, party->now_ms)); count--)
        ys_blob_unref(blob);
}

static void leave(struct party *party, struct ys_member **member)
{
    ys_member_leave(*member, party->now_ms);
    *member = NULL;
}

static void pass_time(struct party *party, uint64_t ms)
{
    party->now_ms += ms;
    ys_hub_tick(party->hub, party->now_ms);
    require(ys_hub_next_tick(party->hub) > party->now_ms, "what was due is done");
}

/* One step; returns how much of the input it took. */
static size_t step(struct party *party, const uint8_t *data, size_t size)
{
    struct ys_member **member = &party->hostile[data[0] >> 3 & 1];
    size_t len = data[1] < size - 2 ? data[1] : size - 2;
    enum what what = data[0] & 7;
    enum ysync_err err = YSYNC_OK;

    if (what == WAIT_A_MOMENT || what == WAIT_LONG)
        pass_time(party, what == WAIT_LONG ? data[1] * 1000u : data[1]);
    else if (!*member && (what == JOIN || what == JOIN_READ_ONLY))
        *member = join(party, what == JOIN_READ_ONLY);
    if (what == RECEIVE && *member)
        receive(party, *member, (struct ysync_bytes){ data + 2, len }, &err);
    if (what == TAKE_ONE && *member)
        take(party, *member, 1);
    if (what == TAKE_ALL && *member)
        take(party, *member, SIZE_MAX);
    if ((what == LEAVE || err) && *member)
        leave(party, member);
    return what == RECEIVE ? 2 + len : 2;
}

static void open_party(struct party *party)
{
    const struct ys_hub_config config = {
        .alloc = &party->memory.alloc,
        .seed = { 1, 2 },
        .evict_after_ms = 5000,
        .max_room_bytes = 65536,
        .max_pending_bytes = 4096,
        .max_presence_bytes = 64,
        .max_outbox_bytes = 512,
    };

    ys_test_alloc_init(&party->memory, YS_TEST_NEVER_FAIL);
    party->now_ms = 1000;
    require(!ys_hub_new(&config, &party->hub), "a hub");
    party->good = join(party, false);
    party->good_doc = new_doc();
}

/* A document with the room's content that belongs to the test. */
static struct ysync_doc *copy_of(struct party *party, struct ysync_doc *doc)
{
    struct ysync_bytes whole;
    struct ysync_doc *copy;

    require(!ysync_doc_diff(doc, (struct ysync_bytes){ NULL, 0 }, &whole), "a document can be handed out");
    copy = load(whole);
    ysync_bytes_free(&party->memory.alloc, whole);
    return copy;
}

static void check_same_state(struct party *party, struct ysync_doc *doc)
{
    struct ysync_bytes of_room;
    struct ysync_bytes of_good;

    require(!ysync_doc_state_vector(doc, &of_room), "a state vector");
    require(!ysync_doc_state_vector(party->good_doc, &of_good), "a state vector");
    require(is_same(of_room, of_good), "who behaves counts what the room counts");
    ysync_bytes_free(&party->memory.alloc, of_room);
    ysync_bytes_free(NULL, of_good);
}

/* What waits for others is told to nobody but who asks for all. */
static void check_good(struct party *party)
{
    struct ysync_doc *doc = ys_room_doc(ys_member_room(party->good));
    struct ysync_doc *copy;

    ys_doc_check(doc);
    ys_doc_check(party->good_doc);
    require(!has_pending(party->good_doc), "nothing is told before what it depends on");
    check_same_state(party, doc);
    if (has_pending(doc))
        return;
    copy = copy_of(party, doc);
    require_equal(copy, party->good_doc, "who behaves has what the room has");
    ysync_doc_free(copy);
}

static void close_party(struct party *party)
{
    for (size_t i = 0; i < HOSTILE_MEMBERS; i++) {
        if (party->hostile[i])
            leave(party, &party->hostile[i]);
    }
    leave(party, &party->good);
    pass_time(party, 5000);
    require(ys_hub_room_count(party->hub) == 0, "a room that everybody left is evicted");
    ys_hub_free(party->hub);
    ysync_doc_free(party->good_doc);
    require(party->memory.live_blocks == 0, "all memory is given back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct party party = { .hub = NULL };

    open_party(&party);
    for (int steps = 0; size >= 2 && steps < MAX_STEPS; steps++) {
        size_t taken = step(&party, data, size);

        data += taken;
        size -= taken;
        if (steps % TAKE_EVERY == 0)
            take_all_of_the_good(&party);
    }
    take_all_of_the_good(&party);
    check_good(&party);
    close_party(&party);
    return 0;
}
