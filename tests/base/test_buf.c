/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/varint.h"
#include "support/failing_alloc.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void expect(const struct ys_buf *buf, const char *want, size_t len)
{
    assert_int_equal(ys_buf_err(buf), YSYNC_OK);
    assert_int_equal(buf->len, len);
    assert_memory_equal(ys_buf_bytes(buf).data, want, len);
}

static void test_buf_puts_everything_in_order(void **state)
{
    struct ys_buf buf;

    (void)state;
    ys_buf_init(&buf, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_u8(&buf, 7);
    ys_buf_put_str(&buf, "abc");
    ys_buf_put_varuint(&buf, 300);
    ys_buf_put_var_bytes(&buf, bytes_of("xy"));
    ys_buf_put(&buf, (struct ysync_bytes){ NULL, 0 });
    ys_buf_put_var_bytes(&buf, (struct ysync_bytes){ NULL, 0 });
    expect(&buf,
           "\x07"
           "abc\xac\x02\x02xy\x00",
           10);
    ys_buf_deinit(&buf);
}

/* lib0 encoding.js, writeVarUint */
static void test_buf_writes_numbers_as_lib0(void **state)
{
    static const struct {
        uint64_t n;
        const char *want;
        size_t size;
    } cases[] = {
        { 0, "\x00", 1 },
        { 127, "\x7f", 1 },
        { 128, "\x80\x01", 2 },
        { 16383, "\xff\x7f", 2 },
        { 16384, "\x80\x80\x01", 3 },
        { YS_MAX_SAFE_INTEGER, "\xff\xff\xff\xff\xff\xff\xff\x0f", 8 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf buf;

        ys_buf_init(&buf, ysync_alloc_default(), SIZE_MAX);
        ys_buf_put_varuint(&buf, cases[i].n);
        expect(&buf, cases[i].want, cases[i].size);
        assert_int_equal(ys_varuint_size(cases[i].n), cases[i].size);
        ys_buf_deinit(&buf);
    }
}

static void test_buf_never_passes_its_maximum(void **state)
{
    struct ys_buf buf;

    (void)state;
    ys_buf_init(&buf, ysync_alloc_default(), 10);
    ys_buf_put_str(&buf, "0123456789");
    expect(&buf, "0123456789", 10);
    assert_true(buf.cap <= 10);
    assert_int_equal(ys_buf_reserve(&buf, 1), YSYNC_ERR_LIMIT);
    expect(&buf, "0123456789", 10);
    ys_buf_put_u8(&buf, 'x');
    assert_int_equal(ys_buf_err(&buf), YSYNC_ERR_LIMIT);
    assert_int_equal(buf.len, 10);
    ys_buf_deinit(&buf);
}

static void test_buf_keeps_its_first_error_until_cleared(void **state)
{
    struct ys_buf buf;

    (void)state;
    ys_buf_init(&buf, ysync_alloc_default(), 4);
    ys_buf_put_str(&buf, "ab");
    ys_buf_put_str(&buf, "cde");
    ys_buf_put_str(&buf, "f"); /* would fit, but comes too late */
    assert_int_equal(ys_buf_err(&buf), YSYNC_ERR_LIMIT);
    assert_int_equal(buf.len, 2);
    ys_buf_clear(&buf);
    ys_buf_put_str(&buf, "f");
    expect(&buf, "f", 1);
    ys_buf_deinit(&buf);
}

static void test_buf_reserves_exactly(void **state)
{
    struct ys_test_alloc memory;
    struct ys_buf buf;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_buf_init(&buf, &memory.alloc, SIZE_MAX);
    assert_int_equal(ys_buf_reserve(&buf, 1000), YSYNC_OK);
    assert_int_equal(memory.live_bytes, 1000);
    for (int i = 0; i < 1000; i++)
        ys_buf_put_u8(&buf, 'x');
    assert_int_equal(memory.requests, 1);
    assert_int_equal(ys_buf_reserve(&buf, SIZE_MAX), YSYNC_ERR_LIMIT);
    ys_buf_deinit(&buf);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_buf_drops_from_the_front(void **state)
{
    struct ys_buf buf;

    (void)state;
    ys_buf_init(&buf, ysync_alloc_default(), SIZE_MAX);
    ys_buf_drop_front(&buf, 1);
    ys_buf_put_str(&buf, "abcdef");
    ys_buf_drop_front(&buf, 2);
    expect(&buf, "cdef", 4);
    ys_buf_drop_front(&buf, 0);
    expect(&buf, "cdef", 4);
    ys_buf_drop_front(&buf, 100);
    assert_int_equal(buf.len, 0);
    ys_buf_deinit(&buf);
}

static void test_buf_survives_the_nth_allocation_failing(void **state)
{
    size_t n;

    (void)state;
    for (n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_buf buf;

        ys_test_alloc_init(&memory, n);
        ys_buf_init(&buf, &memory.alloc, SIZE_MAX);
        for (int i = 0; i < 100; i++)
            ys_buf_put_str(&buf, "ten bytes.");
        assert_int_equal(ys_buf_err(&buf), memory.failed ? YSYNC_ERR_NOMEM : YSYNC_OK);
        assert_int_equal(buf.len % 10, 0);
        ys_buf_deinit(&buf);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
    assert_true(n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_puts_everything_in_order),
        cmocka_unit_test(test_buf_writes_numbers_as_lib0),
        cmocka_unit_test(test_buf_never_passes_its_maximum),
        cmocka_unit_test(test_buf_keeps_its_first_error_until_cleared),
        cmocka_unit_test(test_buf_reserves_exactly),
        cmocka_unit_test(test_buf_drops_from_the_front),
        cmocka_unit_test(test_buf_survives_the_nth_allocation_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
