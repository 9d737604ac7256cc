/* SPDX-License-Identifier: MIT */
#include "doc/span.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum ysync_err ys_marks_reserve(struct ys_marks *marks, const struct ysync_alloc *alloc, size_t bytes)
{
    size_t need = marks->count + bytes / YS_MARK_EVERY + 2;

    return ys_grow_array(alloc, &marks->items, &marks->cap, need, sizeof(*marks->items)) ? YSYNC_OK : YSYNC_ERR_NOMEM;
}

static size_t last_mark_at(const struct ys_marks *marks)
{
    return marks->count ? marks->items[marks->count - 1].at : 0;
}

static void add_mark(struct ys_marks *marks, struct ys_mark mark)
{
    assert(marks->count < marks->cap);
    marks->items[marks->count++] = mark;
}

void ys_marks_add_struct(struct ys_marks *marks, struct ys_mark mark)
{
    if (mark.at - last_mark_at(marks) >= YS_MARK_EVERY)
        add_mark(marks, mark);
}

void ys_marks_add_text(struct ys_marks *marks, const uint8_t *data, struct ys_mark text, size_t end, bool is_whole)
{
    /* At the very beginning a mark would be inside the struct, yet cut nothing off. */
    size_t first = text.at + is_whole;

    while (end - last_mark_at(marks) > YS_MARK_EVERY) {
        size_t next = last_mark_at(marks) + YS_MARK_EVERY;

        if (next < first)
            next = first;
        while (next < end && (data[next] & 0xc0) == 0x80)
            next++; /* to the beginning of a character */
        if (next >= end)
            return;
        text.clock += ys_utf8_units((struct ysync_bytes){ data + text.at, next - text.at });
        text.at = (uint32_t)next;
        add_mark(marks, text);
    }
}

enum ysync_err ys_span_mark(const struct ys_span *span, const struct ysync_alloc *alloc, struct ys_marks *out)
{
    struct ys_reader in = ys_reader_init(span->data);
    struct ys_mark mark = { .clock = span->start };
    struct ys_marks marks = { 0 };
    struct ys_struct s;
    enum ysync_err err = ys_marks_reserve(&marks, alloc, span->data.len);

    if (err)
        return err;
    for (; !ys_reader_is_at_end(&in); mark.ordinal++) {
        mark.at = mark.struct_at = (uint32_t)(in.at - span->data.data);
        ys_marks_add_struct(&marks, mark);
        ys_struct_read(&in, &s);
        if (ys_struct_kind(&s) == YS_KIND_STRING) {
            mark.at = (uint32_t)(s.body.data - span->data.data);
            ys_marks_add_text(&marks, span->data.data, mark, (size_t)(in.at - span->data.data), true);
        }
        mark.clock += s.len;
    }
    *out = marks;
    return YSYNC_OK;
}

/* The last mark that is not behind `target`; `whole`: and not inside a struct. */
static struct ys_mark find_mark(const struct ys_span *span, uint64_t target, bool whole, const struct ys_mark **next)
{
    uint32_t low = 0;
    uint32_t high = span->mark_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (span->marks[middle].clock <= target)
            low = middle + 1;
        else
            high = middle;
    }
    *next = low < span->mark_count ? &span->marks[low] : NULL;
    while (whole && low > 0 && span->marks[low - 1].at != span->marks[low - 1].struct_at)
        low--;
    return low > 0 ? span->marks[low - 1] : (struct ys_mark){ .clock = span->start };
}

/* Cuts off what of the string stands before the mark inside it. */
static void trim_to_mark(const struct ys_span *span, struct ys_struct *s, const struct ys_mark *mark)
{
    size_t offset = mark->at - (size_t)(s->body.data - span->data.data);

    ys_struct_trim_text(s, (struct ys_id){ span->client, mark->clock }, offset);
}

/* Finds the struct that holds `target`. */
static void seek(const struct ys_span *span, uint64_t target, bool whole, struct ys_place *out)
{
    const struct ys_mark *next;
    struct ys_mark mark = find_mark(span, target, whole, &next);
    struct ys_reader in = ys_reader_init(
        (struct ysync_bytes){ span->data.data + mark.struct_at, span->data.len - mark.struct_at });
    bool is_trimmed = mark.at != mark.struct_at;

    out->clock = mark.clock;
    out->ordinal = mark.ordinal;
    for (;; is_trimmed = false) {
        out->start = (size_t)(in.at - span->data.data);
        ys_struct_read_head(&in, &out->s);
        out->end = (size_t)(in.at - span->data.data);
        if (is_trimmed)
            trim_to_mark(span, &out->s, &mark);
        if (next && !whole && next->struct_at == out->start)
            return; /* the next mark is inside this string, and behind the target: no need to measure it */
        if (ys_struct_kind(&out->s) == YS_KIND_STRING)
            out->s.len = ys_utf8_units(out->s.body);
        if (target - out->clock < out->s.len)
            return;
        out->clock += out->s.len;
        out->ordinal++;
    }
}

