/* SPDX-License-Identifier: MIT */
/*
 * The auth that a plugin's configuration asks for, made anew whenever its files are to be read again.
 *
 *     tokens, token_file, verify     at most one of these; none: open to all
 */
#ifndef YS_SERVER_AUTH_SETUP_H
#define YS_SERVER_AUTH_SETUP_H

#include "auth/auth.h"
#include "ysync/plugin.h"
#include "ysync/problem.h"

struct ys_auth_setup;

/* Copies what it needs of the configuration, `verify` taking the place of the program's callback if that is there.
 * problem (may be NULL) is written on errors: INVALID_ARG (two ways at once, an empty token), NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_setup_new(const struct ysync_alloc *alloc,
                                               const struct ysync_plugin_config *config, ysync_verify_fn *verify,
                                               void *verify_user, struct ys_auth_setup **out,
                                               struct ysync_problem *problem);
void ys_auth_setup_free(struct ys_auth_setup *setup); /* accepts NULL */

/* Errors: INVALID_ARG (what a file holds), IO (a file that cannot be read), LIMIT, NOMEM; problem as above. */
YSYNC_CHECKED enum ysync_err ys_auth_setup_make(const struct ys_auth_setup *setup, struct ys_auth **out,
                                                struct ysync_problem *problem);

/* Does what is made depend on files? */
bool ys_auth_setup_has_files(const struct ys_auth_setup *setup);

#endif
