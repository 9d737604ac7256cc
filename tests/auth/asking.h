/* SPDX-License-Identifier: MIT */
/* For tests of src/auth: a question, and what became of it. */
#ifndef YS_TESTS_AUTH_ASKING_H
#define YS_TESTS_AUTH_ASKING_H

#include <string.h>

#include "auth/auth.h"

struct asking {
    unsigned verdicts; /* how many came */
    struct ys_verdict verdict;
};

static inline void note_verdict(void *user, struct ys_verdict verdict)
{
    struct asking *asking = user;

    asking->verdicts++;
    asking->verdict = verdict;
}

static inline struct ysync_bytes bytes_of(const char *text)
{
    return (struct ysync_bytes){ (const uint8_t *)text, strlen(text) };
}

/* The answer of an auth that answers at once; YS_ACCESS_UNKNOWN if it did not, or more than once. */
static inline enum ys_access ask(struct ys_auth *auth, struct ysync_bytes token)
{
    const struct ys_auth_request request = { .room = bytes_of("blog"), .token = token, .is_websocket = true };
    struct asking asking = { 0 };

    ys_auth_check(auth, &request, note_verdict, &asking);
    return asking.verdicts == 1 ? asking.verdict.access : YS_ACCESS_UNKNOWN;
}

#endif
