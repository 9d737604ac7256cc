/* SPDX-License-Identifier: MIT */
/* Makes tokens of any header and claims, signed with HS256: also such as no library would make. */
#ifndef YS_TESTS_AUTH_SIGNING_H
#define YS_TESTS_AUTH_SIGNING_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "ysync/bytes.h"

#define SIGNING_SECRET "a secret of the unit tests"
#define SIGNING_HEADER "{\"alg\":\"HS256\"}"

/* Appends the bytes in base64url, without padding, and a zero. */
static inline void append_base64url(char *to, struct ysync_bytes bytes)
{
    char *at = to + strlen(to);

    EVP_EncodeBlock((unsigned char *)at, bytes.data, (int)bytes.len);
    for (; *at && *at != '='; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
    }
    *at = '\0';
}

/* Appends a dot and the signature of what is there. */
static inline void append_signature(char *token)
{
    uint8_t signature[SHA256_DIGEST_LENGTH];

    if (!HMAC(EVP_sha256(), SIGNING_SECRET, (int)strlen(SIGNING_SECRET), (const uint8_t *)token, strlen(token),
              signature, NULL))
        abort();
    strcat(token, ".");
    append_base64url(token, (struct ysync_bytes){ signature, sizeof(signature) });
}

/* A whole token, zero-terminated; the caller frees it. */
static inline char *sign(struct ysync_bytes header, struct ysync_bytes claims)
{
    char *token = calloc(1, (header.len + claims.len) * 2 + 100);

    if (!token)
        abort();
    append_base64url(token, header);
    strcat(token, ".");
    append_base64url(token, claims);
    append_signature(token);
    return token;
}

#endif
