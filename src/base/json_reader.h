/* SPDX-License-Identifier: MIT */
/*
 * Takes what one looks for out of JSON, and leaves the rest alone.
 *
 *     struct ys_json_field fields[] = { { .name = "exp" }, { .name = "room" } };
 *
 *     ys_json_read_object(text, fields, 2)      {"iss":"me", "room":["a","b"], "nbf":1}
 *                                                             '---------'
 *     fields[0].value.kind   YS_JSON_NONE            fields[1].value: YS_JSON_ARRAY, as written
 *
 * Values are views of the text: it stays as it is for as long as they are used.
 */
#ifndef YS_BASE_JSON_READER_H
#define YS_BASE_JSON_READER_H

#include <stdbool.h>

#include "base/buf.h"

enum ys_json_kind {
    YS_JSON_NONE, /* there is no value */
    YS_JSON_NULL,
    YS_JSON_BOOL,
    YS_JSON_NUMBER,
    YS_JSON_STRING,
    YS_JSON_ARRAY,
    YS_JSON_OBJECT,
};

struct ys_json_value {
    enum ys_json_kind kind;
    struct ysync_bytes text; /* as written: a string with its quotation marks and escapes */
};

/* A member of an object that is looked for. */
struct ys_json_field {
    const char *name;           /* without its escapes, however the object writes it */
    struct ys_json_value value; /* written by ys_json_read_object() */
};

/* The text is one object (what ys_json_is_valid() accepts, nothing else) that has none of the fields twice. Members
 * that nobody looks for may be anything. MALFORMED: it is not; the values are then not to be used. */
YSYNC_CHECKED enum ysync_err ys_json_read_object(struct ysync_bytes text, struct ys_json_field *fields, size_t count);

/* A place inside of an array. */
struct ys_json_walk {
    struct ysync_bytes text;
    size_t at;
};

/* Element by element: `while (ys_json_next(&walk, &element))`. */
struct ys_json_walk ys_json_elements(struct ys_json_value array);
bool ys_json_next(struct ys_json_walk *walk, struct ys_json_value *element);

/* Is it a string, and this one? No is the answer for all other kinds. */
bool ys_json_is_string(struct ys_json_value value, const char *text);

/* Appends a string without marks and escapes: UTF-8, in which zero bytes may stand. MALFORMED: half a surrogate pair is
 * escaped in it; the buffer is then as it was. LIMIT past the buffer's maximum; NOMEM. */
YSYNC_CHECKED enum ysync_err ys_json_decode_string(struct ys_json_value string, struct ys_buf *out);

/* A number, from its first 18 digits; infinite or zero where a double would not hold it. The locale does not matter. */
double ys_json_number(struct ys_json_value number);

#endif
