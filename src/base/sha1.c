/* SPDX-License-Identifier: MIT */
/*
 * Blocks of 64 bytes, each of which changes five words:
 *
 *     [ 64 bytes ][ 64 bytes ] ... [ rest, 0x80, 0 ..., length in bits ]
 *
 * A block's 16 words become 80, each of the later ones made of four before it. In each of 80 steps one of them, and a
 * function of three of the five words that changes every 20 steps, is added to a word, and all five move up by one.
 */
#include "base/sha1.h"

#include <string.h>

#define BLOCK_BYTES 64
#define LEN_BYTES 8

struct state {
    uint32_t words[5];
};

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void expand(const uint8_t block[BLOCK_BYTES], uint32_t words[80])
{
    for (size_t i = 0; i < 16; i++)
        words[i] = load(block + 4 * i);
    for (size_t i = 16; i < 80; i++)
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
}

/* What is added to a step, but for the word of the block: f(b, c, d) and its constant (RFC 3174, 5). */
static uint32_t mix(size_t step, uint32_t b, uint32_t c, uint32_t d)
{
    if (step < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (step < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (step < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void add_block(struct state *state, const uint8_t block[BLOCK_BYTES])
{
    struct state now = *state;
    uint32_t *w = now.words;
    uint32_t words[80];

    expand(block, words);
    for (size_t step = 0; step < 80; step++) {
        uint32_t next = rotate(w[0], 5) + mix(step, w[1], w[2], w[3]) + w[4] + words[step];

        w[4] = w[3];
        w[3] = w[2];
        w[2] = rotate(w[1], 30);
        w[1] = w[0];
        w[0] = next;
    }
    for (size_t i = 0; i < 5; i++)
        state->words[i] += w[i];
}

/* The rest of the bytes, and the padding: one block, or two where the length has no room behind the rest. */
static void add_end(struct state *state, struct ysync_bytes rest, uint64_t bit_count)
{
    uint8_t blocks[2 * BLOCK_BYTES] = { 0 };
    size_t size = rest.len + 1 + LEN_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;

    if (rest.len > 0)
        memcpy(blocks, rest.data, rest.len);
    blocks[rest.len] = 0x80;
    for (size_t i = 1; i <= LEN_BYTES; i++, bit_count >>= 8)
        blocks[size - i] = (uint8_t)bit_count;
    for (size_t at = 0; at < size; at += BLOCK_BYTES)
        add_block(state, blocks + at);
}

void ys_sha1(struct ysync_bytes bytes, uint8_t digest[YS_SHA1_BYTES])
{
    struct state state = { { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };
    uint64_t bit_count = (uint64_t)bytes.len * 8;

    for (; bytes.len >= BLOCK_BYTES; bytes = (struct ysync_bytes){ bytes.data + BLOCK_BYTES, bytes.len - BLOCK_BYTES })
        add_block(&state, bytes.data);
    add_end(&state, bytes, bit_count);
    for (size_t i = 0; i < YS_SHA1_BYTES; i++)
        digest[i] = (uint8_t)(state.words[i / 4] >> (24 - 8 * (i % 4)));
}
