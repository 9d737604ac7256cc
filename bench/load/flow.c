/* SPDX-License-Identifier: MIT */
/*
 * Writers write, readers read, and every edit is followed to every reader.
 *
 *     room 0   [ writer 0 ][ writer 1 ][ reader ][ reader ]      visitors 0 1 2 3
 *     room 1   [ writer 0 ][ writer 1 ][ reader ][ reader ]      visitors 4 5 6 7
 *
 * For each member and each writer of its room, `seen` says how many of the writer's edits have arrived there. A server
 * may merge edits, or leave out presence that is already out of date, so what counts is by how much `seen` moves, and
 * not how many messages came.
 *
 * Closed loop: each writer keeps `window` edits under way, where one is done when it has arrived at everybody else.
 * What a server can take is what it gets. Open loop: edit number n is due at start + n / rate, whatever happens, and
 * its latency is counted from when it was due; a server that stalls is not spared the edits that it kept from being
 * sent.
 */
#include <inttypes.h>

#include "base/alloc.h"
#include "check.h"
#include "edit.h"
#include "histogram.h"
#include "load.h"
#include "report.h"
#include "server_use.h"

#define NS_A_SECOND 1e9
#define WARM_UP_SHARE 0.25           /* of the time that is measured */
#define HOPE_NS UINT64_C(5000000000) /* what has not come when so long nothing came is lost */

struct writer {
    struct ys_visitor *visitor;
    uint64_t sent;
    uint64_t delivered; /* to all others together */
    bool is_awake;
};

struct tally {
    uint64_t ns;
    uint64_t delivered;
    uint64_t wire_messages;
    uint64_t wire_bytes;
    double server_cpu;
    double own_cpu;
};

struct flow {
    const struct ys_load *load;
    const struct ys_flow_plan *plan;
    struct ys_crowd crowd;
    size_t members;      /* of a room */
    size_t writer_count; /* of all rooms */
    struct writer *writers;
    struct writer **awake; /* may be able to send again */
    size_t awake_count;
    uint64_t *seen; /* [visitor][writer of its room] */
    uint64_t sent;
    uint64_t delivered;
    uint64_t start_ns; /* when edit number 0 is due */
    struct ys_histogram *latencies;
    bool is_measuring;
    uint64_t latest_ns;         /* how far behind its time an edit was sent, at worst */
    struct ys_visitor *hearing; /* who reads what is arriving */
    struct ys_buf edit;
};

/* Arrivals */

static uint64_t due_ns(const struct flow *flow, uint64_t number)
{
    return flow->start_ns + (uint64_t)((double)number * NS_A_SECOND / flow->plan->rate);
}

static void time_edits(struct flow *flow, size_t writer, uint64_t from, uint64_t to)
{
    uint64_t now = ys_now_ns();

    for (; from < to; from++) {
        uint64_t due = due_ns(flow, from * flow->writer_count + writer);

        ys_histogram_add(flow->latencies, now > due ? now - due : 0);
    }
}

static void wake(struct flow *flow, struct writer *writer)
{
    if (writer->is_awake)
        return;
    writer->is_awake = true;
    flow->awake[flow->awake_count++] = writer;
}

/* Whose edits these are, and where it says how many of them are where flow->hearing is. False: somebody else's, or its
 * own, which some servers send back. */
static bool find_writer(struct flow *flow, uint64_t client, struct writer **writer, uint64_t **seen)
{
    size_t receiver = (size_t)(flow->hearing - flow->crowd.visitors);
    size_t sender = (size_t)(client - YS_FIRST_CLIENT);
    size_t room = receiver / flow->members;
    size_t place = sender % flow->members;

    if (client < YS_FIRST_CLIENT || sender >= flow->crowd.count || sender == receiver)
        return false;
    ys_expect(sender / flow->members == room && place < flow->plan->writers, "an edit came to the wrong room");
    *writer = &flow->writers[room * flow->plan->writers + place];
    *seen = &flow->seen[receiver * flow->plan->writers + place];
    return true;
}

/* Edits [from, to) of this client are where flow->hearing is, some of them perhaps for the second time. A gap in front
 * of them would keep a Yjs client waiting. */
static void arrive(struct flow *flow, uint64_t client, uint64_t from, uint64_t to)
{
    struct writer *writer;
    uint64_t *seen;

    if (!find_writer(flow, client, &writer, &seen))
        return;
    if (from > *seen)
        ys_give_up("edit %" PRIu64 " of client %" PRIu64 " came too early", from, client);
    ys_expect(to <= writer->sent, "an edit came that nobody sent");
    if (to <= *seen)
        return;
    if (flow->plan->rate > 0 && flow->is_measuring)
        time_edits(flow, (size_t)(writer - flow->writers), *seen, to);
    flow->delivered += to - *seen;
    writer->delivered += to - *seen;
    *seen = to;
    wake(flow, writer);
}

