/* SPDX-License-Identifier: MIT */
/* Compressed messages, against those of RFC 7692, of node's ws client, and of zlib with every setting a client may
 * have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "support/failing_alloc.h"
#include "ws/deflate.h"
#include "ws/frame.h"

#define HELLO "Hello, Hello, Hello, World!"
#define MAX_BYTES 1000000

static struct ys_test_alloc memory;
static struct ys_ws_deflate *deflater; /* named so as zlib has taken "deflate" */

static int set_up(void **state)
{
    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    return ys_ws_deflate_new(&memory.alloc, &deflater) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_ws_deflate_free(deflater);
    return memory.live_blocks == 0 ? 0 : -1;
}

/* Inflates a copy of just that size, for the sanitizers. */
static enum ysync_err inflate_copy(struct ysync_bytes payload, size_t max_bytes, struct ysync_bytes *out,
                                   const char **problem)
{
    uint8_t *copy = malloc(payload.len ? payload.len : 1);
    enum ysync_err err;

    assert_non_null(copy);
    if (payload.len > 0)
        memcpy(copy, payload.data, payload.len);
    *problem = "";
    err = ys_ws_inflate(deflater, (struct ysync_bytes){ copy, payload.len }, max_bytes, out, problem);
    free(copy);
    return err;
}

static void expect_inflated(const char *name, struct ysync_bytes payload, struct ysync_bytes want)
{
    struct ysync_bytes got;
    const char *problem;
    enum ysync_err err = inflate_copy(payload, MAX_BYTES, &got, &problem);

    if (err)
        fail_msg("%s: %s (%s)", name, ysync_strerror(err), problem);
    if (got.len != want.len || (want.len > 0 && memcmp(got.data, want.data, want.len) != 0))
        fail_msg("%s: got %zu bytes \"%.*s\", want %zu", name, got.len, got.len < 100 ? (int)got.len : 100,
                 (const char *)got.data, want.len);
}

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static void test_deflate_reads_recorded_messages(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes payload;
        struct ysync_bytes want;
    } cases[] = {
        { "RFC 7692, 7.2.3.1", BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello") },
        { "7.2.3.3, not compressed", BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), BYTES("Hello") },
        { "7.2.3.4, a final block", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), BYTES("Hello") },
        { "7.2.3.5, two blocks", BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), BYTES("Hello") },
        { "7.2.3.6, nothing", BYTES("\x00"), BYTES("") },
        { "a final block and nothing behind it", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello") },
        { "two streams", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("HelloHello") },
        { "three streams and nothing behind them", BYTES("\x03\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x03\x00"),
          BYTES("Hello") },
        { "final in the bytes that are left out", BYTES("\x01"), BYTES("") },
        { "ws 8.23", BYTES("\xf2\x48\xcd\xc9\xc9\xd7\x51\xf0\x40\xa1\xc2\xf3\x8b\x72\x52\x14\x01\x00"), BYTES(HELLO) },
        { "ws, level 0", BYTES("\x00\x1b\x00\xe4\xff" HELLO "\x00"), BYTES(HELLO) },
        { "ws, Huffman only",
          BYTES("\xf2\x48\xcd\xc9\xc9\xd7\x51\xf0\x48\xcd\xc9\xc9\xd7\x51\xf0\x48\xcd\xc9\xc9\xd7\x51\x08\xcf\x2f\xca"
                "\x49\x51\x04\x00"),
          BYTES(HELLO) },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_inflated(cases[i].name, cases[i].payload, cases[i].want);
}

