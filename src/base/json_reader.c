/* SPDX-License-Identifier: MIT */
/*
 * The text is checked as a whole before anything is taken from it. So walking through it needs no grammar: a string
 * goes up to the first mark that no backslash escapes, a container up to the bracket that brings the depth back to
 * zero, everything else up to a byte that could not be part of it.
 */
#include "base/json_reader.h"

#include <assert.h>
#include <float.h>
#include <string.h>

#include "base/json.h"

/* More digits than this do not change a double much. */
#define MAX_DIGITS 18

/* Exponents past this are not told apart: it takes a megabyte of digits to make up for one. */
#define MAX_EXPONENT 1000000

/* The byte that comes next; 0 at the end. */
static uint8_t peek(const struct ys_json_walk *in)
{
    return in->at < in->text.len ? in->text.data[in->at] : 0;
}

static bool is_one_of(uint8_t byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static void skip_all(struct ys_json_walk *in, const char *set)
{
    while (is_one_of(peek(in), set))
        in->at++;
}

static void skip_string(struct ys_json_walk *in)
{
    for (in->at++; peek(in) != '"'; in->at++) {
        assert(in->at < in->text.len);
        if (peek(in) == '\\')
            in->at++;
    }
    in->at++;
}

static void skip_container(struct ys_json_walk *in)
{
    size_t depth = 0;

    do {
        uint8_t byte = peek(in);

        assert(in->at < in->text.len);
        if (byte == '"') {
            skip_string(in);
            continue;
        }
        if (is_one_of(byte, "{["))
            depth++;
        else if (is_one_of(byte, "}]"))
            depth--;
        in->at++;
    } while (depth > 0);
}

static enum ys_json_kind kind_of(uint8_t first)
{
    switch (first) {
    case '"':
        return YS_JSON_STRING;
    case '[':
        return YS_JSON_ARRAY;
    case '{':
        return YS_JSON_OBJECT;
    case 'n':
        return YS_JSON_NULL;
    case 't':
    case 'f':
        return YS_JSON_BOOL;
    default:
        return YS_JSON_NUMBER;
    }
}

static struct ys_json_value take_value(struct ys_json_walk *in)
{
    enum ys_json_kind kind = kind_of(peek(in));
    size_t start = in->at;

    if (kind == YS_JSON_STRING)
        skip_string(in);
    else if (kind == YS_JSON_ARRAY || kind == YS_JSON_OBJECT)
        skip_container(in);
    else
        skip_all(in, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    return (struct ys_json_value){ kind, { in->text.data + start, in->at - start } };
}

/* Past white space, and the comma behind the last element; false at the closing bracket. */
static bool has_next(struct ys_json_walk *in)
{
    skip_all(in, ", \t\r\n");
    return !is_one_of(peek(in), "]}");
}

static struct ys_json_field *find_field(struct ys_json_field *fields, size_t count, struct ys_json_value key)
{
    for (size_t i = 0; i < count; i++) {
        if (ys_json_is_string(key, fields[i].name))
            return &fields[i];
    }
    return NULL;
}

enum ysync_err ys_json_read_object(struct ysync_bytes text, struct ys_json_field *fields, size_t count)
{
    struct ys_json_walk in = { text, 0 };

    if (!ys_json_is_valid(text))
        return YSYNC_ERR_MALFORMED;
    skip_all(&in, " \t\r\n");
    if (peek(&in) != '{')
        return YSYNC_ERR_MALFORMED;
    for (size_t i = 0; i < count; i++)
        fields[i].value = (struct ys_json_value){ .kind = YS_JSON_NONE };
    in.at++;
    while (has_next(&in)) {
        struct ys_json_field *field = find_field(fields, count, take_value(&in));
        struct ys_json_value value;

        skip_all(&in, ": \t\r\n");
        value = take_value(&in);
        if (!field)
            continue;
        if (field->value.kind != YS_JSON_NONE)
            return YSYNC_ERR_MALFORMED;
        field->value = value;
    }
    return YSYNC_OK;
}

struct ys_json_walk ys_json_elements(struct ys_json_value array)
{
    assert(array.kind == YS_JSON_ARRAY);
    return (struct ys_json_walk){ array.text, 1 };
}

bool ys_json_next(struct ys_json_walk *walk, struct ys_json_value *element)
{
    if (!has_next(walk))
        return false;
    *element = take_value(walk);
    return true;
}

static unsigned hex_value(uint8_t digit)
{
    if (digit <= '9')
        return digit - '0';
    return (digit | 0x20) - 'a' + 10u;
}

/* The four digits of \uXXXX, its backslash and u already behind us: one UTF-16 unit. */
static uint32_t take_unit(struct ys_json_walk *in)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++)
        unit = unit << 4 | hex_value(in->text.data[in->at++]);
    return unit;
}

