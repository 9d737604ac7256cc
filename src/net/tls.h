/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and 1.3 without sockets: the peer's bytes go in at one end, what they say comes out at the other.
 *
 *     from the socket -- feed --> [ session ] -- read --> the peer's words
 *       to the socket <-- out --- [         ] <- write -- ours
 *
 * A context is a certificate chain and its key, as files held them at one moment. Every session keeps the context that
 * it began with: when the files have been renewed, another context takes its place for sessions to come.
 *
 * A client may resume a session that was begun with the same context, by the ticket that it got there: nothing of that
 * is remembered here. What OpenSSL keeps for contexts and sessions is allocated by OpenSSL.
 */
#ifndef YS_NET_TLS_H
#define YS_NET_TLS_H

#include <stdbool.h>

#include "base/buf.h"
#include "ysync/problem.h"

struct ys_tls_context;

/* Reads both files, in PEM form; the server's own certificate comes first. problem (may be NULL) is written on errors:
 * IO (a file cannot be read), MALFORMED (what is in them will not do), NOMEM. A certificate that has expired passes: it
 * is the clients' to judge. */
YSYNC_CHECKED enum ysync_err ys_tls_context_new(const struct ysync_alloc *alloc, const char *cert_file,
                                                const char *key_file, struct ys_tls_context **out,
                                                struct ysync_problem *problem);

/* Another one of what the same files hold now; the old one stays as it is. Errors as above. */
YSYNC_CHECKED enum ysync_err ys_tls_context_renew(const struct ys_tls_context *old, struct ys_tls_context **out,
                                                  struct ysync_problem *problem);

/* Any thread; the sessions hold references of their own. Both accept NULL. */
struct ys_tls_context *ys_tls_context_ref(struct ys_tls_context *context);
void ys_tls_context_unref(struct ys_tls_context *context);

bool ys_tls_context_has_expired(const struct ys_tls_context *context);
const char *ys_tls_context_cert_file(const struct ys_tls_context *context); /* good as long as the context */

/* The server's side of one connection. It belongs to one thread at a time, whichever. */
struct ys_tls;

YSYNC_CHECKED enum ysync_err ys_tls_new(const struct ysync_alloc *alloc, struct ys_tls_context *context,
                                        struct ys_tls **out);
void ys_tls_free(struct ys_tls *tls); /* accepts NULL */

/* Most plaintext that one record holds. */
#define YS_TLS_RECORD_BYTES ((size_t)16 * 1024)

enum ys_tls_event {
    YS_TLS_ESTABLISHED, /* the handshake is complete */
    YS_TLS_DATA,        /* *len bytes were read */
    YS_TLS_STARVED,     /* all that was fed has been taken in */
    YS_TLS_END,         /* the peer has said that nothing more comes (close_notify) */
    YS_TLS_FAILED,      /* the session is beyond use; perhaps an alert in `out` tells the peer why */
};

/* The bytes are only borrowed: read until the session is starved, or feed it nothing before they go. */
void ys_tls_feed(struct ys_tls *tls, struct ysync_bytes bytes);
enum ys_tls_event ys_tls_read(struct ys_tls *tls, uint8_t *to, size_t size, size_t *len);

bool ys_tls_is_established(const struct ys_tls *tls); /* and not failed: there is somebody to write to */

/* Encrypts. On failure the session is beyond use. Errors: NOMEM, IO (of OpenSSL's making), LIMIT (too much lies in
 * `out`). */
YSYNC_CHECKED enum ysync_err ys_tls_write(struct ys_tls *tls, struct ysync_bytes plain);

/* Says that nothing more comes (close_notify). True if it was said now, and lies in `out`. */
bool ys_tls_end(struct ys_tls *tls);

/* What is to be sent to the peer. Whoever sends it empties it. */
struct ys_buf *ys_tls_out(struct ys_tls *tls);

#endif
