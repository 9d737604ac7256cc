/* SPDX-License-Identifier: MIT */
/* One connection of the plugin: its requests, and then its membership in a room. */
#ifndef YS_SERVER_SESSION_H
#define YS_SERVER_SESSION_H

#include "base/list.h"
#include "net/connection.h"
#include "room/hub.h"
#include "server/crew.h"
#include "server/metrics.h"
#include "server/plugin.h"
#include "server/snapshot.h"
#include "server/store_link.h"

/* What all sessions of a plugin use. */
struct ys_session_context {
    const struct ysync_plugin_config *config;
    const struct ys_routes *routes;
    struct ys_auth *auth;
    const struct ys_connection_config *connections;
    struct ys_loop *loop;
    struct ys_hub *hub;
    struct ys_crew *crew;
    size_t place; /* in the crew */
    struct ys_snapshots *snapshots;
    struct ys_store_link store_link; /* if the crew has a store */
    struct ys_server_counters counters;
    struct ys_list sessions;
    size_t refused_count; /* of those, who came when the server was full */
    bool is_stopping;     /* who comes now is not let in */
};

/* The callbacks that make a connection's events a session's. */
extern const struct ys_connection_events ys_session_events;

/* Takes over a connection that was just accepted: from now on it ends by itself. */
void ys_session_begin(struct ys_session_context *context, struct ys_connection *connection);

/* Closes them all; their ends come in their own time. */
void ys_session_close_all(struct ys_session_context *context, uint16_t code, const char *reason);

#endif
