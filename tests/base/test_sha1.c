/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/sha1.h"

static void format(const uint8_t digest[YS_SHA1_BYTES], char text[2 * YS_SHA1_BYTES + 1])
{
    for (size_t i = 0; i < YS_SHA1_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void test_sha1_gives_the_digests_of_the_standard(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t digest[YS_SHA1_BYTES];
        char got[2 * YS_SHA1_BYTES + 1];

        ys_sha1((struct ysync_bytes){ (const uint8_t *)cases[i].text, strlen(cases[i].text) }, digest);
        format(digest, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": got %s, want %s", cases[i].text, got, cases[i].want);
    }
}

/* Where the padding needs a block of its own, and where it does not; the bytes are 0, 7, 14 ..., the digests Python's.
 */
static void test_sha1_pads_bytes_of_any_length(void **state)
{
    static const struct {
        size_t len;
        const char *want;
    } cases[] = {
        { 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },   { 1, "5ba93c9db0cff93f52b521d7420e43f6eda2784f" },
        { 3, "75550941124b46eb4161d17ac200c05c4fc03ce7" },   { 55, "aecd1643c9903b9bae8cb94f53c50f8a4e18605b" },
        { 56, "f5d65c621c02cc8e785159feff8088e3072da1bc" },  { 63, "4952f0fe097e4d6410ae9eab4855aa836caf3bff" },
        { 64, "1e17ae1fc093e5daca033553c97a5192ca164486" },  { 65, "ac44f5dbe3e9b5d2733fc9537fcad715c3c20bc3" },
        { 119, "b4a4e69060d0b1e7e8ebbf7041a4211c63438b57" }, { 120, "b651390c2996406336a3f6647e4b590c18cdd6f8" },
        { 128, "516846cd40bd1fe431119c3b0a0f362957992ee8" }, { 1000, "38f3aa587f4aa04965a359f9151092759b3a4c2a" },
    };
    uint8_t bytes[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t digest[YS_SHA1_BYTES];
        char got[2 * YS_SHA1_BYTES + 1];

        ys_sha1((struct ysync_bytes){ bytes, cases[i].len }, digest);
        format(digest, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%zu bytes: got %s, want %s", cases[i].len, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha1_gives_the_digests_of_the_standard),
        cmocka_unit_test(test_sha1_pads_bytes_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
