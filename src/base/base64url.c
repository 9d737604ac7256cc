/* SPDX-License-Identifier: MIT */
/*
 * Four characters of six bits each are three bytes; what is left over at the end stands alone, its last bits zero.
 *
 *     A Q I D   B A        000000 010000 001000 000011   000001 00....
 *     1 2 3     4          '---1----''---2----''---3---'   '---4---'
 */
#include "base/base64url.h"

/* -1 if it is none of the 64 characters. */
static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

/* Padding fills up the last group of four, with one or two characters. */
static enum ysync_err drop_padding(struct ysync_bytes *text)
{
    size_t len = text->len;

    while (len > 0 && text->data[len - 1] == '=')
        len--;
    if (len < text->len && (text->len % 4 != 0 || text->len - len > 2))
        return YSYNC_ERR_MALFORMED;
    text->len = len;
    return len % 4 == 1 ? YSYNC_ERR_MALFORMED : YSYNC_OK;
}

enum ysync_err ys_base64url_decode(struct ysync_bytes text, struct ys_buf *out)
{
    size_t len_before = out->len;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    enum ysync_err err = drop_padding(&text);

    if (!err)
        err = ys_buf_reserve(out, text.len / 4 * 3 + text.len % 4 * 6 / 8);
    for (size_t i = 0; i < text.len && !err; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            err = YSYNC_ERR_MALFORMED;
        bits = bits << 6 | ((uint32_t)value & 63);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            ys_buf_put_u8(out, (uint8_t)(bits >> bit_count));
        }
        bits &= (1u << bit_count) - 1;
    }
    if (!err && bits != 0)
        err = YSYNC_ERR_MALFORMED;
    if (err)
        out->len = len_before;
    return err;
}
