/* SPDX-License-Identifier: MIT */
/*
 * Output: one system call for a connection and turn, wherever possible.
 *
 *     out      [101 ...][pong]       the connection's own, first; an answer may end in a body that is elsewhere
 *     next()   [frame][frame][frame][frame][=== large frame ===][frame] ...
 *
 *     batch    [101 ...][pong][frame][frame][frame][frame] | [=== large frame ===]
 *              '------------- gather buffer -------------'   by reference
 *
 * Small frames are copied together: for a memory copy of some 70 bytes the kernel is spared an iovec, which costs more.
 * A large frame goes by reference and ends its batch.
 *
 * What the socket does not take of a batch goes to uv_write(), with memory of its own, and nothing more is pulled until
 * that is through. Over TLS it is ciphertext that is sent so, a piece at a time (secure.c). After some MiB in one turn
 * the next batch takes that way too, though the socket would take more: its completion comes a turn later, and the
 * other connections have theirs in between.
 */
#include <string.h>

#include "base/alloc.h"
#include "net/connection_impl.h"

/* Larger frames are not copied. */
#define LARGE_BYTES ((size_t)16 * 1024)
#define MAX_BYTES_PER_TURN ((size_t)2 * 1024 * 1024)

/* How often a write under way is looked at within stall_timeout_ms. */
#define STALL_LOOKS 4

struct ys_write {
    uv_write_t request;
    struct ys_connection *connection;
    struct ys_buf bytes;
    size_t bytes_from;     /* where the unsent part of `bytes` begins */
    struct ys_blob *owner; /* of what is sent by reference */
    size_t total;
    size_t unsent; /* when last looked at */
    uint64_t look_due_ms;
    uint64_t taken_ms; /* when something was last seen to have been taken */
};

struct batch {
    struct ysync_bytes front; /* in the loop's gather buffer, or the whole of `source` */
    struct ys_buf *source;    /* NULL, or the buffer that the front is all of: released once it is sent */
    struct ysync_bytes large; /* behind it, by reference */
    struct ys_blob *owner;    /* of `large`; a reference, or NULL */
    bool is_last;             /* there was no more */
};

/* Copies frames to the gather buffer, which holds `used` bytes, until one does not fit or is large. */
static void pull(struct ys_connection *connection, size_t used, struct batch *batch)
{
    uint8_t *gather = connection->loop->gather_buffer;
    const struct ys_connection_events *events = connection->config->events;
    struct ysync_bytes framed;

    batch->is_last = true;
    while (connection->phase == YS_PHASE_WEBSOCKET) {
        struct ys_blob *blob = events->next(connection, connection->user);

        if (!blob)
            break;
        ys_ws_frame_blob(blob);
        framed = connection->compresses ? ys_compression_frame(connection, blob) : ys_blob_framed(blob);
        if (framed.len > LARGE_BYTES || framed.len > YS_LOOP_GATHER_BYTES - used) {
            batch->large = framed;
            batch->owner = blob;
            batch->is_last = false;
            break;
        }
        memcpy(gather + used, framed.data, framed.len);
        used += framed.len;
        ys_blob_unref(blob);
    }
    batch->front = (struct ysync_bytes){ gather, used };
}

static void release_out(struct ys_connection *connection)
{
    ys_buf_deinit(&connection->out);
    connection->pong_bytes = 0;
}

static void fill(struct ys_connection *connection, struct batch *batch)
{
    struct ys_buf *out = &connection->out;

    *batch = (struct batch){ .owner = NULL };
    if (out->len > LARGE_BYTES) {
        batch->front = ys_buf_bytes(out);
        batch->source = out;
        connection->pong_bytes = 0;
        return;
    }
    if (out->len > 0)
        memcpy(connection->loop->gather_buffer, out->data, out->len);
    if (ys_http_phase_has_body(connection)) {
        batch->front = (struct ysync_bytes){ connection->loop->gather_buffer, out->len };
        batch->owner = ys_http_phase_take_body(connection, &batch->large);
    } else {
        pull(connection, out->len, batch);
    }
    release_out(connection);
}

/* Over TLS: plaintext in, and ciphertext out, which may be that of a handshake. What does not go into this piece must
 * be through before more is pulled. */
static enum ysync_err fill_secure(struct ys_connection *connection, struct batch *batch)
{
    struct batch plain = { .is_last = true };
    struct ysync_bytes gathered = { NULL, 0 };
    enum ysync_err err = YSYNC_OK;

    if (ys_secure_has_rest(connection)) {
        plain.is_last = false;
    } else if (ys_secure_is_established(connection)) {
        fill(connection, &plain);
        ys_secure_keep(connection, plain.source, plain.large, plain.owner);
        gathered = plain.source ? gathered : plain.front;
    }
    if (ys_secure_is_established(connection))
        err = ys_secure_seal(connection, gathered);
    *batch = (struct batch){
        .front = ys_buf_bytes(ys_secure_out(connection)),
        .source = ys_secure_out(connection),
        .is_last = plain.is_last && !ys_secure_has_rest(connection),
    };
    return err;
}

/* libuv only reads from it, though its type does not say so. */
static uv_buf_t buf_from(struct ysync_bytes bytes, size_t from)
{
    return (uv_buf_t){ .base = (char *)(uintptr_t)bytes.data + from, .len = bytes.len - from };
}

static unsigned batch_bufs(const struct batch *batch, uv_buf_t bufs[2])
{
    unsigned count = 0;

    if (batch->front.len > 0)
        bufs[count++] = buf_from(batch->front, 0);
    if (batch->large.len > 0)
        bufs[count++] = buf_from(batch->large, 0);
    return count;
}

