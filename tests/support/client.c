/* SPDX-License-Identifier: MIT */
#include "support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Only a test that fails waits this long. */
#define DEADLINE_MS 20000

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wait_for(struct ys_client *client, short events, uint64_t since_ms)
{
    struct pollfd fd = { .fd = client->fd, .events = events };

    if (now_ms() - since_ms > DEADLINE_MS)
        fail_msg("nothing happened for %d ms", DEADLINE_MS);
    if (client->pump)
        client->pump(client->user);
    else
        poll(&fd, 1, 100);
}

static void open_at(struct ys_client *client, int domain, const struct sockaddr *address, socklen_t len,
                    void (*pump)(void *user), void *user)
{
    *client = (struct ys_client){ .pump = pump, .user = user };
    client->fd = socket(domain, SOCK_STREAM, 0);
    assert_true(client->fd >= 0);
    if (connect(client->fd, address, len) != 0)
        fail_msg("connect: %s", strerror(errno));
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

void ys_client_open(struct ys_client *client, uint16_t port, void (*pump)(void *user), void *user)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open_at(client, AF_INET, (const struct sockaddr *)&address, sizeof(address), pump, user);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void ys_client_open_path(struct ys_client *client, const char *path, void (*pump)(void *user), void *user)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    open_at(client, AF_UNIX, (const struct sockaddr *)&address, sizeof(address), pump, user);
}

void ys_client_close(struct ys_client *client)
{
    close(client->fd);
    client->fd = -1;
}

void ys_client_finish(struct ys_client *client)
{
    shutdown(client->fd, SHUT_WR);
}

static ssize_t send_some(struct ys_client *client, const void *data, size_t len)
{
    return client->send ? client->send(client, data, len) : send(client->fd, data, len, MSG_NOSIGNAL);
}

static ssize_t recv_some(struct ys_client *client, void *to, size_t len)
{
    return client->recv ? client->recv(client, to, len) : recv(client->fd, to, len, 0);
}

void ys_client_send(struct ys_client *client, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint64_t since_ms = now_ms();

    while (len > 0) {
        ssize_t sent = send_some(client, at, len);

        if (sent < 0 && errno != EAGAIN)
            fail_msg("send: %s", strerror(errno));
        if (sent < 0) {
            wait_for(client, POLLOUT, since_ms);
            continue;
        }
        at += sent;
        len -= (size_t)sent;
        since_ms = now_ms();
    }
}

void ys_client_send_str(struct ys_client *client, const char *str)
{
    ys_client_send(client, str, strlen(str));
}

size_t ys_client_read(struct ys_client *client, void *to, size_t len)
{
    uint8_t *at = to;
    size_t got = 0;
    uint64_t since_ms = now_ms();

    while (got < len) {
        ssize_t count = recv_some(client, at + got, len - got);

        if (count == 0)
            break;
        if (count < 0 && errno != EAGAIN)
            fail_msg("recv: %s", strerror(errno));
        if (count < 0) {
            wait_for(client, POLLIN, since_ms);
            continue;
        }
        got += (size_t)count;
        since_ms = now_ms();
    }
    return got;
}

void ys_client_expect_end(struct ys_client *client)
{
    uint8_t byte;

    if (ys_client_read(client, &byte, 1) != 0)
        fail_msg("got byte 0x%02x, want the end", byte);
}

/* Up to the empty line, byte by byte, so that nothing behind it is taken. */
void ys_client_read_head(struct ys_client *client, char *to, size_t size)
{
    size_t len = 0;

    while (len < 4 || memcmp(to + len - 4, "\r\n\r\n", 4) != 0) {
        if (len + 1 >= size)
            fail_msg("head longer than %zu bytes", size);
        if (ys_client_read(client, to + len, 1) != 1)
            fail_msg("end inside a head: \"%.*s\"", (int)len, to);
        len++;
    }
    to[len] = '\0';
}

void ys_client_read_answer(struct ys_client *client, bool has_body, struct ys_client_answer *out)
{
    const char *length;

    ys_client_read_head(client, out->head, sizeof(out->head));
    if (strncmp(out->head, "HTTP/1.1 ", 9) != 0)
        fail_msg("no answer: \"%s\"", out->head);
    out->status = atoi(out->head + 9);
    length = strstr(out->head, "Content-Length: ");
    if (!length)
        fail_msg("no Content-Length: \"%s\"", out->head);
    out->body_len = has_body ? (size_t)atoi(length + 16) : 0;
    assert_true(out->body_len < sizeof(out->body));
    assert_int_equal(ys_client_read(client, out->body, out->body_len), out->body_len);
    out->body[out->body_len] = '\0';
}

