/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "support/failing_alloc.h"

static void test_alloc_refuses_products_that_overflow(void **state)
{
    struct ys_test_alloc memory;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_null(ys_alloc_array(&memory.alloc, SIZE_MAX / 2, 3));
    assert_null(ys_alloc_zeroed(&memory.alloc, 3, SIZE_MAX / 2));
    assert_int_equal(memory.requests, 0);
}

static void test_alloc_zeroed_is_zero(void **state)
{
    static const uint8_t zeros[24];
    struct ys_test_alloc memory;
    void *block;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL); /* fills what it hands out */
    block = ys_alloc_zeroed(&memory.alloc, 3, 8);
    assert_non_null(block);
    assert_memory_equal(block, zeros, 24);
    ys_free(&memory.alloc, block);
    ys_free(&memory.alloc, NULL);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_alloc_failure_keeps_the_old_block(void **state)
{
    struct ys_test_alloc memory;
    char *block;

    (void)state;
    ys_test_alloc_init(&memory, 1);
    block = ys_alloc_array(&memory.alloc, 4, 1);
    assert_non_null(block);
    memcpy(block, "abc", 4);
    assert_null(ys_realloc_array(&memory.alloc, block, 400, 1));
    assert_string_equal(block, "abc");
    ys_free(&memory.alloc, block);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_alloc_grows_arrays_by_half(void **state)
{
    struct ys_test_alloc memory;
    uint32_t *items = NULL;
    size_t cap = 0;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(ys_grow_array(&memory.alloc, &items, &cap, i + 1, sizeof(*items)));
        items[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_true(memory.requests < 20);
    assert_true(ys_grow_array(&memory.alloc, &items, &cap, 5000, sizeof(*items)));
    assert_int_equal(cap, 5000);
    ys_free(&memory.alloc, items);
}

static void test_alloc_failing_to_grow_changes_nothing(void **state)
{
    struct ys_test_alloc memory;
    uint64_t *items = NULL;
    size_t cap = 0;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_false(ys_grow_array(&memory.alloc, &items, &cap, 1, sizeof(*items)));
    assert_null(items);
    assert_int_equal(cap, 0);
    assert_false(ys_grow_array(ysync_alloc_default(), &items, &cap, SIZE_MAX / 4, sizeof(*items)));
    assert_null(items);
}

static void test_alloc_grows_from_the_callers_own_storage(void **state)
{
    struct ys_test_alloc memory;
    uint32_t few[3] = { 1, 2, 3 };
    uint32_t *items = few;
    size_t cap = ARRAY_LEN(few);

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_true(ys_grow_from(&memory.alloc, &items, few, &cap, 3, sizeof(*items)));
    assert_ptr_equal(items, few);
    ys_free_grown(&memory.alloc, items, few);
    assert_true(ys_grow_from(&memory.alloc, &items, few, &cap, 4, sizeof(*items)));
    assert_ptr_not_equal(items, few);
    assert_memory_equal(items, few, sizeof(few));
    assert_true(ys_grow_from(&memory.alloc, &items, few, &cap, 100, sizeof(*items)));
    assert_memory_equal(items, few, sizeof(few));
    assert_true(cap >= 100);
    ys_free_grown(&memory.alloc, items, few);
    assert_int_equal(memory.live_blocks, 0);
    ys_test_alloc_init(&memory, 0);
    items = few;
    cap = ARRAY_LEN(few);
    assert_false(ys_grow_from(&memory.alloc, &items, few, &cap, 4, sizeof(*items)));
    assert_ptr_equal(items, few);
    assert_int_equal(cap, ARRAY_LEN(few));
}

static void test_alloc_copies_texts(void **state)
{
    struct ys_test_alloc memory;
    char *copy = NULL;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_true(ys_copy_text(&memory.alloc, "text", &copy));
    assert_string_equal(copy, "text");
    ys_free(&memory.alloc, copy);
    assert_true(ys_copy_text(&memory.alloc, NULL, &copy));
    assert_null(copy);
    ys_test_alloc_init(&memory, 0);
    assert_false(ys_copy_text(&memory.alloc, "text", &copy));
    assert_null(copy);
}

static void test_alloc_default_frees(void **state)
{
    const struct ysync_alloc *alloc = ysync_alloc_default();
    void *block = ys_alloc_array(alloc, 10, 10);

    (void)state;
    assert_non_null(block);
    assert_null(alloc->resize(alloc->user, block, 0)); /* the leak checker tells if it did not */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_refuses_products_that_overflow),
        cmocka_unit_test(test_alloc_zeroed_is_zero),
        cmocka_unit_test(test_alloc_failure_keeps_the_old_block),
        cmocka_unit_test(test_alloc_grows_arrays_by_half),
        cmocka_unit_test(test_alloc_failing_to_grow_changes_nothing),
        cmocka_unit_test(test_alloc_grows_from_the_callers_own_storage),
        cmocka_unit_test(test_alloc_copies_texts),
        cmocka_unit_test(test_alloc_default_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
