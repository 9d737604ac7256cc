/* SPDX-License-Identifier: MIT */
/*
 * How long does a document take to apply, hand out and load what people wrote, and how much memory does it hold?
 *
 *     document edit TRACE STATE       every update in order, then all that is asked of the document; writes its whole
 *                                     state to STATE, so that somebody else can check what came out
 *     document reverse TRACE COUNT    the first COUNT updates, the last one first: all but one have to wait
 *     document pause TRACE            how long a single call takes while compaction goes on
 *
 * TRACE is repeated [u32 little-endian length][update]. Prints one JSON object. Times are CPU time, so that what else
 * the machine does counts little; memory is what a counting allocator was asked for, and what malloc made of it.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/reader.h"
#include "doc/document.h"

/* How long something is repeated to be measured. */
#define MEASURE_NS 100e6

#define UNITS_BEHIND 20

struct trace {
    struct ysync_bytes file;
    struct ysync_bytes *updates;
    size_t count;
    size_t update_bytes;
};

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "document: %s\n", what);
    exit(1);
}

static void must(enum ysync_err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "document: %s: %s\n", what, ysync_strerror(err));
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct ysync_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct ysync_bytes bytes;
    uint8_t *data;
    long size;

    expect(file && fseek(file, 0, SEEK_END) == 0, path);
    size = ftell(file);
    expect(size > 0 && fseek(file, 0, SEEK_SET) == 0, path);
    data = malloc((size_t)size);
    expect(data && fread(data, 1, (size_t)size, file) == (size_t)size, path);
    fclose(file);
    bytes = (struct ysync_bytes){ data, (size_t)size };
    return bytes;
}

static void write_file(const char *path, struct ysync_bytes bytes)
{
    FILE *file = fopen(path, "wb");

    expect(file && fwrite(bytes.data, 1, bytes.len, file) == bytes.len && fclose(file) == 0, path);
}

static struct trace read_trace(const char *path)
{
    struct trace trace = { .file = read_file(path) };
    struct ys_reader in = ys_reader_init(trace.file);
    struct ysync_bytes head;

    trace.updates = calloc(trace.file.len / 4, sizeof(*trace.updates));
    expect(trace.updates != NULL, "out of memory");
    while (!ys_reader_is_at_end(&in)) {
        uint32_t len;

        must(ys_reader_take(&in, 4, &head), path);
        len = (uint32_t)head.data[0] | (uint32_t)head.data[1] << 8 | (uint32_t)head.data[2] << 16 |
              (uint32_t)head.data[3] << 24;
        must(ys_reader_take(&in, len, &trace.updates[trace.count++]), path);
        trace.update_bytes += len;
    }
    return trace;
}

static void free_trace(struct trace *trace)
{
    free(trace->updates);
    free((void *)(uintptr_t)trace->file.data);
}

/* Memory */

struct meter {
    size_t asked;  /* bytes that the library asked for and has not freed */
    size_t usable; /* and what malloc gave it */
    size_t peak;   /* of `usable` */
};

/* Each block begins with its size. */
static void *resize_metered(void *user, void *ptr, size_t bytes)
{
    struct meter *meter = user;
    max_align_t *block = ptr ? (max_align_t *)ptr - 1 : NULL;
    size_t old = 0;

    if (block) {
        memcpy(&old, block, sizeof(old));
        meter->asked -= old;
        meter->usable -= malloc_usable_size(block) - sizeof(*block);
    }
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, bytes + sizeof(*block));
    expect(block != NULL, "out of memory");
    memcpy(block, &bytes, sizeof(bytes));
    meter->asked += bytes;
    meter->usable += malloc_usable_size(block) - sizeof(*block);
    meter->peak = meter->usable > meter->peak ? meter->usable : meter->peak;
    return block + 1;
}

/* Output */

static const char *separator = "{ ";

static void print(const char *name, double value)
{
    printf("%s\"%s\": %.3f", separator, name, value);
    separator = ", ";
}

static void print_end(void)
{
    printf(" }\n");
}

/* Steps that the benchmarks share */

static struct ysync_doc *new_doc(const struct ysync_alloc *alloc)
{
    struct ysync_doc *doc;

    must(ysync_doc_new(alloc, &doc), "new");
    return doc;
}

/* As a relay that has somebody to tell. */
static void count_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    size_t *bytes = user;

    (void)origin;
    *bytes += update.len;
}

static void apply_all(struct ysync_doc *doc, const struct trace *trace)
{
    size_t news_bytes = 0;

    for (size_t i = 0; i < trace->count; i++)
        must(ysync_doc_apply(doc, trace->updates[i], 1, count_news, &news_bytes), "apply");
    expect(news_bytes == trace->update_bytes, "not everything was new");
}

