/* SPDX-License-Identifier: MIT */
/*
 * What a plain HTTP request is about: a room has a name that may be, the field that tells the methods tells those that
 * are allowed, and a token is a view of the head.
 */
#include "requests.h"

#include "base/alloc.h"
#include "server/resource.h"
#include "server/upgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_methods(const struct ys_resource *resource)
{
    static const char *const names[] = {
        [YS_HTTP_GET] = "GET",
        [YS_HTTP_HEAD] = "HEAD",
        [YS_HTTP_POST] = "POST",
        [YS_HTTP_DELETE] = "DELETE",
    };
    const char *field = ys_resource_allow_field(resource);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        require(ys_resource_allows(resource, (enum ys_http_method)i) == (strstr(field, names[i]) != NULL),
                "the methods that are told are those that are allowed");
}

static void check_resource(const struct ys_http_head *head)
{
    struct ys_routes *routes = default_routes();
    struct ys_resource resource;
    const char *why = NULL;
    int status = ys_resource_find(&resource, ysync_alloc_default(), routes, head, &why);

    require(status == 200 || status == 400 || status == 404, "no other status");
    require(status == 200 || why, "a refusal is explained");
    if (status == 200 && resource.kind == YS_RESOURCE_ROOM)
        require_room_name(ys_buf_bytes(&resource.room));
    else if (status == 200)
        require(resource.room.len == 0, "only a room has a name");
    if (status == 200)
        check_methods(&resource);
    ys_resource_deinit(&resource);
    ys_routes_free(routes);
}

static void check_token(const struct ys_http_head *head)
{
    struct ysync_bytes token = ys_bearer_token(head);
    struct ysync_bytes field = { NULL, 0 };

    if (token.len == 0)
        return;
    require(ys_http_head_find(head, "Authorization", &field), "a token comes from a field");
    require(token.data > field.data && token.data + token.len == field.data + field.len, "a token is the field's end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ys_http_head *head;
    struct ys_http_parser *parser;

    require(!ys_http_parser_new(ysync_alloc_default(), &parser), "a parser");
    head = read_head(parser, data, size);
    if (head) {
        check_resource(head);
        check_token(head);
    }
    ys_http_parser_free(parser);
    return 0;
}
