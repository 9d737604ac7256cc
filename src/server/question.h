/* SPDX-License-Identifier: MIT */
/*
 * A question to auth, with somebody who waits for the verdict and may be gone when it comes.
 *
 *     asker ---slot---> question <---user--- auth
 *       '-- forgets, and goes                  '-- answers, exactly once: then the question goes
 */
#ifndef YS_SERVER_QUESTION_H
#define YS_SERVER_QUESTION_H

#include "auth/auth.h"

struct ys_question;

/* Asks; `verdict` is called before this returns, or later. Meanwhile *slot is the question; when `verdict` is called it
 * is NULL again. Errors: NOMEM; then nobody was asked. */
YSYNC_CHECKED enum ysync_err ys_question_ask(struct ys_auth *auth, const struct ysync_alloc *alloc,
                                             const struct ys_auth_request *request, ys_auth_verdict_fn *verdict,
                                             void *user, struct ys_question **slot);

/* The asker goes: nothing of it, slot included, is touched any more. Accepts NULL. */
void ys_question_forget(struct ys_question *question);

#endif
