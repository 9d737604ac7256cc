/* SPDX-License-Identifier: MIT */
/*
 * A connection's way from one loop to another.
 *
 *     here      [ socket | TLS session | GET /blog ... | bytes behind it ]     at the end of the turn, when all is sent
 *                   |           |             '------.-------'
 *     travel     a second       |           one buffer, where the second
 *              descriptor       |           loop's parser finds it all
 *                   |           |                    |
 *     there     [ socket | TLS session | held: GET /blog ... and the rest ]    read when it is resumed
 *
 * libuv gives no descriptor back, so the travel has one of its own for the same socket, and closing the connection here
 * closes the other. The TLS session has been read until it was starved, so plaintext lies only in the bytes, and the
 * beginning of a record where the session keeps it.
 *
 * All clocks begin anew on arrival. That renews no deadline of the peer's: what travels has a whole head, and there is
 * no clock for what is ours to answer.
 */
#include <unistd.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/descriptor.h"

struct ys_travel {
    const struct ysync_alloc *alloc;
    int fd;
    bool is_pipe; /* a Unix socket, as libuv calls it */
    bool has_eof;
    struct ys_peer peer; /* of one that has gone meanwhile the socket says nothing more */
    struct ys_secure *secure;
    struct ys_buf bytes;
};

void ys_travel_free(struct ys_travel *travel)
{
    if (!travel)
        return;
    if (travel->fd >= 0)
        close(travel->fd);
    ys_secure_free(travel->secure);
    ys_buf_deinit(&travel->bytes);
    ys_free(travel->alloc, travel);
}

static enum ysync_err pack(struct ys_connection *connection, struct ys_travel **out)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;
    struct ys_travel *travel = ys_alloc_zeroed(alloc, 1, sizeof(*travel));
    enum ysync_err err;

    if (!travel)
        return YSYNC_ERR_NOMEM;
    travel->alloc = alloc;
    travel->fd = -1;
    travel->is_pipe = connection->uv.handle.type == UV_NAMED_PIPE;
    travel->has_eof = connection->has_eof;
    travel->peer = connection->peer;
    ys_buf_init(&travel->bytes, alloc, SIZE_MAX);
    err = ys_http_phase_pack(connection, &travel->bytes);
    if (!err && ys_descriptor_copy(&connection->uv.handle, &travel->fd) < 0)
        err = YSYNC_ERR_IO;
    if (err) {
        ys_travel_free(travel);
        return err;
    }
    travel->secure = connection->secure;
    connection->secure = NULL;
    *out = travel;
    return YSYNC_OK;
}

void ys_connection_leave(struct ys_connection *connection)
{
    struct ys_travel *travel;

    if (pack(connection, &travel)) {
        ys_connection_drop(connection);
        return;
    }
    connection->is_started = false;
    ys_connection_vanish(connection);
    connection->config->events->departed(connection, connection->user, travel);
}

enum ysync_err ys_connection_arrive(struct ys_loop *loop, struct ys_travel *travel,
                                    const struct ys_connection_config *config, struct ys_connection **out)
{
    struct ys_connection *connection;
    enum ysync_err err = ys_connection_new(loop, config, travel->is_pipe, &connection);

    if (err)
        return err;
    err = ys_http_phase_begin(connection);
    if (!err)
        err = ys_connection_open(connection, travel->fd);
    if (err) {
        ys_connection_drop(connection);
        return err;
    }
    travel->fd = -1; /* the connection's from here on, as is the rest */
    connection->peer = travel->peer;
    connection->has_eof = travel->has_eof;
    connection->secure = travel->secure;
    travel->secure = NULL;
    ys_http_phase_unpack(connection, &travel->bytes);
    ys_travel_free(travel);
    *out = connection;
    return YSYNC_OK;
}

void ys_connection_resume(struct ys_connection *connection)
{
    if (connection->phase != YS_PHASE_GONE)
        ys_http_phase_resume(connection);
}
