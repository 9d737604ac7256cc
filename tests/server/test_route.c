/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "server/route.h"
#include "support/failing_alloc.h"

#define A100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A512 A100 A100 A100 A100 A100 "aaaaaaaaaaaa"

static struct ys_routes *routes_of(const struct ysync_alloc *alloc, const char *const *patterns)
{
    struct ysync_problem problem = { "" };
    struct ys_routes *routes = NULL;
    size_t count = 0;

    while (patterns[count])
        count++;
    if (ys_routes_new(alloc, patterns, count, &routes, &problem))
        fail_msg("%s", problem.text);
    return routes;
}

static void test_route_finds_rooms(void **state)
{
    static const struct {
        const char *name;
        const char *patterns[3];
        const char *path;
        enum ysync_err err;
        const char *room; /* or what is wrong with it */
    } cases[] = {
        { "a name", { "/:room" }, "/blog", YSYNC_OK, "blog" },
        { "slashes belong to it", { "/:room" }, "/team/notes", YSYNC_OK, "team/notes" },
        { "the first route decides", { "/rooms/:room", "/:room" }, "/rooms/blog", YSYNC_OK, "blog" },
        { "or the next", { "/rooms/:room", "/:room" }, "/blog", YSYNC_OK, "blog" },
        { "the order is that of the list", { "/:room", "/rooms/:room" }, "/rooms/blog", YSYNC_OK, "rooms/blog" },
        { "text behind", { "/w/:room/sync" }, "/w/team/blog/sync", YSYNC_OK, "team/blog" },
        { "text behind, twice", { "/w/:room/sync" }, "/w/a/sync/sync", YSYNC_OK, "a/sync" },
        { "text behind is missing", { "/w/:room/sync" }, "/w/blog", YSYNC_ERR_NOT_FOUND, NULL },
        { "text in front is missing", { "/w/:room/sync" }, "/v/blog/sync", YSYNC_ERR_NOT_FOUND, NULL },
        { "the texts must not overlap", { "/w/:room/sync" }, "/w/sync", YSYNC_ERR_NOT_FOUND, NULL },
        { "no route", { "/rooms/:room" }, "/blog", YSYNC_ERR_NOT_FOUND, NULL },
        { "the beginning of a route", { "/rooms/:room" }, "/room", YSYNC_ERR_NOT_FOUND, NULL },
        { "case counts", { "/rooms/:room" }, "/Rooms/blog", YSYNC_ERR_NOT_FOUND, NULL },
        { "percent-encoding", { "/:room" }, "/a%20b%2Fc%2fd", YSYNC_OK, "a b/c/d" },
        { "decoded once", { "/:room" }, "/a%2520b", YSYNC_OK, "a%20b" },
        { "a plus is a plus", { "/:room" }, "/a+b", YSYNC_OK, "a+b" },
        { "unicode", { "/:room" }, "/caf%C3%A9-%F0%9F%98%80", YSYNC_OK, "caf\xc3\xa9-\xf0\x9f\x98\x80" },
        { "the first character after C1", { "/:room" }, "/a%C2%A0", YSYNC_OK, "a\xc2\xa0" },
        { "512 bytes", { "/:room" }, "/" A512, YSYNC_OK, A512 },
        { "513 bytes", { "/:room" }, "/" A512 "a", YSYNC_ERR_MALFORMED, "Room name longer than 512 bytes" },
        { "no bytes", { "/:room" }, "/", YSYNC_ERR_MALFORMED, "Empty room name" },
        { "no bytes, with text behind", { "/w/:room/s" }, "/w//s", YSYNC_ERR_MALFORMED, "Empty room name" },
        { "half an escape", { "/:room" }, "/a%4", YSYNC_ERR_MALFORMED, "Broken percent-encoding in the room name" },
        { "no escape", { "/:room" }, "/a%zz", YSYNC_ERR_MALFORMED, "Broken percent-encoding in the room name" },
        { "not UTF-8", { "/:room" }, "/a%ff", YSYNC_ERR_MALFORMED, "Room name is not valid UTF-8" },
        { "half a character", { "/:room" }, "/a%C3", YSYNC_ERR_MALFORMED, "Room name is not valid UTF-8" },
        { "overlong", { "/:room" }, "/%c0%80", YSYNC_ERR_MALFORMED, "Room name is not valid UTF-8" },
        { "a zero", { "/:room" }, "/a%00b", YSYNC_ERR_MALFORMED, "Control character in the room name" },
        { "a line end", { "/:room" }, "/a%0d%0ab", YSYNC_ERR_MALFORMED, "Control character in the room name" },
        { "DEL", { "/:room" }, "/%7f", YSYNC_ERR_MALFORMED, "Control character in the room name" },
        { "the first of C1", { "/:room" }, "/%C2%80", YSYNC_ERR_MALFORMED, "Control character in the room name" },
        { "the last of C1", { "/:room" }, "/%C2%9F", YSYNC_ERR_MALFORMED, "Control character in the room name" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_routes *routes = routes_of(ysync_alloc_default(), cases[i].patterns);
        struct ysync_bytes path = { (const uint8_t *)cases[i].path, strlen(cases[i].path) };
        struct ys_buf room;
        const char *why = NULL;
        enum ysync_err err;
        char got[600];

        ys_buf_init(&room, ysync_alloc_default(), SIZE_MAX);
        err = ys_routes_match(routes, path, &room, &why);
        if (err)
            snprintf(got, sizeof(got), "%s", why ? why : "");
        else
            snprintf(got, sizeof(got), "%.*s", (int)room.len, (const char *)room.data);
        if (err != cases[i].err || strcmp(got, cases[i].room ? cases[i].room : "") != 0)
            fail_msg("%s: got %d \"%s\", want %d \"%s\"", cases[i].name, err, got, cases[i].err, cases[i].room);
        ys_buf_deinit(&room);
        ys_routes_free(routes);
    }
}

/* Over HTTP the first route answers, and the list of rooms is where that route's rooms are. */
static void test_route_first_answers_over_http(void **state)
{
    static const struct {
        const char *first;
        const char *path;
        const char *room; /* NULL: none */
        bool is_list;
    } cases[] = {
        { "/rooms/:room", "/rooms/blog", "blog", false },
        { "/rooms/:room", "/second/blog", NULL, false },
        { "/rooms/:room", "/rooms/", NULL, true },
        { "/rooms/:room", "/rooms", NULL, false },
        { "/rooms/:room", "/", NULL, false },
        { "/:room", "/rooms/", "rooms/", true },
        { "/:room", "/blog", "blog", false },
        { "/:room", "/", NULL, false },
        { "/doc-:room", "/rooms/", NULL, true },
        { "/doc-:room", "/doc-7", "7", false },
        { "/workspaces/:room/sync", "/workspaces/", NULL, true },
        { "/workspaces/:room/sync", "/rooms/", NULL, false },
        { "/workspaces/:room/sync", "/workspaces/team/notes/sync", "team/notes", false },
        { "/a/b-:room", "/a/", NULL, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *patterns[] = { cases[i].first, "/second/:room" };
        struct ysync_bytes path = { (const uint8_t *)cases[i].path, strlen(cases[i].path) };
        struct ys_routes *routes;
        struct ys_buf room;
        const char *why;
        enum ysync_err err;

        ys_buf_init(&room, ysync_alloc_default(), YS_ROOM_NAME_MAX_BYTES);
        assert_int_equal(ys_routes_new(ysync_alloc_default(), patterns, 2, &routes, NULL), YSYNC_OK);
        err = ys_routes_match_first(routes, path, &room, &why);
        if ((cases[i].room != NULL) != (err == YSYNC_OK) ||
            (cases[i].room && (room.len != strlen(cases[i].room) || memcmp(room.data, cases[i].room, room.len) != 0)))
            fail_msg("%s of %s: got %s and \"%.*s\", want %s", cases[i].path, cases[i].first, ysync_strerror(err),
                     (int)room.len, (const char *)room.data, cases[i].room ? cases[i].room : "none");
        if (ys_routes_is_list(routes, path) != cases[i].is_list)
            fail_msg("%s of %s: is it the list? want %d", cases[i].path, cases[i].first, cases[i].is_list);
        ys_buf_deinit(&room);
        ys_routes_free(routes);
    }
}

static void test_route_refuses_bad_patterns(void **state)
{
    static const struct {
        const char *pattern;
        const char *problem;
    } cases[] = {
        { "", "route \"\" does not begin with a slash" },
        { ":room", "route \":room\" does not begin with a slash" },
        { "/rooms", "route \"/rooms\" has no :room in it" },
        { "/:rooms", "route \"/:rooms\" has no :room in it, only a longer word" },
        { "/:room/:room", "route \"/:room/:room\" has more than one :room in it" },
        { "/:room?x", "route \"/:room?x\" has a character that no path has" },
        { "/a b/:room", "route \"/a b/:room\" has a character that no path has" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_problem problem = { "" };
        struct ys_routes *routes = NULL;
        enum ysync_err err = ys_routes_new(ysync_alloc_default(), &cases[i].pattern, 1, &routes, &problem);

        if (err != YSYNC_ERR_INVALID_ARG || routes || strcmp(problem.text, cases[i].problem) != 0)
            fail_msg("%s: got %d \"%s\", want \"%s\"", cases[i].pattern, err, problem.text, cases[i].problem);
    }
}

static void test_route_survives_failed_allocations(void **state)
{
    static const char *const patterns[] = { "/rooms/:room", "/:room" };
    const struct ysync_bytes path = { (const uint8_t *)"/rooms/a%20b", 12 };

    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc memory;
        struct ys_routes *routes = NULL;
        struct ys_buf room;
        const char *why;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        ys_buf_init(&room, &memory.alloc, SIZE_MAX);
        err = ys_routes_new(&memory.alloc, patterns, 2, &routes, NULL);
        if (!err)
            err = ys_routes_match(routes, path, &room, &why);
        ys_buf_deinit(&room);
        ys_routes_free(routes);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_finds_rooms),
        cmocka_unit_test(test_route_first_answers_over_http),
        cmocka_unit_test(test_route_refuses_bad_patterns),
        cmocka_unit_test(test_route_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
