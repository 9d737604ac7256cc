/* SPDX-License-Identifier: MIT */
/*
 * Neighbours merge when cutting them apart again would give exactly what there was: the right one's origin is
 * the left one's last unit, the right origins are equal, and the kind can be cut. Neither their place in the
 * list nor deletion matters for that, so this merges more than Yjs does.
 *
 * A merged struct must stay in wire form, with its count in front. The count is patched in place; when it
 * needs a byte more (at 128, 16384 ... bytes of text) what stands behind it moves by that byte.
 */
#include "doc/run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "doc/any.h"

/* Bytes between two marks, about. Also how long structs of values are merged: there are no marks inside those. */
#define MARK_EVERY 1024

enum ysync_err ys_run_new(const struct ysync_alloc *alloc, uint64_t client, struct ys_run **out)
{
    struct ys_run *run = ys_alloc_zeroed(alloc, 1, sizeof(*run));

    if (!run)
        return YSYNC_ERR_NOMEM;
    run->client = client;
    ys_buf_init(&run->data, alloc, UINT32_MAX);
    *out = run;
    return YSYNC_OK;
}

void ys_run_free(struct ys_run *run)
{
    const struct ysync_alloc *alloc;

    if (!run)
        return;
    alloc = run->data.alloc;
    ys_free(alloc, run->marks);
    ys_buf_deinit(&run->data);
    ys_free(alloc, run);
}

/* Small runs grow by half; large ones by an eighth, as there memory is what counts. */
static size_t growth(const struct ys_run *run, size_t need)
{
    size_t step = run->data.cap < 4096 ? run->data.cap / 2 : run->data.cap / 8;

    return need > step ? need : step;
}

enum ysync_err ys_run_reserve(struct ys_run *run, size_t bytes)
{
    size_t marks = run->mark_count + bytes / MARK_EVERY + 2;
    size_t need;

    if (bytes > UINT32_MAX - YS_STRUCT_CUT_BYTES)
        return YSYNC_ERR_LIMIT;
    need = bytes + YS_STRUCT_CUT_BYTES;
    if (run->data.len + need > MARK_EVERY &&
        !ys_grow_array(run->data.alloc, &run->marks, &run->mark_cap, marks, sizeof(*run->marks)))
        return YSYNC_ERR_NOMEM;
    if (need <= run->data.cap - run->data.len)
        return YSYNC_OK;
    return ys_buf_reserve(&run->data, growth(run, need));
}

static struct ys_run_mark last_mark(const struct ys_run *run)
{
    return run->mark_count ? run->marks[run->mark_count - 1] : (struct ys_run_mark){ 0 };
}

static void add_mark(struct ys_run *run, struct ys_run_mark mark)
{
    assert(run->mark_count < run->mark_cap);
    run->marks[run->mark_count++] = mark;
}

/* Marks for a text of which `len` bytes, the last ones of the data, have just been appended. */
static void mark_text(struct ys_run *run, size_t len)
{
    size_t at = run->data.len - len;
    uint64_t clock = run->clock;

    while (run->data.len - last_mark(run).at > MARK_EVERY) {
        size_t next = last_mark(run).at + MARK_EVERY;

        if (next <= at)
            next = at + 1; /* a mark at the beginning of the text would be one inside the struct, yet cut nothing off */
        while (next < run->data.len && (run->data.data[next] & 0xc0) == 0x80)
            next++; /* to the beginning of a character */
        if (next == run->data.len)
            return;
        clock += ys_utf8_units((struct ysync_bytes){ run->data.data + at, next - at });
        add_mark(run, (struct ys_run_mark){ clock, (uint32_t)next, run->open.at, run->struct_count - 1 });
        at = next;
    }
}

static bool is_same_id(struct ys_id a, struct ys_id b)
{
    return a.client == b.client && a.clock == b.clock;
}

