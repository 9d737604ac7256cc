/* SPDX-License-Identifier: MIT */
/*
 * One WebSocket message of a client: what it means, encoded again, means the same; and so do the entries of an
 * awareness update, whose encoding has one form only.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/awareness.h"
#include "protocol/message.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The entries as we write them. */
static struct ys_blob *encode_entries(struct ys_awareness_reader reader)
{
    struct ys_awareness_writer writer;
    struct ys_awareness_entry entry;
    struct ys_blob *blob;

    ys_awareness_writer_init(&writer, ysync_alloc_default());
    while (ys_awareness_next(&reader, &entry))
        ys_awareness_put(&writer, entry.client, entry.clock, entry.state);
    blob = ys_awareness_encode(&writer);
    ys_awareness_writer_deinit(&writer);
    REQUIRE(blob);
    return blob;
}

static void check_awareness(struct ysync_bytes payload)
{
    struct ys_awareness_reader reader;
    struct ys_message message;
    struct ys_blob *once;
    struct ys_blob *twice;
    const char *problem = NULL;

    if (ys_awareness_open(payload, &reader, &problem)) {
        REQUIRE(problem);
        return;
    }
    once = encode_entries(reader);
    REQUIRE(!ys_message_decode(ys_blob_bytes(once), &message, &problem));
    REQUIRE(message.type == YS_MESSAGE_AWARENESS && message.payload.len <= payload.len);
    REQUIRE(!ys_awareness_open(message.payload, &reader, &problem));
    twice = encode_entries(reader);
    REQUIRE(is_same(ys_blob_bytes(once), ys_blob_bytes(twice)));
    ys_blob_unref(once);
    ys_blob_unref(twice);
}

static void check_encoding(const struct ys_message *message)
{
    struct ys_blob *blob = ys_message_encode(ysync_alloc_default(), message->type, message->payload);
    struct ys_message again;
    const char *problem;

    REQUIRE(blob);
    REQUIRE(!ys_message_decode(ys_blob_bytes(blob), &again, &problem));
    REQUIRE(again.type == message->type && is_same(again.payload, message->payload));
    REQUIRE(again.whole.len == blob->len && blob->len <= message->whole.len);
    ys_blob_unref(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ys_message message;
    const char *problem = NULL;

    if (ys_message_decode((struct ysync_bytes){ data, size }, &message, &problem)) {
        REQUIRE(problem);
        return 0;
    }
    REQUIRE(message.whole.data == data && message.whole.len <= size);
    if (message.type == YS_MESSAGE_AWARENESS)
        check_awareness(message.payload);
    if (message.type <= YS_MESSAGE_AWARENESS || message.type == YS_MESSAGE_SYNC_STATUS)
        check_encoding(&message);
    return 0;
}
