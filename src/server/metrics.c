/* SPDX-License-Identifier: MIT */
#include "server/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

static const char *const rejection_names[YS_REJECTIONS] = {
    [YS_REJECTED_BAD_REQUEST] = "bad_request",
    [YS_REJECTED_TIMEOUT] = "timeout",
    [YS_REJECTED_UNAUTHORIZED] = "unauthorized",
    [YS_REJECTED_READ_ONLY] = "read_only",
    [YS_REJECTED_ORIGIN] = "origin",
    [YS_REJECTED_BAD_FRAME] = "bad_frame",
    [YS_REJECTED_MALFORMED] = "malformed",
    [YS_REJECTED_TOO_LARGE] = "too_large",
    [YS_REJECTED_LIMIT] = "limit",
    [YS_REJECTED_UNAVAILABLE] = "unavailable",
    [YS_REJECTED_BAD_HANDSHAKE] = "bad_handshake",
};

static const enum ys_rejection rejection_of[YS_LOOP_REFUSALS] = {
    [YS_LOOP_BAD_REQUEST] = YS_REJECTED_BAD_REQUEST,
    [YS_LOOP_HEAD_TOO_LARGE] = YS_REJECTED_TOO_LARGE,
    [YS_LOOP_TIMEOUT] = YS_REJECTED_TIMEOUT,
    [YS_LOOP_BAD_FRAME] = YS_REJECTED_BAD_FRAME,
    [YS_LOOP_MESSAGE_TOO_LARGE] = YS_REJECTED_TOO_LARGE,
    [YS_LOOP_BAD_HANDSHAKE] = YS_REJECTED_BAD_HANDSHAKE,
};

static void gather_rooms(struct ys_metrics *metrics, const struct ys_hub *hub)
{
    const struct ys_hub_totals *totals = ys_hub_totals(hub);

    metrics->rooms = ys_hub_room_count(hub);
    metrics->connections = totals->members;
    metrics->document_bytes = totals->document_bytes;
    metrics->updates_pending = totals->pending;
    metrics->store = ys_hub_store_totals(hub);
}

void ys_metrics_gather(struct ys_metrics *metrics, const struct ys_hub *hub, const struct ys_loop *loop,
                       const struct ys_server_counters *server)
{
    size_t resident_bytes;

    *metrics = (struct ys_metrics){
        .hub = *ys_hub_counters(hub),
        .loop = *ys_loop_counters(loop),
        .server = *server,
    };
    for (size_t i = 0; i < YS_LOOP_REFUSALS; i++)
        metrics->server.rejected[rejection_of[i]] += metrics->loop.refused[i];
    gather_rooms(metrics, hub);
    if (uv_resident_set_memory(&resident_bytes) == 0)
        metrics->resident_bytes = resident_bytes;
}

static void add_all(uint64_t *sums, const uint64_t *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += more[i];
}

static void add_histogram(struct ys_histogram *sum, const struct ys_histogram *more)
{
    add_all(sum->counts, more->counts, ARRAY_LEN(sum->counts));
    sum->sum_ns += more->sum_ns;
}

static void add_hub(struct ys_hub_counters *sum, const struct ys_hub_counters *more)
{
    add_all(sum->received, more->received, ARRAY_LEN(sum->received));
    add_all(sum->sent, more->sent, ARRAY_LEN(sum->sent));
    sum->updates_applied += more->updates_applied;
    sum->malformed += more->malformed;
    sum->evictions += more->evictions;
    sum->resyncs += more->resyncs;
}

void ys_metrics_add(struct ys_metrics *sum, const struct ys_metrics *more)
{
    add_hub(&sum->hub, &more->hub);
    sum->loop.bytes_received += more->loop.bytes_received;
    sum->loop.bytes_sent += more->loop.bytes_sent;
    add_all(sum->loop.refused, more->loop.refused, ARRAY_LEN(sum->loop.refused));
    add_histogram(&sum->loop.turns, &more->loop.turns);
    add_all(sum->server.rejected, more->server.rejected, ARRAY_LEN(sum->server.rejected));
    add_histogram(&sum->server.apply, &more->server.apply);
    add_histogram(&sum->server.store_commit, &more->server.store_commit);
    sum->server.store_errors += more->server.store_errors;
    sum->connections += more->connections;
    sum->rooms += more->rooms;
    sum->updates_pending += more->updates_pending;
    sum->document_bytes += more->document_bytes;
    sum->store.writes += more->store.writes;
    sum->store.bytes += more->store.bytes;
    sum->store.unsaved_rooms += more->store.unsaved_rooms;
    sum->resident_bytes = more->resident_bytes; /* of the process */
}

