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

static void test_room_list_reads_pages(void **state)
{
    static const struct {
        const char *query;
        enum ysync_err err;
        const char *after;
        size_t limit;
    } cases[] = {
        { "stored=1", YSYNC_OK, "", YS_ROOM_LIST_LIMIT },
        { "stored=1&after=team%2Fnotes&limit=7", YSYNC_OK, "team/notes", 7 },
        { "limit=1000", YSYNC_OK, "", 1000 },
        { "limit=1001", YSYNC_ERR_MALFORMED, NULL, 0 },
        { "limit=0", YSYNC_ERR_MALFORMED, NULL, 0 },
        { "limit=", YSYNC_ERR_MALFORMED, NULL, 0 },
        { "limit=-1", YSYNC_ERR_MALFORMED, NULL, 0 },
        { "limit=99999999999999999999999", YSYNC_ERR_MALFORMED, NULL, 0 },
        { "after=%2", YSYNC_ERR_MALFORMED, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_room_list_page page;
        const char *problem = NULL;
        enum ysync_err err;

        ys_room_list_page_init(&page, ysync_alloc_default());
        err = ys_room_list_page_read(&page, bytes_of(cases[i].query), &problem);
        if (err != cases[i].err || (err == YSYNC_ERR_MALFORMED) != (problem != NULL))
            fail_msg("%s: got %s", cases[i].query, ysync_strerror(err));
        if (!err && (page.limit != cases[i].limit || page.after.len != strlen(cases[i].after) ||
                     memcmp(page.after.data ? page.after.data : (const uint8_t *)"", cases[i].after, page.after.len)))
            fail_msg("%s: got limit %zu after %.*s", cases[i].query, page.limit, (int)page.after.len,
                     (const char *)page.after.data);
        ys_room_list_page_deinit(&page);
    }
    assert_true(ys_room_list_is_of_stored(bytes_of("a=b&stored=1")));
    assert_false(ys_room_list_is_of_stored(bytes_of("stored=0")));
    assert_false(ys_room_list_is_of_stored(bytes_of("restored=1")));
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
        cmocka_unit_test(test_room_list_reads_pages),
        cmocka_unit_test(test_room_list_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
