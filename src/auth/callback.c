/* SPDX-License-Identifier: MIT */
#include "auth/callback.h"

#include "base/alloc.h"

struct callback_auth {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
    ysync_verify_fn *verify;
    void *user;
};

/* Needs nothing of what it came from but the allocator: its answer may be the last that is heard of it. */
struct ysync_verification {
    const struct ysync_alloc *alloc;
    ys_auth_verdict_fn *verdict;
    void *user;
};

static void ask(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    struct callback_auth *callback = (struct callback_auth *)auth;
    const struct ysync_verify_request question = {
        .room = request->room,
        .token = request->token,
        .peer = request->peer,
        .transport = request->is_websocket ? YSYNC_TRANSPORT_WEBSOCKET : YSYNC_TRANSPORT_HTTP,
    };
    struct ysync_verification *verification = ys_alloc_array(callback->alloc, 1, sizeof(*verification));

    if (!verification) {
        verdict(user, (struct ys_verdict){ YS_ACCESS_UNKNOWN, YS_VERDICT_FOREVER });
        return;
    }
    *verification = (struct ysync_verification){ .alloc = callback->alloc, .verdict = verdict, .user = user };
    callback->verify(callback->user, verification, &question);
}

static void free_callback(struct ys_auth *auth)
{
    struct callback_auth *callback = (struct callback_auth *)auth;

    ys_free(callback->alloc, callback);
}

enum ysync_err ys_auth_new_callback(const struct ysync_alloc *alloc, ysync_verify_fn *verify, void *user,
                                    struct ys_auth **out)
{
    struct callback_auth *callback = ys_alloc_array(alloc, 1, sizeof(*callback));

    if (!callback)
        return YSYNC_ERR_NOMEM;
    *callback = (struct callback_auth){
        .auth = { .check = ask, .free = free_callback },
        .alloc = alloc,
        .verify = verify,
        .user = user,
    };
    *out = &callback->auth;
    return YSYNC_OK;
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
    ysync_verify_answer_for(verification, access, UINT64_MAX);
}

void ysync_verify_answer_for(struct ysync_verification *verification, enum ysync_access access, uint64_t holds_ms)
{
    struct ysync_verification ended = *verification;

    ys_free(ended.alloc, verification);
    ended.verdict(ended.user, (struct ys_verdict){ access_of(access), holds_ms });
}
