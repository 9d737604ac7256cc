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

#include "ysync/err.h"
#include "ysync/plugin.h"
#include "ysync/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything is copied by ysync_server_new(), but for what ysync/plugin.h says of plugin. */
struct ysync_server_config {
    struct ysync_plugin_config plugin; /* rooms, authorization, limits. Its allocator must be thread-safe; its callbacks
                                          and its log are called from the server's threads */
    const char *const *hosts;          /* "127.0.0.1", "::1", "unix:/run/ysync.sock" */
    size_t host_count;
    uint16_t port;                /* 0: a free one */
    size_t threads;               /* event loops; 0: one for each core */
    uint64_t shutdown_timeout_ms; /* how long ysync_server_stop() waits for peers to say goodbye */
};

struct ysync_server;

/* Fills in the defaults: 127.0.0.1, port 3913, 10 s, and those of ysync_plugin_config_init(). */
YSYNC_API void ysync_server_config_init(struct ysync_server_config *config);

/* Checks the configuration; opens nothing yet. problem (may be NULL) is written on errors. Errors: those of
 * ysync_plugin_new(). */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_server_new(const struct ysync_server_config *config,
                                                        struct ysync_server **out, struct ysync_problem *problem);

/* Listens and serves, on threads of its own, from before it returns until ysync_server_stop(). Once per server.
 * Errors: IO (a port in use, an address that is not ours), NOMEM; then nothing runs. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_server_start(struct ysync_server *server, struct ysync_problem *problem);

/* The i-th address it listens on, "http://127.0.0.1:3913", with the real port; NULL past the last. Good until the
 * server is freed. Any thread, once started. */
YSYNC_API const char *ysync_server_address(const struct ysync_server *server, size_t i);

/* As ysync_plugin_reload(). Waits until it is done. Any thread but the server's own. CLOSED: it does not run. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_server_reload(struct ysync_server *server, struct ysync_problem *problem);

/* Stops accepting, closes every connection with 1001, waits for that (at most shutdown_timeout_ms), and ends the
 * threads. Does nothing if it does not run. Any thread but the server's own. */
YSYNC_API void ysync_server_stop(struct ysync_server *server);

YSYNC_API void ysync_server_free(struct ysync_server *server); /* stops it first; accepts NULL */

#ifdef __cplusplus
}
#endif

#endif
