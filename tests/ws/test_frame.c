/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/failing_alloc.h"
#include "ws/frames.h"

#define MAX_MESSAGE 100000

static struct ysync_bytes bytes_of(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

static struct ys_ws_parser *new_parser(const struct ysync_alloc *alloc, size_t max_message_bytes)
{
    struct ys_ws_parser *parser;

    assert_int_equal(ys_ws_parser_new(alloc, max_message_bytes, &parser), YSYNC_OK);
    return parser;
}

static void expect_from(const char *name, bool allows_compressed, struct ysync_bytes input, const char *want)
{
    static const size_t slices[] = { SIZE_MAX / 2, 1, 2, 3, 5, 8, 13, 64, 1000 };

    for (size_t i = 0; i < ARRAY_LEN(slices); i++) {
        struct ys_ws_parser *parser = new_parser(ysync_alloc_default(), MAX_MESSAGE);
        struct told told = { .len = 0 };

        if (allows_compressed)
            ys_ws_parser_allow_compressed(parser);
        told_feed_in_slices(&told, parser, input, slices[i]);
        if (strcmp(told.text, want) != 0)
            fail_msg("%s, in slices of %zu: got \"%s\", want \"%s\"", name, slices[i], told.text, want);
        ys_ws_parser_free(parser);
    }
}

static void expect(const char *name, struct ysync_bytes input, const char *want)
{
    expect_from(name, false, input, want);
}

/* RFC 6455, 5.7, gives this very frame. */
static void test_frame_reads_the_example_of_the_rfc(void **state)
{
    static const uint8_t hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 };

    (void)state;
    expect("a masked text message", (struct ysync_bytes){ hello, sizeof(hello) }, "text(5) Hello | ");
}

struct frame {
    uint8_t first;
    const char *payload;
};

