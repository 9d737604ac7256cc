/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 (RFC 3174), which the WebSocket handshake asks for. It keeps no secret there, and must not be used where one is
 * to be kept.
 *
 * A cryptographic library would do it too, but sets itself up when it is first asked for anything, which takes more
 * memory than everything else in a server that speaks no TLS.
 */
#ifndef YS_BASE_SHA1_H
#define YS_BASE_SHA1_H

#include "ysync/bytes.h"

#define YS_SHA1_BYTES 20

void ys_sha1(struct ysync_bytes bytes, uint8_t digest[YS_SHA1_BYTES]);

#endif
