/* SPDX-License-Identifier: MIT */
/*
 * Any patterns and any path: what is found is a name as names must be; what the first route finds is what all of them
 * find; and a path made of a pattern and a name, each byte of it encoded, leads back to that name. The input is one or
 * two patterns, each ended by a line feed, and the path.
 */
#include "requests.h"

#include "base/alloc.h"

#define PLACEHOLDER ":room"
#define MAX_PATTERN_BYTES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes a line off the input; false if there is none that fits. */
static bool take_line(struct ysync_bytes *in, char out[MAX_PATTERN_BYTES])
{
    const uint8_t *end = in->len > 0 ? memchr(in->data, '\n', in->len) : NULL;
    size_t len = end ? (size_t)(end - in->data) : 0;

    if (!end || len >= MAX_PATTERN_BYTES)
        return false;
    memcpy(out, in->data, len);
    out[len] = '\0';
    *in = (struct ysync_bytes){ end + 1, in->len - len - 1 };
    return true;
}

static enum ysync_err match(const struct ys_routes *routes, bool is_first, struct ysync_bytes path, struct ys_buf *room)
{
    const char *why = NULL;
    enum ysync_err err;

    err = is_first ? ys_routes_match_first(routes, path, room, &why) : ys_routes_match(routes, path, room, &why);
    require(err == YSYNC_OK || err == YSYNC_ERR_NOT_FOUND || err == YSYNC_ERR_MALFORMED, "no other error");
    require((err == YSYNC_ERR_MALFORMED) == (why != NULL), "a bad name is explained, and nothing else");
    if (err)
        require(room->len == 0, "no name without a match");
    else
        require_room_name(ys_buf_bytes(room));
    return err;
}

static void put_path(struct ys_buf *path, const char *pattern, struct ysync_bytes name)
{
    const char *room = strstr(pattern, PLACEHOLDER);
    char encoded[4];

    ys_buf_put(path, (struct ysync_bytes){ (const uint8_t *)pattern, (size_t)(room - pattern) });
    for (size_t i = 0; i < name.len; i++) {
        snprintf(encoded, sizeof(encoded), "%%%02X", name.data[i]);
        ys_buf_put_str(path, encoded);
    }
    ys_buf_put_str(path, room + strlen(PLACEHOLDER));
}

static void check_way_back(const struct ys_routes *routes, const char *pattern, struct ysync_bytes name)
{
    struct ys_buf path;
    struct ys_buf again;

    ys_buf_init(&path, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&again, ysync_alloc_default(), YS_ROOM_NAME_MAX_BYTES);
    put_path(&path, pattern, name);
    require(!match(routes, true, ys_buf_bytes(&path), &again), "a path made of a pattern fits it");
    require(is_same(ys_buf_bytes(&again), name), "encoded and decoded a name is the same");
    ys_buf_deinit(&path);
    ys_buf_deinit(&again);
}

static void check_path(const struct ys_routes *routes, const char *pattern, struct ysync_bytes path)
{
    struct ys_buf by_any;
    struct ys_buf by_first;
    enum ysync_err any;
    enum ysync_err first;

    ys_buf_init(&by_any, ysync_alloc_default(), YS_ROOM_NAME_MAX_BYTES);
    ys_buf_init(&by_first, ysync_alloc_default(), YS_ROOM_NAME_MAX_BYTES);
    any = match(routes, false, path, &by_any);
    first = match(routes, true, path, &by_first);
    require(first == YSYNC_ERR_NOT_FOUND || any == first, "what the first route says, all say");
    if (!first)
        require(is_same(ys_buf_bytes(&by_any), ys_buf_bytes(&by_first)), "the first route goes first");
    if (!any)
        check_way_back(routes, pattern, ys_buf_bytes(&by_any));
    ys_routes_is_list(routes, path);
    ys_buf_deinit(&by_any);
    ys_buf_deinit(&by_first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_bytes in = { data, size };
    struct ysync_problem problem = { "" };
    char patterns[2][MAX_PATTERN_BYTES];
    const char *list[] = { patterns[0], patterns[1] };
    struct ys_routes *routes;
    size_t count = 0;

    while (count < ARRAY_LEN(list) && take_line(&in, patterns[count]))
        count++;
    if (ys_routes_new(ysync_alloc_default(), list, count, &routes, &problem)) {
        require(problem.text[0] != '\0', "a bad pattern is explained");
        return 0;
    }
    check_path(routes, list[0], in);
    ys_routes_free(routes);
    return 0;
}
