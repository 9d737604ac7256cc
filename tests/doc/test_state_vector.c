/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "doc/state_vector.h"
#include "recorded.h"
#include "support/failing_alloc.h"

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static void test_state_vector_reads(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes bytes;
        struct ys_id want[3]; /* asked for from high to low */
    } cases[] = {
        { "no bytes at all", BYTES(""), { { 9, 0 }, { 7, 0 }, { 0, 0 } } },
        { "no clients", BYTES("\x00"), { { 9, 0 }, { 7, 0 }, { 0, 0 } } },
        { "from high to low", BYTES("\x02\x09\x05\x07\x28"), { { 9, 5 }, { 8, 0 }, { 7, 40 } } },
        { "from low to high", BYTES("\x02\x07\x28\x09\x05"), { { 10, 0 }, { 9, 5 }, { 7, 40 } } },
        { "client 0", BYTES("\x01\x00\x03"), { { 2, 0 }, { 1, 0 }, { 0, 3 } } },
        { "the lower clock of a client that is named twice",
          BYTES("\x03\x07\x05\x09\x01\x07\x03"),
          { { 9, 1 }, { 8, 0 }, { 7, 3 } } },
        { "numbers up to 2^53 - 1",
          BYTES("\x01\xff\xff\xff\xff\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\x0f"),
          { { YS_MAX_SAFE_INTEGER, YS_MAX_SAFE_INTEGER }, { 7, 0 }, { 0, 0 } } },
        { "numbers that are padded", BYTES("\x81\x00\x87\x80\x00\x82\x00"), { { 8, 0 }, { 7, 2 }, { 0, 0 } } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_reader in = ys_reader_init(cases[i].bytes);
        struct ys_state_vector vector;
        size_t hint = 0;

        ys_state_vector_init(&vector);
        if (ys_state_vector_decode(&vector, ysync_alloc_default(), &in))
            fail_msg("%s: refused: %s", cases[i].name, in.problem);
        for (size_t n = 0; n < ARRAY_LEN(cases[i].want); n++) {
            uint64_t got = ys_state_vector_clock(&vector, cases[i].want[n].client, &hint);

            if (got != cases[i].want[n].clock)
                fail_msg("%s: client %llu: got %llu, want %llu", cases[i].name,
                         (unsigned long long)cases[i].want[n].client, (unsigned long long)got,
                         (unsigned long long)cases[i].want[n].clock);
        }
        ys_state_vector_deinit(&vector, ysync_alloc_default());
    }
}

static enum ysync_err decode(struct ysync_bytes bytes, const char **problem)
{
    struct ys_reader in = ys_reader_init(bytes);
    struct ys_state_vector vector;
    enum ysync_err err;

    ys_state_vector_init(&vector);
    err = ys_state_vector_decode(&vector, ysync_alloc_default(), &in);
    ys_state_vector_deinit(&vector, ysync_alloc_default());
    *problem = in.problem ? in.problem : "";
    return err;
}

static void test_state_vector_refuses(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes bytes;
        const char *problem;
    } cases[] = {
        { "more clients than bytes", BYTES("\x03\x07\x01\x08\x01"), "count larger than the bytes left could hold" },
        { "a huge count", BYTES("\xff\xff\xff\xff\xff\xff\xff\x0f\x07\x01"),
          "count larger than the bytes left could hold" },
        { "bytes left over", BYTES("\x01\x07\x01\x00"), "bytes left over behind the state vector" },
        { "a clock past 2^53 - 1", BYTES("\x01\x07\x80\x80\x80\x80\x80\x80\x80\x10"), "number beyond 2^53 - 1" },
    };
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ysync_err err = decode(cases[i].bytes, &problem);

        if (err != YSYNC_ERR_MALFORMED || strcmp(problem, cases[i].problem) != 0)
            fail_msg("%s: got %d (%s), want %s", cases[i].name, (int)err, problem, cases[i].problem);
    }
}

static void test_state_vector_refuses_every_prefix(void **state)
{
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(recorded_state_vectors); i++) {
        struct ysync_bytes whole = recorded_state_vectors[i].bytes;

        assert_int_equal(decode(whole, &problem), YSYNC_OK);
        for (size_t len = 1; len < whole.len; len++) { /* no bytes at all are a state vector, too */
            uint8_t *copy = malloc(len);

            assert_non_null(copy);
            memcpy(copy, whole.data, len);
            if (decode((struct ysync_bytes){ copy, len }, &problem) != YSYNC_ERR_MALFORMED)
                fail_msg("%s: its first %zu bytes were accepted", recorded_state_vectors[i].name, len);
            free(copy);
        }
    }
}

static void test_state_vector_holds_many_clients(void **state)
{
    struct ys_test_alloc memory;
    struct ys_state_vector vector;
    struct ys_buf bytes;
    struct ys_reader in;
    size_t hint = 0;

    (void)state;
    ys_buf_init(&bytes, ysync_alloc_default(), SIZE_MAX);
    ys_buf_put_varuint(&bytes, 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        ys_buf_put_varuint(&bytes, i * 7919 % 1009 * 1000);
        ys_buf_put_varuint(&bytes, i + 1);
    }
    ys_test_alloc_init(&memory, 0);
    ys_state_vector_init(&vector);
    in = ys_reader_init(ys_buf_bytes(&bytes));
    assert_int_equal(ys_state_vector_decode(&vector, &memory.alloc, &in), YSYNC_ERR_NOMEM);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    in = ys_reader_init(ys_buf_bytes(&bytes));
    assert_int_equal(ys_state_vector_decode(&vector, &memory.alloc, &in), YSYNC_OK);
    assert_int_equal(vector.count, 1000);
    for (size_t i = 0; i < vector.count; i++)
        assert_int_equal(ys_state_vector_clock(&vector, vector.entries[i].client, &hint), vector.entries[i].clock);
    ys_state_vector_deinit(&vector, &memory.alloc);
    assert_int_equal(memory.live_blocks, 0);
    ys_buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_vector_reads),
        cmocka_unit_test(test_state_vector_refuses),
        cmocka_unit_test(test_state_vector_refuses_every_prefix),
        cmocka_unit_test(test_state_vector_holds_many_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
