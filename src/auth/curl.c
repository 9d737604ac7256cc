/* SPDX-License-Identifier: MIT */
#include "auth/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/problem.h"

/* The name is that of libcurl's binary interface since 2006. */
#define LIBRARY "libcurl.so.4"

/* From 7.87 on it need not wait for a name that is being looked up. */
#define OLDEST_VERSION 0x075700

struct ys_curl ys_curl;

static uv_once_t once = UV_ONCE_INIT;
static struct ysync_problem trouble; /* empty: it is loaded */

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    { "curl_easy_init", offsetof(struct ys_curl, easy_init) },
    { "curl_easy_cleanup", offsetof(struct ys_curl, easy_cleanup) },
    { "curl_easy_duphandle", offsetof(struct ys_curl, easy_duphandle) },
    { "curl_easy_setopt", offsetof(struct ys_curl, easy_setopt) },
    { "curl_easy_getinfo", offsetof(struct ys_curl, easy_getinfo) },
    { "curl_easy_header", offsetof(struct ys_curl, easy_header) },
    { "curl_easy_strerror", offsetof(struct ys_curl, easy_strerror) },
    { "curl_multi_init", offsetof(struct ys_curl, multi_init) },
    { "curl_multi_cleanup", offsetof(struct ys_curl, multi_cleanup) },
    { "curl_multi_setopt", offsetof(struct ys_curl, multi_setopt) },
    { "curl_multi_add_handle", offsetof(struct ys_curl, multi_add_handle) },
    { "curl_multi_remove_handle", offsetof(struct ys_curl, multi_remove_handle) },
    { "curl_multi_assign", offsetof(struct ys_curl, multi_assign) },
    { "curl_multi_info_read", offsetof(struct ys_curl, multi_info_read) },
    { "curl_multi_socket_action", offsetof(struct ys_curl, multi_socket_action) },
    { "curl_multi_timeout", offsetof(struct ys_curl, multi_timeout) },
    { "curl_slist_append", offsetof(struct ys_curl, slist_append) },
    { "curl_slist_free_all", offsetof(struct ys_curl, slist_free_all) },
    { "curl_url", offsetof(struct ys_curl, url) },
    { "curl_url_cleanup", offsetof(struct ys_curl, url_cleanup) },
    { "curl_url_get", offsetof(struct ys_curl, url_get) },
    { "curl_url_set", offsetof(struct ys_curl, url_set) },
    { "curl_free", offsetof(struct ys_curl, free_text) },
};

/* A pointer to a function, as dlsym() gives it (POSIX says that it may be copied as bytes). */
static bool find(void *library, const char *name, void *to)
{
    void *function = dlsym(library, name);

    memcpy(to, &function, sizeof(function));
    return function;
}

static bool find_all(void *library)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (!find(library, functions[i].name, (char *)&ys_curl + functions[i].offset))
            return false;
    }
    return true;
}

static bool initialize(void *library)
{
    __typeof__(curl_version_info) *version_info;
    __typeof__(curl_global_init) *global_init;

    return find(library, "curl_version_info", &version_info) && find(library, "curl_global_init", &global_init) &&
           version_info(CURLVERSION_NOW)->version_num >= OLDEST_VERSION && find_all(library) &&
           global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* Never undone: other users of libcurl in this program may count on it by now. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        ys_problem_set(&trouble, "a web hook needs libcurl: %s", dlerror());
    else if (!initialize(library))
        ys_problem_set(&trouble, "a web hook needs libcurl 7.87 or later: this %s does not do", LIBRARY);
}

enum ysync_err ys_curl_load(struct ysync_problem *problem)
{
    uv_once(&once, load);
    if (!trouble.text[0])
        return YSYNC_OK;
    ys_problem_set(problem, "%s", trouble.text);
    return YSYNC_ERR_IO;
}
