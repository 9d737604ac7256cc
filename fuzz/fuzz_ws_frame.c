/* SPDX-License-Identifier: MIT */
/* WebSocket frames in one piece and in slices tell the same: the same messages, the same error; where messages may be
 * compressed, and where they may not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "require.h"
#include "slices.h"
#include "ws/frame.h"

#define MAX_MESSAGE_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint64_t hash;
    bool is_over;
};

static void tell(struct told *told, const struct ys_ws_received *got)
{
    told->is_over = got->event == YS_WS_EVENT_CLOSE || got->event == YS_WS_EVENT_ERROR;
    told->hash = hash_add_number(told->hash, (uint64_t)got->event);
    if (told->is_over)
        told->hash = hash_add_number(told->hash, got->close_code);
    if (got->event == YS_WS_EVENT_ERROR) {
        told->hash = hash_add(told->hash, (struct ysync_bytes){ (const uint8_t *)got->problem, strlen(got->problem) });
        return;
    }
    REQUIRE(got->payload.len <= MAX_MESSAGE_BYTES);
    REQUIRE(got->event == YS_WS_EVENT_MESSAGE || got->payload.len <= 125);
    if (got->event == YS_WS_EVENT_CLOSE || (got->opcode == YS_WS_TEXT && !got->is_compressed))
        REQUIRE(ys_utf8_is_valid(got->payload));
    REQUIRE(!got->is_compressed || got->event == YS_WS_EVENT_MESSAGE);
    told->hash = hash_add_number(told->hash, (uint64_t)got->opcode << 1 | got->is_compressed);
    told->hash = hash_add_number(hash_add(told->hash, got->payload), got->payload.len);
}

static void feed(struct ys_ws_parser *parser, uint8_t *data, size_t len, struct told *told)
{
    struct ys_ws_received got = { .event = YS_WS_EVENT_PONG };

    while (!told->is_over && got.event != YS_WS_EVENT_MORE) {
        ys_ws_parser_feed(parser, &data, &len, &got);
        if (got.event != YS_WS_EVENT_MORE)
            tell(told, &got);
    }
    REQUIRE(told->is_over || len == 0);
}

static uint64_t read_all(const uint8_t *data, size_t size, bool allows_compressed, bool in_slices)
{
    struct told told = { HASH_START, false };
    uint64_t random = hash_add(HASH_START, (struct ysync_bytes){ data, size });
    struct ys_ws_parser *parser;

    REQUIRE(!ys_ws_parser_new(ysync_alloc_default(), MAX_MESSAGE_BYTES, &parser));
    if (allows_compressed)
        ys_ws_parser_allow_compressed(parser);
    while (size > 0 && !told.is_over) {
        size_t len = in_slices ? next_slice(&random, size) : size;
        uint8_t *copy = malloc(len); /* the parser writes to it */

        REQUIRE(copy != NULL);
        memcpy(copy, data, len);
        feed(parser, copy, len, &told);
        free(copy);
        data += len;
        size -= len;
    }
    ys_ws_parser_free(parser);
    return told.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int allows_compressed = 0; allows_compressed < 2; allows_compressed++)
        REQUIRE(read_all(data, size, allows_compressed, false) == read_all(data, size, allows_compressed, true));
    return 0;
}
