/* SPDX-License-Identifier: MIT */
/*
 * Decoding reads the tag, for sync messages the tag within, and the one byte string that every type we look into
 * consists of. The payload is checked by whoever understands it: the document, awareness.c.
 *
 * Encoding knows every length beforehand and fills the shared blob in one go, without a buffer between.
 */
#include "protocol/message.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"

/* What comes first in a message. */
enum tag {
    TAG_SYNC = 0,
    TAG_AWARENESS = 1,
    TAG_AUTH = 2,
    TAG_QUERY_AWARENESS = 3,
    TAG_SYNC_STATUS = 102,
};

#define SYNC_TYPES 3
#define PERMISSION_DENIED 0

static const enum ys_message_type sync_types[SYNC_TYPES] = {
    YS_MESSAGE_SYNC_STEP1,
    YS_MESSAGE_SYNC_STEP2,
    YS_MESSAGE_UPDATE,
};

const char *ys_message_type_name(enum ys_message_type type)
{
    switch (type) {
    case YS_MESSAGE_SYNC_STEP1:
        return "sync_step1";
    case YS_MESSAGE_SYNC_STEP2:
        return "sync_step2";
    case YS_MESSAGE_UPDATE:
        return "update";
    case YS_MESSAGE_AWARENESS:
        return "awareness";
    case YS_MESSAGE_AUTH:
        return "auth";
    case YS_MESSAGE_QUERY_AWARENESS:
        return "query_awareness";
    case YS_MESSAGE_SYNC_STATUS:
        return "sync_status";
    case YS_MESSAGE_UNKNOWN:
    case YS_MESSAGE_TYPES:
        break;
    }
    return "unknown";
}

static enum ysync_err read_sync(struct ys_reader *in, struct ys_message *message)
{
    uint64_t sync_type;
    enum ysync_err err = ys_reader_varuint(in, &sync_type);

    if (err)
        return err;
    if (sync_type >= SYNC_TYPES)
        return ys_reader_fail(in, "unknown sync message");
    message->type = sync_types[sync_type];
    return ys_reader_var_bytes(in, &message->payload);
}

static enum ysync_err read_message(struct ys_reader *in, struct ys_message *message)
{
    uint64_t tag;
    enum ysync_err err;

    if (ys_reader_is_at_end(in))
        return ys_reader_fail(in, "empty message");
    err = ys_reader_varuint(in, &tag);
    if (err)
        return err;
    switch (tag) {
    case TAG_SYNC:
        return read_sync(in, message);
    case TAG_AWARENESS:
        message->type = YS_MESSAGE_AWARENESS;
        return ys_reader_var_bytes(in, &message->payload);
    case TAG_AUTH:
        message->type = YS_MESSAGE_AUTH;
        return YSYNC_OK;
    case TAG_QUERY_AWARENESS:
        message->type = YS_MESSAGE_QUERY_AWARENESS;
        return YSYNC_OK;
    case TAG_SYNC_STATUS:
        message->type = YS_MESSAGE_SYNC_STATUS;
        return ys_reader_var_bytes(in, &message->payload);
    default:
        return YSYNC_OK;
    }
}

enum ysync_err ys_message_decode(struct ysync_bytes frame, struct ys_message *out, const char **problem)
{
    struct ys_reader in = ys_reader_init(frame);
    struct ys_message message = { .type = YS_MESSAGE_UNKNOWN };
    enum ysync_err err = read_message(&in, &message);

    if (err) {
        *problem = in.problem;
        return err;
    }
    message.whole = (struct ysync_bytes){ frame.data, frame.len - ys_reader_left(&in) };
    *out = message;
    return YSYNC_OK;
}

/* Writes the one or two numbers that such a message begins with; returns their bytes. */
static size_t put_tags(uint8_t to[2], enum ys_message_type type)
{
    switch (type) {
    case YS_MESSAGE_AWARENESS:
        to[0] = TAG_AWARENESS;
        return 1;
    case YS_MESSAGE_SYNC_STATUS:
        to[0] = TAG_SYNC_STATUS;
        return 1;
    default:
        break;
    }
    to[0] = TAG_SYNC;
    for (uint8_t i = 0; i < SYNC_TYPES; i++) {
        if (sync_types[i] == type) {
            to[1] = i;
            return 2;
        }
    }
    assert(0 && "only what consists of one byte string is encoded here");
    return 0;
}

/* tags, then `bytes` with their length in front. */
static struct ys_blob *encode(const struct ysync_alloc *alloc, const uint8_t *tags, size_t tags_len,
                              struct ysync_bytes bytes)
{
    size_t head_len = tags_len + ys_varuint_size(bytes.len);
    struct ys_blob *blob;
    uint8_t *to;

    if (bytes.len > SIZE_MAX - head_len)
        return NULL;
    blob = ys_blob_new(alloc, head_len + bytes.len);
    if (!blob)
        return NULL;
    to = ys_blob_data(blob);
    memcpy(to, tags, tags_len);
    ys_varuint_put(to + tags_len, bytes.len);
    if (bytes.len > 0)
        memcpy(to + head_len, bytes.data, bytes.len);
    return blob;
}

struct ys_blob *ys_message_encode(const struct ysync_alloc *alloc, enum ys_message_type type,
                                  struct ysync_bytes payload)
{
    uint8_t tags[2];

    return encode(alloc, tags, put_tags(tags, type), payload);
}

void ys_message_from_update(struct ys_blob *update)
{
    uint8_t head[YS_MESSAGE_HEAD_BYTES];
    size_t tags_len = put_tags(head, YS_MESSAGE_UPDATE);
    size_t len = tags_len + ys_varuint_put(head + tags_len, update->len);

    ys_blob_set_lead(update, (struct ysync_bytes){ head, len });
}

struct ys_blob *ys_message_encode_denied(const struct ysync_alloc *alloc, const char *reason)
{
    static const uint8_t tags[2] = { TAG_AUTH, PERMISSION_DENIED };

    return encode(alloc, tags, sizeof(tags), (struct ysync_bytes){ (const uint8_t *)reason, strlen(reason) });
}
