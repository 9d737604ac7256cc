/* SPDX-License-Identifier: MIT */
#include "http/answer.h"

#include <stdio.h>

const char *ys_http_reason(int status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Unknown";
    }
}

static void put_number(struct ys_buf *out, uint64_t n)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    ys_buf_put_str(out, digits);
}

void ys_http_answer_put(struct ys_buf *out, const struct ys_http_answer *answer)
{
    ys_buf_put_str(out, "HTTP/1.1 ");
    put_number(out, (uint64_t)answer->status);
    ys_buf_put_str(out, " ");
    ys_buf_put_str(out, ys_http_reason(answer->status));
    ys_buf_put_str(out, "\r\nContent-Type: ");
    ys_buf_put_str(out, answer->content_type ? answer->content_type : "text/plain; charset=utf-8");
    ys_buf_put_str(out, "\r\nContent-Length: ");
    put_number(out, answer->body.len);
    ys_buf_put_str(out, "\r\n");
    if (answer->date) {
        ys_buf_put_str(out, "Date: ");
        ys_buf_put_str(out, answer->date);
        ys_buf_put_str(out, "\r\n");
    }
    if (answer->extra_fields)
        ys_buf_put_str(out, answer->extra_fields);
    if (answer->close)
        ys_buf_put_str(out, "Connection: close\r\n");
    else if (answer->keep_alive)
        ys_buf_put_str(out, "Connection: keep-alive\r\n");
    ys_buf_put_str(out, "\r\n");
    if (!answer->is_head)
        ys_buf_put(out, answer->body);
}
