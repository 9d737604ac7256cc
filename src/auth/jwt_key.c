/* SPDX-License-Identifier: MIT */
/*
 * What a file holds is told by its bytes alone. If a public key were mistaken for a secret, everybody who knows that
 * key could sign with it; so whatever looks like a key, also in a form that is not read here, is never a secret.
 *
 *     "-----BEGIN" in it?                                    yes: a public key or certificate, RS256 or ES256
 *          no
 *     a key in DER or bare base64, JWK, SSH, UTF-16?         yes: refused
 *          no
 *     a secret, HS256
 *
 * OpenSSL leaves errors in a queue of the thread, which the program may use too: what is added is taken off again.
 */
#include "auth/jwt_key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "auth/secret_file.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json_reader.h"
#include "base/problem.h"

#define MIN_RSA_BITS 2048

/* r and s are numbers below the order of P-256. */
#define ES256_HALF_BYTES 32

#define PEM_BEGIN "-----BEGIN "

struct ys_jwt_key {
    const struct ysync_alloc *alloc;
    const char *algorithm;
    enum ysync_err (*verify)(const struct ys_jwt_key *key, struct ysync_bytes text, struct ysync_bytes signature);
    EVP_PKEY *public_key; /* NULL: it is a secret */
    struct ys_buf secret;
};

static enum ysync_err reject(struct ysync_problem *problem, const char *text)
{
    ys_problem_set(problem, "the JWT key %s", text);
    return YSYNC_ERR_INVALID_ARG;
}

static enum ysync_err no_memory(struct ysync_problem *problem)
{
    ys_problem_set(problem, "out of memory");
    return YSYNC_ERR_NOMEM;
}

static bool begins_with(struct ysync_bytes bytes, const char *text)
{
    size_t len = strlen(text);

    return bytes.len >= len && memcmp(bytes.data, text, len) == 0;
}

static struct ysync_bytes without_first(struct ysync_bytes bytes, size_t count)
{
    return (struct ysync_bytes){ bytes.data + count, bytes.len - count };
}

/* From where the text stands in the bytes on; empty if it does not. */
static struct ysync_bytes find(struct ysync_bytes bytes, const char *text)
{
    while (bytes.len > 0 && !begins_with(bytes, text))
        bytes = without_first(bytes, 1);
    return bytes;
}

/* One of the three is what DER holds, and nothing behind it. */
static EVP_PKEY *decode_public_key(const char *name, const uint8_t *der, long len)
{
    const uint8_t *end = der + len;
    EVP_PKEY *key = NULL;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
        key = d2i_PUBKEY(NULL, &der, len);
    } else if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0) {
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
    } else if (strcmp(name, PEM_STRING_X509) == 0) {
        X509 *certificate = d2i_X509(NULL, &der, len);

        key = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
    }
    if (key && der != end) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* The first block, without OpenSSL's own way of opening encrypted ones: it asks for a password on the terminal. */
static EVP_PKEY *read_pem(struct ysync_bytes pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = NULL;
    char *name, *header;
    uint8_t *der;
    long len;

    if (in && PEM_read_bio(in, &name, &header, &der, &len) == 1) {
        if (header[0] == '\0')
            key = decode_public_key(name, der, len);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(in);
    return key;
}

static bool is_on_p256(const EVP_PKEY *key)
{
    char name[32];

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
           strcmp(name, SN_X9_62_prime256v1) == 0;
}

static bool is_der_key(struct ysync_bytes der)
{
    const uint8_t *at[] = { der.data, der.data, der.data };
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at[0], (long)der.len);
    X509 *certificate = d2i_X509(NULL, &at[1], (long)der.len);
    EVP_PKEY *private_key = d2i_AutoPrivateKey(NULL, &at[2], (long)der.len);
    bool is_key = public_key || certificate || private_key;

    EVP_PKEY_free(private_key);
    X509_free(certificate);
    EVP_PKEY_free(public_key);
    return is_key;
}

