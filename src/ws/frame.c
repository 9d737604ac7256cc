/* SPDX-License-Identifier: MIT */
/*
 * A frame as it comes from a client (RFC 6455, 5.2):
 *
 *      0          1            2 ...
 *     +----------+------------+--------------+------------+------------------------+
 *     | fin  rsv | mask   len | longer len   | mask key   | payload, XOR mask key  |
 *     |   opcode |    (7 bit) | (0, 2, 8 B)  | (4 B)      |                        |
 *     +----------+------------+--------------+------------+------------------------+
 *
 * A header that is split between two reads is put together in `header`. A payload that lies in the input as a
 * whole is unmasked there and handed out where it is, without a copy: so go nearly all messages. What is left, the
 * pieces of a payload that is split between reads and the fragments of a message, is gathered in `gathered`,
 * which grows only as bytes really come, whatever a header declares:
 *
 *     gathered   [ fragment ][ fragment ][ a control frame that came between, in pieces ]
 *                                         ^ control_start: dropped again once it has been handed out
 *
 * Between messages there is no buffer: it is given back by the first call after the message was handed out.
 */
#include "ws/frame.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define MAX_CLIENT_HEADER_BYTES 14
#define MAX_CONTROL_BYTES 125
#define MAX_REASON_BYTES (MAX_CONTROL_BYTES - 2)

#define FIN_BIT 0x80
#define RESERVED_BITS 0x70
#define COMPRESSED_BIT 0x40 /* the first of them, RSV1 (RFC 7692, 6) */
#define OPCODE_BITS 0x0f
#define CONTROL_BIT 0x08
#define MASK_BIT 0x80
#define LEN_BITS 0x7f

/* The values of the 7-bit length that say that the length is in the bytes behind it. */
#define LEN_IN_2_BYTES 126
#define LEN_IN_8_BYTES 127

struct ys_ws_parser {
    size_t max_message_bytes;
    struct ys_buf gathered;
    size_t control_start;
    uint64_t payload_left; /* of the current frame */
    uint32_t mask;         /* turned so that its first byte in memory goes with the next byte of the payload */
    uint8_t header[MAX_CLIENT_HEADER_BYTES];
    uint8_t header_len; /* what has come of a header that is not whole */
    bool in_payload;
    bool is_final;
    bool is_compressed;       /* the message whose frames are coming */
    uint8_t allowed_reserved; /* of the reserved bits, on a message's first frame */
    uint8_t opcode;           /* of the current frame */
    uint8_t message_opcode;   /* of the message whose fragments are coming; YS_WS_CONTINUATION: of none */
};

struct input {
    uint8_t *at;
    size_t len;
};

enum ysync_err ys_ws_parser_new(const struct ysync_alloc *alloc, size_t max_message_bytes, struct ys_ws_parser **out)
{
    struct ys_ws_parser *parser = ys_alloc_zeroed(alloc, 1, sizeof(*parser));
    size_t max_gathered;

    if (!parser)
        return YSYNC_ERR_NOMEM;
    max_gathered = max_message_bytes > SIZE_MAX - MAX_CONTROL_BYTES ? SIZE_MAX : max_message_bytes + MAX_CONTROL_BYTES;
    parser->max_message_bytes = max_message_bytes;
    ys_buf_init(&parser->gathered, alloc, max_gathered);
    *out = parser;
    return YSYNC_OK;
}

void ys_ws_parser_free(struct ys_ws_parser *parser)
{
    const struct ysync_alloc *alloc;

    if (!parser)
        return;
    alloc = parser->gathered.alloc;
    ys_buf_deinit(&parser->gathered);
    ys_free(alloc, parser);
}

void ys_ws_parser_allow_compressed(struct ys_ws_parser *parser)
{
    parser->allowed_reserved = COMPRESSED_BIT;
}

static void fail(struct ys_ws_received *out, enum ys_ws_close_code code, const char *problem)
{
    out->event = YS_WS_EVENT_ERROR;
    out->close_code = (uint16_t)code;
    out->problem = problem;
}

static inline bool is_control(uint8_t opcode)
{
    return opcode & CONTROL_BIT;
}

static inline size_t header_size(const uint8_t *header)
{
    uint8_t len = header[1] & LEN_BITS;

    return 2 + sizeof(uint32_t) + (len == LEN_IN_2_BYTES ? 2 : len == LEN_IN_8_BYTES ? 8 : 0);
}

