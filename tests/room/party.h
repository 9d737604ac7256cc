/* SPDX-License-Identifier: MIT */
/*
 * A hub with a clock of its own, and guests: members without a network, each with the document that its client would
 * have. What a guest takes is applied to it.
 */
#ifndef YS_TEST_ROOM_PARTY_H
#define YS_TEST_ROOM_PARTY_H

#include "base/alloc.h"
#include "base/buf.h"
#include "room/entries.h"
#include "room/hub.h"
#include "support/failing_alloc.h"

#define MAX_GUESTS 64
#define EVICT_AFTER_MS 60000
#define BYTES(array) ((struct ysync_bytes){ array, sizeof(array) })
#define TEXT(literal) ((struct ysync_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

struct guest {
    struct ys_member *member;
    unsigned wakes;
    unsigned ends;
    enum ysync_err ended_with;
    struct ysync_doc *doc;
    const char *problem; /* of the last message that was refused */
};

struct party {
    struct ys_test_alloc memory;
    struct ys_hub_config config;
    struct ys_hub *hub;
    uint64_t now_ms;
    struct guest guests[MAX_GUESTS];
};

static inline struct ysync_bytes text_bytes(const char *text)
{
    return (struct ysync_bytes){ (const uint8_t *)text, strlen(text) };
}

static inline void party_prepare(struct party *party)
{
    memset(party, 0, sizeof(*party));
    ys_test_alloc_init(&party->memory, YS_TEST_NEVER_FAIL);
    party->now_ms = 1000;
    party->config = (struct ys_hub_config){
        .alloc = &party->memory.alloc,
        .seed = { 1, 2 },
        .evict_after_ms = EVICT_AFTER_MS,
        .max_pending_bytes = 1 << 20,
        .max_presence_bytes = 1 << 16,
        .max_outbox_bytes = 1 << 20,
    };
}

static inline void party_start(struct party *party)
{
    assert_int_equal(ys_hub_new(&party->config, &party->hub), YSYNC_OK);
}

static inline void party_init(struct party *party)
{
    party_prepare(party);
    party_start(party);
}

static inline void party_at(struct party *party, uint64_t now_ms)
{
    party->now_ms = now_ms;
    ys_hub_tick(party->hub, now_ms);
}

static inline void note_wake(void *user)
{
    struct guest *guest = user;

    guest->wakes++;
}

static inline void note_end(void *user, enum ysync_err err, const char *problem)
{
    struct guest *guest = user;

    guest->ends++;
    guest->ended_with = err;
    guest->problem = problem;
}

static const struct ys_member_events guest_events = { note_wake, note_end };

static inline enum ysync_err try_join(struct party *party, size_t i, const char *room, bool is_read_only)
{
    struct ys_member_options options = { .is_read_only = is_read_only };
    struct guest *guest = &party->guests[i];
    enum ysync_err err = ys_hub_join(party->hub, text_bytes(room), &guest_events, guest, &options, party->now_ms,
                                     &guest->member);

    guest->wakes = 0;
    if (!err && !guest->doc)
        assert_int_equal(ysync_doc_new(NULL, &guest->doc), YSYNC_OK);
    return err;
}

static inline void join(struct party *party, size_t i, const char *room)
{
    assert_int_equal(try_join(party, i, room, false), YSYNC_OK);
}

static inline void leave(struct party *party, size_t i)
{
    struct guest *guest = &party->guests[i];

    ys_member_leave(guest->member, party->now_ms);
    guest->member = NULL;
    ysync_doc_free(guest->doc);
    guest->doc = NULL;
}

static inline void party_deinit(struct party *party)
{
    for (size_t i = 0; i < MAX_GUESTS; i++) {
        if (party->guests[i].member)
            leave(party, i);
    }
    ys_hub_free(party->hub);
    assert_int_equal(party->memory.live_blocks, 0);
}

static inline enum ysync_err try_send(struct party *party, size_t i, struct ysync_bytes frame)
{
    struct guest *guest = &party->guests[i];

    guest->problem = NULL;
    return ys_member_receive(guest->member, frame, party->now_ms, &guest->problem);
}

static inline enum ysync_err try_send_message(struct party *party, size_t i, enum ys_message_type type,
                                              struct ysync_bytes payload)
{
    struct ys_blob *blob = ys_message_encode(ysync_alloc_default(), type, payload);
    enum ysync_err err = try_send(party, i, ys_blob_bytes(blob));

    ys_blob_unref(blob);
    return err;
}

static inline void send_message(struct party *party, size_t i, enum ys_message_type type, struct ysync_bytes payload)
{
    enum ysync_err err = try_send_message(party, i, type, payload);

    if (err)
        fail_msg("guest %zu sends %s: got %s (%s)", i, ys_message_type_name(type), ysync_strerror(err),
                 party->guests[i].problem);
}

static inline enum ysync_err try_say(struct party *party, size_t i, const char *entries)
{
    struct ys_blob *blob = entries_encode(entries);
    enum ysync_err err = try_send(party, i, ys_blob_bytes(blob));

    ys_blob_unref(blob);
    return err;
}

static inline void say(struct party *party, size_t i, const char *entries)
{
    assert_int_equal(try_say(party, i, entries), YSYNC_OK);
}

