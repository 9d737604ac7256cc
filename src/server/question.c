/* SPDX-License-Identifier: MIT */
#include "server/question.h"

#include "base/alloc.h"

struct ys_question {
    const struct ysync_alloc *alloc;
    ys_auth_verdict_fn *verdict;
    void *user;
    struct ys_question **slot; /* NULL: the asker has gone */
};

static void on_verdict(void *user, struct ys_verdict verdict)
{
    struct ys_question question = *(struct ys_question *)user;

    ys_free(question.alloc, user);
    if (!question.slot)
        return;
    *question.slot = NULL;
    question.verdict(question.user, verdict);
}

enum ysync_err ys_question_ask(struct ys_auth *auth, const struct ysync_alloc *alloc,
                               const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user,
                               struct ys_question **slot)
{
    struct ys_question *question = ys_alloc_zeroed(alloc, 1, sizeof(*question));

    if (!question)
        return YSYNC_ERR_NOMEM;
    *question = (struct ys_question){ .alloc = alloc, .verdict = verdict, .user = user, .slot = slot };
    *slot = question;
    ys_auth_check(auth, request, on_verdict, question);
    return YSYNC_OK;
}

void ys_question_forget(struct ys_question *question)
{
    if (question)
        question->slot = NULL;
}
