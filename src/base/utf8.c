/* SPDX-License-Identifier: MIT */
/*
 * Nearly all text is ASCII, and nearly all the rest is well-formed, so eight bytes are looked at in one
 * step wherever that answers the question:
 *
 *     checking    a word without a top bit is eight good characters
 *     counting    UTF-16 units are the bytes that begin a character, and once more those that begin one of
 *                 four bytes: both can be counted in all eight bytes of a word side by side
 */
#include "base/utf8.h"

#include <string.h>

#define WORD_BYTES sizeof(uint64_t)
#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static inline uint64_t load_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline bool is_ascii_word(const uint8_t *at)
{
    return !(load_word(at) & EVERY_BYTE(0x80));
}

static inline bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The length of the character whose first byte is 0x80 or more; 0 if it is none. The second byte is where overlong
 * forms, surrogates and what lies beyond U+10FFFF show (RFC 3629, 4). */
static size_t multibyte_len(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (lead < 0xc2 || lead > 0xf4 || left < len)
        return 0;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return len;
}

bool ys_utf8_measure(struct ysync_bytes text, uint64_t *units)
{
    uint64_t surplus = 0; /* bytes beyond one for each unit */
    size_t i = 0;

    while (i < text.len) {
        size_t len;

        if (text.data[i] < 0x80) {
            while (text.len - i >= WORD_BYTES && is_ascii_word(text.data + i))
                i += WORD_BYTES;
            if (i < text.len && text.data[i] < 0x80)
                i++;
            continue;
        }
        len = multibyte_len(text.data + i, text.len - i);
        if (len == 0)
            return false;
        surplus += len == 2 ? 1 : 2;
        i += len;
    }
    *units = text.len - surplus;
    return true;
}

bool ys_utf8_is_valid(struct ysync_bytes text)
{
    uint64_t units;

    return ys_utf8_measure(text, &units);
}

/* The sum of a word's bytes, which is below 65536. */
static inline uint64_t sum_bytes(uint64_t word)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);

    return (((word & even) + (word >> 8 & even)) * UINT64_C(0x0001000100010001)) >> 48;
}

/* A 1 in each byte that continues a character. */
static inline uint64_t continuations(uint64_t word)
{
    return word >> 7 & ~(word >> 6) & EVERY_BYTE(1);
}

/* A 1 in each byte that begins a character of four bytes. */
static inline uint64_t long_leads(uint64_t word)
{
    return word >> 7 & word >> 6 & word >> 5 & word >> 4 & EVERY_BYTE(1);
}

/* Units of the characters that begin in these bytes. */
static inline uint64_t units_in_word(const uint8_t *at)
{
    uint64_t word = load_word(at);

    return WORD_BYTES - sum_bytes(continuations(word)) + sum_bytes(long_leads(word));
}

uint64_t ys_utf8_units(struct ysync_bytes text)
{
    uint64_t units = 0;
    size_t i = 0;

    while (text.len - i >= WORD_BYTES) {
        uint64_t continued = 0;
        uint64_t longer = 0;
        size_t words = (text.len - i) / WORD_BYTES;

        if (words > 255) /* or the counts would outgrow their bytes */
            words = 255;
        for (size_t end = i + words * WORD_BYTES; i < end; i += WORD_BYTES) {
            uint64_t word = load_word(text.data + i);

            continued += continuations(word);
            longer += long_leads(word);
        }
        units += words * WORD_BYTES - sum_bytes(continued) + sum_bytes(longer);
    }
    for (; i < text.len; i++) {
        if (!is_continuation(text.data[i]))
            units += text.data[i] >= 0xf0 ? 2 : 1;
    }
    return units;
}

size_t ys_utf8_seek(struct ysync_bytes text, uint64_t units, bool *splits_pair)
{
    size_t i = 0;

    *splits_pair = false;
    while (text.len - i >= WORD_BYTES) {
        uint64_t count = units_in_word(text.data + i);

        if (count > units)
            break;
        units -= count;
        i += WORD_BYTES;
    }
    for (;; i++) {
        while (i < text.len && is_continuation(text.data[i])) /* a word may have ended inside a character */
            i++;
        if (units == 0 || i == text.len)
            return i;
        if (text.data[i] >= 0xf0 && units == 1) {
            *splits_pair = true;
            return i;
        }
        units -= text.data[i] >= 0xf0 ? 2 : 1;
    }
}
