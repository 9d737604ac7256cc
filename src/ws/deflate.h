/* SPDX-License-Identifier: MIT */
/*
 * Compressed messages (permessage-deflate, RFC 7692): a deflater and an inflater that everybody on one event loop
 * shares.
 *
 *     out   blob ----deflate, once----> its variant, a frame that all readers are sent
 *     in    payload ----inflate-------> a message of at most max_bytes
 *
 * Both start afresh with each message ("no context takeover"): so a frame means the same to every reader, and no
 * connection holds a compressor's state, which would be 300 KiB for each.
 */
#ifndef YS_WS_DEFLATE_H
#define YS_WS_DEFLATE_H

#include "base/blob.h"
#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

/* Smaller messages gain less than their packet's headers take, larger ones would hold the loop for too long: they go as
 * they are. A first sync comes in parts of 1 MiB. */
#define YS_WS_MIN_DEFLATED_BYTES ((size_t)512)
#define YS_WS_MAX_DEFLATED_BYTES ((size_t)3 * 512 * 1024)

/* Belongs to one thread. */
struct ys_ws_deflate;

/* zlib's part of the memory is asked for by the first message that needs it. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_ws_deflate_new(const struct ysync_alloc *alloc, struct ys_ws_deflate **out);
void ys_ws_deflate_free(struct ys_ws_deflate *deflate); /* accepts NULL */

/* Is there something to try: is the blob of such a size, and has nobody tried before? */
bool ys_ws_deflate_is_due(const struct ys_blob *blob);

/* Tries to make the blob's variant: the compressed message under the header of a binary one, and smaller than the blob.
 * Afterwards it is not due any more, whether it got one or not, unless there was no memory. */
void ys_ws_deflate_blob(struct ys_ws_deflate *deflate, struct ys_blob *blob);

/* Inflates the payload of one message. What it holds is *out until the next call, or until ys_ws_inflate_release(),
 * which gives its memory back. Errors: LIMIT (more than max_bytes: nothing was allocated), MALFORMED (and *problem, a
 * static phrase), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_ws_inflate(struct ys_ws_deflate *deflate, struct ysync_bytes payload, size_t max_bytes,
                                           struct ysync_bytes *out, const char **problem);
void ys_ws_inflate_release(struct ys_ws_deflate *deflate);

#endif
