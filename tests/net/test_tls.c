/* SPDX-License-Identifier: MIT */
/* Contexts and sessions against OpenSSL's own client, in memory. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/tls.h"
#include "support/certificate.h"
#include "support/failing_alloc.h"

#define YEAR_SECONDS (365L * 24 * 3600)

static struct ys_test_certificate certificate;
static struct ys_test_alloc memory;
static struct ys_tls_context *context;

/* One connection: a client whose output lies in `to_server` until carry() takes it over. */
static SSL_CTX *client_context;
static SSL *client;
static BIO *to_client;
static BIO *to_server;
static struct ys_tls *tls;

static int set_up(void **state)
{
    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_test_certificate_make(&certificate, "test", YEAR_SECONDS);
    assert_int_equal(ys_tls_context_new(&memory.alloc, certificate.cert_file, certificate.key_file, &context, NULL),
                     YSYNC_OK);
    client_context = SSL_CTX_new(TLS_client_method());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ys_tls_context_unref(context);
    ys_test_certificate_remove(&certificate);
    SSL_CTX_free(client_context);
    return memory.live_blocks == 0 ? 0 : -1;
}

static void begin(void)
{
    client = SSL_new(client_context);
    to_client = BIO_new(BIO_s_mem());
    to_server = BIO_new(BIO_s_mem());
    SSL_set_bio(client, to_client, to_server);
    SSL_set_connect_state(client);
    assert_int_equal(ys_tls_new(&memory.alloc, context, &tls), YSYNC_OK);
}

static void end(void)
{
    SSL_free(client);
    ys_tls_free(tls);
    ERR_clear_error();
}

/* What the server has to say goes to the client. */
static void fetch(void)
{
    struct ys_buf *out = ys_tls_out(tls);

    if (out->len > 0)
        BIO_write(to_client, out->data, (int)out->len);
    ys_buf_deinit(out);
}

static char heard[1 << 20];
static size_t heard_len;

/* Feeds at most `len` bytes of what the client has said; returns what comes of it, other than data. */
static enum ys_tls_event carry(size_t len)
{
    char *said;
    size_t said_len = (size_t)BIO_get_mem_data(to_server, &said);
    size_t count = said_len < len ? said_len : len;
    char scratch[4096];
    enum ys_tls_event event;
    size_t got;

    ys_tls_feed(tls, (struct ysync_bytes){ (const uint8_t *)said, count });
    while ((event = ys_tls_read(tls, (uint8_t *)heard + heard_len, YS_TLS_RECORD_BYTES, &got)) == YS_TLS_DATA)
        heard_len += got;
    ys_tls_feed(tls, (struct ysync_bytes){ NULL, 0 });
    while (count > 0)
        count -= (size_t)BIO_read(to_server, scratch, count < sizeof(scratch) ? (int)count : (int)sizeof(scratch));
    fetch();
    return event;
}

static void shake_hands(void)
{
    heard_len = 0;
    begin();
    for (int turn = 0; turn < 10 && !ys_tls_is_established(tls); turn++) {
        SSL_do_handshake(client);
        carry(SIZE_MAX);
    }
    assert_true(ys_tls_is_established(tls));
    assert_int_equal(SSL_do_handshake(client), 1);
}

