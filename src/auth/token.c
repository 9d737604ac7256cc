/* SPDX-License-Identifier: MIT */
/*
 * Digests are compared, not tokens: they have one length, whatever the tokens', and a digest that agrees in its first
 * bytes tells nothing about the token behind it. All of them are compared, also behind a match.
 */
#include "auth/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/alloc.h"

struct ys_tokens {
    const struct ysync_alloc *alloc;
    size_t count;
    uint8_t digests[][SHA256_DIGEST_LENGTH];
};

enum ysync_err ys_tokens_new(const struct ysync_alloc *alloc, const char *const *tokens, size_t count,
                             struct ys_tokens **out)
{
    struct ys_tokens *made;

    if (count > (SIZE_MAX - sizeof(*made)) / SHA256_DIGEST_LENGTH)
        return YSYNC_ERR_NOMEM;
    made = ys_alloc_zeroed(alloc, 1, sizeof(*made) + count * SHA256_DIGEST_LENGTH);
    if (!made)
        return YSYNC_ERR_NOMEM;
    made->alloc = alloc;
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!SHA256((const uint8_t *)tokens[i], strlen(tokens[i]), made->digests[i])) {
            ys_tokens_free(made);
            return YSYNC_ERR_NOMEM;
        }
    }
    *out = made;
    return YSYNC_OK;
}

void ys_tokens_free(struct ys_tokens *tokens)
{
    if (tokens)
        ys_free(tokens->alloc, tokens);
}

bool ys_tokens_contains(const struct ys_tokens *tokens, struct ysync_bytes token)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    unsigned matches = 0;

    if (!SHA256(token.data, token.len, digest))
        return false;
    for (size_t i = 0; i < tokens->count; i++)
        matches |= CRYPTO_memcmp(digest, tokens->digests[i], sizeof(digest)) == 0;
    return matches != 0;
}
