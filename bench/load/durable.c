/* SPDX-License-Identifier: MIT */
/*
 * How many edits a second does a server keep, and how long does a writer wait until it hears so?
 *
 *     writer    [edit][edit][edit][kept?]  [edit][edit][edit][kept?]  [edit] ...      bursts of 3, two questions open
 *     server                                             [kept]                    the first burst counts from here on
 *
 * With bursts of one edit and one open question a writer waits for each edit. Servers that say nothing about keeping
 * are asked for what is new (sync step 1), which they answer when they have applied what came before. In a room of its
 * own nobody else gets the edits; in one room all others do, but they do not look into them.
 *
 * With --cut the server is killed at the very moment when time is over, with all that was under way: what it kept is
 * then to be looked for on the disk.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "check.h"
#include "edit.h"
#include "histogram.h"
#include "load.h"
#include "report.h"
#include "server_use.h"

#define NS_A_SECOND 1e9
#define WARM_UP_SHARE 0.25 /* of the time that is measured */
#define MAX_WINDOW 64

struct burst {
    uint64_t asked_ns;
    uint64_t edits; /* sent by then */
};

struct writer {
    uint64_t sent;
    uint64_t kept;
    struct burst bursts[MAX_WINDOW]; /* those under way, from first on, as a ring */
    size_t first;
    size_t count;
};

struct tally {
    uint64_t ns;
    uint64_t kept;
    double server_cpu;
    double written;
    double own_cpu;
};

struct durable {
    const struct ys_load *load;
    const struct ys_durable_plan *plan;
    struct ys_crowd crowd;
    struct writer *writers; /* visitor i is writer i */
    uint64_t sent;
    uint64_t kept;
    bool is_over; /* nothing more is sent */
    bool is_measuring;
    struct ys_histogram *latencies;
    struct ys_buf bytes; /* under construction */
};

/* Sending */

static uint64_t client_of(size_t writer)
{
    return YS_FIRST_CLIENT + writer;
}

static void send_edit(struct durable *durable, size_t i)
{
    ys_buf_clear(&durable->bytes);
    ys_edit_put(&durable->bytes, client_of(i), durable->writers[i].sent, 1);
    ys_must(ys_buf_err(&durable->bytes), "edit");
    ys_visitor_say(&durable->crowd.visitors[i], YS_HEARD_UPDATE, ys_buf_bytes(&durable->bytes));
    durable->writers[i].sent++;
    durable->sent++;
}

/* A state vector that lacks nothing, so that the answer is short. */
static void put_all_clocks(struct durable *durable, size_t i)
{
    size_t from = durable->plan->is_one_room ? 0 : i;
    size_t to = durable->plan->is_one_room ? durable->crowd.count : i + 1;

    ys_buf_put_varuint(&durable->bytes, to - from);
    for (; from < to; from++) {
        ys_buf_put_varuint(&durable->bytes, client_of(from));
        ys_buf_put_varuint(&durable->bytes, durable->writers[from].sent);
    }
}

static void ask(struct durable *durable, size_t i)
{
    struct writer *writer = &durable->writers[i];
    bool by_status = durable->load->acknowledgement == YS_ACKNOWLEDGED_BY_STATUS;

    ys_buf_clear(&durable->bytes);
    if (by_status)
        ys_buf_put_varuint(&durable->bytes, writer->sent);
    else
        put_all_clocks(durable, i);
    ys_must(ys_buf_err(&durable->bytes), "question");
    ys_visitor_say(&durable->crowd.visitors[i], by_status ? YS_HEARD_STATUS : YS_HEARD_STEP1,
                   ys_buf_bytes(&durable->bytes));
    writer->bursts[(writer->first + writer->count++) % MAX_WINDOW] = (struct burst){ ys_now_ns(), writer->sent };
}

static void fill_window(struct durable *durable, size_t i)
{
    while (!durable->is_over && durable->writers[i].count < durable->plan->window) {
        for (size_t edits = 0; edits < durable->plan->burst; edits++)
            send_edit(durable, i);
        ask(durable, i);
    }
}

/* Answers */

static struct burst take_burst(struct writer *writer)
{
    struct burst burst = writer->bursts[writer->first];

    ys_expect(writer->count > 0, "an answer came to no question");
    writer->first = (writer->first + 1) % MAX_WINDOW;
    writer->count--;
    return burst;
}

static uint64_t hear_answer(struct durable *durable, size_t i)
{
    struct burst burst = take_burst(&durable->writers[i]);

    if (durable->is_measuring)
        ys_histogram_add(durable->latencies, ys_now_ns() - burst.asked_ns);
    durable->kept += burst.edits - durable->writers[i].kept;
    durable->writers[i].kept = burst.edits;
    fill_window(durable, i);
    return burst.edits;
}

static void hear_status(void *user, struct ys_visitor *visitor, struct ysync_bytes payload)
{
    struct durable *durable = user;
    struct ys_reader in = ys_reader_init(payload);
    uint64_t edits = 0;

    ys_must(ys_reader_varuint(&in, &edits), "a malformed sync status came");
    ys_expect(hear_answer(durable, (size_t)(visitor - durable->crowd.visitors)) == edits,
              "a sync status came out of order");
}

