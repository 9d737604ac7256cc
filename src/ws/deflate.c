/* SPDX-License-Identifier: MIT */
/*
 * A compressed message is raw deflate data that ends in an empty stored block, whose last four bytes, 00 00 ff ff, are
 * left out (RFC 7692, 7.2.1). The reader puts them back:
 *
 *     sent      [ block ][ block ] 00
 *     read      [ block ][ block ] 00  00 00 ff ff
 *
 * So it ends between two blocks, and where it does not, a part of it is missing. A sender may also end deflate's stream
 * inside of it, with a final block: what stands behind that begins anew (7.2.3.4).
 *
 * How large a message becomes shows only when it is inflated, and a peer can make 64 KiB become 64 MiB. So it is
 * measured first:
 *
 *     measure   payload --inflate--> small, over and over from its front     how many bytes? more than max_bytes?
 *     write     payload --inflate--> large, of just that size                only if it is more than fits into `small`
 *
 * Most messages are there after the first step. A message beyond the limit costs some time but no memory.
 */
#include "ws/deflate.h"

#include <limits.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "ws/frame.h"

#define SMALL_BYTES ((size_t)64 * 1024)

/* The fastest level: level 6 would make text smaller by another fifth, and take more than twice the time. */
#define LEVEL 1
#define MEMORY_LEVEL 8
/* 32 KiB, the largest, for both ways; negative: without zlib's header. */
#define RAW_WINDOW_BITS (-15)

static const uint8_t tail[4] = { 0x00, 0x00, 0xff, 0xff };

struct ys_ws_deflate {
    const struct ysync_alloc *alloc;
    z_stream deflater;
    z_stream inflater;
    bool has_deflater;
    bool has_inflater;
    uint8_t *large; /* NULL, or the last message, which did not fit into `small` */
    uint8_t small[SMALL_BYTES];
};

/* Where inflated bytes go: `to` is filled again and again from its front, and `total` counts on. */
struct output {
    uint8_t *to;
    size_t size;
    size_t total;
    size_t max_total;
};

static void *allocate(void *user, unsigned count, unsigned size)
{
    return ys_alloc_array(user, count, size);
}

static void release(void *user, void *ptr)
{
    ys_free(user, ptr);
}

static z_stream empty_stream(const struct ysync_alloc *alloc)
{
    /* zlib only hands it back, though its type does not say so. */
    return (z_stream){ .zalloc = allocate, .zfree = release, .opaque = (void *)(uintptr_t)alloc };
}

enum ysync_err ys_ws_deflate_new(const struct ysync_alloc *alloc, struct ys_ws_deflate **out)
{
    struct ys_ws_deflate *deflate = ys_alloc_array(alloc, 1, sizeof(*deflate));

    if (!deflate)
        return YSYNC_ERR_NOMEM;
    /* Not zeroed as a whole: the pages of `small` are touched when they are used. */
    deflate->alloc = alloc;
    deflate->deflater = deflate->inflater = empty_stream(alloc);
    deflate->has_deflater = deflate->has_inflater = false;
    deflate->large = NULL;
    *out = deflate;
    return YSYNC_OK;
}

void ys_ws_deflate_free(struct ys_ws_deflate *deflate)
{
    if (!deflate)
        return;
    if (deflate->has_deflater)
        deflateEnd(&deflate->deflater);
    if (deflate->has_inflater)
        inflateEnd(&deflate->inflater);
    ys_ws_inflate_release(deflate);
    ys_free(deflate->alloc, deflate);
}

/* Out */

static bool begin_deflating(struct ys_ws_deflate *deflate)
{
    if (deflate->has_deflater)
        return deflateReset(&deflate->deflater) == Z_OK;
    deflate->has_deflater = deflateInit2(&deflate->deflater, LEVEL, Z_DEFLATED, RAW_WINDOW_BITS, MEMORY_LEVEL,
                                         Z_DEFAULT_STRATEGY) == Z_OK;
    return deflate->has_deflater;
}

bool ys_ws_deflate_is_due(const struct ys_blob *blob)
{
    return !blob->variant && !blob->has_no_variant && blob->len >= YS_WS_MIN_DEFLATED_BYTES &&
           blob->len <= YS_WS_MAX_DEFLATED_BYTES;
}

/* Appends the compressed bytes, without the tail. False if they are no fewer. */
static bool put_deflated(z_stream *stream, struct ysync_bytes bytes, struct ys_buf *out)
{
    stream->next_in = bytes.data;
    stream->avail_in = (uInt)bytes.len;
    stream->next_out = out->data + out->len;
    stream->avail_out = (uInt)bytes.len;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_out == 0)
        return false;
    out->len += bytes.len - stream->avail_out - sizeof(tail);
    return true;
}

