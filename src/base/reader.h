/* SPDX-License-Identifier: MIT */
/*
 * Reads bytes that somebody else wrote: every step checks, then moves. This is the only place that does
 * pointer arithmetic on input.
 *
 * A reader that met something wrong remembers what in `problem`, a phrase such as "truncated" that may be
 * shown to the peer, so that the layers between need not pass reasons on.
 */
#ifndef YS_BASE_READER_H
#define YS_BASE_READER_H

#include <stdbool.h>

#include "base/varint.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

struct ys_reader {
    const uint8_t *at;
    const uint8_t *end;
    const char *problem; /* static; NULL as long as nothing was wrong */
};

static inline struct ys_reader ys_reader_init(struct ysync_bytes bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *data = bytes.len ? bytes.data : nothing;

    return (struct ys_reader){ data, data + bytes.len, NULL };
}

static inline size_t ys_reader_left(const struct ys_reader *in)
{
    return (size_t)(in->end - in->at);
}

static inline bool ys_reader_is_at_end(const struct ys_reader *in)
{
    return in->at == in->end;
}

/* `return ys_reader_fail(in, "struct of length 0");` The first problem is the one that is kept. */
static inline enum ysync_err ys_reader_fail(struct ys_reader *in, const char *problem)
{
    if (!in->problem)
        in->problem = problem;
    return YSYNC_ERR_MALFORMED;
}

YSYNC_CHECKED static inline enum ysync_err ys_reader_u8(struct ys_reader *in, uint8_t *out)
{
    if (in->at == in->end)
        return ys_reader_fail(in, "truncated");
    *out = *in->at++;
    return YSYNC_OK;
}

/* One number up to 2^53 - 1. Padding with zeros is accepted, as lib0 accepts it, up to eight bytes. */
YSYNC_CHECKED static inline enum ysync_err ys_reader_varuint(struct ys_reader *in, uint64_t *out)
{
    const uint8_t *at = in->at;
    uint64_t n = 0;

    for (unsigned shift = 0; shift < 7 * YS_VARUINT_MAX_BYTES; shift += 7) {
        if (at == in->end)
            return ys_reader_fail(in, "truncated");
        n |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80) {
            if (n > YS_MAX_SAFE_INTEGER)
                return ys_reader_fail(in, "number beyond 2^53 - 1");
            in->at = at;
            *out = n;
            return YSYNC_OK;
        }
    }
    return ys_reader_fail(in, "number beyond 2^53 - 1");
}

/* The next len bytes, as a view of the input. */
YSYNC_CHECKED static inline enum ysync_err ys_reader_take(struct ys_reader *in, uint64_t len, struct ysync_bytes *out)
{
    if (len > ys_reader_left(in))
        return ys_reader_fail(in, "truncated");
    *out = (struct ysync_bytes){ in->at, (size_t)len };
    in->at += len;
    return YSYNC_OK;
}

/* lib0's readVarUint8Array: a length, then as many bytes. A string is the same; base/utf8.h checks it. */
YSYNC_CHECKED static inline enum ysync_err ys_reader_var_bytes(struct ys_reader *in, struct ysync_bytes *out)
{
    uint64_t len;
    enum ysync_err err = ys_reader_varuint(in, &len);

    return err ? err : ys_reader_take(in, len, out);
}

/* A count of things of at least min_bytes each: believed only if the bytes left could hold that many. */
YSYNC_CHECKED static inline enum ysync_err ys_reader_count(struct ys_reader *in, size_t min_bytes, uint64_t *out)
{
    uint64_t count;
    enum ysync_err err = ys_reader_varuint(in, &count);

    if (err)
        return err;
    if (count > ys_reader_left(in) / min_bytes)
        return ys_reader_fail(in, "count larger than the bytes left could hold");
    *out = count;
    return YSYNC_OK;
}

#endif
