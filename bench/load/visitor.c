/* SPDX-License-Identifier: MIT */
/*
 * Frames are read where recv() put them, in a buffer that all visitors share; only the beginning of a frame whose rest
 * has not come is copied and kept. The mask is always the same: what a server does with it costs as much as with any
 * other.
 */
#include "visitor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "crowd.h"
#include "ws/frame.h"

#define FRAME_FIN 0x80
#define FRAME_MASKED 0x80
#define FRAME_OPCODE 0x0f
#define LEN_16_BITS 126
#define LEN_64_BITS 127
#define MAX_SMALL_LEN 125

static const uint8_t mask[4] = { 0x9e, 0x37, 0x79, 0xb9 };

/* Sync step 2 with nothing in it, and the state vector of those who have nothing: counts of 0. */
static const uint8_t zeros[2];
static const struct ysync_bytes no_update = { zeros, 2 };
static const struct ysync_bytes no_clocks = { zeros, 1 };

void ys_visitor_init(struct ys_visitor *visitor, struct ys_crowd *crowd)
{
    *visitor = (struct ys_visitor){ .crowd = crowd, .fd = -1, .state = YS_VISITOR_GONE };
    ys_buf_init(&visitor->in, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&visitor->out, ysync_alloc_default(), SIZE_MAX);
}

void ys_visitor_deinit(struct ys_visitor *visitor)
{
    if (visitor->fd >= 0)
        close(visitor->fd);
    ys_buf_deinit(&visitor->in);
    ys_buf_deinit(&visitor->out);
}

/* Writing */

void ys_visitor_write(struct ys_visitor *visitor)
{
    if (visitor->state == YS_VISITOR_CONNECTING) {
        visitor->state = YS_VISITOR_UPGRADING;
        visitor->is_waiting_to_write = false;
        ys_crowd_watch(visitor, false);
    }
    ys_visitor_flush(visitor);
}

static void wait_to_write(struct ys_visitor *visitor, bool waits)
{
    if (waits == visitor->is_waiting_to_write)
        return;
    visitor->is_waiting_to_write = waits;
    ys_crowd_watch(visitor, false);
}

void ys_visitor_flush(struct ys_visitor *visitor)
{
    ys_must(ys_buf_err(&visitor->out), "cannot send");
    while (visitor->state > YS_VISITOR_CONNECTING && ys_visitor_unsent(visitor) > 0) {
        ssize_t n = send(visitor->fd, visitor->out.data + visitor->sent, ys_visitor_unsent(visitor), MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_to_write(visitor, true);
            return;
        }
        if (n < 0)
            ys_give_up("%s: cannot send: %s", visitor->room, strerror(errno));
        visitor->sent += (size_t)n;
    }
    if (ys_visitor_unsent(visitor) > 0)
        return;
    ys_buf_clear(&visitor->out);
    visitor->sent = 0;
    wait_to_write(visitor, false);
}

static void put_masked(struct ys_buf *out, struct ysync_bytes payload)
{
    ys_buf_put(out, (struct ysync_bytes){ mask, sizeof(mask) });
    ys_buf_put(out, payload);
    ys_must(ys_buf_err(out), "cannot send");
    for (size_t i = 0; i < payload.len; i++)
        out->data[out->len - payload.len + i] ^= mask[i % 4];
}

/* A server's header says the same of a client's frame, but for the bit that it is masked. */
static void send_frame(struct ys_visitor *visitor, enum ys_ws_opcode opcode, struct ysync_bytes payload)
{
    uint8_t header[YS_WS_MAX_HEADER_BYTES];
    size_t len = ys_ws_put_header(header, opcode, payload.len);

    header[1] |= FRAME_MASKED;
    ys_buf_put(&visitor->out, (struct ysync_bytes){ header, len });
    put_masked(&visitor->out, payload);
    ys_crowd_enqueue(visitor);
}

void ys_visitor_say(struct ys_visitor *visitor, enum ys_heard what, struct ysync_bytes payload)
{
    struct ys_buf *message = &visitor->crowd->message;

    ys_buf_clear(message);
    ys_dialect_put(message, visitor->crowd->dialect, visitor->room, what, payload);
    send_frame(visitor, YS_WS_BINARY, ys_buf_bytes(message));
}

/* Coming and leaving */

