/* SPDX-License-Identifier: MIT */
#include "auth/max_age.h"

#include <string.h>

#include "base/token.h"

/* No answer is kept that long: from here on the digits make no difference. */
#define MAX_SECONDS UINT64_C(1000000000)

static bool equals(struct ysync_bytes name, const char *lower_case)
{
    if (name.len != strlen(lower_case))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];

        if (byte >= 'A' && byte <= 'Z')
            byte = (uint8_t)(byte + ('a' - 'A'));
        if (byte != (uint8_t)lower_case[i])
            return false;
    }
    return true;
}

static bool read_seconds(struct ysync_bytes digits, uint64_t *seconds)
{
    *seconds = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        if (*seconds < MAX_SECONDS)
            *seconds = *seconds * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return digits.len > 0;
}

static void read_max_age(struct ys_max_age *age, struct ysync_bytes digits)
{
    uint64_t seconds;

    if (!read_seconds(digits, &seconds))
        age->is_forbidden = true;
    else if (!age->is_given || seconds < age->seconds)
        age->seconds = seconds;
    age->is_given = true;
}

/* no-store and no-cache forbid it whatever stands behind them: `no-cache="Set-Cookie"` does not, but need not be
 * understood. */
static void read_directive(struct ys_max_age *age, struct ysync_bytes directive)
{
    const uint8_t *sign = memchr(directive.data, '=', directive.len);
    size_t len = sign ? (size_t)(sign - directive.data) : directive.len;
    struct ysync_bytes name = { directive.data, len };

    if (equals(name, "no-store") || equals(name, "no-cache"))
        age->is_forbidden = true;
    else if (equals(name, "max-age"))
        read_max_age(age, sign ? (struct ysync_bytes){ sign + 1, directive.len - len - 1 } : (struct ysync_bytes){ 0 });
}

void ys_max_age_read(struct ys_max_age *age, struct ysync_bytes value)
{
    struct ysync_bytes directive;

    while (ys_comma_list_next(&value, &directive))
        read_directive(age, directive);
}

uint64_t ys_max_age_seconds(const struct ys_max_age *age)
{
    return age->is_given && !age->is_forbidden ? age->seconds : 0;
}
