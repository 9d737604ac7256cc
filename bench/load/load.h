/* SPDX-License-Identifier: MIT */
/*
 * A load test: what was asked for on the command line, and the scenarios, each of which runs against one server that
 * was just started, checks that everything arrived that should have, and reports its figures.
 */
#ifndef YS_LOAD_LOAD_H
#define YS_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crowd.h"

/* What tells a writer how far its server is. */
enum ys_acknowledgement {
    YS_ACKNOWLEDGED_BY_STATUS, /* the echo of a sync status: it is kept, if there is a store */
    YS_ACKNOWLEDGED_BY_ANSWER, /* sync step 2: it has been applied */
};

struct ys_load {
    const char *scenario;
    enum ys_dialect dialect;
    uint16_t port;
    pid_t server;              /* 0: its use of CPU and memory is not known, and not reported */
    const char *room;          /* rooms are named room-0, room-1 ... */
    const char *document_path; /* NULL: a generated one */
    const char *trace_path;    /* of `session`: repeated [u32 little-endian length][update] */
    enum ys_acknowledgement acknowledgement;
    bool is_cut;    /* `durable` ends by killing the server, as a power cut would */
    double seconds; /* how long is measured */
    bool is_quick;  /* a tenth of everything, to see whether it works */
};

/* Clients who write and clients who read. */
struct ys_flow_plan {
    size_t rooms;
    size_t writers; /* in each room, and they read too */
    size_t readers; /* in each room, who only read */
    size_t units;   /* characters in an edit */
    size_t window;  /* a writer has at most so many edits under way: what it sends depends on what arrives */
    double rate;    /* or: all writers together send so many a second, whatever happens; 0: the window decides */
    bool is_presence;
};

void ys_run_flow(const struct ys_load *load, const struct ys_flow_plan *plan);

/* Clients who write, and want to hear that it is kept. */
struct ys_durable_plan {
    size_t clients;
    bool is_one_room; /* else each has a room of its own */
    size_t burst;     /* a writer asks behind so many edits whether they are kept */
    size_t window;    /* and has so many questions open at once */
};

void ys_run_durable(const struct ys_load *load, const struct ys_durable_plan *plan);

/* Documents that are to outlive their server: one whole in each of these rooms, or one by a session of edits; then, of
 * another process, each is read by the first to come into its room. */
void ys_run_keep(const struct ys_load *load, size_t rooms);
void ys_run_session(const struct ys_load *load);
void ys_run_open(const struct ys_load *load, size_t rooms);

/* Clients join a room that holds a document, `at_once` at a time. */
void ys_run_joins(const struct ys_load *load, size_t at_once);

/* Memory of the server: empty; with clients that do nothing, each in a room of its own; with documents; after `rounds`
 * times as many documents came and were evicted; and with a client that asks for a document again and again and reads
 * nothing. */
void ys_run_empty(const struct ys_load *load);
void ys_run_idle(const struct ys_load *load, size_t clients);
void ys_run_documents(const struct ys_load *load, size_t rooms);
void ys_run_evictions(const struct ys_load *load, size_t rooms, size_t rounds);
void ys_run_greedy(const struct ys_load *load, size_t times);

/* As ys_room_of_fn: room-0 for visitor 0 and so on; user is the load. */
void ys_room_of_each(const void *load, size_t visitor, char room[YS_ROOM_NAME_BYTES]);

void ys_room_name(const struct ys_load *load, size_t number, char room[YS_ROOM_NAME_BYTES]);

#endif
