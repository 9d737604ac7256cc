/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "auth/asking.h"
#include "auth/jwt.h"
#include "auth/recorded.h"
#include "auth/signing.h"
#include "base/alloc.h"
#include "support/failing_alloc.h"

/* When the questions are asked. */
#define NOW_S 1767225600

static struct ysync_bytes recorded(const struct recording *recordings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(recordings[i].name, name) == 0)
            return (struct ysync_bytes){ (const uint8_t *)recordings[i].text, recordings[i].len };
    }
    fail_msg("nothing was recorded as %s", name);
    return (struct ysync_bytes){ NULL, 0 };
}

static struct ysync_bytes recorded_token(const char *name)
{
    return recorded(tokens, ARRAY_LEN(tokens), name);
}

static struct ys_auth *new_jwt(const char *key, const char *issuer, const char *audience)
{
    const struct ys_jwt_config config = {
        .key = recorded(keys, ARRAY_LEN(keys), key),
        .issuer = issuer,
        .audience = audience,
    };
    struct ys_auth *auth = NULL;

    assert_int_equal(ys_auth_new_jwt(ysync_alloc_default(), &config, &auth, NULL), YSYNC_OK);
    return auth;
}

static struct ys_verdict ask_for(struct ys_auth *auth, struct ysync_bytes token, struct ysync_bytes room)
{
    const struct ys_auth_request request = { .room = room, .token = token, .unix_time_s = NOW_S };
    struct asking asking = { 0 };

    ys_auth_check(auth, &request, note_verdict, &asking);
    assert_int_equal(asking.verdicts, 1);
    return asking.verdict;
}

static enum ys_access access_with(struct ys_auth *auth, struct ysync_bytes token)
{
    return ask_for(auth, token, bytes_of("blog")).access;
}

static struct ys_verdict ask_with_claims(struct ys_auth *auth, const char *claims, const char *room)
{
    char *token = sign(bytes_of(SIGNING_HEADER), bytes_of(claims));
    struct ys_verdict verdict = ask_for(auth, bytes_of(token), bytes_of(room));

    free(token);
    return verdict;
}

static void test_jwt_lets_in_what_the_key_signed(void **state)
{
    static const struct {
        const char *key;
        const char *token;
    } cases[] = {
        { "secret", "hs256" },          { "rsa_public", "rs256" }, { "rsa_public_pkcs1", "rs256" },
        { "rsa_certificate", "rs256" }, { "ec_public", "es256" },  { "ec_certificate", "es256" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_auth *auth = new_jwt(cases[i].key, NULL, NULL);
        struct ys_verdict got = ask_for(auth, recorded_token(cases[i].token), bytes_of("blog"));

        if (got.access != YS_ACCESS_READ || got.holds_ms != (4102444800 - NOW_S) * UINT64_C(1000))
            fail_msg("%s with %s: got access %d for %llu ms", cases[i].token, cases[i].key, got.access,
                     (unsigned long long)got.holds_ms);
        assert_int_equal(ask_for(auth, recorded_token(cases[i].token), bytes_of("other")).access, YS_ACCESS_NONE);
        ys_auth_free(auth);
    }
}

static void test_jwt_lets_in_nothing_else(void **state)
{
    static const struct {
        const char *key;
        const char *own; /* the one token that it does let in */
    } cases[] = {
        { "secret", "hs256" },    { "rsa_public", "rs256" },     { "rsa_certificate", "rs256" },
        { "ec_public", "es256" }, { "ec_certificate", "es256" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_auth *auth = new_jwt(cases[i].key, NULL, NULL);

        for (size_t j = 0; j < ARRAY_LEN(tokens); j++) {
            bool is_own = strcmp(tokens[j].name, cases[i].own) == 0;
            enum ys_access want = is_own ? YS_ACCESS_READ : YS_ACCESS_NONE;
            enum ys_access got = access_with(auth, recorded_token(tokens[j].name));

            if (got != want)
                fail_msg("%s with %s: got access %d, want %d", tokens[j].name, cases[i].key, got, want);
        }
        assert_int_equal(ERR_peek_error(), 0);
        ys_auth_free(auth);
    }
}

static const char *const own_tokens[][2] = {
    { "secret", "hs256" },
    { "rsa_public", "rs256" },
    { "ec_public", "es256" },
};

static void test_jwt_refuses_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(own_tokens); i++) {
        struct ys_auth *auth = new_jwt(own_tokens[i][0], NULL, NULL);
        struct ysync_bytes token = recorded_token(own_tokens[i][1]);

        for (size_t len = 0; len < token.len; len++) {
            if (access_with(auth, (struct ysync_bytes){ token.data, len }) != YS_ACCESS_NONE)
                fail_msg("the first %zu bytes of %s were let in", len, own_tokens[i][1]);
        }
        ys_auth_free(auth);
    }
}