static void test_deflate_refuses_what_is_broken(void **state)
{
    static const struct {
        const char *name;
        struct ysync_bytes payload;
        const char *want;
    } cases[] = {
        { "no byte at all", BYTES(""), "compressed data breaks off" },
        { "a block that breaks off", BYTES("\xf2\x48\xcd\xc9"), NULL },
        { "a stored block that breaks off", BYTES("\x00\x05\x00\xfa\xff\x48"), "compressed data breaks off" },
        { "a kind of block that is none", BYTES("\x07\x00"), "invalid block type" },
        { "a stored block with a wrong length", BYTES("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00"),
          "invalid stored block lengths" },
        { "what refers to the message before", BYTES("\xf2\xc0\x2d\x05\x00"), "invalid distance too far back" },
        { "what refers to the stream before", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\xc0\x2d\x05\x00"),
          "invalid distance too far back" },
        { "text", BYTES("plain text, in a frame that says it is compressed"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_bytes got;
        const char *problem;
        enum ysync_err err;

        expect_inflated("the message before",
                        (struct ysync_bytes)BYTES("\xf2\x48\xcd\xc9\xc9\xd7\x51\xf0\x40\xa1\xc2\xf3\x8b\x72\x52\x14\x01"
                                                  "\x00"),
                        (struct ysync_bytes)BYTES(HELLO));
        err = inflate_copy(cases[i].payload, MAX_BYTES, &got, &problem);
        if (err != YSYNC_ERR_MALFORMED || problem[0] == '\0' || (cases[i].want && strcmp(problem, cases[i].want) != 0))
            fail_msg("%s: got %s (%s), want it to be malformed: %s", cases[i].name, ysync_strerror(err), problem,
                     cases[i].want ? cases[i].want : "anything");
    }
}

/* Text of some kind: words that come again, and random letters in between. */
static void fill_with_text(uint8_t *to, size_t len, unsigned seed)
{
    static const char word[] = "collaboration ";

    srand(seed);
    for (size_t i = 0; i < len;) {
        if (rand() % 3 == 0) {
            to[i++] = (uint8_t)('a' + rand() % 26);
            continue;
        }
        for (size_t k = 0; k < sizeof(word) - 1 && i < len; k++)
            to[i++] = (uint8_t)word[k];
    }
}

struct settings {
    int level;
    int window_bits;
    int memory_level;
    int strategy;
};

/* As a client would: in steps, each ended by this flush, and the last four bytes left out. */
static struct ysync_bytes deflate_as(const struct settings *settings, struct ysync_bytes message, size_t step,
                                     int flush, uint8_t *to, size_t size)
{
    z_stream stream = { .next_out = to, .avail_out = (uInt)size };

    assert_int_equal(deflateInit2(&stream, settings->level, Z_DEFLATED, -settings->window_bits, settings->memory_level,
                                  settings->strategy),
                     Z_OK);
    for (size_t i = 0; i < message.len; i += step) {
        stream.next_in = (Bytef *)(uintptr_t)message.data + i;
        stream.avail_in = (uInt)(message.len - i < step ? message.len - i : step);
        assert_int_equal(deflate(&stream, i + step < message.len ? flush : Z_SYNC_FLUSH), Z_OK);
        assert_int_equal(stream.avail_in, 0);
    }
    deflateEnd(&stream);
    return (struct ysync_bytes){ to, size - stream.avail_out - 4 };
}

static void test_deflate_reads_whatever_settings_a_client_has(void **state)
{
    static uint8_t text[200000];
    static uint8_t packed[300000];
    static const size_t lens[] = { 1, 300, 65535, 65536, 65537, sizeof(text) };

    (void)state;
    fill_with_text(text, sizeof(text), 1);
    for (int i = 0; i < 10 * 7 * 4; i++) {
        struct settings settings = { i % 10, 9 + i / 10 % 7, 1 + i % 9, i / 70 };
        struct ysync_bytes message = { text, lens[(size_t)i % ARRAY_LEN(lens)] };
        char name[100];

        snprintf(name, sizeof(name), "level %d, window %d, memory %d, strategy %d, %zu bytes", settings.level,
                 settings.window_bits, settings.memory_level, settings.strategy, message.len);
        expect_inflated(name, deflate_as(&settings, message, message.len, Z_NO_FLUSH, packed, sizeof(packed)), message);
        expect_inflated(
            name, deflate_as(&settings, message, 1000, i % 2 ? Z_FULL_FLUSH : Z_SYNC_FLUSH, packed, sizeof(packed)),
            message);
    }
}

/* No prefix is taken for the whole, unless all of the text is in it. */
static void test_deflate_every_prefix_breaks_off(void **state)
{
    static uint8_t text[5000];
    static uint8_t packed[6000];
    const struct settings settings = { 6, 15, 8, Z_DEFAULT_STRATEGY };
    struct ysync_bytes message = { text, sizeof(text) };
    struct ysync_bytes whole;

    (void)state;
    fill_with_text(text, sizeof(text), 2);
    whole = deflate_as(&settings, message, 1500, Z_SYNC_FLUSH, packed, sizeof(packed));
    for (size_t len = 0; len < whole.len; len++) {
        struct ysync_bytes got;
        const char *problem;
        enum ysync_err err = inflate_copy((struct ysync_bytes){ packed, len }, MAX_BYTES, &got, &problem);

        if (err == YSYNC_OK && got.len % 1500 == 0 && memcmp(got.data, text, got.len) == 0)
            continue; /* cut between two blocks, which nobody could tell */
        if (err != YSYNC_ERR_MALFORMED)
            fail_msg("%zu of %zu bytes: got %s, want it to be malformed", len, whole.len, ysync_strerror(err));
    }
}

/* A thousandfold: what is within the limit is read, one byte more is not, and costs no memory. */
static void test_deflate_bounds_what_a_message_becomes(void **state)
{
    static uint8_t zeros[4 * 1024 * 1024];
    static uint8_t bomb[10000];
    const struct settings settings = { 9, 15, 9, Z_DEFAULT_STRATEGY };
    static const size_t lens[] = { 1, 2, 65535, 65536, 65537, 131072, 131073, sizeof(zeros) };

    (void)state;
    expect_inflated("for the inflater's own memory", (struct ysync_bytes)BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"),
                    (struct ysync_bytes)BYTES("Hello"));
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct ysync_bytes message = { zeros, lens[i] };
        struct ysync_bytes payload = deflate_as(&settings, message, message.len, Z_NO_FLUSH, bomb, sizeof(bomb));
        size_t before = memory.live_bytes;
        size_t window = (size_t)1 << 15; /* zlib's, once a message is larger than it */
        struct ysync_bytes got;
        const char *problem;

        memory.peak_bytes = before;
        assert_int_equal(inflate_copy(payload, message.len - 1, &got, &problem), YSYNC_ERR_LIMIT);
        if (memory.peak_bytes > before + window)
            fail_msg("%zu bytes: asked for %zu to refuse them", message.len, memory.peak_bytes - before);
        assert_int_equal(inflate_copy(payload, message.len, &got, &problem), YSYNC_OK);
        assert_int_equal(got.len, message.len);
        if (memory.peak_bytes > before + window + message.len)
            fail_msg("%zu bytes: asked for %zu to hold them", message.len, memory.peak_bytes - before);
        ys_ws_inflate_release(deflater);
        assert_true(memory.live_bytes <= before + window);
    }
}

static struct ys_blob *new_blob(const uint8_t *bytes, size_t len)
{
    struct ys_blob *blob = ys_blob_copy(&memory.alloc, (struct ysync_bytes){ bytes, len });

    assert_non_null(blob);
    return blob;
}

static void test_deflate_makes_a_variant_once(void **state)
{
    static uint8_t text[100000];
    struct ys_blob *blob;
    struct ysync_bytes framed;
    size_t requests;

    (void)state;
    fill_with_text(text, sizeof(text), 3);
    blob = new_blob(text, sizeof(text));
    assert_true(ys_ws_deflate_is_due(blob));
    ys_ws_deflate_blob(deflater, blob);
    assert_non_null(blob->variant);
    assert_true(blob->variant->len < sizeof(text) / 2);
    framed = ys_blob_framed(blob->variant);
    assert_int_equal(framed.data[0], 0xc2); /* FIN, RSV1, binary */
    expect_inflated("there and back", ys_blob_bytes(blob->variant), ys_blob_bytes(blob));

    assert_false(ys_ws_deflate_is_due(blob));
    requests = memory.requests;
    ys_ws_deflate_blob(deflater, blob);
    assert_int_equal(memory.requests, requests);
    ys_blob_unref(blob);
}

static void test_deflate_messages_do_not_depend_on_those_before(void **state)
{
    static uint8_t text[3000];
    struct ys_blob *first;
    struct ys_blob *second;

    (void)state;
    fill_with_text(text, sizeof(text), 4);
    first = new_blob(text, sizeof(text));
    second = new_blob(text, sizeof(text));
    ys_ws_deflate_blob(deflater, first);
    ys_ws_deflate_blob(deflater, second);
    assert_int_equal(first->variant->len, second->variant->len);
    assert_memory_equal(ys_blob_data(first->variant), ys_blob_data(second->variant), first->variant->len);
    ys_blob_unref(first);
    ys_blob_unref(second);
}

static void test_deflate_leaves_alone_what_is_not_worth_it(void **state)
{
    static uint8_t text[YS_WS_MAX_DEFLATED_BYTES + 1];
    static uint8_t noise[50000];
    static const struct {
        const char *name;
        const uint8_t *bytes;
        size_t len;
        bool is_due;
        bool has_variant;
    } cases[] = {
        { "nothing", text, 0, false, false },
        { "a small message", text, YS_WS_MIN_DEFLATED_BYTES - 1, false, false },
        { "the smallest", text, YS_WS_MIN_DEFLATED_BYTES, true, true },
        { "the largest", text, YS_WS_MAX_DEFLATED_BYTES, true, true },
        { "a large one", text, YS_WS_MAX_DEFLATED_BYTES + 1, false, false },
        { "noise", noise, sizeof(noise), true, false },
        { "a little noise", noise, YS_WS_MIN_DEFLATED_BYTES, true, false },
    };

    (void)state;
    fill_with_text(text, sizeof(text), 5);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(rand() >> 7);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_blob *blob = new_blob(cases[i].bytes, cases[i].len);
        bool was_due = ys_ws_deflate_is_due(blob);

        ys_ws_deflate_blob(deflater, blob);
        if (was_due != cases[i].is_due || (blob->variant != NULL) != cases[i].has_variant)
            fail_msg("%s: got due %d, variant %d, want %d, %d", cases[i].name, was_due, blob->variant != NULL,
                     cases[i].is_due, cases[i].has_variant);
        assert_false(ys_ws_deflate_is_due(blob));
        ys_blob_unref(blob);
    }
}