/* The second half of a surrogate pair has to follow the first one at once. */
static bool take_code_point(struct ys_json_walk *in, uint32_t *out)
{
    uint32_t unit = take_unit(in);
    uint32_t low;

    if (unit < 0xd800 || unit > 0xdfff) {
        *out = unit;
        return true;
    }
    if (unit > 0xdbff || in->text.len - in->at < 6 || memcmp(in->text.data + in->at, "\\u", 2) != 0)
        return false;
    in->at += 2;
    low = take_unit(in);
    *out = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
    return low >= 0xdc00 && low <= 0xdfff;
}

static size_t encode_utf8(uint32_t c, uint8_t to[4])
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
    to[0] = (uint8_t)(lead[len] | c);
    return len;
}

static uint8_t unescaped(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

/* The bytes that the next escape or byte of a string's inside stands for; 0 if there are none that could. */
static size_t take_bytes(struct ys_json_walk *in, uint8_t to[4])
{
    uint32_t c;

    to[0] = in->text.data[in->at++];
    if (to[0] != '\\')
        return 1;
    to[0] = unescaped(in->text.data[in->at++]);
    if (to[0] != 'u')
        return 1;
    return take_code_point(in, &c) ? encode_utf8(c, to) : 0;
}

static struct ys_json_walk inside_of(struct ys_json_value string)
{
    assert(string.kind == YS_JSON_STRING);
    return (struct ys_json_walk){ { string.text.data + 1, string.text.len - 2 }, 0 };
}

bool ys_json_is_string(struct ys_json_value value, const char *text)
{
    size_t left = strlen(text);
    struct ys_json_walk in;

    if (value.kind != YS_JSON_STRING)
        return false;
    in = inside_of(value);
    while (in.at < in.text.len) {
        uint8_t bytes[4];
        size_t len = take_bytes(&in, bytes);

        if (len == 0 || len > left || memcmp(bytes, text, len) != 0)
            return false;
        text += len;
        left -= len;
    }
    return left == 0;
}

enum ysync_err ys_json_decode_string(struct ys_json_value string, struct ys_buf *out)
{
    struct ys_json_walk in = inside_of(string);
    size_t len_before = out->len;

    while (in.at < in.text.len) {
        uint8_t bytes[4];
        size_t len = take_bytes(&in, bytes);

        if (len == 0) {
            out->len = len_before;
            return YSYNC_ERR_MALFORMED;
        }
        ys_buf_put(out, (struct ysync_bytes){ bytes, len });
    }
    return ys_buf_err(out);
}

struct decimal {
    uint64_t digits;
    int digit_count; /* without leading zeros */
    int64_t exponent;
};

/* Each digit makes the number ten times as large, or, behind the point, stands a tenth lower. What no longer fits
 * counts as zero. */
static void take_digits(struct ys_json_walk *in, struct decimal *number, bool is_fraction)
{
    for (; is_one_of(peek(in), "0123456789"); in->at++) {
        bool fits = number->digit_count < MAX_DIGITS;

        if (fits) {
            number->digits = number->digits * 10 + (peek(in) - '0');
            number->digit_count += number->digits > 0;
        }
        number->exponent += !fits - is_fraction;
    }
}

static int take_exponent(struct ys_json_walk *in)
{
    bool is_negative = peek(in) == '-';
    int exponent = 0;

    skip_all(in, "+-");
    for (; is_one_of(peek(in), "0123456789"); in->at++) {
        if (exponent < MAX_EXPONENT)
            exponent = exponent * 10 + (peek(in) - '0');
    }
    return is_negative ? -exponent : exponent;
}

/* Dividing once, and not by each ten, rounds once. */
static double value_of(const struct decimal *number)
{
    double digits = (double)number->digits;
    int64_t tens = number->exponent < 0 ? -number->exponent : number->exponent;
    double scale = 1;

    if (number->digits == 0)
        return 0;
    for (; tens > 0 && scale <= DBL_MAX; tens--)
        scale *= 10;
    return number->exponent < 0 ? digits / scale : digits * scale;
}

double ys_json_number(struct ys_json_value number)
{
    struct ys_json_walk in = { number.text, 0 };
    struct decimal decimal = { 0, 0, 0 };
    bool is_negative = peek(&in) == '-';

    assert(number.kind == YS_JSON_NUMBER);
    skip_all(&in, "-");
    take_digits(&in, &decimal, false);
    if (peek(&in) == '.') {
        in.at++;
        take_digits(&in, &decimal, true);
    }
    if (is_one_of(peek(&in), "eE")) {
        in.at++;
        decimal.exponent += take_exponent(&in);
    }
    return is_negative ? -value_of(&decimal) : value_of(&decimal);
}
