/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/any.h"

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static const struct {
    const char *name;
    struct ysync_bytes bytes;
} good[] = {
    { "undefined", BYTES("\x7f") },
    { "null", BYTES("\x7e") },
    { "the integer 0", BYTES("\x7d\x00") },
    { "the integer -63", BYTES("\x7d\x7f") },
    { "an integer of two bytes", BYTES("\x7d\x80\x01") },
    { "the largest integer", BYTES("\x7d\xbf\xff\xff\xff\xff\xff\xff\x1f") },
    { "the smallest integer", BYTES("\x7d\xff\xff\xff\xff\xff\xff\xff\x1f") },
    { "a float of 32 bits", BYTES("\x7c\x3f\x00\x00\x00") },
    { "a float of 64 bits", BYTES("\x7b\x3f\xd5\x55\x55\x55\x55\x55\x55") },
    { "a bigint", BYTES("\x7a\x80\x00\x00\x00\x00\x00\x00\x00") },
    { "false", BYTES("\x79") },
    { "true", BYTES("\x78") },
    { "an empty string", BYTES("\x77\x00") },
    { "a string", BYTES("\x77\x02\xc3\xa9") },
    { "an empty object", BYTES("\x76\x00") },
    { "an object", BYTES("\x76\x02\x01k\x7e\x00\x7d\x01") },
    { "an empty array", BYTES("\x75\x00") },
    { "an array", BYTES("\x75\x03\x7e\x75\x01\x78\x77\x01x") },
    { "no bytes", BYTES("\x74\x00") },
    { "bytes", BYTES("\x74\x03\x00\x80\xff") },
};

static const struct {
    const char *name;
    struct ysync_bytes bytes;
    const char *problem;
} bad[] = {
    { "a tag below the first", BYTES("\x73\x00"), "unknown kind of value" },
    { "a tag past the last", BYTES("\x80\x00"), "unknown kind of value" },
    { "an integer past 2^53 - 1", BYTES("\x7d\x80\x80\x80\x80\x80\x80\x80\x20"), "number beyond 2^53 - 1" },
    { "an integer that does not end", BYTES("\x7d\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"), "number beyond 2^53 - 1" },
    { "a string that is not UTF-8", BYTES("\x77\x01\xff"), "invalid UTF-8" },
    { "a key that is not UTF-8", BYTES("\x76\x01\x01\xff\x7e"), "invalid UTF-8" },
    { "a count of values that cannot be", BYTES("\x75\x04\x7e\x7e\x7e"),
      "count larger than the bytes left could hold" },
    { "a count of keys that cannot be", BYTES("\x76\x02\x00\x7e\x00"), "count larger than the bytes left could hold" },
};

static void test_any_steps_over_every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct ys_reader validated = ys_reader_init(good[i].bytes);
        struct ys_reader skipped = ys_reader_init(good[i].bytes);

        if (ys_any_validate(&validated))
            fail_msg("%s: refused: %s", good[i].name, validated.problem);
        if (ys_any_skip(&skipped))
            fail_msg("%s: not skipped: %s", good[i].name, skipped.problem);
        if (!ys_reader_is_at_end(&validated) || !ys_reader_is_at_end(&skipped))
            fail_msg("%s: %zu bytes left when validated, %zu when skipped", good[i].name, ys_reader_left(&validated),
                     ys_reader_left(&skipped));
    }
}

static void test_any_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ys_reader in = ys_reader_init(bad[i].bytes);
        enum ysync_err err = ys_any_validate(&in);

        if (err != YSYNC_ERR_MALFORMED || strcmp(in.problem, bad[i].problem) != 0)
            fail_msg("%s: got %d (%s), want %s", bad[i].name, (int)err, in.problem, bad[i].problem);
    }
}

static void test_any_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        for (size_t len = 0; len < good[i].bytes.len; len++) {
            uint8_t *copy = malloc(len + 1); /* so that the sanitizers see a step past it */
            struct ys_reader in = ys_reader_init((struct ysync_bytes){ copy, len });

            assert_non_null(copy);
            memcpy(copy, good[i].bytes.data, len);
            if (ys_any_validate(&in) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", good[i].name, len);
            free(copy);
        }
    }
}

/* Arrays in arrays, so many, around a null. */
static enum ysync_err validate_nested(unsigned depth, const char **problem)
{
    uint8_t bytes[2 * (YS_ANY_MAX_DEPTH + 1) + 1];
    struct ys_reader in = ys_reader_init((struct ysync_bytes){ bytes, 2 * depth + 1 });
    enum ysync_err err;

    for (unsigned i = 0; i < depth; i++) {
        bytes[2 * i] = 117;
        bytes[2 * i + 1] = 1;
    }
    bytes[2 * depth] = 126;
    err = ys_any_validate(&in);
    *problem = in.problem;
    return err;
}

static void test_any_bounds_nesting(void **state)
{
    const char *problem;

    (void)state;
    assert_int_equal(validate_nested(YS_ANY_MAX_DEPTH, &problem), YSYNC_OK);
    assert_int_equal(validate_nested(YS_ANY_MAX_DEPTH + 1, &problem), YSYNC_ERR_MALFORMED);
    assert_string_equal(problem, "values nested too deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_steps_over_every_kind),
        cmocka_unit_test(test_any_refuses),
        cmocka_unit_test(test_any_refuses_every_prefix),
        cmocka_unit_test(test_any_bounds_nesting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
