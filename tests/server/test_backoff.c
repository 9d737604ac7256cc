/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/backoff.h"

static struct ys_backoff *backoff;

static int set_up(void **state)
{
    (void)state;
    return ys_backoff_new(ysync_alloc_default(), (struct ys_hash_seed){ 1, 2 }, &backoff) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_backoff_free(backoff);
    return 0;
}

static void ip_of(uint32_t n, uint8_t ip[16])
{
    memset(ip, 0, 16);
    memcpy(ip + 12, &n, sizeof(n));
}

static void test_backoff_follows_the_times(void **state)
{
    static const struct {
        const char *name;
        uint64_t times_ms[8];
        const char *want; /* w: by WebSocket, h: by HTTP */
    } cases[] = {
        { "five are told properly, then HTTP", { 0, 1, 2, 3, 4, 5, 6 }, "wwwwwhh" },
        { "five within just less than 10 s", { 0, 2500, 5000, 7500, 9999, 10000 }, "wwwwwh" },
        { "five in 10 s are not within them", { 0, 2500, 5000, 7500, 10000, 12500 }, "wwwwww" },
        { "slowly for ever", { 0, 9000, 18000, 27000, 36000, 45000, 54000, 63000 }, "wwwwwwww" },
        { "it ends after 10 s of quiet", { 0, 1, 2, 3, 4, 5, 10005, 10006 }, "wwwwwhww" },
        { "coming back too early prolongs it", { 0, 1, 2, 3, 4, 9000, 18000, 27000 }, "wwwwwhhh" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t ip[16];
        char got[9] = "";

        ip_of((uint32_t)i + 1, ip);
        for (size_t k = 0; k < strlen(cases[i].want); k++)
            got[k] = ys_backoff_note(backoff, ip, 1000000 + cases[i].times_ms[k]) ? 'h' : 'w';
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].name, got, cases[i].want);
    }
}

static void test_backoff_keeps_addresses_apart(void **state)
{
    uint8_t bad[16];
    uint8_t other[16];

    (void)state;
    ip_of(1, bad);
    ip_of(2, other);
    for (uint64_t i = 0; i < 6; i++)
        ys_backoff_note(backoff, bad, 1000 + i);
    assert_true(ys_backoff_note(backoff, bad, 1010));
    assert_false(ys_backoff_note(backoff, other, 1010));
}

/* A flood of addresses takes no memory; one that keeps coming is remembered for as long as its set is not full. */
static void test_backoff_is_bounded(void **state)
{
    uint8_t ip[16];
    uint64_t now_ms = 1000;

    (void)state;
    for (uint32_t n = 0; n < 100000; n++) {
        ip_of(n, ip);
        assert_false(ys_backoff_note(backoff, ip, now_ms));
    }
    for (int i = 0; i < 5; i++)
        assert_false(ys_backoff_note(backoff, ip, ++now_ms) && i < 4);
    assert_true(ys_backoff_note(backoff, ip, ++now_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_backoff_follows_the_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backoff_keeps_addresses_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backoff_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