/* Contexts */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static void test_tls_says_what_is_wrong_with_files(void **state)
{
    static struct ys_test_certificate other;
    static char junk_file[YS_TEST_PATH_BYTES + 8];
    static char locked_file[YS_TEST_PATH_BYTES + 8];
    static const char locked_key[] = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                                     "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                                     "-----END RSA PRIVATE KEY-----\n";
    const struct {
        const char *name;
        const char *cert_file;
        const char *key_file;
        enum ysync_err err;
        const char *at_fault; /* is named */
        const char *why;
    } cases[] = {
        { "no certificate", "/no/cert.pem", certificate.key_file, YSYNC_ERR_IO, "certificate file /no/cert.pem",
          "no such file" },
        { "no key", certificate.cert_file, "/no/key.pem", YSYNC_ERR_IO, "key file /no/key.pem", "no such file" },
        { "a certificate that is not PEM", junk_file, certificate.key_file, YSYNC_ERR_MALFORMED, junk_file, "PEM" },
        { "a key that is not PEM", certificate.cert_file, junk_file, YSYNC_ERR_MALFORMED, junk_file, "PEM" },
        { "a key for a certificate", certificate.key_file, certificate.key_file, YSYNC_ERR_MALFORMED,
          certificate.key_file, "PEM" },
        { "a certificate for a key", certificate.cert_file, certificate.cert_file, YSYNC_ERR_MALFORMED,
          certificate.cert_file, "PEM" },
        { "a directory", certificate.directory, certificate.key_file, YSYNC_ERR_MALFORMED, certificate.directory,
          "PEM" },
        { "the key of another certificate", certificate.cert_file, other.key_file, YSYNC_ERR_MALFORMED, other.key_file,
          certificate.cert_file },
        { "a key with a passphrase", certificate.cert_file, locked_file, YSYNC_ERR_MALFORMED, locked_file,
          "passphrase" },
    };
    (void)state;
    ys_test_certificate_make(&other, "other", YEAR_SECONDS);
    snprintf(junk_file, sizeof(junk_file), "%s.junk", certificate.cert_file);
    snprintf(locked_file, sizeof(locked_file), "%s.locked", certificate.cert_file);
    write_file(junk_file, "hello\n");
    write_file(locked_file, locked_key);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ysync_problem problem = { "" };
        struct ys_tls_context *none = NULL;
        enum ysync_err err = ys_tls_context_new(&memory.alloc, cases[i].cert_file, cases[i].key_file, &none, &problem);

        if (err != cases[i].err || none || !strstr(problem.text, cases[i].at_fault) ||
            !strstr(problem.text, cases[i].why) || strchr(problem.text, '\n'))
            fail_msg("%s: got %d \"%s\", want %d with \"%s\" and \"%s\"", cases[i].name, err, problem.text,
                     cases[i].err, cases[i].at_fault, cases[i].why);
    }
    remove(junk_file);
    remove(locked_file);
    ys_test_certificate_remove(&other);
}

static void test_tls_passes_an_expired_certificate(void **state)
{
    struct ys_test_certificate old;
    struct ys_tls_context *expired = NULL;

    (void)state;
    ys_test_certificate_make(&old, "old", -60);
    assert_int_equal(ys_tls_context_new(&memory.alloc, old.cert_file, old.key_file, &expired, NULL), YSYNC_OK);
    assert_true(ys_tls_context_has_expired(expired));
    assert_false(ys_tls_context_has_expired(context));
    ys_tls_context_unref(expired);
    ys_test_certificate_remove(&old);
}

/* Sessions */

static void test_tls_shakes_hands_byte_by_byte(void **state)
{
    (void)state;
    begin();
    for (int turn = 0; turn < 10000 && !(SSL_is_init_finished(client) && ys_tls_is_established(tls)); turn++) {
        if (BIO_ctrl_pending(to_server) == 0)
            SSL_do_handshake(client);
        carry(1);
    }
    assert_true(ys_tls_is_established(tls));
    assert_string_equal(SSL_get_version(client), "TLSv1.3");
    end();
}

/* In pieces of every size around a record's, and all at once. */
static void test_tls_carries_bytes_both_ways(void **state)
{
    static uint8_t plain[100000];
    static uint8_t got[100000];
    static const size_t pieces[] = { 1000, 16384, 16385, 16406, 40000, SIZE_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 7 % 251);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t got_len = 0;
        size_t now;

        shake_hands();
        assert_int_equal(SSL_write(client, plain, sizeof(plain)), sizeof(plain));
        while (BIO_ctrl_pending(to_server) > 0)
            assert_int_equal(carry(pieces[i]), YS_TLS_STARVED);
        assert_int_equal(heard_len, sizeof(plain));
        assert_memory_equal(heard, plain, sizeof(plain));

        assert_int_equal(ys_tls_write(tls, (struct ysync_bytes){ plain, sizeof(plain) }), YSYNC_OK);
        fetch();
        while (got_len < sizeof(got) && SSL_read_ex(client, got + got_len, sizeof(got) - got_len, &now) == 1)
            got_len += now;
        assert_int_equal(got_len, sizeof(got));
        assert_memory_equal(got, plain, sizeof(got));
        end();
    }
}

