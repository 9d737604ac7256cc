/* SPDX-License-Identifier: MIT */
#include "support/tls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

/* What OpenSSL has put into its memory BIO goes to the socket, as far as that takes it. */
static void push(struct ys_client *client)
{
    struct ys_tls_client *tls = client->wire;
    BIO *waiting = SSL_get_wbio(tls->ssl);
    char scratch[16384];
    char *data;
    long len;

    while ((len = BIO_get_mem_data(waiting, &data)) > 0) {
        size_t count = (size_t)len < sizeof(scratch) ? (size_t)len : sizeof(scratch);
        ssize_t sent = send(client->fd, data, tls->max_send && tls->max_send < count ? tls->max_send : count,
                            MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        BIO_read(waiting, scratch, (int)sent);
        if (tls->max_send)
            client->pump(client->user);
    }
}

/* After a call of OpenSSL's did not succeed: as recv() and send() would have said it. */
static ssize_t fail_as_system_call(struct ys_tls_client *tls, int status)
{
    int error = SSL_get_error(tls->ssl, status);
    int reason = ERR_GET_REASON(ERR_peek_error());

    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING))
        return 0;
    errno = error == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t send_tls(struct ys_client *client, const void *data, size_t len)
{
    struct ys_tls_client *tls = client->wire;
    size_t sent;
    int status;

    push(client);
    if (BIO_ctrl_pending(SSL_get_wbio(tls->ssl)) > 0) {
        errno = EAGAIN;
        return -1;
    }
    ERR_clear_error();
    status = SSL_write_ex(tls->ssl, data, len < 16384 ? len : 16384, &sent);
    push(client);
    return status == 1 ? (ssize_t)sent : fail_as_system_call(tls, status);
}

static ssize_t recv_tls(struct ys_client *client, void *to, size_t len)
{
    struct ys_tls_client *tls = client->wire;
    size_t got;
    int status;

    push(client);
    ERR_clear_error();
    status = SSL_read_ex(tls->ssl, to, len, &got);
    push(client);
    return status == 1 ? (ssize_t)got : fail_as_system_call(tls, status);
}

void ys_tls_client_open(struct ys_client *client, struct ys_tls_client *tls, uint16_t port, void (*pump)(void *user),
                        void *user)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    *tls = (struct ys_tls_client){ .ssl = SSL_new(context) };
    SSL_CTX_free(context); /* the session holds it */
    ys_client_open(client, port, pump, user);
    client->send = send_tls;
    client->recv = recv_tls;
    client->wire = tls;
    SSL_set_bio(tls->ssl, BIO_new_socket(client->fd, BIO_NOCLOSE), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(tls->ssl);
}

void ys_tls_client_shake_hands(struct ys_client *client)
{
    struct ys_tls_client *tls = client->wire;

    for (int turn = 0; SSL_do_handshake(tls->ssl) != 1; turn++) {
        if (turn > 2000)
            fail_msg("the handshake does not end");
        push(client);
        client->pump(client->user);
    }
    push(client);
}

void ys_tls_client_close(struct ys_client *client)
{
    struct ys_tls_client *tls = client->wire;

    SSL_free(tls->ssl);
    ys_client_close(client);
}

void ys_tls_client_finish(struct ys_client *client)
{
    struct ys_tls_client *tls = client->wire;

    SSL_shutdown(tls->ssl);
    push(client);
}

void ys_tls_client_expect_end(struct ys_client *client)
{
    struct ys_tls_client *tls = client->wire;

    ys_client_expect_end(client);
    if (!(SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN))
        fail_msg("the end came without close_notify");
}