static bool can_extend(const struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    const struct ys_run_open *open = &run->open;

    if (!open->can_extend || (open->info & YS_INFO_KIND) != (s->info & YS_INFO_KIND))
        return false;
    if (ys_struct_kind(s) == YS_KIND_GC)
        return true;
    if ((open->info ^ s->info) & (YS_INFO_RIGHT_ORIGIN | YS_INFO_MAP_ENTRY))
        return false;
    if (open->info & YS_INFO_RIGHT_ORIGIN && !is_same_id(open->right_origin, s->right_origin))
        return false;
    if (ys_struct_kind(s) != YS_KIND_DELETED && open->info & YS_INFO_MAP_ENTRY)
        return false;
    if ((ys_struct_kind(s) == YS_KIND_ANY || ys_struct_kind(s) == YS_KIND_JSON) &&
        run->data.len - open->at > MARK_EVERY)
        return false;
    return from > 0 ||
           (s->info & YS_INFO_ORIGIN && is_same_id(s->origin, (struct ys_id){ run->client, run->clock - 1 }));
}

/* The bytes of the open struct behind its count move when the count gets longer, and the marks among them. */
static void patch_count(struct ys_run *run, uint64_t count)
{
    struct ys_run_open *open = &run->open;
    size_t old_size = ys_varuint_size(open->count);
    size_t size = ys_varuint_size(count);
    uint8_t *at = run->data.data + open->count_at;
    size_t shift = size - old_size;

    if (shift > 0) {
        memmove(at + size, at + old_size, run->data.len - open->count_at - old_size);
        run->data.len += shift;
        for (uint32_t i = run->mark_count; i > 0 && run->marks[i - 1].at > open->at; i--)
            run->marks[i - 1].at += (uint32_t)shift;
    }
    ys_varuint_put(at, count);
    open->count = count;
}

static void extend_text(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    static const struct ysync_bytes replacement = { (const uint8_t *)"\xef\xbf\xbd", 3 };
    bool splits_pair = false;
    size_t start = from ? ys_utf8_seek(s->body, from, &splits_pair) : 0;
    struct ysync_bytes text;

    if (splits_pair)
        start += 4;
    text = (struct ysync_bytes){ s->body.data + start, s->body.len - start };
    patch_count(run, run->open.count + text.len + (splits_pair ? replacement.len : 0));
    if (splits_pair)
        ys_buf_put(&run->data, replacement);
    ys_buf_put(&run->data, text);
    mark_text(run, text.len + (splits_pair ? replacement.len : 0));
}

static void extend_values(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    struct ys_reader in = ys_reader_init(s->body);
    struct ysync_bytes text;
    enum ysync_err err = YSYNC_OK;

    for (uint64_t i = 0; i < from && !err; i++)
        err = ys_struct_kind(s) == YS_KIND_JSON ? ys_reader_var_bytes(&in, &text) : ys_any_skip(&in);
    assert(!err);
    patch_count(run, run->open.count + s->len - from);
    ys_buf_put(&run->data, (struct ysync_bytes){ in.at, ys_reader_left(&in) });
}

static void extend(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    switch (ys_struct_kind(s)) {
    case YS_KIND_STRING:
        extend_text(run, s, from);
        break;
    case YS_KIND_ANY:
    case YS_KIND_JSON:
        extend_values(run, s, from);
        break;
    default:
        patch_count(run, run->open.count + s->len - from);
        break;
    }
}

static bool has_count(enum ys_kind kind)
{
    return kind == YS_KIND_STRING || kind == YS_KIND_DELETED || kind == YS_KIND_GC || kind == YS_KIND_ANY ||
           kind == YS_KIND_JSON;
}

/* What was appended at `at` is the open struct from now on. One whose count is padded is never extended, as the
 * patching would not know where the count ends. */
static void open_struct(struct ys_run *run, size_t at)
{
    struct ys_reader in = ys_reader_init((struct ysync_bytes){ run->data.data + at, run->data.len - at });
    struct ys_struct s;
    size_t count_size;

    ys_struct_read_head(&in, &s);
    count_size = s.wire.len - s.count_at - s.body.len;
    run->open = (struct ys_run_open){
        .right_origin = s.info & YS_INFO_RIGHT_ORIGIN ? s.right_origin : (struct ys_id){ 0, 0 },
        .count = s.count,
        .at = (uint32_t)at,
        .count_at = (uint32_t)at + s.count_at,
        .info = s.info,
        .can_extend = has_count(ys_struct_kind(&s)) && count_size == ys_varuint_size(s.count),
    };
    if (ys_struct_kind(&s) == YS_KIND_STRING)
        mark_text(run, s.body.len);
}

