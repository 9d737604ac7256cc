/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL reads and writes through a BIO. Its own memory BIOs copy what is put into them and keep the room that they
 * once needed; this one has no memory, so an idle session has no buffers:
 *
 *     read    takes from the bytes that were fed, where they lie
 *     write   appends to `out`
 *
 * What a peer may make us do: `out` is bounded, so nobody who does not read can have answers pile up. Renegotiation is
 * refused with a warning (TLS 1.2), and a change of keys costs more than it is to ask for (TLS 1.3), so either may be
 * asked for a few times in the life of a connection; then it ends.
 */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/problem.h"

/* More than one piece of a large message and what the protocol adds to it. */
#define MAX_OUT_BYTES ((size_t)128 * 1024)
/* Key updates and attempts to renegotiate. Honest peers change keys after some 100 GB, if ever. */
#define MAX_LATE_HANDSHAKES 64

struct ys_tls_context {
    const struct ysync_alloc *alloc;
    atomic_uint refs;
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    char *cert_file;
    char *key_file;
};

struct ys_tls {
    const struct ysync_alloc *alloc;
    struct ys_tls_context *context;
    SSL *ssl;
    struct ysync_bytes in; /* fed, and not taken in yet */
    struct ys_buf out;
    unsigned late_handshakes;
    bool is_established;
    bool has_ended; /* close_notify was sent */
    bool has_failed;
};

static int bio_read(BIO *bio, char *to, size_t size, size_t *count)
{
    struct ys_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *count = size < tls->in.len ? size : tls->in.len;
    if (*count == 0 || tls->late_handshakes > MAX_LATE_HANDSHAKES) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, tls->in.data, *count);
    tls->in = (struct ysync_bytes){ tls->in.data + *count, tls->in.len - *count };
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t size, size_t *count)
{
    struct ys_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    ys_buf_put(&tls->out, (struct ysync_bytes){ (const uint8_t *)from, size });
    *count = ys_buf_err(&tls->out) ? 0 : size;
    return *count == size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *new_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ysync");

    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* Who offers protocols, and ours is not among them, is told so and turned away (RFC 7301, 3.2): it would not understand
 * what we say. Who offers none is taken to speak HTTP/1.1. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                           const unsigned char *offered, unsigned offered_len, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *match;

    (void)ssl, (void)user;
    if (SSL_select_next_proto(&match, chosen_len, ours, sizeof(ours) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

static void count_late_handshakes(int is_ours, int version, int type, const void *data, size_t len, SSL *ssl,
                                  void *user)
{
    struct ys_tls *tls = user;

    (void)version, (void)data, (void)len, (void)ssl;
    if (!is_ours && type == SSL3_RT_HANDSHAKE && tls->is_established)
        tls->late_handshakes++;
}

/* Nobody is asked for a passphrase, on the terminal least of all. */
static int give_no_passphrase(char *to, int size, int is_writing, void *user)
{
    bool *was_asked = user;

    (void)to, (void)size, (void)is_writing;
    *was_asked = true;
    return -1;
}

/* After OpenSSL failed to take in a file: why, in one line that names it. The first of its errors is the cause. */
static enum ysync_err describe(const char *what, const char *file, struct ysync_problem *problem)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);

    if (ERR_GET_LIB(code) == ERR_LIB_SYS) {
        ys_problem_set(problem, "cannot read the TLS %s file %s: %s", what, file,
                       uv_strerror(uv_translate_sys_error(ERR_GET_REASON(code))));
        return YSYNC_ERR_IO;
    }
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        ys_problem_set(problem, "out of memory");
        return YSYNC_ERR_NOMEM;
    }
    if (ERR_GET_REASON(code) == PEM_R_NO_START_LINE || ERR_GET_REASON(code) == ERR_R_UNSUPPORTED || !reason)
        reason = "there is none in PEM form in it";
    ys_problem_set(problem, "TLS %s file %s: %s", what, file, reason);
    return YSYNC_ERR_MALFORMED;
}

