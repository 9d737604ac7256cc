/* SPDX-License-Identifier: MIT */
/* A borrowed view of bytes: passed by value, good for as long as what it points into. */
#ifndef YSYNC_BYTES_H
#define YSYNC_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct ysync_bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

#endif
