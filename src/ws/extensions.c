/* SPDX-License-Identifier: MIT */
/*
 *     offers      offer *( "," offer )                         the first one that can be met is taken
 *     offer       token *( ";" parameter )
 *     parameter   token [ "=" ( token | quoted token ) ]
 *
 *     permessage-deflate; server_max_window_bits="10", permessage-deflate; client_max_window_bits
 *     '------------- cannot be met ----------------'   '--------------- accepted ---------------'
 *
 * An offer is declined when it names a parameter that we do not know, twice, or with a value that it cannot have (RFC
 * 7692, 5.1): the client wants something that it would not get. A list that breaks the grammar is not read past that
 * place, as nobody knows where the next offer would begin.
 *
 * Both sides must forget each message, which an answer may ask for without being asked (7.1.1). A client may use any
 * window, as we read them all. We use the largest one: a smaller one for some readers would have every message
 * compressed once more for them, so an offer that insists on that is declined and its client is served without.
 */
#include "ws/extensions.h"

#include <string.h>

#include "base/alloc.h"
#include "base/token.h"

#define ACCEPTED "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

#define MIN_WINDOW_BITS 8
#define MAX_WINDOW_BITS 15

enum value_rule {
    NO_VALUE,
    WINDOW_BITS,
    WINDOW_BITS_OR_NONE,
};

enum parameter {
    SERVER_NO_CONTEXT_TAKEOVER,
    CLIENT_NO_CONTEXT_TAKEOVER,
    SERVER_MAX_WINDOW_BITS,
    CLIENT_MAX_WINDOW_BITS,
    PARAMETERS /* how many there are */
};

static const struct {
    const char *name;
    enum value_rule rule;
} parameters[PARAMETERS] = {
    [SERVER_NO_CONTEXT_TAKEOVER] = { "server_no_context_takeover", NO_VALUE },
    [CLIENT_NO_CONTEXT_TAKEOVER] = { "client_no_context_takeover", NO_VALUE },
    [SERVER_MAX_WINDOW_BITS] = { "server_max_window_bits", WINDOW_BITS },
    [CLIENT_MAX_WINDOW_BITS] = { "client_max_window_bits", WINDOW_BITS_OR_NONE },
};

struct offer {
    bool is_good;
    bool has[PARAMETERS];
    unsigned server_window_bits;
};

/* Without the quotes. What matters is short: of longer values only the length is known. */
struct value {
    size_t len;
    uint8_t bytes[2];
};

static bool equals(struct ysync_bytes bytes, const char *str)
{
    return bytes.len == strlen(str) && memcmp(bytes.data, str, bytes.len) == 0;
}

static void skip(struct ysync_bytes *in, size_t count)
{
    in->data += count;
    in->len -= count;
}

static void skip_blanks(struct ysync_bytes *in)
{
    while (in->len > 0 && (in->data[0] == ' ' || in->data[0] == '\t'))
        skip(in, 1);
}

/* Takes this byte, and blanks on both sides of it, if it comes next. */
static bool take_byte(struct ysync_bytes *in, uint8_t byte)
{
    skip_blanks(in);
    if (in->len == 0 || in->data[0] != byte)
        return false;
    skip(in, 1);
    skip_blanks(in);
    return true;
}

static bool take_token(struct ysync_bytes *in, struct ysync_bytes *out)
{
    *out = (struct ysync_bytes){ in->data, 0 };
    while (out->len < in->len && ys_token_has_byte(in->data[out->len]))
        out->len++;
    skip(in, out->len);
    return out->len > 0;
}

static void add(struct value *value, uint8_t byte)
{
    if (value->len < sizeof(value->bytes))
        value->bytes[value->len] = byte;
    value->len++;
}

/* What stands behind the first quote; a backslash quotes what follows it. */
static bool take_quoted(struct ysync_bytes *in, struct value *out)
{
    while (in->len > 0 && in->data[0] != '"') {
        if (in->data[0] == '\\')
            skip(in, 1);
        if (in->len == 0 || !ys_token_has_byte(in->data[0]))
            return false;
        add(out, in->data[0]);
        skip(in, 1);
    }
    if (in->len == 0)
        return false;
    skip(in, 1);
    return out->len > 0;
}

static bool take_value(struct ysync_bytes *in, struct value *out)
{
    struct ysync_bytes token;

    *out = (struct value){ 0 };
    if (take_byte(in, '"'))
        return take_quoted(in, out);
    if (!take_token(in, &token))
        return false;
    for (size_t i = 0; i < token.len; i++)
        add(out, token.data[i]);
    return true;
}

/* 0 if it is none. They have no zeros in front. */
static unsigned window_bits(const struct value *value)
{
    unsigned bits = 0;

    if (value->len == 0 || value->len > sizeof(value->bytes) || value->bytes[0] == '0')
        return 0;
    for (size_t i = 0; i < value->len; i++) {
        if (value->bytes[i] < '0' || value->bytes[i] > '9')
            return 0;
        bits = bits * 10 + (value->bytes[i] - '0');
    }
    return bits >= MIN_WINDOW_BITS && bits <= MAX_WINDOW_BITS ? bits : 0;
}

/* value is NULL where there is none. */
static void add_parameter(struct offer *offer, struct ysync_bytes name, const struct value *value)
{
    size_t i = 0;

    while (i < PARAMETERS && !equals(name, parameters[i].name))
        i++;
    if (i == PARAMETERS || offer->has[i]) {
        offer->is_good = false;
        return;
    }
    offer->has[i] = true;
    if (parameters[i].rule == NO_VALUE)
        offer->is_good &= value == NULL;
    else if (value)
        offer->is_good &= window_bits(value) != 0;
    else
        offer->is_good &= parameters[i].rule == WINDOW_BITS_OR_NONE;
    if (i == SERVER_MAX_WINDOW_BITS && value)
        offer->server_window_bits = window_bits(value);
}

/* False where the list breaks the grammar. */
static bool take_offer(struct ysync_bytes *in, struct offer *out)
{
    struct ysync_bytes name;
    struct value value;

    *out = (struct offer){ .is_good = true };
    if (!take_token(in, &name))
        return false;
    out->is_good = equals(name, "permessage-deflate");
    while (take_byte(in, ';')) {
        bool has_value;

        if (!take_token(in, &name))
            return false;
        has_value = take_byte(in, '=');
        if (has_value && !take_value(in, &value))
            return false;
        add_parameter(out, name, has_value ? &value : NULL);
    }
    skip_blanks(in);
    return in->len == 0 || in->data[0] == ',';
}

const char *ys_ws_accept_deflate(struct ysync_bytes offers)
{
    struct offer offer;

    skip_blanks(&offers);
    while (offers.len > 0) {
        if (take_byte(&offers, ','))
            continue;
        if (!take_offer(&offers, &offer))
            return NULL;
        if (!offer.is_good)
            continue;
        if (!offer.has[SERVER_MAX_WINDOW_BITS])
            return ACCEPTED;
        if (offer.server_window_bits == MAX_WINDOW_BITS)
            return ACCEPTED "; server_max_window_bits=15";
    }
    return NULL;
}
