/* SPDX-License-Identifier: MIT */
/*
 * The server proves that it has read the key: the answer holds base64(SHA-1(key, a fixed GUID)). The key itself is
 * never decoded, but must look like the base64 of 16 bytes, as clients must make it (RFC 6455, 4.1).
 *
 * Subprotocols are names, separated by commas. Browsers cannot send an Authorization field with a WebSocket, so
 * a client may offer its token as one more name, "bearer.TOKEN", beside the one that it wants to hear back.
 */
#include "ws/handshake.h"

#include <stdbool.h>
#include <string.h>

#include "base/sha1.h"
#include "base/token.h"
#include "ws/extensions.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_CHARS 24   /* base64 of 16 bytes: 22 characters and "==" */
#define PROOF_CHARS 28 /* base64 of the digest */
#define BEARER "bearer."

static bool equals(struct ysync_bytes bytes, const char *str)
{
    return bytes.len == strlen(str) && memcmp(bytes.data, str, bytes.len) == 0;
}

static bool is_base64_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool is_good_key(struct ysync_bytes key)
{
    if (key.len != KEY_CHARS || memcmp(key.data + KEY_CHARS - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < KEY_CHARS - 2; i++) {
        if (!is_base64_char(key.data[i]))
            return false;
    }
    return true;
}

int ys_ws_check_request(const struct ys_ws_request *request, const char **why)
{
    if (!equals(request->version, "13")) {
        *why = "Sec-WebSocket-Version must be 13";
        return 426;
    }
    if (!is_good_key(request->key)) {
        *why = "Sec-WebSocket-Key must be the base64 of 16 bytes";
        return 400;
    }
    return 101;
}

/* Takes the next name off the list; false at its end. What is no token is passed over: it could not be echoed. */
static bool next_offer(struct ysync_bytes *list, struct ysync_bytes *out)
{
    while (ys_comma_list_next(list, out)) {
        if (ys_is_token(*out))
            return true;
    }
    return false;
}

static bool is_bearer(struct ysync_bytes offer)
{
    return offer.len >= strlen(BEARER) && memcmp(offer.data, BEARER, strlen(BEARER)) == 0;
}

struct ysync_bytes ys_ws_choose_protocol(struct ysync_bytes protocols)
{
    struct ysync_bytes offer;

    while (next_offer(&protocols, &offer)) {
        if (!is_bearer(offer))
            return offer;
    }
    return (struct ysync_bytes){ NULL, 0 };
}

struct ysync_bytes ys_ws_bearer_protocol(struct ysync_bytes protocols)
{
    struct ysync_bytes offer;

    while (next_offer(&protocols, &offer)) {
        if (is_bearer(offer))
            return (struct ysync_bytes){ offer.data + strlen(BEARER), offer.len - strlen(BEARER) };
    }
    return (struct ysync_bytes){ NULL, 0 };
}

/* The digest is of 20 bytes: six groups of three become four characters each, and the last two bytes three and a '='.
 */
static void encode_proof(const uint8_t digest[YS_SHA1_BYTES], char proof[PROOF_CHARS])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0, at = 0; i < PROOF_CHARS; i += 4, at += 3) {
        uint32_t last = at + 2 < YS_SHA1_BYTES ? digest[at + 2] : 0;
        uint32_t bits = (uint32_t)digest[at] << 16 | (uint32_t)digest[at + 1] << 8 | last;

        for (size_t j = 0; j < 4; j++)
            proof[i + j] = digits[bits >> (18 - 6 * j) & 63];
    }
    proof[PROOF_CHARS - 1] = '=';
}

/* Appends the proof for a key that was found good. */
static void put_accept_value(struct ys_buf *out, struct ysync_bytes key)
{
    uint8_t text[KEY_CHARS + sizeof(GUID) - 1];
    uint8_t digest[YS_SHA1_BYTES];
    char proof[PROOF_CHARS];

    memcpy(text, key.data, KEY_CHARS);
    memcpy(text + KEY_CHARS, GUID, sizeof(GUID) - 1);
    ys_sha1((struct ysync_bytes){ text, sizeof(text) }, digest);
    encode_proof(digest, proof);
    ys_buf_put(out, (struct ysync_bytes){ (const uint8_t *)proof, sizeof(proof) });
}

void ys_ws_put_accept(struct ys_buf *out, const struct ys_ws_request *request)
{
    struct ysync_bytes protocol = ys_ws_choose_protocol(request->protocols);
    const char *deflate = ys_ws_accept_deflate(request->extensions);

    ys_buf_put_str(out, "HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: ");
    put_accept_value(out, request->key);
    if (protocol.len > 0) {
        ys_buf_put_str(out, "\r\nSec-WebSocket-Protocol: ");
        ys_buf_put(out, protocol);
    }
    if (deflate) {
        ys_buf_put_str(out, "\r\nSec-WebSocket-Extensions: ");
        ys_buf_put_str(out, deflate);
    }
    ys_buf_put_str(out, "\r\n\r\n");
}
