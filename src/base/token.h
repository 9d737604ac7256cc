/* SPDX-License-Identifier: MIT */
/*
 * Tokens, and lists of what stands between commas, as HTTP's fields hold them (RFC 9110, 5.6).
 *
 *     Connection: keep-alive, Upgrade
 */
#ifndef YS_BASE_TOKEN_H
#define YS_BASE_TOKEN_H

#include <stdbool.h>
#include <string.h>

#include "ysync/bytes.h"

/* May this byte stand in a method, in the name of a field, of a coding, of a protocol? */
static inline bool ys_token_has_byte(uint8_t byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9'))
        return true;
    return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte);
}

static inline bool ys_is_token(struct ysync_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!ys_token_has_byte(bytes.data[i]))
            return false;
    }
    return bytes.len > 0;
}

/* Without the blanks on both sides. */
static inline struct ysync_bytes ys_trim(struct ysync_bytes bytes)
{
    while (bytes.len > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t')) {
        bytes.data++;
        bytes.len--;
    }
    while (bytes.len > 0 && (bytes.data[bytes.len - 1] == ' ' || bytes.data[bytes.len - 1] == '\t'))
        bytes.len--;
    return bytes;
}

/* Takes the next element off the front of the list; false at its end. Empty elements do not count. */
static inline bool ys_comma_list_next(struct ysync_bytes *list, struct ysync_bytes *out)
{
    while (list->len > 0) {
        const uint8_t *comma = (const uint8_t *)memchr(list->data, ',', list->len);
        size_t len = comma ? (size_t)(comma - list->data) : list->len;
        size_t taken = comma ? len + 1 : len;

        *out = ys_trim((struct ysync_bytes){ list->data, len });
        list->data += taken;
        list->len -= taken;
        if (out->len > 0)
            return true;
    }
    return false;
}

#endif