void ys_client_get(struct ys_client *client, const char *target, struct ys_client_answer *out)
{
    char request[2048];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", target);
    ys_client_send_str(client, request);
    ys_client_read_answer(client, true, out);
}

void ys_client_format_upgrade(char *to, size_t size, const char *target, const char *extra_fields)
{
    snprintf(to, size,
             "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             target, extra_fields);
}

void ys_client_upgrade(struct ys_client *client, const char *target)
{
    char text[4096];

    ys_client_format_upgrade(text, sizeof(text), target, "");
    ys_client_send_str(client, text);
    ys_client_read_head(client, text, sizeof(text));
    if (strncmp(text, "HTTP/1.1 101 ", 13) != 0)
        fail_msg("got \"%s\", want 101", text);
}

size_t ys_client_put_frame(uint8_t *to, uint8_t first_byte, const void *payload, size_t len)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    const uint8_t *bytes = payload;
    size_t at = 0;

    assert_true(len <= 0xffff);
    to[at++] = first_byte;
    if (len < 126) {
        to[at++] = (uint8_t)(0x80 | len);
    } else {
        to[at++] = 0x80 | 126;
        to[at++] = (uint8_t)(len >> 8);
        to[at++] = (uint8_t)len;
    }
    memcpy(to + at, mask, sizeof(mask));
    at += sizeof(mask);
    for (size_t i = 0; i < len; i++)
        to[at++] = bytes[i] ^ mask[i % 4];
    return at;
}

void ys_client_send_frame(struct ys_client *client, uint8_t first_byte, const void *payload, size_t len)
{
    static uint8_t frame[0xffff + 8];

    ys_client_send(client, frame, ys_client_put_frame(frame, first_byte, payload, len));
}

void ys_client_send_message(struct ys_client *client, const void *payload, size_t len)
{
    ys_client_send_frame(client, 0x82, payload, len);
}

void ys_client_send_close(struct ys_client *client, uint16_t code)
{
    uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };

    ys_client_send_frame(client, 0x88, payload, sizeof(payload));
}

static uint64_t read_number(struct ys_client *client, size_t bytes)
{
    uint8_t raw[8];
    uint64_t n = 0;

    assert_int_equal(ys_client_read(client, raw, bytes), bytes);
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | raw[i];
    return n;
}

void ys_client_read_frame(struct ys_client *client, struct ys_client_frame *out)
{
    uint8_t reserved = client->takes_compressed ? 0x40 : 0;
    uint8_t head[2];
    uint8_t rest[4096];
    size_t kept;

    if (ys_client_read(client, head, 2) != 2)
        fail_msg("the end, want a frame");
    if ((head[0] & 0xf0 & ~reserved) != 0x80 || head[1] & 0x80)
        fail_msg("frame begins with 0x%02x 0x%02x, want a final frame without a mask", head[0], head[1]);
    out->opcode = head[0] & 0x0f;
    out->is_compressed = head[0] & 0x40;
    out->len = head[1];
    if (head[1] >= 126)
        out->len = read_number(client, head[1] == 126 ? 2 : 8);
    kept = out->len < sizeof(out->payload) ? out->len : sizeof(out->payload);
    assert_int_equal(ys_client_read(client, out->payload, kept), kept);
    for (size_t left = out->len - kept; left > 0;) {
        size_t part = left < sizeof(rest) ? left : sizeof(rest);

        assert_int_equal(ys_client_read(client, rest, part), part);
        left -= part;
    }
}

void ys_client_expect_close(struct ys_client *client, uint16_t code, char *reason)
{
    static struct ys_client_frame frame;
    unsigned got;

    do
        ys_client_read_frame(client, &frame);
    while (frame.opcode != 0x8);
    got = frame.len >= 2 ? (unsigned)frame.payload[0] << 8 | frame.payload[1] : 0;
    if (got != code)
        fail_msg("close code: got %u (%.*s), want %u", got, (int)frame.len - 2, frame.payload + 2, code);
    if (reason) {
        memcpy(reason, frame.payload + 2, frame.len - 2);
        reason[frame.len - 2] = '\0';
    }
    ys_client_send_close(client, code);
    ys_client_expect_end(client);
}
