/* SPDX-License-Identifier: MIT */
#include "server/refusal.h"

#include <stdio.h>

#include "server/rest.h"

static void open_and_close(struct ys_connection *connection, const struct ys_upgrade *upgrade,
                           const struct ys_blob *message, uint16_t code, const char *reason)
{
    if (ys_connection_upgrade(connection, &upgrade->request)) {
        ys_connection_drop(connection);
        return;
    }
    if (message)
        ys_connection_send(connection, ys_blob_bytes(message));
    ys_connection_close(connection, code, reason);
}

void ys_open_and_close(struct ys_connection *connection, const struct ys_upgrade *upgrade, uint16_t code,
                       const char *reason)
{
    open_and_close(connection, upgrade, NULL, code, reason);
}

/* It is being turned away: by HTTP? */
static bool is_told_by_http(struct ys_session_context *context, const struct ys_peer *client)
{
    bool keeps_coming = ys_backoff_note(ys_crew_backoff(context->crew), client->ip, ys_loop_now(context->loop));

    return keeps_coming || context->config->reject == YSYNC_REJECT_HTTP;
}

uint16_t ys_refusal_code_unauthorized(const struct ysync_plugin_config *config)
{
    return config->reject == YSYNC_REJECT_4001 ? YS_WS_CLOSE_UNAUTHORIZED : YS_WS_CLOSE_FORBIDDEN_4401;
}

void ys_refuse_unauthorized(struct ys_session_context *context, struct ys_connection *connection,
                            const struct ys_peer *client, const struct ys_upgrade *upgrade)
{
    struct ys_blob *message;

    if (is_told_by_http(context, client)) {
        ys_rest_refuse(context, connection, 401, "Unauthorized");
        return;
    }
    context->counters.rejected[YS_REJECTED_UNAUTHORIZED]++;
    message = ys_message_encode_denied(context->config->alloc, "Unauthorized");
    if (message)
        open_and_close(connection, upgrade, message, ys_refusal_code_unauthorized(context->config), "Unauthorized");
    else
        ys_connection_drop(connection);
    ys_blob_unref(message);
}

void ys_refuse_room(struct ys_session_context *context, struct ys_connection *connection, const struct ys_peer *client,
                    const struct ys_upgrade *upgrade)
{
    bool is_4001 = context->config->reject == YSYNC_REJECT_4001;
    struct ysync_bytes name = ys_buf_bytes(&upgrade->room);
    char line[YS_ROOM_NAME_MAX_BYTES + 32];

    snprintf(line, sizeof(line), "Room not found: %.*s", (int)name.len, (const char *)name.data);
    if (is_told_by_http(context, client))
        ys_rest_refuse(context, connection, 404, line);
    else
        open_and_close(connection, upgrade, NULL, is_4001 ? YS_WS_CLOSE_ROOM_NOT_FOUND : YS_WS_CLOSE_NOT_FOUND_4404,
                       line);
}

void ys_refuse_for_now(struct ys_session_context *context, struct ys_connection *connection,
                       const struct ys_upgrade *upgrade)
{
    if (context->config->reject == YSYNC_REJECT_HTTP) {
        ys_rest_refuse(context, connection, 503, "Cannot verify the token now");
        return;
    }
    context->counters.rejected[YS_REJECTED_UNAVAILABLE]++;
    open_and_close(connection, upgrade, NULL, YS_WS_CLOSE_TRY_AGAIN, "Cannot verify the token now");
}
