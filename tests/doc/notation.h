/* SPDX-License-Identifier: MIT */
/*
 * Updates as text, so that the rows of tests can be read:
 *
 *     7@0 'hi' 7.1<'x'>9.0 9@4 gc3 -7[0,2)
 *
 *     7@0        a section: client 7, from clock 0
 *     'hi'       a string; likewise gc3 deleted3 skip3 any(1,2) json({},null) binary embed format type doc
 *     7.1<       in front of it: its origin
 *     >9.0       behind it: its right origin, or ^9.0: its parent, or #k: it is the map entry k
 *     -7[0,2)    deleted
 *
 * What has neither origins nor a parent is in the root type "t".
 */
#ifndef YS_TEST_DOC_NOTATION_H
#define YS_TEST_DOC_NOTATION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/any.h"
#include "doc/delete_set.h"
#include "doc/struct.h"

struct notation {
    const char *at;
    struct ys_buf sections;
    struct ys_buf structs; /* of the section under way */
    struct ys_ranges deletes;
    struct ys_id section; /* where it begins */
    uint64_t section_count;
    uint64_t struct_count;
};

static inline void notation_expect(struct notation *n, const char *what)
{
    if (strncmp(n->at, what, strlen(what)) != 0)
        fail_msg("notation: %s expected at: %s", what, n->at);
    n->at += strlen(what);
}

static inline bool notation_accept(struct notation *n, const char *what)
{
    if (strncmp(n->at, what, strlen(what)) != 0)
        return false;
    n->at += strlen(what);
    return true;
}

static inline uint64_t notation_number(struct notation *n)
{
    char *end;
    uint64_t number = strtoull(n->at, &end, 10);

    if (end == n->at)
        fail_msg("notation: a number expected at: %s", n->at);
    n->at = end;
    return number;
}

/* What comes until one of these characters. */
static inline struct ysync_bytes notation_until(struct notation *n, const char *stops)
{
    size_t len = strcspn(n->at, stops);
    struct ysync_bytes text = { (const uint8_t *)n->at, len };

    n->at += len;
    return text;
}

static inline void notation_values(struct notation *n, bool is_json, struct ys_buf *body)
{
    struct ys_buf values;
    uint64_t count = 0;

    ys_buf_init(&values, ysync_alloc_default(), SIZE_MAX);
    do {
        count++;
        if (is_json) {
            ys_buf_put_var_bytes(&values, notation_until(n, ",)"));
        } else {
            ys_buf_put_u8(&values, 125);
            ys_buf_put_u8(&values, (uint8_t)(notation_number(n) & 0x3f));
        }
    } while (notation_accept(n, ","));
    notation_expect(n, ")");
    ys_buf_put_varuint(body, count);
    ys_buf_put(body, ys_buf_bytes(&values));
    ys_buf_deinit(&values);
}

static inline enum ys_kind notation_content(struct notation *n, struct ys_buf *body)
{
    static const struct {
        const char *word;
        enum ys_kind kind;
        const char *body; /* NULL: a length follows */
    } words[] = {
        { "gc", YS_KIND_GC, NULL },
        { "deleted", YS_KIND_DELETED, NULL },
        { "skip", YS_KIND_SKIP, NULL },
        { "binary", YS_KIND_BINARY, "\x02\xff\x80" },
        { "embed", YS_KIND_EMBED, "\x02{}" },
        { "format", YS_KIND_FORMAT,
          "\x01"
          "b\x04true" },
        { "type", YS_KIND_TYPE, "\x01" },
        { "doc", YS_KIND_DOC, "\x01gv\x01\x01kx" },
    };

    if (notation_accept(n, "'")) {
        ys_buf_put_var_bytes(body, notation_until(n, "'"));
        notation_expect(n, "'");
        return YS_KIND_STRING;
    }
    if (notation_accept(n, "any(")) {
        notation_values(n, false, body);
        return YS_KIND_ANY;
    }
    if (notation_accept(n, "json(")) {
        notation_values(n, true, body);
        return YS_KIND_JSON;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!notation_accept(n, words[i].word))
            continue;
        if (words[i].body)
            ys_buf_put_str(body, words[i].body);
        else
            ys_buf_put_varuint(body, notation_number(n));
        return words[i].kind;
    }
    fail_msg("notation: content expected at: %s", n->at);
    return YS_KIND_GC;
}

static inline struct ys_id notation_id(struct notation *n)
{
    uint64_t client = notation_number(n);

    notation_expect(n, ".");
    return (struct ys_id){ client, notation_number(n) };
}

static inline void notation_put_id(struct ys_buf *out, struct ys_id id)
{
    ys_buf_put_varuint(out, id.client);
    ys_buf_put_varuint(out, id.clock);
}

