/* SPDX-License-Identifier: MIT */
/*
 * Plain HTTP requests: rooms read, written and deleted without a WebSocket, the list of them, health, metrics.
 */
#ifndef YS_SERVER_REST_H
#define YS_SERVER_REST_H

#include "net/connection.h"
#include "server/question.h"

struct ys_session_context;
struct ys_gather;

enum ys_rest_stage {
    YS_REST_ANSWERING, /* nothing more of the request is needed */
    YS_REST_SKIPPING,  /* its body means nothing: the answer comes when it is over */
    YS_REST_RECEIVING, /* its body is an update */
};

/* The requests of one connection, one at a time. Part of its session. */
struct ys_rest {
    struct ys_session_context *context;
    struct ys_connection *connection;
    enum ys_rest_stage stage;
    int refused_with; /* while SKIPPING: the status, its line and fields; 0: the request has not been looked at */
    const char *line;
    const char *fields;
    struct ys_question *question; /* while a verdict is awaited */
    struct ys_gather *gather;     /* while all are asked */
    struct ys_buf body;           /* while RECEIVING */
};

void ys_rest_init(struct ys_rest *rest, struct ys_session_context *context, struct ys_connection *connection);
void ys_rest_deinit(struct ys_rest *rest);

/* As the connection's events come. These may end the connection, and with it the session. */
void ys_rest_take_head(struct ys_rest *rest, const struct ys_http_head *head);
void ys_rest_take_body(struct ys_rest *rest, struct ysync_bytes piece);
void ys_rest_take_end(struct ys_rest *rest);

/* Answers with an error: one line of plain text. May end the connection. */
void ys_rest_refuse(struct ys_session_context *context, struct ys_connection *connection, int status, const char *line);

#endif
