/* SPDX-License-Identifier: MIT */
/*
 * The sync plugin: rooms mounted on an event loop. It answers HTTP, turns requests for a WebSocket into members of
 * rooms, and carries messages between the two.
 *
 *     ys_loop --- listener, connections -- session -- member --- room
 *                                          session -- member ---/
 *                       '---------------- plugin -------------- hub
 *
 * Everything here belongs to the loop's thread, or is called before the loop runs.
 */
#ifndef YS_SERVER_PLUGIN_H
#define YS_SERVER_PLUGIN_H

#include "auth/auth.h"
#include "base/log.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"
#include "server/crew.h"
#include "server/route.h"
#include "ysync/plugin.h"

struct ys_plugin;

/* All that is pointed to is kept, and outlives the plugin. */
struct ys_plugin_config {
    const struct ysync_plugin_config *options; /* with an allocator; routes and what follows are made from it */
    const struct ys_routes *routes;
    struct ys_auth *auth;
    struct ys_tls_context *tls; /* for what it listens at; NULL: that is plain */
    struct ys_crew *crew;
    size_t place; /* in the crew */
};

/* Takes its place in the crew. Errors: NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_plugin_new(struct ys_loop *loop, const struct ys_plugin_config *config,
                                           struct ys_plugin **out);

/* It has stopped, or never began to listen. Accepts NULL. */
void ys_plugin_free(struct ys_plugin *plugin);

/* Listens at one more address. problem (may be NULL) is written on errors: IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_plugin_listen(struct ys_plugin *plugin, const struct ys_address *address,
                                              struct ysync_problem *problem);

/* Listens where another plugin of the crew does. Before their loops run. Errors: as above. */
YSYNC_CHECKED enum ysync_err ys_plugin_listen_beside(struct ys_plugin *plugin, const struct ys_plugin *first,
                                                     struct ysync_problem *problem);

/* The i-th of them, with its real port; NULL past the last. */
const struct ys_address *ys_plugin_address(const struct ys_plugin *plugin, size_t i);

/* The most that may have been read from a connection that is handed over. */
#define YS_PLUGIN_MAX_READ_BYTES ((size_t)64 * 1024)

/* Takes over a socket from which `read` has been read. Errors: CLOSED (stopping), LIMIT (too much was read), NOMEM, IO;
 * then it is still the caller's. */
YSYNC_CHECKED enum ysync_err ys_plugin_take(struct ys_plugin *plugin, int fd, struct ysync_bytes read);

/* These take the place of those in the configuration, and are kept as they were. Whoever is connected stays. */
void ys_plugin_set_auth(struct ys_plugin *plugin, struct ys_auth *auth);
void ys_plugin_set_tls(struct ys_plugin *plugin, struct ys_tls_context *tls);

struct ys_hub *ys_plugin_hub(const struct ys_plugin *plugin);

/* Stops listening, closes every connection with 1001, and calls `stopped` when the last is gone: at the latest after
 * timeout_ms, perhaps from inside this call. Once. */
void ys_plugin_stop(struct ys_plugin *plugin, uint64_t timeout_ms, void (*stopped)(void *user), void *user);

#endif
