/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/token.h"

static void test_token_finds_each_of_many(void **state)
{
    static char texts[100][16];
    const char *tokens[100];
    struct ys_tokens *all;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(texts[i], sizeof(texts[i]), "token %d", i);
        tokens[i] = texts[i];
    }
    assert_int_equal(ys_tokens_new(ysync_alloc_default(), tokens, 100, &all), YSYNC_OK);
    for (int i = 0; i < 100; i++) {
        struct ysync_bytes token = { (const uint8_t *)texts[i], strlen(texts[i]) };

        if (!ys_tokens_contains(all, token))
            fail_msg("\"%s\" was not found", texts[i]);
    }
    assert_false(ys_tokens_contains(all, (struct ysync_bytes){ (const uint8_t *)"token 100", 9 }));
    ys_tokens_free(all);
}

static void test_token_compares_all_bytes(void **state)
{
    static const char *const tokens[] = { "tok\xc3\xa9n" };
    struct ys_tokens *all;

    (void)state;
    assert_int_equal(ys_tokens_new(ysync_alloc_default(), tokens, 1, &all), YSYNC_OK);
    assert_true(ys_tokens_contains(all, (struct ysync_bytes){ (const uint8_t *)"tok\xc3\xa9n", 6 }));
    assert_false(ys_tokens_contains(all, (struct ysync_bytes){ (const uint8_t *)"tok\xc3\xa9n\0more", 11 }));
    assert_false(ys_tokens_contains(all, (struct ysync_bytes){ NULL, 0 }));
    ys_tokens_free(all);
    ys_tokens_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_finds_each_of_many),
        cmocka_unit_test(test_token_compares_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
