/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"

#include "auth/token.h"
#include "base/alloc.h"

struct ys_auth {
    const struct ysync_alloc *alloc;
    struct ys_tokens *tokens; /* NULL: open */
};

enum ysync_err ys_auth_new(const struct ysync_alloc *alloc, const char *const *tokens, size_t token_count,
                           struct ys_auth **out)
{
    struct ys_auth *auth = ys_alloc_zeroed(alloc, 1, sizeof(*auth));
    enum ysync_err err = YSYNC_OK;

    if (!auth)
        return YSYNC_ERR_NOMEM;
    auth->alloc = alloc;
    if (token_count > 0)
        err = ys_tokens_new(alloc, tokens, token_count, &auth->tokens);
    if (err) {
        ys_free(alloc, auth);
        return err;
    }
    *out = auth;
    return YSYNC_OK;
}

void ys_auth_free(struct ys_auth *auth)
{
    if (!auth)
        return;
    ys_tokens_free(auth->tokens);
    ys_free(auth->alloc, auth);
}

void ys_auth_check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    bool is_open = !auth->tokens;
    bool may_pass = is_open || ys_tokens_contains(auth->tokens, request->token);

    verdict(user, may_pass ? YS_ACCESS_WRITE : YS_ACCESS_NONE);
}
