/* SPDX-License-Identifier: MIT */
/* A socket that connections come in at. */
#ifndef YS_NET_LISTENER_H
#define YS_NET_LISTENER_H

#include "net/address.h"
#include "net/connection.h"
#include "ysync/problem.h"

struct ys_listener;

/* A connection has come: it is to be started or dropped before this returns. */
typedef void ys_listener_fn(void *user, struct ys_connection *connection);

struct ys_listener_config {
    struct ys_address address;
    const struct ys_connection_config *connections; /* kept */
    ys_listener_fn *accepted;
    void *user;
};

/* Listens. The path of a Unix socket that nobody listens on any more is taken over. problem (may be NULL) is written
 * on errors: IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_listener_open(struct ys_loop *loop, const struct ys_listener_config *config,
                                              struct ys_listener **out, struct ysync_problem *problem);

/* One more loop takes connections at the address, the config's, where `first` listens on another. Before those loops
 * run. The path of a Unix socket goes with `first`. Errors: as above. */
YSYNC_CHECKED enum ysync_err ys_listener_open_beside(struct ys_loop *loop, const struct ys_listener *first,
                                                     const struct ys_listener_config *config, struct ys_listener **out,
                                                     struct ysync_problem *problem);

/* The address it listens on, with the real port. */
const struct ys_address *ys_listener_address(const struct ys_listener *listener);

/* Stops listening; its memory goes when libuv has let go of it. Accepts NULL. */
void ys_listener_close(struct ys_listener *listener);

#endif
