/* SPDX-License-Identifier: MIT */
/*
 * Plain HTTP requests: rooms read, written and deleted without a WebSocket, the list of them, health, metrics.
 */
#ifndef YS_SERVER_REST_H
#define YS_SERVER_REST_H

#include "net/connection.h"

struct ys_session_context;

/* The requests of one connection, one at a time. */
struct ys_rest;

/* Part of a session that has got a plain request. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_rest_new(struct ys_session_context *context, struct ys_connection *connection,
                                         struct ys_rest **out);
void ys_rest_free(struct ys_rest *rest); /* accepts NULL */

/* As the connection's events come. These may end the connection, and with it the session. */
void ys_rest_take_head(struct ys_rest *rest, const struct ys_http_head *head);
void ys_rest_take_body(struct ys_rest *rest, struct ysync_bytes piece);
void ys_rest_take_end(struct ys_rest *rest);

/* Answers with an error: one line of plain text. May end the connection. */
void ys_rest_refuse(struct ys_session_context *context, struct ys_connection *connection, int status, const char *line);

#endif
