/* SPDX-License-Identifier: MIT */
/*
 * All clients of a load test, on one thread: an epoll set that runs them, and what happens to them as calls to the
 * scenario.
 *
 *     turn    wait for sockets or the alarm -> read, call the scenario -> flush whoever has something to send
 */
#ifndef YS_LOAD_CROWD_H
#define YS_LOAD_CROWD_H

#include "visitor.h"

/* The most who are on their way in at once. */
#define YS_CROWD_ARRIVING 64

/* A server that says nothing for so long while something is expected of it has failed. */
#define YS_CROWD_PATIENCE_NS UINT64_C(30000000000)

/* What a scenario wants to know; any may be NULL. Leaving and saying are allowed inside. */
struct ys_crowd_calls {
    void (*present)(void *user, struct ys_visitor *visitor);  /* it has what the room has */
    void (*answered)(void *user, struct ys_visitor *visitor); /* a sync step 2 came to one that was present */
    void (*update)(void *user, struct ys_visitor *visitor, struct ysync_bytes update); /* step 2's updates too */
    void (*presence)(void *user, struct ys_visitor *visitor, struct ysync_bytes entries);
    void (*status)(void *user, struct ys_visitor *visitor, struct ysync_bytes payload);
    void (*gone)(void *user, struct ys_visitor *visitor); /* it left, and the server knows */
};

struct ys_crowd {
    enum ys_dialect dialect;
    uint16_t port;
    struct ys_crowd_calls calls;
    void *user; /* theirs */

    struct ys_visitor *visitors;
    size_t count;
    size_t present;
    size_t arriving;

    struct ys_visitor **queue; /* who has something to send */
    size_t queued;
    int epoll_fd;
    int alarm_fd;
    uint8_t *read_buffer;   /* shared by all */
    struct ys_buf message;  /* under construction */
    uint64_t wire_messages; /* data messages that came */
    uint64_t wire_bytes;    /* bytes that came */
};

/* `count` visitors, all of them still gone. */
void ys_crowd_init(struct ys_crowd *crowd, enum ys_dialect dialect, uint16_t port, size_t count);
void ys_crowd_deinit(struct ys_crowd *crowd);

uint64_t ys_now_ns(void);

/* One turn; it ends at `until_ns` even if nothing happened. */
void ys_crowd_turn(struct ys_crowd *crowd, uint64_t until_ns);

/* Sends what waits to be sent, as each turn does. */
void ys_crowd_flush(struct ys_crowd *crowd);

/* Runs turns for so long. */
void ys_crowd_run(struct ys_crowd *crowd, uint64_t ns);

/* Names the room that a visitor is to be in. */
typedef void ys_room_of_fn(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES]);

/* Lets visitors [from, to) come and runs until they are present. */
void ys_crowd_gather(struct ys_crowd *crowd, size_t from, size_t to, ys_room_of_fn *room_of, const void *user);

/* Lets all leave and runs until they are gone. */
void ys_crowd_disperse(struct ys_crowd *crowd);

/* For visitors: */
#define YS_CROWD_READ_BYTES (256u << 10)
void ys_crowd_watch(struct ys_visitor *visitor, bool is_new);
void ys_crowd_forget(struct ys_visitor *visitor);
void ys_crowd_enqueue(struct ys_visitor *visitor);

#endif
