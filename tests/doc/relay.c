/* SPDX-License-Identifier: MIT */
/*
 * A document behind a pipe, for tests that hold it against Yjs: requests on stdin, answers on stdout, until the
 * end of the input. Numbers are 32 bits, little-endian.
 *
 *     request    command (1 byte) | length | bytes
 *     answer     err | count | { origin | length | bytes } ...
 *
 *     'n'   a new document
 *     'a'   apply: the bytes are the origin (32 bits) and an update; the answer holds the news
 *     'd'   the difference to a state vector
 *     's'   the state vector
 *     'c'   compact it, all of it; with one byte: begin, and go on by that many bytes with each call
 *     'g'   the byte says what becomes of deleted content (enum ysync_gc)
 *     'v'   save it, and go on with what is loaded from that
 *     'l'   does it lack anything of this update? the answer is an entry with one byte
 *     'm'   merge updates, each behind its length, without the document
 *
 * The document's invariants are checked after every change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "doc/compact.h"
#include "doc/doc.h"

struct relay {
    struct ysync_doc *doc;
    struct ys_buf answer; /* the entries */
    uint32_t count;
};

static void die(const char *what)
{
    fprintf(stderr, "relay: %s\n", what);
    exit(1);
}

static uint32_t load32(const uint8_t at[4])
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put32(struct ys_buf *out, uint32_t n)
{
    for (int shift = 0; shift < 32; shift += 8)
        ys_buf_put_u8(out, (uint8_t)(n >> shift));
}

static void add_entry(struct relay *relay, uint32_t origin, struct ysync_bytes bytes)
{
    put32(&relay->answer, origin);
    put32(&relay->answer, (uint32_t)bytes.len);
    ys_buf_put(&relay->answer, bytes);
    relay->count++;
}

static void add_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    add_entry(user, (uint32_t)origin, update);
}

static enum ysync_err apply(struct relay *relay, struct ysync_bytes bytes)
{
    enum ysync_err err;

    if (bytes.len < 4)
        die("an update without its origin");
    err = ysync_doc_apply(relay->doc, (struct ysync_bytes){ bytes.data + 4, bytes.len - 4 }, load32(bytes.data),
                          add_news, relay);
    ys_doc_check(relay->doc);
    if (err == YSYNC_ERR_MALFORMED)
        fprintf(stderr, "relay: %s\n", ysync_doc_problem(relay->doc));
    return err;
}

static enum ysync_err hand_out(struct relay *relay, char command, struct ysync_bytes bytes)
{
    struct ysync_bytes out;
    enum ysync_err err = command == 'd' ? ysync_doc_diff(relay->doc, bytes, &out)
                                        : ysync_doc_state_vector(relay->doc, &out);

    if (err)
        return err;
    add_entry(relay, 0, out);
    ysync_bytes_free(NULL, out);
    return YSYNC_OK;
}

static enum ysync_err ask_lacks(struct relay *relay, struct ysync_bytes bytes)
{
    uint8_t answer;
    int lacks = 0;
    enum ysync_err err = ysync_doc_lacks(relay->doc, bytes, &lacks);

    answer = (uint8_t)lacks;
    if (!err)
        add_entry(relay, 0, (struct ysync_bytes){ &answer, 1 });
    return err;
}

#define MAX_MERGED 64

static enum ysync_err merge(struct relay *relay, struct ysync_bytes bytes)
{
    struct ysync_bytes updates[MAX_MERGED];
    struct ysync_bytes merged;
    const char *problem;
    size_t count = 0;
    enum ysync_err err;

    for (; bytes.len >= 4 && count < MAX_MERGED; count++) {
        updates[count] = (struct ysync_bytes){ bytes.data + 4, load32(bytes.data) };
        if (updates[count].len > bytes.len - 4)
            die("a truncated update");
        bytes.data += 4 + updates[count].len;
        bytes.len -= 4 + updates[count].len;
    }
    if (bytes.len > 0)
        die("too many updates");
    err = ysync_merge_updates(NULL, updates, count, &merged, &problem);
    if (err)
        return err;
    add_entry(relay, 0, merged);
    ysync_bytes_free(NULL, merged);
    return YSYNC_OK;
}

