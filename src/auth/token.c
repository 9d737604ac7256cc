/* SPDX-License-Identifier: MIT */
/*
 * Digests are compared, not tokens: they have one length, whatever the tokens', and a digest that agrees in its first
 * bytes tells nothing about the token behind it. All of them are compared, also behind a match.
 */
#include "auth/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/alloc.h"

struct token_auth {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
    size_t count;
    uint8_t digests[][SHA256_DIGEST_LENGTH];
};

static bool contains(const struct token_auth *tokens, struct ysync_bytes token)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    unsigned matches = 0;

    if (!SHA256(token.data, token.len, digest))
        return false;
    for (size_t i = 0; i < tokens->count; i++)
        matches |= CRYPTO_memcmp(digest, tokens->digests[i], sizeof(digest)) == 0;
    return matches != 0;
}

static void check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    bool is_known = contains((struct token_auth *)auth, request->token);

    verdict(user, (struct ys_verdict){ is_known ? YS_ACCESS_WRITE : YS_ACCESS_NONE, YS_VERDICT_FOREVER });
}

static void free_tokens(struct ys_auth *auth)
{
    struct token_auth *tokens = (struct token_auth *)auth;

    ys_free(tokens->alloc, tokens);
}

enum ysync_err ys_auth_new_tokens(const struct ysync_alloc *alloc, const struct ysync_bytes *tokens, size_t count,
                                  struct ys_auth **out)
{
    struct token_auth *made;

    if (count > (SIZE_MAX - sizeof(*made)) / SHA256_DIGEST_LENGTH)
        return YSYNC_ERR_NOMEM;
    made = ys_alloc_array(alloc, 1, sizeof(*made) + count * SHA256_DIGEST_LENGTH);
    if (!made)
        return YSYNC_ERR_NOMEM;
    made->auth = (struct ys_auth){ .check = check, .free = free_tokens };
    made->alloc = alloc;
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!SHA256(tokens[i].data, tokens[i].len, made->digests[i])) {
            free_tokens(&made->auth);
            return YSYNC_ERR_NOMEM;
        }
    }
    *out = &made->auth;
    return YSYNC_OK;
}
