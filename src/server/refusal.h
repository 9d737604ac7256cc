/* SPDX-License-Identifier: MIT */
/*
 * Turning a client away that wants a WebSocket, in the way that the configuration says.
 *
 *                           YSYNC_REJECT_4001               YSYNC_REJECT_4401          YSYNC_REJECT_HTTP
 *     not authorized        "2 0 Unauthorized", 4001        the same, 4401             401
 *     no such room          4004                            4404                       404
 *     nobody could tell     1013                            1013                       503
 *
 * Clients of the protocol expect to be told by a message and a close code, not by a handshake that fails. But who keeps
 * coming back is told by HTTP, whatever is configured (backoff.h).
 */
#ifndef YS_SERVER_REFUSAL_H
#define YS_SERVER_REFUSAL_H

#include "server/session.h"
#include "server/upgrade.h"

/* All of these may end the connection. `client` is who it comes from. */
void ys_refuse_unauthorized(struct ys_session_context *context, struct ys_connection *connection,
                            const struct ys_peer *client, const struct ys_upgrade *upgrade);
void ys_refuse_room(struct ys_session_context *context, struct ys_connection *connection, const struct ys_peer *client,
                    const struct ys_upgrade *upgrade);
void ys_refuse_for_now(struct ys_session_context *context, struct ys_connection *connection,
                       const struct ys_upgrade *upgrade);

/* Opens a WebSocket only to close it. */
void ys_open_and_close(struct ys_connection *connection, const struct ys_upgrade *upgrade, uint16_t code,
                       const char *reason);

/* For a connection whose token is no longer good. */
uint16_t ys_refusal_code_unauthorized(const struct ysync_plugin_config *config);

#endif
