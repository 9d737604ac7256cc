/* SPDX-License-Identifier: MIT */
/*
 * Documents that outlive their server, in two runs of this program with a restart of the server in between: one that
 * brings them, whole or edit by edit, and one that times how long the first client to come waits for each.
 *
 *     keep      room 0 [paper]  room 1 [paper]  room 2 [paper] ...        all are brought at once
 *     session   room 0 [edit][edit][edit] ... [edit]                      the paper as it was written
 *     open      one room after the other: connect -> upgrade -> sync -> all clocks are there -> leave
 *
 * Some servers answer a client before they have loaded what it asks for, and send that behind, or twice: what counts is
 * when all of it is there.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "check.h"
#include "document.h"
#include "histogram.h"
#include "load.h"
#include "report.h"
#include "server_use.h"

#define EDITS_A_QUESTION 500
#define OPEN_QUESTIONS 2
#define WARM_UP_PART 5 /* one of so many rooms is opened to warm up */

/* Waiting for the server */

static void count_status(void *user, struct ys_visitor *visitor, struct ysync_bytes payload)
{
    size_t *answers = user;

    (void)visitor;
    (void)payload;
    ++*answers;
}

static void count_answer(void *user, struct ys_visitor *visitor)
{
    count_status(user, visitor, (struct ysync_bytes){ NULL, 0 });
}

static void count_answers(struct ys_crowd *crowd, size_t *answers)
{
    *answers = 0;
    crowd->calls = (struct ys_crowd_calls){ .answered = count_answer, .status = count_status };
    crowd->user = answers;
}

static void await(struct ys_crowd *crowd, const size_t *answers, size_t wanted)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS;

    while (*answers < wanted) {
        ys_crowd_turn(crowd, until);
        ys_expect(ys_now_ns() < until, "the server does not answer");
    }
}

/* The state vector says that nothing is lacking. */
static void ask(const struct ys_load *load, struct ys_visitor *visitor, const struct ys_document *document)
{
    static const uint8_t nothing[1];

    if (load->acknowledgement == YS_ACKNOWLEDGED_BY_STATUS)
        ys_visitor_say(visitor, YS_HEARD_STATUS, (struct ysync_bytes){ nothing, sizeof(nothing) });
    else
        ys_visitor_say(visitor, YS_HEARD_STEP1, ys_buf_bytes(&document->state_vector));
}

/* Bringing */

void ys_run_keep(const struct ys_load *load, size_t rooms)
{
    struct ys_document document;
    struct ys_crowd crowd;
    size_t answers;

    ys_document_init(&document, load);
    ys_crowd_init(&crowd, load->dialect, load->port, rooms);
    ys_crowd_gather(&crowd, 0, rooms, ys_room_of_each, load);
    ys_document_bring(&document, &crowd, 0, rooms);
    count_answers(&crowd, &answers);
    for (size_t i = 0; i < rooms; i++)
        ask(load, &crowd.visitors[i], &document);
    await(&crowd, &answers, rooms);
    ys_crowd_disperse(&crowd);
    ys_report_begin(load->scenario);
    ys_report("documents", (double)rooms);
    ys_report("document_bytes", (double)document.update.len);
    ys_report_end();
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
}

/* The next update of the trace. False: there is none. */
static bool read_edit(FILE *trace, struct ys_buf *edit)
{
    uint8_t head[4];
    uint8_t piece[4096];
    size_t left;

    ys_buf_clear(edit);
    if (fread(head, 1, sizeof(head), trace) < sizeof(head))
        return false;
    left = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    while (left > 0) {
        size_t n = fread(piece, 1, left < sizeof(piece) ? left : sizeof(piece), trace);

        ys_expect(n > 0, "the trace ends in the middle of an update");
        ys_buf_put(edit, (struct ysync_bytes){ piece, n });
        left -= n;
    }
    ys_must(ys_buf_err(edit), "edit");
    return true;
}

