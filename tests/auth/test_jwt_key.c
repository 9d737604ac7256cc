/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "auth/asking.h"
#include "auth/jwt_key.h"
#include "auth/recorded.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

static struct ysync_bytes recorded_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return (struct ysync_bytes){ (const uint8_t *)keys[i].text, keys[i].len };
    }
    fail_msg("there is no key %s", name);
    return (struct ysync_bytes){ NULL, 0 };
}

static struct ysync_bytes view(const char *bytes, size_t len)
{
    return (struct ysync_bytes){ (const uint8_t *)bytes, len };
}

static struct ysync_bytes join(char *to, const char *before, struct ysync_bytes key, const char *after)
{
    size_t len = strlen(before);

    memcpy(to, before, len);
    memcpy(to + len, key.data, key.len);
    len += key.len;
    memcpy(to + len, after, strlen(after));
    return view(to, len + strlen(after));
}

static void check_accepted(const char *name, struct ysync_bytes file, const char *want)
{
    struct ysync_problem problem = { "" };
    struct ys_jwt_key *key = NULL;
    enum ysync_err err = ys_jwt_key_new(ysync_alloc_default(), file, &key, &problem);

    if (err || strcmp(ys_jwt_key_algorithm(key), want) != 0)
        fail_msg("%s: got %s (%s), want %s", name, err ? ysync_strerror(err) : ys_jwt_key_algorithm(key), problem.text,
                 want);
    if (ERR_peek_error() != 0)
        fail_msg("%s: OpenSSL's queue was left with an error", name);
    ys_jwt_key_free(key);
}

static void check_refused(const char *name, struct ysync_bytes file, const char *want)
{
    struct ysync_problem problem = { "" };
    struct ys_jwt_key *key = NULL;
    enum ysync_err err = ys_jwt_key_new(ysync_alloc_default(), file, &key, &problem);

    if (err != YSYNC_ERR_INVALID_ARG || strcmp(problem.text, want) != 0)
        fail_msg("%s: got %s, \"%s\", want \"%s\"", name, ysync_strerror(err), problem.text, want);
    if (ERR_peek_error() != 0)
        fail_msg("%s: OpenSSL's queue was left with an error", name);
    assert_null(key);
}

