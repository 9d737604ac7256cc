/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/verdict_cache.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

static struct ys_verdict_key key_of(const char *room, const char *token, bool is_websocket)
{
    const struct ys_auth_request request = {
        .room = bytes_of(room),
        .token = bytes_of(token),
        .is_websocket = is_websocket,
    };
    struct ys_verdict_key key;

    assert_int_equal(ys_verdict_key_of(&request, &key), YSYNC_OK);
    return key;
}

static struct ys_verdict_key numbered_key(unsigned i)
{
    char token[16];

    snprintf(token, sizeof(token), "%u", i);
    return key_of("blog", token, true);
}

static struct ys_verdict_cache *new_cache(const struct ysync_alloc *alloc, size_t max_entries)
{
    struct ys_verdict_cache *cache = NULL;

    assert_int_equal(ys_verdict_cache_new(alloc, max_entries, &cache), YSYNC_OK);
    return cache;
}

static void test_verdict_cache_tells_requests_apart(void **state)
{
    static const struct {
        const char *name;
        const char *room;
        const char *token;
        bool is_websocket;
    } cases[] = {
        { "another token", "blog", "other", true },
        { "another room", "log", "s3cret", true },
        { "every room", "", "s3cret", true },
        { "no token", "blog", "", true },
        { "another transport", "blog", "s3cret", false },
        { "the same bytes, cut elsewhere", "blogs", "3cret", true },
    };
    struct ys_verdict_cache *cache = new_cache(ysync_alloc_default(), 10);
    struct ys_verdict_key key = key_of("blog", "s3cret", true);
    enum ys_access access = YS_ACCESS_NONE;

    (void)state;
    ys_verdict_cache_put(cache, &key, YS_ACCESS_READ, 1000);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_verdict_key other = key_of(cases[i].room, cases[i].token, cases[i].is_websocket);

        if (ys_verdict_cache_find(cache, &other, 0, &access))
            fail_msg("%s: taken for the same", cases[i].name);
    }
    assert_true(ys_verdict_cache_find(cache, &key, 0, &access));
    assert_int_equal(access, YS_ACCESS_READ);
    ys_verdict_cache_free(cache);
}

static void test_verdict_cache_does_not_look_at_the_peer(void **state)
{
    struct ys_auth_request request = { .room = bytes_of("blog"), .peer = bytes_of("127.0.0.1:1") };
    struct ys_verdict_key one;
    struct ys_verdict_key two;

    (void)state;
    assert_int_equal(ys_verdict_key_of(&request, &one), YSYNC_OK);
    request.peer = bytes_of("127.0.0.1:2");
    assert_int_equal(ys_verdict_key_of(&request, &two), YSYNC_OK);
    assert_memory_equal(&one, &two, sizeof(one));
}

static void test_verdict_cache_forgets_in_time(void **state)
{
    struct ys_verdict_cache *cache = new_cache(ysync_alloc_default(), 10);
    struct ys_verdict_key key = numbered_key(1);
    enum ys_access access;

    (void)state;
    ys_verdict_cache_put(cache, &key, YS_ACCESS_NONE, 2000);
    assert_true(ys_verdict_cache_find(cache, &key, 1999, &access));
    assert_int_equal(access, YS_ACCESS_NONE);
    assert_false(ys_verdict_cache_find(cache, &key, 2000, &access));
    assert_false(ys_verdict_cache_find(cache, &key, 1999, &access)); /* it is gone for good */
    ys_verdict_cache_free(cache);
}

static void test_verdict_cache_takes_the_newer_verdict(void **state)
{
    struct ys_verdict_cache *cache = new_cache(ysync_alloc_default(), 10);
    struct ys_verdict_key key = numbered_key(1);
    enum ys_access access;

    (void)state;
    ys_verdict_cache_put(cache, &key, YS_ACCESS_WRITE, 2000);
    ys_verdict_cache_put(cache, &key, YS_ACCESS_NONE, 1000);
    assert_true(ys_verdict_cache_find(cache, &key, 999, &access));
    assert_int_equal(access, YS_ACCESS_NONE);
    assert_false(ys_verdict_cache_find(cache, &key, 1000, &access));
    ys_verdict_cache_free(cache);
}

static void test_verdict_cache_is_bounded(void **state)
{
    struct ys_test_alloc memory;
    struct ys_verdict_cache *cache;
    enum ys_access access;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    cache = new_cache(&memory.alloc, 100);
    for (unsigned i = 0; i < 1000; i++) {
        struct ys_verdict_key key = numbered_key(i);

        ys_verdict_cache_put(cache, &key, YS_ACCESS_WRITE, 1000);
        assert_true(memory.live_blocks <= 102); /* the entries, the cache, its table */
    }
    for (unsigned i = 890; i < 1000; i++) {
        struct ys_verdict_key key = numbered_key(i);
        bool is_there = ys_verdict_cache_find(cache, &key, 0, &access);

        if (is_there != (i >= 900))
            fail_msg("verdict %u: got %d, want %d", i, is_there, i >= 900);
    }
    ys_verdict_cache_free(cache);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_verdict_cache_without_memory_keeps_nothing(void **state)
{
    struct ys_verdict_key keys[] = { numbered_key(1), numbered_key(2) };

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_verdict_cache *cache = NULL;
        struct ys_test_alloc memory;
        enum ys_access access;
        enum ysync_err err;
        bool has_both = false;

        ys_test_alloc_init(&memory, n);
        err = ys_verdict_cache_new(&memory.alloc, 10, &cache);
        if (!err) {
            ys_verdict_cache_put(cache, &keys[0], YS_ACCESS_READ, 1000);
            ys_verdict_cache_put(cache, &keys[1], YS_ACCESS_READ, 1000);
            has_both = ys_verdict_cache_find(cache, &keys[0], 0, &access) &&
                       ys_verdict_cache_find(cache, &keys[1], 0, &access);
        }
        ys_verdict_cache_free(cache);
        assert_int_equal(memory.live_blocks, 0);
        assert_int_equal(has_both, !memory.failed);
        if (!memory.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_cache_tells_requests_apart),
        cmocka_unit_test(test_verdict_cache_does_not_look_at_the_peer),
        cmocka_unit_test(test_verdict_cache_forgets_in_time),
        cmocka_unit_test(test_verdict_cache_takes_the_newer_verdict),
        cmocka_unit_test(test_verdict_cache_is_bounded),
        cmocka_unit_test(test_verdict_cache_without_memory_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