/* Returns how many edits there were; all have been acknowledged. */
static size_t replay(const struct ys_load *load, struct ys_crowd *crowd, const struct ys_document *document,
                     FILE *trace)
{
    struct ys_buf edit;
    size_t answers;
    size_t asked = 0;
    size_t edits = 0;

    ys_buf_init(&edit, ysync_alloc_default(), SIZE_MAX);
    count_answers(crowd, &answers);
    while (read_edit(trace, &edit)) {
        ys_visitor_say(&crowd->visitors[0], YS_HEARD_UPDATE, ys_buf_bytes(&edit));
        if (++edits % EDITS_A_QUESTION > 0)
            continue;
        ask(load, &crowd->visitors[0], document);
        await(crowd, &answers, ++asked > OPEN_QUESTIONS ? asked - OPEN_QUESTIONS : 0);
    }
    ask(load, &crowd->visitors[0], document);
    await(crowd, &answers, asked + 1);
    ys_buf_deinit(&edit);
    return edits;
}

void ys_run_session(const struct ys_load *load)
{
    struct ys_document document;
    struct ys_crowd crowd;
    uint64_t began_ns;
    double written;
    double seconds;
    size_t edits;
    FILE *trace;

    ys_expect(load->server != 0 && load->trace_path, "--server PID or --trace FILE is missing");
    trace = fopen(load->trace_path, "rb");
    ys_expect(trace != NULL, load->trace_path);
    ys_document_init(&document, load);
    ys_crowd_init(&crowd, load->dialect, load->port, 1);
    ys_crowd_gather(&crowd, 0, 1, ys_room_of_each, load);
    written = ys_written_bytes(load->server);
    began_ns = ys_now_ns();
    edits = replay(load, &crowd, &document, trace);
    seconds = (double)(ys_now_ns() - began_ns) / 1e9;
    ys_crowd_disperse(&crowd);
    ys_report_begin(load->scenario);
    ys_report("edits", (double)edits);
    ys_report("seconds", seconds);
    ys_report("written_bytes_before", written);
    ys_report_end();
    fclose(trace);
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
}

/* Opening */

struct opening {
    struct ys_document *document;
    uint64_t clocks; /* that have come */
};

static void add_update(void *user, struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct opening *opening = user;

    (void)visitor;
    opening->clocks += ys_document_count(opening->document, update);
}

static void open_room(const struct ys_load *load, struct ys_crowd *crowd, struct ys_document *document, size_t i)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS / (load->is_quick ? 10 : 1);
    struct opening opening = { .document = document };
    char room[YS_ROOM_NAME_BYTES];

    crowd->calls = (struct ys_crowd_calls){ .update = add_update };
    crowd->user = &opening;
    ys_room_name(load, i, room);
    ys_visitor_come(&crowd->visitors[i], room);
    while (crowd->visitors[i].state != YS_VISITOR_PRESENT || opening.clocks < document->clocks) {
        ys_crowd_turn(crowd, until);
        if (ys_now_ns() >= until)
            ys_give_up("%s: %" PRIu64 " of %" PRIu64 " clocks were kept", room, opening.clocks, document->clocks);
    }
}

/* Who has got all of it stays, so that leaving costs nothing while the next one is measured. */
void ys_run_open(const struct ys_load *load, size_t rooms)
{
    size_t warm_up = rooms / WARM_UP_PART;
    struct ys_histogram *latencies = ys_zeroed(1, sizeof(*latencies));
    struct ys_document document;
    struct ys_crowd crowd;
    double cpu = 0;

    ys_expect(load->server != 0, "whose time? --server PID is missing");
    ys_document_init(&document, load);
    ys_crowd_init(&crowd, load->dialect, load->port, rooms);
    for (size_t i = 0; i < rooms; i++) {
        if (i == warm_up)
            cpu = ys_cpu_seconds(load->server);
        open_room(load, &crowd, &document, i);
        if (i >= warm_up)
            ys_histogram_add(latencies, ys_now_ns() - crowd.visitors[i].came_ns);
    }
    cpu = ys_cpu_seconds(load->server) - cpu;
    ys_report_begin(load->scenario);
    ys_report("documents", (double)(rooms - warm_up));
    ys_report("p50_ms", (double)ys_histogram_at(latencies, 0.5) / 1e6);
    ys_report("p99_ms", (double)ys_histogram_at(latencies, 0.99) / 1e6);
    ys_report("cpu_ms", cpu * 1e3 / (double)(rooms - warm_up));
    ys_report_end();
    ys_crowd_disperse(&crowd);
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
    ys_free(ysync_alloc_default(), latencies);
}
