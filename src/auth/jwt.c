/* SPDX-License-Identifier: MIT */
/*
 * A token is three parts in base64url. The first two, as they stand there, are what is signed.
 *
 *     eyJhbGciOiJIUzI1NiJ9 . eyJyb29tIjoiYmxvZyJ9 . Jv3hR...
 *     '-{"alg":"HS256"}--'   '-{"room":"blog"}--'   '-signature of "eyJhbGciOiJIUzI1NiJ9.eyJyb29tIjoiYmxvZyJ9"
 *
 * Of the header only `alg` and `crit` are looked at, and believed by nobody: `alg` has to be what the key asks for, and
 * `crit` says that the token means something which is not known here. No claim is read before the signature holds.
 *
 * A token that breaks a rule is MALFORMED or DENIED inside, which is one verdict. Running out of memory is another.
 */
#include "auth/jwt.h"

#include <string.h>

#include "auth/jwt_key.h"
#include "base/alloc.h"
#include "base/base64url.h"
#include "base/json_reader.h"
#include "base/problem.h"

/* Points in time past this many seconds from now never come. */
#define FOREVER_S 1e12

struct jwt_auth {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
    struct ys_jwt_key *key;
    char *issuer;   /* NULL: anything */
    char *audience; /* NULL: anything */
};

struct parts {
    struct ysync_bytes header;
    struct ysync_bytes claims;
    struct ysync_bytes signature;
    struct ysync_bytes signed_text; /* header and claims with the dot between them */
};

static struct ysync_bytes slice(struct ysync_bytes bytes, size_t from, size_t to)
{
    return (struct ysync_bytes){ bytes.data + from, to - from };
}

static enum ysync_err split(struct ysync_bytes token, struct parts *out)
{
    size_t dots[2];
    size_t dot_count = 0;

    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] == '=') /* RFC 7515, 2: no padding */
            return YSYNC_ERR_MALFORMED;
        if (token.data[i] != '.')
            continue;
        if (dot_count == ARRAY_LEN(dots))
            return YSYNC_ERR_MALFORMED;
        dots[dot_count++] = i;
    }
    if (dot_count < ARRAY_LEN(dots))
        return YSYNC_ERR_MALFORMED;
    *out = (struct parts){
        .header = slice(token, 0, dots[0]),
        .claims = slice(token, dots[0] + 1, dots[1]),
        .signature = slice(token, dots[1] + 1, token.len),
        .signed_text = slice(token, 0, dots[1]),
    };
    return YSYNC_OK;
}

/* Decodes an object into `text`, and finds the fields in it: views of `text`. */
static enum ysync_err read_part(struct ysync_bytes part, struct ys_buf *text, struct ys_json_field *fields,
                                size_t count)
{
    enum ysync_err err;

    ys_buf_clear(text);
    err = ys_base64url_decode(part, text);
    return err ? err : ys_json_read_object(ys_buf_bytes(text), fields, count);
}

static enum ysync_err check_header(const struct jwt_auth *jwt, struct ysync_bytes header, struct ys_buf *text)
{
    struct ys_json_field fields[] = { { .name = "alg" }, { .name = "crit" } };
    enum ysync_err err = read_part(header, text, fields, ARRAY_LEN(fields));

    if (err)
        return err;
    if (!ys_json_is_string(fields[0].value, ys_jwt_key_algorithm(jwt->key)) || fields[1].value.kind != YS_JSON_NONE)
        return YSYNC_ERR_DENIED;
    return YSYNC_OK;
}

static enum ysync_err check_signature(const struct jwt_auth *jwt, const struct parts *parts, struct ys_buf *text)
{
    enum ysync_err err;

    ys_buf_clear(text);
    err = ys_base64url_decode(parts->signature, text);
    return err ? err : ys_jwt_key_verify(jwt->key, parts->signed_text, ys_buf_bytes(text));
}

/* How long it is until `exp`, or until its leeway ends if it has passed. */
static enum ysync_err check_expiry(struct ys_json_value exp, double now_s, uint64_t *holds_ms)
{
    double left_s;

    *holds_ms = YS_VERDICT_FOREVER;
    if (exp.kind == YS_JSON_NONE)
        return YSYNC_OK;
    if (exp.kind != YS_JSON_NUMBER)
        return YSYNC_ERR_MALFORMED;
    left_s = ys_json_number(exp) - now_s;
    if (left_s <= 0)
        left_s += YS_JWT_LEEWAY_S;
    if (left_s <= 0)
        return YSYNC_ERR_DENIED;
    if (left_s < FOREVER_S)
        *holds_ms = (uint64_t)(left_s * 1000);
    return YSYNC_OK;
}

static enum ysync_err check_not_before(struct ys_json_value nbf, double now_s)
{
    if (nbf.kind == YS_JSON_NONE)
        return YSYNC_OK;
    if (nbf.kind != YS_JSON_NUMBER)
        return YSYNC_ERR_MALFORMED;
    return ys_json_number(nbf) <= now_s + YS_JWT_LEEWAY_S ? YSYNC_OK : YSYNC_ERR_DENIED;
}

static bool is_or_holds(struct ys_json_value value, const char *text)
{
    struct ys_json_value element;
    struct ys_json_walk walk;

    if (value.kind != YS_JSON_ARRAY)
        return ys_json_is_string(value, text);
    walk = ys_json_elements(value);
    while (ys_json_next(&walk, &element)) {
        if (ys_json_is_string(element, text))
            return true;
    }
    return false;
}

