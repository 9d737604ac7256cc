/* SPDX-License-Identifier: MIT */
#include "server/resource.h"

#include <string.h>

static bool is_path(const struct ys_http_head *head, const char *path)
{
    return head->path.len == strlen(path) && memcmp(head->path.data, path, head->path.len) == 0;
}

static int find_room(struct ys_resource *resource, const struct ys_routes *routes, const struct ys_http_head *head,
                     const char **why)
{
    resource->kind = YS_RESOURCE_ROOM;
    switch (ys_routes_match_first(routes, head->path, &resource->room, why)) {
    case YSYNC_OK:
        return 200;
    case YSYNC_ERR_NOT_FOUND:
        *why = "Not found";
        return 404;
    case YSYNC_ERR_MALFORMED:
        return 400;
    default:
        *why = "Out of memory";
        return 503;
    }
}

int ys_resource_find(struct ys_resource *resource, const struct ysync_alloc *alloc, const struct ys_routes *routes,
                     const struct ys_http_head *head, const char **why)
{
    ys_buf_init(&resource->room, alloc, YS_ROOM_NAME_MAX_BYTES);
    if (is_path(head, "/"))
        resource->kind = YS_RESOURCE_HEALTH;
    else if (is_path(head, "/metrics"))
        resource->kind = YS_RESOURCE_METRICS;
    else if (ys_routes_is_list(routes, head->path))
        resource->kind = YS_RESOURCE_LIST;
    else
        return find_room(resource, routes, head, why);
    return 200;
}

void ys_resource_deinit(struct ys_resource *resource)
{
    ys_buf_deinit(&resource->room);
}

bool ys_resource_allows(const struct ys_resource *resource, enum ys_http_method method)
{
    switch (method) {
    case YS_HTTP_GET:
    case YS_HTTP_HEAD:
        return true;
    case YS_HTTP_POST:
    case YS_HTTP_DELETE:
        return resource->kind == YS_RESOURCE_ROOM;
    case YS_HTTP_OTHER_METHOD:
        break;
    }
    return false;
}

const char *ys_resource_allow_field(const struct ys_resource *resource)
{
    return resource->kind == YS_RESOURCE_ROOM ? "Allow: GET, HEAD, POST, DELETE\r\n" : "Allow: GET, HEAD\r\n";
}
