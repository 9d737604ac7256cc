/* SPDX-License-Identifier: MIT */
/* Shared tokens: secrets that open every room. */
#ifndef YS_AUTH_TOKEN_H
#define YS_AUTH_TOKEN_H

#include <stdbool.h>

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/err.h"

struct ys_tokens;

/* At least one token. Errors: NOMEM. */
YSYNC_CHECKED enum ysync_err ys_tokens_new(const struct ysync_alloc *alloc, const char *const *tokens, size_t count,
                                           struct ys_tokens **out);
void ys_tokens_free(struct ys_tokens *tokens); /* accepts NULL */

/* Is it one of them? How long that takes says nothing about them, except how many they are. */
bool ys_tokens_contains(const struct ys_tokens *tokens, struct ysync_bytes token);

#endif