/* Some servers show their public key as the base64 between PEM's lines. */
static enum ysync_err check_bare_base64(const struct ysync_alloc *alloc, struct ysync_bytes file, bool *is_key)
{
    EVP_ENCODE_CTX *decoder = EVP_ENCODE_CTX_new();
    uint8_t *der = ys_alloc_array(alloc, 1, file.len);
    int len = 0;
    int rest = 0;
    bool ok = decoder && der;

    *is_key = false;
    if (ok) {
        EVP_DecodeInit(decoder);
        if (EVP_DecodeUpdate(decoder, der, &len, file.data, (int)file.len) >= 0 &&
            EVP_DecodeFinal(decoder, der + len, &rest) == 1)
            *is_key = is_der_key((struct ysync_bytes){ der, (size_t)(len + rest) });
        OPENSSL_cleanse(der, file.len);
    }
    ys_free(alloc, der);
    EVP_ENCODE_CTX_free(decoder);
    return ok ? YSYNC_OK : YSYNC_ERR_NOMEM;
}

/* JSON Web Keys (RFC 7517), one or a set of them. */
static bool is_jwk(struct ysync_bytes file)
{
    struct ys_json_field fields[] = { { .name = "kty" }, { .name = "keys" } };

    return ys_json_read_object(file, fields, ARRAY_LEN(fields)) == YSYNC_OK &&
           (fields[0].value.kind != YS_JSON_NONE || fields[1].value.kind != YS_JSON_NONE);
}

static bool is_ssh_key(struct ysync_bytes file)
{
    return begins_with(file, "ssh-") || begins_with(file, "ecdsa-sha2-") || begins_with(file, "---- BEGIN SSH2");
}

/* PEM as some shells redirect it into a file: in UTF-16, behind a byte order mark. */
static bool is_utf16_pem(struct ysync_bytes file)
{
    return begins_with(file, "\xff\xfe-");
}

static enum ysync_err verify_secret(const struct ys_jwt_key *key, struct ysync_bytes text, struct ysync_bytes signature)
{
    uint8_t want[SHA256_DIGEST_LENGTH];
    enum ysync_err err = YSYNC_ERR_DENIED;

    if (!HMAC(EVP_sha256(), key->secret.data, (int)key->secret.len, text.data, text.len, want, NULL))
        return YSYNC_ERR_NOMEM;
    if (signature.len == sizeof(want) && CRYPTO_memcmp(signature.data, want, sizeof(want)) == 0)
        err = YSYNC_OK;
    OPENSSL_cleanse(want, sizeof(want));
    return err;
}

static enum ysync_err verify_der(const struct ys_jwt_key *key, struct ysync_bytes text, struct ysync_bytes signature)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    enum ysync_err err = YSYNC_ERR_NOMEM;

    if (digest && EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key->public_key) == 1) {
        int result = EVP_DigestVerify(digest, signature.data, signature.len, text.data, text.len);

        err = result == 1 ? YSYNC_OK : YSYNC_ERR_DENIED;
    }
    EVP_MD_CTX_free(digest);
    return err;
}

/* RFC 7515, A.3: r and s one behind the other, each in its full length. OpenSSL wants them in DER. */
static enum ysync_err verify_halves(const struct ys_jwt_key *key, struct ysync_bytes text, struct ysync_bytes signature)
{
    ECDSA_SIG *halves = ECDSA_SIG_new();
    BIGNUM *r = NULL;
    BIGNUM *s = NULL;
    uint8_t *der = NULL;
    enum ysync_err err = YSYNC_ERR_NOMEM;
    int len;

    if (signature.len != 2 * ES256_HALF_BYTES) {
        err = YSYNC_ERR_DENIED;
        goto done;
    }
    r = BN_bin2bn(signature.data, ES256_HALF_BYTES, NULL);
    s = BN_bin2bn(signature.data + ES256_HALF_BYTES, ES256_HALF_BYTES, NULL);
    if (!halves || !r || !s || ECDSA_SIG_set0(halves, r, s) != 1)
        goto done;
    r = s = NULL; /* the signature's from here on */
    len = i2d_ECDSA_SIG(halves, &der);
    if (len > 0)
        err = verify_der(key, text, (struct ysync_bytes){ der, (size_t)len });
done:
    OPENSSL_free(der);
    BN_free(s);
    BN_free(r);
    ECDSA_SIG_free(halves);
    return err;
}

