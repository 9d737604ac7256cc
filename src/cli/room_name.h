/* SPDX-License-Identifier: MIT */
/*
 * Names of rooms on a command line and in what it prints.
 *
 *     blog                    blog
 *     team/notes              team/notes
 *     a line feed: "a\nb"     a\x0ab
 *
 * A server makes rooms only by names that can be printed; in a store there may be others.
 */
#ifndef YS_CLI_ROOM_NAME_H
#define YS_CLI_ROOM_NAME_H

#include <stdbool.h>
#include <stdio.h>

#include "ysync/bytes.h"

struct ysync_bytes ys_room_name_of(const char *word);

/* Could a client ask for it? 1 to 512 bytes of UTF-8 without control characters. */
bool ys_room_name_is_good(struct ysync_bytes name);

/* As it is, or, if it is not text that stays in one line, with everything but printable ASCII as \x0a, and the
 * backslash as \\. */
void ys_room_name_print(struct ysync_bytes name, FILE *to);

#endif