/* One struct, behind its origin if it has one. */
static inline void notation_struct(struct notation *n, const struct ys_id *origin)
{
    struct ys_id right_origin = { 0, 0 };
    struct ys_id parent = { 0, 0 };
    struct ysync_bytes key = { NULL, 0 };
    bool has_parent = false;
    struct ys_buf body;
    uint8_t info;

    ys_buf_init(&body, ysync_alloc_default(), SIZE_MAX);
    info = (uint8_t)(notation_content(n, &body) | (origin ? YS_INFO_ORIGIN : 0));
    while (*n->at && *n->at != ' ') {
        if (notation_accept(n, ">")) {
            info |= YS_INFO_RIGHT_ORIGIN;
            right_origin = notation_id(n);
        } else if (notation_accept(n, "^")) {
            has_parent = true;
            parent = notation_id(n);
        } else {
            notation_expect(n, "#");
            info |= YS_INFO_MAP_ENTRY;
            key = notation_until(n, " >^");
        }
    }
    ys_buf_put_u8(&n->structs, info);
    if (origin)
        notation_put_id(&n->structs, *origin);
    if (info & YS_INFO_RIGHT_ORIGIN)
        notation_put_id(&n->structs, right_origin);
    if ((info & YS_INFO_KIND) != YS_KIND_GC && (info & YS_INFO_KIND) != YS_KIND_SKIP &&
        !(info & (YS_INFO_ORIGIN | YS_INFO_RIGHT_ORIGIN))) {
        ys_buf_put_varuint(&n->structs, has_parent ? 0 : 1);
        if (has_parent)
            notation_put_id(&n->structs, parent);
        else
            ys_buf_put_var_bytes(&n->structs, (struct ysync_bytes){ (const uint8_t *)"t", 1 });
        if (info & YS_INFO_MAP_ENTRY)
            ys_buf_put_var_bytes(&n->structs, key);
    }
    ys_buf_put(&n->structs, ys_buf_bytes(&body));
    ys_buf_deinit(&body);
    n->struct_count++;
}

static inline void notation_end_section(struct notation *n)
{
    if (n->section_count == 0)
        return;
    ys_buf_put_varuint(&n->sections, n->struct_count);
    notation_put_id(&n->sections, n->section);
    ys_buf_put(&n->sections, ys_buf_bytes(&n->structs));
    ys_buf_clear(&n->structs);
    n->struct_count = 0;
}

static inline void notation_delete(struct notation *n)
{
    struct ys_range range = { .client = notation_number(n) };

    notation_expect(n, "[");
    range.clock = notation_number(n);
    notation_expect(n, ",");
    range.len = notation_number(n) - range.clock;
    notation_expect(n, ")");
    if (ys_ranges_add(&n->deletes, ysync_alloc_default(), range))
        abort();
}

static inline void notation_token(struct notation *n)
{
    struct ys_id id;

    if (notation_accept(n, "-")) {
        notation_delete(n);
    } else if (*n->at < '0' || *n->at > '9') {
        notation_struct(n, NULL);
    } else {
        id.client = notation_number(n);
        if (notation_accept(n, "@")) {
            notation_end_section(n);
            n->section = (struct ys_id){ id.client, notation_number(n) };
            n->section_count++;
            return;
        }
        notation_expect(n, ".");
        id.clock = notation_number(n);
        notation_expect(n, "<");
        notation_struct(n, &id);
    }
}

/* The update in its bytes, in a buffer that is initialized here and deinitialized by the caller. */
static inline void write_update(struct ys_buf *out, const char *text)
{
    struct notation n = { .at = text };

    ys_buf_init(out, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&n.sections, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&n.structs, ysync_alloc_default(), SIZE_MAX);
    ys_ranges_init(&n.deletes);
    while (*n.at) {
        if (!notation_accept(&n, " "))
            notation_token(&n);
    }
    notation_end_section(&n);
    ys_buf_put_varuint(out, n.section_count);
    ys_buf_put(out, ys_buf_bytes(&n.sections));
    ys_ranges_put(&n.deletes, out);
    if (ys_buf_err(out))
        abort();
    ys_ranges_deinit(&n.deletes, ysync_alloc_default());
    ys_buf_deinit(&n.structs);
    ys_buf_deinit(&n.sections);
}

/* And back: */

static inline void describe_format(struct ys_buf *out, const char *format, uint64_t a, uint64_t b)
{
    char text[64];

    snprintf(text, sizeof(text), format, (unsigned long long)a, (unsigned long long)b);
    ys_buf_put_str(out, text);
}

static inline void describe_values(const struct ys_struct *s, struct ys_buf *out)
{
    struct ys_reader in = ys_reader_init(s->body);
    bool is_json = ys_struct_kind(s) == YS_KIND_JSON;
    struct ysync_bytes text;

    ys_buf_put_str(out, is_json ? "json(" : "any(");
    for (uint64_t i = 0; i < s->count; i++) {
        if (i > 0)
            ys_buf_put_str(out, ",");
        if (is_json && !ys_reader_var_bytes(&in, &text))
            ys_buf_put(out, text);
        else if (ys_reader_left(&in) >= 2 && in.at[0] == 125 && in.at[1] < 0x40)
            describe_format(out, "%llu", in.at[1], 0);
        else
            ys_buf_put_str(out, "?");
        if (!is_json && ys_any_skip(&in))
            abort();
    }
    ys_buf_put_str(out, ")");
}