void ys_span_find(const struct ys_span *span, uint64_t from, uint64_t to, struct ys_extent *out)
{
    assert(span->start <= from && from < to && to <= span->end);
    out->from = from;
    out->to = to;
    if (from == span->start && to == span->end) {
        out->struct_count = span->struct_count;
        return;
    }
    seek(span, from, false, &out->first);
    if (to == span->end) {
        out->struct_count = span->struct_count - out->first.ordinal;
        return;
    }
    seek(span, to - 1, true, &out->last);
    out->struct_count = out->last.ordinal - out->first.ordinal + 1;
}

static void put_bytes(const struct ys_span *span, size_t start, size_t end, struct ys_buf *out)
{
    ys_buf_put(out, (struct ysync_bytes){ span->data.data + start, end - start });
}

/* The units of the found struct from `from` on, up to `to`; both are clocks. */
static void put_piece(const struct ys_span *span, const struct ys_place *place, uint64_t from, uint64_t to,
                      struct ys_buf *out)
{
    ys_struct_put_piece(out, &place->s, (struct ys_id){ span->client, place->clock }, from - place->clock,
                        to == YS_STRUCT_END ? to : to - place->clock);
}

void ys_span_put(const struct ys_span *span, const struct ys_extent *extent, struct ys_buf *out)
{
    const struct ys_place *first = &extent->first;
    const struct ys_place *last = &extent->last;

    if (extent->from == span->start && extent->to == span->end) {
        ys_buf_put(out, span->data);
    } else if (extent->to == span->end) {
        put_piece(span, first, extent->from, YS_STRUCT_END, out);
        put_bytes(span, first->end, span->data.len, out);
    } else if (extent->struct_count == 1) {
        put_piece(span, first, extent->from, extent->to, out);
    } else {
        put_piece(span, first, extent->from, YS_STRUCT_END, out);
        put_bytes(span, first->end, last->start, out);
        put_piece(span, last, last->clock, extent->to, out);
    }
}

size_t ys_span_put_bound(const struct ys_span *span, uint64_t from)
{
    const struct ys_mark *next;
    struct ys_mark mark = find_mark(span, from, false, &next);

    return span->data.len - mark.at + 2 * YS_STRUCT_CUT_BYTES; /* a head of its own, and one that is longer */
}

static void check(bool holds, const struct ys_span *span, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "structs of client %llu: %s\n", (unsigned long long)span->client, what);
    abort();
}

static void check_mark(const struct ys_span *span, const struct ys_mark *mark, const struct ys_struct *s,
                       struct ys_mark start)
{
    size_t body_at = (size_t)(s->body.data - span->data.data);
    bool splits;

    check(mark->ordinal == start.ordinal, span, "a mark miscounts structs");
    check(mark->clock >= start.clock && mark->clock < start.clock + s->len, span, "a mark is outside of its struct");
    if (mark->at == mark->struct_at)
        check(mark->clock == start.clock, span, "a mark is off");
    else
        check(ys_utf8_seek(s->body, mark->clock - start.clock, &splits) == mark->at - body_at, span, "a mark is off");
}

void ys_span_check(const struct ys_span *span)
{
    struct ys_reader in = ys_reader_init(span->data);
    struct ys_mark start = { .clock = span->start };
    uint32_t mark = 0;
    struct ys_struct s;

    for (; !ys_reader_is_at_end(&in); start.ordinal++) {
        start.at = (uint32_t)(in.at - span->data.data);
        check(!ys_struct_decode(&in, (struct ys_id){ span->client, start.clock }, &s), span, "a struct is malformed");
        check(ys_struct_kind(&s) != YS_KIND_SKIP, span, "a skip");
        for (; mark < span->mark_count && span->marks[mark].struct_at == start.at; mark++)
            check_mark(span, &span->marks[mark], &s, start);
        start.clock += s.len;
    }
    check(mark == span->mark_count, span, "a mark points nowhere");
    check(start.clock == span->end, span, "the clock is not the sum of the lengths");
    check(start.ordinal == span->struct_count, span, "structs are miscounted");
}
