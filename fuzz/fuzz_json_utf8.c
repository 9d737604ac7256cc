/* SPDX-License-Identifier: MIT */
/* The checks of text agree with one another: counting, seeking, and JSON on top of UTF-8. */
#include <stdint.h>

#include "base/json.h"
#include "base/utf8.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seeking to a unit finds the character that it is in: the text up to there has as many units. */
static void check_seek(struct ysync_bytes text, uint64_t unit)
{
    bool splits_pair;
    size_t offset = ys_utf8_seek(text, unit, &splits_pair);
    uint64_t before;

    REQUIRE(offset <= text.len);
    REQUIRE(ys_utf8_measure((struct ysync_bytes){ text.data, offset }, &before));
    REQUIRE(before + (splits_pair ? 1 : 0) == unit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_bytes text = { data, size };
    uint64_t units;
    bool is_utf8 = ys_utf8_measure(text, &units);

    REQUIRE(is_utf8 == ys_utf8_is_valid(text));
    if (ys_json_is_valid(text)) {
        REQUIRE(is_utf8 && size > 0);
        (void)ys_json_is_null(text);
    }
    if (!is_utf8)
        return 0;
    REQUIRE(units == ys_utf8_units(text));
    for (uint64_t unit = 0; unit <= units; unit += 1 + units / 16)
        check_seek(text, unit);
    check_seek(text, units);
    return 0;
}
