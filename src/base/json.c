/* SPDX-License-Identifier: MIT */
/*
 * RFC 8259's grammar, one function for each of its rules. Each looks at the byte that comes next, and stops at the
 * first one that cannot be right. The recursion is as deep as the text's nesting, which is limited.
 *
 * UTF-8 is checked first, for the whole text, so that the rules need only know about ASCII.
 */
#include "base/json.h"

#include <string.h>

#include "base/utf8.h"

struct cursor {
    struct ysync_bytes text;
    size_t at;
    unsigned depth; /* containers around this place */
};

static bool read_value(struct cursor *in);

/* The byte that comes next; 0, which the grammar allows nowhere, at the end. */
static inline uint8_t peek(const struct cursor *in)
{
    return in->at < in->text.len ? in->text.data[in->at] : 0;
}

static inline bool skip_if(struct cursor *in, uint8_t byte)
{
    if (in->at == in->text.len || in->text.data[in->at] != byte)
        return false;
    in->at++;
    return true;
}

static void skip_space(struct cursor *in)
{
    while (peek(in) == ' ' || peek(in) == '\n' || peek(in) == '\r' || peek(in) == '\t')
        in->at++;
}

static bool read_word(struct cursor *in, const char *word)
{
    size_t len = strlen(word);

    if (len > in->text.len - in->at || memcmp(in->text.data + in->at, word, len) != 0)
        return false;
    in->at += len;
    return true;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* At least one. */
static bool read_digits(struct cursor *in)
{
    if (!is_digit(peek(in)))
        return false;
    while (is_digit(peek(in)))
        in->at++;
    return true;
}

/* RFC 8259, 6: no leading zeros, digits on both sides of the point. */
static bool read_number(struct cursor *in)
{
    skip_if(in, '-');
    if (!skip_if(in, '0') && !read_digits(in))
        return false;
    if (skip_if(in, '.') && !read_digits(in))
        return false;
    if (skip_if(in, 'e') || skip_if(in, 'E')) {
        if (!skip_if(in, '+'))
            skip_if(in, '-');
        return read_digits(in);
    }
    return true;
}

/* What follows a backslash. Half a surrogate pair is fine: JavaScript's strings may hold one. */
static bool read_escape(struct cursor *in)
{
    uint8_t byte = peek(in);

    if (byte == 0 || !strchr("\"\\/bfnrtu", byte))
        return false;
    in->at++;
    if (byte != 'u')
        return true;
    for (int i = 0; i < 4; i++, in->at++) {
        if (!is_hex(peek(in)))
            return false;
    }
    return true;
}

static bool read_string(struct cursor *in)
{
    if (!skip_if(in, '"'))
        return false;
    for (;;) {
        uint8_t byte = peek(in);

        if (byte < 0x20) /* a control character, or the end */
            return false;
        in->at++;
        if (byte == '"')
            return true;
        if (byte == '\\' && !read_escape(in))
            return false;
    }
}

static bool read_member(struct cursor *in)
{
    skip_space(in);
    if (!read_string(in))
        return false;
    skip_space(in);
    return skip_if(in, ':') && read_value(in);
}

/* The inside of a container, its opening bracket already read: elements between commas, up to `close`. */
static bool read_elements(struct cursor *in, uint8_t close, bool (*read_element)(struct cursor *in))
{
    skip_space(in);
    if (skip_if(in, close))
        return true;
    do {
        if (!read_element(in))
            return false;
        skip_space(in);
    } while (skip_if(in, ','));
    return skip_if(in, close);
}

static bool read_container(struct cursor *in)
{
    bool is_object = peek(in) == '{';
    bool ok;

    if (in->depth == YS_JSON_MAX_DEPTH)
        return false;
    in->at++;
    in->depth++;
    ok = read_elements(in, is_object ? '}' : ']', is_object ? read_member : read_value);
    in->depth--;
    return ok;
}

static bool read_value(struct cursor *in)
{
    skip_space(in);
    switch (peek(in)) {
    case '{':
    case '[':
        return read_container(in);
    case '"':
        return read_string(in);
    case 't':
        return read_word(in, "true");
    case 'f':
        return read_word(in, "false");
    case 'n':
        return read_word(in, "null");
    default:
        return read_number(in);
    }
}

bool ys_json_is_valid(struct ysync_bytes text)
{
    struct cursor in = { text, 0, 0 };

    if (!ys_utf8_is_valid(text) || !read_value(&in))
        return false;
    skip_space(&in);
    return in.at == text.len;
}

bool ys_json_is_null(struct ysync_bytes text)
{
    struct cursor in = { text, 0, 0 };

    skip_space(&in);
    return peek(&in) == 'n';
}

void ys_json_put_string(struct ys_buf *out, struct ysync_bytes text)
{
    static const char hex[] = "0123456789abcdef";

    ys_buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c < 0x20) {
            ys_buf_put_str(out, "\\u00");
            ys_buf_put_u8(out, (uint8_t)hex[c >> 4]);
            c = (uint8_t)hex[c & 15];
        } else if (c == '"' || c == '\\') {
            ys_buf_put_u8(out, '\\');
        }
        ys_buf_put_u8(out, c);
    }
    ys_buf_put_u8(out, '"');
}
