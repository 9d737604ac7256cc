/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/notation.h"
#include "doc/span.h"

/* A span of these structs, which begin at `start`; with marks, as it would have them in a document. */
struct fixture {
    struct ys_buf update;
    struct ys_marks marks;
    struct ys_span span;
};

static void set_up(struct fixture *f, const char *text)
{
    struct ys_reader in;
    struct ys_struct s;
    uint64_t count = 0;
    uint64_t clock;

    write_update(&f->update, text);
    in = ys_reader_init(ys_buf_bytes(&f->update));
    in.at++; /* the count of sections */
    f->marks = (struct ys_marks){ 0 };
    f->span = (struct ys_span){ 0 };
    assert_false(ys_reader_varuint(&in, &count) || ys_reader_varuint(&in, &f->span.client) ||
                 ys_reader_varuint(&in, &f->span.start));
    f->span.struct_count = (uint32_t)count;
    f->span.data.data = in.at;
    clock = f->span.start;
    for (; count > 0; count--) {
        assert_int_equal(ys_struct_decode(&in, (struct ys_id){ f->span.client, clock }, &s), YSYNC_OK);
        clock += s.len;
    }
    f->span.end = clock;
    f->span.data.len = (size_t)(in.at - f->span.data.data);
    assert_int_equal(ys_span_mark(&f->span, ysync_alloc_default(), &f->marks), YSYNC_OK);
    f->span.marks = f->marks.items;
    f->span.mark_count = (uint32_t)f->marks.count;
    ys_span_check(&f->span);
}

static void tear_down(struct fixture *f)
{
    ys_free(ysync_alloc_default(), f->marks.items);
    ys_buf_deinit(&f->update);
}

/* The clocks [from, to) the slow way: each struct is read and cut. */
static uint64_t put_slowly(const struct ys_span *span, uint64_t from, uint64_t to, struct ys_buf *out)
{
    struct ys_reader in = ys_reader_init(span->data);
    uint64_t clock = span->start;
    uint64_t count = 0;
    struct ys_struct s;

    for (; clock < to; clock += s.len) {
        ys_struct_read(&in, &s);
        if (clock + s.len <= from)
            continue;
        ys_struct_put_piece(out, &s, (struct ys_id){ span->client, clock }, from > clock ? from - clock : 0,
                            to < clock + s.len ? to - clock : s.len);
        count++;
    }
    return count;
}

/* Of [from, to), what the span has. */
static void check_cut(const struct ys_span *span, uint64_t from, uint64_t to)
{
    struct ys_extent extent;
    struct ys_buf want;
    struct ys_buf got;
    uint64_t count;

    if (from < span->start)
        from = span->start;
    if (to > span->end)
        to = span->end;
    if (from >= to)
        return;
    ys_buf_init(&want, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
    count = put_slowly(span, from, to, &want);
    ys_span_find(span, from, to, &extent);
    ys_span_put(span, &extent, &got);
    if (extent.struct_count != count || got.len != want.len || memcmp(got.data, want.data, got.len) != 0)
        fail_msg("[%llu,%llu): got %zu bytes of %u structs, want %zu of %llu", (unsigned long long)from,
                 (unsigned long long)to, got.len, extent.struct_count, want.len, (unsigned long long)count);
    if (to == span->end && got.len > ys_span_put_bound(span, from))
        fail_msg("[%llu,): got %zu bytes, at most %zu were promised", (unsigned long long)from, got.len,
                 ys_span_put_bound(span, from));
    ys_buf_deinit(&got);
    ys_buf_deinit(&want);
}

static void test_span_hands_out_any_part(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, "7@3 'a😀é😁b' 7.4<embed 7.9<any(1,2,3)>9.1 gc4 7.10<deleted5 json({},undefined)#k type 'x'^9.3");
    for (uint64_t from = f.span.start; from < f.span.end; from++) {
        for (uint64_t to = from + 1; to <= f.span.end; to++)
            check_cut(&f.span, from, to);
    }
    tear_down(&f);
}

/* Text of this many characters that take one to four bytes each. */
static char *long_text(size_t characters)
{
    static const char *const letters[] = { "a", "é", "€", "😀", "z" };
    char *text = malloc(4 * characters + 1);
    size_t len = 0;

    assert_non_null(text);
    for (size_t i = 0; i < characters; i++) {
        const char *letter = letters[(i * i + i / 7) % ARRAY_LEN(letters)];

        memcpy(text + len, letter, strlen(letter));
        len += strlen(letter);
    }
    text[len] = '\0';
    return text;
}

static void test_span_finds_every_place_in_a_long_text(void **state)
{
    char *text = long_text(50000); /* about 100 KB */
    char *section = malloc(strlen(text) + 64);
    struct fixture f;

    (void)state;
    assert_non_null(section);
    snprintf(section, strlen(text) + 64, "7@0 embed 7.0<'%s'>9.1 embed", text);
    set_up(&f, section);
    assert_true(f.span.mark_count > 80);
    for (uint64_t from = 0; from < f.span.end; from += 1 + from % 61) {
        check_cut(&f.span, from, f.span.end);
        check_cut(&f.span, from, from + 1);
        check_cut(&f.span, from, from + (f.span.end - from + 1) / 2);
    }
    tear_down(&f);
    free(section);
    free(text);
}

/* At a mark and right beside it is where looking starts elsewhere. */
static void test_span_finds_what_is_beside_a_mark(void **state)
{
    char *text = long_text(3000);
    size_t cap = 4 * (strlen(text) + 64);
    char *section = malloc(cap);
    struct fixture f;

    (void)state;
    assert_non_null(section);
    snprintf(section, cap, "7@0 '%s' '%s' embed 'x' '%s'", text, text, text);
    set_up(&f, section);
    for (uint32_t i = 0; i < f.span.mark_count; i++) {
        uint64_t clock = f.span.marks[i].clock;

        for (uint64_t from = clock - 2; from <= clock + 2; from++) {
            check_cut(&f.span, from, f.span.end);
            check_cut(&f.span, from, from + 1);
            check_cut(&f.span, f.span.start, from);
            check_cut(&f.span, from, from + 700);
        }
    }
    tear_down(&f);
    free(section);
    free(text);
}

/* Many short structs: what is found is close to a mark, too. */
static void test_span_finds_structs_among_many(void **state)
{
    size_t count = 1200;
    char *section = malloc(count * 32);
    size_t len = 0;
    struct fixture f;

    (void)state;
    assert_non_null(section);
    len += (size_t)snprintf(section, 32, "7@100");
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(section + len, 32, i % 3 ? " 9.%zu<'%zu'" : " 9.%zu<deleted3", i, i);
    set_up(&f, section);
    assert_true(f.span.mark_count >= 8);
    for (uint64_t from = f.span.start; from < f.span.end; from += 7) {
        check_cut(&f.span, from, f.span.end);
        check_cut(&f.span, from, from + (f.span.end - from + 2) / 3);
    }
    tear_down(&f);
    free(section);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span_hands_out_any_part),
        cmocka_unit_test(test_span_finds_every_place_in_a_long_text),
        cmocka_unit_test(test_span_finds_what_is_beside_a_mark),
        cmocka_unit_test(test_span_finds_structs_among_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
