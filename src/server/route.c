/* SPDX-License-Identifier: MIT */
#include "server/route.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/problem.h"
#include "base/utf8.h"
#include "http/target.h"

#define PLACEHOLDER ":room"

struct route {
    char *pattern; /* the route's own copy; these are views of it: */
    struct ysync_bytes before;
    struct ysync_bytes after;
};

struct ys_routes {
    const struct ysync_alloc *alloc;
    size_t count;
    struct route routes[];
};

/* What may stand in a path as it is (RFC 3986, 3.3), and the percent sign of what may not. */
static bool is_path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@%/", c) != NULL);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What is wrong with a pattern, or NULL. */
static const char *find_fault(const char *pattern)
{
    const char *room = strstr(pattern, PLACEHOLDER);

    if (pattern[0] != '/')
        return "does not begin with a slash";
    for (const char *c = pattern; *c; c++) {
        if (!is_path_char(*c))
            return "has a character that no path has";
    }
    if (!room)
        return "has no :room in it";
    if (is_word_char(room[strlen(PLACEHOLDER)]))
        return "has no :room in it, only a longer word";
    if (strstr(room + 1, PLACEHOLDER))
        return "has more than one :room in it";
    return NULL;
}

static enum ysync_err copy_pattern(const struct ysync_alloc *alloc, const char *pattern, struct route *out)
{
    size_t len = strlen(pattern);
    size_t before = (size_t)(strstr(pattern, PLACEHOLDER) - pattern);
    size_t after = before + strlen(PLACEHOLDER);

    out->pattern = ys_alloc_array(alloc, len + 1, 1);
    if (!out->pattern)
        return YSYNC_ERR_NOMEM;
    memcpy(out->pattern, pattern, len + 1);
    out->before = (struct ysync_bytes){ (const uint8_t *)out->pattern, before };
    out->after = (struct ysync_bytes){ (const uint8_t *)out->pattern + after, len - after };
    return YSYNC_OK;
}

enum ysync_err ys_routes_new(const struct ysync_alloc *alloc, const char *const *patterns, size_t count,
                             struct ys_routes **out, struct ysync_problem *problem)
{
    struct ys_routes *routes;
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; i < count; i++) {
        const char *fault = find_fault(patterns[i]);

        if (fault) {
            ys_problem_set(problem, "route \"%s\" %s", patterns[i], fault);
            return YSYNC_ERR_INVALID_ARG;
        }
    }
    if (count == 0 || count > (SIZE_MAX - sizeof(*routes)) / sizeof(struct route)) {
        ys_problem_set(problem, "no route is given");
        return YSYNC_ERR_INVALID_ARG;
    }
    routes = ys_alloc_zeroed(alloc, 1, sizeof(*routes) + count * sizeof(struct route));
    if (!routes)
        return YSYNC_ERR_NOMEM;
    routes->alloc = alloc;
    routes->count = count;
    for (size_t i = 0; i < count && !err; i++)
        err = copy_pattern(alloc, patterns[i], &routes->routes[i]);
    if (err) {
        ys_routes_free(routes);
        return err;
    }
    *out = routes;
    return YSYNC_OK;
}

void ys_routes_free(struct ys_routes *routes)
{
    if (!routes)
        return;
    for (size_t i = 0; i < routes->count; i++)
        ys_free(routes->alloc, routes->routes[i].pattern);
    ys_free(routes->alloc, routes);
}

static bool is_equal(const uint8_t *at, struct ysync_bytes want)
{
    return want.len == 0 || memcmp(at, want.data, want.len) == 0;
}

/* The encoded name, if the route fits. */
static bool match(const struct route *route, struct ysync_bytes path, struct ysync_bytes *encoded)
{
    size_t literal = route->before.len + route->after.len;

    if (path.len < literal || !is_equal(path.data, route->before) ||
        !is_equal(path.data + path.len - route->after.len, route->after))
        return false;
    *encoded = (struct ysync_bytes){ path.data + route->before.len, path.len - literal };
    return true;
}

/* C0, DEL and C1, in valid UTF-8: the last are 0xc2 0x80 to 0xc2 0x9f. */
static bool has_control(struct ysync_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (c < 0x20 || c == 0x7f || (c == 0xc2 && name.data[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static enum ysync_err decode_name(const struct ysync_alloc *alloc, struct ysync_bytes encoded, struct ys_buf *room,
                                  const char **why)
{
    struct ys_buf decoded;
    enum ysync_err err;

    ys_buf_init(&decoded, alloc, YS_ROOM_NAME_MAX_BYTES);
    err = ys_percent_decode(encoded, &decoded);
    if (err == YSYNC_ERR_LIMIT)
        *why = "Room name longer than 512 bytes";
    else if (err == YSYNC_ERR_MALFORMED)
        *why = "Broken percent-encoding in the room name";
    else if (!err && decoded.len == 0)
        *why = "Empty room name";
    else if (!err && !ys_utf8_is_valid(ys_buf_bytes(&decoded)))
        *why = "Room name is not valid UTF-8";
    else if (!err && has_control(ys_buf_bytes(&decoded)))
        *why = "Control character in the room name";
    if (*why)
        err = YSYNC_ERR_MALFORMED;
    if (!err) {
        ys_buf_put(room, ys_buf_bytes(&decoded));
        err = ys_buf_err(room);
    }
    ys_buf_deinit(&decoded);
    return err;
}

static enum ysync_err match_some(const struct ys_routes *routes, size_t count, struct ysync_bytes path,
                                 struct ys_buf *room, const char **why)
{
    struct ysync_bytes encoded;

    *why = NULL;
    for (size_t i = 0; i < count; i++) {
        if (match(&routes->routes[i], path, &encoded))
            return decode_name(routes->alloc, encoded, room, why);
    }
    return YSYNC_ERR_NOT_FOUND;
}

enum ysync_err ys_routes_match(const struct ys_routes *routes, struct ysync_bytes path, struct ys_buf *room,
                               const char **why)
{
    return match_some(routes, routes->count, path, room, why);
}

enum ysync_err ys_routes_match_first(const struct ys_routes *routes, struct ysync_bytes path, struct ys_buf *room,
                                     const char **why)
{
    return match_some(routes, 1, path, room, why);
}

bool ys_routes_is_list(const struct ys_routes *routes, struct ysync_bytes path)
{
    struct ysync_bytes directory = routes->routes[0].before;

    while (directory.data[directory.len - 1] != '/') /* every route begins with one */
        directory.len--;
    if (directory.len == 1)
        directory = (struct ysync_bytes){ (const uint8_t *)"/rooms/", 7 };
    return path.len == directory.len && is_equal(path.data, directory);
}
