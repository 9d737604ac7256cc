/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of requests share: the first head of an input, and what a room's name must be. */
#ifndef YS_FUZZ_REQUESTS_H
#define YS_FUZZ_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "http/head.h"
#include "require.h"
#include "server/route.h"

static inline struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static inline void require_room_name(struct ysync_bytes name)
{
    require(name.len >= 1 && name.len <= YS_ROOM_NAME_MAX_BYTES, "a name has 1 to 512 bytes");
    require(ys_utf8_is_valid(name), "a name is UTF-8");
    for (size_t i = 0; i < name.len; i++) {
        bool is_c1 = name.data[i] == 0xc2 && name.data[i + 1] < 0xa0;

        require(name.data[i] >= 0x20 && name.data[i] != 0x7f && !is_c1, "a name has no control characters");
    }
}

/* Routes as a server has them that was told nothing. */
static inline struct ys_routes *default_routes(void)
{
    static const char *const patterns[] = { "/rooms/:room", "/:room" };
    struct ys_routes *routes;

    require(!ys_routes_new(ysync_alloc_default(), patterns, 2, &routes, NULL), "the default routes are good");
    return routes;
}

/* The head at the beginning of the input, or NULL if there is none. */
static inline const struct ys_http_head *read_head(struct ys_http_parser *parser, const uint8_t *data, size_t size)
{
    struct ysync_bytes in = { data, size };
    struct ysync_bytes body;

    return ys_http_parser_feed(parser, &in, &body) == YS_HTTP_EVENT_HEAD ? ys_http_parser_head(parser) : NULL;
}

#endif
