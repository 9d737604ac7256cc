/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/room_list.h"
#include "support/failing_alloc.h"

static struct ysync_bytes bytes_of(const char *text)
{
    return (struct ysync_bytes){ (const uint8_t *)text, strlen(text) };
}

static void test_room_list_sorts_what_all_have(void **state)
{
    static const char want[] = "{\"rooms\":[{\"id\":\"a\",\"connections\":0},{\"id\":\"ab\",\"connections\":1000},"
                               "{\"id\":\"b\\\"\",\"connections\":2}]}";
    struct ys_buf parts[3];
    struct ys_buf got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        ys_buf_init(&parts[i], ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
    ys_room_list_put(&parts[0], bytes_of("b\""), 2);
    ys_room_list_put(&parts[0], bytes_of("a"), 0);
    ys_room_list_put(&parts[2], bytes_of("ab"), 1000);
    assert_int_equal(ys_room_list_put_json(&got, parts, ARRAY_LEN(parts)), YSYNC_OK);
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        ys_buf_deinit(&parts[i]);
    ys_buf_deinit(&got);
}

static void test_room_list_may_be_empty(void **state)
{
    struct ys_buf got;

    (void)state;
    ys_buf_init(&got, ysync_alloc_default(), SIZE_MAX);
    assert_int_equal(ys_room_list_put_json(&got, NULL, 0), YSYNC_OK);
    assert_int_equal(got.len, strlen("{\"rooms\":[]}"));
    assert_memory_equal(got.data, "{\"rooms\":[]}", got.len);
    ys_buf_deinit(&got);
}

static void test_room_list_survives_failed_allocations(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_buf part, got;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        ys_buf_init(&part, &memory.alloc, SIZE_MAX);
        ys_buf_init(&got, &memory.alloc, SIZE_MAX);
        ys_room_list_put(&part, bytes_of("blog"), 1);
        err = ys_room_list_put_json(&got, &part, 1);
        ys_buf_deinit(&part);
        ys_buf_deinit(&got);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_list_sorts_what_all_have),
        cmocka_unit_test(test_room_list_may_be_empty),
        cmocka_unit_test(test_room_list_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
