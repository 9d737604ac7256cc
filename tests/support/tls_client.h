/* SPDX-License-Identifier: MIT */
/* The tiny client (client.h) over TLS. It trusts whatever certificate it is shown. */
#ifndef YS_TEST_TLS_CLIENT_H
#define YS_TEST_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "support/client.h"

struct ys_tls_client {
    SSL *ssl;
    size_t max_send; /* most bytes of one send(), each with a pump behind it; 0: no limit */
};

/* Connects to 127.0.0.1. The handshake goes along with what is sent and read, if not before. */
void ys_tls_client_open(struct ys_client *client, struct ys_tls_client *tls, uint16_t port, void (*pump)(void *user),
                        void *user);
void ys_tls_client_shake_hands(struct ys_client *client);
/* Without a word. */
void ys_tls_client_close(struct ys_client *client);

/* Sends close_notify, but no FIN. */
void ys_tls_client_finish(struct ys_client *client);

/* Fails unless the server's end comes next, with close_notify. */
void ys_tls_client_expect_end(struct ys_client *client);

#endif
