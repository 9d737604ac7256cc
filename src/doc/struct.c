/* SPDX-License-Identifier: MIT */
#include "doc/struct.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "doc/any.h"

/* How closely the content is read. */
enum depth {
    VALIDATE, /* a peer wrote it */
    MEASURE,  /* validated before: only len is wanted */
    HEAD,     /* not even that, where it costs */
};

#define TYPE_XML_ELEMENT 3
#define TYPE_XML_HOOK 5
#define TYPE_MAX 6

/* U+FFFD, what becomes of half a surrogate pair. */
static const struct ysync_bytes replacement = { (const uint8_t *)"\xef\xbf\xbd", 3 };

static enum ysync_err read_string(struct ys_reader *in, enum depth depth)
{
    struct ysync_bytes text;
    enum ysync_err err = ys_reader_var_bytes(in, &text);

    if (!err && depth == VALIDATE && !ys_utf8_is_valid(text))
        return ys_reader_fail(in, "invalid UTF-8");
    return err;
}

static enum ysync_err read_json(struct ys_reader *in, enum depth depth)
{
    struct ysync_bytes text;
    enum ysync_err err = ys_reader_var_bytes(in, &text);

    if (!err && depth == VALIDATE && !ys_json_is_valid(text))
        return ys_reader_fail(in, "invalid JSON");
    return err;
}

