/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Up to eight bytes as a little-endian number. */
static uint64_t load_le(const uint8_t *at, size_t count)
{
    uint64_t word = 0;

    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

uint64_t ys_hash_bytes(struct ys_hash_seed seed, struct ysync_bytes bytes)
{
    struct sip s = {
        seed.k0 ^ UINT64_C(0x736f6d6570736575),
        seed.k1 ^ UINT64_C(0x646f72616e646f6d),
        seed.k0 ^ UINT64_C(0x6c7967656e657261),
        seed.k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = bytes.len - bytes.len % 8;

    for (size_t i = 0; i < whole; i += 8)
        sip_word(&s, load_le(bytes.data + i, 8));
    sip_word(&s, (uint64_t)bytes.len << 56 | (bytes.len > whole ? load_le(bytes.data + whole, bytes.len - whole) : 0));
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t ys_hash_u64(struct ys_hash_seed seed, uint64_t n)
{
    uint8_t bytes[8];

    memcpy(bytes, &n, sizeof(bytes));
    return ys_hash_bytes(seed, (struct ysync_bytes){ bytes, sizeof(bytes) });
}
