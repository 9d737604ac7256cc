/* SPDX-License-Identifier: MIT */
/* Hostile compressed data: what it becomes does not depend on the limit, as long as it is within, nor on messages
 * before it, and leaves the next one alone. And whatever the input is, compressed it comes back. */
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "slices.h"
#include "ws/deflate.h"

#define MAX_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Kept from input to input, as a loop keeps it. */
static struct ys_ws_deflate *shared(void)
{
    static struct ys_ws_deflate *deflate;

    if (!deflate)
        REQUIRE(!ys_ws_deflate_new(ysync_alloc_default(), &deflate));
    return deflate;
}

static void check_next_message(struct ys_ws_deflate *deflate)
{
    static const uint8_t hello[] = { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 }; /* RFC 7692, 7.2.3.1 */
    struct ysync_bytes out;
    const char *problem;

    REQUIRE(!ys_ws_inflate(deflate, (struct ysync_bytes){ hello, sizeof(hello) }, MAX_BYTES, &out, &problem));
    REQUIRE(out.len == 5 && memcmp(out.data, "Hello", 5) == 0);
}

static void check_inflate(struct ys_ws_deflate *deflate, struct ysync_bytes payload)
{
    struct ysync_bytes out;
    const char *problem = NULL;
    enum ysync_err err = ys_ws_inflate(deflate, payload, MAX_BYTES, &out, &problem);
    uint64_t hash;
    size_t len;

    REQUIRE(!err || err == YSYNC_ERR_LIMIT || (err == YSYNC_ERR_MALFORMED && problem));
    if (!err) {
        len = out.len;
        hash = hash_add(HASH_START, out);
        REQUIRE(len <= MAX_BYTES);
        if (len > 0)
            REQUIRE(ys_ws_inflate(deflate, payload, len - 1, &out, &problem) == YSYNC_ERR_LIMIT);
        REQUIRE(!ys_ws_inflate(deflate, payload, len, &out, &problem));
        REQUIRE(out.len == len && hash_add(HASH_START, out) == hash);
    }
    check_next_message(deflate);
}

/* A message that begins with the input, over and over until it is large enough. */
static void check_round_trip(struct ys_ws_deflate *deflate, struct ysync_bytes input)
{
    size_t times = input.len > 0 ? 1 + YS_WS_MIN_DEFLATED_BYTES / input.len : 0;
    struct ys_blob *blob = ys_blob_new(ysync_alloc_default(), input.len * times);
    struct ysync_bytes out;
    const char *problem;

    REQUIRE(blob);
    for (size_t i = 0; i < times; i++)
        memcpy(ys_blob_data(blob) + i * input.len, input.data, input.len);
    ys_ws_deflate_blob(deflate, blob);
    REQUIRE(!ys_ws_deflate_is_due(blob));
    if (blob->variant) {
        REQUIRE(blob->variant->len < blob->len);
        REQUIRE(!ys_ws_inflate(deflate, ys_blob_bytes(blob->variant), MAX_BYTES, &out, &problem));
        REQUIRE(out.len == blob->len && memcmp(out.data, ys_blob_data(blob), out.len) == 0);
    }
    ys_ws_inflate_release(deflate);
    ys_blob_unref(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_bytes input = { data, size };

    check_inflate(shared(), input);
    check_round_trip(shared(), input);
    return 0;
}