static bool is_word(struct ysync_bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* ContentJSON writes undefined as the bare word. */
static enum ysync_err read_json_or_undefined(struct ys_reader *in, enum depth depth)
{
    struct ys_reader ahead = *in;
    struct ysync_bytes text;
    enum ysync_err err = ys_reader_var_bytes(&ahead, &text);

    if (!err && is_word(text, "undefined")) {
        *in = ahead;
        return YSYNC_OK;
    }
    return read_json(in, depth);
}

static inline enum ysync_err read_id(struct ys_reader *in, struct ys_id *out)
{
    enum ysync_err err = ys_reader_varuint(in, &out->client);

    return err ? err : ys_reader_varuint(in, &out->clock);
}

static enum ysync_err read_parent(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    uint64_t is_root;
    enum ysync_err err = ys_reader_varuint(in, &is_root);

    if (err)
        return err;
    s->has_parent_id = is_root != 1;
    err = s->has_parent_id ? read_id(in, &s->parent) : read_string(in, depth);
    if (!err && s->info & YS_INFO_MAP_ENTRY)
        err = read_string(in, depth);
    return err;
}

static inline enum ysync_err read_references(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    enum ysync_err err = YSYNC_OK;

    if (s->info & YS_INFO_ORIGIN)
        err = read_id(in, &s->origin);
    if (!err && s->info & YS_INFO_RIGHT_ORIGIN)
        err = read_id(in, &s->right_origin);
    if (!err && !(s->info & (YS_INFO_ORIGIN | YS_INFO_RIGHT_ORIGIN)))
        err = read_parent(in, depth, s);
    return err;
}

static enum ysync_err read_type(struct ys_reader *in, enum depth depth)
{
    uint64_t type;
    enum ysync_err err = ys_reader_varuint(in, &type);

    if (err)
        return err;
    if (type > TYPE_MAX)
        return ys_reader_fail(in, "unknown type");
    if (type == TYPE_XML_ELEMENT || type == TYPE_XML_HOOK)
        return read_string(in, depth);
    return YSYNC_OK;
}

/* Options of a subdocument that are a valid object: Yjs lets their "guid" stand for the one in front of them, and
 * throws on writing the document if that is no string. */
static bool has_bad_guid(struct ys_reader options)
{
    uint8_t tag;
    uint64_t count;
    struct ysync_bytes key;
    enum ysync_err err = ys_reader_u8(&options, &tag);

    if (!err)
        err = ys_reader_count(&options, 2, &count);
    for (; !err && count > 0; count--) {
        err = ys_reader_var_bytes(&options, &key);
        if (!err && is_word(key, "guid") && *options.at != YS_ANY_STRING)
            return true;
        if (!err)
            err = ys_any_skip(&options);
    }
    return false;
}

static enum ysync_err read_subdocument(struct ys_reader *in, enum depth depth)
{
    struct ys_reader options;
    enum ysync_err err = read_string(in, depth);

    if (err)
        return err;
    if (depth != VALIDATE)
        return ys_any_skip(in);
    if (ys_reader_left(in) > 0 && *in->at != YS_ANY_OBJECT)
        return ys_reader_fail(in, "options of a subdocument are not an object");
    options = *in;
    err = ys_any_validate(in);
    if (!err && has_bad_guid(options))
        return ys_reader_fail(in, "guid of a subdocument is not a string");
    return err;
}

static inline enum ysync_err read_text(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    enum ysync_err err = ys_reader_var_bytes(in, &s->body);

    if (err)
        return err;
    s->count = s->body.len;
    if (depth == VALIDATE) {
        if (!ys_utf8_measure(s->body, &s->len))
            return ys_reader_fail(in, "invalid UTF-8");
    } else if (depth == MEASURE) {
        s->len = ys_utf8_units(s->body);
    } else {
        s->len = 0;
    }
    return YSYNC_OK;
}

static enum ysync_err read_values(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    bool is_json = ys_struct_kind(s) == YS_KIND_JSON;
    const uint8_t *start;
    enum ysync_err err = ys_reader_count(in, 1, &s->count);

    start = in->at;
    for (uint64_t i = 0; !err && i < s->count; i++) {
        if (is_json)
            err = read_json_or_undefined(in, depth);
        else
            err = depth == VALIDATE ? ys_any_validate(in) : ys_any_skip(in);
    }
    s->body = (struct ysync_bytes){ start, (size_t)(in->at - start) };
    s->len = s->count;
    return err;
}

static inline enum ysync_err read_content(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    struct ysync_bytes bytes;
    enum ysync_err err;

    s->len = 1;
    switch (ys_struct_kind(s)) {
    case YS_KIND_STRING:
        return read_text(in, depth, s);
    case YS_KIND_GC:
    case YS_KIND_SKIP:
    case YS_KIND_DELETED:
        err = ys_reader_varuint(in, &s->count);
        s->len = s->count;
        return err;
    case YS_KIND_JSON:
    case YS_KIND_ANY:
        return read_values(in, depth, s);
    case YS_KIND_BINARY:
        return ys_reader_var_bytes(in, &bytes);
    case YS_KIND_EMBED:
        return read_json(in, depth);
    case YS_KIND_FORMAT:
        err = read_string(in, depth);
        return err ? err : read_json(in, depth);
    case YS_KIND_TYPE:
        return read_type(in, depth);
    case YS_KIND_DOC:
        return read_subdocument(in, depth);
    default:
        return ys_reader_fail(in, "unknown kind of content");
    }
}

static inline enum ysync_err read_struct(struct ys_reader *in, enum depth depth, struct ys_struct *s)
{
    const uint8_t *start = in->at;
    enum ysync_err err = ys_reader_u8(in, &s->info);

    if (err)
        return err;
    s->has_parent_id = false;
    s->count = 0;
    s->body = (struct ysync_bytes){ NULL, 0 };
    if (ys_struct_kind(s) != YS_KIND_GC && ys_struct_kind(s) != YS_KIND_SKIP)
        err = read_references(in, depth, s);
    if (err)
        return err;
    s->count_at = (uint32_t)(in->at - start);
    err = read_content(in, depth, s);
    s->wire = (struct ysync_bytes){ start, (size_t)(in->at - start) };
    return err;
}

/* Does `ref` name the struct with this id, or one that its client wrote later? Yjs would look for it and throw. */
static inline bool is_ahead(struct ys_id ref, struct ys_id id)
{
    return ref.client == id.client && ref.clock >= id.clock;
}

enum ysync_err ys_struct_decode(struct ys_reader *in, struct ys_id id, struct ys_struct *out)
{
    enum ysync_err err = read_struct(in, VALIDATE, out);

    if (err)
        return err;
    if (out->len == 0)
        return ys_reader_fail(in, "struct of length 0");
    if (out->len > YS_MAX_SAFE_INTEGER - id.clock)
        return ys_reader_fail(in, "clock beyond 2^53 - 1");
    if (ys_struct_kind(out) == YS_KIND_GC || ys_struct_kind(out) == YS_KIND_SKIP)
        return YSYNC_OK;
    if (out->info & YS_INFO_ORIGIN && is_ahead(out->origin, id))
        return ys_reader_fail(in, "origin not before the struct itself");
    if (out->info & YS_INFO_RIGHT_ORIGIN && is_ahead(out->right_origin, id))
        return ys_reader_fail(in, "right origin not before the struct itself");
    if (out->has_parent_id && is_ahead(out->parent, id))
        return ys_reader_fail(in, "parent not before the struct itself");
    return YSYNC_OK;
}

void ys_struct_read(struct ys_reader *in, struct ys_struct *out)
{
    enum ysync_err err = read_struct(in, MEASURE, out);

    assert(!err);
    (void)err;
}

void ys_struct_read_head(struct ys_reader *in, struct ys_struct *out)
{
    enum ysync_err err = read_struct(in, HEAD, out);

    assert(!err);
    (void)err;
}

/* The units [from, to) of text, with a replacement where an end splits a pair. */
static void put_text_piece(struct ys_buf *out, struct ysync_bytes text, uint64_t from, uint64_t to)
{
    bool splits_start = false;
    bool splits_end = false;
    size_t start = ys_utf8_seek(text, from, &splits_start);
    size_t end = to == YS_STRUCT_END ? text.len : ys_utf8_seek(text, to, &splits_end);

    if (splits_start)
        start += 4; /* past the pair, of which the replacement stands for the second half */
    ys_buf_put_varuint(out, end - start + replacement.len * ((size_t)splits_start + (size_t)splits_end));
    if (splits_start)
        ys_buf_put(out, replacement);
    ys_buf_put(out, (struct ysync_bytes){ text.data + start, end - start });
    if (splits_end)
        ys_buf_put(out, replacement);
}

static void put_values_piece(struct ys_buf *out, const struct ys_struct *s, uint64_t from, uint64_t to)
{
    struct ys_reader in = ys_reader_init(s->body);
    enum ysync_err err = YSYNC_OK;
    const uint8_t *start = in.at;

    for (uint64_t i = 0; i < to && !err; i++) {
        if (i == from)
            start = in.at;
        err = ys_struct_kind(s) == YS_KIND_JSON ? read_json_or_undefined(&in, MEASURE) : ys_any_skip(&in);
    }
    assert(!err);
    ys_buf_put_varuint(out, to - from);
    ys_buf_put(out, (struct ysync_bytes){ start, (size_t)(in.at - start) });
}

static void put_id(struct ys_buf *out, struct ys_id id)
{
    ys_buf_put_varuint(out, id.client);
    ys_buf_put_varuint(out, id.clock);
}

/* All that stands before the content, which is of this kind. */
static void put_piece_head(struct ys_buf *out, const struct ys_struct *s, enum ys_kind kind, struct ys_id id,
                           uint64_t from)
{
    uint8_t info = (uint8_t)((s->info & (0xffu ^ YS_INFO_KIND)) | kind);

    if (kind == YS_KIND_GC || kind == YS_KIND_SKIP || (from == 0 && !(s->info & YS_INFO_ORIGIN))) {
        ys_buf_put_u8(out, info);
        ys_buf_put(out, (struct ysync_bytes){ s->wire.data + 1, s->count_at - 1 });
        return;
    }
    ys_buf_put_u8(out, info | YS_INFO_ORIGIN);
    put_id(out, from == 0 ? s->origin : (struct ys_id){ id.client, id.clock + from - 1 });
    if (s->info & YS_INFO_RIGHT_ORIGIN)
        put_id(out, s->right_origin);
}

void ys_struct_put_piece(struct ys_buf *out, const struct ys_struct *s, struct ys_id id, uint64_t from, uint64_t to)
{
    if (from == 0 && (to == s->len || to == YS_STRUCT_END) && s->wire.len > 0) {
        ys_buf_put(out, s->wire);
        return;
    }
    put_piece_head(out, s, ys_struct_kind(s), id, from);
    switch (ys_struct_kind(s)) {
    case YS_KIND_STRING:
        put_text_piece(out, s->body, from, to == s->len ? YS_STRUCT_END : to);
        break;
    case YS_KIND_JSON:
    case YS_KIND_ANY:
        put_values_piece(out, s, from, to == YS_STRUCT_END ? s->len : to);
        break;
    default: /* GC, Skip and deleted are lengths alone; nothing else is longer than 1 */
        ys_buf_put_varuint(out, (to == YS_STRUCT_END ? s->len : to) - from);
        break;
    }
}

void ys_struct_put_deleted(struct ys_buf *out, const struct ys_struct *s, struct ys_id id, uint64_t from, uint64_t to)
{
    put_piece_head(out, s, YS_KIND_DELETED, id, from);
    ys_buf_put_varuint(out, to - from);
}

void ys_struct_trim_text(struct ys_struct *s, struct ys_id cut, size_t body_offset)
{
    assert(ys_struct_kind(s) == YS_KIND_STRING && body_offset <= s->body.len);
    s->info |= YS_INFO_ORIGIN;
    s->origin = (struct ys_id){ cut.client, cut.clock - 1 };
    s->body.data += body_offset;
    s->body.len -= body_offset;
    s->count = s->body.len;
    s->len = 0;
    s->wire.len = 0;
}
