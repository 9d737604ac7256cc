/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/reader.h"

static struct ys_reader reader_of(const char *bytes, size_t len)
{
    return ys_reader_init((struct ysync_bytes){ (const uint8_t *)bytes, len });
}

static void test_reader_reads_numbers(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        uint64_t want;
        const char *problem; /* NULL: it is a number */
    } cases[] = {
        { "0", "\x00", 1, 0, NULL },
        { "127", "\x7f", 1, 127, NULL },
        { "300", "\xac\x02", 2, 300, NULL },
        { "2^53 - 1", "\xff\xff\xff\xff\xff\xff\xff\x0f", 8, YS_MAX_SAFE_INTEGER, NULL },
        { "padded with zeros", "\x81\x80\x80\x00", 4, 1, NULL },
        { "2^53", "\x80\x80\x80\x80\x80\x80\x80\x10", 8, 0, "number beyond 2^53 - 1" },
        { "nine bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x01", 9, 0, "number beyond 2^53 - 1" },
        { "nothing", "", 0, 0, "truncated" },
        { "cut", "\xac", 1, 0, "truncated" },
        { "seven bytes, cut", "\xff\xff\xff\xff\xff\xff\xff", 7, 0, "truncated" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_reader in = reader_of(cases[i].bytes, cases[i].len);
        uint64_t got = 12345;
        enum ysync_err err = ys_reader_varuint(&in, &got);

        if (cases[i].problem) {
            if (err != YSYNC_ERR_MALFORMED || strcmp(in.problem, cases[i].problem) != 0 || got != 12345)
                fail_msg("%s: got %d, \"%s\", want \"%s\"", cases[i].name, err, in.problem ? in.problem : "",
                         cases[i].problem);
            assert_int_equal(ys_reader_left(&in), cases[i].len);
        } else if (err || got != cases[i].want || !ys_reader_is_at_end(&in)) {
            fail_msg("%s: got %d, %llu, %zu left", cases[i].name, err, (unsigned long long)got, ys_reader_left(&in));
        }
    }
}

/* What varint.h writes, reader.h reads. */
static void test_reader_reads_back_every_size(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 53; bits++) {
        uint64_t n = (UINT64_C(1) << bits) - 1;
        uint8_t bytes[YS_VARUINT_MAX_BYTES];
        size_t size = ys_varuint_put(bytes, n);
        struct ys_reader in = ys_reader_init((struct ysync_bytes){ bytes, size });
        uint64_t got = 0;

        assert_int_equal(size, ys_varuint_size(n));
        assert_int_equal(ys_reader_varuint(&in, &got), YSYNC_OK);
        assert_true(got == n && ys_reader_is_at_end(&in));
    }
}

static void test_reader_takes_bytes(void **state)
{
    struct ys_reader in = reader_of("\x03"
                                    "abcde",
                                    6);
    struct ysync_bytes got;
    uint8_t byte;

    (void)state;
    assert_int_equal(ys_reader_var_bytes(&in, &got), YSYNC_OK);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.data, "abc", 3);
    assert_int_equal(ys_reader_u8(&in, &byte), YSYNC_OK);
    assert_int_equal(byte, 'd');
    assert_int_equal(ys_reader_take(&in, 2, &got), YSYNC_ERR_MALFORMED);
    assert_int_equal(ys_reader_take(&in, UINT64_MAX, &got), YSYNC_ERR_MALFORMED);
    assert_int_equal(ys_reader_take(&in, 1, &got), YSYNC_OK);
    assert_true(ys_reader_is_at_end(&in));
    assert_int_equal(ys_reader_take(&in, 0, &got), YSYNC_OK);
    assert_int_equal(ys_reader_u8(&in, &byte), YSYNC_ERR_MALFORMED);
}

static void test_reader_every_prefix_is_truncated(void **state)
{
    (void)state;
    for (size_t len = 0; len < 4; len++) {
        struct ys_reader in = reader_of("\x03"
                                        "abc",
                                        len);
        struct ysync_bytes got;

        assert_int_equal(ys_reader_var_bytes(&in, &got), YSYNC_ERR_MALFORMED);
        assert_string_equal(in.problem, "truncated");
    }
}

static void test_reader_believes_counts_that_can_be_true(void **state)
{
    struct ys_reader in = reader_of("\x02xxxx", 5);
    uint64_t count = 0;

    (void)state;
    assert_int_equal(ys_reader_count(&in, 2, &count), YSYNC_OK);
    assert_int_equal(count, 2);
    in = reader_of("\x03xxxx", 5);
    assert_int_equal(ys_reader_count(&in, 2, &count), YSYNC_ERR_MALFORMED);
    assert_string_equal(in.problem, "count larger than the bytes left could hold");
}

static void test_reader_keeps_the_first_problem(void **state)
{
    struct ys_reader in = ys_reader_init((struct ysync_bytes){ NULL, 0 });
    uint8_t byte;

    (void)state;
    assert_true(ys_reader_is_at_end(&in));
    assert_int_equal(ys_reader_fail(&in, "first"), YSYNC_ERR_MALFORMED);
    assert_int_equal(ys_reader_u8(&in, &byte), YSYNC_ERR_MALFORMED);
    assert_string_equal(in.problem, "first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_numbers),
        cmocka_unit_test(test_reader_reads_back_every_size),
        cmocka_unit_test(test_reader_takes_bytes),
        cmocka_unit_test(test_reader_every_prefix_is_truncated),
        cmocka_unit_test(test_reader_believes_counts_that_can_be_true),
        cmocka_unit_test(test_reader_keeps_the_first_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
