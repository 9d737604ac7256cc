/* SPDX-License-Identifier: MIT */
/*
 * How fast do clients get into a room that holds a document? Each connects, upgrades, asks with an empty state vector,
 * gets the whole document and leaves; as soon as one has it the next one comes, so that the same number is always on
 * its way in.
 */
#include <inttypes.h>

#include "base/alloc.h"
#include "check.h"
#include "document.h"
#include "histogram.h"
#include "load.h"
#include "report.h"
#include "server_use.h"

/* Who leaves is still known to the server for a while. */
#define SPARE 64

struct joins {
    const struct ys_load *load;
    struct ys_crowd crowd;
    struct ys_document document;
    uint64_t *clocks; /* that each visitor got */
    struct ys_visitor **gone;
    size_t gone_count;
    struct ys_histogram *latencies;
    uint64_t joined;
    bool is_measuring;
};

static void note_gone(void *user, struct ys_visitor *visitor)
{
    struct joins *joins = user;

    joins->gone[joins->gone_count++] = visitor;
}

static void add_update(void *user, struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct joins *joins = user;

    joins->clocks[visitor - joins->crowd.visitors] += ys_document_count(&joins->document, update);
}

static void note_present(void *user, struct ys_visitor *visitor)
{
    struct joins *joins = user;
    uint64_t got = joins->clocks[visitor - joins->crowd.visitors];

    if (joins->is_measuring)
        ys_histogram_add(joins->latencies, ys_now_ns() - visitor->came_ns);
    if (got != joins->document.clocks)
        ys_give_up("a client that joined got %" PRIu64 " of %" PRIu64 " clocks", got, joins->document.clocks);
    joins->joined++;
    ys_visitor_leave(visitor);
}

static void let_come(struct joins *joins, size_t at_once)
{
    char room[YS_ROOM_NAME_BYTES];

    ys_room_name(joins->load, 0, room);
    while (joins->crowd.arriving < at_once && joins->gone_count > 0) {
        struct ys_visitor *visitor = joins->gone[--joins->gone_count];

        joins->clocks[visitor - joins->crowd.visitors] = 0;
        ys_visitor_come(visitor, room);
    }
}

static void run_for(struct joins *joins, size_t at_once, double seconds)
{
    uint64_t until = ys_now_ns() + (uint64_t)(seconds * 1e9);

    while (ys_now_ns() < until) {
        let_come(joins, at_once);
        ys_crowd_turn(&joins->crowd, until);
    }
}

/* The first visitor brings the document and stays. */
static void begin(struct joins *joins, const struct ys_load *load, size_t at_once)
{
    *joins = (struct joins){ .load = load };
    ys_document_init(&joins->document, load);
    ys_crowd_init(&joins->crowd, load->dialect, load->port, 1 + at_once + SPARE);
    joins->clocks = ys_zeroed(joins->crowd.count, sizeof(*joins->clocks));
    joins->gone = ys_zeroed(joins->crowd.count, sizeof(struct ys_visitor *));
    joins->latencies = ys_zeroed(1, sizeof(*joins->latencies));
    for (size_t i = 1; i < joins->crowd.count; i++)
        joins->gone[joins->gone_count++] = &joins->crowd.visitors[i];
    ys_crowd_gather(&joins->crowd, 0, 1, ys_room_of_each, load);
    ys_document_bring(&joins->document, &joins->crowd, 0, 1);
    joins->crowd.calls = (struct ys_crowd_calls){ .present = note_present, .update = add_update, .gone = note_gone };
    joins->crowd.user = joins;
}

static void finish(struct joins *joins)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS;

    while (joins->crowd.arriving > 0) {
        ys_crowd_turn(&joins->crowd, until);
        ys_expect(ys_now_ns() < until, "the last clients do not get in");
    }
}

static void end(struct joins *joins)
{
    const struct ysync_alloc *alloc = ysync_alloc_default();

    ys_free(alloc, joins->latencies);
    ys_free(alloc, joins->gone);
    ys_free(alloc, joins->clocks);
    ys_crowd_deinit(&joins->crowd);
    ys_document_deinit(&joins->document);
}

void ys_run_joins(const struct ys_load *load, size_t at_once)
{
    struct joins joins;
    double server_cpu;
    double seconds;
    uint64_t began;
    uint64_t before;
    uint64_t joined;

    begin(&joins, load, at_once);
    run_for(&joins, at_once, load->seconds / 4); /* to warm up */
    joins.is_measuring = true;
    before = joins.joined;
    began = ys_now_ns();
    server_cpu = load->server ? ys_cpu_seconds(load->server) : 0;
    run_for(&joins, at_once, load->seconds);
    joined = joins.joined - before;
    seconds = (double)(ys_now_ns() - began) / 1e9;
    server_cpu = load->server ? ys_cpu_seconds(load->server) - server_cpu : 0;
    finish(&joins);

    ys_report_begin(load->scenario);
    ys_report("document_bytes", (double)joins.document.update.len);
    ys_report("document_clocks", (double)joins.document.clocks);
    ys_report("joined", (double)joined);
    ys_report("seconds", seconds);
    ys_report("joins_per_s", (double)joined / seconds);
    ys_report("p50_ms", (double)ys_histogram_at(joins.latencies, 0.5) / 1e6);
    ys_report("p99_ms", (double)ys_histogram_at(joins.latencies, 0.99) / 1e6);
    if (load->server) {
        ys_report("server_cores", server_cpu / seconds);
        ys_report("cpu_us_per_join", server_cpu * 1e6 / (double)joined);
    }
    ys_report_end();
    ys_crowd_disperse(&joins.crowd);
    end(&joins);
}
