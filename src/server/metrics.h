/* SPDX-License-Identifier: MIT */
/*
 * What /metrics shows, in the text format of Prometheus (version 0.0.4).
 *
 *     hub, loop, sessions: count --- ys_metrics_gather() ---> numbers --- ys_metrics_put() ---> text
 *
 * Counting is an addition where things happen; the work is done when somebody asks.
 */
#ifndef YS_SERVER_METRICS_H
#define YS_SERVER_METRICS_H

#include "base/buf.h"
#include "base/histogram.h"
#include "net/loop.h"
#include "room/hub.h"

#define YS_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Why a request, a connection or a message was refused. */
enum ys_rejection {
    YS_REJECTED_BAD_REQUEST,
    YS_REJECTED_TIMEOUT,
    YS_REJECTED_UNAUTHORIZED,
    YS_REJECTED_ORIGIN,
    YS_REJECTED_READ_ONLY,
    YS_REJECTED_BAD_FRAME,
    YS_REJECTED_MALFORMED, /* updates and messages */
    YS_REJECTED_TOO_LARGE,
    YS_REJECTED_LIMIT,
    YS_REJECTED_UNAVAILABLE,
    YS_REJECTED_BAD_HANDSHAKE,
    YS_REJECTIONS /* how many there are */
};

/* What the sessions of a plugin count. */
struct ys_server_counters {
    uint64_t rejected[YS_REJECTIONS];
    struct ys_histogram apply;
    struct ys_histogram store_commit;
    uint64_t store_errors;
};

/* Everything that is shown, as numbers. */
struct ys_metrics {
    struct ys_hub_counters hub;
    struct ys_loop_counters loop;
    struct ys_server_counters server; /* with the loop's refusals */
    uint64_t connections;             /* in rooms */
    uint64_t rooms;
    uint64_t updates_pending;
    uint64_t document_bytes;
    struct ys_hub_store_totals store;
    uint64_t resident_bytes; /* 0: not known */
};

void ys_metrics_gather(struct ys_metrics *metrics, const struct ys_hub *hub, const struct ys_loop *loop,
                       const struct ys_server_counters *server);

/* Adds what another loop counted. */
void ys_metrics_add(struct ys_metrics *sum, const struct ys_metrics *more);

/* Appends the text. Errors show in ys_buf_err(). */
void ys_metrics_put(struct ys_buf *out, const struct ys_metrics *metrics);

#endif
