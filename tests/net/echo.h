/* SPDX-License-Identifier: MIT */
/*
 * The smallest layer above connections: HTTP requests are answered with their path, requests for a WebSocket are
 * granted, and every binary message is sent back, text too if that is wanted. For the tests of src/net, and as a server
 * of its own for conformance tests.
 */
#ifndef YS_TEST_NET_ECHO_H
#define YS_TEST_NET_ECHO_H

#include "net/listener.h"

struct ys_echo {
    const struct ysync_alloc *alloc;
    struct ys_loop *loop;
    struct ys_listener *listener;
    struct ys_connection_config config; /* may be changed before the first connection */
    bool answers_later;                 /* requests are left to the test */
    bool pauses;                        /* for ever, after every message */
    const char *elsewhere;              /* NULL, or how the paths begin that another loop answers: */
    void (*departed)(struct ys_echo *echo, struct ys_travel *travel);
    void *road;       /* where to */
    bool echoes_text; /* else it is refused, as by all that speaks our protocol */

    struct ys_connection *latest; /* the connection that was opened last */
    void *latest_session;
    unsigned open;     /* how many are open */
    unsigned heads;    /* requests that have come, but for those that are answered elsewhere */
    size_t body_bytes; /* of all of them */
    unsigned departures;
    unsigned arrivals;
    unsigned floods;      /* ahead of the upgrade */
    unsigned pulls;       /* messages that were asked for and given */
    unsigned closed;      /* ends that were reported */
    uint16_t closed_code; /* of the latest */
};

/* On a loop of its own, at 127.0.0.1. */
YSYNC_CHECKED enum ysync_err ys_echo_open(struct ys_echo *echo, const struct ysync_alloc *alloc, uint16_t port,
                                          struct ysync_problem *problem);
uint16_t ys_echo_port(const struct ys_echo *echo);

/* Queues a message for the latest connection. */
YSYNC_CHECKED enum ysync_err ys_echo_send(struct ys_echo *echo, struct ysync_bytes message);

/* The same for a message that is there already, of which this takes a reference of its own. */
YSYNC_CHECKED enum ysync_err ys_echo_send_blob(struct ys_echo *echo, struct ys_blob *blob);

/* A connection comes from another loop; or it is lost, if it cannot. */
void ys_echo_take_in(struct ys_echo *echo, struct ys_travel *travel);

/* Drops what is open. */
void ys_echo_close(struct ys_echo *echo);

/* One turn of the loop, waiting a moment at most: as a client's pump. */
void ys_echo_pump(void *echo);

/* Turns the loop of the test's `echo` until this holds: what was sent may take any number of turns to arrive. */
#define PUMP_UNTIL(holds)                                                                                              \
    do {                                                                                                               \
        for (int turn = 0; !(holds); turn++) {                                                                         \
            if (turn > 4000)                                                                                           \
                fail_msg("not in %d turns: %s", turn, #holds);                                                         \
            ys_echo_pump(&echo);                                                                                       \
        }                                                                                                              \
    } while (0)

#endif