/* The pattern "*" is good for every room, and so it is the only one that is good for the request without a room. */
static bool matches(struct ysync_bytes pattern, struct ysync_bytes room)
{
    bool has_rest = pattern.len > 0 && pattern.data[pattern.len - 1] == '*';
    size_t fixed = has_rest ? pattern.len - 1 : pattern.len;

    if (pattern.len == 0 || room.len < fixed || (!has_rest && room.len > fixed))
        return false;
    return fixed == 0 || memcmp(pattern.data, room.data, fixed) == 0;
}

static enum ysync_err match_pattern(const struct jwt_auth *jwt, struct ys_json_value pattern, struct ysync_bytes room,
                                    bool *is_match)
{
    enum ysync_err err = YSYNC_ERR_MALFORMED;
    struct ys_buf text;

    ys_buf_init(&text, jwt->alloc, pattern.text.len);
    if (pattern.kind == YS_JSON_STRING)
        err = ys_json_decode_string(pattern, &text);
    if (!err && matches(ys_buf_bytes(&text), room))
        *is_match = true;
    ys_buf_deinit(&text);
    return err;
}

/* All of the list has to make sense, also behind a match. */
static enum ysync_err check_room(const struct jwt_auth *jwt, struct ys_json_value claim, struct ysync_bytes room)
{
    struct ys_json_value pattern;
    struct ys_json_walk walk;
    bool is_match = false;
    enum ysync_err err = YSYNC_OK;

    if (claim.kind == YS_JSON_NONE)
        return YSYNC_OK;
    if (claim.kind == YS_JSON_ARRAY) {
        walk = ys_json_elements(claim);
        while (!err && ys_json_next(&walk, &pattern))
            err = match_pattern(jwt, pattern, room, &is_match);
    } else {
        err = match_pattern(jwt, claim, room, &is_match);
    }
    if (err)
        return err;
    return is_match ? YSYNC_OK : YSYNC_ERR_DENIED;
}

static enum ysync_err judge_claims(const struct jwt_auth *jwt, const struct ys_auth_request *request,
                                   struct ysync_bytes claims, struct ys_buf *text, struct ys_verdict *out)
{
    enum claim { EXP, NBF, ISS, AUD, ROOM, ACCESS };
    struct ys_json_field fields[] = {
        [EXP] = { .name = "exp" }, [NBF] = { .name = "nbf" },   [ISS] = { .name = "iss" },
        [AUD] = { .name = "aud" }, [ROOM] = { .name = "room" }, [ACCESS] = { .name = "access" },
    };
    double now_s = (double)request->unix_time_s;
    struct ys_verdict verdict = { .access = YS_ACCESS_READ };
    enum ysync_err err = read_part(claims, text, fields, ARRAY_LEN(fields));

    if (!err)
        err = check_expiry(fields[EXP].value, now_s, &verdict.holds_ms);
    if (!err)
        err = check_not_before(fields[NBF].value, now_s);
    if (!err && jwt->issuer && !ys_json_is_string(fields[ISS].value, jwt->issuer))
        err = YSYNC_ERR_DENIED;
    if (!err && jwt->audience && !is_or_holds(fields[AUD].value, jwt->audience))
        err = YSYNC_ERR_DENIED;
    if (!err)
        err = check_room(jwt, fields[ROOM].value, request->room);
    if (err)
        return err;
    if (fields[ACCESS].value.kind == YS_JSON_NONE || ys_json_is_string(fields[ACCESS].value, "write"))
        verdict.access = YS_ACCESS_WRITE;
    *out = verdict;
    return YSYNC_OK;
}

static enum ysync_err judge(const struct jwt_auth *jwt, const struct ys_auth_request *request, struct ys_verdict *out)
{
    struct parts parts;
    struct ys_buf text; /* of one part after the other */
    enum ysync_err err = split(request->token, &parts);

    if (err)
        return err;
    ys_buf_init(&text, jwt->alloc, request->token.len);
    err = check_header(jwt, parts.header, &text);
    if (!err)
        err = check_signature(jwt, &parts, &text);
    if (!err)
        err = judge_claims(jwt, request, parts.claims, &text, out);
    ys_buf_deinit(&text);
    return err;
}

static void check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    struct ys_verdict answer = { YS_ACCESS_NONE, YS_VERDICT_FOREVER };
    enum ysync_err err = judge((struct jwt_auth *)auth, request, &answer);

    if (err == YSYNC_ERR_NOMEM)
        answer.access = YS_ACCESS_UNKNOWN;
    verdict(user, answer);
}

static void free_jwt(struct ys_auth *auth)
{
    struct jwt_auth *jwt = (struct jwt_auth *)auth;

    ys_jwt_key_free(jwt->key);
    ys_free(jwt->alloc, jwt->issuer);
    ys_free(jwt->alloc, jwt->audience);
    ys_free(jwt->alloc, jwt);
}

enum ysync_err ys_auth_new_jwt(const struct ysync_alloc *alloc, const struct ys_jwt_config *config,
                               struct ys_auth **out, struct ysync_problem *problem)
{
    struct jwt_auth *jwt = ys_alloc_zeroed(alloc, 1, sizeof(*jwt));
    enum ysync_err err = jwt ? YSYNC_OK : YSYNC_ERR_NOMEM;

    if (err)
        goto done;
    jwt->auth = (struct ys_auth){ .check = check, .free = free_jwt };
    jwt->alloc = alloc;
    if (!ys_copy_text(alloc, config->issuer, &jwt->issuer) || !ys_copy_text(alloc, config->audience, &jwt->audience))
        err = YSYNC_ERR_NOMEM;
    if (!err)
        err = ys_jwt_key_new(alloc, config->key, &jwt->key, problem);
    if (err)
        goto done;
    *out = &jwt->auth;
    jwt = NULL; /* the caller's from here on */
done:
    if (err == YSYNC_ERR_NOMEM)
        ys_problem_set(problem, "out of memory");
    if (jwt)
        free_jwt(&jwt->auth);
    return err;
}
