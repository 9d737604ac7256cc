/* SPDX-License-Identifier: MIT */
/*
 * Out of file descriptors: libuv keeps one in reserve, with which it accepts and closes what it cannot serve, so that
 * the loop does not spin on a connection that cannot be taken. Out of memory: libuv has accepted the connection
 * and keeps it, and does not listen for more until it is fetched; that is tried again a little later.
 */
#include "net/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/problem.h"
#include "net/descriptor.h"

#define BACKLOG 1024
#define RETRY_AFTER_MS 100

struct ys_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct ys_loop *loop;
    const struct ysync_alloc *alloc; /* the loop's, which may be gone when libuv lets go of this */
    struct ys_listener_config config;
    struct ys_timer retry;
};

static void accept_one(struct ys_listener *listener)
{
    struct ys_connection *connection;
    enum ysync_err err;

    err = ys_connection_accept(listener->loop, &listener->uv.stream, listener->config.connections, &connection);
    if (!err)
        listener->config.accepted(listener->config.user, connection);
    else if (err == YSYNC_ERR_NOMEM)
        ys_loop_arm(listener->loop, &listener->retry, ys_loop_now(listener->loop) + RETRY_AFTER_MS);
}

static void on_retry(struct ys_timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    accept_one(YS_CONTAINER_OF(timer, struct ys_listener, retry));
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct ys_listener *listener = stream->data;

    ys_loop_begin_turn(listener->loop);
    if (status == 0)
        accept_one(listener);
}

static void on_closed(uv_handle_t *handle)
{
    struct ys_listener *listener = handle->data;

    ys_free(listener->alloc, listener);
}

/* Is there a socket at this path that nobody listens on? */
static bool is_stale(const struct ys_address *address)
{
    struct stat found;
    int fd;
    int status;

    if (lstat(address->socket.path.sun_path, &found) != 0 || !S_ISSOCK(found.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    status = connect(fd, &address->socket.any, sizeof(address->socket.path)) < 0 ? errno : 0;
    close(fd);
    return status == ECONNREFUSED;
}

static int listen_at_path(struct ys_listener *listener)
{
    const struct ys_address *address = &listener->config.address;
    int status;

    if (is_stale(address))
        unlink(address->socket.path.sun_path);
    status = uv_pipe_bind(&listener->uv.pipe, address->socket.path.sun_path);
    return status < 0 ? status : uv_listen(&listener->uv.stream, BACKLOG, on_connection);
}

/* "::" does not take IPv4 in: what is listened on is what was named. libuv sets SO_REUSEADDR. */
static int listen_at_port(struct ys_listener *listener)
{
    struct ys_address *address = &listener->config.address;
    unsigned flags = address->socket.family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
    int len = sizeof(*address);
    int status;

    status = uv_tcp_bind(&listener->uv.tcp, &address->socket.any, flags);
    if (status == 0)
        status = uv_listen(&listener->uv.stream, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(&listener->uv.tcp, &address->socket.any, &len);
    return status;
}

static void describe(const struct ys_address *address, int status, struct ysync_problem *problem)
{
    char text[YS_ADDRESS_TEXT_BYTES];
    char *colon;

    ys_address_format_url(address, "http", text);
    colon = strrchr(text, ':');
    if (status == UV_EADDRINUSE && address->socket.family == AF_UNIX)
        ys_problem_set(problem, "%s is in use", text);
    else if (status == UV_EADDRINUSE)
        ys_problem_set(problem, "port %s on %.*s is in use", colon + 1, (int)(colon - text) - 7, text + 7);
    else
        ys_problem_set(problem, "cannot listen on %s: %s", text, uv_strerror(status));
}

static enum ysync_err new_listener(struct ys_loop *loop, const struct ys_listener_config *config,
                                   struct ys_listener **out)
{
    struct ys_listener *listener = ys_alloc_zeroed(loop->alloc, 1, sizeof(*listener));

    if (!listener)
        return YSYNC_ERR_NOMEM;
    listener->loop = loop;
    listener->alloc = loop->alloc;
    listener->config = *config;
    ys_timer_init(&listener->retry, on_retry);
    if (config->address.socket.family == AF_UNIX)
        uv_pipe_init(loop->uv, &listener->uv.pipe, 0);
    else
        uv_tcp_init(loop->uv, &listener->uv.tcp);
    listener->uv.handle.data = listener;
    *out = listener;
    return YSYNC_OK;
}

/* Gives it out if it listens, and up if it does not. */
static enum ysync_err finish_opening(struct ys_listener *listener, int status, struct ys_listener **out,
                                     struct ysync_problem *problem)
{
    if (status < 0) {
        describe(&listener->config.address, status, problem);
        ys_listener_close(listener);
        return status == UV_ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
    }
    *out = listener;
    return YSYNC_OK;
}

enum ysync_err ys_listener_open(struct ys_loop *loop, const struct ys_listener_config *config, struct ys_listener **out,
                                struct ysync_problem *problem)
{
    bool is_path = config->address.socket.family == AF_UNIX;
    struct ys_listener *listener;
    int status;

    ys_problem_set(problem, "out of memory");
    if (new_listener(loop, config, &listener))
        return YSYNC_ERR_NOMEM;
    status = is_path ? listen_at_path(listener) : listen_at_port(listener);
    return finish_opening(listener, status, out, problem);
}

/* SO_REUSEPORT would have the kernel share connections out, but also let a second server bind the same port unnoticed.
 */
static int listen_at_copy(struct ys_listener *listener, const struct ys_listener *first)
{
    bool is_path = listener->config.address.socket.family == AF_UNIX;
    int fd;
    int status = ys_descriptor_copy(&first->uv.handle, &fd);

    if (status < 0)
        return status;
    status = is_path ? uv_pipe_open(&listener->uv.pipe, fd) : uv_tcp_open(&listener->uv.tcp, fd);
    if (status < 0) {
        close(fd);
        return status;
    }
    return uv_listen(&listener->uv.stream, BACKLOG, on_connection);
}

enum ysync_err ys_listener_open_beside(struct ys_loop *loop, const struct ys_listener *first,
                                       const struct ys_listener_config *config, struct ys_listener **out,
                                       struct ysync_problem *problem)
{
    struct ys_listener *listener;

    ys_problem_set(problem, "out of memory");
    if (new_listener(loop, config, &listener))
        return YSYNC_ERR_NOMEM;
    return finish_opening(listener, listen_at_copy(listener, first), out, problem);
}

const struct ys_address *ys_listener_address(const struct ys_listener *listener)
{
    return &listener->config.address;
}

void ys_listener_close(struct ys_listener *listener)
{
    if (!listener)
        return;
    ys_loop_disarm(listener->loop, &listener->retry);
    uv_close(&listener->uv.handle, on_closed);
}
