/* SPDX-License-Identifier: MIT */
/*
 * How much resident memory does the server take, empty and with rooms, and does it give it back? Memory is read when it
 * has stopped changing, as servers free and collect when they see fit. A tenth as many clients, or documents,
 * come first and stay: what a server sets up once, for whoever comes first, is not what each of them takes.
 */
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "check.h"
#include "document.h"
#include "load.h"
#include "report.h"
#include "server_use.h"

#define MB 1e6
#define SAMPLE_NS UINT64_C(100000000)
#define STEADY_SAMPLES 6 /* in a row */
#define MAX_SAMPLES 80
#define STEADY_BYTES (64 * 1024.0)

/* Runs until the server's memory has stopped changing, and returns it. */
static double settle(const struct ys_load *load, struct ys_crowd *crowd)
{
    size_t wanted = load->is_quick ? STEADY_SAMPLES / 3 : STEADY_SAMPLES;
    double bytes = ys_resident_bytes(load->server);
    size_t steady = 0;

    for (size_t i = 0; i < MAX_SAMPLES && steady < wanted; i++) {
        double now;

        ys_crowd_run(crowd, SAMPLE_NS);
        now = ys_resident_bytes(load->server);
        steady = fabs(now - bytes) <= STEADY_BYTES ? steady + 1 : 0;
        bytes = now;
    }
    return bytes;
}

static void begin(const struct ys_load *load, struct ys_crowd *crowd, size_t visitors)
{
    ys_expect(load->server != 0, "whose memory? --server PID is missing");
    ys_crowd_init(crowd, load->dialect, load->port, visitors);
}

void ys_run_empty(const struct ys_load *load)
{
    struct ys_crowd crowd;

    begin(load, &crowd, 1);
    ys_report_begin(load->scenario);
    ys_report("resident_mb", settle(load, &crowd) / MB);
    ys_report_end();
    ys_crowd_deinit(&crowd);
}

void ys_run_idle(const struct ys_load *load, size_t clients)
{
    size_t first = clients / 10;
    struct ys_crowd crowd;
    double before;
    double after;

    begin(load, &crowd, first + clients);
    ys_crowd_gather(&crowd, 0, first, ys_room_of_each, load);
    before = settle(load, &crowd);
    ys_crowd_gather(&crowd, first, first + clients, ys_room_of_each, load);
    after = settle(load, &crowd);
    ys_report_begin(load->scenario);
    ys_report("clients", (double)clients);
    ys_report("before_mb", before / MB);
    ys_report("after_mb", after / MB);
    ys_report("bytes_per_connection", (after - before) / (double)clients);
    ys_report_end();
    ys_crowd_disperse(&crowd);
    ys_crowd_deinit(&crowd);
}

/* Documents */

struct check {
    struct ys_document *document;
    uint64_t clocks; /* that all got together */
};

static void add_update(void *user, struct ys_visitor *visitor, struct ysync_bytes update)
{
    struct check *check = user;

    (void)visitor;
    check->clocks += ys_document_count(check->document, update);
}

/* How many clocks visitors [from, to) get who come into the rooms. */
static uint64_t read_rooms(struct ys_document *document, struct ys_crowd *crowd, size_t from, size_t to,
                           ys_room_of_fn *room_of, const void *user)
{
    struct check check = { .document = document };

    crowd->calls = (struct ys_crowd_calls){ .update = add_update };
    crowd->user = &check;
    ys_crowd_gather(crowd, from, to, room_of, user);
    crowd->calls = (struct ys_crowd_calls){ .present = NULL };
    return check.clocks;
}

struct second_half {
    const struct ys_load *load;
    size_t rooms;
};

static void room_of_second_half(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    const struct second_half *half = user;

    ys_room_name(half->load, visitor - half->rooms, room);
}

