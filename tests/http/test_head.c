/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/transcript.h"
#include "support/failing_alloc.h"

static struct ys_http_parser *new_parser(const struct ysync_alloc *alloc)
{
    struct ys_http_parser *parser;

    assert_int_equal(ys_http_parser_new(alloc, &parser), YSYNC_OK);
    return parser;
}

/* The transcript of `input`, fed in slices of this size. */
static struct transcript *read_in_slices(struct ysync_bytes input, size_t slice)
{
    struct ys_http_parser *parser = new_parser(ysync_alloc_default());
    struct transcript *told = calloc(1, sizeof(*told));

    assert_non_null(told);
    for (size_t i = 0; i < input.len && !told->failed; i += slice) {
        size_t len = input.len - i < slice ? input.len - i : slice;

        transcript_feed(told, parser, (struct ysync_bytes){ input.data + i, len });
    }
    ys_http_parser_free(parser);
    return told;
}

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static void expect(const char *name, struct ysync_bytes input, const char *want)
{
    static const size_t slices[] = { SIZE_MAX / 2, 1, 2, 3, 7, 64 };

    for (size_t i = 0; i < ARRAY_LEN(slices); i++) {
        struct transcript *told = read_in_slices(input, slices[i]);

        if (strcmp(told->text, want) != 0)
            fail_msg("%s, in slices of %zu: got \"%s\", want \"%s\"", name, slices[i], told->text, want);
        free(told);
    }
}

static void test_head_reads_requests(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        const char *want;
    } cases[] = {
        { "the parts of a request", "GET /rooms/blog?token=x HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
          "GET /rooms/blog?token=x Host=a Accept=*/* | END | " },
        { "blanks around a value do not count",
          "GET / HTTP/1.1\r\nHost:a\r\nX: \t b c \t\r\nEmpty:\r\nBlank:  \r\n\r\n",
          "GET / Host=a X=b c Empty= Blank= | END | " },
        { "empty values in a row", "GET / HTTP/1.1\r\nHost:\r\nA:\r\nB:\r\nC: c\r\n\r\n",
          "GET / Host= A= B= C=c | END | " },
        { "values may hold other bytes", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\xff\r\n\r\n",
          "GET / Host=a X=\xc3\xa9\xff | END | " },
        { "an empty line in front", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / Host=a | END | " },
        { "other methods", "PATCH /x HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER /x Host=a | END | " },
        { "the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER * Host=a | END | " },
        { "a target in absolute form", "GET http://a:1/x?y HTTP/1.1\r\nHost: a:1\r\n\r\n",
          "GET /x?y Host=a:1 | END | " },
        { "the same without a path", "HEAD HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / Host=a | END | " },
        { "the same with a query alone", "GET https://a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q=1 Host=a | END | " },
        { "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET / | END | " },
        { "an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:3913\r\n\r\n", "GET / Host=[::1]:3913 | END | " },
        { "a second question mark", "GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?b?c Host=a | END | " },
        { "a body of a known length", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
          "POST /x Host=a Content-Length=5 | hello | END | " },
        { "a body of no length", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
          "POST /x Host=a Content-Length=0 | END | " },
        { "a chunked body with all that may come",
          "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
          "5;a=b\r\nhello\r\n00A\r\n, worlds!!\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n",
          "POST /x Host=a Transfer-Encoding=Chunked | hello, worlds!! | END | " },
        { "requests in a row",
          "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
          "\r\nDELETE /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4",
          "POST /1 Host=a Content-Length=2 | hi | END | GET /2 Host=a | END | DELETE /3 Host=a | END | " },
        { "characters that URLs should escape but do not", "GET /a|b?{\"x\":[1]} HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET /a|b?{\"x\":[1]} Host=a | END | " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].name, bytes_of(cases[i].input), cases[i].want);
}

#define HOST "Host: a\r\n"
#define POST_WITH(fields) "POST / HTTP/1.1\r\n" HOST fields "\r\n"
#define CHUNKS(body) POST_WITH("Transfer-Encoding: chunked\r\n") body

