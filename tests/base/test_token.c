/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/token.h"

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void test_token_knows_its_bytes(void **state)
{
    static const char good[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool want = byte != 0 && strchr(good, (int)byte) != NULL;

        if (ys_token_has_byte((uint8_t)byte) != want)
            fail_msg("byte %u: got %d, want %d", byte, !want, want);
    }
    assert_true(ys_is_token(bytes_of("Sec-WebSocket-Key")));
    assert_false(ys_is_token(bytes_of("a b")));
    assert_false(ys_is_token(bytes_of("")));
}

static void test_token_lists_are_taken_apart(void **state)
{
    static const struct {
        const char *list;
        const char *want;
    } cases[] = {
        { "", "" },     { "a", "[a]" }, { "a,b", "[a][b]" }, { " a ,\tb c\t", "[a][b c]" }, { ",, a,,b, ,", "[a][b]" },
        { " \t ", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_bytes list = bytes_of(cases[i].list);
        struct ysync_bytes element;
        char got[64] = "";

        while (ys_comma_list_next(&list, &element)) {
            strcat(got, "[");
            strncat(got, (const char *)element.data, element.len);
            strcat(got, "]");
        }
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": got %s, want %s", cases[i].list, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_knows_its_bytes),
        cmocka_unit_test(test_token_lists_are_taken_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
