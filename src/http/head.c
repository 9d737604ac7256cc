/* SPDX-License-Identifier: MIT */
/*
 * A head is gathered in one buffer while lines.h checks it byte by byte, and taken apart once it is whole. So
 * it makes no difference how the network cut it, and all views point into that buffer:
 *
 *     bytes    GET /rooms/blog?token=x HTTP/1.1 CR LF Host: example.org CR LF CR LF
 *     target       '-----------------'                '--'  '---------'
 *                                                       fields[0]
 *
 * Then come the checks that decide where the body ends (RFC 9112, 6.3): whatever leaves that in doubt is an
 * error. The body itself is never copied.
 *
 * Buffer and fields are given back by the first call after END, so that a connection that waits for its next
 * request holds little.
 */
#include "http/head.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/token.h"
#include "http/chunk.h"
#include "http/engine.h"
#include "http/lines.h"

enum phase {
    PHASE_HEAD,
    PHASE_NO_BODY,
    PHASE_SIZED_BODY,
    PHASE_CHUNKED_BODY,
    PHASE_ENDED, /* END was told; the head is still there */
    PHASE_FAILED,
};

struct ys_http_parser {
    const struct ysync_alloc *alloc;
    enum phase phase;
    struct ys_http_lines lines;
    struct ys_buf bytes;
    struct ys_http_field *fields;
    struct ys_http_head head;
    uint64_t body_left;
    struct ys_http_chunk chunk;
    int status;
    const char *why;
};

static void expect_head(struct ys_http_parser *parser)
{
    ys_buf_deinit(&parser->bytes);
    ys_free(parser->alloc, parser->fields);
    parser->fields = NULL;
    parser->head = (struct ys_http_head){ .method = YS_HTTP_OTHER_METHOD };
    parser->phase = PHASE_HEAD;
    ys_http_lines_init_head(&parser->lines);
}

enum ysync_err ys_http_parser_new(const struct ysync_alloc *alloc, struct ys_http_parser **out)
{
    struct ys_http_parser *parser = ys_alloc_zeroed(alloc, 1, sizeof(*parser));

    if (!parser)
        return YSYNC_ERR_NOMEM;
    parser->alloc = alloc;
    ys_buf_init(&parser->bytes, alloc, YS_HTTP_MAX_HEAD_BYTES);
    expect_head(parser);
    *out = parser;
    return YSYNC_OK;
}

void ys_http_parser_free(struct ys_http_parser *parser)
{
    if (!parser)
        return;
    ys_buf_deinit(&parser->bytes);
    ys_free(parser->alloc, parser->fields);
    ys_free(parser->alloc, parser);
}

static enum ys_http_event fail(struct ys_http_parser *parser, int status, const char *why)
{
    parser->phase = PHASE_FAILED;
    parser->status = status;
    parser->why = why;
    return YS_HTTP_EVENT_ERROR;
}

/* How many fields have this name, and the value of the last of them. */
static size_t count_fields(const struct ys_http_head *head, const char *name, struct ysync_bytes *value)
{
    size_t count = 0;

    *value = (struct ysync_bytes){ NULL, 0 };
    for (size_t i = 0; i < head->field_count; i++) {
        if (!ys_http_name_is(head->fields[i].name, name))
            continue;
        *value = head->fields[i].value;
        count++;
    }
    return count;
}

static bool has_prefix(struct ysync_bytes bytes, const char *prefix)
{
    return bytes.len >= strlen(prefix) && memcmp(bytes.data, prefix, strlen(prefix)) == 0;
}

/* `METHOD SP target SP HTTP/1.x`, with exactly these spaces (RFC 9112, 3): engines let more pass. */
static const char *check_request_line(struct ysync_bytes line, bool *is_http_1_0)
{
    const size_t version_len = strlen(" HTTP/1.1");
    const uint8_t *end;
    const uint8_t *space;

    if (line.len < version_len)
        return "malformed request line";
    end = line.data + line.len - version_len;
    if (memcmp(end, " HTTP/1.1", version_len) != 0 && memcmp(end, " HTTP/1.0", version_len) != 0)
        return "neither HTTP/1.1 nor HTTP/1.0";
    *is_http_1_0 = end[version_len - 1] == '0';
    line.len -= version_len;
    space = memchr(line.data, ' ', line.len);
    if (!space || space == line.data || space + 1 == end || memchr(space + 1, ' ', (size_t)(end - space - 1)))
        return "malformed request line";
    return NULL;
}

