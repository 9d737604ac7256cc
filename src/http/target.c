/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include <string.h>

/* The value of a hexadecimal digit; -1 if it is none. */
static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that the escape at i stands for; -1 if it is broken. */
static int escaped_byte(struct ysync_bytes encoded, size_t i)
{
    int high;
    int low;

    if (encoded.len - i < 3)
        return -1;
    high = hex_value(encoded.data[i + 1]);
    low = hex_value(encoded.data[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* How many bytes it stands for; false if an escape is broken. */
static bool measure(struct ysync_bytes encoded, size_t *out)
{
    size_t count = 0;

    for (size_t i = 0; i < encoded.len; count++) {
        if (encoded.data[i] == '%' && escaped_byte(encoded, i) < 0)
            return false;
        i += encoded.data[i] == '%' ? 3 : 1;
    }
    *out = count;
    return true;
}

enum ysync_err ys_percent_decode(struct ysync_bytes encoded, struct ys_buf *out)
{
    size_t count;
    enum ysync_err err = ys_buf_err(out);

    if (!err && !measure(encoded, &count))
        err = YSYNC_ERR_MALFORMED;
    if (!err)
        err = ys_buf_reserve(out, count);
    if (err)
        return err;
    for (size_t i = 0; i < encoded.len;) {
        bool is_escape = encoded.data[i] == '%';

        ys_buf_put_u8(out, is_escape ? (uint8_t)escaped_byte(encoded, i) : encoded.data[i]);
        i += is_escape ? 3 : 1;
    }
    return ys_buf_err(out);
}

/* If the parameter has this name: its value, which is empty when there is no '='. */
static bool match(struct ysync_bytes parameter, const char *name, struct ysync_bytes *value)
{
    size_t len = strlen(name);

    if (parameter.len < len || memcmp(parameter.data, name, len) != 0)
        return false;
    *value = (struct ysync_bytes){ parameter.data + len, parameter.len - len };
    if (value->len == 0)
        return true;
    if (value->data[0] != '=')
        return false;
    value->data++;
    value->len--;
    return true;
}

bool ys_query_find(struct ysync_bytes query, const char *name, struct ysync_bytes *out)
{
    while (query.len > 0) {
        const uint8_t *end = memchr(query.data, '&', query.len);
        size_t len = end ? (size_t)(end - query.data) : query.len;
        size_t taken = end ? len + 1 : len;
        struct ysync_bytes value;

        if (match((struct ysync_bytes){ query.data, len }, name, &value)) {
            *out = value;
            return true;
        }
        query.data += taken;
        query.len -= taken;
    }
    return false;
}
