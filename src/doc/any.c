/* SPDX-License-Identifier: MIT */
#include "doc/any.h"

#include "base/utf8.h"

enum tag {
    TAG_BYTES = 116,
    TAG_ARRAY = 117,
    TAG_OBJECT = YS_ANY_OBJECT,
    TAG_STRING = YS_ANY_STRING,
    TAG_TRUE = 120,
    TAG_FALSE = 121,
    TAG_BIGINT = 122,
    TAG_FLOAT64 = 123,
    TAG_FLOAT32 = 124,
    TAG_INTEGER = 125,
    TAG_NULL = 126,
    TAG_UNDEFINED = 127,
};

static enum ysync_err walk(struct ys_reader *in, bool validate, unsigned depth);

static enum ysync_err walk_string(struct ys_reader *in, bool validate)
{
    struct ysync_bytes text;
    enum ysync_err err = ys_reader_var_bytes(in, &text);

    if (err)
        return err;
    if (validate && !ys_utf8_is_valid(text))
        return ys_reader_fail(in, "invalid UTF-8");
    return YSYNC_OK;
}

/* lib0's readVarInt: the first byte holds a sign bit and six bits, the others seven each. */
static enum ysync_err walk_integer(struct ys_reader *in)
{
    uint64_t n;
    uint8_t byte;
    enum ysync_err err = ys_reader_u8(in, &byte);

    n = byte & 0x3f;
    for (unsigned shift = 6; !err && byte >= 0x80; shift += 7) {
        err = ys_reader_u8(in, &byte);
        if (shift > 53)
            return ys_reader_fail(in, "number beyond 2^53 - 1");
        n |= (uint64_t)(byte & 0x7f) << shift;
    }
    if (!err && n > YS_MAX_SAFE_INTEGER)
        return ys_reader_fail(in, "number beyond 2^53 - 1");
    return err;
}

static enum ysync_err walk_elements(struct ys_reader *in, bool validate, unsigned depth, bool has_keys)
{
    uint64_t count;
    enum ysync_err err;

    if (depth >= YS_ANY_MAX_DEPTH)
        return ys_reader_fail(in, "values nested too deep");
    err = ys_reader_count(in, has_keys ? 2 : 1, &count);
    for (; !err && count > 0; count--) {
        if (has_keys)
            err = walk_string(in, validate);
        if (!err)
            err = walk(in, validate, depth + 1);
    }
    return err;
}

static enum ysync_err walk(struct ys_reader *in, bool validate, unsigned depth)
{
    struct ysync_bytes bytes;
    uint8_t tag;
    enum ysync_err err = ys_reader_u8(in, &tag);

    if (err)
        return err;
    switch (tag) {
    case TAG_UNDEFINED:
    case TAG_NULL:
    case TAG_FALSE:
    case TAG_TRUE:
        return YSYNC_OK;
    case TAG_INTEGER:
        return walk_integer(in);
    case TAG_FLOAT32:
        return ys_reader_take(in, 4, &bytes);
    case TAG_FLOAT64:
    case TAG_BIGINT:
        return ys_reader_take(in, 8, &bytes);
    case TAG_STRING:
        return walk_string(in, validate);
    case TAG_BYTES:
        return ys_reader_var_bytes(in, &bytes);
    case TAG_ARRAY:
        return walk_elements(in, validate, depth, false);
    case TAG_OBJECT:
        return walk_elements(in, validate, depth, true);
    default:
        return ys_reader_fail(in, "unknown kind of value");
    }
}

enum ysync_err ys_any_validate(struct ys_reader *in)
{
    return walk(in, true, 0);
}

enum ysync_err ys_any_skip(struct ys_reader *in)
{
    return walk(in, false, 0);
}