/* What the first two bytes tell. NULL: nothing is wrong. */
static inline const char *find_fault(const struct ys_ws_parser *parser, const uint8_t *header)
{
    uint8_t opcode = header[0] & OPCODE_BITS;
    bool is_inside_message = parser->message_opcode != YS_WS_CONTINUATION;
    bool begins_message = opcode == YS_WS_TEXT || opcode == YS_WS_BINARY;

    if (header[0] & RESERVED_BITS & ~(begins_message ? parser->allowed_reserved : 0))
        return "reserved bits are set";
    if (!(header[1] & MASK_BIT))
        return "frame is not masked";
    if (is_control(opcode)) {
        if (opcode > YS_WS_PONG)
            return "reserved opcode";
        if (!(header[0] & FIN_BIT))
            return "fragmented control frame";
        return (header[1] & LEN_BITS) > MAX_CONTROL_BYTES ? "control frame of more than 125 bytes" : NULL;
    }
    if (opcode > YS_WS_BINARY)
        return "reserved opcode";
    if (opcode == YS_WS_CONTINUATION)
        return is_inside_message ? NULL : "continuation of no message";
    return is_inside_message ? "new message inside a fragmented one" : NULL;
}

static inline uint64_t load_big_endian(const uint8_t *at, size_t count)
{
    uint64_t n = 0;

    for (size_t i = 0; i < count; i++)
        n = n << 8 | at[i];
    return n;
}

/* The payload length of a whole header. False if it is not in its shortest form (RFC 6455, 5.2), or has its top bit
 * set. */
static inline bool read_payload_len(const uint8_t *header, uint64_t *out)
{
    uint8_t len = header[1] & LEN_BITS;

    if (len < LEN_IN_2_BYTES) {
        *out = len;
        return true;
    }
    if (len == LEN_IN_2_BYTES) {
        *out = load_big_endian(header + 2, 2);
        return *out >= LEN_IN_2_BYTES;
    }
    *out = load_big_endian(header + 2, 8);
    return *out > UINT16_MAX && *out <= INT64_MAX;
}

/* The room left in a message that has come up to here. */
static inline uint64_t max_payload(const struct ys_ws_parser *parser)
{
    return parser->max_message_bytes - parser->gathered.len;
}

/* Begins the frame of this whole header, whose first two bytes have been checked. */
static inline bool begin_frame(struct ys_ws_parser *parser, const uint8_t *header, struct ys_ws_received *out)
{
    uint64_t payload_len;

    if (!read_payload_len(header, &payload_len)) {
        fail(out, YS_WS_CLOSE_PROTOCOL_ERROR, "payload length not in its shortest form");
        return false;
    }
    parser->opcode = header[0] & OPCODE_BITS;
    if (is_control(parser->opcode)) {
        parser->control_start = parser->gathered.len;
    } else if (payload_len > max_payload(parser)) {
        fail(out, YS_WS_CLOSE_TOO_BIG, "message too large");
        return false;
    }
    if (parser->opcode == YS_WS_TEXT || parser->opcode == YS_WS_BINARY)
        parser->is_compressed = header[0] & COMPRESSED_BIT;
    parser->is_final = header[0] & FIN_BIT;
    parser->payload_left = payload_len;
    memcpy(&parser->mask, header + header_size(header) - sizeof(parser->mask), sizeof(parser->mask));
    parser->in_payload = true;
    return true;
}

/* The slow way to a header: it is cut off by the end of the input, or was by the end of the one before. */
static bool gather_header(struct ys_ws_parser *parser, struct input *in, struct ys_ws_received *out)
{
    const char *fault;

    while (in->len > 0) {
        parser->header[parser->header_len++] = *in->at++;
        in->len--;
        if (parser->header_len < 2)
            continue;
        fault = parser->header_len == 2 ? find_fault(parser, parser->header) : NULL;
        if (fault) {
            fail(out, YS_WS_CLOSE_PROTOCOL_ERROR, fault);
            return false;
        }
        if (parser->header_len == header_size(parser->header)) {
            parser->header_len = 0;
            return begin_frame(parser, parser->header, out);
        }
    }
    return false;
}

/* True when a frame has begun; else the input is used up, or *out tells an error. */
static inline bool read_header(struct ys_ws_parser *parser, struct input *in, struct ys_ws_received *out)
{
    const uint8_t *header = in->at;
    const char *fault;

    if (parser->header_len > 0 || in->len < 2 || in->len < header_size(header))
        return gather_header(parser, in, out);
    fault = find_fault(parser, header);
    if (fault) {
        fail(out, YS_WS_CLOSE_PROTOCOL_ERROR, fault);
        return false;
    }
    in->at += header_size(header);
    in->len -= header_size(header);
    return begin_frame(parser, header, out);
}

