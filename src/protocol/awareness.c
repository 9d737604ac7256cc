/* SPDX-License-Identifier: MIT */
/*
 * Opening walks all entries once with every check; after that, reading them cannot fail. An entry that browsers would
 * throw on (JSON.parse) makes the whole message malformed, so that it is never handed on.
 *
 * The writer collects entries before it knows how many there will be: their count, and the length of it all, are put in
 * front when the message is made.
 */
#include "protocol/awareness.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "protocol/message.h"

/* A client, a clock, the length of a state, and the shortest JSON. */
#define MIN_ENTRY_BYTES 4

static enum ysync_err read_entry(struct ys_reader *in, struct ys_awareness_entry *entry)
{
    enum ysync_err err = ys_reader_varuint(in, &entry->client);

    if (!err)
        err = ys_reader_varuint(in, &entry->clock);
    if (!err)
        err = ys_reader_var_bytes(in, &entry->state);
    return err;
}

static enum ysync_err check_entries(struct ys_reader *in, uint64_t count)
{
    struct ys_awareness_entry entry;

    for (uint64_t i = 0; i < count; i++) {
        enum ysync_err err = read_entry(in, &entry);

        if (err)
            return err;
        if (!ys_json_is_valid(entry.state))
            return ys_reader_fail(in, "awareness state is not valid JSON");
    }
    if (!ys_reader_is_at_end(in))
        return ys_reader_fail(in, "bytes left over after the awareness states");
    return YSYNC_OK;
}

enum ysync_err ys_awareness_open(struct ysync_bytes payload, struct ys_awareness_reader *out, const char **problem)
{
    struct ys_reader in = ys_reader_init(payload);
    struct ys_awareness_reader opened;
    enum ysync_err err = ys_reader_count(&in, MIN_ENTRY_BYTES, &opened.left);

    opened.in = in;
    if (!err)
        err = check_entries(&in, opened.left);
    if (err) {
        *problem = in.problem;
        return err;
    }
    *out = opened;
    return YSYNC_OK;
}

bool ys_awareness_next(struct ys_awareness_reader *reader, struct ys_awareness_entry *out)
{
    if (reader->left == 0)
        return false;
    reader->left--;
    if (read_entry(&reader->in, out)) {
        assert(0 && "entries are validated when they are opened");
        return false;
    }
    out->is_null = ys_json_is_null(out->state);
    return true;
}

void ys_awareness_writer_init(struct ys_awareness_writer *writer, const struct ysync_alloc *alloc)
{
    ys_buf_init(&writer->entries, alloc, SIZE_MAX);
    writer->count = 0;
}

void ys_awareness_writer_deinit(struct ys_awareness_writer *writer)
{
    ys_buf_deinit(&writer->entries);
    writer->count = 0;
}

void ys_awareness_put(struct ys_awareness_writer *writer, uint64_t client, uint64_t clock, struct ysync_bytes state)
{
    ys_buf_put_varuint(&writer->entries, client);
    ys_buf_put_varuint(&writer->entries, clock);
    ys_buf_put_var_bytes(&writer->entries, state);
    writer->count++;
}

void ys_awareness_put_null(struct ys_awareness_writer *writer, uint64_t client, uint64_t clock)
{
    ys_awareness_put(writer, client, clock, (struct ysync_bytes){ (const uint8_t *)"null", 4 });
}

struct ys_blob *ys_awareness_encode(const struct ys_awareness_writer *writer)
{
    struct ys_buf payload;
    struct ys_blob *blob = NULL;

    if (ys_buf_err(&writer->entries))
        return NULL;
    ys_buf_init(&payload, writer->entries.alloc, SIZE_MAX);
    ys_buf_put_varuint(&payload, writer->count);
    ys_buf_put(&payload, ys_buf_bytes(&writer->entries));
    if (!ys_buf_err(&payload))
        blob = ys_message_encode(writer->entries.alloc, YS_MESSAGE_AWARENESS, ys_buf_bytes(&payload));
    ys_buf_deinit(&payload);
    return blob;
}

struct ys_awareness_reader ys_awareness_written(const struct ys_awareness_writer *writer)
{
    return (struct ys_awareness_reader){ ys_reader_init(ys_buf_bytes(&writer->entries)), writer->count };
}
