/* SPDX-License-Identifier: MIT */
/*
 * A request for a WebSocket, from the bytes of its head to the answer: the room is one that may be, and of what the
 * client wrote nothing gets into the answer but one of the subprotocols that it offered. Compression is accepted in
 * words of our own.
 */
#include "requests.h"

#include "base/token.h"
#include "server/upgrade.h"
#include "ws/extensions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes a line, which ends in CR LF and has neither elsewhere. */
static struct ysync_bytes take_line(struct ysync_bytes *text)
{
    const uint8_t *end = text->len > 0 ? memchr(text->data, '\r', text->len) : NULL;
    struct ysync_bytes line;

    require(end && end + 1 < text->data + text->len && end[1] == '\n', "lines end in CR LF");
    line = (struct ysync_bytes){ text->data, (size_t)(end - text->data) };
    require(line.len == 0 || !memchr(line.data, '\n', line.len), "lines have no line feed");
    *text = (struct ysync_bytes){ end + 2, text->len - line.len - 2 };
    return line;
}

/* What stands behind the beginning of a line; false if it is another line. */
static bool cut_prefix(struct ysync_bytes *line, const char *prefix)
{
    size_t len = strlen(prefix);

    if (line->len < len || memcmp(line->data, prefix, len) != 0)
        return false;
    *line = (struct ysync_bytes){ line->data + len, line->len - len };
    return true;
}

static bool is_offered(const struct ys_http_head *head, struct ysync_bytes protocol)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct ysync_bytes list = head->fields[i].value;
        struct ysync_bytes offer;

        while (ys_http_name_is(head->fields[i].name, "Sec-WebSocket-Protocol") && ys_comma_list_next(&list, &offer)) {
            if (is_same(offer, protocol))
                return true;
        }
    }
    return false;
}

static void check_answer(struct ysync_bytes answer, const struct ys_http_head *head,
                         const struct ys_ws_request *request)
{
    struct ysync_bytes line = take_line(&answer);

    require(is_same(line, bytes_of("HTTP/1.1 101 Switching Protocols")), "the status line");
    for (line = take_line(&answer); line.len > 0; line = take_line(&answer)) {
        if (cut_prefix(&line, "Sec-WebSocket-Protocol: ")) {
            require(ys_is_token(line) && is_offered(head, line), "a subprotocol that was offered");
            require(!cut_prefix(&line, "bearer."), "a token is not told");
        } else if (cut_prefix(&line, "Sec-WebSocket-Extensions: ")) {
            require(is_same(line, bytes_of(ys_ws_accept_deflate(request->extensions))), "compression in our own words");
        } else if (cut_prefix(&line, "Sec-WebSocket-Accept: ")) {
            require(line.len == 28, "the proof is the base64 of 20 bytes");
        } else {
            require(is_same(line, bytes_of("Upgrade: websocket")) || is_same(line, bytes_of("Connection: Upgrade")),
                    "no other line");
        }
    }
    require(answer.len == 0, "nothing behind the head");
}

static void check_upgrade(const struct ys_http_head *head)
{
    struct ys_routes *routes = default_routes();
    struct ys_upgrade upgrade;
    struct ys_buf answer;
    const char *why = NULL;
    int status = ys_upgrade_read(&upgrade, ysync_alloc_default(), routes, head, &why);

    if (status == 101) {
        require_room_name(ys_buf_bytes(&upgrade.room));
        require(upgrade.token.len <= head->target.len + YS_HTTP_MAX_HEAD_BYTES, "a token is a part of the head");
        ys_buf_init(&answer, ysync_alloc_default(), SIZE_MAX);
        ys_ws_put_accept(&answer, &upgrade.request);
        require(!ys_buf_err(&answer), "an answer");
        check_answer(ys_buf_bytes(&answer), head, &upgrade.request);
        ys_buf_deinit(&answer);
    } else {
        require(status == 400 || status == 404 || status == 426, "no other status");
        require(why && why[0] != '\0', "a refusal is explained");
    }
    ys_upgrade_deinit(&upgrade);
    ys_routes_free(routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ys_http_head *head;
    struct ys_http_parser *parser;

    require(!ys_http_parser_new(ysync_alloc_default(), &parser), "a parser");
    head = read_head(parser, data, size);
    if (head)
        check_upgrade(head);
    ys_http_parser_free(parser);
    return 0;
}
