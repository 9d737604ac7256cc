/* SPDX-License-Identifier: MIT */
#include "support/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct connection {
    uv_tcp_t tcp;
    struct ys_list node; /* in endpoint->connections */
    struct ys_endpoint *endpoint;
    bool owes_answer;
    size_t len;
    char request[YS_ENDPOINT_REQUEST_BYTES];
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hang_up(struct connection *connection)
{
    ys_list_remove(&connection->node);
    connection->endpoint->open--;
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* What tests answer fits in the socket's buffer, unless nobody is there any more. */
static void answer(struct connection *connection)
{
    const char *text = connection->endpoint->answer;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    int written = uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);

    connection->owes_answer = false;
    if (written >= 0)
        assert_int_equal(written, buf.len);
    if (written < 0 || connection->endpoint->hangs_up)
        hang_up(connection);
}

/* How long the request is, if its head has come; else 0. */
static size_t whole_length(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    if (!end)
        return 0;
    assert_non_null(length);
    return (size_t)(end + 4 - request) + strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void take_request(struct connection *connection)
{
    struct ys_endpoint *endpoint = connection->endpoint;
    size_t length = whole_length(connection->request);

    if (length == 0 || connection->len < length)
        return;
    assert_int_equal(connection->len, length);
    memcpy(endpoint->last, connection->request, length + 1);
    endpoint->requests++;
    connection->len = 0;
    connection->owes_answer = true;
    if (endpoint->answer)
        answer(connection);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *buf = uv_buf_init(connection->request + connection->len,
                       (unsigned)(sizeof(connection->request) - 1 - connection->len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;

    (void)buf;
    if (len < 0) {
        hang_up(connection);
        return;
    }
    connection->len += (size_t)len;
    connection->request[connection->len] = '\0';
    take_request(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct ys_endpoint *endpoint = listener->data;
    struct connection *connection = calloc(1, sizeof(*connection));

    assert_int_equal(status, 0);
    assert_non_null(connection);
    connection->endpoint = endpoint;
    uv_tcp_init(listener->loop, &connection->tcp);
    connection->tcp.data = connection;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->tcp), 0);
    ys_list_append(&endpoint->connections, &connection->node);
    endpoint->accepted++;
    endpoint->open++;
    uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

void ys_endpoint_open(struct ys_endpoint *endpoint, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    memset(endpoint, 0, sizeof(*endpoint));
    ys_list_init(&endpoint->connections);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    uv_tcp_init(loop, &endpoint->listener);
    endpoint->listener.data = endpoint;
    assert_int_equal(uv_tcp_bind(&endpoint->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&endpoint->listener, 1024, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&endpoint->listener, (struct sockaddr *)&address, &len), 0);
    endpoint->port = ntohs(address.sin_port);
}

void ys_endpoint_speak(struct ys_endpoint *endpoint, const char *text)
{
    endpoint->answer = text;
    YS_LIST_FOREACH (node, &endpoint->connections) {
        struct connection *connection = YS_CONTAINER_OF(node, struct connection, node);

        if (connection->owes_answer)
            answer(connection);
    }
}

void ys_endpoint_close(struct ys_endpoint *endpoint)
{
    while (!ys_list_is_empty(&endpoint->connections))
        hang_up(YS_CONTAINER_OF(endpoint->connections.next, struct connection, node));
    uv_close((uv_handle_t *)&endpoint->listener, NULL);
}

const char *ys_endpoint_url(const struct ys_endpoint *endpoint)
{
    static char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/verify", endpoint->port);
    return url;
}

const char *ys_endpoint_body(const struct ys_endpoint *endpoint)
{
    const char *end = strstr(endpoint->last, "\r\n\r\n");

    return end ? end + 4 : "";
}