static enum ys_http_method read_method(struct ysync_bytes line)
{
    static const char *const names[] = {
        [YS_HTTP_GET] = "GET ",
        [YS_HTTP_HEAD] = "HEAD ",
        [YS_HTTP_POST] = "POST ",
        [YS_HTTP_DELETE] = "DELETE ",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (has_prefix(line, names[i]))
            return (enum ys_http_method)i;
    }
    return YS_HTTP_OTHER_METHOD;
}

/* Cuts scheme and authority off a target in absolute form, which a client sends to a proxy and a server must
 * accept (RFC 9112, 3.2.2). */
static bool take_authority(struct ysync_bytes *target)
{
    static const char *const schemes[] = { "http://", "https://" };
    size_t i;

    for (size_t s = 0; s < ARRAY_LEN(schemes); s++) {
        i = strlen(schemes[s]);
        if (target->len < i || !ys_http_name_is((struct ysync_bytes){ target->data, i }, schemes[s]))
            continue;
        while (i < target->len && target->data[i] != '/' && target->data[i] != '?')
            i++;
        if (i == strlen(schemes[s]))
            return false;
        target->data += i;
        target->len -= i;
        return true;
    }
    return false;
}

static const char *split_target(struct ys_http_head *head, bool is_options)
{
    static const uint8_t root[] = "/";
    struct ysync_bytes rest = head->target;
    const uint8_t *mark;

    if (rest.len == 0 || memchr(rest.data, '#', rest.len))
        return "malformed request target";
    if (rest.data[0] == '*') {
        head->path = rest;
        return rest.len == 1 && is_options ? NULL : "malformed request target";
    }
    if (rest.data[0] != '/' && !take_authority(&rest))
        return "malformed request target";
    mark = rest.len ? memchr(rest.data, '?', rest.len) : NULL;
    head->path = (struct ysync_bytes){ rest.data, mark ? (size_t)(mark - rest.data) : rest.len };
    if (mark)
        head->query = (struct ysync_bytes){ mark + 1, rest.len - head->path.len - 1 };
    if (head->path.len == 0)
        head->path = (struct ysync_bytes){ root, 1 };
    return NULL;
}

/* RFC 9112, 3.2: exactly one Host, or two servers on the way could choose different ones. */
static const char *check_host(const struct ys_http_head *head, bool is_http_1_0)
{
    struct ysync_bytes host;
    size_t count = count_fields(head, "Host", &host);

    if (count == 0)
        return is_http_1_0 ? NULL : "no Host field";
    if (count > 1)
        return "more than one Host field";
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];

        if (c <= ' ' || c > '~' || strchr("\"#,/<>?@\\^`{|}", c))
            return "malformed Host field";
    }
    return NULL;
}

/* At most 18 digits, so that nothing can overflow. */
static bool read_length(struct ysync_bytes value, uint64_t *out)
{
    *out = 0;
    if (value.len == 0 || value.len > 18)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        *out = *out * 10 + (value.data[i] - '0');
    }
    return true;
}

/* The one coding that we know is "chunked". Anywhere but at the end it leaves the length open, whatever the others are.
 */
static enum ys_http_event check_codings(struct ys_http_parser *parser)
{
    bool is_known = true;
    bool was_chunked = false;

    for (size_t i = 0; i < parser->head.field_count; i++) {
        struct ysync_bytes list = parser->head.fields[i].value;
        struct ysync_bytes coding;

        if (!ys_http_name_is(parser->head.fields[i].name, "Transfer-Encoding"))
            continue;
        while (ys_comma_list_next(&list, &coding)) {
            if (was_chunked)
                return fail(parser, 400, "a transfer coding behind chunked");
            was_chunked = ys_http_name_is(coding, "chunked");
            is_known = is_known && was_chunked;
        }
    }
    if (!is_known)
        return fail(parser, 501, "unknown transfer coding");
    return was_chunked ? YS_HTTP_EVENT_HEAD : fail(parser, 400, "empty Transfer-Encoding");
}

/* Where does the body end? (RFC 9112, 6.3) */
static enum ys_http_event find_body(struct ys_http_parser *parser, bool is_http_1_0)
{
    struct ys_http_head *head = &parser->head;
    struct ysync_bytes value;
    size_t lengths = count_fields(head, "Content-Length", &value);
    size_t codings;

