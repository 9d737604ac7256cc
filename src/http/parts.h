/* SPDX-License-Identifier: MIT */
/*
 * What an engine reports of a head, put together: it may report a string in pieces, which touch then, and need
 * not report one that is empty.
 */
#ifndef YS_HTTP_PARTS_H
#define YS_HTTP_PARTS_H

#include "http/engine.h"

struct ys_http_parts {
    struct ys_http_head *head; /* its target, fields and field_count are filled in */
    struct ys_http_field *fields;
    size_t max_fields;
    bool is_whole; /* for the engine: has the end of the head been seen? */
};

/* 0, or -1 if the engine should stop: as its callbacks return. */
int ys_http_parts_add_target(struct ys_http_parts *parts, const char *at, size_t len);
int ys_http_parts_add_name(struct ys_http_parts *parts, const char *at, size_t len);
int ys_http_parts_add_value(struct ys_http_parts *parts, const char *at, size_t len);

#endif
