/* SPDX-License-Identifier: MIT */
#include "cli/room_name.h"

#include <string.h>

#include "base/utf8.h"

#define MAX_NAME_BYTES 512

struct ysync_bytes ys_room_name_of(const char *word)
{
    return (struct ysync_bytes){ (const uint8_t *)word, strlen(word) };
}

/* C0, DEL, and C1, which takes two bytes in UTF-8. */
static bool has_control_character(struct ysync_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];

        if (byte < 0x20 || byte == 0x7f)
            return true;
        if (byte == 0xc2 && i + 1 < name.len && name.data[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool is_printable(struct ysync_bytes name)
{
    return ys_utf8_is_valid(name) && !has_control_character(name);
}

bool ys_room_name_is_good(struct ysync_bytes name)
{
    return name.len >= 1 && name.len <= MAX_NAME_BYTES && is_printable(name);
}

void ys_room_name_print(struct ysync_bytes name, FILE *to)
{
    if (is_printable(name)) {
        fwrite(name.data, 1, name.len, to);
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];

        if (byte == '\\')
            fputs("\\\\", to);
        else if (byte < 0x20 || byte >= 0x7f)
            fprintf(to, "\\x%02x", byte);
        else
            putc(byte, to);
    }
}