void ys_ws_deflate_blob(struct ys_ws_deflate *deflate, struct ys_blob *blob)
{
    struct ys_buf out;

    ys_buf_init(&out, deflate->alloc, SIZE_MAX);
    if (!ys_ws_deflate_is_due(blob) || !begin_deflating(deflate) || ys_blob_begin(&out, 0, blob->len))
        return;
    if (put_deflated(&deflate->deflater, ys_blob_bytes(blob), &out)) {
        blob->variant = ys_blob_end(&out, 0);
        ys_ws_frame_compressed_blob(blob->variant);
    } else {
        blob->has_no_variant = true;
        ys_buf_deinit(&out);
    }
}

/* In */

static bool begin_inflating(struct ys_ws_deflate *deflate)
{
    if (deflate->has_inflater)
        return inflateReset(&deflate->inflater) == Z_OK;
    deflate->has_inflater = inflateInit2(&deflate->inflater, RAW_WINDOW_BITS) == Z_OK;
    return deflate->has_inflater;
}

/* Inflates until there is no more input, or the stream ends in front of that. */
static int inflate_on(z_stream *stream, struct output *out)
{
    int status;

    do {
        if (stream->avail_out == 0) {
            stream->next_out = out->to;
            stream->avail_out = (uInt)out->size;
        }
        out->total += stream->avail_out;
        status = inflate(stream, Z_SYNC_FLUSH);
        out->total -= stream->avail_out;
    } while (status == Z_OK && out->total <= out->max_total && (stream->avail_in > 0 || stream->avail_out == 0));
    return status == Z_BUF_ERROR ? Z_OK : status; /* it could do nothing, as all was done before */
}

static enum ysync_err error_of(const z_stream *stream, int status, const char **problem)
{
    if (status == Z_MEM_ERROR)
        return YSYNC_ERR_NOMEM;
    *problem = stream->msg ? stream->msg : "compressed data makes no sense";
    return YSYNC_ERR_MALFORMED;
}

/* *has_ended tells whether the last byte of the input was the last of a stream. */
static enum ysync_err take_input(z_stream *stream, struct ysync_bytes input, struct output *out, bool *has_ended,
                                 const char **problem)
{
    int status = Z_OK;

    stream->next_in = input.data;
    stream->avail_in = (uInt)input.len;
    while (stream->avail_in > 0 && out->total <= out->max_total) {
        if (status == Z_STREAM_END)
            inflateReset(stream);
        status = inflate_on(stream, out);
        if (status != Z_OK && status != Z_STREAM_END)
            return error_of(stream, status, problem);
    }
    *has_ended = status == Z_STREAM_END;
    return out->total <= out->max_total ? YSYNC_OK : YSYNC_ERR_LIMIT;
}

/* Is it between two blocks, with no bit of the next one read? (zlib.h on data_type) */
static bool is_between_blocks(const z_stream *stream)
{
    return (stream->data_type & 128) != 0 && (stream->data_type & 63) == 0;
}

static enum ysync_err inflate_message(z_stream *stream, struct ysync_bytes payload, struct output *out,
                                      const char **problem)
{
    bool has_ended;
    size_t total;
    enum ysync_err err;

    stream->next_out = out->to;
    stream->avail_out = (uInt)out->size;
    err = take_input(stream, payload, out, &has_ended, problem);
    if (err || has_ended)
        return err;
    total = out->total;
    err = take_input(stream, (struct ysync_bytes){ tail, sizeof(tail) }, out, &has_ended, problem);
    if (err || (out->total == total && (has_ended || is_between_blocks(stream))))
        return err;
    *problem = "compressed data breaks off"; /* and went on into the tail */
    return YSYNC_ERR_MALFORMED;
}

enum ysync_err ys_ws_inflate(struct ys_ws_deflate *deflate, struct ysync_bytes payload, size_t max_bytes,
                             struct ysync_bytes *out, const char **problem)
{
    struct output measured = { deflate->small, SMALL_BYTES, 0, max_bytes < UINT_MAX ? max_bytes : UINT_MAX };
    struct output written = { NULL, 0, 0, 0 };
    enum ysync_err err;

    ys_ws_inflate_release(deflate);
    if (payload.len > UINT_MAX)
        return YSYNC_ERR_LIMIT;
    if (!begin_inflating(deflate))
        return YSYNC_ERR_NOMEM;
    err = inflate_message(&deflate->inflater, payload, &measured, problem);
    if (err)
        return err;
    *out = (struct ysync_bytes){ deflate->small, measured.total };
    if (measured.total <= SMALL_BYTES)
        return YSYNC_OK;

    deflate->large = ys_alloc_array(deflate->alloc, measured.total, 1);
    if (!deflate->large || !begin_inflating(deflate))
        return YSYNC_ERR_NOMEM;
    written = (struct output){ deflate->large, measured.total, 0, measured.total };
    *out = (struct ysync_bytes){ deflate->large, measured.total };
    return inflate_message(&deflate->inflater, payload, &written, problem);
}

void ys_ws_inflate_release(struct ys_ws_deflate *deflate)
{
    ys_free(deflate->alloc, deflate->large);
    deflate->large = NULL;
}
