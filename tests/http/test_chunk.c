/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/chunk.h"

/* "hello|END", "hello|bad: why", "hello|more": the data, and how it ended. */
static void read_in_slices(const char *input, size_t slice, char *told, size_t size)
{
    struct ys_http_chunk chunk;
    size_t left = strlen(input);
    size_t len = 0;

    ys_http_chunk_init(&chunk);
    while (left > 0) {
        struct ysync_bytes in = { (const uint8_t *)input, left < slice ? left : slice };
        struct ysync_bytes data = { NULL, 0 };
        const uint8_t *from = in.data;
        const char *why = NULL;
        enum ys_http_chunk_event event = ys_http_chunk_feed(&chunk, &in, &data, &why);

        input += in.data - from;
        left -= (size_t)(in.data - from);
        if (event == YS_HTTP_CHUNK_EVENT_DATA)
            len += (size_t)snprintf(told + len, size - len, "%.*s", (int)data.len, (const char *)data.data);
        if (event == YS_HTTP_CHUNK_EVENT_END)
            snprintf(told + len, size - len, "|END, %zu left", left);
        if (event == YS_HTTP_CHUNK_EVENT_BAD || event == YS_HTTP_CHUNK_EVENT_TOO_BIG)
            snprintf(told + len, size - len, "|%s", why);
        if (event != YS_HTTP_CHUNK_EVENT_DATA && event != YS_HTTP_CHUNK_EVENT_MORE)
            return;
    }
    snprintf(told + len, size - len, "|more");
}

static void test_chunk_reads_bodies(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        const char *want;
    } cases[] = {
        { "nothing", "0\r\n\r\n", "|END, 0 left" },
        { "what follows is left alone", "0\r\n\r\nGET", "|END, 3 left" },
        { "two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde|END, 0 left" },
        { "sizes in both cases, with zeros", "0A\r\n0123456789\r\nb\r\nabcdefghijk\r\n000\r\n\r\n",
          "0123456789abcdefghijk|END, 0 left" },
        { "extensions", "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n", "x|END, 0 left" },
        { "a trailer", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x|END, 0 left" },
        { "data may look like chunks", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n|END, 0 left" },
        { "not the end", "3\r\nab", "ab|more" },
        { "no size", "\r\n", "|invalid chunk size" },
        { "no digit", ";x\r\n", "|invalid chunk size" },
        { "a sign", "-1\r\n", "|invalid chunk size" },
        { "a prefix", "0x1\r\n", "|invalid chunk size" },
        { "a space behind the size", "1 \r\nx\r\n", "|invalid chunk size" },
        { "16 digits", "0000000000000001\r\nx\r\n", "|chunk size too large" },
        { "LF behind the size", "1\nx", "|invalid chunk size" },
        { "CR alone behind the size", "1\rx", "|CR without LF" },
        { "LF in an extension", "1;a\nx", "|invalid character in a chunk extension" },
        { "a chunk that is too long", "1\r\nxyz", "x|chunk longer than its size" },
        { "LF alone behind the data", "1\r\nx\n", "x|chunk longer than its size" },
        { "CR alone behind the data", "1\r\nx\rx", "x|chunk longer than its size" },
        { "a trailer without a name", "0\r\n: x\r\n\r\n", "|invalid character in a field name" },
        { "LF at the end", "0\r\n\n", "|invalid character in a field name" },
    };
    static const size_t slices[] = { 1000, 1, 2, 5 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t s = 0; s < ARRAY_LEN(slices); s++) {
            char told[256];

            read_in_slices(cases[i].input, slices[s], told, sizeof(told));
            if (strcmp(told, cases[i].want) != 0)
                fail_msg("%s, in slices of %zu: got \"%s\", want \"%s\"", cases[i].name, slices[s], told,
                         cases[i].want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_reads_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