static void arrive_clocks(void *user, uint64_t client, uint64_t from, uint64_t to)
{
    struct flow *flow = user;
    size_t units = flow->plan->units;

    arrive(flow, client, from / units, to / units);
}

/* The first state that a client announces has clock 1, as one of clock 0 is not newer than none; a newer state stands
 * for all those before it. */
static void arrive_presence(void *user, uint64_t client, uint64_t clock, uint64_t next)
{
    (void)next;
    arrive(user, client, 0, clock);
}

static void hear_update(void *user, struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct flow *flow = user;

    if (flow->plan->is_presence)
        return;
    flow->hearing = visitor;
    ys_edit_read(update, arrive_clocks, flow);
}

static void hear_presence(void *user, struct ys_visitor *visitor, struct ysync_bytes entries)
{
    struct flow *flow = user;

    if (!flow->plan->is_presence)
        return;
    flow->hearing = visitor;
    ys_edit_read_presence(entries, arrive_presence, flow);
}

/* Sending */

static void send_edit(struct flow *flow, struct writer *writer)
{
    uint64_t client = YS_FIRST_CLIENT + (uint64_t)(writer->visitor - flow->crowd.visitors);
    size_t units = flow->plan->units;

    ys_buf_clear(&flow->edit);
    if (flow->plan->is_presence)
        ys_edit_put_presence(&flow->edit, client, writer->sent + 1);
    else
        ys_edit_put(&flow->edit, client, writer->sent * units, units);
    ys_must(ys_buf_err(&flow->edit), "edit");
    ys_visitor_say(writer->visitor, flow->plan->is_presence ? YS_HEARD_PRESENCE : YS_HEARD_UPDATE,
                   ys_buf_bytes(&flow->edit));
    writer->sent++;
    flow->sent++;
}

/* How many deliveries there are when everybody else has an edit. */
static uint64_t fan_out(const struct flow *flow)
{
    return flow->members - 1;
}

static void fill_windows(struct flow *flow)
{
    uint64_t most = flow->plan->window * fan_out(flow);

    while (flow->awake_count > 0) {
        struct writer *writer = flow->awake[--flow->awake_count];

        writer->is_awake = false;
        while (writer->sent * fan_out(flow) - writer->delivered < most)
            send_edit(flow, writer);
    }
}

static void run_closed(struct flow *flow, uint64_t until)
{
    while (ys_now_ns() < until) {
        fill_windows(flow);
        ys_crowd_turn(&flow->crowd, until);
    }
}

static void send_what_is_due(struct flow *flow, uint64_t now)
{
    uint64_t due;

    while ((due = due_ns(flow, flow->sent)) <= now) {
        if (flow->is_measuring && now - due > flow->latest_ns)
            flow->latest_ns = now - due;
        send_edit(flow, &flow->writers[flow->sent % flow->writer_count]);
    }
    flow->awake_count = 0;
}

static void run_open(struct flow *flow, uint64_t until)
{
    uint64_t now;

    while ((now = ys_now_ns()) < until) {
        uint64_t next;

        send_what_is_due(flow, now);
        next = due_ns(flow, flow->sent);
        ys_crowd_turn(&flow->crowd, next < until ? next : until);
    }
}

static void run_for(struct flow *flow, double seconds)
{
    uint64_t until = ys_now_ns() + (uint64_t)(seconds * NS_A_SECOND);

    if (flow->plan->rate > 0)
        run_open(flow, until);
    else
        run_closed(flow, until);
}

/* Until everything has arrived; as long as something still comes there is hope. */
static void drain(struct flow *flow)
{
    uint64_t patience = flow->load->is_quick ? HOPE_NS / 5 : HOPE_NS;
    uint64_t before = UINT64_MAX;

    while (flow->delivered < flow->sent * fan_out(flow) && before != flow->delivered) {
        uint64_t until = ys_now_ns() + patience;

        before = flow->delivered;
        while (flow->delivered < flow->sent * fan_out(flow) && ys_now_ns() < until)
            ys_crowd_turn(&flow->crowd, until);
    }
}

/* Figures */

static struct tally tally(const struct flow *flow)
{
    return (struct tally){
        .ns = ys_now_ns(),
        .delivered = flow->delivered,
        .wire_messages = flow->crowd.wire_messages,
        .wire_bytes = flow->crowd.wire_bytes,
        .server_cpu = flow->load->server ? ys_cpu_seconds(flow->load->server) : 0,
        .own_cpu = ys_cpu_seconds(0),
    };
}

