/* SPDX-License-Identifier: MIT */
/*
 * One client of the load test: a TCP connection, the WebSocket on it, and the sync protocol up to the point where it
 * has what the room has.
 *
 *     CONNECTING -> UPGRADING -> (ASKING, of Hocuspocus) -> SYNCING -> PRESENT -> LEAVING -> GONE
 *
 * It answers pings and the server's sync step 1, with nothing of its own. What else it hears is its crowd's to deal
 * with.
 */
#ifndef YS_LOAD_VISITOR_H
#define YS_LOAD_VISITOR_H

#include <stdbool.h>

#include "dialect.h"

/* Visitor i writes as this Yjs client: numbers as long as those that Yjs picks. */
#define YS_FIRST_CLIENT UINT64_C(0x40000000)

#define YS_ROOM_NAME_BYTES 64

struct ys_crowd;

enum ys_visitor_state {
    YS_VISITOR_GONE,
    YS_VISITOR_CONNECTING,
    YS_VISITOR_UPGRADING,
    YS_VISITOR_ASKING,
    YS_VISITOR_SYNCING,
    YS_VISITOR_PRESENT,
    YS_VISITOR_LEAVING,
};

struct ys_visitor {
    struct ys_crowd *crowd;
    int fd;
    enum ys_visitor_state state;
    bool heard_step1;
    bool heard_step2;
    bool is_deaf;             /* nothing is read any more */
    bool is_waiting_to_write; /* epoll says when the socket takes more */
    bool is_in_queue;         /* of those that have something to send */
    uint64_t came_ns;         /* when it began to connect */
    char room[YS_ROOM_NAME_BYTES];
    struct ys_buf in;  /* the beginning of a frame that has not wholly come */
    struct ys_buf out; /* what is to be sent, from sent on */
    size_t sent;
    void *user; /* the scenario's */
};

/* In place; `crowd` stays. */
void ys_visitor_init(struct ys_visitor *visitor, struct ys_crowd *crowd);
void ys_visitor_deinit(struct ys_visitor *visitor);

/* Begins to connect to the room. The visitor is GONE. */
void ys_visitor_come(struct ys_visitor *visitor, const char *room);

/* Says good-bye; GONE follows when the server has closed. */
void ys_visitor_leave(struct ys_visitor *visitor);

/* Sends a message, with the next flush. */
void ys_visitor_say(struct ys_visitor *visitor, enum ys_heard what, struct ysync_bytes payload);

/* Sends what waits. */
void ys_visitor_flush(struct ys_visitor *visitor);

/* The socket is readable, or writable. */
void ys_visitor_read(struct ys_visitor *visitor);
void ys_visitor_write(struct ys_visitor *visitor);

/* How many bytes still wait to be sent. */
static inline size_t ys_visitor_unsent(const struct ys_visitor *visitor)
{
    return visitor->out.len - visitor->sent;
}

#endif
