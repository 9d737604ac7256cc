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
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "doc/any.h"

enum ysync_err ys_run_new(const struct ysync_alloc *alloc, struct ys_id start, struct ys_run **out)
{
    struct ys_run *run = ys_alloc_zeroed(alloc, 1, sizeof(*run));

    if (!run)
        return YSYNC_ERR_NOMEM;
    run->client = start.client;
    run->start = run->clock = start.clock;
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
    ys_free(alloc, run->marks.items);
    ys_buf_deinit(&run->data);
    ys_free(alloc, run);
}

void ys_run_restart(struct ys_run *run, struct ys_id start)
{
    run->client = start.client;
    run->start = run->clock = start.clock;
    run->struct_count = 0;
    run->marks.count = 0;
    run->open.can_extend = false;
    ys_buf_clear(&run->data);
}

/* Small runs grow by half; large ones by an eighth, as there memory is what counts. */
static size_t growth(const struct ys_run *run, size_t need)
{
    size_t step = run->data.cap < 4096 ? run->data.cap / 2 : run->data.cap / 8;

    return need > step ? need : step;
}

enum ysync_err ys_run_reserve(struct ys_run *run, size_t bytes)
{
    size_t need;
    enum ysync_err err = YSYNC_OK;

    if (bytes > UINT32_MAX - YS_STRUCT_CUT_BYTES)
        return YSYNC_ERR_LIMIT;
    need = bytes + YS_STRUCT_CUT_BYTES;
    if (run->data.len + need > YS_MARK_EVERY)
        err = ys_marks_reserve(&run->marks, run->data.alloc, need);
    if (err || need <= run->data.cap - run->data.len)
        return err;
    return ys_buf_reserve(&run->data, growth(run, need));
}

/* Marks for the last `len` bytes of the data, which have just been appended: a text, or what goes on one. */
static void mark_text(struct ys_run *run, size_t len, bool is_whole)
{
    size_t end = run->data.len;

    ys_marks_add_text(&run->marks, run->data.data,
                      (struct ys_mark){ run->clock, (uint32_t)(end - len), run->open.at, run->struct_count - 1 }, end,
                      is_whole);
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
        run->data.len - open->at > YS_MARK_EVERY)
        return false; /* there are no marks inside values: without an end they would take long to search */
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
        for (size_t i = run->marks.count; i > 0 && run->marks.items[i - 1].at > open->at; i--)
            run->marks.items[i - 1].at += (uint32_t)shift;
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
    mark_text(run, text.len + (splits_pair ? replacement.len : 0), false);
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
        mark_text(run, s.body.len, true);
}

void ys_run_append(struct ys_run *run, const struct ys_struct *s, uint64_t from)
{
    size_t at = run->data.len;

    if (can_extend(run, s, from)) {
        extend(run, s, from);
    } else {
        ys_marks_add_struct(&run->marks, (struct ys_mark){ run->clock, (uint32_t)at, (uint32_t)at, run->struct_count });
        ys_struct_put_piece(&run->data, s, (struct ys_id){ run->client, run->clock - from }, from, YS_STRUCT_END);
        run->struct_count++;
        open_struct(run, at);
    }
    assert(!run->data.err);
    run->clock += s->len - from;
}

struct ys_span ys_run_span(const struct ys_run *run)
{
    return (struct ys_span){ .client = run->client,
                             .start = run->start,
                             .end = run->clock,
                             .data = ys_buf_bytes(&run->data),
                             .struct_count = run->struct_count,
                             .mark_count = (uint32_t)run->marks.count,
                             .marks = run->marks.items };
}

size_t ys_run_bytes(const struct ys_run *run)
{
    return sizeof(*run) + run->data.cap + run->marks.cap * sizeof(*run->marks.items);
}

void ys_run_check(const struct ys_run *run)
{
    struct ys_span span = ys_run_span(run);

    ys_span_check(&span);
}