static void test_frame_reads_messages(void **state)
{
    static const struct {
        const char *name;
        struct frame frames[6]; /* up to the first of 0 with no payload */
        const char *want;
    } cases[] = {
        { "one frame", { { FIN | 2, "hello" } }, "binary(5) hello | " },
        { "an empty message", { { FIN | 2, "" } }, "binary(0)  | " },
        { "frames in a row",
          { { FIN | 2, "a" }, { FIN | 1, "b" }, { FIN | 2, "c" } },
          "binary(1) a | text(1) b | binary(1) c | " },
        { "fragments", { { 2, "Hel" }, { 0, "lo, " }, { FIN | 0, "World" } }, "binary(12) Hello, World | " },
        { "text in fragments, cut inside a character",
          { { 1, "\xe2\x82" }, { FIN | 0, "\xac" } },
          "text(3) \xe2\x82\xac | " },
        { "empty fragments", { { 2, "" }, { 0, "" }, { 0, "x" }, { FIN | 0, "" } }, "binary(1) x | " },
        { "nothing but empty fragments", { { 1, "" }, { FIN | 0, "" } }, "text(0)  | " },
        { "control frames in between",
          { { 2, "ab" }, { FIN | 9, "ping" }, { 0, "c" }, { FIN | 10, "pong" }, { FIN | 0, "d" } },
          "ping ping | pong pong | binary(4) abcd | " },
        { "control frames without payload", { { FIN | 9, "" }, { FIN | 10, "" } }, "ping  | pong  | " },
        { "a message after a fragmented one",
          { { 2, "a" }, { FIN | 0, "b" }, { FIN | 2, "c" } },
          "binary(2) ab | binary(1) c | " },
        { "close without a code", { { FIN | 8, "" } }, "close(1005) " },
        { "close with a code", { { FIN | 8, "\x03\xe8" } }, "close(1000) " },
        { "close with a reason",
          { { FIN | 8, "\x03\xe9"
                       "bye \xc3\xa9" } },
          "close(1001) bye \xc3\xa9" },
        { "close inside a message", { { 2, "a" }, { FIN | 8, "\x0f\xa0" } }, "close(4000) " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf input;

        ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
        for (size_t f = 0; f < ARRAY_LEN(cases[i].frames) && cases[i].frames[f].payload; f++)
            put_frame(&input, cases[i].frames[f].first, bytes_of(cases[i].frames[f].payload));
        expect(cases[i].name, ys_buf_bytes(&input), cases[i].want);
        ys_buf_deinit(&input);
    }
}

static void test_frame_refuses_broken_sequences(void **state)
{
    static const struct {
        const char *name;
        struct frame frames[4];
        const char *want;
    } cases[] = {
        { "RSV1", { { FIN | 0x40 | 2, "x" } }, "error(1002) reserved bits are set" },
        { "RSV2", { { FIN | 0x20 | 2, "x" } }, "error(1002) reserved bits are set" },
        { "RSV3", { { FIN | 0x10 | 9, "x" } }, "error(1002) reserved bits are set" },
        { "opcode 3", { { FIN | 3, "x" } }, "error(1002) reserved opcode" },
        { "opcode 7", { { FIN | 7, "" } }, "error(1002) reserved opcode" },
        { "opcode 11", { { FIN | 11, "" } }, "error(1002) reserved opcode" },
        { "opcode 15", { { FIN | 15, "" } }, "error(1002) reserved opcode" },
        { "a fragmented ping", { { 9, "x" } }, "error(1002) fragmented control frame" },
        { "a fragmented close", { { 8, "" } }, "error(1002) fragmented control frame" },
        { "a continuation of nothing", { { FIN | 0, "x" } }, "error(1002) continuation of no message" },
        { "a continuation of a whole message",
          { { FIN | 2, "x" }, { 0, "y" } },
          "binary(1) x | error(1002) continuation of no message" },
        { "a message inside another",
          { { 2, "x" }, { FIN | 2, "y" } },
          "error(1002) new message inside a fragmented one" },
        { "fragments of two messages", { { 1, "x" }, { 1, "y" } }, "error(1002) new message inside a fragmented one" },
        { "a close of one byte", { { FIN | 8, "x" } }, "error(1002) close frame of one byte" },
        { "text that is not UTF-8", { { FIN | 1, "a\xff" } }, "error(1007) text is not UTF-8" },
        { "text that ends inside a character",
          { { 1, "a\xe2" }, { FIN | 0, "\x82" } },
          "error(1007) text is not UTF-8" },
        { "a reason that is not UTF-8",
          { { FIN | 8, "\x03\xe8\xed\xa0\x80" } },
          "error(1007) close reason is not UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf input;

        ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
        for (size_t f = 0; f < ARRAY_LEN(cases[i].frames) && cases[i].frames[f].payload; f++)
            put_frame(&input, cases[i].frames[f].first, bytes_of(cases[i].frames[f].payload));
        expect(cases[i].name, ys_buf_bytes(&input), cases[i].want);
        ys_buf_deinit(&input);
    }
}

/* The bit stands on the first frame and holds for all of the message, and for no other. */
static void test_frame_tells_what_is_compressed(void **state)
{
    static const struct {
        const char *name;
        struct frame frames[5];
        const char *want;
    } cases[] = {
        { "a message", { { FIN | 0x40 | 2, "x" } }, "compressed binary(1) x | " },
        { "an empty one", { { FIN | 0x40 | 1, "" } }, "compressed text(0)  | " },
        { "one that is not", { { FIN | 2, "x" } }, "binary(1) x | " },
        { "every other one",
          { { FIN | 0x40 | 2, "a" }, { FIN | 2, "b" }, { FIN | 0x40 | 1, "c" }, { FIN | 1, "d" } },
          "compressed binary(1) a | binary(1) b | compressed text(1) c | text(1) d | " },
        { "fragments, with control frames and a message behind them",
          { { 0x40 | 2, "a" }, { FIN | 9, "p" }, { 0, "b" }, { FIN | 0, "c" }, { FIN | 2, "d" } },
          "ping p | compressed binary(3) abc | binary(1) d | " },
        { "text, which says nothing before it is inflated",
          { { FIN | 0x40 | 1, "\xff" } },
          "compressed text(1) \xff | " },
        { "text that is not compressed is checked", { { FIN | 1, "\xff" } }, "error(1007) text is not UTF-8" },
        { "the bit on a later fragment",
          { { 0x40 | 2, "a" }, { FIN | 0x40 | 0, "b" } },
          "error(1002) reserved bits are set" },
        { "the bit on a ping", { { FIN | 0x40 | 9, "" } }, "error(1002) reserved bits are set" },
        { "the bit on a close", { { FIN | 0x40 | 8, "" } }, "error(1002) reserved bits are set" },
        { "the bit on an opcode that is none", { { FIN | 0x40 | 3, "" } }, "error(1002) reserved bits are set" },
        { "RSV2 as well", { { FIN | 0x60 | 2, "x" } }, "error(1002) reserved bits are set" },
        { "RSV3 alone", { { FIN | 0x10 | 2, "x" } }, "error(1002) reserved bits are set" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_buf input;

        ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
        for (size_t f = 0; f < ARRAY_LEN(cases[i].frames) && cases[i].frames[f].payload; f++)
            put_frame(&input, cases[i].frames[f].first, bytes_of(cases[i].frames[f].payload));
        expect_from(cases[i].name, true, ys_buf_bytes(&input), cases[i].want);
        ys_buf_deinit(&input);
    }
}

static void test_frame_refuses_broken_headers(void **state)
{
    static const struct {
        const char *name;
        uint8_t bytes[14];
        size_t len;
        const char *want;
    } cases[] = {
        { "no mask", { FIN | 2, 1, 'x' }, 3, "error(1002) frame is not masked" },
        { "no mask, no payload", { FIN | 9, 0 }, 2, "error(1002) frame is not masked" },
        { "a ping of 126 bytes",
          { FIN | 9, MASKED | 126, 0, 126 },
          4,
          "error(1002) control frame of more than 125 bytes" },
        { "125 bytes in two bytes",
          { FIN | 2, MASKED | 126, 0, 125, 1, 2, 3, 4 },
          8,
          "error(1002) payload length not in its shortest form" },
        { "0 bytes in two bytes",
          { FIN | 2, MASKED | 126, 0, 0, 1, 2, 3, 4 },
          8,
          "error(1002) payload length not in its shortest form" },
        { "65535 bytes in eight bytes",
          { FIN | 2, MASKED | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4 },
          14,
          "error(1002) payload length not in its shortest form" },
        { "the top bit of the length",
          { FIN | 2, MASKED | 127, 0x80, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4 },
          14,
          "error(1002) payload length not in its shortest form" },
        { "2^62 bytes",
          { FIN | 2, MASKED | 127, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4 },
          14,
          "error(1009) message too large" },
        { "a byte too many",
          { FIN | 2, MASKED | 127, 0, 0, 0, 0, 0, 1, 0x86, 0xa1, 1, 2, 3, 4 },
          14,
          "error(1009) message too large" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].name, (struct ysync_bytes){ cases[i].bytes, cases[i].len }, cases[i].want);
}

static void test_frame_checks_close_codes(void **state)
{
    static const struct {
        unsigned first;
        unsigned last;
        bool is_good;
    } ranges[] = {
        { 0, 999, false },     { 1000, 1003, true }, { 1004, 1006, false },  { 1007, 1014, true },
        { 1015, 2999, false }, { 3000, 4999, true }, { 5000, 65535, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        for (unsigned code = ranges[i].first; code <= ranges[i].last; code++) {
            uint8_t frame[] = { FIN | 8, MASKED | 2, 0, 0, 0, 0, (uint8_t)(code >> 8), (uint8_t)code };
            struct ys_ws_parser *parser = new_parser(ysync_alloc_default(), MAX_MESSAGE);
            struct ys_ws_received got;
            uint8_t *at = frame;
            size_t len = sizeof(frame);

            ys_ws_parser_feed(parser, &at, &len, &got);
            if (got.event != (ranges[i].is_good ? YS_WS_EVENT_CLOSE : YS_WS_EVENT_ERROR))
                fail_msg("close code %u: got event %d", code, got.event);
            assert_int_equal(got.close_code, ranges[i].is_good ? code : YS_WS_CLOSE_PROTOCOL_ERROR);
            ys_ws_parser_free(parser);
        }
    }
}

/* Every length around the steps of the length encodings and of the unmasking, cut at every place in turn. */
static void test_frame_reads_every_length(void **state)
{
    static const size_t lengths[] = {
        0, 1, 7, 8, 9, 15, 16, 17, 60, 124, 125, 126, 127, 128, 1000, 65535, 65536, 65537
    };
    struct ys_buf input;
    uint8_t *payload = malloc(65537);

    (void)state;
    assert_non_null(payload);
    for (size_t i = 0; i < 65537; i++)
        payload[i] = (uint8_t)(i * 31 + i / 256);
    ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct ys_ws_parser *parser = new_parser(ysync_alloc_default(), MAX_MESSAGE);

        ys_buf_clear(&input);
        put_frame(&input, FIN | 2, (struct ysync_bytes){ payload, lengths[i] });
        for (size_t cut = 0; cut < input.len; cut += 1 + input.len / 50) {
            uint8_t *copy = malloc(input.len);
            uint8_t *at = copy;
            size_t len = cut;
            struct ys_ws_received got;

            assert_non_null(copy);
            memcpy(copy, input.data, input.len);
            ys_ws_parser_feed(parser, &at, &len, &got);
            assert_int_equal(got.event, YS_WS_EVENT_MORE);
            len = input.len - cut;
            ys_ws_parser_feed(parser, &at, &len, &got);
            if (got.event != YS_WS_EVENT_MESSAGE || got.payload.len != lengths[i] ||
                (lengths[i] > 0 && memcmp(got.payload.data, payload, lengths[i]) != 0))
                fail_msg("%zu bytes, cut at %zu: got event %d of %zu bytes", lengths[i], cut, got.event,
                         got.payload.len);
            free(copy);
        }
        ys_ws_parser_free(parser);
    }
    ys_buf_deinit(&input);
    free(payload);
}

static void test_frame_bounds_the_sum_of_fragments(void **state)
{
    struct ys_ws_parser *parser = new_parser(ysync_alloc_default(), 10);
    struct told told = { .len = 0 };
    struct ys_buf input;

    (void)state;
    ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
    put_frame(&input, 2, bytes_of("12345"));
    put_frame(&input, FIN | 9, bytes_of("control frames do not count"));
    put_frame(&input, FIN | 0, bytes_of("67890"));
    put_frame(&input, 2, bytes_of("12345"));
    put_frame(&input, 0, bytes_of("67890"));
    put_frame(&input, FIN | 0, bytes_of("1"));
    input.len -= 1; /* the header alone must tell */
    told_feed(&told, parser, ys_buf_bytes(&input));
    assert_string_equal(told.text,
                        "ping control frames do not count | binary(10) 1234567890 | error(1009) message too large");
    ys_buf_deinit(&input);
    ys_ws_parser_free(parser);
}

static void test_frame_allocates_only_for_what_has_come(void **state)
{
    static const uint8_t header[] = { FIN | 2, MASKED | 127, 0x3f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 'x' };
    struct ys_test_alloc memory;
    struct ys_ws_parser *parser;
    struct told told = { .len = 0 };

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    parser = new_parser(&memory.alloc, SIZE_MAX);
    told_feed(&told, parser, (struct ysync_bytes){ header, sizeof(header) });
    assert_string_equal(told.text, "");
    assert_true(memory.peak_bytes < 1000);
    ys_ws_parser_free(parser);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_frame_holds_no_buffer_between_messages(void **state)
{
    struct ys_test_alloc memory;
    struct ys_ws_parser *parser;
    struct ys_buf input;
    struct told told = { .len = 0 };

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
    parser = new_parser(&memory.alloc, MAX_MESSAGE);
    put_frame(&input, FIN | 2, bytes_of("in one piece"));
    told_feed(&told, parser, ys_buf_bytes(&input));
    assert_int_equal(memory.requests, 1); /* the parser itself: nothing was copied */
    told_feed_in_slices(&told, parser, ys_buf_bytes(&input), 9);
    ys_buf_clear(&input);
    put_frame(&input, FIN | 9, bytes_of("a ping in pieces"));
    put_frame(&input, 2, bytes_of("a message "));
    put_frame(&input, FIN | 0, bytes_of("in fragments"));
    told_feed_in_slices(&told, parser, ys_buf_bytes(&input), 9);
    assert_string_equal(told.text, "binary(12) in one piece | binary(12) in one piece | ping a ping in pieces | "
                                   "binary(22) a message in fragments | ");
    assert_true(memory.requests > 1);
    assert_int_equal(memory.live_blocks, 1);
    ys_ws_parser_free(parser);
    ys_buf_deinit(&input);
}

static void test_frame_every_prefix_wants_more(void **state)
{
    struct ys_buf input;

    (void)state;
    ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
    put_frame(&input, 2, bytes_of("hello "));
    put_frame(&input, FIN | 0, bytes_of("world"));
    for (size_t len = 0; len < input.len; len++) {
        struct ys_ws_parser *parser = new_parser(ysync_alloc_default(), MAX_MESSAGE);
        struct told told = { .len = 0 };

        told_feed(&told, parser, (struct ysync_bytes){ input.data, len });
        if (told.len > 0)
            fail_msg("%zu bytes: got \"%s\", want nothing", len, told.text);
        ys_ws_parser_free(parser);
    }
    ys_buf_deinit(&input);
}

static void test_frame_survives_the_nth_allocation_failing(void **state)
{
    struct ys_buf input;
    size_t n;

    (void)state;
    ys_buf_init(&input, ysync_alloc_default(), SIZE_MAX);
    for (int i = 0; i < 20; i++)
        put_frame(&input, i == 0 ? 2 : 0, bytes_of("a fragment of twenty."));
    put_frame(&input, FIN | 0, bytes_of(""));
    for (n = 1;; n++) {
        struct ys_test_alloc memory;
        struct ys_ws_parser *parser;
        struct told told = { .len = 0 };

        ys_test_alloc_init(&memory, n);
        parser = new_parser(&memory.alloc, MAX_MESSAGE);
        told_feed_in_slices(&told, parser, ys_buf_bytes(&input), 10);
        ys_ws_parser_free(parser);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_string_equal(told.text, "error(1011) out of memory");
    }
    assert_true(n >= 4); /* the buffer grows several times */
    ys_buf_deinit(&input);
}

static void test_frame_parser_needs_memory(void **state)
{
    struct ys_test_alloc memory;
    struct ys_ws_parser *parser;

    (void)state;
    ys_test_alloc_init(&memory, 0);
    assert_int_equal(ys_ws_parser_new(&memory.alloc, 1, &parser), YSYNC_ERR_NOMEM);
}

static void test_frame_writes_headers(void **state)
{
    static const struct {
        uint64_t payload_len;
        uint8_t want[YS_WS_MAX_HEADER_BYTES];
        size_t size;
    } cases[] = {
        { 0, { 0x82, 0 }, 2 },
        { 125, { 0x82, 125 }, 2 },
        { 126, { 0x82, 126, 0, 126 }, 4 },
        { 65535, { 0x82, 126, 0xff, 0xff }, 4 },
        { 65536, { 0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0 }, 10 },
        { UINT64_C(0x0102030405060708), { 0x82, 127, 1, 2, 3, 4, 5, 6, 7, 8 }, 10 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t got[YS_WS_MAX_HEADER_BYTES] = { 0 };

        assert_int_equal(ys_ws_put_header(got, YS_WS_BINARY, cases[i].payload_len), cases[i].size);
        assert_memory_equal(got, cases[i].want, sizeof(got));
    }
}

static void test_frame_heads_a_blob_once(void **state)
{
    struct ys_blob *blob = ys_blob_new(ysync_alloc_default(), 300);
    struct ysync_bytes framed;

    (void)state;
    assert_non_null(blob);
    memset(ys_blob_data(blob), 'x', 300);
    ys_ws_frame_blob(blob);
    ys_ws_frame_blob(blob);
    framed = ys_blob_framed(blob);
    assert_int_equal(framed.len, 304);
    assert_memory_equal(framed.data, "\x82\x7e\x01\x2cxx", 6);
    ys_blob_unref(blob);
}

static void test_frame_heads_a_compressed_blob(void **state)
{
    struct ys_blob *blob = ys_blob_copy(ysync_alloc_default(), bytes_of("x"));

    (void)state;
    assert_non_null(blob);
    ys_ws_frame_compressed_blob(blob);
    ys_ws_frame_compressed_blob(blob);
    assert_int_equal(ys_blob_framed(blob).len, 3);
    assert_memory_equal(ys_blob_framed(blob).data, "\xc2\x01x", 3);
    ys_blob_unref(blob);
}

static void expect_output(const struct ys_buf *out, const char *want, size_t len)
{
    assert_int_equal(ys_buf_err(out), YSYNC_OK);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->data, want, len);
}

static void test_frame_writes_control_frames(void **state)
{
    struct ys_buf out;

    (void)state;
    ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
    ys_ws_put_control(&out, YS_WS_PONG, bytes_of("hi"));
    expect_output(&out, "\x8a\x02hi", 4);
    ys_buf_clear(&out);
    ys_ws_put_close(&out, YS_WS_CLOSE_GOING_AWAY, bytes_of("bye"));
    expect_output(&out,
                  "\x88\x05\x03\xe9"
                  "bye",
                  7);
    ys_buf_clear(&out);
    ys_ws_put_close(&out, YS_WS_CLOSE_NORMAL, bytes_of(""));
    expect_output(&out, "\x88\x02\x03\xe8", 4);
    ys_buf_clear(&out);
    ys_ws_put_close(&out, YS_WS_CLOSE_NO_STATUS, bytes_of("never sent"));
    expect_output(&out, "\x88\x00", 2);
    ys_buf_deinit(&out);
}

static void test_frame_cuts_close_reasons_between_characters(void **state)
{
    static const struct {
        size_t letters; /* in front of a character of three bytes */
        size_t want;    /* bytes of the reason that are left */
    } cases[] = { { 119, 122 }, { 120, 123 }, { 121, 121 }, { 122, 122 }, { 123, 123 }, { 200, 123 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char reason[256];
        struct ys_buf out;

        memset(reason, 'x', cases[i].letters);
        strcpy(reason + cases[i].letters, "\xe2\x82\xac");
        ys_buf_init(&out, ysync_alloc_default(), SIZE_MAX);
        ys_ws_put_close(&out, YS_WS_CLOSE_INVALID_DATA, bytes_of(reason));
        if (out.len != cases[i].want + 4 || out.data[1] != cases[i].want + 2)
            fail_msg("%zu letters: got %zu bytes of reason, want %zu", cases[i].letters, out.len - 4, cases[i].want);
        ys_buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_reads_the_example_of_the_rfc),
        cmocka_unit_test(test_frame_reads_messages),
        cmocka_unit_test(test_frame_refuses_broken_sequences),
        cmocka_unit_test(test_frame_tells_what_is_compressed),
        cmocka_unit_test(test_frame_refuses_broken_headers),
        cmocka_unit_test(test_frame_checks_close_codes),
        cmocka_unit_test(test_frame_reads_every_length),
        cmocka_unit_test(test_frame_bounds_the_sum_of_fragments),
        cmocka_unit_test(test_frame_allocates_only_for_what_has_come),
        cmocka_unit_test(test_frame_holds_no_buffer_between_messages),
        cmocka_unit_test(test_frame_every_prefix_wants_more),
        cmocka_unit_test(test_frame_survives_the_nth_allocation_failing),
        cmocka_unit_test(test_frame_parser_needs_memory),
        cmocka_unit_test(test_frame_writes_headers),
        cmocka_unit_test(test_frame_heads_a_blob_once),
        cmocka_unit_test(test_frame_heads_a_compressed_blob),
        cmocka_unit_test(test_frame_writes_control_frames),
        cmocka_unit_test(test_frame_cuts_close_reasons_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
