/* SPDX-License-Identifier: MIT */
/*
 * A checksum against accidents: torn writes, flipped bits, a file that is something else. Four lanes of multiplying and
 * mixing, eight bytes each, so that a document costs less to check than to copy. It keeps no adversary out.
 */
#ifndef YS_BASE_CHECKSUM_H
#define YS_BASE_CHECKSUM_H

#include "ysync/bytes.h"

/* The same on every machine. */
uint64_t ys_checksum(struct ysync_bytes bytes);

#endif
