/* SPDX-License-Identifier: MIT */
/*
 * One question of the web hook's as HTTP: what is sent, and what the answer means.
 *
 *     struct ys_hook_prototype       URL and options, set once
 *            | copied
 *     struct ys_hook_request         init: writes the body ... open: makes a transfer ... it ends ... read: the answer
 *
 * Who moves the bytes is transfers.h's matter.
 */
#ifndef YS_AUTH_HOOK_REQUEST_H
#define YS_AUTH_HOOK_REQUEST_H

#include "auth/auth.h"
#include "auth/curl.h"
#include "base/buf.h"
#include "ysync/problem.h"

/* Of the head of an answer, and of its body. */
#define YS_HOOK_MAX_ANSWER_BYTES ((size_t)16 * 1024)

/* What all requests have in common. */
struct ys_hook_prototype {
    CURL *easy;
    struct curl_slist *fields;
};

/* It stays where it is from init to deinit. */
struct ys_hook_request {
    CURL *easy; /* NULL until it is opened; its private pointer is the request */
    struct ys_buf body;
    struct ys_buf answer;
    size_t head_bytes; /* of the answer */
};

struct ys_hook_answer {
    enum ys_access access;
    uint64_t max_age_s;  /* for how long it may be used again */
    const char *problem; /* of UNKNOWN: why; good as long as the answer */
    char text[32];
};

/* problem (may be NULL) is written on errors: INVALID_ARG, NOMEM. It does not tell the URL: there may be a password in
 * it. */
YSYNC_CHECKED enum ysync_err ys_hook_check_url(const char *url, struct ysync_problem *problem);

/* The URL is copied. Errors: NOMEM, IO (libcurl cannot do it); also then it may be deinitialized, as it may when it is
 * all zeros. */
YSYNC_CHECKED enum ysync_err ys_hook_prototype_init(struct ys_hook_prototype *prototype, const char *url);
void ys_hook_prototype_deinit(struct ys_hook_prototype *prototype);

/* Writes the body; the token is UTF-8. Errors: NOMEM, LIMIT (it is longer than max_bytes); also then it must be
 * deinitialized. */
YSYNC_CHECKED enum ysync_err ys_hook_request_init(struct ys_hook_request *request, const struct ysync_alloc *alloc,
                                                  const struct ys_auth_request *question, size_t max_bytes);
void ys_hook_request_deinit(struct ys_hook_request *request); /* its transfer is not under way */

/* Makes the transfer. The prototype outlives it. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_hook_request_open(struct ys_hook_request *request,
                                                  const struct ys_hook_prototype *prototype);

/* The transfer has ended with this result. */
void ys_hook_request_read(const struct ys_hook_request *request, CURLcode result, struct ys_hook_answer *answer);

#endif
