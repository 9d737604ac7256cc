/* SPDX-License-Identifier: MIT */
/*
 * The whole server: rooms, WebSockets, HTTP, on event loops and threads of its own.
 *
 *     struct ysync_server_config config;
 *     struct ysync_server *server;
 *     struct ysync_problem problem;
 *
 *     ysync_server_config_init(&config);
 *     config.port = 3913;
 *     if (ysync_server_new(&config, &server, &problem) || ysync_server_start(server, &problem))
 *         fprintf(stderr, "%s\n", problem.text);
 *
 * The library installs no signal handlers, prints nothing and never exits. (A program that handles SIGPIPE in
 * no way of its own should ignore it.)
 */
#ifndef YSYNC_SERVER_H
#define YSYNC_SERVER_H

#include <stdint.h>

#include "ysync/alloc.h"
#include "ysync/doc.h"
#include "ysync/err.h"
#include "ysync/log.h"
#include "ysync/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything is copied by ysync_server_new(), but for alloc and what log points to. */
struct ysync_server_config {
    const struct ysync_alloc *alloc; /* NULL: malloc; must be thread-safe */
    struct ysync_log log;            /* called from the server's threads */
    const char *const *hosts;        /* "127.0.0.1", "::1", "unix:/run/ysync.sock" */
    size_t host_count;
    uint16_t port;             /* 0: a free one */
    const char *const *routes; /* "/rooms/:room" */
    size_t route_count;
    const char *const *tokens; /* any of these opens every room; none: open to all */
    size_t token_count;
    uint64_t evict_after_ms;      /* how long an empty room is kept */
    int echoes;                   /* an applied update is sent back to its sender as well */
    enum ysync_gc gc;             /* what becomes of deleted content */
    size_t max_rooms;             /* then new ones are refused; 0: no limit */
    size_t max_room_bytes;        /* of a document's memory: what would grow it further is refused; 0: no limit */
    size_t max_pending_bytes;     /* for each room, of updates whose dependencies have not come */
    uint64_t ping_every_ms;       /* WebSocket pings; who has not answered by the next is dropped */
    size_t max_message_bytes;     /* of a WebSocket message or a request body */
    size_t send_buffer_bytes;     /* most bytes queued for one connection */
    size_t messages_per_second;   /* of one connection, averaged over 10 s; faster ones wait to be read; 0: no limit */
    uint64_t shutdown_timeout_ms; /* how long ysync_server_stop() waits for peers to say goodbye */
};

struct ysync_server;

/* Fills in the defaults: 127.0.0.1, port 3913, routes /rooms/:room and /:room, open, 60 s, 30 s, 64 MiB, 1 MiB, 10 s.
 */
YSYNC_API void ysync_server_config_init(struct ysync_server_config *config);

/* Checks the configuration; opens nothing yet. problem (may be NULL) is written on errors. Errors: INVALID_ARG, NOMEM.
 */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_server_new(const struct ysync_server_config *config,
                                                        struct ysync_server **out, struct ysync_problem *problem);

/* Listens and serves, on threads of its own, from before it returns until ysync_server_stop(). Once per server.
 * Errors: IO (a port in use, an address that is not ours), NOMEM; then nothing runs. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_server_start(struct ysync_server *server, struct ysync_problem *problem);

/* The i-th address it listens on, "http://127.0.0.1:3913", with the real port; NULL past the last. Good until the
 * server is freed. Any thread, once started. */
YSYNC_API const char *ysync_server_address(const struct ysync_server *server, size_t i);

/* Stops accepting, closes every connection with 1001, waits for that (at most shutdown_timeout_ms), and ends the
 * threads. Does nothing if it does not run. Any thread but the server's own. */
YSYNC_API void ysync_server_stop(struct ysync_server *server);

YSYNC_API void ysync_server_free(struct ysync_server *server); /* stops it first; accepts NULL */

#ifdef __cplusplus
}
#endif

#endif