void ys_run_append(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    size_t at = run->data.len;

    if (can_extend(run, s, from)) {
        extend(run, s, from);
    } else {
        if (at - last_mark(run).at >= MARK_EVERY)
            add_mark(run, (struct ys_run_mark){ run->clock, (uint32_t)at, (uint32_t)at, run->struct_count });
        ys_struct_put_piece(&run->data, s, (struct ys_id){ run->client, run->clock - from }, from, YS_STRUCT_END);
        run->struct_count++;
        open_struct(run, at);
    }
    assert(!run->data.err);
    run->clock += s->len - from;
}

/* Where a clock is found: `s` begins at `clock` (it is a trimmed string if the search began inside one). */
struct place {
    struct ys_struct s;
    uint64_t clock;
    size_t start;
    size_t end;
    uint32_t ordinal;
};

/* The last mark that is not behind `target`; `whole`: and not inside a struct. */
static struct ys_run_mark find_mark(const struct ys_run *run, uint64_t target, bool whole, const struct ys_run_mark **next)
{
    uint32_t low = 0;
    uint32_t high = run->mark_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (run->marks[middle].clock <= target)
            low = middle + 1;
        else
            high = middle;
    }
    *next = low < run->mark_count ? &run->marks[low] : NULL;
    while (whole && low > 0 && run->marks[low - 1].at != run->marks[low - 1].struct_at)
        low--;
    return low > 0 ? run->marks[low - 1] : (struct ys_run_mark){ 0 };
}

/* Finds the struct that holds `target`, which is below the run's clock. */
static void seek(const struct ys_run *run, uint64_t target, bool whole, struct place *out)
{
    const struct ys_run_mark *next;
    struct ys_run_mark mark = find_mark(run, target, whole, &next);
    struct ys_reader in =
        ys_reader_init((struct ysync_bytes){ run->data.data + mark.struct_at, run->data.len - mark.struct_at });

    out->clock = mark.clock;
    out->ordinal = mark.ordinal;
    for (;;) {
        bool is_string;
        bool is_inside_for_sure = next && !whole && next->struct_at == (size_t)(in.at - run->data.data);

        out->start = (size_t)(in.at - run->data.data);
        ys_struct_read_head(&in, &out->s);
        out->end = (size_t)(in.at - run->data.data);
        is_string = ys_struct_kind(&out->s) == YS_KIND_STRING;
        if (mark.at != mark.struct_at) {
            size_t offset = mark.at - (size_t)(out->s.body.data - run->data.data);

            ys_struct_trim_text(&out->s, (struct ys_id){ run->client, mark.clock }, offset);
            mark.at = mark.struct_at; /* only the first one is trimmed */
        }
        if (is_inside_for_sure)
            return;
        if (is_string)
            out->s.len = ys_utf8_units(out->s.body);
        if (target - out->clock < out->s.len)
            return;
        out->clock += out->s.len;
        out->ordinal++;
    }
}

/* The clocks [from, to) of a run, found: `last` counts only if `to` is not the run's end. */
struct extent {
    struct place first;
    struct place last;
    uint64_t from;
    uint64_t to;
    uint32_t struct_count;
};

static void find_extent(const struct ys_run *run, uint64_t from, uint64_t to, struct extent *out)
{
    assert(from < to && to <= run->clock);
    out->from = from;
    out->to = to;
    seek(run, from, false, &out->first);
    if (to == run->clock) {
        out->struct_count = run->struct_count - out->first.ordinal;
        return;
    }
    seek(run, to - 1, true, &out->last);
    out->struct_count = out->last.ordinal - out->first.ordinal + 1;
}