/* The key of a map entry that names its parent. */
static inline void describe_key(const struct ys_struct *s, struct ys_buf *out)
{
    struct ys_reader in = ys_reader_init(s->wire);
    struct ysync_bytes text = { NULL, 0 };
    uint64_t n;
    uint8_t info;

    ys_buf_put_str(out, "#");
    if (s->info & (YS_INFO_ORIGIN | YS_INFO_RIGHT_ORIGIN))
        return;
    if (ys_reader_u8(&in, &info) || ys_reader_varuint(&in, &n) ||
        (n == 1 ? ys_reader_var_bytes(&in, &text) : (ys_reader_varuint(&in, &n) || ys_reader_varuint(&in, &n))) ||
        ys_reader_var_bytes(&in, &text))
        abort();
    ys_buf_put(out, text);
}

static inline void describe_struct(const struct ys_struct *s, struct ys_buf *out)
{
    static const char *const words[] = { "gc",     "deleted", "json", "binary", "string", "embed",
                                         "format", "type",    "any",  "doc",    "skip" };
    enum ys_kind kind = ys_struct_kind(s);
    bool is_gap = kind == YS_KIND_GC || kind == YS_KIND_SKIP;

    if (!is_gap && s->info & YS_INFO_ORIGIN)
        describe_format(out, "%llu.%llu<", s->origin.client, s->origin.clock);
    if (kind == YS_KIND_STRING) {
        ys_buf_put_str(out, "'");
        ys_buf_put(out, s->body);
        ys_buf_put_str(out, "'");
    } else if (kind == YS_KIND_ANY || kind == YS_KIND_JSON) {
        describe_values(s, out);
    } else {
        ys_buf_put_str(out, words[kind]);
    }
    if (is_gap || kind == YS_KIND_DELETED)
        describe_format(out, "%llu", s->len, 0);
    if (is_gap)
        return;
    if (s->info & YS_INFO_RIGHT_ORIGIN)
        describe_format(out, ">%llu.%llu", s->right_origin.client, s->right_origin.clock);
    if (s->has_parent_id)
        describe_format(out, "^%llu.%llu", s->parent.client, s->parent.clock);
    if (s->info & YS_INFO_MAP_ENTRY)
        describe_key(s, out);
}

static inline void describe_section(struct ys_reader *in, struct ys_buf *out)
{
    struct ys_id id;
    struct ys_struct s;
    uint64_t count = 0;

    if (ys_reader_varuint(in, &count) || ys_reader_varuint(in, &id.client) || ys_reader_varuint(in, &id.clock))
        fail_msg("a section that cannot be read");
    describe_format(out, " %llu@%llu", id.client, id.clock);
    for (; count > 0; count--) {
        if (ys_struct_decode(in, id, &s))
            fail_msg("a struct that cannot be read: %s", in->problem);
        ys_buf_put_str(out, " ");
        describe_struct(&s, out);
        id.clock += s.len;
    }
}

/* The update as text, with a zero at its end, in a buffer that is initialized here and deinitialized by the caller. */
static inline void describe_update(struct ys_buf *out, struct ysync_bytes update)
{
    struct ys_reader in = ys_reader_init(update);
    struct ys_ranges deletes;
    uint64_t sections = 0;

    ys_buf_init(out, ysync_alloc_default(), SIZE_MAX);
    ys_ranges_init(&deletes);
    if (ys_reader_varuint(&in, &sections))
        fail_msg("an update that cannot be read");
    for (; sections > 0; sections--)
        describe_section(&in, out);
    if (ys_ranges_decode(&deletes, ysync_alloc_default(), &in) || !ys_reader_is_at_end(&in))
        fail_msg("deletes that cannot be read");
    for (size_t i = 0; i < deletes.count; i++) {
        const struct ys_range *range = &deletes.items[i];

        describe_format(out, " -%llu[%llu,", range->client, range->clock);
        describe_format(out, "%llu)", range->clock + range->len, 0);
    }
    ys_ranges_deinit(&deletes, ysync_alloc_default());
    ys_buf_put_u8(out, 0);
    if (ys_buf_err(out))
        abort();
}

static inline void assert_update(const char *row, struct ysync_bytes update, const char *want)
{
    struct ys_buf got;
    const char *text;

    describe_update(&got, update);
    text = (const char *)got.data;
    if (*text == ' ')
        text++;
    if (strcmp(text, want) != 0)
        fail_msg("%s: got %s, want %s", row, text, want);
    ys_buf_deinit(&got);
}

#endif