static void hear_step2(void *user, struct ys_visitor *visitor)
{
    struct durable *durable = user;

    hear_answer(durable, (size_t)(visitor - durable->crowd.visitors));
}

/* Figures */

static struct tally tally(const struct durable *durable)
{
    pid_t server = durable->load->server;

    return (struct tally){
        .ns = ys_now_ns(),
        .kept = durable->kept,
        .server_cpu = server ? ys_cpu_seconds(server) : NAN,
        .written = server ? ys_written_bytes(server) : NAN,
        .own_cpu = ys_cpu_seconds(0),
    };
}

static void report(const struct durable *durable, uint64_t began_ns, const struct tally *from, const struct tally *to)
{
    double seconds = (double)(to->ns - from->ns) / NS_A_SECOND;
    double kept = (double)(to->kept - from->kept);

    ys_report_begin(durable->load->scenario);
    ys_report("clients", (double)durable->crowd.count);
    ys_report("sent", (double)durable->sent);
    ys_report("acknowledged", (double)to->kept); /* since the beginning, as is the time */
    ys_report("all_seconds", (double)(to->ns - began_ns) / NS_A_SECOND);
    ys_report("began_ms", (double)began_ns / 1e6);
    ys_report("from_ms", (double)from->ns / 1e6);
    ys_report("to_ms", (double)to->ns / 1e6);
    ys_report("seconds", seconds);
    ys_report("updates_per_s", kept / seconds);
    ys_report("measured", kept);
    ys_report("p50_ms", (double)ys_histogram_at(durable->latencies, 0.5) / 1e6);
    ys_report("p99_ms", (double)ys_histogram_at(durable->latencies, 0.99) / 1e6);
    ys_report("max_ms", (double)durable->latencies->largest / 1e6);
    ys_report("server_cores", (to->server_cpu - from->server_cpu) / seconds);
    ys_report("load_cores", (to->own_cpu - from->own_cpu) / seconds);
    ys_report("cpu_us_per_update", (to->server_cpu - from->server_cpu) * 1e6 / kept);
    ys_report("written_bytes_per_update", (to->written - from->written) / kept);
    ys_report_end();
}

/* The whole of it */

static void room_of(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    const struct durable *durable = user;

    ys_room_name(durable->load, durable->plan->is_one_room ? 0 : visitor, room);
}

static void begin(struct durable *durable, const struct ys_load *load, const struct ys_durable_plan *plan)
{
    *durable = (struct durable){ .load = load, .plan = plan };
    ys_expect(plan->window <= MAX_WINDOW, "so many questions cannot be open at once");
    ys_expect(!load->is_cut || load->server != 0, "which server is to be killed? --server PID is missing");
    ys_crowd_init(&durable->crowd, load->dialect, load->port, plan->clients);
    durable->writers = ys_zeroed(plan->clients, sizeof(*durable->writers));
    durable->latencies = ys_zeroed(1, sizeof(*durable->latencies));
    ys_buf_init(&durable->bytes, ysync_alloc_default(), SIZE_MAX);
    ys_crowd_gather(&durable->crowd, 0, plan->clients, room_of, durable);
    durable->crowd.user = durable;
    durable->crowd.calls = load->acknowledgement == YS_ACKNOWLEDGED_BY_STATUS
                               ? (struct ys_crowd_calls){ .status = hear_status }
                               : (struct ys_crowd_calls){ .answered = hear_step2 };
}

static void end(struct durable *durable)
{
    const struct ysync_alloc *alloc = ysync_alloc_default();

    ys_buf_deinit(&durable->bytes);
    ys_free(alloc, durable->latencies);
    ys_free(alloc, durable->writers);
    ys_crowd_deinit(&durable->crowd);
}

static void drain(struct durable *durable)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS / (durable->load->is_quick ? 10 : 1);

    durable->is_over = true;
    while (durable->kept < durable->sent && ys_now_ns() < until)
        ys_crowd_turn(&durable->crowd, until);
    if (durable->kept < durable->sent)
        ys_give_up("%" PRIu64 " of %" PRIu64 " edits were not acknowledged", durable->sent - durable->kept,
                   durable->sent);
}

void ys_run_durable(const struct ys_load *load, const struct ys_durable_plan *plan)
{
    struct durable durable;
    struct tally from;
    struct tally to;
    uint64_t began_ns;

    begin(&durable, load, plan);
    began_ns = ys_now_ns();
    for (size_t i = 0; i < plan->clients; i++)
        fill_window(&durable, i);
    ys_crowd_run(&durable.crowd, (uint64_t)(load->seconds * WARM_UP_SHARE * NS_A_SECOND));
    from = tally(&durable);
    durable.is_measuring = true;
    ys_crowd_run(&durable.crowd, (uint64_t)(load->seconds * NS_A_SECOND));
    to = tally(&durable);
    durable.is_measuring = false;
    if (load->is_cut)
        kill(load->server, SIGKILL);
    else
        drain(&durable);
    report(&durable, began_ns, &from, &to);
    if (!load->is_cut)
        ys_crowd_disperse(&durable.crowd);
    end(&durable);
}
