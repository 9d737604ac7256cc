/* SPDX-License-Identifier: MIT */
#include "server/rest.h"

#include <string.h>

static bool is_path(const struct ys_http_head *head, const char *path)
{
    return head->path.len == strlen(path) && memcmp(head->path.data, path, head->path.len) == 0;
}

static struct ysync_bytes text(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, strlen(str) };
}

/* For load balancers and people: never behind auth, always these bytes. */
static void answer_health(struct ys_connection *connection)
{
    ys_connection_answer(connection, &(struct ys_http_answer){
                                         .status = 200,
                                         .content_type = "application/json",
                                         .body = text("{\"status\":\"ok\"}"),
                                     });
}

static void refuse_method(struct ys_connection *connection, const char *allow_field)
{
    ys_connection_answer(connection, &(struct ys_http_answer){
                                         .status = 405,
                                         .extra_fields = allow_field,
                                         .body = text("Method not allowed"),
                                     });
}

void ys_rest_answer(struct ys_connection *connection, const struct ys_http_head *head)
{
    if (!is_path(head, "/"))
        ys_rest_refuse(connection, 404, "Not found");
    else if (head->method == YS_HTTP_GET || head->method == YS_HTTP_HEAD)
        answer_health(connection);
    else
        refuse_method(connection, "Allow: GET, HEAD\r\n");
}

/* What a client needs in order to do better: which version is spoken here (RFC 6455, 4.4), how to say who it is (RFC
 * 9110, 11.6.1). */
static const char *field_for(int status)
{
    switch (status) {
    case 401:
        return "WWW-Authenticate: Bearer\r\n";
    case 426:
        return "Sec-WebSocket-Version: 13\r\n";
    default:
        return NULL;
    }
}

void ys_rest_refuse(struct ys_connection *connection, int status, const char *line)
{
    ys_connection_answer(connection, &(struct ys_http_answer){
                                         .status = status,
                                         .extra_fields = field_for(status),
                                         .body = text(line),
                                     });
}
