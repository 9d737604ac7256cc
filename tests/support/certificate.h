/* SPDX-License-Identifier: MIT */
/* Certificates that tests make for themselves: self-signed, in files of a directory that goes with the test. */
#ifndef YS_TEST_CERTIFICATE_H
#define YS_TEST_CERTIFICATE_H

#define YS_TEST_PATH_BYTES 128

struct ys_test_certificate {
    char directory[YS_TEST_PATH_BYTES];
    char cert_file[YS_TEST_PATH_BYTES];
    char key_file[YS_TEST_PATH_BYTES];
};

/* Good from an hour ago on for `seconds`, which may be negative. A test whose system does not play along fails. */
void ys_test_certificate_make(struct ys_test_certificate *certificate, const char *name, long seconds);
/* Another one, with a key of its own, in the same files. */
void ys_test_certificate_renew(struct ys_test_certificate *certificate, const char *name, long seconds);
void ys_test_certificate_remove(struct ys_test_certificate *certificate);

#endif
