/* SPDX-License-Identifier: MIT */
/* The reader takes what the grammar takes, if it is an object; and its values are JSON of the kind that it says. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/json_reader.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A string that is decoded and encoded again decodes to the same. */
static void check_string(struct ys_json_value string)
{
    struct ys_json_value again = { .kind = YS_JSON_STRING };
    struct ys_buf decoded, encoded, decoded_again;

    ys_buf_init(&decoded, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&encoded, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&decoded_again, ysync_alloc_default(), SIZE_MAX);
    if (!ys_json_decode_string(string, &decoded)) {
        ys_json_put_string(&encoded, ys_buf_bytes(&decoded));
        again.text = ys_buf_bytes(&encoded);
        REQUIRE(ys_json_is_valid(again.text));
        REQUIRE(!ys_json_decode_string(again, &decoded_again));
        REQUIRE(decoded.len == decoded_again.len);
        REQUIRE(decoded.len == 0 || memcmp(decoded.data, decoded_again.data, decoded.len) == 0);
        ys_buf_put_u8(&decoded, 0);
        if (strlen((const char *)decoded.data) == decoded.len - 1)
            REQUIRE(ys_json_is_string(string, (const char *)decoded.data));
    }
    ys_buf_deinit(&decoded_again);
    ys_buf_deinit(&encoded);
    ys_buf_deinit(&decoded);
}

static void check_value(struct ys_json_value value);

static void check_array(struct ys_json_value array)
{
    struct ys_json_walk walk = ys_json_elements(array);
    struct ys_json_value element;

    while (ys_json_next(&walk, &element))
        check_value(element);
}

static void check_value(struct ys_json_value value)
{
    REQUIRE(ys_json_is_valid(value.text));
    REQUIRE(ys_json_is_null(value.text) == (value.kind == YS_JSON_NULL));
    if (value.kind == YS_JSON_STRING)
        check_string(value);
    else if (value.kind == YS_JSON_ARRAY)
        check_array(value);
    else if (value.kind == YS_JSON_NUMBER)
        REQUIRE(ys_json_number(value) == ys_json_number(value)); /* never "not a number" */
    else if (value.kind == YS_JSON_OBJECT)
        REQUIRE(ys_json_read_object(value.text, NULL, 0) == YSYNC_OK);
}

static bool is_object(struct ysync_bytes text)
{
    size_t i = 0;

    while (i < text.len && strchr(" \t\r\n", text.data[i]))
        i++;
    return i < text.len && text.data[i] == '{' && ys_json_is_valid(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ys_json_field fields[] = { { .name = "a" }, { .name = "room" }, { .name = "" } };
    struct ysync_bytes text = { data, size };

    REQUIRE(is_object(text) == (ys_json_read_object(text, NULL, 0) == YSYNC_OK));
    if (ys_json_read_object(text, fields, ARRAY_LEN(fields)))
        return 0;
    REQUIRE(is_object(text));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].value.kind != YS_JSON_NONE)
            check_value(fields[i].value);
    }
    return 0;
}