/* What could be read in two ways, or is no HTTP/1 at all. `status` is what the answer begins with. */
static void test_head_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        int status;
    } cases[] = {
        { "LF alone behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400 },
        { "LF alone behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400 },
        { "LF alone as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400 },
        { "CR inside a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400 },
        { "CR inside the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400 },
        { "two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "LF in front", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a folded value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400 },
        { "a folded value behind the request line", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400 },
        { "a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "a tab before the colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400 },
        { "no name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400 },
        { "no colon", "GET / HTTP/1.1\r\nHost: a\r\nhello\r\n\r\n", 400 },
        { "a name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400 },
        { "a control character in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400 },
        { "DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400 },
        { "a control character in the target", "GET /\x02 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "other bytes in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "two spaces in front of the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "two spaces behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
        { "no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "an empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "an asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "an asterisk and more", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "an absolute target without an authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "a space in front of the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "HTTP/0.9", "GET /\r\n\r\n", 400 },
        { "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400 },
        { "HTTP/11.1", "GET / HTTP/11.1\r\nHost: a\r\n\r\n", 400 },
        { "http/1.1 in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
        { "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400 },
        { "the beginning of TLS", "\x16\x03\x01\x02", 400 },
        { "HTTP/1.1 without Host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400 },
        { "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400 },
        { "a Host that is a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400 },
        { "a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
        { "two lengths that differ", POST_WITH("Content-Length: 1\r\nContent-Length: 2\r\n"), 400 },
        { "a list of lengths", POST_WITH("Content-Length: 1, 1\r\n"), 400 },
        { "a negative length", POST_WITH("Content-Length: -1\r\n"), 400 },
        { "a length with a sign", POST_WITH("Content-Length: +1\r\n"), 400 },
        { "a hexadecimal length", POST_WITH("Content-Length: 0x1\r\n"), 400 },
        { "an empty length", POST_WITH("Content-Length:\r\n"), 400 },
        { "a length past 64 bits", POST_WITH("Content-Length: 18446744073709551617\r\n"), 400 },
        { "a length beside chunks", POST_WITH("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400 },
        { "chunks beside a length", POST_WITH("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400 },
        { "chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "chunked twice", POST_WITH("Transfer-Encoding: chunked, chunked\r\n"), 400 },
        { "chunked but not last", POST_WITH("Transfer-Encoding: chunked, gzip\r\n"), 400 },
        { "an empty coding", POST_WITH("Transfer-Encoding:\r\n"), 400 },
        { "an unknown coding", POST_WITH("Transfer-Encoding: gzip\r\n"), 501 },
        { "an unknown coding in front", POST_WITH("Transfer-Encoding: gzip, chunked\r\n"), 501 },
        { "codings in two fields", POST_WITH("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501 },
        { "nearly chunked", POST_WITH("Transfer-Encoding: xchunked\r\n"), 501 },
        { "a chunk size that is none", CHUNKS("x\r\n"), 400 },
        { "a chunk longer than its size", CHUNKS("1\r\nab\r\n"), 400 },
        { "LF behind a chunk size", CHUNKS("1\na\r\n0\r\n\r\n"), 400 },
        { "a folded trailer", CHUNKS("0\r\nX: a\r\n b\r\n\r\n"), 400 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct transcript *told = read_in_slices(bytes_of(cases[i].input), SIZE_MAX / 2);
        const char *error = strrchr(told->text, '|');

        error = error ? error + 2 : told->text;
        if (!told->failed || atoi(error) != cases[i].status)
            fail_msg("%s: got \"%s\", want status %d", cases[i].name, told->text, cases[i].status);
        expect(cases[i].name, bytes_of(cases[i].input), told->text);
        free(told);
    }
}

/* A zero byte cannot stand in a C string. */
static void test_head_refuses_zero_bytes(void **state)
{
    static const char target[] = "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char value[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
    static const char name[] = "GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n";

    (void)state;
    expect("in the target", (struct ysync_bytes){ (const uint8_t *)target, sizeof(target) - 1 },
           "400 invalid character in the request line");
    expect("in a value", (struct ysync_bytes){ (const uint8_t *)value, sizeof(value) - 1 },
           "400 invalid character in a field value");
    expect("in a name", (struct ysync_bytes){ (const uint8_t *)name, sizeof(name) - 1 },
           "400 invalid character in a field name");
}

/* A head of exactly `size` bytes. */
static struct ysync_bytes head_of_size(char *to, size_t size)
{
    static const char front[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";

    memset(to, 'x', size);
    memcpy(to, front, sizeof(front) - 1);
    memcpy(to + size - 4, "\r\n\r\n", 4);
    return (struct ysync_bytes){ (const uint8_t *)to, size };
}

static void test_head_is_bounded(void **state)
{
    static char head[YS_HTTP_MAX_HEAD_BYTES + 1];
    struct transcript *told = read_in_slices(head_of_size(head, YS_HTTP_MAX_HEAD_BYTES), 100);

    (void)state;
    assert_false(told->failed);
    assert_string_equal(told->text + told->len - 6, "END | ");
    free(told);
    expect("a byte too many", head_of_size(head, sizeof(head)), "431 request head too large");
}

static void test_head_bounds_the_fields(void **state)
{
    static char head[YS_HTTP_MAX_HEAD_BYTES];
    struct transcript *told;
    size_t len = (size_t)sprintf(head, "GET / HTTP/1.1\r\nHost: a\r\n");

    (void)state;
    for (size_t i = 1; i < YS_HTTP_MAX_FIELDS; i++)
        len += (size_t)sprintf(head + len, "X: %zu\r\n", i);
    strcpy(head + len, "\r\n");
    told = read_in_slices(bytes_of(head), 10);
    assert_false(told->failed);
    assert_string_equal(told->text + told->len - 6, "END | ");
    free(told);
    strcpy(head + len, "Y: 1\r\n\r\n");
    expect("a field too many", bytes_of(head), "431 too many fields");
}

static void test_head_bounds_what_chunks_carry_along(void **state)
{
    static char input[64 * 1024];
    size_t len = (size_t)sprintf(input, CHUNKS("1;"));

    (void)state;
    memset(input + len, 'x', 40000);
    expect("an endless extension", bytes_of(input),
           "POST / Host=a Transfer-Encoding=chunked | 431 chunk extensions or trailer too large");
    len = (size_t)sprintf(input, CHUNKS("0\r\nX: "));
    memset(input + len, 'x', 40000);
    expect("an endless trailer", bytes_of(input),
           "POST / Host=a Transfer-Encoding=chunked | 431 chunk extensions or trailer too large");
}

struct wishes {
    const char *name;
    const char *input;
    bool keep_alive;
    bool wants_websocket;
    bool expects_continue;
    bool has_body;
    bool has_length;
    uint64_t content_length;
};

#define GET_WITH(fields) "GET / HTTP/1.1\r\n" HOST fields "\r\n"
#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"

static void test_head_says_what_the_client_wants(void **state)
{
    static const struct wishes cases[] = {
        { .name = "HTTP/1.1 stays", .input = GET_WITH(""), .keep_alive = true },
        { .name = "unless told", .input = GET_WITH("Connection: Close\r\n") },
        { .name = "HTTP/1.0 goes", .input = "GET / HTTP/1.0\r\n\r\n" },
        { .name = "unless told", .input = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", .keep_alive = true },
        { .name = "a WebSocket", .input = GET_WITH(UPGRADE), .keep_alive = true, .wants_websocket = true },
        { .name = "in two fields",
          .input = GET_WITH("Upgrade: h2c, websocket\r\nConnection: x\r\nConnection: upgrade\r\n"),
          .keep_alive = true,
          .wants_websocket = true },
        { .name = "Upgrade needs Connection", .input = GET_WITH("Upgrade: websocket\r\n"), .keep_alive = true },
        { .name = "Connection needs Upgrade", .input = GET_WITH("Connection: upgrade\r\n"), .keep_alive = true },
        { .name = "to something else",
          .input = GET_WITH("Connection: upgrade\r\nUpgrade: h2c\r\n"),
          .keep_alive = true },
        { .name = "not by POST", .input = POST_WITH(UPGRADE), .keep_alive = true },
        { .name = "not by HTTP/1.0", .input = "GET / HTTP/1.0\r\n" UPGRADE "\r\n", .keep_alive = true },
        { .name = "not with a body",
          .input = GET_WITH(UPGRADE "Content-Length: 3\r\n"),
          .keep_alive = true,
          .has_body = true,
          .has_length = true,
          .content_length = 3 },
        { .name = "a length",
          .input = POST_WITH("Content-Length: 18\r\nExpect: 100-Continue\r\n"),
          .keep_alive = true,
          .expects_continue = true,
          .has_body = true,
          .has_length = true,
          .content_length = 18 },
        { .name = "a length of nothing",
          .input = POST_WITH("Content-Length: 0\r\n"),
          .keep_alive = true,
          .has_length = true },
        { .name = "chunks",
          .input = POST_WITH("Transfer-Encoding: chunked\r\n"),
          .keep_alive = true,
          .has_body = true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct wishes *want = &cases[i];
        struct ys_http_parser *parser = new_parser(ysync_alloc_default());
        struct ysync_bytes in = bytes_of(want->input);
        struct ysync_bytes body;
        const struct ys_http_head *got = ys_http_parser_head(parser);
        enum ys_http_event event = ys_http_parser_feed(parser, &in, &body);

        if (event != YS_HTTP_EVENT_HEAD)
            fail_msg("%s: got event %d, want HEAD", want->name, event);
        if (got->keep_alive != want->keep_alive || got->wants_websocket != want->wants_websocket ||
            got->expects_continue != want->expects_continue || got->has_body != want->has_body ||
            got->has_length != want->has_length || got->content_length != want->content_length)
            fail_msg("%s: got %d %d %d %d %d %llu, want %d %d %d %d %d %llu", want->name, got->keep_alive,
                     got->wants_websocket, got->expects_continue, got->has_body, got->has_length,
                     (unsigned long long)got->content_length, want->keep_alive, want->wants_websocket,
                     want->expects_continue, want->has_body, want->has_length,
                     (unsigned long long)want->content_length);
        ys_http_parser_free(parser);
    }
}

static void test_head_leaves_what_follows_an_upgrade(void **state)
{
    static const char input[] = "GET / HTTP/1.1\r\n" HOST UPGRADE "\r\n\x82\x80";
    struct ys_http_parser *parser = new_parser(ysync_alloc_default());
    struct ysync_bytes in = bytes_of(input);
    struct ysync_bytes body;

    (void)state;
    assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
    assert_int_equal(in.len, 2);
    assert_memory_equal(in.data, "\x82\x80", 2);
    ys_http_parser_free(parser);
}

/* What a second parser makes of the first one's bytes is the same, the empty line in front aside. */
static void test_head_gives_its_bytes_again(void **state)
{
    static const char *const requests[] = {
        "\r\nGET /blog?token=x HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost:  a \r\nContent-Length: 3\r\n\r\nabc",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        size_t skipped = requests[i][0] == '\r' ? 2 : 0;
        size_t want = (size_t)(strstr(requests[i], "\r\n\r\n") + 4 - requests[i]) - skipped;
        struct ysync_bytes in = { (const uint8_t *)requests[i], strlen(requests[i]) };
        struct ys_http_parser *parser;
        struct ysync_bytes raw;
        struct ysync_bytes body;

        assert_int_equal(ys_http_parser_new(ysync_alloc_default(), &parser), YSYNC_OK);
        assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
        raw = ys_http_parser_raw_head(parser);
        if (raw.len != want || memcmp(raw.data, requests[i] + skipped, want) != 0)
            fail_msg("%s: got %zu bytes, want %zu", requests[i], raw.len, want);
        ys_http_parser_free(parser);
    }
}

static void test_head_every_prefix_wants_more(void **state)
{
    static const char input[] = "POST /x HTTP/1.1\r\n" HOST
                                "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: t\r\n\r\n";

    (void)state;
    for (size_t len = 0; len < sizeof(input) - 1; len++) {
        struct transcript *told = read_in_slices((struct ysync_bytes){ (const uint8_t *)input, len }, SIZE_MAX / 2);

        if (told->failed || strstr(told->text, "END"))
            fail_msg("%zu bytes: got \"%s\", want neither an error nor an end", len, told->text);
        free(told);
    }
}

static void test_head_knows_when_it_is_idle(void **state)
{
    struct ys_http_parser *parser = new_parser(ysync_alloc_default());
    struct transcript *told = calloc(1, sizeof(*told));

    (void)state;
    assert_non_null(told);
    assert_true(ys_http_parser_is_idle(parser));
    transcript_feed(told, parser, bytes_of("\r\n"));
    assert_true(ys_http_parser_is_idle(parser));
    transcript_feed(told, parser, bytes_of("G"));
    assert_false(ys_http_parser_is_idle(parser));
    transcript_feed(told, parser, bytes_of("ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"));
    assert_false(ys_http_parser_is_idle(parser));
    transcript_feed(told, parser, bytes_of("x"));
    assert_true(ys_http_parser_is_idle(parser));
    free(told);
    ys_http_parser_free(parser);
}

static void test_head_holds_little_between_requests(void **state)
{
    struct ys_test_alloc memory;
    struct ys_http_parser *parser;
    struct transcript *told = calloc(1, sizeof(*told));
    size_t idle_bytes;

    (void)state;
    assert_non_null(told);
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    parser = new_parser(&memory.alloc);
    idle_bytes = memory.live_bytes;
    transcript_feed(told, parser, bytes_of(POST_WITH("Content-Length: 1\r\n")));
    assert_true(memory.live_bytes > idle_bytes);
    transcript_feed(told, parser, bytes_of("x"));
    assert_int_equal(memory.live_bytes, idle_bytes);
    ys_http_parser_free(parser);
    assert_int_equal(memory.live_blocks, 0);
    free(told);
}

/* Cut in two, so that the buffer grows. */
static void read_with_memory(struct ys_test_alloc *memory, struct transcript *told)
{
    static const char input[] = CHUNKS("1\r\na\r\n0\r\n\r\n");
    struct ys_http_parser *parser;

    if (ys_http_parser_new(&memory->alloc, &parser)) {
        told->failed = true;
        return;
    }
    transcript_feed(told, parser, (struct ysync_bytes){ (const uint8_t *)input, 20 });
    if (!told->failed)
        transcript_feed(told, parser, bytes_of(input + 20));
    ys_http_parser_free(parser);
}

static void test_head_survives_the_nth_allocation_failing(void **state)
{
    size_t n;

    (void)state;
    for (n = 0;; n++) {
        struct transcript *told = calloc(1, sizeof(*told));
        struct ys_test_alloc memory;

        assert_non_null(told);
        ys_test_alloc_init(&memory, n);
        read_with_memory(&memory, told);
        assert_int_equal(memory.live_blocks, 0);
        assert_int_equal(told->failed, memory.failed);
        if (memory.failed && n > 0)
            assert_string_equal(told->text, "503 out of memory");
        free(told);
        if (!memory.failed)
            break;
    }
    assert_true(n >= 3); /* the parser, its buffer, the fields */
}

static void test_head_finds_fields_in_any_case(void **state)
{
    struct ys_http_parser *parser = new_parser(ysync_alloc_default());
    struct ysync_bytes in = bytes_of(GET_WITH("X-A: 1\r\nx-a: 2\r\nList: a, ,b ,\tCD\r\nlist: e\r\n"));
    const struct ys_http_head *head = ys_http_parser_head(parser);
    struct ysync_bytes body;
    struct ysync_bytes value;

    (void)state;
    assert_int_equal(ys_http_parser_feed(parser, &in, &body), YS_HTTP_EVENT_HEAD);
    assert_true(ys_http_head_find(head, "x-A", &value));
    assert_int_equal(value.len, 1);
    assert_int_equal(value.data[0], '1');
    assert_false(ys_http_head_find(head, "X", &value));
    assert_true(ys_http_head_has_token(head, "list", "b"));
    assert_true(ys_http_head_has_token(head, "list", "cd"));
    assert_true(ys_http_head_has_token(head, "list", "E"));
    assert_false(ys_http_head_has_token(head, "list", "c"));
    assert_false(ys_http_head_has_token(head, "list", ""));
    ys_http_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_reads_requests),
        cmocka_unit_test(test_head_refuses),
        cmocka_unit_test(test_head_refuses_zero_bytes),
        cmocka_unit_test(test_head_is_bounded),
        cmocka_unit_test(test_head_bounds_the_fields),
        cmocka_unit_test(test_head_bounds_what_chunks_carry_along),
        cmocka_unit_test(test_head_says_what_the_client_wants),
        cmocka_unit_test(test_head_leaves_what_follows_an_upgrade),
        cmocka_unit_test(test_head_gives_its_bytes_again),
        cmocka_unit_test(test_head_every_prefix_wants_more),
        cmocka_unit_test(test_head_knows_when_it_is_idle),
        cmocka_unit_test(test_head_holds_little_between_requests),
        cmocka_unit_test(test_head_survives_the_nth_allocation_failing),
        cmocka_unit_test(test_head_finds_fields_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
