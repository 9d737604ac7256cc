/* SPDX-License-Identifier: MIT */
/*
 * Sync on the port of a program that serves HTTP itself: `plugin_beside_http [PORT]`, until its input ends.
 *
 *     accept -> read the request's head --- GET / ------------> our page
 *                                       '-- anything else ----> ysync_plugin_take_stream(): what was read, and the
 * socket
 *
 * The head is looked at just far enough to tell whose it is. The plugin reads it again, so the two never disagree about
 * what a request means.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <ysync/ysync.h>

#define MAX_HEAD_BYTES 16384

static const char page[] = "HTTP/1.1 200 OK\r\n"
                           "Content-Type: text/html\r\n"
                           "Content-Length: 32\r\n"
                           "Connection: close\r\n"
                           "\r\n"
                           "<h1>This page is the program's.\n";

struct visitor {
    uv_tcp_t tcp;
    uv_write_t write;
    size_t len;
    char head[MAX_HEAD_BYTES];
};

static uv_loop_t loop;
static struct ysync_plugin *plugin;
static uv_tcp_t listener;
static uv_pipe_t input;

static void on_visitor_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end_visit(struct visitor *visitor)
{
    uv_close((uv_handle_t *)&visitor->tcp, on_visitor_closed);
}

static void on_page_sent(uv_write_t *write, int status)
{
    (void)status;
    end_visit(write->data);
}

static void send_page(struct visitor *visitor)
{
    uv_buf_t buf = uv_buf_init((char *)page, sizeof(page) - 1);

    visitor->write.data = visitor;
    if (uv_write(&visitor->write, (uv_stream_t *)&visitor->tcp, &buf, 1, on_page_sent) != 0)
        end_visit(visitor);
}

/* From here on the connection is the plugin's; what we close is our own handle on it. */
static void hand_over(struct visitor *visitor)
{
    struct ysync_bytes read = { (const uint8_t *)visitor->head, visitor->len };
    enum ysync_err err = ysync_plugin_take_stream(plugin, (uv_stream_t *)&visitor->tcp, read);

    if (err)
        fprintf(stderr, "a connection was lost: %s\n", ysync_strerror(err));
    end_visit(visitor);
}

static void lend_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct visitor *visitor = handle->data;

    (void)suggested;
    *out = uv_buf_init(visitor->head + visitor->len, (unsigned)(sizeof(visitor->head) - 1 - visitor->len));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct visitor *visitor = stream->data;

    (void)buf;
    if (count < 0) {
        end_visit(visitor);
        return;
    }
    visitor->len += (size_t)count;
    visitor->head[visitor->len] = '\0';
    if (!strstr(visitor->head, "\r\n\r\n") && visitor->len < sizeof(visitor->head) - 1)
        return;
    uv_read_stop(stream);
    if (strncmp(visitor->head, "GET / ", 6) == 0)
        send_page(visitor);
    else
        hand_over(visitor);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct visitor *visitor = status == 0 ? malloc(sizeof(*visitor)) : NULL;

    if (!visitor)
        return;
    visitor->len = 0;
    uv_tcp_init(&loop, &visitor->tcp);
    visitor->tcp.data = visitor;
    if (uv_accept(server, (uv_stream_t *)&visitor->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&visitor->tcp, lend_room, on_read) != 0)
        end_visit(visitor);
}

static int listen_at(int port)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    uv_tcp_init(&loop, &listener);
    uv_ip4_addr("127.0.0.1", port, &address);
    if (uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 128, on_connection) != 0)
        return -1;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &len);
    printf("serving at http://127.0.0.1:%d\n", (address.sin_port & 0xff) << 8 | address.sin_port >> 8);
    fflush(stdout);
    return 0;
}

static void on_stopped(void *user)
{
    (void)user;
    ysync_plugin_free(plugin);
}

static void lend_scratch(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    static char scratch[256];

    (void)handle;
    (void)suggested;
    *out = uv_buf_init(scratch, sizeof(scratch));
}

/* Ctrl-D: clients are told, and the loop runs out of things to do. */
static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    (void)buf;
    if (count >= 0)
        return;
    uv_close((uv_handle_t *)stream, NULL);
    uv_close((uv_handle_t *)&listener, NULL);
    ysync_plugin_stop(plugin, 5000, on_stopped, NULL);
}

int main(int argc, char **argv)
{
    struct ysync_plugin_config config;
    struct ysync_problem problem;

    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    ysync_plugin_config_init(&config);
    if (ysync_plugin_new(&loop, &config, &plugin, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        return 1;
    }
    if (listen_at(argc > 1 ? atoi(argv[1]) : 3913) != 0) {
        fprintf(stderr, "cannot listen\n");
        return 1;
    }
    uv_pipe_init(&loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, lend_scratch, on_input);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
