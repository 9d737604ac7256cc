/* SPDX-License-Identifier: MIT */
/*
 * What stands between the socket and a connection that speaks TLS.
 *
 *     in      loop's read buffer   [ plaintext of one record | ciphertext as it was read ]
 *                                            '------------------ a record at a time
 *
 *     out     front, large         what was pulled: plaintext
 *               '----> session ----> a piece of ciphertext, sent or handed to libuv, and then the next
 *
 * Input: what one read brings is never more plaintext than a plain connection could read at once, the rest of a record
 * that an earlier read began included; so whoever holds back input needs no more room for it.
 *
 * Output: while libuv holds a piece nothing is encrypted, and while plaintext is left nothing is pulled. So a slow
 * reader has one piece of ciphertext here and a reference to the large message that it is a part of, however large that
 * is.
 *
 * The end: close_notify leaves behind all that was sent and ahead of our FIN. Peers often leave theirs out; what HTTP
 * and WebSocket say of lengths shows what is complete, so a FIN alone is the end of input as well.
 */

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "net/tls.h"

/* Of plaintext: the session's `out` has room beside it for what TLS itself has to say. */
#define PIECE_BYTES ((size_t)64 * 1024)

_Static_assert(YS_LOOP_GATHER_BYTES <= PIECE_BYTES, "what was gathered is encrypted at once");
_Static_assert(YS_LOOP_READ_BYTES >= 2 * YS_TLS_RECORD_BYTES, "there is room to read beside a record");

/* Every TLS connection begins with a handshake record (RFC 8446, 5.1). */
#define HANDSHAKE_RECORD 0x16

struct ys_secure {
    struct ys_tls *session;
    bool has_heard; /* the first byte has come */

    /* What was pulled and is not encrypted yet. */
    struct ys_buf front;
    size_t front_from;
    struct ysync_bytes large;
    struct ys_blob *owner;
};

enum ysync_err ys_secure_begin(struct ys_connection *connection, struct ys_tls_context *context)
{
    const struct ysync_alloc *alloc = connection->loop->alloc;
    struct ys_secure *secure = ys_alloc_zeroed(alloc, 1, sizeof(*secure));
    enum ysync_err err;

    if (!secure)
        return YSYNC_ERR_NOMEM;
    err = ys_tls_new(alloc, context, &secure->session);
    if (err) {
        ys_free(alloc, secure);
        return err;
    }
    ys_buf_init(&secure->front, alloc, SIZE_MAX);
    connection->secure = secure;
    return YSYNC_OK;
}

void ys_secure_free(struct ys_secure *secure)
{
    if (!secure)
        return;
    ys_tls_free(secure->session);
    ys_buf_deinit(&secure->front);
    ys_blob_unref(secure->owner);
    ys_free(secure->front.alloc, secure);
}

bool ys_secure_is_established(const struct ys_connection *connection)
{
    return connection->secure && ys_tls_is_established(connection->secure->session);
}

bool ys_secure_has_rest(const struct ys_connection *connection)
{
    const struct ys_secure *secure = connection->secure;

    return secure && (secure->front.len > 0 || secure->owner);
}

uv_buf_t ys_secure_lend(struct ys_connection *connection)
{
    uint8_t *buffer = connection->loop->read_buffer;

    return uv_buf_init((char *)buffer + YS_TLS_RECORD_BYTES, YS_LOOP_READ_BYTES - YS_TLS_RECORD_BYTES);
}

