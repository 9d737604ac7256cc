/* SPDX-License-Identifier: MIT */
/*
 * Three ways to give a token, as clients can: an Authorization field (programs), an offered subprotocol "bearer.TOKEN"
 * (browsers, which can set no field), a query parameter (y-websocket). The first one found counts.
 */
#include "server/upgrade.h"

#include <string.h>

#include "http/target.h"

/* A request head has no more room than this for a token. */
#define MAX_TOKEN_BYTES YS_HTTP_MAX_HEAD_BYTES

static struct ysync_bytes find_field(const struct ys_http_head *head, const char *name)
{
    struct ysync_bytes value = { NULL, 0 };

    ys_http_head_find(head, name, &value);
    return value;
}

static bool is_repeated(const struct ys_http_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += ys_http_name_is(head->fields[i].name, name);
    return count > 1;
}

/* Several fields of one name mean one list (RFC 9110, 5.3). */
static enum ysync_err join_fields(const struct ys_http_head *head, const char *name, struct ys_buf *joined,
                                  struct ysync_bytes *out)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!ys_http_name_is(head->fields[i].name, name))
            continue;
        if (joined->len > 0)
            ys_buf_put_str(joined, ", ");
        ys_buf_put(joined, head->fields[i].value);
    }
    *out = ys_buf_bytes(joined);
    return ys_buf_err(joined);
}

static enum ysync_err read_offers(struct ys_upgrade *upgrade, const struct ys_http_head *head)
{
    struct ys_ws_request *request = &upgrade->request;
    enum ysync_err err = join_fields(head, "Sec-WebSocket-Protocol", &upgrade->protocols, &request->protocols);

    return err ? err : join_fields(head, "Sec-WebSocket-Extensions", &upgrade->extensions, &request->extensions);
}

static enum ysync_err read_token(struct ys_upgrade *upgrade, const struct ys_http_head *head)
{
    struct ysync_bytes token = ys_bearer_token(head);

    if (token.len == 0)
        token = ys_ws_bearer_protocol(upgrade->request.protocols);
    if (token.len == 0 && ys_query_find(head->query, "token", &token))
        return ys_percent_decode(token, &upgrade->token);
    ys_buf_put(&upgrade->token, token);
    return ys_buf_err(&upgrade->token);
}

static int status_of(enum ysync_err err, const char **why)
{
    switch (err) {
    case YSYNC_OK:
        return 101;
    case YSYNC_ERR_NOT_FOUND:
        *why = "Not found";
        return 404;
    case YSYNC_ERR_NOMEM:
        *why = "Out of memory";
        return 503;
    default:
        if (!*why)
            *why = "Bad request";
        return 400;
    }
}

int ys_upgrade_read(struct ys_upgrade *upgrade, const struct ysync_alloc *alloc, const struct ys_routes *routes,
                    const struct ys_http_head *head, const char **why)
{
    int status;

    ys_buf_init(&upgrade->protocols, alloc, YS_HTTP_MAX_HEAD_BYTES);
    ys_buf_init(&upgrade->extensions, alloc, YS_HTTP_MAX_HEAD_BYTES);
    ys_buf_init(&upgrade->room, alloc, YS_ROOM_NAME_MAX_BYTES);
    ys_buf_init(&upgrade->token, alloc, MAX_TOKEN_BYTES);
    upgrade->request.key = find_field(head, "Sec-WebSocket-Key");
    upgrade->request.version = find_field(head, "Sec-WebSocket-Version");
    upgrade->request.protocols = upgrade->request.extensions = (struct ysync_bytes){ NULL, 0 };

    status = status_of(ys_routes_match(routes, head->path, &upgrade->room, why), why);
    if (status != 101)
        return status;
    if (head->method != YS_HTTP_GET || head->has_body) {
        *why = "A WebSocket begins with a GET without a body";
        return 400;
    }
    /* RFC 6455, 11.3: of two, somebody on the way may have taken the other. */
    if (is_repeated(head, "Sec-WebSocket-Key") || is_repeated(head, "Sec-WebSocket-Version")) {
        *why = "Sec-WebSocket-Key and Sec-WebSocket-Version must not be repeated";
        return 400;
    }
    status = status_of(read_offers(upgrade, head), why);
    if (status == 101)
        status = ys_ws_check_request(&upgrade->request, why);
    if (status != 101)
        return status;
    *why = "Broken percent-encoding in the token";
    return status_of(read_token(upgrade, head), why);
}

void ys_upgrade_deinit(struct ys_upgrade *upgrade)
{
    ys_buf_deinit(&upgrade->protocols);
    ys_buf_deinit(&upgrade->extensions);
    ys_buf_deinit(&upgrade->room);
    ys_buf_deinit(&upgrade->token);
}

/* "Bearer TOKEN", the scheme in any case (RFC 9110, 11.1). */
struct ysync_bytes ys_bearer_token(const struct ys_http_head *head)
{
    static const char scheme[] = "bearer ";
    const size_t len = sizeof(scheme) - 1;
    struct ysync_bytes field = find_field(head, "Authorization");
    struct ysync_bytes name = { field.data, len - 1 };
    struct ysync_bytes token;

    if (field.len <= len || field.data[len - 1] != ' ' || !ys_http_name_is(name, "bearer"))
        return (struct ysync_bytes){ NULL, 0 };
    token = (struct ysync_bytes){ field.data + len, field.len - len };
    while (token.len > 0 && token.data[0] == ' ')
        token = (struct ysync_bytes){ token.data + 1, token.len - 1 };
    return token;
}

/* Scheme and host come in lower case from every browser, but people write configurations. */
static bool is_one_of(struct ysync_bytes origin, const char *const *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ys_http_name_is(origin, allowed[i]))
            return true;
    }
    return false;
}

bool ys_origin_is_allowed(const struct ys_http_head *head, const char *const *allowed, size_t count)
{
    if (count == 0)
        return true;
    for (size_t i = 0; i < head->field_count; i++) {
        if (ys_http_name_is(head->fields[i].name, "Origin") && !is_one_of(head->fields[i].value, allowed, count))
            return false;
    }
    return true;
}
