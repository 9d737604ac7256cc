/* SPDX-License-Identifier: MIT */
/*
 * The auth that a plugin's configuration asks for, made anew whenever its files are to be read again.
 *
 *     tokens, token_file, jwt_key_file, verify_url, verify     at most one of these; none: open to all
 */
#ifndef YS_SERVER_AUTH_SETUP_H
#define YS_SERVER_AUTH_SETUP_H

#include "auth/auth.h"
#include "ysync/plugin.h"
#include "ysync/problem.h"

struct uv_loop_s;
struct ys_auth_setup;

/* What an auth may need beside its configuration. All of it outlives what is made. */
struct ys_auth_setting {
    struct uv_loop_s *loop;
    const struct ysync_log *log;
    ysync_verify_fn *verify; /* takes the place of the program's callback, if that is there */
    void *verify_user;
};

/* Copies the setting, and what it needs of the configuration. problem (may be NULL) is written on errors: INVALID_ARG
 * (two ways at once, an empty token, an issuer or audience without a key), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_setup_new(const struct ysync_alloc *alloc,
                                               const struct ysync_plugin_config *config,
                                               const struct ys_auth_setting *setting, struct ys_auth_setup **out,
                                               struct ysync_problem *problem);
void ys_auth_setup_free(struct ys_auth_setup *setup); /* accepts NULL */

/* Errors: INVALID_ARG (what a file holds, a URL), IO (a file that cannot be read), LIMIT, NOMEM; problem as above. */
YSYNC_CHECKED enum ysync_err ys_auth_setup_make(const struct ys_auth_setup *setup, struct ys_auth **out,
                                                struct ysync_problem *problem);

/* Does what is made depend on files? */
bool ys_auth_setup_has_files(const struct ys_auth_setup *setup);

#endif