/* After the measurement as many more clients come and look whether each room holds what it was brought. */
void ys_run_documents(const struct ys_load *load, size_t rooms)
{
    size_t first = rooms / 10 + 1;
    size_t all = first + rooms;
    struct second_half half = { load, all };
    struct ys_document document;
    struct ys_crowd crowd;
    double before;
    double after;
    uint64_t clocks;

    ys_document_init(&document, load);
    begin(load, &crowd, 2 * all);
    ys_crowd_gather(&crowd, 0, first, ys_room_of_each, load);
    ys_document_bring(&document, &crowd, 0, first);
    before = settle(load, &crowd);
    ys_crowd_gather(&crowd, first, all, ys_room_of_each, load);
    ys_document_bring(&document, &crowd, first, all);
    after = settle(load, &crowd);
    clocks = read_rooms(&document, &crowd, all, 2 * all, room_of_second_half, &half);
    ys_expect(clocks == all * document.clocks, "a room does not hold what it was brought");
    ys_report_begin(load->scenario);
    ys_report("documents", (double)rooms);
    ys_report("document_bytes", (double)document.update.len);
    ys_report("before_mb", before / MB);
    ys_report("after_mb", after / MB);
    ys_report("mb_per_document", (after - before) / MB / (double)rooms);
    ys_report_end();
    ys_crowd_disperse(&crowd);
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
}

struct round {
    const struct ys_load *load;
    size_t first_room;
};

static void room_of_round(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    const struct round *round = user;

    ys_room_name(round->load, round->first_room + visitor, room);
}

/* Each round has rooms of its own. In the end one client comes back to the very first: what it does not get was
 * evicted. */
void ys_run_evictions(const struct ys_load *load, size_t rooms, size_t rounds)
{
    struct ys_document document;
    struct ys_crowd crowd;
    struct round round = { .load = load };
    double before;
    double first = 0;
    double last = 0;
    uint64_t left;

    ys_document_init(&document, load);
    begin(load, &crowd, rooms);
    before = settle(load, &crowd);
    for (size_t i = 0; i < rounds; i++) {
        round.first_room = i * rooms;
        ys_crowd_gather(&crowd, 0, rooms, room_of_round, &round);
        ys_document_bring(&document, &crowd, 0, rooms);
        ys_crowd_disperse(&crowd);
        last = settle(load, &crowd);
        first = i == 0 ? last : first;
    }
    round.first_room = 0;
    left = read_rooms(&document, &crowd, 0, 1, room_of_round, &round);
    ys_report_begin(load->scenario);
    ys_report("documents", (double)(rooms * rounds));
    ys_report("document_bytes", (double)document.update.len);
    ys_report("before_mb", before / MB);
    ys_report("first_growth_mb", (first - before) / MB);
    ys_report("growth_mb", (last - first) / MB);
    ys_report("evicted", left == 0);
    ys_report_end();
    ys_crowd_disperse(&crowd);
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
}

/* The most memory that the server has while questions still go out, and after. */
static double watch_greedy(const struct ys_load *load, struct ys_crowd *crowd, const struct ys_visitor *greedy)
{
    double most = 0;
    double settled;

    for (size_t i = 0; i < MAX_SAMPLES && ys_visitor_unsent(greedy) > 0; i++) {
        ys_crowd_run(crowd, SAMPLE_NS);
        most = fmax(most, ys_resident_bytes(load->server));
    }
    settled = settle(load, crowd);
    return fmax(most, settled);
}

static void room_of_all(const void *user, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    (void)visitor;
    ys_room_name(user, 0, room);
}

/* One client brings the document and stays, the other one is greedy. */
void ys_run_greedy(const struct ys_load *load, size_t times)
{
    static const uint8_t nothing[1];
    struct ys_document document;
    struct ys_crowd crowd;
    struct ys_visitor *greedy;
    double before;
    double most;

    ys_document_init(&document, load);
    begin(load, &crowd, 2);
    ys_crowd_gather(&crowd, 0, 1, room_of_all, load);
    ys_document_bring(&document, &crowd, 0, 1);
    ys_crowd_gather(&crowd, 1, 2, room_of_all, load);
    before = settle(load, &crowd);
    greedy = &crowd.visitors[1];
    greedy->is_deaf = true;
    ys_crowd_watch(greedy, false);
    for (size_t i = 0; i < times; i++)
        ys_visitor_say(greedy, YS_HEARD_STEP1, (struct ysync_bytes){ nothing, sizeof(nothing) });
    most = watch_greedy(load, &crowd, greedy);
    ys_report_begin(load->scenario);
    ys_report("questions", (double)times);
    ys_report("document_bytes", (double)document.update.len);
    ys_report("before_mb", before / MB);
    ys_report("growth_mb", (most - before) / MB);
    ys_report_end();
    ys_crowd_deinit(&crowd);
    ys_document_deinit(&document);
}
