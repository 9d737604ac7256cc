/* SPDX-License-Identifier: MIT */
/* Shared tokens: secrets that open every room. */
#ifndef YS_AUTH_TOKEN_H
#define YS_AUTH_TOKEN_H

#include "auth/auth.h"

/* At least one token. They are not kept, only their digests. How long a comparison takes says nothing about them,
 * except how many they are. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_auth_new_tokens(const struct ysync_alloc *alloc, const struct ysync_bytes *tokens,
                                                size_t count, struct ys_auth **out);

#endif