static struct ysync_bytes diff(struct ysync_doc *doc, struct ysync_bytes state_vector)
{
    struct ysync_bytes out;

    must(ysync_doc_diff(doc, state_vector, &out), "diff");
    return out;
}

static struct ysync_bytes whole(struct ysync_doc *doc)
{
    return diff(doc, (struct ysync_bytes){ NULL, 0 });
}

static bool is_same(struct ysync_bytes a, struct ysync_bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* The document's state vector, but behind in the clock of whoever wrote most. */
static struct ysync_bytes vector_behind(const struct ysync_doc *doc)
{
    struct ysync_bytes vector;
    struct ys_id *clocks;
    struct ys_buf out;
    size_t most = 0;
    size_t count;

    must(ys_doc_clocks(doc, &clocks, &count), "state vector");
    for (size_t i = 0; i < count; i++)
        most = clocks[i].clock > clocks[most].clock ? i : most;
    clocks[most].clock -= UNITS_BEHIND;
    ys_buf_init(&out, doc->alloc, SIZE_MAX);
    ys_buf_put_varuint(&out, count);
    for (size_t i = 0; i < count; i++) {
        ys_buf_put_varuint(&out, clocks[i].client);
        ys_buf_put_varuint(&out, clocks[i].clock);
    }
    must(ys_buf_err(&out), "state vector");
    ysync_bytes_free(doc->alloc, (struct ysync_bytes){ (uint8_t *)clocks, 1 });
    vector = ys_buf_bytes(&out);
    return vector;
}

/* edit */

static void measure_apply(const struct trace *trace)
{
    struct ysync_doc *doc = new_doc(NULL);
    double start = now_ns();

    apply_all(doc, trace);
    print("apply_ns", (now_ns() - start) / (double)trace->count);
    ysync_doc_free(doc);
}

/* How long handing out takes what this state vector lacks. */
static void measure_diff(struct ysync_doc *doc, struct ysync_bytes vector, const char *name)
{
    double start = now_ns();
    double taken;
    size_t rounds = 0;

    do {
        for (int i = 0; i < 100; i++)
            ysync_bytes_free(NULL, diff(doc, vector));
        rounds += 100;
        taken = now_ns() - start;
    } while (taken < MEASURE_NS);
    print(name, taken / (double)rounds / 1e3);
}

static struct ysync_doc *load_checked(const struct ysync_alloc *alloc, struct ysync_bytes state)
{
    struct ysync_doc *doc = new_doc(alloc);

    must(ysync_doc_apply(doc, state, 1, NULL, NULL), "load");
    return doc;
}

static struct ysync_doc *restore(const struct ysync_alloc *alloc, struct ysync_bytes saved)
{
    struct ysync_doc *doc;

    must(ysync_doc_load(alloc, saved, &doc), "restore");
    return doc;
}

typedef struct ysync_doc *load_fn(const struct ysync_alloc *alloc, struct ysync_bytes bytes);

/* Time and memory of a document that is taken from these bytes; freeing it is part of the time. */
static void measure_load(load_fn *load, struct ysync_bytes bytes, const char *time, const char *memory)
{
    struct meter meter = { 0 };
    struct ysync_alloc alloc = { resize_metered, &meter };
    double start = now_ns();
    double taken;
    size_t rounds = 0;

    do {
        for (int i = 0; i < 10; i++)
            ysync_doc_free(load(NULL, bytes));
        rounds += 10;
        taken = now_ns() - start;
    } while (taken < MEASURE_NS);
    print(time, taken / (double)rounds / 1e3);

    struct ysync_doc *doc = load(&alloc, bytes);

    print(memory, (double)meter.usable);
    ysync_doc_free(doc);
    expect(meter.usable == 0, "not all memory was freed");
}

/* A document that was edited all along, as it stands: nothing was done to make it small. */
static void measure_live_memory(const struct trace *trace)
{
    struct meter meter = { 0 };
    struct ysync_alloc alloc = { resize_metered, &meter };
    struct ysync_doc *doc = new_doc(&alloc);
    struct ysync_doc_stats stats;

    apply_all(doc, trace);
    ysync_doc_stats(doc, &stats);
    print("live_bytes", (double)meter.usable);
    print("live_asked_bytes", (double)meter.asked);
    print("live_stats_bytes", (double)stats.bytes);
    print("live_peak_bytes", (double)meter.peak);
    print("clients", (double)stats.clients);
    ysync_doc_free(doc);
    expect(meter.usable == 0, "not all memory was freed");
}

static void measure_compact(struct ysync_doc *doc)
{
    double start = now_ns();

    must(ysync_doc_compact(doc), "compact");
    print("compact_us", (now_ns() - start) / 1e3);
}

/* What was saved must give the same document again, by either way. */
static void check_state(load_fn *load, struct ysync_bytes bytes, struct ysync_bytes state)
{
    struct ysync_doc *doc = load(NULL, bytes);
    struct ysync_bytes again = whole(doc);

    expect(is_same(state, again), "what was loaded is not what was saved");
    ysync_bytes_free(NULL, again);
    ysync_doc_free(doc);
}

static void edit(const struct trace *trace, const char *state_path)
{
    struct ysync_doc *doc = new_doc(NULL);
    struct ysync_bytes behind;
    struct ysync_bytes state;
    struct ysync_bytes saved;

    print("updates", (double)trace->count);
    measure_apply(trace);
    apply_all(doc, trace);
    behind = vector_behind(doc);
    state = whole(doc);
    print("live_encoded_bytes", (double)state.len);
    ysync_bytes_free(NULL, state);
    measure_diff(doc, (struct ysync_bytes){ NULL, 0 }, "whole_us");
    measure_diff(doc, behind, "diff_us");
    measure_live_memory(trace);

    measure_compact(doc);
    state = whole(doc);
    must(ysync_doc_save(doc, &saved), "save");
    print("encoded_bytes", (double)state.len);
    print("saved_bytes", (double)saved.len);
    check_state(load_checked, state, state);
    check_state(restore, saved, state);
    measure_load(load_checked, state, "load_us", "loaded_bytes");
    measure_load(restore, saved, "restore_us", "restored_bytes");
    write_file(state_path, state);

    ysync_bytes_free(NULL, behind);
    ysync_bytes_free(NULL, state);
    ysync_bytes_free(NULL, saved);
    ysync_doc_free(doc);
}

/* reverse */

static void reverse(const struct trace *trace, size_t count)
{
    struct ysync_doc *doc = new_doc(NULL);
    struct ysync_doc_stats stats;
    double start;

    expect(count <= trace->count, "the trace is shorter than that");
    start = now_ns();
    for (size_t i = count; i > 0; i--)
        must(ysync_doc_apply(doc, trace->updates[i - 1], 1, NULL, NULL), "apply");
    print("reverse_ms", (now_ns() - start) / 1e6);
    print("updates", (double)count);
    ysync_doc_stats(doc, &stats);
    expect(stats.pending == 0, "something still waits");
    ysync_doc_free(doc);
}

/* pause */

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* The times of the calls in which compaction was under way, the time of each of them being measured. */
static void pause(const struct trace *trace)
{
    struct ysync_doc *doc = new_doc(NULL);
    double *times = calloc(trace->count, sizeof(*times));
    size_t compactions = 0;
    size_t count = 0;
    struct ysync_bytes state;

    expect(times != NULL, "out of memory");
    for (size_t i = 0; i < trace->count; i++) {
        const struct ys_base *base = doc->base;
        bool was_compacting = doc->compaction != NULL;
        double start = now_ns();

        must(ysync_doc_apply(doc, trace->updates[i], 1, NULL, NULL), "apply");
        times[count] = (now_ns() - start) / 1e3;
        compactions += doc->base != base;
        count += was_compacting || doc->compaction || doc->base != base;
    }
    expect(compactions > 0, "nothing was compacted");
    qsort(times, count, sizeof(*times), compare_doubles);
    state = whole(doc);
    print("encoded_bytes", (double)state.len);
    print("compactions", (double)compactions);
    print("calls", (double)count);
    print("median_us", times[count / 2]);
    print("p999_us", times[count - 1 - count / 1000]);
    print("max_us", times[count - 1]);
    ysync_bytes_free(NULL, state);
    ysync_doc_free(doc);
    free(times);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    struct trace trace;

    if (argc < 3) {
        fprintf(stderr, "usage: document edit TRACE STATE | reverse TRACE COUNT | pause TRACE\n");
        return 2;
    }
    trace = read_trace(argv[2]);
    if (strcmp(what, "edit") == 0 && argc == 4)
        edit(&trace, argv[3]);
    else if (strcmp(what, "reverse") == 0 && argc == 4)
        reverse(&trace, strtoul(argv[3], NULL, 10));
    else if (strcmp(what, "pause") == 0 && argc == 3)
        pause(&trace);
    else
        expect(false, "no such benchmark");
    print_end();
    free_trace(&trace);
    return 0;
}
