/* SPDX-License-Identifier: MIT */
/*
 * An HTTP endpoint for tests, on the loop of what asks it: it gives every request the same answer, byte for byte.
 *
 *     ys_endpoint_open(&endpoint, &loop);
 *     endpoint.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";     NULL: it says nothing
 *     ... the loop runs ...                         endpoint.requests, endpoint.accepted, endpoint.last
 *     ys_endpoint_close(&endpoint);
 */
#ifndef YS_TESTS_SUPPORT_ENDPOINT_H
#define YS_TESTS_SUPPORT_ENDPOINT_H

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"

#define YS_ENDPOINT_REQUEST_BYTES 40000

struct ys_endpoint {
    uv_tcp_t listener;
    uint16_t port;
    const char *answer;
    bool hangs_up;     /* after each answer */
    unsigned accepted; /* connections */
    unsigned open;
    unsigned requests; /* that came whole */
    char last[YS_ENDPOINT_REQUEST_BYTES];
    struct ys_list connections;
};

/* Listens at a free port of 127.0.0.1. */
void ys_endpoint_open(struct ys_endpoint *endpoint, uv_loop_t *loop);

/* Answers the requests to which nothing was said so far, and from now on all of them. */
void ys_endpoint_speak(struct ys_endpoint *endpoint, const char *answer);

/* Ends all connections and stops listening. What libuv still holds goes in the loop's next turn. */
void ys_endpoint_close(struct ys_endpoint *endpoint);

/* "http://127.0.0.1:PORT/verify"; good until the next call. */
const char *ys_endpoint_url(const struct ys_endpoint *endpoint);

/* Of the last request. */
const char *ys_endpoint_body(const struct ys_endpoint *endpoint);

#endif
