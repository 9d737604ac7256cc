/* SPDX-License-Identifier: MIT */
/*
 * For tests: frames as a client writes them, and what the parser tells of them as text to compare.
 *
 *     binary(5) hello | ping() | close(1000) bye
 */
#ifndef YS_TEST_WS_FRAMES_H
#define YS_TEST_WS_FRAMES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ws/frame.h"

#define FIN 0x80
#define MASKED 0x80

struct told {
    char text[8 * 1024];
    size_t len;
    bool is_over; /* CLOSE or ERROR: nothing may follow */
};

static inline void told_add(struct told *to, const char *bytes, size_t len)
{
    if (len > sizeof(to->text) - 1 - to->len)
        len = sizeof(to->text) - 1 - to->len;
    memcpy(to->text + to->len, bytes, len);
    to->len += len;
    to->text[to->len] = '\0';
}

static inline void told_add_event(struct told *to, const struct ys_ws_received *got)
{
    char line[128];

    if (got->event == YS_WS_EVENT_MESSAGE)
        snprintf(line, sizeof(line), "%s%s(%zu) ", got->is_compressed ? "compressed " : "",
                 got->opcode == YS_WS_TEXT ? "text" : "binary", got->payload.len);
    else if (got->event == YS_WS_EVENT_CLOSE)
        snprintf(line, sizeof(line), "close(%d) ", got->close_code);
    else if (got->event == YS_WS_EVENT_ERROR)
        snprintf(line, sizeof(line), "error(%d) %s", got->close_code, got->problem);
    else
        snprintf(line, sizeof(line), got->event == YS_WS_EVENT_PING ? "ping " : "pong ");
    told_add(to, line, strlen(line));
    if (got->event != YS_WS_EVENT_ERROR && got->payload.len > 0)
        told_add(to, (const char *)got->payload.data, got->payload.len < 200 ? got->payload.len : 200);
    to->is_over = got->event == YS_WS_EVENT_CLOSE || got->event == YS_WS_EVENT_ERROR;
    told_add(to, " | ", to->is_over ? 0 : 3);
}

/* Feeds one slice until the parser wants more. It is copied to a place of its own size, for the sanitizers. */
static inline void told_feed(struct told *to, struct ys_ws_parser *parser, struct ysync_bytes slice)
{
    uint8_t *copy = malloc(slice.len ? slice.len : 1);
    uint8_t *at = copy;
    size_t len = slice.len;
    struct ys_ws_received got = { .event = YS_WS_EVENT_PONG };

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, slice.data, len);
    while (!to->is_over && got.event != YS_WS_EVENT_MORE) {
        ys_ws_parser_feed(parser, &at, &len, &got);
        if (got.event != YS_WS_EVENT_MORE)
            told_add_event(to, &got);
    }
    free(copy);
}

static inline void told_feed_in_slices(struct told *to, struct ys_ws_parser *parser, struct ysync_bytes input,
                                       size_t slice)
{
    for (size_t i = 0; i < input.len && !to->is_over; i += slice) {
        size_t len = input.len - i < slice ? input.len - i : slice;

        told_feed(to, parser, (struct ysync_bytes){ input.data + i, len });
    }
}

/* Appends a masked frame with this first byte. */
static inline void put_frame(struct ys_buf *out, uint8_t first, struct ysync_bytes payload)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    uint8_t header[YS_WS_MAX_HEADER_BYTES];
    size_t size = ys_ws_put_header(header, YS_WS_BINARY, payload.len);

    header[0] = first;
    header[1] |= MASKED;
    ys_buf_put(out, (struct ysync_bytes){ header, size });
    ys_buf_put(out, (struct ysync_bytes){ mask, sizeof(mask) });
    for (size_t i = 0; i < payload.len; i++)
        ys_buf_put_u8(out, payload.data[i] ^ mask[i % 4]);
}

#endif
