/* SPDX-License-Identifier: MIT */
/*
 * The server proves that it has read the key: the answer holds base64(SHA-1(key, a fixed GUID)). The key itself is
 * never decoded, but must look like the base64 of 16 bytes, as clients must make it (RFC 6455, 4.1).
 *
 * Subprotocols are names, separated by commas. Browsers cannot send an Authorization field with a WebSocket, so
 * a client may offer its token as one more name, "bearer.TOKEN", beside the one that it wants to hear back.
 */
#include "ws/handshake.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/token.h"
#include "ws/extensions.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_CHARS 24 /* base64 of 16 bytes: 22 characters and "==" */
#define SHA1_BYTES 20
#define SHA1_BASE64_CHARS 28
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

/* Appends the proof for a key that was found good. */
static void put_accept_value(struct ys_buf *out, struct ysync_bytes key)
{
    uint8_t text[KEY_CHARS + sizeof(GUID) - 1];
    uint8_t digest[SHA1_BYTES];
    uint8_t base64[SHA1_BASE64_CHARS + 1];

    memcpy(text, key.data, KEY_CHARS);
    memcpy(text + KEY_CHARS, GUID, sizeof(GUID) - 1);
    if (!EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha1(), NULL)) {
        if (!out->err)
            out->err = YSYNC_ERR_NOMEM; /* the only thing that can be missing */
        return;
    }
    EVP_EncodeBlock(base64, digest, sizeof(digest));
    ys_buf_put(out, (struct ysync_bytes){ base64, SHA1_BASE64_CHARS });
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
