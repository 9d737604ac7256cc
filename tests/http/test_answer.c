/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "http/answer.h"
#include "support/failing_alloc.h"

#define BODY(text)                                                                                                     \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }

static void test_answer_is_written_whole(void **state)
{
    static const struct {
        const char *name;
        struct ys_http_answer answer;
        const char *want;
    } cases[] = {
        { "plain text is the default",
          { .status = 404, .body = BODY("Room not found: blog\n") },
          "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\n"
          "Room not found: blog\n" },
        { "all parts",
          { .status = 200,
            .content_type = "application/json",
            .extra_fields = "Allow: GET\r\nX: y\r\n",
            .body = BODY("{}"),
            .date = "Sun, 06 Nov 1994 08:49:37 GMT",
            .close = true },
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nAllow: GET\r\nX: y\r\nConnection: close\r\n\r\n{}" },
        { "a connection that is kept",
          { .status = 200, .keep_alive = true },
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n"
          "Connection: keep-alive\r\n\r\n" },
        { "one that is to be kept but cannot be",
          { .status = 200, .close = true, .keep_alive = true },
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n"
          "Connection: close\r\n\r\n" },
        { "HEAD has the length but not the body",
          { .status = 200, .body = BODY("12345"), .is_head = true },
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n" },
        { "no body",
          { .status = 503 },
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf out;

        ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
        ys_http_answer_put(&out, &cases[i].answer);
        assert_int_equal(ys_buf_err(&out), YSYNC_OK);
        if (out.len != strlen(cases[i].want) || memcmp(out.data, cases[i].want, out.len) != 0)
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].name, (int)out.len, (const char *)out.data,
                     cases[i].want);
        ys_buf_deinit(&out);
    }
}

static void test_answer_names_every_status_in_use(void **state)
{
    static const int in_use[] = { 100, 101, 200, 400, 401, 403, 404, 405, 408, 413, 417, 426, 429, 431, 500, 501, 503 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(in_use); i++) {
        if (strcmp(ys_http_reason(in_use[i]), "Unknown") == 0)
            fail_msg("status %d has no reason phrase", in_use[i]);
    }
    assert_string_equal(ys_http_reason(299), "Unknown");
}

static void test_answer_reports_what_went_wrong(void **state)
{
    const struct ys_http_answer answer = { .status = 200, .body = BODY("a body") };
    struct ys_test_alloc memory;
    struct ys_buf out;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    ys_buf_init(&out, &memory.alloc, SIZE_MAX);
    ys_http_answer_put(&out, &answer);
    assert_int_equal(ys_buf_err(&out), YSYNC_ERR_NOMEM);
    ys_buf_deinit(&out);
    ys_buf_init(&out, ysync_alloc_default(), 50);
    ys_http_answer_put(&out, &answer);
    assert_int_equal(ys_buf_err(&out), YSYNC_ERR_LIMIT);
    ys_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_is_written_whole),
        cmocka_unit_test(test_answer_names_every_status_in_use),
        cmocka_unit_test(test_answer_reports_what_went_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