/* XORs the bytes with the mask, which holds four times over in steps of eight bytes. */
static inline void unmask(uint8_t *at, size_t len, uint32_t mask)
{
    uint8_t mask_bytes[8];
    uint64_t wide_mask;
    size_t i = 0;

    memcpy(mask_bytes, &mask, 4);
    memcpy(mask_bytes + 4, &mask, 4);
    memcpy(&wide_mask, mask_bytes, sizeof(wide_mask));
    for (; len - i >= sizeof(wide_mask); i += sizeof(wide_mask)) {
        uint64_t word;

        memcpy(&word, at + i, sizeof(word));
        word ^= wide_mask;
        memcpy(at + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        at[i] ^= mask_bytes[i % 4];
}

/* Turns the mask on by as many bytes as have been unmasked. */
static void turn_mask(uint32_t *mask, size_t count)
{
    uint8_t from[4];
    uint8_t to[4];

    memcpy(from, mask, sizeof(from));
    for (size_t i = 0; i < sizeof(to); i++)
        to[i] = from[(i + count) % 4];
    memcpy(mask, to, sizeof(to));
}

/* Unmasks the next `count` bytes of the payload, which are in the input, and takes them from there. */
static inline struct ysync_bytes take_payload(struct ys_ws_parser *parser, struct input *in, size_t count)
{
    struct ysync_bytes taken = { in->at, count };

    unmask(in->at, count, parser->mask);
    in->at += count;
    in->len -= count;
    parser->payload_left -= count;
    return taken;
}

/* RFC 6455, 7.4: what an endpoint may put on the wire. */
static bool is_close_code(unsigned code)
{
    if (code >= 3000)
        return code <= 4999;
    return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

static void deliver_close(struct ysync_bytes payload, struct ys_ws_received *out)
{
    out->event = YS_WS_EVENT_CLOSE;
    out->close_code = YS_WS_CLOSE_NO_STATUS;
    if (payload.len == 0)
        return;
    if (payload.len == 1) {
        fail(out, YS_WS_CLOSE_PROTOCOL_ERROR, "close frame of one byte");
        return;
    }
    out->close_code = (uint16_t)load_big_endian(payload.data, 2);
    out->payload = (struct ysync_bytes){ payload.data + 2, payload.len - 2 };
    if (!is_close_code(out->close_code))
        fail(out, YS_WS_CLOSE_PROTOCOL_ERROR, "invalid close code");
    else if (!ys_utf8_is_valid(out->payload))
        fail(out, YS_WS_CLOSE_INVALID_DATA, "close reason is not UTF-8");
}

static void deliver_control(const struct ys_ws_parser *parser, struct ysync_bytes payload, struct ys_ws_received *out)
{
    out->opcode = (enum ys_ws_opcode)parser->opcode;
    out->payload = payload;
    if (parser->opcode == YS_WS_CLOSE)
        deliver_close(payload, out);
    else
        out->event = parser->opcode == YS_WS_PING ? YS_WS_EVENT_PING : YS_WS_EVENT_PONG;
}

static inline void deliver_message(const struct ys_ws_parser *parser, uint8_t opcode, struct ysync_bytes payload,
                                   struct ys_ws_received *out)
{
    out->event = YS_WS_EVENT_MESSAGE;
    out->opcode = (enum ys_ws_opcode)opcode;
    out->payload = payload;
    out->is_compressed = parser->is_compressed;
    if (opcode == YS_WS_TEXT && !parser->is_compressed && !ys_utf8_is_valid(payload))
        fail(out, YS_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
}

/* The current frame, and perhaps a message with it, has come: its last part is at the end of `gathered`. What is handed
 * out stays there until the next call, though the buffer counts it no more. */
static void end_gathered_frame(struct ys_ws_parser *parser, struct ys_ws_received *out)
{
    struct ys_buf *gathered = &parser->gathered;

    if (is_control(parser->opcode)) {
        size_t len = gathered->len - parser->control_start;

        gathered->len = parser->control_start;
        deliver_control(parser, (struct ysync_bytes){ len ? gathered->data + gathered->len : NULL, len }, out);
        return;
    }
    if (parser->opcode != YS_WS_CONTINUATION)
        parser->message_opcode = parser->opcode;
    if (parser->is_final) {
        deliver_message(parser, parser->message_opcode, ys_buf_bytes(gathered), out);
        parser->message_opcode = YS_WS_CONTINUATION;
        gathered->len = 0;
    }
}

/* The slow way through a payload: the message is fragmented, or the frame does not lie in the input as a whole. */
static void gather_payload(struct ys_ws_parser *parser, struct input *in, struct ys_ws_received *out)
{
    size_t count = parser->payload_left < in->len ? (size_t)parser->payload_left : in->len;

    ys_buf_put(&parser->gathered, take_payload(parser, in, count));
    turn_mask(&parser->mask, count);
    if (ys_buf_err(&parser->gathered)) {
        fail(out, YS_WS_CLOSE_INTERNAL_ERROR, "out of memory");
        return;
    }
    if (parser->payload_left == 0) {
        parser->in_payload = false;
        end_gathered_frame(parser, out);
    }
}

static inline void read_payload(struct ys_ws_parser *parser, struct input *in, struct ys_ws_received *out)
{
    bool is_whole = in->len >= parser->payload_left;
    struct ysync_bytes payload;

    if (is_control(parser->opcode)) {
        is_whole = is_whole && parser->gathered.len == parser->control_start;
    } else {
        is_whole = is_whole && parser->gathered.len == 0 && parser->is_final && parser->opcode != YS_WS_CONTINUATION;
    }
    if (!is_whole) {
        gather_payload(parser, in, out);
        return;
    }
    payload = take_payload(parser, in, (size_t)parser->payload_left);
    parser->in_payload = false;
    if (is_control(parser->opcode))
        deliver_control(parser, payload, out);
    else
        deliver_message(parser, parser->opcode, payload, out);
}

void ys_ws_parser_feed(struct ys_ws_parser *parser, uint8_t **data, size_t *len, struct ys_ws_received *out)
{
    struct input in = { *data, *len };

    *out = (struct ys_ws_received){ .event = YS_WS_EVENT_MORE };
    if (parser->gathered.len == 0 && parser->gathered.cap > 0)
        ys_buf_deinit(&parser->gathered);
    while (in.len > 0 && out->event == YS_WS_EVENT_MORE) {
        if (parser->in_payload || read_header(parser, &in, out))
            read_payload(parser, &in, out);
    }
    *data = in.at;
    *len = in.len;
}

size_t ys_ws_put_header(uint8_t to[YS_WS_MAX_HEADER_BYTES], enum ys_ws_opcode opcode, uint64_t payload_len)
{
    size_t len_bytes = payload_len < LEN_IN_2_BYTES ? 0 : payload_len <= UINT16_MAX ? 2 : 8;

    to[0] = (uint8_t)(FIN_BIT | (unsigned)opcode);
    if (len_bytes == 0)
        to[1] = (uint8_t)payload_len;
    else
        to[1] = len_bytes == 2 ? LEN_IN_2_BYTES : LEN_IN_8_BYTES;
    for (size_t i = len_bytes; i > 0; i--) {
        to[1 + i] = (uint8_t)payload_len;
        payload_len >>= 8;
    }
    return 2 + len_bytes;
}

static void frame_blob(struct ys_blob *blob, unsigned reserved)
{
    uint8_t header[YS_WS_MAX_HEADER_BYTES];
    size_t size = ys_ws_put_header(header, YS_WS_BINARY, blob->len);

    header[0] |= (uint8_t)reserved;
    memcpy(ys_blob_data(blob) - size, header, size);
    blob->head_len = (uint8_t)size;
}

void ys_ws_frame_blob(struct ys_blob *blob)
{
    if (blob->head_len == 0)
        frame_blob(blob, 0);
}

void ys_ws_frame_compressed_blob(struct ys_blob *blob)
{
    if (blob->head_len == 0)
        frame_blob(blob, COMPRESSED_BIT);
}

void ys_ws_put_control(struct ys_buf *out, enum ys_ws_opcode opcode, struct ysync_bytes payload)
{
    uint8_t header[YS_WS_MAX_HEADER_BYTES];

    assert(is_control((uint8_t)opcode) && payload.len <= MAX_CONTROL_BYTES);
    ys_buf_put(out, (struct ysync_bytes){ header, ys_ws_put_header(header, opcode, payload.len) });
    ys_buf_put(out, payload);
}

/* How much of the reason fits, without a character that is cut in two. */
static size_t fitting_reason(struct ysync_bytes reason)
{
    size_t len = MAX_REASON_BYTES;

    if (reason.len <= len)
        return reason.len;
    while (len > 0 && (reason.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void ys_ws_put_close(struct ys_buf *out, uint16_t code, struct ysync_bytes reason)
{
    uint8_t payload[MAX_CONTROL_BYTES];
    size_t len = fitting_reason(reason);

    if (code == YS_WS_CLOSE_NO_STATUS) {
        ys_ws_put_control(out, YS_WS_CLOSE, (struct ysync_bytes){ NULL, 0 });
        return;
    }
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    if (len > 0)
        memcpy(payload + 2, reason.data, len);
    ys_ws_put_control(out, YS_WS_CLOSE, (struct ysync_bytes){ payload, len + 2 });
}
