/* SPDX-License-Identifier: MIT */
/* Where to listen, and who is at the other end. */
#ifndef YS_NET_ADDRESS_H
#define YS_NET_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ysync/err.h"

/* An IPv4 or IPv6 address with its port, or the path of a Unix socket. */
struct ys_address {
    union {
        sa_family_t family; /* AF_INET, AF_INET6 or AF_UNIX */
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
        struct sockaddr_un path;
    } socket;
};

#define YS_ADDRESS_TEXT_BYTES 128

/* "127.0.0.1", "::1" or "unix:/run/ysync.sock"; the port does not matter to the last. No names are looked up. Errors:
 * INVALID_ARG. */
YSYNC_CHECKED enum ysync_err ys_address_parse(const char *host, uint16_t port, struct ys_address *out);

uint16_t ys_address_port(const struct ys_address *address);          /* 0 for a Unix socket */
void ys_address_set_port(struct ys_address *address, uint16_t port); /* not for a Unix socket: ignored */

/* Where a client would connect to by this scheme, "http" or "https": "http://127.0.0.1:3913", "http://[::1]:3913",
 * "unix:/run/ysync.sock". */
void ys_address_format_url(const struct ys_address *address, const char *scheme, char to[YS_ADDRESS_TEXT_BYTES]);

/* The other end of a connection, in the few bytes that each connection keeps of it. */
struct ys_peer {
    uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d; all zeros for a Unix socket */
    uint16_t port;
    uint8_t family;
};

struct ys_peer ys_peer_of(const struct ys_address *address);

/* "127.0.0.1:50312", "[::1]:50312", "unix"; "127.0.0.1" and "::1" where the port is not known (0). */
void ys_peer_format(const struct ys_peer *peer, char to[YS_ADDRESS_TEXT_BYTES]);

#endif
