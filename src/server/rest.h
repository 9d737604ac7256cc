/* SPDX-License-Identifier: MIT */
/* What plain HTTP requests are answered with. */
#ifndef YS_SERVER_REST_H
#define YS_SERVER_REST_H

#include "net/connection.h"

/* Answers a request that is no upgrade. May end the connection. */
void ys_rest_answer(struct ys_connection *connection, const struct ys_http_head *head);

/* Answers with an error: one line of plain text. May end the connection. */
void ys_rest_refuse(struct ys_connection *connection, int status, const char *line);

#endif
