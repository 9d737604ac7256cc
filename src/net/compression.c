/* SPDX-License-Identifier: MIT */
/*
 * Compressed messages of connections that agreed on permessage-deflate; ws/deflate.h says how. What all of them share
 * hangs on the loop and is made by the first message that needs it.
 *
 * Compressing a message of 1 MiB takes some 10 ms, in which nobody else on the loop is served. So one turn compresses
 * only so much; what comes then goes out as it is, which is larger but takes no time, and may be compressed for its
 * next reader.
 *
 *     a turn:  [ 1 MiB ][ 1 MiB ][ 1 MiB ][ 1 MiB ] | [ as it is ][ as it is ]
 *                                                   '-- MAX_BYTES_PER_TURN
 */
#include "base/alloc.h"
#include "base/utf8.h"
#include "net/connection_impl.h"
#include "ws/deflate.h"

#define MAX_BYTES_PER_TURN ((size_t)4 * 1024 * 1024)

/* NULL if there is no memory. */
static struct ys_ws_deflate *shared_deflate(struct ys_loop *loop)
{
    if (!loop->deflate && ys_ws_deflate_new(loop->alloc, &loop->deflate))
        return NULL;
    return loop->deflate;
}

static void fail(struct ys_ws_received *received, enum ys_ws_close_code code, const char *problem)
{
    received->event = YS_WS_EVENT_ERROR;
    received->close_code = (uint16_t)code;
    received->problem = problem;
}

void ys_compression_inflate(struct ys_connection *connection, struct ys_ws_received *received)
{
    struct ys_ws_deflate *deflate = shared_deflate(connection->loop);
    const char *problem = NULL;
    enum ysync_err err = YSYNC_ERR_NOMEM;

    if (deflate)
        err = ys_ws_inflate(deflate, received->payload, connection->config->max_message_bytes, &received->payload,
                            &problem);
    if (err == YSYNC_ERR_NOMEM)
        fail(received, YS_WS_CLOSE_INTERNAL_ERROR, "out of memory");
    else if (err == YSYNC_ERR_LIMIT)
        fail(received, YS_WS_CLOSE_TOO_BIG, "message too large once it is inflated");
    else if (err)
        fail(received, YS_WS_CLOSE_INVALID_DATA, problem);
    else if (received->opcode == YS_WS_TEXT && !ys_utf8_is_valid(received->payload))
        fail(received, YS_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
}

void ys_compression_release(struct ys_connection *connection)
{
    if (connection->loop->deflate)
        ys_ws_inflate_release(connection->loop->deflate);
}

static void make_variant(struct ys_loop *loop, struct ys_blob *blob)
{
    struct ys_ws_deflate *deflate = shared_deflate(loop);

    if (!deflate || blob->len > MAX_BYTES_PER_TURN - loop->compressed_bytes)
        return;
    loop->compressed_bytes += blob->len;
    ys_ws_deflate_blob(deflate, blob);
}

struct ysync_bytes ys_compression_frame(struct ys_connection *connection, struct ys_blob *blob)
{
    if (ys_ws_deflate_is_due(blob))
        make_variant(connection->loop, blob);
    return ys_blob_framed(blob->variant ? blob->variant : blob);
}
