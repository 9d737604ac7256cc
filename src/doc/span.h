/* SPDX-License-Identifier: MIT */
/*
 * A span: consecutive structs of one client in wire form, to be read. The marks say where in the bytes some of the
 * clocks are, about one every KiB, so that looking for a clock reads no more than that.
 *
 *     data    [struct 0-4][struct 5][struct 6-31 ............][struct 32-40]
 *     marks    ^ (implied)                     ^ inside a long string    ^
 *
 * Handing out what somebody lacks is: look up the clock, cut at most one struct in two, copy the rest.
 */
#ifndef YS_DOC_SPAN_H
#define YS_DOC_SPAN_H

#include "doc/struct.h"

/* Bytes between two marks, about. */
#define YS_MARK_EVERY 1024

/* The unit `clock` begins at byte `at`. */
struct ys_mark {
    uint64_t clock;
    uint32_t at;
    uint32_t struct_at; /* where the struct begins that holds it; at, unless inside a long string */
    uint32_t ordinal;   /* how many structs stand before that one */
};

/* Marks, while they are made. Start with { 0 }. */
struct ys_marks {
    struct ys_mark *items;
    size_t count;
    size_t cap;
};

/* Memory for the marks of `bytes` more bytes. */
YSYNC_CHECKED enum ysync_err ys_marks_reserve(struct ys_marks *marks, const struct ysync_alloc *alloc, size_t bytes);

/* Marks the struct that begins at `mark`, if it is far enough from the mark before. There is room (reserve). */
void ys_marks_add_struct(struct ys_marks *marks, struct ys_mark mark);

/* Marks places inside the text that makes up [start, end) of the data; `text` is its beginning, and the beginning of
 * its struct's text if it is whole. Likewise. */
void ys_marks_add_text(struct ys_marks *marks, const uint8_t *data, struct ys_mark text, size_t end, bool is_whole);

struct ys_span {
    uint64_t client;
    uint64_t start; /* the clock of the first struct ... */
    uint64_t end;   /* ... and the one behind the last */
    struct ysync_bytes data;
    uint32_t struct_count;
    uint32_t mark_count;
    const struct ys_mark *marks; /* by clock; none for the first struct */
};

/* A struct, found: `s` begins at `clock` (it is a trimmed string if the search began inside one). */
struct ys_place {
    struct ys_struct s;
    uint64_t clock;
    size_t start; /* in the data */
    size_t end;
    uint32_t ordinal;
};

/* The clocks [from, to) of a span, found: how many structs it takes to write them, and where they are. */
struct ys_extent {
    struct ys_place first;
    struct ys_place last;
    uint64_t from;
    uint64_t to;
    uint32_t struct_count;
};

/* start <= from < to <= end. The extent is good until the span's bytes change. */
void ys_span_find(const struct ys_span *span, uint64_t from, uint64_t to, struct ys_extent *out);

/* Appends the structs of the extent, cutting at its borders. */
void ys_span_put(const struct ys_span *span, const struct ys_extent *extent, struct ys_buf *out);

/* Makes all marks of a span. Errors: NOMEM; then there are none. */
YSYNC_CHECKED enum ysync_err ys_span_mark(const struct ys_span *span, const struct ysync_alloc *alloc,
                                          struct ys_marks *out);

/* The most bytes that ys_span_put() appends for all clocks from `from` on. */
size_t ys_span_put_bound(const struct ys_span *span, uint64_t from);

/* Aborts if an invariant does not hold. */
void ys_span_check(const struct ys_span *span);

#endif
