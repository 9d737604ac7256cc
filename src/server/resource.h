/* SPDX-License-Identifier: MIT */
/*
 * What the path of an HTTP request names, and what may be done with it.
 *
 *     /               health        GET HEAD
 *     /metrics        metrics       GET HEAD
 *     /rooms/         the list      GET HEAD                    the first route's directory
 *     /rooms/blog     a room        GET HEAD POST DELETE        as the first route says
 *
 * The first three go before rooms, where a route leaves both open.
 */
#ifndef YS_SERVER_RESOURCE_H
#define YS_SERVER_RESOURCE_H

#include "http/head.h"
#include "server/route.h"

enum ys_resource_kind {
    YS_RESOURCE_HEALTH,
    YS_RESOURCE_METRICS,
    YS_RESOURCE_LIST,
    YS_RESOURCE_ROOM,
};

struct ys_resource {
    enum ys_resource_kind kind;
    struct ys_buf room; /* a room's name, decoded; else empty */
};

/* Returns 200, or the status of the answer and *why, a line for it. In either case release it with
 * ys_resource_deinit(). */
int ys_resource_find(struct ys_resource *resource, const struct ysync_alloc *alloc, const struct ys_routes *routes,
                     const struct ys_http_head *head, const char **why);
void ys_resource_deinit(struct ys_resource *resource);

bool ys_resource_allows(const struct ys_resource *resource, enum ys_http_method method);

/* The field that says what it allows, with its CR LF. */
const char *ys_resource_allow_field(const struct ys_resource *resource);

#endif
