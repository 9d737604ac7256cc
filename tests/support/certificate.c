/* SPDX-License-Identifier: MIT */
#include "support/certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static X509 *sign(EVP_PKEY *key, const char *name, long seconds)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), seconds);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

void ys_test_certificate_make(struct ys_test_certificate *certificate, const char *name, long seconds)
{
    snprintf(certificate->directory, YS_TEST_PATH_BYTES, "/tmp/ysync-test-XXXXXX");
    assert_non_null(mkdtemp(certificate->directory));
    snprintf(certificate->cert_file, YS_TEST_PATH_BYTES, "%.60s/cert.pem", certificate->directory);
    snprintf(certificate->key_file, YS_TEST_PATH_BYTES, "%.60s/key.pem", certificate->directory);
    ys_test_certificate_renew(certificate, name, seconds);
}

void ys_test_certificate_renew(struct ys_test_certificate *certificate, const char *name, long seconds)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = sign(key, name, seconds);
    FILE *file;

    file = fopen(certificate->cert_file, "w");
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    file = fopen(certificate->key_file, "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void ys_test_certificate_remove(struct ys_test_certificate *certificate)
{
    unlink(certificate->cert_file);
    unlink(certificate->key_file);
    rmdir(certificate->directory);
}