static void test_tls_speaks_what_is_modern(void **state)
{
    static const struct {
        int max_version;
        const char *want; /* NULL: none */
    } cases[] = { { TLS1_3_VERSION, "TLSv1.3" }, { TLS1_2_VERSION, "TLSv1.2" }, { TLS1_1_VERSION, NULL } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_tls_event event = YS_TLS_STARVED;

        begin();
        SSL_set_security_level(client, 0); /* which would not let it offer the oldest */
        SSL_set_min_proto_version(client, TLS1_VERSION);
        SSL_set_max_proto_version(client, cases[i].max_version);
        SSL_set_cipher_list(client, "ALL:@SECLEVEL=0");
        for (int turn = 0; turn < 4 && event == YS_TLS_STARVED; turn++) {
            SSL_do_handshake(client);
            event = carry(SIZE_MAX);
        }
        if (ys_tls_is_established(tls) != (cases[i].want != NULL))
            fail_msg("%x: event %d", (unsigned)cases[i].max_version, event);
        if (cases[i].want)
            assert_string_equal(SSL_get_version(client), cases[i].want);
        else
            assert_int_equal(event, YS_TLS_FAILED);
        end();
    }
}

static void test_tls_negotiates_http_1_1(void **state)
{
    static const struct {
        const char *name;
        const char *offer; /* NULL: the extension is not sent */
        const char *want;  /* NULL: turned away */
    } cases[] = {
        { "nothing offered", NULL, "" },
        { "our protocol", "\x08http/1.1", "http/1.1" },
        { "among others", "\x02h2\x08http/1.1", "http/1.1" },
        { "others only", "\x02h2", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const unsigned char *chosen;
        unsigned len;

        begin();
        if (cases[i].offer)
            SSL_set_alpn_protos(client, (const unsigned char *)cases[i].offer, (unsigned)strlen(cases[i].offer));
        for (int turn = 0; turn < 4; turn++) {
            SSL_do_handshake(client);
            carry(SIZE_MAX);
        }
        if (ys_tls_is_established(tls) != (cases[i].want != NULL))
            fail_msg("%s: established is %d", cases[i].name, ys_tls_is_established(tls));
        SSL_get0_alpn_selected(client, &chosen, &len);
        if (cases[i].want && (len != strlen(cases[i].want) || (len > 0 && memcmp(chosen, cases[i].want, len) != 0)))
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].name, (int)len, chosen, cases[i].want);
        end();
    }
}

static void test_tls_resumes_by_ticket(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    char byte;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL_SESSION *session;

        SSL_CTX_set_max_proto_version(client_context, versions[i]);
        shake_hands();
        SSL_read(client, &byte, 1); /* tickets stand behind the handshake */
        session = SSL_get1_session(client);
        SSL_shutdown(client); /* it would not trust a session again that was cut */
        end();
        begin();
        SSL_set_session(client, session);
        for (int turn = 0; turn < 4; turn++) {
            SSL_do_handshake(client);
            carry(SIZE_MAX);
        }
        assert_int_equal(SSL_session_reused(client), 1);
        SSL_SESSION_free(session);
        end();
    }
}