/* A letter that methods begin with: somebody typed http:// where https:// was meant. */
static bool begins_http(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static void answer_plainly(struct ys_connection *connection)
{
    ys_secure_free(connection->secure);
    connection->secure = NULL;
    ys_http_phase_give_up(connection, 400, "This port speaks TLS: use https:// or wss://");
}

/* The peer may be told by an alert why there is no connection; one that is established is cut. */
static void fail(struct ys_connection *connection, bool was_established)
{
    if (was_established) {
        ys_connection_drop(connection);
        return;
    }
    connection->loop->counters.refused[YS_LOOP_BAD_HANDSHAKE]++;
    ys_connection_linger(connection, YS_CONNECTION_NO_CODE);
}

/* False: nothing is left to be read. */
static bool take_event(struct ys_connection *connection)
{
    struct ys_tls *session = connection->secure->session;
    uint8_t *plain = connection->loop->read_buffer;
    bool was_established = ys_tls_is_established(session);
    size_t len;

    switch (ys_tls_read(session, plain, YS_TLS_RECORD_BYTES, &len)) {
    case YS_TLS_ESTABLISHED:
        ys_connection_set_deadline(connection, ys_loop_now(connection->loop) + connection->config->idle_timeout_ms);
        return true;
    case YS_TLS_DATA:
        ys_connection_take_input(connection, plain, len);
        return true;
    case YS_TLS_END:
        ys_connection_take_eof(connection);
        return false;
    case YS_TLS_FAILED:
        fail(connection, was_established);
        return false;
    default:
        return false;
    }
}

void ys_secure_input(struct ys_connection *connection, struct ysync_bytes bytes)
{
    struct ys_secure *secure = connection->secure;

    if (!secure->has_heard && begins_http(bytes.data[0])) {
        answer_plainly(connection);
        return;
    }
    secure->has_heard = true;
    ys_tls_feed(secure->session, bytes);
    while (connection->phase < YS_PHASE_LINGERING && !connection->has_eof && take_event(connection))
        ;
    ys_tls_feed(secure->session, (struct ysync_bytes){ NULL, 0 });
    if (ys_tls_out(secure->session)->len > 0)
        ys_connection_wake(connection);
}

void ys_secure_keep(struct ys_connection *connection, struct ys_buf *front, struct ysync_bytes large,
                    struct ys_blob *owner)
{
    struct ys_secure *secure = connection->secure;

    if (front) {
        secure->front = *front;
        secure->front_from = 0;
        ys_buf_init(front, front->alloc, front->max_bytes);
    }
    secure->large = large;
    secure->owner = owner;
}

/* Encrypts up to *room bytes of the front. */
static enum ysync_err seal_front(struct ys_secure *secure, size_t *room)
{
    struct ys_buf *front = &secure->front;
    size_t left = front->len - secure->front_from;
    size_t count = left < *room ? left : *room;
    enum ysync_err err;

    if (count == 0)
        return YSYNC_OK;
    err = ys_tls_write(secure->session, (struct ysync_bytes){ front->data + secure->front_from, count });
    *room -= count;
    secure->front_from += count;
    if (secure->front_from == front->len) {
        ys_buf_deinit(front);
        secure->front_from = 0;
    }
    return err;
}

static enum ysync_err seal_large(struct ys_secure *secure, size_t room)
{
    struct ysync_bytes *large = &secure->large;
    size_t count = large->len < room ? large->len : room;
    enum ysync_err err;

    if (!secure->owner || count == 0)
        return YSYNC_OK;
    err = ys_tls_write(secure->session, (struct ysync_bytes){ large->data, count });
    *large = (struct ysync_bytes){ large->data + count, large->len - count };
    if (large->len == 0) {
        ys_blob_unref(secure->owner);
        secure->owner = NULL;
    }
    return err;
}

enum ysync_err ys_secure_seal(struct ys_connection *connection, struct ysync_bytes gathered)
{
    struct ys_secure *secure = connection->secure;
    size_t room = PIECE_BYTES - gathered.len;
    enum ysync_err err = YSYNC_OK;

    if (gathered.len > 0)
        err = ys_tls_write(secure->session, gathered);
    if (!err)
        err = seal_front(secure, &room);
    if (!err)
        err = seal_large(secure, room);
    return err;
}

struct ys_buf *ys_secure_out(struct ys_connection *connection)
{
    return ys_tls_out(connection->secure->session);
}

bool ys_secure_end(struct ys_connection *connection)
{
    return connection->secure && ys_tls_end(connection->secure->session);
}