static void put_bytes(const struct ys_run *run, size_t start, size_t end, struct ys_buf *out)
{
    ys_buf_put(out, (struct ysync_bytes){ run->data.data + start, end - start });
}

/* The units of the found struct from `from` on, up to `to`; both are clocks. */
static void put_piece(const struct ys_run *run, const struct place *place, uint64_t from, uint64_t to,
                      struct ys_buf *out)
{
    ys_struct_put_piece(out, &place->s, (struct ys_id){ run->client, place->clock }, from - place->clock,
                        to == YS_STRUCT_END ? to : to - place->clock);
}

static void put_extent(const struct ys_run *run, const struct extent *extent, struct ys_buf *out)
{
    const struct place *first = &extent->first;
    const struct place *last = &extent->last;

    if (extent->to == run->clock) {
        put_piece(run, first, extent->from, YS_STRUCT_END, out);
        put_bytes(run, first->end, run->data.len, out);
    } else if (extent->struct_count == 1) {
        put_piece(run, first, extent->from, extent->to, out);
    } else {
        put_piece(run, first, extent->from, YS_STRUCT_END, out);
        put_bytes(run, first->end, last->start, out);
        put_piece(run, last, last->clock, extent->to, out);
    }
}

void ys_run_put(const struct ys_run *run, uint64_t from, uint64_t to, struct ys_buf *out)
{
    struct extent extent;

    find_extent(run, from, to, &extent);
    ys_buf_put_varuint(out, extent.struct_count);
    ys_buf_put_varuint(out, run->client);
    ys_buf_put_varuint(out, from);
    put_extent(run, &extent, out);
}

uint32_t ys_run_put_structs(const struct ys_run *run, uint64_t from, uint64_t to, struct ys_buf *out)
{
    struct extent extent;

    find_extent(run, from, to, &extent);
    put_extent(run, &extent, out);
    return extent.struct_count;
}

size_t ys_run_put_bound(const struct ys_run *run, uint64_t from)
{
    const struct ys_run_mark *next;
    struct ys_run_mark mark = find_mark(run, from, true, &next);

    return run->data.len - mark.at + YS_STRUCT_CUT_BYTES + 3 * YS_VARUINT_MAX_BYTES;
}

size_t ys_run_bytes(const struct ys_run *run)
{
    return sizeof(*run) + run->data.cap + run->mark_cap * sizeof(*run->marks);
}

static void check(bool holds, const struct ys_run *run, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "run of client %llu: %s\n", (unsigned long long)run->client, what);
    abort();
}

void ys_run_check(const struct ys_run *run)
{
    struct ys_reader in = ys_reader_init(ys_buf_bytes(&run->data));
    struct ys_struct s;
    uint64_t clock = 0;
    uint32_t ordinal = 0;
    uint32_t mark = 0;

    for (; !ys_reader_is_at_end(&in); ordinal++) {
        size_t start = (size_t)(in.at - run->data.data);

        check(!ys_struct_decode(&in, (struct ys_id){ run->client, clock }, &s), run, "a struct is malformed");
        check(ys_struct_kind(&s) != YS_KIND_SKIP, run, "a skip");
        for (; mark < run->mark_count && run->marks[mark].struct_at == start; mark++) {
            const struct ys_run_mark *m = &run->marks[mark];
            size_t body_at = m->at == start ? 0 : m->at - (size_t)(s.body.data - run->data.data);
            bool splits;

            check(m->ordinal == ordinal, run, "a mark miscounts structs");
            check(m->clock >= clock && m->clock < clock + s.len, run, "a mark's clock is not in its struct");
            check(ys_struct_kind(&s) != YS_KIND_STRING || ys_utf8_seek(s.body, m->clock - clock, &splits) == body_at,
                  run, "a mark is off");
        }
        clock += s.len;
    }
    check(mark == run->mark_count, run, "a mark points nowhere");
    check(clock == run->clock, run, "the clock is not the sum of the lengths");
    check(ordinal == run->struct_count, run, "structs are miscounted");
}