static void put(struct ys_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line, of which none is as long as this. */
static void put(struct ys_buf *out, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ys_buf_put_str(out, line);
}

static void put_head(struct ys_buf *out, const char *name, const char *type, const char *help)
{
    put(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct ys_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    put_head(out, name, type, help);
    put(out, "%s %" PRIu64 "\n", name, value);
}

static void put_by_type(struct ys_buf *out, const char *name, const char *help, const uint64_t counts[YS_MESSAGE_TYPES])
{
    put_head(out, name, "counter", help);
    for (unsigned i = 0; i < YS_MESSAGE_TYPES; i++)
        put(out, "%s{type=\"%s\"} %" PRIu64 "\n", name, ys_message_type_name((enum ys_message_type)i), counts[i]);
}

static void put_rejections(struct ys_buf *out, const uint64_t counts[YS_REJECTIONS])
{
    static const char name[] = "ysync_rejected_total";

    put_head(out, name, "counter", "Requests, connections and messages that were refused.");
    for (size_t i = 0; i < YS_REJECTIONS; i++)
        put(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name, rejection_names[i], counts[i]);
}

static void put_histogram(struct ys_buf *out, const char *name, const char *help, const struct ys_histogram *histogram)
{
    uint64_t count = 0;

    put_head(out, name, "histogram", help);
    for (size_t i = 0; i < YS_HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        put(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, ys_histogram_bounds[i].seconds, count);
    }
    count += histogram->counts[YS_HISTOGRAM_BOUNDS];
    put(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    put(out, "%s_sum %" PRIu64 ".%09" PRIu64 "\n", name, histogram->sum_ns / 1000000000,
        histogram->sum_ns % 1000000000);
    put(out, "%s_count %" PRIu64 "\n", name, count);
}

static void put_store(struct ys_buf *out, const struct ys_metrics *metrics)
{
    put_one(out, "ysync_store_queue", "gauge", "Writes that the store has not answered.", metrics->store.writes);
    put_one(out, "ysync_store_queue_bytes", "gauge", "Bytes of these.", metrics->store.bytes);
    put_one(out, "ysync_store_unsaved_rooms", "gauge", "Rooms that are yet to be saved whole.",
            metrics->store.unsaved_rooms);
    put_one(out, "ysync_store_errors_total", "counter", "Failures of the store.", metrics->server.store_errors);
    put_histogram(out, "ysync_store_commit_seconds", "Time from a change until the store has it.",
                  &metrics->server.store_commit);
}

void ys_metrics_put(struct ys_buf *out, const struct ys_metrics *metrics)
{
    put_one(out, "ysync_connections", "gauge", "WebSocket connections in rooms.", metrics->connections);
    put_one(out, "ysync_rooms", "gauge", "Rooms that are open.", metrics->rooms);
    put_by_type(out, "ysync_messages_received_total", "Messages from clients.", metrics->hub.received);
    put_by_type(out, "ysync_messages_sent_total", "Messages for clients; updates that leave as one count as one.",
                metrics->hub.sent);
    put_one(out, "ysync_bytes_received_total", "counter", "Bytes read from sockets.", metrics->loop.bytes_received);
    put_one(out, "ysync_bytes_sent_total", "counter", "Bytes written to sockets.", metrics->loop.bytes_sent);
    put_one(out, "ysync_updates_applied_total", "counter", "Updates that held anything new.",
            metrics->hub.updates_applied);
    put_one(out, "ysync_updates_pending", "gauge", "Parts of updates that wait for others.", metrics->updates_pending);
    put_one(out, "ysync_document_bytes", "gauge", "Memory that documents take.", metrics->document_bytes);
    put_one(out, "ysync_resyncs_total", "counter", "Slow readers that were sent one update for all that they missed.",
            metrics->hub.resyncs);
    put_rejections(out, metrics->server.rejected);
    put_one(out, "ysync_evictions_total", "counter", "Rooms that were evicted.", metrics->hub.evictions);
    put_store(out, metrics);
    put_histogram(out, "ysync_apply_seconds", "Time to take an update in and queue it for others.",
                  &metrics->server.apply);
    put_histogram(out, "ysync_turn_seconds", "Time that a loop works between two waits.", &metrics->loop.turns);
    if (metrics->resident_bytes > 0)
        put_one(out, "process_resident_memory_bytes", "gauge", "Resident memory of the process.",
                metrics->resident_bytes);
}
