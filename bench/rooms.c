/* SPDX-License-Identifier: MIT */
/*
 * Does a room cost the same among a million as among a thousand? Rooms with one silent member each, without sockets:
 *
 *     join     a room is made, and its member takes its greeting
 *     tick     nothing is due
 *     leave    the room is empty, and its time begins
 *     evict    the time of all of them is over in the same millisecond
 *
 * Prints one row of a table for each number of rooms. Times are CPU time of the process; memory is what a counting
 * allocator was asked for, and what malloc made of it. The longest call is what holds up everybody else on a loop.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "room/hub.h"

#define EVICT_AFTER_MS 1000
#define IDLE_TICKS 100000

/* What malloc keeps in front of each block. */
#define MALLOC_HEAD_BYTES 8

struct timing {
    uint64_t total_ns;
    uint64_t longest_ns;
    size_t count;
};

struct run {
    struct ys_hub *hub;
    struct ys_member **members;
    size_t count;
    size_t bytes; /* alive */
    struct timing joining;
    struct timing ticking;
    struct timing leaving;
    struct timing evicting;
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "rooms: %s\n", what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void note(struct timing *timing, uint64_t begin_ns)
{
    uint64_t ns = cpu_ns() - begin_ns;

    timing->total_ns += ns;
    timing->count++;
    if (ns > timing->longest_ns)
        timing->longest_ns = ns;
}

static size_t cost(void *block)
{
    return block ? malloc_usable_size(block) + MALLOC_HEAD_BYTES : 0;
}

static void *resize(void *user, void *ptr, size_t bytes)
{
    struct run *run = user;
    void *moved;

    run->bytes -= cost(ptr);
    if (bytes == 0) {
        free(ptr);
        return NULL;
    }
    moved = realloc(ptr, bytes);
    expect(moved != NULL, "out of memory");
    run->bytes += cost(moved);
    return moved;
}

static void take_note(void *user)
{
    (void)user;
}

static void join(struct run *run, size_t i)
{
    static const struct ys_member_events events = { .wake = take_note };
    static const struct ys_member_options options = { .is_read_only = false };
    struct ys_blob *message;
    char name[32];
    int len = snprintf(name, sizeof(name), "room-%zu", i);
    uint64_t begin_ns = cpu_ns();

    expect(!ys_hub_join(run->hub, (struct ysync_bytes){ (const uint8_t *)name, (size_t)len }, &events, NULL, &options,
                        0, &run->members[i]),
           "nobody could join");
    while ((message = ys_member_take(run->members[i], 0)) != NULL)
        ys_blob_unref(message);
    note(&run->joining, begin_ns);
}

static void measure(struct run *run)
{
    uint64_t begin_ns;

    for (size_t i = 0; i < run->count; i++)
        join(run, i);
    expect(ys_hub_room_count(run->hub) == run->count, "not everybody has a room");
    for (size_t i = 0; i < IDLE_TICKS; i++) {
        begin_ns = cpu_ns();
        ys_hub_tick(run->hub, 1);
        note(&run->ticking, begin_ns);
    }
    expect(ys_hub_counters(run->hub)->evictions == 0, "a room went too early");
}

static void take_apart(struct run *run)
{
    uint64_t begin_ns;

    for (size_t i = 0; i < run->count; i++) {
        begin_ns = cpu_ns();
        ys_member_leave(run->members[i], 1);
        note(&run->leaving, begin_ns);
    }
    while (ys_hub_next_tick(run->hub) != YS_TIMER_NEVER) {
        begin_ns = cpu_ns();
        ys_hub_tick(run->hub, 1 + EVICT_AFTER_MS);
        note(&run->evicting, begin_ns);
    }
    expect(ys_hub_room_count(run->hub) == 0 && ys_hub_counters(run->hub)->evictions == run->count,
           "not every room has gone");
}

static double us(uint64_t ns)
{
    return (double)ns / 1000;
}

static void run_with(size_t count)
{
    struct run run = { .count = count };
    const struct ysync_alloc alloc = { resize, &run };
    const struct ys_hub_config config = {
        .alloc = &alloc,
        .seed = { 1, 2 },
        .evict_after_ms = EVICT_AFTER_MS,
        .max_pending_bytes = 1 << 20,
        .max_presence_bytes = YS_HUB_MAX_PRESENCE_BYTES,
        .max_outbox_bytes = 1 << 20,
    };
    size_t bytes;

    run.members = calloc(count, sizeof(struct ys_member *));
    expect(run.members != NULL, "out of memory");
    expect(!ys_hub_new(&config, &run.hub), "no hub");
    measure(&run);
    bytes = run.bytes;
    take_apart(&run);
    printf("| %zu | %.2f | %.3f | %.2f | %.2f | %.0f | %.0f | %.0f |\n", count, us(run.joining.total_ns / count),
           us(run.ticking.total_ns / IDLE_TICKS), us(run.leaving.total_ns / count), us(run.evicting.total_ns / count),
           us(run.joining.longest_ns), us(run.evicting.longest_ns), (double)bytes / (double)count);
    ys_hub_free(run.hub);
    expect(run.bytes == 0, "memory is left over");
    free(run.members);
}

int main(void)
{
    puts("| rooms | join, us | tick, us | leave, us | evict, us | longest join, us | longest tick of evictions, us | "
         "bytes "
         "a room |");
    puts("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (size_t count = 1000; count <= 1000000; count *= 10)
        run_with(count);
    return 0;
}
