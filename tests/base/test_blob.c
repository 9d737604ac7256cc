/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/blob.h"
#include "support/failing_alloc.h"

static void test_blob_lives_as_long_as_its_references(void **state)
{
    struct ys_test_alloc memory;
    struct ys_blob *blob;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    blob = ys_blob_copy(&memory.alloc, (struct ysync_bytes){ (const uint8_t *)"hello", 5 });
    assert_non_null(blob);
    assert_ptr_equal(ys_blob_ref(blob), blob);
    ys_blob_unref(blob);
    assert_int_equal(ys_blob_bytes(blob).len, 5);
    assert_memory_equal(ys_blob_bytes(blob).data, "hello", 5);
    ys_blob_unref(blob);
    assert_int_equal(memory.live_blocks, 0);
    ys_blob_unref(NULL);
}

static void test_blob_has_room_in_front(void **state)
{
    struct ys_blob *blob = ys_blob_copy(ysync_alloc_default(), (struct ysync_bytes){ (const uint8_t *)"body", 4 });

    (void)state;
    assert_non_null(blob);
    assert_int_equal(ys_blob_framed(blob).len, 4);
    memcpy(ys_blob_data(blob) - YS_BLOB_HEADROOM, "0123456789", YS_BLOB_HEADROOM);
    blob->head_len = 3;
    assert_int_equal(ys_blob_framed(blob).len, 7);
    assert_memory_equal(ys_blob_framed(blob).data, "789body", 7);
    ys_blob_unref(blob);
}

static void test_blob_takes_its_variant_with_it(void **state)
{
    struct ys_test_alloc memory;
    struct ys_blob *blob;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    blob = ys_blob_copy(&memory.alloc, (struct ysync_bytes){ (const uint8_t *)"hello", 5 });
    assert_non_null(blob);
    assert_null(blob->variant);
    blob->variant = ys_blob_copy(&memory.alloc, (struct ysync_bytes){ (const uint8_t *)"hi", 2 });
    ys_blob_ref(blob);
    ys_blob_unref(blob);
    assert_memory_equal(ys_blob_bytes(blob->variant).data, "hi", 2);
    ys_blob_unref(blob);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_blob_may_be_empty(void **state)
{
    struct ys_blob *blob = ys_blob_copy(ysync_alloc_default(), (struct ysync_bytes){ NULL, 0 });

    (void)state;
    assert_non_null(blob);
    assert_int_equal(ys_blob_bytes(blob).len, 0);
    ys_blob_unref(blob);
}

static void test_blob_needs_memory(void **state)
{
    struct ys_test_alloc memory;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_null(ys_blob_new(&memory.alloc, 10));
    assert_null(ys_blob_copy(&memory.alloc, (struct ysync_bytes){ (const uint8_t *)"x", 1 }));
    assert_null(ys_blob_new(ysync_alloc_default(), SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blob_lives_as_long_as_its_references),
        cmocka_unit_test(test_blob_has_room_in_front),
        cmocka_unit_test(test_blob_takes_its_variant_with_it),
        cmocka_unit_test(test_blob_may_be_empty),
        cmocka_unit_test(test_blob_needs_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
