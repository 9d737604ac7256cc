/* SPDX-License-Identifier: MIT */
/*
 * How much load does a sync server take, what does it cost, and how long do clients wait? One scenario against one
 * server that was just started, one line of JSON on stdout; status 1 if anything went wrong, or did not arrive.
 *
 *     load SCENARIO --port N [--server PID] [--dialect y-websocket|hocuspocus] ...
 *
 * bench/server.mjs runs all of them against several servers. One thread, epoll, plain TCP to 127.0.0.1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "check.h"
#include "edit.h"
#include "load.h"

struct scenario {
    const char *name;
    const char *what;
    struct ys_flow_plan flow;       /* rooms 0: not one of those */
    struct ys_durable_plan durable; /* clients 0: likewise */
    void (*run)(const struct ys_load *load);
};

static size_t at_most(const struct ys_load *load, size_t count)
{
    return load->is_quick ? count / 10 : count;
}

static void run_join(const struct ys_load *load)
{
    ys_run_joins(load, 1);
}

static void run_joins(const struct ys_load *load)
{
    ys_run_joins(load, 16);
}

static void run_idle(const struct ys_load *load)
{
    ys_run_idle(load, at_most(load, 2000));
}

static void run_documents(const struct ys_load *load)
{
    ys_run_documents(load, at_most(load, 60));
}

static void run_evictions(const struct ys_load *load)
{
    ys_run_evictions(load, at_most(load, 60), 3);
}

static void run_greedy(const struct ys_load *load)
{
    ys_run_greedy(load, at_most(load, 2000));
}

static void run_keep(const struct ys_load *load)
{
    ys_run_keep(load, at_most(load, 50));
}

static void run_open(const struct ys_load *load)
{
    ys_run_open(load, at_most(load, 50));
}

static void run_open_one(const struct ys_load *load)
{
    ys_run_open(load, 1);
}

static const struct scenario scenarios[] = {
    { .name = "fan-out-100",
      .what = "1 writer, 100 readers, as fast as it goes",
      .flow = { .rooms = 1, .writers = 1, .readers = 100, .window = 32 } },
    { .name = "fan-out-1000",
      .what = "1 writer, 1,000 readers, as fast as it goes",
      .flow = { .rooms = 1, .writers = 1, .readers = 1000, .window = 32 } },
    { .name = "steady",
      .what = "1 writer at 100 updates a second, 100 readers",
      .flow = { .rooms = 1, .writers = 1, .readers = 100, .rate = 100 } },
    { .name = "rooms",
      .what = "500 rooms of 2 clients, each at 2 updates a second",
      .flow = { .rooms = 500, .writers = 2, .rate = 2000 } },
    { .name = "rooms-saturated",
      .what = "500 rooms of 2 clients, as fast as it goes",
      .flow = { .rooms = 500, .writers = 2, .window = 1 } },
    { .name = "presence",
      .what = "100 clients in a room move their cursors, as fast as it goes",
      .flow = { .rooms = 1, .writers = 100, .window = 1, .is_presence = true } },
    { .name = "join", .what = "clients join a room with a document, one at a time", .run = run_join },
    { .name = "joins", .what = "clients join a room with a document, 16 at a time", .run = run_joins },
    { .name = "idle", .what = "2,000 clients, each in a room of its own", .run = run_idle },
    { .name = "documents", .what = "60 rooms with a document", .run = run_documents },
    { .name = "empty", .what = "nobody", .run = ys_run_empty },
    { .name = "evictions", .what = "60 documents come and go, three times", .run = run_evictions },
    { .name = "greedy", .what = "a client asks 2,000 times for a document and reads nothing", .run = run_greedy },
    { .name = "wait-1",
      .what = "1 writer waits for each edit to be kept",
      .durable = { .clients = 1, .burst = 1, .window = 1 } },
    { .name = "wait-10",
      .what = "10 writers, each in a room of its own, wait for each edit to be kept",
      .durable = { .clients = 10, .burst = 1, .window = 1 } },
    { .name = "wait-100", .what = "100 writers, likewise", .durable = { .clients = 100, .burst = 1, .window = 1 } },
    { .name = "wait-100-together",
      .what = "100 writers, likewise, but all in one room",
      .durable = { .clients = 100, .is_one_room = true, .burst = 1, .window = 1 } },
    { .name = "pour-1",
      .what = "1 writer asks after every 100 edits whether they are kept, and goes on meanwhile",
      .durable = { .clients = 1, .burst = 100, .window = 10 } },
    { .name = "pour-10",
      .what = "10 writers, each in a room of its own, likewise",
      .durable = { .clients = 10, .burst = 100, .window = 10 } },
    { .name = "pour-100", .what = "100 writers, likewise", .durable = { .clients = 100, .burst = 100, .window = 10 } },
    { .name = "keep", .what = "50 rooms with a document, for `open`", .run = run_keep },
    { .name = "session", .what = "a room with a document, edit by edit, for `open-1`", .run = ys_run_session },
    { .name = "open",
      .what = "clients come first into 50 rooms whose document is stored, one at a time",
      .run = run_open },
    { .name = "open-1", .what = "a client comes first into a room whose document is stored", .run = run_open_one },
};

