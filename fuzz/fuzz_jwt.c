/* SPDX-License-Identifier: MIT */
/*
 * What is let in was signed. The input is a token as it came; and the same input as claims, signed with the right
 * secret, so that they are read. Of those, the claims decide: they are let into one room if they are let into all.
 */
#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "../tests/auth/signing.h"
#include "auth/jwt.h"
#include "base/json_reader.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S 1767225600

static void keep_verdict(void *user, struct ys_verdict verdict)
{
    *(struct ys_verdict *)user = verdict;
}

static struct ysync_bytes bytes_of(const char *text)
{
    return (struct ysync_bytes){ (const uint8_t *)text, strlen(text) };
}

static struct ys_verdict ask(struct ys_auth *auth, struct ysync_bytes token, const char *room)
{
    const struct ys_auth_request request = { .room = bytes_of(room), .token = token, .unix_time_s = NOW_S };
    struct ys_verdict verdict = { YS_ACCESS_UNKNOWN, 0 };

    ys_auth_check(auth, &request, keep_verdict, &verdict);
    REQUIRE(verdict.access != YS_ACCESS_UNKNOWN);
    REQUIRE(ERR_peek_error() == 0);
    return verdict;
}

/* Nobody but this file knows the secret; an input that carries its own signature is one that was kept in the corpus. */
static void check_token(struct ys_auth *auth, struct ysync_bytes token)
{
    size_t dots = 0;

    if (ask(auth, token, "blog").access == YS_ACCESS_NONE)
        return;
    for (size_t i = 0; i < token.len; i++)
        dots += token.data[i] == '.';
    REQUIRE(dots == 2);
}

static void check_claims(struct ys_auth *auth, struct ysync_bytes claims)
{
    struct ys_json_field fields[] = { { .name = "room" }, { .name = "exp" } };
    char *token = sign(bytes_of(SIGNING_HEADER), claims);
    struct ys_verdict blog = ask(auth, bytes_of(token), "blog");
    struct ys_verdict all = ask(auth, bytes_of(token), "");

    if (all.access != YS_ACCESS_NONE)
        REQUIRE(blog.access == all.access);
    if (blog.access != YS_ACCESS_NONE) {
        REQUIRE(ys_json_read_object(claims, fields, 2) == YSYNC_OK);
        if (fields[0].value.kind == YS_JSON_NONE)
            REQUIRE(all.access == blog.access);
        REQUIRE((fields[1].value.kind == YS_JSON_NUMBER) || (fields[1].value.kind == YS_JSON_NONE));
        REQUIRE(fields[1].value.kind == YS_JSON_NUMBER || blog.holds_ms == YS_VERDICT_FOREVER);
    }
    token[strlen(token) / 2] ^= 1; /* whichever part that is in */
    REQUIRE(ask(auth, bytes_of(token), "blog").access == YS_ACCESS_NONE);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ys_jwt_config config = { .key = bytes_of(SIGNING_SECRET) };
    struct ysync_bytes input = { data, size };
    static struct ys_auth *auth; /* made once: telling what a key is takes longer than all else */

    if (!auth && ys_auth_new_jwt(ysync_alloc_default(), &config, &auth, NULL))
        abort();
    check_token(auth, input);
    check_claims(auth, input);
    return 0;
}