static void test_deflate_survives_the_nth_allocation_failing(void **state)
{
    static uint8_t text[100000];
    static uint8_t packed[100000];
    const struct settings settings = { 1, 15, 8, Z_DEFAULT_STRATEGY };
    struct ysync_bytes message = { text, sizeof(text) };
    struct ysync_bytes payload;
    size_t n;

    (void)state;
    fill_with_text(text, sizeof(text), 6);
    payload = deflate_as(&settings, message, message.len, Z_NO_FLUSH, packed, sizeof(packed));
    for (n = 1;; n++) {
        struct ys_test_alloc failing;
        struct ys_blob *blob = new_blob(text, sizeof(text));
        struct ys_ws_deflate *deflate;
        struct ysync_bytes got;
        const char *problem;
        enum ysync_err err;

        ys_test_alloc_init(&failing, n);
        assert_int_equal(ys_ws_deflate_new(&failing.alloc, &deflate), YSYNC_OK);
        ys_ws_deflate_blob(deflate, blob);
        assert_true(blob->variant || failing.failed); /* it need not fit just so */
        err = ys_ws_inflate(deflate, payload, MAX_BYTES, &got, &problem);
        assert_int_equal(err, failing.failed ? YSYNC_ERR_NOMEM : YSYNC_OK);
        failing.fail_at = YS_TEST_NEVER_FAIL; /* and it recovers */
        assert_int_equal(ys_ws_inflate(deflate, payload, MAX_BYTES, &got, &problem), YSYNC_OK);
        assert_int_equal(got.len, sizeof(text));
        ys_ws_deflate_blob(deflate, blob);
        assert_non_null(blob->variant);
        ys_blob_unref(blob);
        ys_ws_deflate_free(deflate);
        assert_int_equal(failing.live_blocks, 0);
        if (!failing.failed)
            break;
    }
    assert_true(n >= 8); /* zlib's deflater alone asks for five */
}

static void test_deflate_needs_memory(void **state)
{
    struct ys_test_alloc failing;
    struct ys_ws_deflate *deflate;

    (void)state;
    ys_test_alloc_init(&failing, 0);
    assert_int_equal(ys_ws_deflate_new(&failing.alloc, &deflate), YSYNC_ERR_NOMEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_deflate_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reads_recorded_messages),
        TEST(refuses_what_is_broken),
        TEST(reads_whatever_settings_a_client_has),
        TEST(every_prefix_breaks_off),
        TEST(bounds_what_a_message_becomes),
        TEST(makes_a_variant_once),
        TEST(messages_do_not_depend_on_those_before),
        TEST(leaves_alone_what_is_not_worth_it),
        TEST(survives_the_nth_allocation_failing),
        TEST(needs_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