/* An update in which a client types one letter behind its others, as yjs 13.6 writes it. */
static inline struct ysync_bytes typing(struct ys_buf *to, uint64_t client, uint64_t clock)
{
    ys_buf_init(to, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put(to, TEXT("\x01\x01"));
    ys_buf_put_varuint(to, client);
    ys_buf_put_varuint(to, clock);
    if (clock == 0) {
        ys_buf_put(to, TEXT("\x04\x01\x01t"));
    } else {
        ys_buf_put_u8(to, 0x84);
        ys_buf_put_varuint(to, client);
        ys_buf_put_varuint(to, clock - 1);
    }
    ys_buf_put(to, TEXT("\x01x\x00"));
    return ys_buf_bytes(to);
}

static inline enum ysync_err try_type(struct party *party, size_t i, uint64_t client, uint64_t clock)
{
    struct ys_buf update;
    struct ysync_bytes bytes = typing(&update, client, clock);
    enum ysync_err err = try_send_message(party, i, YS_MESSAGE_UPDATE, bytes);

    if (!err)
        assert_int_equal(ysync_doc_apply(party->guests[i].doc, bytes, 0, NULL, NULL), YSYNC_OK);
    ys_buf_deinit(&update);
    return err;
}

/* A guest's client types one letter behind its others. */
static inline void type(struct party *party, size_t i, uint64_t client, uint64_t clock)
{
    assert_int_equal(try_type(party, i, client, clock), YSYNC_OK);
}

/* The next message, which the guest's document takes in if it is an update; the reference is the caller's. */
static inline struct ys_blob *take(struct party *party, size_t i)
{
    struct guest *guest = &party->guests[i];
    struct ys_blob *blob = ys_member_take(guest->member, party->now_ms);
    struct ys_message message;
    const char *problem;

    if (!blob)
        return NULL;
    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &problem), YSYNC_OK);
    if (message.type != YS_MESSAGE_AUTH) /* which is not looked into */
        assert_int_equal(message.whole.len, blob->len);
    if (message.type == YS_MESSAGE_SYNC_STEP2 || message.type == YS_MESSAGE_UPDATE)
        assert_int_equal(ysync_doc_apply(guest->doc, message.payload, 0, NULL, NULL), YSYNC_OK);
    return blob;
}

/* Takes all that there is; says how many messages that were. */
static inline size_t take_all(struct party *party, size_t i)
{
    struct ys_blob *blob;
    size_t count = 0;

    while ((blob = take(party, i))) {
        ys_blob_unref(blob);
        count++;
    }
    return count;
}

static inline void expect_nothing(struct party *party, size_t i)
{
    struct ys_blob *blob = take(party, i);

    if (blob)
        fail_msg("guest %zu: got a message of tag %d, want none", i, ys_blob_data(blob)[0]);
    assert_false(ys_member_has_output(party->guests[i].member));
}

static inline void expect_frame(struct party *party, size_t i, struct ysync_bytes want)
{
    struct ys_blob *blob = take(party, i);

    if (!blob)
        fail_msg("guest %zu: got no message", i);
    assert_int_equal(blob->len, want.len);
    assert_memory_equal(ys_blob_data(blob), want.data, want.len);
    ys_blob_unref(blob);
}

static inline void expect_message(struct party *party, size_t i, enum ys_message_type type, struct ysync_bytes payload)
{
    struct ys_blob *want = ys_message_encode(ysync_alloc_default(), type, payload);

    expect_frame(party, i, ys_blob_bytes(want));
    ys_blob_unref(want);
}

/* A message of this type, whatever it holds. */
static inline void expect_type(struct party *party, size_t i, enum ys_message_type type)
{
    struct ys_blob *blob = take(party, i);
    struct ys_message message;
    const char *problem;

    if (!blob)
        fail_msg("guest %zu: got no message, want %s", i, ys_message_type_name(type));
    assert_int_equal(ys_message_decode(ys_blob_bytes(blob), &message, &problem), YSYNC_OK);
    assert_string_equal(ys_message_type_name(message.type), ys_message_type_name(type));
    ys_blob_unref(blob);
}

/* "" is an empty awareness message. */
static inline void expect_entries(struct party *party, size_t i, const char *want)
{
    struct ys_blob *blob = take(party, i);
    char got[1024];

    if (!blob)
        fail_msg("guest %zu: got no message, want '%s'", i, want);
    entries_format(ys_blob_bytes(blob), got, sizeof(got));
    assert_string_equal(got, want);
    ys_blob_unref(blob);
}

/* The guest's document is the room's. */
static inline void expect_equal(struct party *party, size_t i)
{
    struct guest *guest = &party->guests[i];
    struct ysync_doc *doc = ys_room_doc(ys_member_room(guest->member));
    struct ysync_bytes ours;
    struct ysync_bytes theirs;

    assert_int_equal(ysync_doc_diff(doc, (struct ysync_bytes){ 0 }, &ours), YSYNC_OK);
    assert_int_equal(ysync_doc_diff(guest->doc, (struct ysync_bytes){ 0 }, &theirs), YSYNC_OK);
    if (ours.len != theirs.len)
        fail_msg("guest %zu: the document has %zu bytes, the room's %zu", i, theirs.len, ours.len);
    assert_memory_equal(ours.data, theirs.data, ours.len);
    ysync_bytes_free(&party->memory.alloc, ours);
    ysync_bytes_free(NULL, theirs);
}

#endif