void ys_visitor_come(struct ys_visitor *visitor, const char *room)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(visitor->crowd->port) };
    char request[512];
    int one = 1;
    int len;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    visitor->came_ns = ys_now_ns();
    visitor->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ys_expect(visitor->fd >= 0, "no more sockets: is `ulimit -n` too low?");
    setsockopt(visitor->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(visitor->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        ys_give_up("cannot connect to 127.0.0.1:%u: %s", visitor->crowd->port, strerror(errno));
    visitor->state = YS_VISITOR_CONNECTING;
    visitor->heard_step1 = visitor->heard_step2 = visitor->is_deaf = false;
    visitor->is_waiting_to_write = true;
    snprintf(visitor->room, sizeof(visitor->room), "%s", room);
    visitor->crowd->arriving++;
    ys_crowd_watch(visitor, true);
    len = snprintf(request, sizeof(request),
                   "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                   room, visitor->crowd->port);
    ys_buf_put(&visitor->out, (struct ysync_bytes){ (const uint8_t *)request, (size_t)len });
}

void ys_visitor_leave(struct ys_visitor *visitor)
{
    static const uint8_t normal[2] = { YS_WS_CLOSE_NORMAL >> 8, YS_WS_CLOSE_NORMAL & 0xff };

    ys_expect(visitor->state == YS_VISITOR_PRESENT, "only who is present can leave");
    visitor->crowd->present--;
    visitor->state = YS_VISITOR_LEAVING;
    send_frame(visitor, YS_WS_CLOSE, (struct ysync_bytes){ normal, sizeof(normal) });
}

static void depart(struct ys_visitor *visitor)
{
    struct ys_crowd *crowd = visitor->crowd;

    ys_crowd_forget(visitor);
    close(visitor->fd);
    visitor->fd = -1;
    visitor->state = YS_VISITOR_GONE;
    ys_buf_clear(&visitor->in);
    ys_buf_clear(&visitor->out);
    visitor->sent = 0;
    if (crowd->calls.gone)
        crowd->calls.gone(crowd->user, visitor);
}

/* The protocol */

static void begin_sync(struct ys_visitor *visitor)
{
    visitor->state = YS_VISITOR_SYNCING;
    ys_visitor_say(visitor, YS_HEARD_STEP1, no_clocks);
}

static void look_whether_present(struct ys_visitor *visitor)
{
    struct ys_crowd *crowd = visitor->crowd;

    if (visitor->state != YS_VISITOR_SYNCING || !visitor->heard_step1 || !visitor->heard_step2)
        return;
    visitor->state = YS_VISITOR_PRESENT;
    crowd->arriving--;
    crowd->present++;
    if (crowd->calls.present)
        crowd->calls.present(crowd->user, visitor);
}

static void hear_update(struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct ys_crowd *crowd = visitor->crowd;

    if (crowd->calls.update)
        crowd->calls.update(crowd->user, visitor, update);
}

static void hear_step2(struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct ys_crowd *crowd = visitor->crowd;

    hear_update(visitor, update);
    if (visitor->state == YS_VISITOR_PRESENT && crowd->calls.answered)
        crowd->calls.answered(crowd->user, visitor);
    visitor->heard_step2 = true;
    look_whether_present(visitor);
}

static void hear(struct ys_visitor *visitor, struct ysync_bytes message)
{
    struct ys_crowd *crowd = visitor->crowd;
    struct ysync_bytes payload;

    crowd->wire_messages++;
    switch (ys_dialect_read(message, crowd->dialect, &payload)) {
    case YS_HEARD_STEP1:
        ys_visitor_say(visitor, YS_HEARD_STEP2, no_update);
        visitor->heard_step1 = true;
        look_whether_present(visitor);
        break;
    case YS_HEARD_STEP2:
        hear_step2(visitor, payload);
        break;
    case YS_HEARD_UPDATE:
        hear_update(visitor, payload);
        break;
    case YS_HEARD_PRESENCE:
        if (crowd->calls.presence)
            crowd->calls.presence(crowd->user, visitor, payload);
        break;
    case YS_HEARD_STATUS:
        if (crowd->calls.status)
            crowd->calls.status(crowd->user, visitor, payload);
        break;
    case YS_HEARD_ADMITTED:
        begin_sync(visitor);
        break;
    case YS_HEARD_DENIED:
        ys_give_up("%s: the server denied access", visitor->room);
    case YS_HEARD_OTHER:
        break;
    }
}

static void hear_close(const struct ys_visitor *visitor, struct ysync_bytes payload)
{
    unsigned code = payload.len >= 2 ? (unsigned)payload.data[0] << 8 | payload.data[1] : YS_WS_CLOSE_NO_STATUS;

    if (visitor->state != YS_VISITOR_LEAVING)
        ys_give_up("%s: the server closed with %u %.*s", visitor->room, code,
                   payload.len > 2 ? (int)payload.len - 2 : 0, (const char *)payload.data + 2);
}

static void hear_frame(struct ys_visitor *visitor, uint8_t first_byte, struct ysync_bytes payload)
{
    ys_expect(first_byte & FRAME_FIN, "a fragment came, which this client does not read");
    switch (first_byte & FRAME_OPCODE) {
    case YS_WS_BINARY:
        if (visitor->state != YS_VISITOR_LEAVING)
            hear(visitor, payload);
        break;
    case YS_WS_PING:
        send_frame(visitor, YS_WS_PONG, payload);
        break;
    case YS_WS_CLOSE:
        hear_close(visitor, payload);
        break;
    default:
        break;
    }
}

/* Reading */

/* The bytes of a header that begins like this, which holds at least two. */
static size_t header_len(const uint8_t *at)
{
    return at[1] == LEN_64_BITS ? 10 : at[1] == LEN_16_BITS ? 4 : 2;
}

static uint64_t payload_len(const uint8_t *at)
{
    uint64_t len = 0;

    if (at[1] <= MAX_SMALL_LEN)
        return at[1];
    for (size_t i = 2; i < header_len(at); i++)
        len = len << 8 | at[i];
    return len;
}

/* Reads whole frames; returns how many bytes they were. */
static size_t read_frames(struct ys_visitor *visitor, const uint8_t *data, size_t len)
{
    size_t at = 0;

    while (len - at >= 2 && len - at >= header_len(data + at)) {
        size_t header = header_len(data + at);
        uint64_t payload = payload_len(data + at);

        if (payload > len - at - header)
            break;
        hear_frame(visitor, data[at], (struct ysync_bytes){ data + at + header, (size_t)payload });
        at += header + (size_t)payload;
    }
    return at;
}

/* The answer to the upgrade, to its empty line: how many bytes it has, or 0 if it has not wholly come. */
static size_t read_answer(struct ys_visitor *visitor, const uint8_t *data, size_t len)
{
    size_t end = 0;

    for (size_t i = 3; i < len && end == 0; i++)
        end = memcmp(data + i - 3, "\r\n\r\n", 4) == 0 ? i + 1 : 0;
    if (end == 0)
        return 0;
    if (memcmp(data, "HTTP/1.1 101", 12) != 0)
        ys_give_up("%s: the server answered %.12s", visitor->room, (const char *)data);
    if (visitor->crowd->dialect == YS_DIALECT_HOCUSPOCUS) {
        visitor->state = YS_VISITOR_ASKING;
        ys_visitor_say(visitor, YS_HEARD_ADMITTED, (struct ysync_bytes){ zeros, 0 });
    } else {
        begin_sync(visitor);
    }
    return end;
}

/* Returns how many bytes were used up. */
static size_t take(struct ys_visitor *visitor, const uint8_t *data, size_t len)
{
    size_t at = 0;

    if (visitor->state == YS_VISITOR_UPGRADING)
        at = read_answer(visitor, data, len);
    if (visitor->state == YS_VISITOR_UPGRADING)
        return at;
    return at + read_frames(visitor, data + at, len - at);
}

/* What came first waits in front of what came now. */
static void take_with_rest(struct ys_visitor *visitor, struct ysync_bytes came)
{
    size_t used;

    ys_buf_put(&visitor->in, came);
    ys_must(ys_buf_err(&visitor->in), "cannot read");
    used = take(visitor, visitor->in.data, visitor->in.len);
    ys_buf_drop_front(&visitor->in, used);
}

static void take_in_place(struct ys_visitor *visitor, struct ysync_bytes came)
{
    size_t used = take(visitor, came.data, came.len);

    ys_buf_put(&visitor->in, (struct ysync_bytes){ came.data + used, came.len - used });
    ys_must(ys_buf_err(&visitor->in), "cannot read");
}

void ys_visitor_read(struct ys_visitor *visitor)
{
    uint8_t *buffer = visitor->crowd->read_buffer;
    ssize_t n = recv(visitor->fd, buffer, YS_CROWD_READ_BYTES, 0);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        if (visitor->state != YS_VISITOR_LEAVING)
            ys_give_up("%s: the connection ended: %s", visitor->room, n < 0 ? strerror(errno) : "by the server");
        depart(visitor);
        return;
    }
    visitor->crowd->wire_bytes += (uint64_t)n;
    if (visitor->in.len > 0)
        take_with_rest(visitor, (struct ysync_bytes){ buffer, (size_t)n });
    else
        take_in_place(visitor, (struct ysync_bytes){ buffer, (size_t)n });
}
