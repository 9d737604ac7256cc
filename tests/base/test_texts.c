/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/texts.h"
#include "support/failing_alloc.h"

static void test_texts_are_copies(void **state)
{
    char second[] = "second";
    const char *const texts[] = { "first", second, "" };
    struct ys_test_alloc memory;
    const char *const *copies;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_int_equal(ys_texts_copy(&memory.alloc, texts, 3, &copies), YSYNC_OK);
    memset(second, 'x', strlen(second));
    assert_string_equal(copies[0], "first");
    assert_string_equal(copies[1], "second");
    assert_string_equal(copies[2], "");
    ys_free(&memory.alloc, (void *)(uintptr_t)copies);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_texts_may_be_none(void **state)
{
    const char *const text = "only";
    const char *const *copies = &text;
    struct ys_test_alloc memory;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_int_equal(ys_texts_copy(&memory.alloc, NULL, 0, &copies), YSYNC_OK);
    assert_null(copies);
    assert_int_equal(ys_texts_copy(&memory.alloc, &text, 1, &copies), YSYNC_ERR_NOMEM);
    assert_null(copies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_copies),
        cmocka_unit_test(test_texts_may_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