static enum ysync_err take_pem(struct ys_jwt_key *key, struct ysync_bytes pem, struct ysync_problem *problem)
{
    struct ysync_bytes behind = find(without_first(pem, strlen(PEM_BEGIN)), PEM_BEGIN);

    if (find(pem, "PRIVATE KEY-----").len > 0)
        return reject(problem, "is a private key: it takes the public key, or a certificate");
    if (behind.len > 0 && !begins_with(pem, PEM_BEGIN PEM_STRING_X509))
        return reject(problem, "must stand alone in its file");
    key->public_key = read_pem(pem);
    if (!key->public_key)
        return reject(problem, "cannot be read: in PEM it must be a public key or a certificate, RSA or EC on P-256");
    if (is_on_p256(key->public_key)) {
        key->algorithm = "ES256";
        key->verify = verify_halves;
        return YSYNC_OK;
    }
    if (!EVP_PKEY_is_a(key->public_key, "RSA"))
        return reject(problem, "is of another kind than RSA and EC on P-256");
    if (EVP_PKEY_get_bits(key->public_key) < MIN_RSA_BITS)
        return reject(problem, "is an RSA key of fewer than 2048 bits");
    key->algorithm = "RS256";
    key->verify = verify_der;
    return YSYNC_OK;
}

static enum ysync_err take_secret(struct ys_jwt_key *key, struct ysync_bytes file, struct ysync_problem *problem)
{
    bool is_base64_key;

    if (file.len < YS_JWT_MIN_SECRET_BYTES)
        return reject(problem, file.len == 0 ? "is empty" : "is a secret of fewer than 16 bytes");
    if (check_bare_base64(key->alloc, file, &is_base64_key))
        return no_memory(problem);
    if (is_base64_key || is_der_key(file) || is_jwk(file) || is_ssh_key(file) || is_utf16_pem(file))
        return reject(problem, "must be in PEM: a public key or a certificate, with its \"-----BEGIN\" line");
    ys_buf_put(&key->secret, file);
    if (ys_buf_err(&key->secret))
        return no_memory(problem);
    key->algorithm = "HS256";
    key->verify = verify_secret;
    return YSYNC_OK;
}

static enum ysync_err take_file(struct ys_jwt_key *key, struct ysync_bytes file, struct ysync_problem *problem)
{
    struct ysync_bytes pem = find(file, PEM_BEGIN);

    if (file.len > YS_JWT_MAX_KEY_BYTES)
        return reject(problem, "is longer than 64 KiB");
    return pem.len > 0 ? take_pem(key, pem, problem) : take_secret(key, file, problem);
}

enum ysync_err ys_jwt_key_new(const struct ysync_alloc *alloc, struct ysync_bytes file, struct ys_jwt_key **out,
                              struct ysync_problem *problem)
{
    struct ys_jwt_key *key = ys_alloc_zeroed(alloc, 1, sizeof(*key));
    enum ysync_err err;

    if (!key)
        return no_memory(problem);
    key->alloc = alloc;
    ys_buf_init(&key->secret, alloc, YS_JWT_MAX_KEY_BYTES);
    ERR_set_mark();
    err = take_file(key, file, problem);
    ERR_pop_to_mark();
    if (err) {
        ys_jwt_key_free(key);
        return err;
    }
    *out = key;
    return YSYNC_OK;
}

void ys_jwt_key_free(struct ys_jwt_key *key)
{
    if (!key)
        return;
    ys_secret_wipe(&key->secret);
    EVP_PKEY_free(key->public_key);
    ys_free(key->alloc, key);
}

const char *ys_jwt_key_algorithm(const struct ys_jwt_key *key)
{
    return key->algorithm;
}

enum ysync_err ys_jwt_key_verify(const struct ys_jwt_key *key, struct ysync_bytes text, struct ysync_bytes signature)
{
    enum ysync_err err;

    ERR_set_mark();
    err = key->verify(key, text, signature);
    ERR_pop_to_mark();
    return err;
}
