/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"

#include "base/alloc.h"

struct open_auth {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
};

static void let_in(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    (void)auth;
    (void)request;
    verdict(user, (struct ys_verdict){ YS_ACCESS_WRITE, YS_VERDICT_FOREVER });
}

static void free_open(struct ys_auth *auth)
{
    struct open_auth *open = (struct open_auth *)auth;

    ys_free(open->alloc, open);
}

enum ysync_err ys_auth_new_open(const struct ysync_alloc *alloc, struct ys_auth **out)
{
    struct open_auth *open = ys_alloc_array(alloc, 1, sizeof(*open));

    if (!open)
        return YSYNC_ERR_NOMEM;
    *open = (struct open_auth){ .auth = { .check = let_in, .free = free_open }, .alloc = alloc };
    *out = &open->auth;
    return YSYNC_OK;
}
