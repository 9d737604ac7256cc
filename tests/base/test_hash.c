/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/hash.h"
#include <cmocka.h>

/* Key 00 01 ... 0f, input 00 01 ... (len - 1); made with OpenSSL's SIPHASH, c-rounds 1, d-rounds 3. */
static void test_hash_is_siphash_1_3(void **state)
{
    static const struct {
        size_t len;
        uint64_t want;
    } cases[] = {
        { 0, UINT64_C(0xabac0158050fc4dc) },  { 1, UINT64_C(0xc9f49bf37d57ca93) },
        { 7, UINT64_C(0xd3927d989bb11140) },  { 8, UINT64_C(0x369095118d299a8e) },
        { 9, UINT64_C(0x25a48eb36c063de4) },  { 15, UINT64_C(0xd320d86d2a519956) },
        { 16, UINT64_C(0xcc4fdd1a7d908b66) }, { 63, UINT64_C(0x9d199062b7bbb3a8) },
    };
    static const struct ys_hash_seed seed = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
    uint8_t input[64];

    (void)state;
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t got = ys_hash_bytes(seed, (struct ysync_bytes){ input, cases[i].len });

        if (got != cases[i].want)
            fail_msg("%zu bytes: got %016llx, want %016llx", cases[i].len, (unsigned long long)got,
                     (unsigned long long)cases[i].want);
    }
    assert_int_equal(ys_hash_bytes(seed, (struct ysync_bytes){ NULL, 0 }), cases[0].want);
}

static void test_hash_depends_on_both_halves_of_the_seed(void **state)
{
    (void)state;
    assert_true(ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 5) != ys_hash_u64((struct ys_hash_seed){ 1, 3 }, 5));
    assert_true(ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 5) != ys_hash_u64((struct ys_hash_seed){ 2, 2 }, 5));
    assert_true(ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 5) == ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 5));
    assert_true(ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 5) != ys_hash_u64((struct ys_hash_seed){ 1, 2 }, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_is_siphash_1_3),
        cmocka_unit_test(test_hash_depends_on_both_halves_of_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