static enum ysync_err read_key(const char *file, EVP_PKEY **out, struct ysync_problem *problem)
{
    bool needs_passphrase = false;
    BIO *bio = BIO_new_file(file, "r");
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_no_passphrase, &needs_passphrase) : NULL;

    BIO_free(bio);
    if (key) {
        *out = key;
        return YSYNC_OK;
    }
    if (!needs_passphrase)
        return describe("key", file, problem);
    ys_problem_set(problem, "TLS key file %s: it is protected by a passphrase, which cannot be asked for", file);
    return YSYNC_ERR_MALFORMED;
}

static enum ysync_err use_files(SSL_CTX *ssl, const char *cert_file, const char *key_file,
                                struct ysync_problem *problem)
{
    EVP_PKEY *key = NULL;
    enum ysync_err err;

    if (SSL_CTX_use_certificate_chain_file(ssl, cert_file) != 1)
        return describe("certificate", cert_file, problem);
    err = read_key(key_file, &key, problem);
    if (err)
        return err;
    if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1) {
        ys_problem_set(problem, "TLS key file %s: it is not the key of the certificate in %s", key_file, cert_file);
        err = YSYNC_ERR_MALFORMED;
    } else if (SSL_CTX_use_PrivateKey(ssl, key) != 1) {
        err = describe("key", key_file, problem);
    }
    EVP_PKEY_free(key);
    return err;
}

/* Sessions are resumed by tickets alone, which the clients keep; a cache would be one more thing to bound. */
static bool set_up(SSL_CTX *ssl)
{
    static const unsigned char name[] = "ysync";

    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    SSL_CTX_set_msg_callback(ssl, count_late_handshakes);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(ssl, name, sizeof(name) - 1) == 1;
}

/* problem says "out of memory" already. */
static enum ysync_err make_context(struct ys_tls_context *context, const char *cert_file, const char *key_file,
                                   struct ysync_problem *problem)
{
    const struct ysync_alloc *alloc = context->alloc;

    if (!ys_copy_text(alloc, cert_file, &context->cert_file) || !ys_copy_text(alloc, key_file, &context->key_file))
        return YSYNC_ERR_NOMEM;
    context->bio = new_bio_method();
    context->ssl = SSL_CTX_new(TLS_server_method());
    if (!context->bio || !context->ssl || !set_up(context->ssl))
        return YSYNC_ERR_NOMEM;
    return use_files(context->ssl, cert_file, key_file, problem);
}

enum ysync_err ys_tls_context_new(const struct ysync_alloc *alloc, const char *cert_file, const char *key_file,
                                  struct ys_tls_context **out, struct ysync_problem *problem)
{
    struct ys_tls_context *context = ys_alloc_zeroed(alloc, 1, sizeof(*context));
    enum ysync_err err;

    ys_problem_set(problem, "out of memory"); /* until something else is */
    if (!context)
        return YSYNC_ERR_NOMEM;
    context->alloc = alloc;
    atomic_init(&context->refs, 1);
    ERR_clear_error();
    err = make_context(context, cert_file, key_file, problem);
    ERR_clear_error();
    if (err) {
        ys_tls_context_unref(context);
        return err;
    }
    *out = context;
    return YSYNC_OK;
}

enum ysync_err ys_tls_context_renew(const struct ys_tls_context *old, struct ys_tls_context **out,
                                    struct ysync_problem *problem)
{
    return ys_tls_context_new(old->alloc, old->cert_file, old->key_file, out, problem);
}

struct ys_tls_context *ys_tls_context_ref(struct ys_tls_context *context)
{
    if (context)
        atomic_fetch_add(&context->refs, 1);
    return context;
}

void ys_tls_context_unref(struct ys_tls_context *context)
{
    if (!context || atomic_fetch_sub(&context->refs, 1) > 1)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    ys_free(context->alloc, context->cert_file);
    ys_free(context->alloc, context->key_file);
    ys_free(context->alloc, context);
}

