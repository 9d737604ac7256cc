/* SPDX-License-Identifier: MIT */
/*
 * A chunked body (RFC 9112, 7.1), incremental: bytes in, pieces of data out. Extensions and trailers are dropped.
 *
 *     5;ext=1 CR LF  hello CR LF  0 CR LF  Trailer: x CR LF  CR LF
 *
 * Our own because http-parser, as distributions build it, takes anything for the CR LF around a chunk.
 */
#ifndef YS_HTTP_CHUNK_H
#define YS_HTTP_CHUNK_H

#include "http/lines.h"
#include "ysync/bytes.h"

/* Most bytes of extensions and trailers in one body: they mean nothing to us, so they must not be endless. */
#define YS_HTTP_MAX_CHUNK_EXTRAS (16 * 1024)

enum ys_http_chunk_state {
    YS_HTTP_CHUNK_SIZE,
    YS_HTTP_CHUNK_EXTENSION,
    YS_HTTP_CHUNK_SIZE_LF,
    YS_HTTP_CHUNK_DATA,
    YS_HTTP_CHUNK_DATA_CR,
    YS_HTTP_CHUNK_DATA_LF,
    YS_HTTP_CHUNK_TRAILER,
    YS_HTTP_CHUNK_END,
};

struct ys_http_chunk {
    enum ys_http_chunk_state state;
    unsigned digits;    /* of the size of the current chunk */
    uint64_t left;      /* bytes of the current chunk that have not come */
    size_t extra_bytes; /* see YS_HTTP_MAX_CHUNK_EXTRAS */
    struct ys_http_lines trailer;
};

enum ys_http_chunk_event {
    YS_HTTP_CHUNK_EVENT_MORE,    /* the input is used up */
    YS_HTTP_CHUNK_EVENT_DATA,    /* *data is a piece of the body, a view of the input */
    YS_HTTP_CHUNK_EVENT_END,     /* the trailer is over, too */
    YS_HTTP_CHUNK_EVENT_BAD,     /* *why is a static line */
    YS_HTTP_CHUNK_EVENT_TOO_BIG, /* the same, for too much of what is dropped */
};

void ys_http_chunk_init(struct ys_http_chunk *chunk);

/* Reads from the front of *in until there is an event, and moves *in past what was read. */
enum ys_http_chunk_event ys_http_chunk_feed(struct ys_http_chunk *chunk, struct ysync_bytes *in,
                                            struct ysync_bytes *data, const char **why);

#endif