/* The last character of each part stands for fewer bits than six: there is one way of writing it. */
static void test_jwt_refuses_every_other_byte(void **state)
{
    static const char others[] = "AQgw_.=+/ \n";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(own_tokens); i++) {
        struct ys_auth *auth = new_jwt(own_tokens[i][0], NULL, NULL);
        struct ysync_bytes token = recorded_token(own_tokens[i][1]);
        uint8_t altered[1024];

        assert_true(token.len <= sizeof(altered));
        memcpy(altered, token.data, token.len);
        for (size_t at = 0; at < token.len; at++) {
            uint8_t other = (uint8_t)others[at % (sizeof(others) - 1)];

            altered[at] = other == token.data[at] ? 'B' : other;
            if (access_with(auth, (struct ysync_bytes){ altered, token.len }) != YS_ACCESS_NONE)
                fail_msg("%s was let in with '%c' at %zu", own_tokens[i][1], altered[at], at);
            altered[at] = token.data[at];
        }
        assert_int_equal(access_with(auth, (struct ysync_bytes){ altered, token.len }), YS_ACCESS_READ);
        ys_auth_free(auth);
    }
}

static void test_jwt_refuses_additions(void **state)
{
    static const char *const cases[] = { ".", "=", "==", "A", "AA", "AAAA", " ", "\n", ".AAAA", "=AAA" };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);
    struct ysync_bytes token = recorded_token("hs256");
    char longer[1024];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(longer, sizeof(longer), "%s%s", (const char *)token.data, cases[i]);
        if (access_with(auth, bytes_of(longer)) != YS_ACCESS_NONE)
            fail_msg("let in with \"%s\" behind it", cases[i]);
        snprintf(longer, sizeof(longer), "%s%s", cases[i], (const char *)token.data);
        if (access_with(auth, bytes_of(longer)) != YS_ACCESS_NONE)
            fail_msg("let in with \"%s\" before it", cases[i]);
    }
    ys_auth_free(auth);
}

static void test_jwt_wants_three_parts(void **state)
{
    static const char *const cases[] = { "", ".", "..", "...", "e30", "e30.e30", "e30.e30.", ".e30.AAAA", "e30..AAAA" };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (access_with(auth, bytes_of(cases[i])) != YS_ACCESS_NONE)
            fail_msg("\"%s\" was let in", cases[i]);
    }
    assert_int_equal(access_with(auth, (struct ysync_bytes){ NULL, 0 }), YS_ACCESS_NONE);
    ys_auth_free(auth);
}

