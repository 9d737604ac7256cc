/* SPDX-License-Identifier: MIT */
/* Presence as text: "7@3={} 9@4=null" are client 7's state {} of its clock 3, and client 9, gone at its clock 4. */
#ifndef YS_TEST_ROOM_ENTRIES_H
#define YS_TEST_ROOM_ENTRIES_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/awareness.h"
#include "protocol/message.h"

/* The message that says so: the caller's. States hold no spaces. */
static inline struct ys_blob *entries_encode(const char *text)
{
    struct ys_awareness_writer writer;
    struct ys_blob *message;

    ys_awareness_writer_init(&writer, ysync_alloc_default());
    while (*text) {
        char *at;
        uint64_t client = strtoull(text, &at, 10);
        uint64_t clock = strtoull(at + 1, &at, 10);
        const char *state = at + 1;

        text = state + strcspn(state, " ");
        ys_awareness_put(&writer, client, clock,
                         (struct ysync_bytes){ (const uint8_t *)state, (size_t)(text - state) });
        text += *text == ' ';
    }
    message = ys_awareness_encode(&writer);
    if (!message)
        abort();
    ys_awareness_writer_deinit(&writer);
    return message;
}

static inline int entries_compare(const void *left, const void *right)
{
    const struct ys_awareness_entry *a = left;
    const struct ys_awareness_entry *b = right;

    return a->client < b->client ? -1 : a->client > b->client;
}

/* Writes what an awareness message says, by client. */
static inline void entries_format(struct ysync_bytes frame, char *to, size_t size)
{
    struct ys_awareness_entry entries[64];
    struct ys_awareness_reader reader;
    struct ys_message message;
    const char *problem;
    size_t count = 0;
    size_t len = 0;

    to[0] = 0;
    if (ys_message_decode(frame, &message, &problem) || message.type != YS_MESSAGE_AWARENESS ||
        ys_awareness_open(message.payload, &reader, &problem) || reader.left > 64) {
        snprintf(to, size, "not an awareness message that can be shown");
        return;
    }
    while (ys_awareness_next(&reader, &entries[count]))
        count++;
    qsort(entries, count, sizeof(entries[0]), entries_compare);
    for (size_t i = 0; i < count && len < size; i++)
        len += (size_t)snprintf(to + len, size - len, "%s%" PRIu64 "@%" PRIu64 "=%.*s", i ? " " : "", entries[i].client,
                                entries[i].clock, (int)entries[i].state.len, (const char *)entries[i].state.data);
}

#endif