static void report_cpu(const struct flow *flow, const struct tally *from, const struct tally *to, double seconds)
{
    double delivered = (double)(to->delivered - from->delivered);
    double used = to->server_cpu - from->server_cpu;

    ys_report("load_cores", (to->own_cpu - from->own_cpu) / seconds);
    if (!flow->load->server)
        return;
    ys_report("server_cores", used / seconds);
    ys_report("cpu_us_per_delivery", used * 1e6 / delivered);
    ys_report("cpu_us_per_update", used * 1e6 / delivered * (double)fan_out(flow));
    ys_report("resident_mb", ys_resident_bytes(flow->load->server) / 1e6);
}

static void report_latencies(const struct flow *flow)
{
    if (flow->plan->rate == 0)
        return;
    ys_report("p50_ms", (double)ys_histogram_at(flow->latencies, 0.5) / 1e6);
    ys_report("p99_ms", (double)ys_histogram_at(flow->latencies, 0.99) / 1e6);
    ys_report("max_ms", (double)flow->latencies->largest / 1e6);
    ys_report("sent_late_ms", (double)flow->latest_ns / 1e6);
}

static void report(const struct flow *flow, const struct tally *from, const struct tally *to)
{
    double seconds = (double)(to->ns - from->ns) / NS_A_SECOND;
    double deliveries = (double)(to->delivered - from->delivered) / seconds;
    uint64_t missing = flow->sent * fan_out(flow) - flow->delivered;

    ys_report_begin(flow->load->scenario);
    ys_report("clients", (double)flow->crowd.count);
    ys_report("sent", (double)flow->sent);
    ys_report("delivered", (double)flow->delivered);
    ys_report("missing", (double)missing);
    ys_report("seconds", seconds);
    ys_report("deliveries_per_s", deliveries);
    ys_report("updates_per_s", deliveries / (double)fan_out(flow));
    ys_report("messages_per_s", (double)(to->wire_messages - from->wire_messages) / seconds);
    ys_report("bytes_per_delivery",
              (double)(to->wire_bytes - from->wire_bytes) / (double)(to->delivered - from->delivered));
    report_cpu(flow, from, to, seconds);
    report_latencies(flow);
    ys_report_end();
    if (missing > 0)
        ys_give_up("%" PRIu64 " of %" PRIu64 " deliveries are missing", missing, flow->sent * fan_out(flow));
}

/* The whole of it */

static void room_of(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    const struct flow *flow = user;

    ys_room_name(flow->load, visitor / flow->members, room);
}

static void begin(struct flow *flow, const struct ys_load *load, const struct ys_flow_plan *plan)
{
    *flow = (struct flow){ .load = load, .plan = plan, .members = plan->writers + plan->readers };
    flow->writer_count = plan->rooms * plan->writers;
    ys_expect(flow->members > 1, "nobody would read");
    ys_crowd_init(&flow->crowd, load->dialect, load->port, plan->rooms * flow->members);
    flow->crowd.calls = (struct ys_crowd_calls){ .update = hear_update, .presence = hear_presence };
    flow->crowd.user = flow;
    flow->writers = ys_zeroed(flow->writer_count, sizeof(*flow->writers));
    flow->awake = ys_zeroed(flow->writer_count, sizeof(*flow->awake));
    flow->seen = ys_zeroed(flow->crowd.count * plan->writers, sizeof(*flow->seen));
    flow->latencies = ys_zeroed(1, sizeof(*flow->latencies));
    ys_buf_init(&flow->edit, ysync_alloc_default(), SIZE_MAX);
    for (size_t i = 0; i < flow->writer_count; i++) {
        size_t visitor = i / plan->writers * flow->members + i % plan->writers;

        flow->writers[i].visitor = &flow->crowd.visitors[visitor];
        wake(flow, &flow->writers[i]);
    }
}

static void end(struct flow *flow)
{
    const struct ysync_alloc *alloc = ysync_alloc_default();

    ys_buf_deinit(&flow->edit);
    ys_free(alloc, flow->latencies);
    ys_free(alloc, flow->seen);
    ys_free(alloc, flow->awake);
    ys_free(alloc, flow->writers);
    ys_crowd_deinit(&flow->crowd);
}

void ys_run_flow(const struct ys_load *load, const struct ys_flow_plan *plan)
{
    struct flow flow;
    struct tally from;
    struct tally to;

    begin(&flow, load, plan);
    ys_crowd_gather(&flow.crowd, 0, flow.crowd.count, room_of, &flow);
    flow.start_ns = ys_now_ns();
    run_for(&flow, load->seconds * WARM_UP_SHARE);
    from = tally(&flow);
    flow.is_measuring = true;
    run_for(&flow, load->seconds);
    to = tally(&flow);
    drain(&flow);
    report(&flow, &from, &to);
    ys_crowd_disperse(&flow.crowd);
    end(&flow);
}