    if (lengths > 1)
        return fail(parser, 400, "more than one Content-Length");
    if (lengths == 1 && !read_length(value, &head->content_length))
        return fail(parser, 400, "malformed Content-Length");
    codings = count_fields(head, "Transfer-Encoding", &value);
    if (codings > 0 && (lengths > 0 || is_http_1_0))
        return fail(parser, 400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0");
    head->has_length = lengths > 0;
    head->has_body = codings > 0 || head->content_length > 0;
    parser->body_left = head->content_length;
    parser->phase = head->has_body ? PHASE_SIZED_BODY : PHASE_NO_BODY;
    if (codings == 0)
        return YS_HTTP_EVENT_HEAD;
    parser->phase = PHASE_CHUNKED_BODY;
    ys_http_chunk_init(&parser->chunk);
    return check_codings(parser);
}

static void read_wishes(struct ys_http_head *head, bool is_http_1_0)
{
    if (is_http_1_0) {
        head->keep_alive = ys_http_head_has_token(head, "Connection", "keep-alive") &&
                           !ys_http_head_has_token(head, "Connection", "close");
        return;
    }
    head->keep_alive = !ys_http_head_has_token(head, "Connection", "close");
    head->expects_continue = ys_http_head_has_token(head, "Expect", "100-continue");
    /* With a body in between, what comes next would be in doubt: such a request is as if it had not asked. */
    head->wants_websocket = head->method == YS_HTTP_GET && !head->has_body &&
                            ys_http_head_has_token(head, "Connection", "upgrade") &&
                            ys_http_head_has_token(head, "Upgrade", "websocket");
}

/* Without the empty line that may stand in front. */
static struct ysync_bytes whole_head(const struct ys_http_parser *parser)
{
    struct ysync_bytes head = ys_buf_bytes(&parser->bytes);
    size_t skipped = head.data[0] == '\r' ? 2 : 0;

    return (struct ysync_bytes){ head.data + skipped, head.len - skipped };
}

/* The line without its CR LF. */
static struct ysync_bytes first_line(struct ysync_bytes head)
{
    const uint8_t *end = memchr(head.data, '\r', head.len);

    return (struct ysync_bytes){ head.data, end ? (size_t)(end - head.data) : head.len };
}

static enum ys_http_event take_apart(struct ys_http_parser *parser)
{
    struct ys_http_head *head = &parser->head;
    struct ysync_bytes bytes = whole_head(parser);
    struct ysync_bytes line = first_line(bytes);
    size_t field_count = parser->lines.field_count;
    bool is_http_1_0 = false;
    const char *why = check_request_line(line, &is_http_1_0);

    if (why)
        return fail(parser, 400, why);
    parser->fields = ys_alloc_array(parser->alloc, field_count + 1, sizeof(*parser->fields));
    if (!parser->fields)
        return fail(parser, 503, "out of memory");
    if (!ys_http_engine_parse(bytes, parser->fields, field_count, head) || head->field_count != field_count)
        return fail(parser, 400, "malformed request");
    for (size_t i = 0; i < field_count; i++)
        parser->fields[i].value = ys_trim(parser->fields[i].value);
    head->fields = parser->fields;
    head->method = read_method(line);
    why = split_target(head, has_prefix(line, "OPTIONS "));
    if (!why)
        why = check_host(head, is_http_1_0);
    if (why)
        return fail(parser, 400, why);
    if (find_body(parser, is_http_1_0) == YS_HTTP_EVENT_ERROR)
        return YS_HTTP_EVENT_ERROR;
    read_wishes(head, is_http_1_0);
    return YS_HTTP_EVENT_HEAD;
}

/* How many bytes of the input belong to the head, were all of them good: up to the byte that ends it, or the first
 * one that is wrong. */
static size_t scan(struct ys_http_parser *parser, struct ysync_bytes in, const char **why)
{
    size_t i = 0;

    *why = NULL;
    while (i < in.len && !*why && parser->lines.state != YS_HTTP_LINES_END &&
           parser->lines.field_count <= YS_HTTP_MAX_FIELDS && parser->bytes.len + i <= YS_HTTP_MAX_HEAD_BYTES) {
        *why = ys_http_lines_take(&parser->lines, in.data[i++]);
    }
    return i;
}

static enum ys_http_event gather_head(struct ys_http_parser *parser, struct ysync_bytes *in)
{
    struct ysync_bytes taken = *in;
    const char *why;

