/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"

#include "auth/token.h"
#include "base/alloc.h"

struct ys_auth {
    const struct ysync_alloc *alloc;
    struct ys_tokens *tokens; /* NULL: open, or a callback's */
    ysync_verify_fn *verify;  /* or NULL */
    void *verify_user;
};

/* Needs nothing of what it came from but the allocator: its answer may be the last that is heard of it. */
struct ysync_verification {
    const struct ysync_alloc *alloc;
    ys_auth_verdict_fn *verdict;
    void *user;
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

enum ysync_err ys_auth_new_verify(const struct ysync_alloc *alloc, ysync_verify_fn *verify, void *user,
                                  struct ys_auth **out)
{
    enum ysync_err err = ys_auth_new(alloc, NULL, 0, out);

    if (err)
        return err;
    (*out)->verify = verify;
    (*out)->verify_user = user;
    return YSYNC_OK;
}

void ys_auth_free(struct ys_auth *auth)
{
    if (!auth)
        return;
    ys_tokens_free(auth->tokens);
    ys_free(auth->alloc, auth);
}

static void ask(const struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict,
                void *user)
{
    const struct ysync_verify_request question = {
        .room = request->room,
        .token = request->token,
        .peer = request->peer,
        .transport = request->is_websocket ? YSYNC_TRANSPORT_WEBSOCKET : YSYNC_TRANSPORT_HTTP,
    };
    struct ysync_verification *verification = ys_alloc_array(auth->alloc, 1, sizeof(*verification));

    if (!verification) {
        verdict(user, YS_ACCESS_UNKNOWN);
        return;
    }
    *verification = (struct ysync_verification){ .alloc = auth->alloc, .verdict = verdict, .user = user };
    auth->verify(auth->verify_user, verification, &question);
}

static enum ys_access access_of(enum ysync_access access)
{
    switch (access) {
    case YSYNC_ACCESS_READ:
        return YS_ACCESS_READ;
    case YSYNC_ACCESS_WRITE:
        return YS_ACCESS_WRITE;
    case YSYNC_ACCESS_UNAVAILABLE:
        return YS_ACCESS_UNKNOWN;
    case YSYNC_ACCESS_NONE:
        break;
    }
    return YS_ACCESS_NONE;
}

void ysync_verify_answer(struct ysync_verification *verification, enum ysync_access access)
{
    struct ysync_verification ended = *verification;

    ys_free(ended.alloc, verification);
    ended.verdict(ended.user, access_of(access));
}

void ys_auth_check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    bool is_open = !auth->tokens;
    bool may_pass = is_open || ys_tokens_contains(auth->tokens, request->token);

    if (auth->verify)
        ask(auth, request, verdict, user);
    else
        verdict(user, may_pass ? YS_ACCESS_WRITE : YS_ACCESS_NONE);
}