static void free_write(struct ys_write *write)
{
    const struct ysync_alloc *alloc = write->connection->loop->alloc;

    ys_blob_unref(write->owner);
    ys_buf_deinit(&write->bytes);
    ys_free(alloc, write);
}

static void on_written(uv_write_t *request, int status)
{
    struct ys_write *write = request->data;
    struct ys_connection *connection = write->connection;

    connection->write = NULL;
    ys_loop_begin_turn(connection->loop);
    if (status == 0)
        connection->loop->counters.bytes_sent += write->total;
    free_write(write);
    if (connection->phase == YS_PHASE_GONE)
        return;
    if (status < 0)
        ys_connection_drop(connection);
    else
        ys_connection_wake(connection);
}

/* Keeps what is to be sent for as long as libuv needs it: in the buffer itself where the batch is one, else in a copy.
 */
static struct ys_write *new_write(struct ys_connection *connection, const struct batch *batch, size_t from)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;
    struct ys_write *write = ys_alloc_zeroed(alloc, 1, sizeof(*write));

    if (!write)
        return NULL;
    write->connection = connection;
    write->request.data = write;
    ys_buf_init(&write->bytes, alloc, SIZE_MAX);
    if (batch->source) {
        write->bytes = *batch->source;
        write->bytes_from = from;
        ys_buf_init(batch->source, alloc, batch->source->max_bytes);
    } else if (from < batch->front.len) {
        ys_buf_put(&write->bytes, (struct ysync_bytes){ batch->front.data + from, batch->front.len - from });
    }
    if (ys_buf_err(&write->bytes)) {
        free_write(write);
        return NULL;
    }
    return write;
}

static void look_later(struct ys_connection *connection)
{
    struct ys_write *write = connection->write;

    write->look_due_ms = ys_loop_now(connection->loop) + connection->config->stall_timeout_ms / STALL_LOOKS + 1;
    ys_connection_look_by(connection, write->look_due_ms);
}

/* Hands what is left of the batch, all but the first `from` bytes, to libuv. */
static bool write_later(struct ys_connection *connection, struct batch *batch, size_t from)
{
    struct ys_write *write = new_write(connection, batch, from);
    size_t sent_of_large = from > batch->front.len ? from - batch->front.len : 0;
    uv_buf_t bufs[2];
    unsigned count = 0;

    if (!write)
        return false;
    if (write->bytes_from < write->bytes.len)
        bufs[count++] = buf_from(ys_buf_bytes(&write->bytes), write->bytes_from);
    if (batch->large.len > 0)
        bufs[count++] = buf_from(batch->large, sent_of_large);
    write->owner = batch->owner;
    batch->owner = NULL;
    if (uv_write(&write->request, &connection->uv.stream, bufs, count, on_written) < 0) {
        free_write(write);
        return false;
    }
    connection->write = write;
    write->total = batch->front.len + batch->large.len - from;
    write->unsent = uv_stream_get_write_queue_size(&connection->uv.stream);
    write->taken_ms = ys_loop_now(connection->loop);
    look_later(connection);
    return true;
}

/* False when the connection is beyond use. */
static bool send_batch(struct ys_connection *connection, struct batch *batch, bool must_wait)
{
    uv_buf_t bufs[2];
    unsigned count = batch_bufs(batch, bufs);
    size_t total = count > 0 ? bufs[0].len + (count > 1 ? bufs[1].len : 0) : 0;
    int sent = 0;
    bool is_good = true;

    if (count == 0)
        return true;
    if (!must_wait)
        sent = uv_try_write(&connection->uv.stream, bufs, count);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        is_good = false;
    else if ((size_t)sent < total)
        is_good = write_later(connection, batch, (size_t)sent);
    else if (batch->source)
        ys_buf_deinit(batch->source);
    if (sent > 0)
        connection->loop->counters.bytes_sent += (uint64_t)sent;
    ys_blob_unref(batch->owner);
    return is_good;
}

/* All that there was has been sent. */
static void go_on_after_flush(struct ys_connection *connection)
{
    if (connection->phase == YS_PHASE_LINGERING)
        ys_connection_output_is_out(connection);
    else if (ys_http_phase_is_departing(connection))
        ys_connection_leave(connection);
    else if (connection->http)
        ys_http_phase_resume(connection);
}

size_t ys_connection_flush(struct ys_connection *connection)
{
    size_t sent = 0;
    struct batch batch;

    if (connection->phase == YS_PHASE_GONE || connection->write)
        return 0;
    do {
        if (!connection->secure) {
            fill(connection, &batch);
        } else if (fill_secure(connection, &batch)) {
            ys_connection_drop(connection);
            return sent;
        }
        sent += batch.front.len + batch.large.len;
        if (!send_batch(connection, &batch, sent > MAX_BYTES_PER_TURN)) {
            ys_connection_drop(connection);
            return sent;
        }
    } while (!connection->write && !batch.is_last);

    if (!connection->write)
        go_on_after_flush(connection);
    return sent;
}

bool ys_connection_is_stalled(struct ys_connection *connection, uint64_t now_ms)
{
    struct ys_write *write = connection->write;
    size_t unsent;

    if (!write || now_ms < write->look_due_ms)
        return false;
    unsent = uv_stream_get_write_queue_size(&connection->uv.stream);
    if (unsent != write->unsent)
        write->taken_ms = now_ms;
    write->unsent = unsent;
    look_later(connection);
    return now_ms - write->taken_ms >= connection->config->stall_timeout_ms;
}

uint64_t ys_connection_stall_due(const struct ys_connection *connection)
{
    return connection->write ? connection->write->look_due_ms : YS_TIMER_NEVER;
}