    taken.len = scan(parser, *in, &why);
    in->data += taken.len;
    in->len -= taken.len;
    if (why)
        return fail(parser, 400, why);
    if (parser->lines.field_count > YS_HTTP_MAX_FIELDS)
        return fail(parser, 431, "too many fields");
    if (parser->bytes.len + taken.len > YS_HTTP_MAX_HEAD_BYTES)
        return fail(parser, 431, "request head too large");
    ys_buf_put(&parser->bytes, taken);
    if (ys_buf_err(&parser->bytes))
        return fail(parser, 503, "out of memory");
    return parser->lines.state == YS_HTTP_LINES_END ? take_apart(parser) : YS_HTTP_EVENT_MORE;
}

static enum ys_http_event end_request(struct ys_http_parser *parser)
{
    parser->phase = PHASE_ENDED;
    return YS_HTTP_EVENT_END;
}

static enum ys_http_event read_sized_body(struct ys_http_parser *parser, struct ysync_bytes *in,
                                          struct ysync_bytes *body)
{
    size_t len = parser->body_left < in->len ? (size_t)parser->body_left : in->len;

    if (parser->body_left == 0)
        return end_request(parser);
    if (len == 0)
        return YS_HTTP_EVENT_MORE;
    *body = (struct ysync_bytes){ in->data, len };
    in->data += len;
    in->len -= len;
    parser->body_left -= len;
    return YS_HTTP_EVENT_BODY;
}

static enum ys_http_event read_chunked_body(struct ys_http_parser *parser, struct ysync_bytes *in,
                                            struct ysync_bytes *body)
{
    const char *why = NULL;

    switch (ys_http_chunk_feed(&parser->chunk, in, body, &why)) {
    case YS_HTTP_CHUNK_EVENT_MORE:
        return YS_HTTP_EVENT_MORE;
    case YS_HTTP_CHUNK_EVENT_DATA:
        return YS_HTTP_EVENT_BODY;
    case YS_HTTP_CHUNK_EVENT_END:
        return end_request(parser);
    case YS_HTTP_CHUNK_EVENT_TOO_BIG:
        return fail(parser, 431, why);
    case YS_HTTP_CHUNK_EVENT_BAD:
        break;
    }
    return fail(parser, 400, why);
}

enum ys_http_event ys_http_parser_feed(struct ys_http_parser *parser, struct ysync_bytes *in, struct ysync_bytes *body)
{
    switch (parser->phase) {
    case PHASE_ENDED:
        expect_head(parser);
        return gather_head(parser, in);
    case PHASE_HEAD:
        return gather_head(parser, in);
    case PHASE_NO_BODY:
        return end_request(parser);
    case PHASE_SIZED_BODY:
        return read_sized_body(parser, in, body);
    case PHASE_CHUNKED_BODY:
        return read_chunked_body(parser, in, body);
    case PHASE_FAILED:
        break;
    }
    return YS_HTTP_EVENT_ERROR;
}

const struct ys_http_head *ys_http_parser_head(const struct ys_http_parser *parser)
{
    return &parser->head;
}

struct ysync_bytes ys_http_parser_raw_head(const struct ys_http_parser *parser)
{
    return whole_head(parser);
}

int ys_http_parser_status(const struct ys_http_parser *parser, const char **why)
{
    *why = parser->why;
    return parser->status;
}

bool ys_http_parser_is_idle(const struct ys_http_parser *parser)
{
    return parser->phase == PHASE_ENDED || (parser->phase == PHASE_HEAD && parser->lines.state <= YS_HTTP_LINES_FIRST);
}

bool ys_http_head_find(const struct ys_http_head *head, const char *name, struct ysync_bytes *out)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (ys_http_name_is(head->fields[i].name, name)) {
            *out = head->fields[i].value;
            return true;
        }
    }
    return false;
}

bool ys_http_head_has_token(const struct ys_http_head *head, const char *name, const char *token)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct ysync_bytes list = head->fields[i].value;
        struct ysync_bytes element;

        if (!ys_http_name_is(head->fields[i].name, name))
            continue;
        while (ys_comma_list_next(&list, &element)) {
            if (ys_http_name_is(element, token))
                return true;
        }
    }
    return false;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool ys_http_name_is(struct ysync_bytes name, const char *want)
{
    size_t len = strlen(want);

    if (name.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(name.data[i]) != lower((uint8_t)want[i]))
            return false;
    }
    return true;
}
