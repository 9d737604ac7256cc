/* SPDX-License-Identifier: MIT */
/*
 * Rooms in a program with neither libuv nor WebSockets: a plain poll() loop on a Unix socket, `poll_loop PATH`. Each
 * message has its length in front, in four bytes, the lowest first; the first message a client sends is the name of its
 * room.
 *
 *     poll ---- a new client            accept
 *          ---- a client can be read    whole messages ----> ysync_hub_join(), then ysync_member_receive()
 *          ---- a client can be written what is left ------> then ysync_member_writable()
 *          ---- time is up              ysync_hub_tick()
 *
 * Back-pressure is one rule: take_message() keeps what the socket does not take, at most one message, and says 0; the
 * hub holds the rest, bounded, until the socket has taken it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <ysync/ysync.h>

#define MAX_CLIENTS 64
#define MAX_MESSAGE_BYTES 1048576
#define HEADER_BYTES 4

struct client {
    int fd; /* -1: nobody */
    int has_failed;
    struct ysync_member *member; /* once its room is known */
    uint8_t *in;                 /* what has come of a message */
    size_t in_len;
    uint8_t *out; /* what is left of one that the socket did not take */
    size_t out_len;
    size_t out_sent;
};

static struct ysync_hub *hub;
static struct client clients[MAX_CLIENTS];

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void flush(struct client *client)
{
    ssize_t sent = write(client->fd, client->out + client->out_sent, client->out_len - client->out_sent);

    if (sent < 0 && errno != EAGAIN)
        client->has_failed = 1;
    client->out_sent += sent > 0 ? (size_t)sent : 0;
    if (client->out_sent < client->out_len)
        return;
    free(client->out);
    client->out = NULL;
}

/* The hub has a message for the client. It must not be called from here: what has gone wrong is seen to later. */
static int take_message(void *user, struct ysync_bytes message)
{
    struct client *client = user;

    client->out = malloc(HEADER_BYTES + message.len);
    if (!client->out) {
        client->has_failed = 1;
        return 0;
    }
    for (int i = 0; i < HEADER_BYTES; i++)
        client->out[i] = (uint8_t)(message.len >> 8 * i);
    memcpy(client->out + HEADER_BYTES, message.data, message.len);
    client->out_len = HEADER_BYTES + message.len;
    client->out_sent = 0;
    flush(client);
    return !client->out && !client->has_failed;
}

static const struct ysync_member_events events = { .send = take_message };

static void end_client(struct client *client)
{
    if (client->member)
        ysync_member_leave(client->member, now_ms());
    close(client->fd);
    free(client->in);
    free(client->out);
    *client = (struct client){ .fd = -1 };
}

static void on_message(struct client *client, struct ysync_bytes message)
{
    const char *problem = NULL;
    enum ysync_err err;

    if (client->member)
        err = ysync_member_receive(client->member, message, now_ms(), &problem);
    else
        err = ysync_hub_join(hub, message, &events, client, NULL, now_ms(), &client->member);
    if (!err)
        return;
    fprintf(stderr, "a client is sent away: %s\n", problem ? problem : ysync_strerror(err));
    client->has_failed = 1;
}

/* Every whole message of what has come; what is left moves to the front. */
static void take_messages(struct client *client)
{
    size_t from = 0;

    while (!client->has_failed && client->in_len - from >= HEADER_BYTES) {
        const uint8_t *header = client->in + from;
        size_t len = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;

        if (len > MAX_MESSAGE_BYTES)
            client->has_failed = 1;
        if (client->has_failed || client->in_len - from - HEADER_BYTES < len)
            break;
        on_message(client, (struct ysync_bytes){ header + HEADER_BYTES, len });
        from += HEADER_BYTES + len;
    }
    client->in_len -= from;
    memmove(client->in, client->in + from, client->in_len);
}

static void on_readable(struct client *client)
{
    ssize_t count = read(client->fd, client->in + client->in_len, HEADER_BYTES + MAX_MESSAGE_BYTES - client->in_len);

    if (count == 0 || (count < 0 && errno != EAGAIN))
        client->has_failed = 1;
    if (count > 0) {
        client->in_len += (size_t)count;
        take_messages(client);
    }
}

static void on_writable(struct client *client)
{
    flush(client);
    if (!client->out && client->member)
        ysync_member_writable(client->member, now_ms());
}

static void on_connection(int listener)
{
    int fd = accept(listener, NULL, NULL);

    for (size_t i = 0; fd >= 0 && i < MAX_CLIENTS; i++) {
        if (clients[i].fd >= 0)
            continue;
        clients[i].in = malloc(HEADER_BYTES + MAX_MESSAGE_BYTES);
        if (!clients[i].in)
            break;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        clients[i].fd = fd;
        return;
    }
    close(fd);
}

/* Milliseconds until something is due, -1 for never. */
static int patience(void)
{
    uint64_t due_ms = ysync_hub_next_tick(hub);
    uint64_t now = now_ms();

    if (due_ms == UINT64_MAX)
        return -1;
    return due_ms <= now ? 0 : due_ms - now > 60000 ? 60000 : (int)(due_ms - now);
}

/* One turn; 0 when the program's own input has ended. */
static int turn(int listener)
{
    struct pollfd polled[MAX_CLIENTS + 2] = { { .fd = 0, .events = POLLIN }, { .fd = listener, .events = POLLIN } };
    char ignored[256];

    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        polled[i + 2].fd = clients[i].fd;
        polled[i + 2].events = clients[i].out ? POLLIN | POLLOUT : POLLIN;
    }
    poll(polled, MAX_CLIENTS + 2, patience());
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (polled[i + 2].revents & POLLOUT)
            on_writable(&clients[i]);
        if (polled[i + 2].revents & (POLLIN | POLLHUP | POLLERR))
            on_readable(&clients[i]);
    }
    if (polled[1].revents)
        on_connection(listener);
    ysync_hub_tick(hub, now_ms());
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (clients[i].has_failed)
            end_client(&clients[i]);
    }
    return !polled[0].revents || read(0, ignored, sizeof(ignored)) > 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0) {
        perror(path);
        exit(1);
    }
    printf("serving at %s\n", path);
    fflush(stdout);
    return fd;
}

/* Names of rooms come from clients: without a secret they could choose such as collide. */
static int read_seed(uint8_t seed[16])
{
    FILE *random = fopen("/dev/urandom", "rb");
    size_t count = random ? fread(seed, 16, 1, random) : 0;

    if (random)
        fclose(random);
    return count == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct ysync_hub_config config;
    int listener;

    ysync_hub_config_init(&config);
    if (argc < 2 || read_seed(config.seed) != 0 || ysync_hub_new(&config, &hub)) {
        fprintf(stderr, "usage: poll_loop PATH\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MAX_CLIENTS; i++)
        clients[i].fd = -1;
    listener = listen_at(argv[1]);
    while (turn(listener))
        ;
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (clients[i].fd >= 0)
            end_client(&clients[i]);
    }
    ysync_hub_free(hub);
    close(listener);
    unlink(argv[1]);
    return 0;
}
