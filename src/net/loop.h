/* SPDX-License-Identifier: MIT */
/*
 * An event loop as the connections on it see it: libuv's, with what they share.
 *
 *                       .------------------ one turn ------------------.
 *     timers -> pending writes -> PREPARE -> wait, read, accept -> CHECK -> close callbacks
 *                                  flush                            flush
 *
 * Whoever has something to send only says so; all that one turn brought leaves at the end of it, in one system call for
 * each connection. It is flushed at both places: after reading, and before waiting, so that what timers queued
 * does not lie there until the next packet comes.
 *
 * Shared by all connections: one buffer to read into, one to gather small messages in (so an idle
 * connection holds none), one compressor, and one uv_timer for all their deadlines.
 *
 * The uv_loop_t is the loop's own or a program's. Nothing here keeps a program's loop alive: its connections and
 * listeners do. A loop and everything on it belong to one thread.
 */
#ifndef YS_NET_LOOP_H
#define YS_NET_LOOP_H

#include <uv.h>

#include "base/histogram.h"
#include "base/list.h"
#include "base/timer.h"
#include "net/date.h"
#include "ysync/alloc.h"
#include "ysync/err.h"

#define YS_LOOP_READ_BYTES ((size_t)64 * 1024)
#define YS_LOOP_GATHER_BYTES ((size_t)64 * 1024)

/* What is flushed at one time, about: a hundred clients may want ten megabytes each. */
#define YS_LOOP_FLUSH_BYTES ((size_t)2 * 1024 * 1024)

/* Who was refused before anybody above could know. */
enum ys_loop_refusal {
    YS_LOOP_BAD_REQUEST,
    YS_LOOP_HEAD_TOO_LARGE,
    YS_LOOP_TIMEOUT,
    YS_LOOP_BAD_FRAME,
    YS_LOOP_MESSAGE_TOO_LARGE,
    YS_LOOP_BAD_HANDSHAKE, /* of TLS */
    YS_LOOP_REFUSALS       /* how many there are */
};

/* What the connections of a loop did, summed since it was opened. */
struct ys_loop_counters {
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t refused[YS_LOOP_REFUSALS];
    struct ys_histogram turns; /* how long the loop worked between two waits */
};

/* Called each turn, right before the loop waits: to arm timers by what the turn has done. */
struct ys_loop_hook {
    struct ys_list node;
    void (*before_wait)(struct ys_loop_hook *hook, uint64_t now_ms);
};

struct ys_ws_deflate;

/* The members are for src/net alone; others use the functions. */
struct ys_loop {
    const struct ysync_alloc *alloc;
    uv_loop_t *uv; /* a program's, or &own */
    uv_loop_t own;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t timer;
    unsigned open_handles; /* of the three above */
    struct ys_timers timers;
    uint64_t timer_due_ms; /* what `timer` is set to */
    struct ys_list hooks;
    struct ys_list connections; /* until libuv has let go of them */
    struct ys_list to_flush;    /* connections with something to send */
    void (*emptied)(void *user);
    void *emptied_user;
    struct ys_loop_counters counters;
    uint64_t turn_began_ns; /* 0: nothing has happened since the last wait */
    uint64_t date_s;        /* the second that `date` tells */
    char date[YS_DATE_CHARS + 1];
    struct ys_ws_deflate *deflate; /* NULL until a message is compressed, either way */
    size_t compressed_bytes;       /* in this turn, of messages to send */
    uint8_t read_buffer[YS_LOOP_READ_BYTES];
    uint8_t gather_buffer[YS_LOOP_GATHER_BYTES];
};

/* uv: a program's loop, which stays the program's; NULL for one of its own. Errors: NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_loop_open(const struct ysync_alloc *alloc, uv_loop_t *uv, struct ys_loop **out);

/* All connections are gone and all listeners closed. A loop of its own is run until libuv has let go of everything;
 * a program's loop does that in its next turns. Accepts NULL. */
void ys_loop_close(struct ys_loop *loop);

/* Runs a loop of its own until nothing is left to do on it. */
void ys_loop_run(struct ys_loop *loop);

/* Milliseconds of a monotonic clock, as of the beginning of this turn. */
uint64_t ys_loop_now(const struct ys_loop *loop);

/* What time it is, for people: as HTTP answers tell it. Good until it is asked for again. */
const char *ys_loop_date(struct ys_loop *loop);

/* Something has happened: the loop works, until it waits again. For the callbacks of libuv through which that may
 * begin; what begins in others is noticed when they are through. */
static inline void ys_loop_begin_turn(struct ys_loop *loop)
{
    if (loop->turn_began_ns == 0)
        loop->turn_began_ns = uv_hrtime();
}

void ys_loop_arm(struct ys_loop *loop, struct ys_timer *timer, uint64_t due_ms);
void ys_loop_disarm(struct ys_loop *loop, struct ys_timer *timer);

const struct ys_loop_counters *ys_loop_counters(const struct ys_loop *loop);

void ys_loop_add_hook(struct ys_loop *loop, struct ys_loop_hook *hook);
void ys_loop_remove_hook(struct ys_loop *loop, struct ys_loop_hook *hook);

/* Calls `emptied` once, as soon as there is no connection: from inside this call if there is none now. */
void ys_loop_when_empty(struct ys_loop *loop, void (*emptied)(void *user), void *user);

/* Ends every connection at once, without a word to its peer. */
void ys_loop_drop_connections(struct ys_loop *loop);

#endif
