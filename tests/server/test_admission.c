/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/admission.h"
#include "support/failing_alloc.h"

static const struct ys_hash_seed seed;

static struct ys_peer peer_of(const char *host)
{
    struct ys_address address;

    assert_int_equal(ys_address_parse(host, 0, &address), YSYNC_OK);
    return ys_peer_of(&address);
}

static void test_admission_counts_connections(void **state)
{
    struct ys_admission *admission;

    (void)state;
    assert_int_equal(ys_admission_new(ysync_alloc_default(), seed, 2, 0, &admission), YSYNC_OK);
    assert_int_equal(ys_admission_enter(admission), YSYNC_OK);
    assert_int_equal(ys_admission_enter(admission), YSYNC_OK);
    assert_int_equal(ys_admission_enter(admission), YSYNC_ERR_LIMIT);
    ys_admission_leave(admission);
    assert_int_equal(ys_admission_enter(admission), YSYNC_OK);
    assert_int_equal(ys_admission_enter(admission), YSYNC_ERR_LIMIT);
    ys_admission_free(admission);
    ys_admission_free(NULL);
}

static void test_admission_counts_by_address(void **state)
{
    static const struct {
        const char *name;
        const char *first;
        const char *second;
        enum ysync_err want; /* for the second, after one that was let in */
    } cases[] = {
        { "the same address", "203.0.113.9", "203.0.113.9", YSYNC_ERR_LIMIT },
        { "its neighbour", "203.0.113.9", "203.0.113.8", YSYNC_OK },
        { "one IPv6 network", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", YSYNC_ERR_LIMIT },
        { "another IPv6 network", "2001:db8:0:1::1", "2001:db8:0:2::1", YSYNC_OK },
        { "a Unix socket", "unix:/x", "unix:/x", YSYNC_OK },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ys_peer first = peer_of(cases[i].first);
        const struct ys_peer second = peer_of(cases[i].second);
        struct ys_admission *admission;
        enum ysync_err got;

        assert_int_equal(ys_admission_new(ysync_alloc_default(), seed, 0, 1, &admission), YSYNC_OK);
        assert_int_equal(ys_admission_enter_from(admission, &first), YSYNC_OK);
        got = ys_admission_enter_from(admission, &second);
        if (got != cases[i].want)
            fail_msg("%s: got %s, want %s", cases[i].name, ysync_strerror(got), ysync_strerror(cases[i].want));
        ys_admission_leave_from(admission, &first);
        assert_int_equal(ys_admission_enter_from(admission, &first), YSYNC_OK);
        ys_admission_free(admission);
    }
}

static void test_admission_forgets_who_left(void **state)
{
    struct ys_test_alloc memory;
    struct ys_admission *admission;
    struct ys_peer peer = peer_of("10.0.0.0");
    size_t blocks;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    assert_int_equal(ys_admission_new(&memory.alloc, seed, 0, 3, &admission), YSYNC_OK);
    blocks = memory.live_blocks;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10000; i++) {
            peer.ip[14] = (uint8_t)(i >> 8);
            peer.ip[15] = (uint8_t)i;
            if (round == 0)
                assert_int_equal(ys_admission_enter_from(admission, &peer), YSYNC_OK);
            else
                ys_admission_leave_from(admission, &peer);
        }
    }
    assert_in_range(memory.live_blocks, blocks, blocks + 1); /* the table may stay */
    ys_admission_free(admission);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_admission_survives_failed_allocations(void **state)
{
    const struct ys_peer peer = peer_of("203.0.113.9");

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_admission *admission = NULL;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_admission_new(&memory.alloc, seed, 0, 1, &admission);
        if (!err)
            err = ys_admission_enter_from(admission, &peer);
        if (!err)
            ys_admission_leave_from(admission, &peer);
        ys_admission_free(admission);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission_counts_connections),
        cmocka_unit_test(test_admission_counts_by_address),
        cmocka_unit_test(test_admission_forgets_who_left),
        cmocka_unit_test(test_admission_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
