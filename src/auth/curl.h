/* SPDX-License-Identifier: MIT */
/*
 * libcurl, loaded when the first web hook is made. With all that it stands on in turn (LDAP, Kerberos, SSH ...) it
 * takes as much memory as the rest of an idle server, and most servers never ask anybody.
 *
 *     ys_curl_load()     libcurl.so.4 --> ys_curl.easy_init, ys_curl.multi_init ...
 */
#ifndef YS_AUTH_CURL_H
#define YS_AUTH_CURL_H

/* Calls through pointers have no macros that check them. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "ysync/err.h"
#include "ysync/problem.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

/* Its functions, by their names without "curl_"; good once it is loaded, and for ever. */
struct ys_curl {
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_duphandle) *easy_duphandle;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_header) *easy_header;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_assign) *multi_assign;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_socket_action) *multi_socket_action;
    __typeof__(curl_multi_timeout) *multi_timeout;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_url) *url;
    __typeof__(curl_url_cleanup) *url_cleanup;
    __typeof__(curl_url_get) *url_get;
    __typeof__(curl_url_set) *url_set;
    __typeof__(curl_free) *free_text;
};

extern struct ys_curl ys_curl;

/* Loads and initializes it, once for the whole program and in any thread. problem (may be NULL) is written on errors:
 * IO (it is not installed, or too old). */
YSYNC_CHECKED enum ysync_err ys_curl_load(struct ysync_problem *problem);

#endif