static void test_jwt_reads_the_header(void **state)
{
    static const struct {
        const char *name;
        const char *header;
        enum ys_access want;
    } cases[] = {
        { "the algorithm alone", "{\"alg\":\"HS256\"}", YS_ACCESS_WRITE },
        { "with escapes", "{\"\\u0061lg\":\"\\u0048S256\"}", YS_ACCESS_WRITE },
        { "any type", "{\"typ\":\"anything\",\"alg\":\"HS256\"}", YS_ACCESS_WRITE },
        { "a type that is no string", "{\"typ\":[1],\"alg\":\"HS256\"}", YS_ACCESS_WRITE },
        { "a key's name, and others", "{\"kid\":\"1\",\"x\":{\"alg\":\"none\"},\"alg\":\"HS256\"}", YS_ACCESS_WRITE },
        { "no algorithm", "{}", YS_ACCESS_NONE },
        { "none", "{\"alg\":\"none\"}", YS_ACCESS_NONE },
        { "None", "{\"alg\":\"None\"}", YS_ACCESS_NONE },
        { "an empty algorithm", "{\"alg\":\"\"}", YS_ACCESS_NONE },
        { "null", "{\"alg\":null}", YS_ACCESS_NONE },
        { "another case", "{\"alg\":\"hs256\"}", YS_ACCESS_NONE },
        { "another algorithm", "{\"alg\":\"RS256\"}", YS_ACCESS_NONE },
        { "a longer hash", "{\"alg\":\"HS512\"}", YS_ACCESS_NONE },
        { "a list", "{\"alg\":[\"HS256\"]}", YS_ACCESS_NONE },
        { "a zero byte behind it", "{\"alg\":\"HS256\\u0000\"}", YS_ACCESS_NONE },
        { "two algorithms", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", YS_ACCESS_NONE },
        { "two algorithms, one with an escape", "{\"alg\":\"HS256\",\"al\\u0067\":\"none\"}", YS_ACCESS_NONE },
        { "another name", "{\"Alg\":\"HS256\"}", YS_ACCESS_NONE },
        { "something critical", "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", YS_ACCESS_NONE },
        { "critical, but nothing", "{\"alg\":\"HS256\",\"crit\":[]}", YS_ACCESS_NONE },
        { "critical null", "{\"alg\":\"HS256\",\"crit\":null}", YS_ACCESS_NONE },
        { "no object", "[\"alg\",\"HS256\"]", YS_ACCESS_NONE },
        { "a string", "\"HS256\"", YS_ACCESS_NONE },
        { "no JSON", "{alg:HS256}", YS_ACCESS_NONE },
        { "no end", "{\"alg\":\"HS256\"", YS_ACCESS_NONE },
        { "more behind it", "{\"alg\":\"HS256\"}{}", YS_ACCESS_NONE },
        { "invalid UTF-8", "{\"alg\":\"HS256\",\"kid\":\"\xff\"}", YS_ACCESS_NONE },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *token = sign(bytes_of(cases[i].header), bytes_of("{}"));
        enum ys_access got = access_with(auth, bytes_of(token));

        if (got != cases[i].want)
            fail_msg("%s: got access %d, want %d", cases[i].name, got, cases[i].want);
        free(token);
    }
    ys_auth_free(auth);
}

static void test_jwt_claims_are_an_object(void **state)
{
    static const struct {
        const char *name;
        const char *claims;
        enum ys_access want;
    } cases[] = {
        { "nothing in it", "{}", YS_ACCESS_WRITE },
        { "white space", " {\n} ", YS_ACCESS_WRITE },
        { "others, twice", "{\"x\":1,\"x\":2}", YS_ACCESS_WRITE },
        { "claims inside others", "{\"x\":{\"exp\":1,\"room\":[],\"access\":\"read\"}}", YS_ACCESS_WRITE },
        { "no bytes", "", YS_ACCESS_NONE },
        { "null", "null", YS_ACCESS_NONE },
        { "an array", "[{}]", YS_ACCESS_NONE },
        { "text", "hello", YS_ACCESS_NONE },
        { "no end", "{\"exp\":4102444800", YS_ACCESS_NONE },
        { "invalid UTF-8", "{\"sub\":\"\xc3(\"}", YS_ACCESS_NONE },
        { "a surrogate in UTF-8", "{\"sub\":\"\xed\xa0\x80\"}", YS_ACCESS_NONE },
        { "a byte order mark", "\xef\xbb\xbf{}", YS_ACCESS_NONE },
        { "two times of expiry", "{\"exp\":4102444800,\"exp\":4102444800}", YS_ACCESS_NONE },
        { "two rooms", "{\"room\":\"blog\",\"room\":\"blog\"}", YS_ACCESS_NONE },
        { "two ways of access", "{\"access\":\"read\",\"acc\\u0065ss\":\"write\"}", YS_ACCESS_NONE },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got = ask_with_claims(auth, cases[i].claims, "blog").access;

        if (got != cases[i].want)
            fail_msg("%s: got access %d, want %d", cases[i].name, got, cases[i].want);
    }
    ys_auth_free(auth);
}

static void test_jwt_holds_until_it_expires(void **state)
{
    static const struct {
        const char *name;
        const char *exp;
        uint64_t holds_ms; /* 0: not at all */
    } cases[] = {
        { "in ten seconds", "1767225610", 10000 },
        { "in half a second", "1767225600.5", 500 },
        { "in an exponent", "1.76722561e9", 10000 },
        { "now: the leeway is left", "1767225600", 30000 },
        { "ten seconds ago", "1767225590", 20000 },
        { "29.5 seconds ago", "1767225570.5", 500 },
        { "30 seconds ago", "1767225570", 0 },
        { "a minute ago", "1767225540", 0 },
        { "in 1970", "0", 0 },
        { "before that", "-1767225610", 0 },
        { "in three thousand years", "96767225600", UINT64_C(95000000000000) },
        { "in milliseconds: in the year 57971", "1767225610000", YS_VERDICT_FOREVER },
        { "in a million years", "3e16", YS_VERDICT_FOREVER },
        { "past every number", "1e999", YS_VERDICT_FOREVER },
        { "before every number", "-1e999", 0 },
        { "a long number", "99999999999999999999999999999999999999999999999999", YS_VERDICT_FOREVER },
        { "a string", "\"1767225610\"", 0 },
        { "null", "null", 0 },
        { "true", "true", 0 },
        { "a list", "[1767225610]", 0 },
        { "an object", "{}", 0 },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    assert_true(ask_with_claims(auth, "{}", "blog").holds_ms == YS_VERDICT_FOREVER);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access want = cases[i].holds_ms > 0 ? YS_ACCESS_WRITE : YS_ACCESS_NONE;
        struct ys_verdict got;
        char claims[200];

        snprintf(claims, sizeof(claims), "{\"exp\":%s}", cases[i].exp);
        got = ask_with_claims(auth, claims, "blog");
        if (got.access != want || (want && got.holds_ms != cases[i].holds_ms))
            fail_msg("%s: got access %d for %llu ms, want %d for %llu ms", cases[i].name, got.access,
                     (unsigned long long)got.holds_ms, want, (unsigned long long)cases[i].holds_ms);
    }
    ys_auth_free(auth);
}

static void test_jwt_begins_when_it_says(void **state)
{
    static const struct {
        const char *name;
        const char *nbf;
        bool want;
    } cases[] = {
        { "now", "1767225600", true },
        { "a second ago", "1767225599", true },
        { "in 30 seconds", "1767225630", true },
        { "in 30.5 seconds", "1767225630.5", false },
        { "in a minute", "1767225660", false },
        { "before 1970", "-1", true },
        { "never", "1e999", false },
        { "a string", "\"0\"", false },
        { "null", "null", false },
        { "false", "false", false },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char claims[100];
        bool got;

        snprintf(claims, sizeof(claims), "{\"nbf\":%s,\"exp\":1767225700}", cases[i].nbf);
        got = ask_with_claims(auth, claims, "blog").access == YS_ACCESS_WRITE;
        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
    }
    ys_auth_free(auth);
}

static void test_jwt_comes_from_and_goes_to_whom_it_should(void **state)
{
    static const struct {
        const char *name;
        const char *issuer;
        const char *audience;
        const char *claims;
        bool want;
    } cases[] = {
        { "nothing asked, nothing said", NULL, NULL, "{}", true },
        { "nothing asked", NULL, NULL, "{\"iss\":7,\"aud\":[{}]}", true },
        { "the issuer", "https://a/", NULL, "{\"iss\":\"https:\\/\\/a/\"}", true },
        { "another issuer", "https://a/", NULL, "{\"iss\":\"https://b/\"}", false },
        { "the issuer and more", "https://a/", NULL, "{\"iss\":\"https://a/b\"}", false },
        { "the beginning of the issuer", "https://a/", NULL, "{\"iss\":\"https://a\"}", false },
        { "no issuer", "https://a/", NULL, "{}", false },
        { "a list of issuers", "https://a/", NULL, "{\"iss\":[\"https://a/\"]}", false },
        { "an issuer that is null", "https://a/", NULL, "{\"iss\":null}", false },
        { "the audience", NULL, "ysync", "{\"aud\":\"ysync\"}", true },
        { "another audience", NULL, "ysync", "{\"aud\":\"Ysync\"}", false },
        { "the audience alone in a list", NULL, "ysync", "{\"aud\":[\"ysync\"]}", true },
        { "the audience among others", NULL, "ysync", "{\"aud\":[\"a\",\"ysync\",\"b\"]}", true },
        { "others", NULL, "ysync", "{\"aud\":[\"a\",\"b\"]}", false },
        { "nobody", NULL, "ysync", "{\"aud\":[]}", false },
        { "no audience", NULL, "ysync", "{}", false },
        { "no list", NULL, "ysync", "{\"aud\":{\"ysync\":\"ysync\"}}", false },
        { "a list in a list", NULL, "ysync", "{\"aud\":[[\"ysync\"]]}", false },
        { "both", "me", "ysync", "{\"iss\":\"me\",\"aud\":\"ysync\"}", true },
        { "only the issuer", "me", "ysync", "{\"iss\":\"me\"}", false },
        { "only the audience", "me", "ysync", "{\"aud\":\"ysync\"}", false },
        { "the one as the other", "me", "ysync", "{\"iss\":\"ysync\",\"aud\":\"me\"}", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ys_auth *auth = new_jwt("secret", cases[i].issuer, cases[i].audience);
        bool got = ask_with_claims(auth, cases[i].claims, "blog").access == YS_ACCESS_WRITE;

        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
        ys_auth_free(auth);
    }
}

static void test_jwt_is_good_for_its_rooms(void **state)
{
    static const struct {
        const char *claim; /* NULL: none */
        const char *room;  /* "": good for every room? */
        bool want;
    } cases[] = {
        { NULL, "blog", true },
        { NULL, "", true },
        { "\"blog\"", "blog", true },
        { "\"blog\"", "blog2", false },
        { "\"blog\"", "blo", false },
        { "\"blog\"", "Blog", false },
        { "\"blog\"", "", false },
        { "\"blog*\"", "blog", true },
        { "\"blog*\"", "blog/2", true },
        { "\"blog*\"", "blo", false },
        { "\"blog*\"", "", false },
        { "\"team/*\"", "team/notes/today", true },
        { "\"team/*\"", "team/", true },
        { "\"team/*\"", "team", false },
        { "\"team/*\"", "x/team/notes", false },
        { "\"*\"", "blog", true },
        { "\"*\"", "", true },
        { "\"**\"", "blog", false },
        { "\"**\"", "*blog", true },
        { "\"b*g\"", "blog", false },
        { "\"b*g\"", "b*g", true },
        { "\"*g\"", "blog", false },
        { "\"\"", "blog", false },
        { "\"\"", "", false },
        { "\"\\u0062log\"", "blog", true },
        { "\"caf\\u00e9 \\ud83d\\ude00\"", "caf\xc3\xa9 \xf0\x9f\x98\x80", true },
        { "\"blog\\u0000\"", "blog", false },
        { "[]", "blog", false },
        { "[]", "", false },
        { "[\"blog\"]", "blog", true },
        { "[\"a\",\"b*\",\"c\"]", "blog", true },
        { "[\"a\",\"c\"]", "blog", false },
        { "[\"a\",\"*\"]", "", true },
        { "[\"a\",\"b\"]", "", false },
        { "[\"\"]", "", false },
        { "[\"blog\",7]", "blog", false },
        { "[[\"blog\"]]", "blog", false },
        { "[null]", "blog", false },
        { "[\"blog\",\"\\ud800\"]", "blog", false },
        { "\"\\ud800*\"", "blog", false },
        { "null", "blog", false },
        { "null", "", false },
        { "7", "7", false },
        { "true", "true", false },
        { "{}", "blog", false },
        { "{\"blog\":\"blog\"}", "blog", false },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char claims[100] = "{}";
        bool got;

        if (cases[i].claim)
            snprintf(claims, sizeof(claims), "{\"room\":%s}", cases[i].claim);
        got = ask_with_claims(auth, claims, cases[i].room).access == YS_ACCESS_WRITE;
        if (got != cases[i].want)
            fail_msg("%s for \"%s\": got %d, want %d", claims, cases[i].room, got, cases[i].want);
    }
    ys_auth_free(auth);
}

static void test_jwt_grants_what_it_says(void **state)
{
    static const struct {
        const char *claims;
        enum ys_access want;
    } cases[] = {
        { "{}", YS_ACCESS_WRITE },
        { "{\"access\":\"write\"}", YS_ACCESS_WRITE },
        { "{\"access\":\"\\u0077rite\"}", YS_ACCESS_WRITE },
        { "{\"access\":\"read\"}", YS_ACCESS_READ },
        { "{\"access\":\"Write\"}", YS_ACCESS_READ },
        { "{\"access\":\"writer\"}", YS_ACCESS_READ },
        { "{\"access\":\"\"}", YS_ACCESS_READ },
        { "{\"access\":\"admin\"}", YS_ACCESS_READ },
        { "{\"access\":null}", YS_ACCESS_READ },
        { "{\"access\":[\"write\"]}", YS_ACCESS_READ },
        { "{\"access\":true}", YS_ACCESS_READ },
        { "{\"Access\":\"read\"}", YS_ACCESS_WRITE },
    };
    struct ys_auth *auth = new_jwt("secret", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got = ask_with_claims(auth, cases[i].claims, "blog").access;

        if (got != cases[i].want)
            fail_msg("%s: got access %d, want %d", cases[i].claims, got, cases[i].want);
    }
    ys_auth_free(auth);
}

static void test_jwt_says_why_not_to_whoever_configures_it(void **state)
{
    const struct ys_jwt_config config = { .key = bytes_of("too short") };
    struct ysync_problem problem = { "" };
    struct ys_auth *auth = NULL;

    (void)state;
    assert_int_equal(ys_auth_new_jwt(ysync_alloc_default(), &config, &auth, &problem), YSYNC_ERR_INVALID_ARG);
    assert_string_equal(problem.text, "the JWT key is a secret of fewer than 16 bytes");
    assert_null(auth);
    assert_int_equal(ys_auth_new_jwt(ysync_alloc_default(), &config, &auth, NULL), YSYNC_ERR_INVALID_ARG);
}

static void test_jwt_survives_failed_allocations(void **state)
{
    const struct ys_jwt_config config = {
        .key = bytes_of(SIGNING_SECRET),
        .issuer = "me",
        .audience = "ysync",
    };
    char *token = sign(bytes_of(SIGNING_HEADER),
                       bytes_of("{\"iss\":\"me\",\"aud\":\"ysync\",\"room\":[\"a\",\"blog\"]}"));

    (void)state;
    for (size_t n = 0;; n++) {
        struct ysync_problem problem = { "" };
        struct ys_auth *auth = NULL;
        enum ys_access access = YS_ACCESS_UNKNOWN;
        struct ys_test_alloc memory;
        enum ysync_err err;

        ys_test_alloc_init(&memory, n);
        err = ys_auth_new_jwt(&memory.alloc, &config, &auth, &problem);
        if (!err)
            access = access_with(auth, bytes_of(token));
        ys_auth_free(auth);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed) {
            assert_int_equal(access, YS_ACCESS_WRITE);
            break;
        }
        assert_int_equal(access, YS_ACCESS_UNKNOWN); /* nobody could tell */
        assert_string_equal(problem.text, err ? "out of memory" : "");
    }
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwt_lets_in_what_the_key_signed),
        cmocka_unit_test(test_jwt_lets_in_nothing_else),
        cmocka_unit_test(test_jwt_refuses_every_prefix),
        cmocka_unit_test(test_jwt_refuses_every_other_byte),
        cmocka_unit_test(test_jwt_refuses_additions),
        cmocka_unit_test(test_jwt_wants_three_parts),
        cmocka_unit_test(test_jwt_reads_the_header),
        cmocka_unit_test(test_jwt_claims_are_an_object),
        cmocka_unit_test(test_jwt_holds_until_it_expires),
        cmocka_unit_test(test_jwt_begins_when_it_says),
        cmocka_unit_test(test_jwt_comes_from_and_goes_to_whom_it_should),
        cmocka_unit_test(test_jwt_is_good_for_its_rooms),
        cmocka_unit_test(test_jwt_grants_what_it_says),
        cmocka_unit_test(test_jwt_says_why_not_to_whoever_configures_it),
        cmocka_unit_test(test_jwt_survives_failed_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