static void test_jwt_key_says_the_algorithm(void **state)
{
    static const struct {
        const char *key;
        const char *want;
    } cases[] = {
        { "secret", "HS256" },          { "rsa_public", "RS256" }, { "rsa_public_pkcs1", "RS256" },
        { "rsa_certificate", "RS256" }, { "ec_public", "ES256" },  { "ec_certificate", "ES256" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_accepted(cases[i].key, recorded_key(cases[i].key), cases[i].want);
}

static void test_jwt_key_takes_any_bytes_as_a_secret(void **state)
{
    (void)state;
    check_accepted("as short as may be", view("0123456789abcdef", 16), "HS256");
    check_accepted("zero bytes", view("0123\0567\0009abcdef\0", 16), "HS256");
    check_accepted("base64", bytes_of("c2VjcmV0IGtleSBvZiB0aGUgdGVzdCBwcm9ncmFtcw=="), "HS256");
    check_accepted("a UUID", bytes_of("5f7fd7b5-0b0c-4a0c-8a06-0f9f8f4c2d0c"), "HS256");
    check_accepted("JSON that is no key", bytes_of("{\"secret\":\"is this all\"}"), "HS256");
}

static void test_jwt_key_is_found_behind_other_text(void **state)
{
    char file[4096];

    (void)state;
    check_accepted("text before it", join(file, "subject=/CN=test\n", recorded_key("rsa_public"), ""), "RS256");
    check_accepted("a byte order mark", join(file, "\xef\xbb\xbf", recorded_key("ec_public"), ""), "ES256");
    check_accepted("text behind it", join(file, "", recorded_key("ec_public"), "\n\nthe end\n"), "ES256");
    check_accepted("a chain: its first certificate",
                   join(file, "", recorded_key("rsa_certificate"), (const char *)recorded_key("ec_certificate").data),
                   "RS256");
}

static void test_jwt_key_refuses_what_cannot_verify(void **state)
{
    static const char private_key[] = "the JWT key is a private key: it takes the public key, or a certificate";
    static const char other_kind[] = "the JWT key is of another kind than RSA and EC on P-256";
    static const char no_pem[] =
        "the JWT key must be in PEM: a public key or a certificate, with its \"-----BEGIN\" line";
    static const struct {
        const char *key;
        const char *want;
    } cases[] = {
        { "rsa_private", private_key },
        { "rsa_private_encrypted", private_key },
        { "ec_private", private_key },
        { "ec_private_sec1", private_key },
        { "rsa_1024_public", "the JWT key is an RSA key of fewer than 2048 bits" },
        { "rsa_pss_public", other_kind },
        { "p384_public", other_kind },
        { "ed25519_public", other_kind },
        { "rsa_jwk", no_pem },
        { "rsa_base64", no_pem },
        { "rsa_der", no_pem },
        { "ec_base64", no_pem },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_refused(cases[i].key, recorded_key(cases[i].key), cases[i].want);
}

static void test_jwt_key_refuses_files_that_hold_none(void **state)
{
    static const char unreadable[] =
        "the JWT key cannot be read: in PEM it must be a public key or a certificate, RSA or EC on P-256";
    static const char no_pem[] =
        "the JWT key must be in PEM: a public key or a certificate, with its \"-----BEGIN\" line";
    static const struct {
        const char *name;
        const char *file;
        const char *want;
    } cases[] = {
        { "nothing", "", "the JWT key is empty" },
        { "fifteen bytes", "0123456789abcde", "the JWT key is a secret of fewer than 16 bytes" },
        { "the beginning of PEM", "-----BEGIN PUBLIC KEY-----\n", unreadable },
        { "nothing inside", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", unreadable },
        { "no DER inside", "-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAA\n-----END PUBLIC KEY-----\n", unreadable },
        { "PEM of something else", "-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----\n", unreadable },
        { "encrypted",
          "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00000000000000000000000000000000\n"
          "\nAAAAAAAAAAAA\n-----END PUBLIC KEY-----\n",
          unreadable },
        { "a set of JWKs", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}", no_pem },
        { "an SSH key", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB me@here", no_pem },
        { "an SSH key on P-256", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTI= me@here", no_pem },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_refused(cases[i].name, bytes_of(cases[i].file), cases[i].want);
}

static void test_jwt_key_is_not_read_in_utf16(void **state)
{
    static const char begin[] = "\xff\xfe-\0-\0-\0-\0-\0B\0E\0G\0I\0N\0 ";

    (void)state;
    check_refused("PEM in UTF-16", view(begin, sizeof(begin)),
                  "the JWT key must be in PEM: a public key or a certificate, with its \"-----BEGIN\" line");
}

static void test_jwt_key_stands_alone(void **state)
{
    char file[8192];
    char both[8192] = "";
    struct ysync_bytes rsa = recorded_key("rsa_public");

    (void)state;
    strncat(both, (const char *)rsa.data, rsa.len);
    check_refused("two keys", join(file, both, recorded_key("ec_public"), ""),
                  "the JWT key must stand alone in its file");
    check_refused("a key, then a private one", join(file, both, recorded_key("rsa_private"), ""),
                  "the JWT key is a private key: it takes the public key, or a certificate");
}

static void test_jwt_key_is_bounded(void **state)
{
    static char file[YS_JWT_MAX_KEY_BYTES + 1];

    (void)state;
    memset(file, 'x', sizeof(file));
    check_accepted("a long secret", view(file, YS_JWT_MAX_KEY_BYTES), "HS256");
    check_refused("a longer one", view(file, sizeof(file)), "the JWT key is longer than 64 KiB");
}

/* A program that uses OpenSSL itself may have an error of its own in the queue. */
static void test_jwt_key_leaves_errors_of_others_alone(void **state)
{
    struct ys_jwt_key *key;
    unsigned long mine;

    (void)state;
    ERR_raise(ERR_LIB_USER, 1);
    mine = ERR_peek_error();
    assert_int_equal(ys_jwt_key_new(ysync_alloc_default(), recorded_key("p384_public"), &key, NULL),
                     YSYNC_ERR_INVALID_ARG);
    assert_int_equal(ys_jwt_key_new(ysync_alloc_default(), recorded_key("rsa_public"), &key, NULL), YSYNC_OK);
    assert_int_equal(ys_jwt_key_verify(key, view("text", 4), view("no signature", 12)), YSYNC_ERR_DENIED);
    ys_jwt_key_free(key);
    assert_true(ERR_get_error() == mine);
    assert_true(ERR_get_error() == 0);
}

static void test_jwt_key_survives_failed_allocations(void **state)
{
    static const char *const names[] = { "secret", "rsa_public", "rsa_base64", "rsa_jwk" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t n = 0;; n++) {
            struct ysync_problem problem = { "" };
            struct ys_jwt_key *key = NULL;
            struct ys_test_alloc memory;
            enum ysync_err err;

            ys_test_alloc_init(&memory, n);
            err = ys_jwt_key_new(&memory.alloc, recorded_key(names[i]), &key, &problem);
            ys_jwt_key_free(key);
            assert_int_equal(memory.live_blocks, 0);
            if (!memory.failed)
                break;
            assert_int_equal(err, YSYNC_ERR_NOMEM);
            assert_string_equal(problem.text, "out of memory");
            assert_null(key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwt_key_says_the_algorithm),
        cmocka_unit_test(test_jwt_key_takes_any_bytes_as_a_secret),
        cmocka_unit_test(test_jwt_key_is_found_behind_other_text),
        cmocka_unit_test(test_jwt_key_refuses_what_cannot_verify),
        cmocka_unit_test(test_jwt_key_refuses_files_that_hold_none),
        cmocka_unit_test(test_jwt_key_is_not_read_in_utf16),
        cmocka_unit_test(test_jwt_key_stands_alone),
        cmocka_unit_test(test_jwt_key_is_bounded),
        cmocka_unit_test(test_jwt_key_leaves_errors_of_others_alone),
        cmocka_unit_test(test_jwt_key_survives_failed_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