static enum ysync_err compact(struct relay *relay, struct ysync_bytes bytes)
{
    bool done;
    enum ysync_err err;

    if (bytes.len > 0) {
        relay->doc->compact_step_bytes = bytes.data[0];
        relay->doc->compact_factor = 0;
    }
    err = bytes.len ? ys_compaction_step(relay->doc, bytes.data[0], &done) : ysync_doc_compact(relay->doc);
    ys_doc_check(relay->doc);
    return err;
}

static enum ysync_err save_and_load(struct relay *relay)
{
    struct ysync_doc *loaded;
    struct ysync_bytes bytes;
    enum ysync_err err = ysync_doc_save(relay->doc, &bytes);

    if (err)
        return err;
    err = ysync_doc_load(NULL, bytes, &loaded);
    ysync_bytes_free(NULL, bytes);
    if (err)
        return err;
    loaded->gc = relay->doc->gc;
    loaded->compact_step_bytes = relay->doc->compact_step_bytes;
    loaded->compact_factor = relay->doc->compact_factor;
    ysync_doc_free(relay->doc);
    relay->doc = loaded;
    ys_doc_check(relay->doc);
    return YSYNC_OK;
}

static enum ysync_err set_gc(struct relay *relay, struct ysync_bytes bytes)
{
    if (bytes.len != 1)
        die("no gc mode");
    ysync_doc_set_gc(relay->doc, (enum ysync_gc)bytes.data[0]);
    return YSYNC_OK;
}

static enum ysync_err run_command(struct relay *relay, char command, struct ysync_bytes bytes)
{
    switch (command) {
    case 'n':
        ysync_doc_free(relay->doc);
        relay->doc = NULL;
        return ysync_doc_new(NULL, &relay->doc);
    case 'a':
        return apply(relay, bytes);
    case 'd':
    case 's':
        return hand_out(relay, command, bytes);
    case 'c':
        return compact(relay, bytes);
    case 'v':
        return save_and_load(relay);
    case 'g':
        return set_gc(relay, bytes);
    case 'l':
        return ask_lacks(relay, bytes);
    case 'm':
        return merge(relay, bytes);
    default:
        die("unknown command");
        return YSYNC_ERR_INVALID_ARG;
    }
}

static void answer(struct relay *relay, enum ysync_err err)
{
    struct ys_buf head;

    ys_buf_init(&head, ysync_alloc_default(), SIZE_MAX);
    put32(&head, (uint32_t)err);
    put32(&head, relay->count);
    if (ys_buf_err(&head) || ys_buf_err(&relay->answer))
        die("out of memory");
    if (fwrite(head.data, 1, head.len, stdout) != head.len ||
        (relay->answer.len && fwrite(relay->answer.data, 1, relay->answer.len, stdout) != relay->answer.len) ||
        fflush(stdout) != 0)
        die("nobody listens");
    ys_buf_deinit(&head);
    ys_buf_clear(&relay->answer);
    relay->count = 0;
}

int main(void)
{
    struct relay relay = { 0 };
    uint8_t head[5];

    ys_buf_init(&relay.answer, ysync_alloc_default(), SIZE_MAX);
    if (ysync_doc_new(NULL, &relay.doc))
        die("out of memory");
    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        uint32_t len = load32(head + 1);
        uint8_t *bytes = malloc(len + 1);

        if (!bytes || fread(bytes, 1, len, stdin) != len)
            die("truncated request");
        answer(&relay, run_command(&relay, (char)head[0], (struct ysync_bytes){ bytes, len }));
        free(bytes);
    }
    ysync_doc_free(relay.doc);
    ys_buf_deinit(&relay.answer);
    return 0;
}
