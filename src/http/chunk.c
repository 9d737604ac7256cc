/* SPDX-License-Identifier: MIT */
#include "http/chunk.h"

#include <stdbool.h>

#define MAX_SIZE_DIGITS 15 /* 2^60 bytes are enough, and 16 digits could overflow */

void ys_http_chunk_init(struct ys_http_chunk *chunk)
{
    *chunk = (struct ys_http_chunk){ .state = YS_HTTP_CHUNK_SIZE };
}

/* The value of a hexadecimal digit; -1 if it is none. */
static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

static const char *take_size(struct ys_http_chunk *chunk, uint8_t byte)
{
    int value = hex_value(byte);

    if (value >= 0) {
        chunk->left = chunk->left * 16 + (unsigned)value;
        return ++chunk->digits > MAX_SIZE_DIGITS ? "chunk size too large" : NULL;
    }
    if (chunk->digits == 0)
        return "invalid chunk size";
    chunk->state = byte == '\r' ? YS_HTTP_CHUNK_SIZE_LF : YS_HTTP_CHUNK_EXTENSION;
    return byte == '\r' || byte == ';' ? NULL : "invalid chunk size";
}

static const char *take_extension(struct ys_http_chunk *chunk, uint8_t byte)
{
    chunk->extra_bytes++;
    if (byte == '\r')
        chunk->state = YS_HTTP_CHUNK_SIZE_LF;
    else if ((byte < ' ' && byte != '\t') || byte == 0x7f)
        return "invalid character in a chunk extension";
    return NULL;
}

static const char *take_size_lf(struct ys_http_chunk *chunk, uint8_t byte)
{
    chunk->digits = 0;
    chunk->state = YS_HTTP_CHUNK_DATA;
    if (chunk->left == 0) {
        chunk->state = YS_HTTP_CHUNK_TRAILER;
        ys_http_lines_init_trailer(&chunk->trailer);
    }
    return byte == '\n' ? NULL : "CR without LF";
}

static const char *take_data_end(struct ys_http_chunk *chunk, uint8_t byte)
{
    bool is_cr = chunk->state == YS_HTTP_CHUNK_DATA_CR;

    chunk->state = is_cr ? YS_HTTP_CHUNK_DATA_LF : YS_HTTP_CHUNK_SIZE;
    return byte == (is_cr ? '\r' : '\n') ? NULL : "chunk longer than its size";
}

static const char *take_trailer(struct ys_http_chunk *chunk, uint8_t byte)
{
    const char *why = ys_http_lines_take(&chunk->trailer, byte);

    chunk->extra_bytes++;
    if (chunk->trailer.state == YS_HTTP_LINES_END)
        chunk->state = YS_HTTP_CHUNK_END;
    return why;
}

/* One byte of what is around the data. */
static const char *take_byte(struct ys_http_chunk *chunk, uint8_t byte)
{
    switch (chunk->state) {
    case YS_HTTP_CHUNK_SIZE:
        return take_size(chunk, byte);
    case YS_HTTP_CHUNK_EXTENSION:
        return take_extension(chunk, byte);
    case YS_HTTP_CHUNK_SIZE_LF:
        return take_size_lf(chunk, byte);
    case YS_HTTP_CHUNK_DATA_CR:
    case YS_HTTP_CHUNK_DATA_LF:
        return take_data_end(chunk, byte);
    case YS_HTTP_CHUNK_TRAILER:
        return take_trailer(chunk, byte);
    case YS_HTTP_CHUNK_DATA:
    case YS_HTTP_CHUNK_END:
        break;
    }
    return "data behind the last chunk";
}

static void take_data(struct ys_http_chunk *chunk, struct ysync_bytes *in, struct ysync_bytes *data)
{
    size_t len = chunk->left < in->len ? (size_t)chunk->left : in->len;

    *data = (struct ysync_bytes){ in->data, len };
    in->data += len;
    in->len -= len;
    chunk->left -= len;
    if (chunk->left == 0)
        chunk->state = YS_HTTP_CHUNK_DATA_CR;
}

enum ys_http_chunk_event ys_http_chunk_feed(struct ys_http_chunk *chunk, struct ysync_bytes *in,
                                            struct ysync_bytes *data, const char **why)
{
    while (in->len > 0) {
        if (chunk->state == YS_HTTP_CHUNK_DATA) {
            take_data(chunk, in, data);
            return YS_HTTP_CHUNK_EVENT_DATA;
        }
        *why = take_byte(chunk, *in->data++);
        in->len--;
        if (*why)
            return YS_HTTP_CHUNK_EVENT_BAD;
        if (chunk->state == YS_HTTP_CHUNK_END)
            return YS_HTTP_CHUNK_EVENT_END;
        if (chunk->extra_bytes > YS_HTTP_MAX_CHUNK_EXTRAS) {
            *why = "chunk extensions or trailer too large";
            return YS_HTTP_CHUNK_EVENT_TOO_BIG;
        }
    }
    return YS_HTTP_CHUNK_EVENT_MORE;
}