static _Noreturn void explain(FILE *to, int status)
{
    fputs("usage: load SCENARIO --port N [options]\n"
          "    --server PID      measures CPU time and memory of this process\n"
          "    --dialect NAME    y-websocket (default) or hocuspocus\n"
          "    --room NAME       rooms are called NAME-0, NAME-1 ... (load)\n"
          "    --document FILE   the document of joins, documents, evictions and greedy: one v1 update (a generated "
          "one)\n"
          "    --trace FILE      the edits of session, each with its length in front\n"
          "    --ask WHAT        status (default): is it kept? or step1: is it applied? where the server does not say\n"
          "    --cut             kills the server at the end of wait-... and pour-...\n"
          "    --seconds S       how long is measured, after a quarter of it to warm up (3)\n"
          "    --units N         characters in an edit (1)\n"
          "    --window N        edits of one writer that are under way at once, where it goes as fast as it goes\n"
          "    --rate N          edits a second of all writers together, where there is a rate\n"
          "    --quick           a tenth of the clients, rooms and questions\n"
          "scenarios:\n",
          to);
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
        fprintf(to, "    %-16s  %s\n", scenarios[i].name, scenarios[i].what);
    exit(status);
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    explain(stderr, 2);
}

static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= min && value <= max)) {
        fprintf(stderr, "load: %s is not a number from %g to %g\n", text, min, max);
        exit(2);
    }
    return value;
}

static enum ys_dialect dialect(const char *name)
{
    if (strcmp(name, "hocuspocus") == 0)
        return YS_DIALECT_HOCUSPOCUS;
    if (strcmp(name, "y-websocket") == 0)
        return YS_DIALECT_Y_WEBSOCKET;
    explain(stderr, 2);
}

static enum ys_acknowledgement acknowledgement(const char *name)
{
    if (strcmp(name, "status") == 0)
        return YS_ACKNOWLEDGED_BY_STATUS;
    if (strcmp(name, "step1") == 0)
        return YS_ACKNOWLEDGED_BY_ANSWER;
    explain(stderr, 2);
}

static void parse(int argc, char **argv, struct ys_load *load, struct ys_flow_plan *flow)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' },
        { "server", required_argument, NULL, 's' },
        { "dialect", required_argument, NULL, 'd' },
        { "room", required_argument, NULL, 'm' },
        { "document", required_argument, NULL, 'f' },
        { "seconds", required_argument, NULL, 't' },
        { "units", required_argument, NULL, 'u' },
        { "window", required_argument, NULL, 'w' },
        { "rate", required_argument, NULL, 'r' },
        { "quick", no_argument, NULL, 'q' },
        { "trace", required_argument, NULL, 'e' },
        { "ask", required_argument, NULL, 'a' },
        { "cut", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            load->port = (uint16_t)number(optarg, 1, UINT16_MAX);
            break;
        case 's':
            load->server = (pid_t)number(optarg, 1, INT32_MAX);
            break;
        case 'd':
            load->dialect = dialect(optarg);
            break;
        case 'm':
            load->room = optarg;
            break;
        case 'f':
            load->document_path = optarg;
            break;
        case 'e':
            load->trace_path = optarg;
            break;
        case 'a':
            load->acknowledgement = acknowledgement(optarg);
            break;
        case 'c':
            load->is_cut = true;
            break;
        case 't':
            load->seconds = number(optarg, 0.01, 3600);
            break;
        case 'u':
            flow->units = (size_t)number(optarg, 1, YS_EDIT_MAX_UNITS);
            break;
        case 'w':
            flow->window = (size_t)number(optarg, 1, 1e6);
            break;
        case 'r':
            flow->rate = number(optarg, 0.1, 1e7);
            break;
        case 'q':
            load->is_quick = true;
            break;
        case 'h':
            explain(stdout, 0);
        default:
            explain(stderr, 2);
        }
    }
    if (optind != argc - 1 || load->port == 0)
        explain(stderr, 2);
}

/* What the command line does not say is the scenario's. */
static struct ys_flow_plan complete(const struct ys_load *load, struct ys_flow_plan plan,
                                    const struct ys_flow_plan *asked)
{
    plan.units = asked->units ? asked->units : 1;
    if (plan.rate > 0)
        plan.rate = asked->rate > 0 ? asked->rate : plan.rate;
    else
        plan.window = asked->window ? asked->window : plan.window;
    if (!load->is_quick)
        return plan;
    plan.rooms = plan.rooms > 10 ? plan.rooms / 10 : plan.rooms;
    plan.readers = plan.readers > 10 ? plan.readers / 10 : plan.readers;
    plan.writers = plan.writers > 10 ? plan.writers / 10 : plan.writers;
    return plan;
}

/* Thousands of sockets are more than a shell's limit often allows. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void ys_room_name(const struct ys_load *load, size_t room, char name[YS_ROOM_NAME_BYTES])
{
    snprintf(name, YS_ROOM_NAME_BYTES, "%s-%zu", load->room, room);
}

void ys_room_of_each(const void *load, size_t visitor, char room[YS_ROOM_NAME_BYTES])
{
    ys_room_name(load, visitor, room);
}

int main(int argc, char **argv)
{
    struct ys_load load = { .room = "load", .seconds = 3 };
    struct ys_flow_plan asked = { .rooms = 0 };
    const struct scenario *scenario;

    parse(argc, argv, &load, &asked);
    scenario = find_scenario(argv[optind]);
    load.scenario = scenario->name;
    raise_file_limit();
    if (scenario->run) {
        scenario->run(&load);
    } else if (scenario->durable.clients > 0) {
        ys_run_durable(&load, &scenario->durable);
    } else {
        struct ys_flow_plan plan = complete(&load, scenario->flow, &asked);

        ys_run_flow(&load, &plan);
    }
    return 0;
}
