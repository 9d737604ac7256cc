/* SPDX-License-Identifier: MIT */
/* The program decides: ysync/verify.h. */
#ifndef YS_AUTH_CALLBACK_H
#define YS_AUTH_CALLBACK_H

#include "auth/auth.h"
#include "ysync/verify.h"

/* Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new_callback(const struct ysync_alloc *alloc, ysync_verify_fn *verify, void *user,
                                                  struct ys_auth **out);

#endif