bool ys_tls_context_has_expired(const struct ys_tls_context *context)
{
    return X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context->ssl))) < 0;
}

const char *ys_tls_context_cert_file(const struct ys_tls_context *context)
{
    return context->cert_file;
}

static bool begin_session(struct ys_tls *tls)
{
    BIO *bio = BIO_new(tls->context->bio);

    tls->ssl = SSL_new(tls->context->ssl);
    if (!bio || !tls->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio); /* takes it */
    SSL_set_msg_callback_arg(tls->ssl, tls);
    SSL_set_accept_state(tls->ssl);
    return true;
}

enum ysync_err ys_tls_new(const struct ysync_alloc *alloc, struct ys_tls_context *context, struct ys_tls **out)
{
    struct ys_tls *tls = ys_alloc_zeroed(alloc, 1, sizeof(*tls));

    if (!tls)
        return YSYNC_ERR_NOMEM;
    tls->alloc = alloc;
    tls->context = ys_tls_context_ref(context);
    ys_buf_init(&tls->out, alloc, MAX_OUT_BYTES);
    if (!begin_session(tls)) {
        ERR_clear_error();
        ys_tls_free(tls);
        return YSYNC_ERR_NOMEM;
    }
    *out = tls;
    return YSYNC_OK;
}

void ys_tls_free(struct ys_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    ys_tls_context_unref(tls->context);
    ys_buf_deinit(&tls->out);
    ys_free(tls->alloc, tls);
}

void ys_tls_feed(struct ys_tls *tls, struct ysync_bytes bytes)
{
    tls->in = bytes;
}

static enum ys_tls_event fail(struct ys_tls *tls)
{
    ERR_clear_error();
    tls->has_failed = true;
    return YS_TLS_FAILED;
}

/* Why a call for more did not bring it. */
static enum ys_tls_event explain(struct ys_tls *tls, int status)
{
    switch (SSL_get_error(tls->ssl, status)) {
    case SSL_ERROR_WANT_READ:
        return tls->late_handshakes > MAX_LATE_HANDSHAKES ? fail(tls) : YS_TLS_STARVED;
    case SSL_ERROR_ZERO_RETURN:
        return YS_TLS_END;
    default:
        return fail(tls);
    }
}

enum ys_tls_event ys_tls_read(struct ys_tls *tls, uint8_t *to, size_t size, size_t *len)
{
    int status;

    if (tls->has_failed)
        return YS_TLS_FAILED;
    ERR_clear_error(); /* SSL_get_error() looks at what other calls have left there, too */
    if (!tls->is_established) {
        status = SSL_do_handshake(tls->ssl);
        tls->is_established = status == 1;
        return status == 1 ? YS_TLS_ESTABLISHED : explain(tls, status);
    }
    status = SSL_read_ex(tls->ssl, to, size, len);
    return status == 1 ? YS_TLS_DATA : explain(tls, status);
}

bool ys_tls_is_established(const struct ys_tls *tls)
{
    return tls->is_established && !tls->has_failed;
}

enum ysync_err ys_tls_write(struct ys_tls *tls, struct ysync_bytes plain)
{
    enum ysync_err err;
    size_t written;

    if (!ys_tls_is_established(tls))
        return YSYNC_ERR_IO;
    if (plain.len == 0)
        return YSYNC_OK;
    err = ys_buf_reserve(&tls->out, plain.len + plain.len / 64 + 128); /* which the records take, about */
    if (err)
        return err;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, plain.data, plain.len, &written) == 1)
        return YSYNC_OK;
    fail(tls);
    err = ys_buf_err(&tls->out);
    return err ? err : YSYNC_ERR_IO;
}

bool ys_tls_end(struct ys_tls *tls)
{
    if (!ys_tls_is_established(tls) || tls->has_ended)
        return false;
    tls->has_ended = true;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
    return !ys_buf_err(&tls->out) && tls->out.len > 0;
}

struct ys_buf *ys_tls_out(struct ys_tls *tls)
{
    return &tls->out;
}
