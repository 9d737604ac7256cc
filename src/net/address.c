/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const uint8_t mapped_ip4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static enum ysync_err parse_path(const char *path, struct ys_address *out)
{
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(out->socket.path.sun_path))
        return YSYNC_ERR_INVALID_ARG;
    *out = (struct ys_address){ 0 };
    out->socket.path.sun_family = AF_UNIX;
    memcpy(out->socket.path.sun_path, path, len + 1);
    return YSYNC_OK;
}

enum ysync_err ys_address_parse(const char *host, uint16_t port, struct ys_address *out)
{
    struct ys_address parsed = { 0 };

    if (strncmp(host, "unix:", 5) == 0)
        return parse_path(host + 5, out);
    if (uv_ip4_addr(host, port, &parsed.socket.ip4) != 0 && uv_ip6_addr(host, port, &parsed.socket.ip6) != 0)
        return YSYNC_ERR_INVALID_ARG;
    *out = parsed;
    return YSYNC_OK;
}

uint16_t ys_address_port(const struct ys_address *address)
{
    switch (address->socket.family) {
    case AF_INET:
        return ntohs(address->socket.ip4.sin_port);
    case AF_INET6:
        return ntohs(address->socket.ip6.sin6_port);
    default:
        return 0;
    }
}

void ys_address_set_port(struct ys_address *address, uint16_t port)
{
    if (address->socket.family == AF_INET)
        address->socket.ip4.sin_port = htons(port);
    else if (address->socket.family == AF_INET6)
        address->socket.ip6.sin6_port = htons(port);
}

void ys_address_format_url(const struct ys_address *address, const char *scheme, char to[YS_ADDRESS_TEXT_BYTES])
{
    struct ys_peer peer;
    char ip_and_port[YS_ADDRESS_TEXT_BYTES];

    if (address->socket.family == AF_UNIX) {
        snprintf(to, YS_ADDRESS_TEXT_BYTES, "unix:%s", address->socket.path.sun_path);
        return;
    }
    peer = ys_peer_of(address);
    ys_peer_format(&peer, ip_and_port);
    snprintf(to, YS_ADDRESS_TEXT_BYTES, "%.8s://%.100s", scheme, ip_and_port);
}

struct ys_peer ys_peer_of(const struct ys_address *address)
{
    struct ys_peer peer = { .family = (uint8_t)address->socket.family, .port = ys_address_port(address) };

    if (address->socket.family == AF_INET) {
        memcpy(peer.ip, mapped_ip4, sizeof(mapped_ip4));
        memcpy(peer.ip + sizeof(mapped_ip4), &address->socket.ip4.sin_addr, 4);
    } else if (address->socket.family == AF_INET6) {
        memcpy(peer.ip, &address->socket.ip6.sin6_addr, sizeof(peer.ip));
    }
    return peer;
}

void ys_peer_format(const struct ys_peer *peer, char to[YS_ADDRESS_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN] = "unix";
    const char *format = "%s";

    if (peer->family == AF_INET) {
        inet_ntop(AF_INET, peer->ip + sizeof(mapped_ip4), ip, sizeof(ip));
        format = "%s:%u";
    } else if (peer->family == AF_INET6) {
        inet_ntop(AF_INET6, peer->ip, ip, sizeof(ip));
        format = "[%s]:%u";
    }
    if (peer->port == 0)
        snprintf(to, YS_ADDRESS_TEXT_BYTES, "%s", ip);
    else
        snprintf(to, YS_ADDRESS_TEXT_BYTES, format, ip, peer->port);
}