static void test_tls_tells_the_end(void **state)
{
    char byte;

    (void)state;
    shake_hands();
    SSL_shutdown(client);
    assert_int_equal(carry(SIZE_MAX), YS_TLS_END);
    assert_true(ys_tls_end(tls));
    assert_false(ys_tls_end(tls));
    fetch();
    assert_int_equal(SSL_read(client, &byte, 1), 0);
    assert_int_equal(SSL_get_shutdown(client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    end();
}

/* Hostile peers */

static void test_tls_ends_floods_of_key_updates(void **state)
{
    enum ys_tls_event event = YS_TLS_STARVED;
    int updates = 0;

    (void)state;
    shake_hands();
    for (; updates < 1000 && event == YS_TLS_STARVED; updates++) {
        SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED);
        SSL_write(client, "x", 1);
        event = carry(SIZE_MAX);
    }
    assert_int_equal(event, YS_TLS_FAILED);
    assert_in_range(updates, 20, 100);
    assert_false(ys_tls_is_established(tls));
    end();
}

/* The client gets a warning; what it says in between is heard. */
static void test_tls_does_not_renegotiate(void **state)
{
    enum ys_tls_event event = YS_TLS_STARVED;

    (void)state;
    SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
    shake_hands();
    SSL_renegotiate(client);
    SSL_do_handshake(client);
    event = carry(SIZE_MAX);
    assert_int_equal(event, YS_TLS_STARVED);
    assert_true(ys_tls_is_established(tls));
    assert_int_not_equal(SSL_do_handshake(client), 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    end();
}

static void test_tls_fails_on_what_is_not_tls(void **state)
{
    static const struct {
        const char *name;
        uint8_t bytes[48];
    } cases[] = {
        { "text", "hello world, this is no handshake" },
        { "SSL 2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x03\x00\x80" },
        { "a record that is too long", "\x16\x03\x01\xff\xff\x01\x00\xff\xfb" },
        { "data ahead of a handshake", "\x17\x03\x03\x00\x01x" },
        { "zeros", "" },
    };
    uint8_t byte;
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_tls_event event;

        begin();
        ys_tls_feed(tls, (struct ysync_bytes){ cases[i].bytes, sizeof(cases[i].bytes) });
        event = ys_tls_read(tls, &byte, 1, &len);
        if (event != YS_TLS_FAILED || ys_tls_read(tls, &byte, 1, &len) != YS_TLS_FAILED)
            fail_msg("%s: event %d", cases[i].name, event);
        assert_int_equal(ys_tls_write(tls, (struct ysync_bytes){ &byte, 1 }), YSYNC_ERR_IO);
        assert_false(ys_tls_end(tls));
        end();
    }
}

/* A record that was changed on its way. */
static void test_tls_fails_on_forged_records(void **state)
{
    char *said;

    (void)state;
    shake_hands();
    SSL_write(client, "hello", 5);
    BIO_get_mem_data(to_server, &said);
    said[7] ^= 1;
    assert_int_equal(carry(SIZE_MAX), YS_TLS_FAILED);
    assert_int_equal(heard_len, 0);
    end();
}

/* Memory */

static void test_tls_holds_nothing_when_idle(void **state)
{
    size_t before = memory.live_blocks;

    (void)state;
    shake_hands();
    assert_int_equal(ys_tls_write(tls, (struct ysync_bytes){ (const uint8_t *)"hello", 5 }), YSYNC_OK);
    fetch();
    assert_int_equal(memory.live_blocks, before + 1); /* the session itself */
    end();
}

static enum ysync_err try_everything(struct ys_test_alloc *failing)
{
    struct ys_tls_context *new_context = NULL;
    enum ysync_err err = ys_tls_context_new(&failing->alloc, certificate.cert_file, certificate.key_file, &new_context,
                                            NULL);

    tls = NULL;
    client = NULL;
    if (!err)
        err = ys_tls_new(&failing->alloc, new_context, &tls);
    if (err)
        goto done;
    client = SSL_new(client_context);
    to_client = BIO_new(BIO_s_mem());
    to_server = BIO_new(BIO_s_mem());
    SSL_set_bio(client, to_client, to_server);
    SSL_set_connect_state(client);
    for (int turn = 0; turn < 4; turn++) {
        SSL_do_handshake(client);
        carry(SIZE_MAX);
    }
    err = ys_tls_is_established(tls) ? ys_tls_write(tls, (struct ysync_bytes){ (const uint8_t *)"x", 1 })
                                     : YSYNC_ERR_NOMEM;
done:
    end();
    ys_tls_context_unref(new_context);
    return err;
}

static void test_tls_survives_failed_allocations(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct ys_test_alloc failing;
        enum ysync_err err;

        ys_test_alloc_init(&failing, n);
        err = try_everything(&failing);
        assert_int_equal(failing.live_blocks, 0);
        assert_int_equal(err, failing.failed ? YSYNC_ERR_NOMEM : YSYNC_OK);
        if (!failing.failed)
            break;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_tls_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(says_what_is_wrong_with_files),
        TEST(passes_an_expired_certificate),
        TEST(shakes_hands_byte_by_byte),
        TEST(carries_bytes_both_ways),
        TEST(speaks_what_is_modern),
        TEST(negotiates_http_1_1),
        TEST(resumes_by_ticket),
        TEST(tells_the_end),
        TEST(ends_floods_of_key_updates),
        TEST(does_not_renegotiate),
        TEST(fails_on_what_is_not_tls),
        TEST(fails_on_forged_records),
        TEST(holds_nothing_when_idle),
        TEST(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
