/* SPDX-License-Identifier: MIT */
/*
 * Handing out: state vectors, and what a state vector lacks.
 *
 * A difference is one look-up per client, at most one struct cut in two, and a copy; what is in the base is copied in
 * stretches of many clients. Only when something is
 * pending does it take more: Yjs hands out what it could not take in yet, and so does this, behind the
 * client's run, with a Skip for each gap:
 *
 *     client 7    [run: 5-40) [Skip: 40-52) [pending: 52-60)
 */
#include "base/alloc.h"
#include "doc/document.h"
#include "doc/state_vector.h"

/* What there is of a client: its part of the base, and its run. */
struct parts {
    struct ys_span spans[2];
    size_t count;
};

static struct parts find_parts(struct ysync_doc *doc, uint64_t client)
{
    size_t i = doc->base ? ys_base_find(doc->base, client) : SIZE_MAX;
    const struct ys_run *run = ys_doc_find_run(doc, client);
    struct parts parts = { .count = 0 };

    if (i != SIZE_MAX)
        parts.spans[parts.count++] = ys_base_span(doc->base, i);
    if (run)
        parts.spans[parts.count++] = ys_run_span(run);
    return parts;
}

/* Appends the client's structs for the clocks [from, to), behind the head of a section if one is wanted. */
static uint64_t put_clocks(struct ysync_doc *doc, uint64_t client, uint64_t from, uint64_t to, bool with_head,
                           struct ys_buf *out)
{
    struct parts parts = find_parts(doc, client);
    struct ys_extent extents[2];
    uint64_t struct_count = 0;
    bool is_in[2] = { false, false };

    for (size_t i = 0; i < parts.count; i++) {
        const struct ys_span *span = &parts.spans[i];

        is_in[i] = from < span->end && to > span->start;
        if (!is_in[i])
            continue;
        ys_span_find(span, from > span->start ? from : span->start, to < span->end ? to : span->end, &extents[i]);
        struct_count += extents[i].struct_count;
    }
    if (with_head) {
        ys_buf_put_varuint(out, struct_count);
        ys_buf_put_varuint(out, client);
        ys_buf_put_varuint(out, from);
    }
    for (size_t i = 0; i < parts.count; i++) {
        if (is_in[i])
            ys_span_put(&parts.spans[i], &extents[i], out);
    }
    return struct_count;
}

void ys_doc_put_section(struct ysync_doc *doc, uint64_t client, uint64_t from, uint64_t to, struct ys_buf *out)
{
    (void)put_clocks(doc, client, from, to, true, out);
}

/* Walks over all clients, those of the base and those with runs, from high to low. */
struct clients {
    const struct ysync_doc *doc;
    size_t base_at;
    size_t run_at;
};

struct client_state {
    uint64_t client;
    uint64_t clock;
    size_t base_at;           /* its place in the base, or SIZE_MAX */
    const struct ys_run *run; /* or NULL */
};

static bool next_client(struct clients *clients, struct client_state *out)
{
    const struct ys_base *base = clients->doc->base;
    const struct ys_run *run = clients->run_at < clients->doc->run_count ? clients->doc->runs[clients->run_at] : NULL;
    const struct ys_base_client *at_rest = base && clients->base_at < base->client_count
                                               ? &base->clients[clients->base_at]
                                               : NULL;

    if (!run && !at_rest)
        return false;
    *out = (struct client_state){ .base_at = SIZE_MAX };
    if (at_rest && (!run || at_rest->client >= run->client)) {
        out->client = at_rest->client;
        out->clock = at_rest->clock;
        out->base_at = clients->base_at++;
    }
    if (run && (out->base_at == SIZE_MAX || run->client == out->client)) {
        out->client = run->client;
        out->clock = run->clock;
        out->run = run;
        clients->run_at++;
    }
    return true;
}

size_t ys_doc_client_count(const struct ysync_doc *doc)
{
    struct clients clients = { .doc = doc };
    struct client_state state;
    size_t count = 0;

    while (next_client(&clients, &state))
        count++;
    return count;
}

enum ysync_err ys_doc_clocks(const struct ysync_doc *doc, struct ys_id **out, size_t *count)
{
    struct clients clients = { .doc = doc };
    struct client_state state;
    struct ys_id *ids = ys_alloc_array(doc->alloc, ys_doc_client_count(doc) + 1, sizeof(*ids));

    if (!ids)
        return YSYNC_ERR_NOMEM;
    *out = ids;
    while (next_client(&clients, &state))
        *ids++ = (struct ys_id){ state.client, state.clock };
    *count = (size_t)(ids - *out);
    return YSYNC_OK;
}

enum ysync_err ys_doc_put_state_vector(const struct ysync_doc *doc, struct ys_buf *out)
{
    struct clients clients = { .doc = doc };
    struct client_state state;

    ys_buf_put_varuint(out, ys_doc_client_count(doc));
    while (next_client(&clients, &state)) {
        ys_buf_put_varuint(out, state.client);
        ys_buf_put_varuint(out, state.clock);
    }
    return ys_buf_err(out);
}

/* Copying a smaller one costs less than a message of its own. */
#define SHARE_FROM_BYTES (8 * 1024)

struct ys_blob *ys_doc_base(const struct ysync_doc *doc)
{
    return doc->base && doc->base->update.len >= SHARE_FROM_BYTES ? doc->base->message : NULL;
}

enum ysync_err ys_doc_put_base_state_vector(const struct ysync_doc *doc, struct ys_buf *out)
{
    const struct ys_base *base = doc->base;

    ys_buf_put_varuint(out, base->client_count);
    for (size_t i = 0; i < base->client_count; i++) {
        ys_buf_put_varuint(out, base->clients[i].client);
        ys_buf_put_varuint(out, base->clients[i].clock);
    }
    return ys_buf_err(out);
}

/* Sections that go out as they stand in the base, as long as they follow each other: copied in one go. */
struct stretch {
    const uint8_t *start;
    size_t len;
};

static void flush_stretch(struct stretch *stretch, struct ys_buf *out)
{
    ys_buf_put(out, (struct ysync_bytes){ stretch->start, stretch->len });
    stretch->len = 0;
}

/* Of what of a client is lacking from `from` on, the first of `parts` equal parts ends here. */
static uint64_t part_end(uint64_t from, uint64_t clock, uint64_t parts)
{
    return parts == 1 ? clock : from + (clock - from + parts - 1) / parts;
}

static void put_in_place(struct ysync_doc *doc, const struct ys_state_vector *vector, uint64_t parts,
                         struct ys_buf *out)
{
    struct clients clients = { .doc = doc };
    struct stretch stretch = { NULL, 0 };
    struct client_state state;
    size_t hint = 0;

    while (next_client(&clients, &state)) {
        uint64_t from = ys_state_vector_clock(vector, state.client, &hint);

        if (from == 0 && !state.run && parts == 1) {
            struct ysync_bytes section = ys_base_section(doc->base, state.base_at);

            if (stretch.len == 0)
                stretch.start = section.data;
            stretch.len += section.len;
            continue;
        }
        flush_stretch(&stretch, out);
        if (from < state.clock)
            ys_doc_put_section(doc, state.client, from, part_end(from, state.clock, parts), out);
    }
    flush_stretch(&stretch, out);
}

/* The most bytes that the client's section from `from` on takes. */
static size_t section_bound(struct ysync_doc *doc, const struct client_state *state, uint64_t from)
{
    size_t bytes = 3 * YS_VARUINT_MAX_BYTES + YS_STRUCT_CUT_BYTES;
    struct ys_span span;

    if (state->run)
        bytes += state->run->data.len;
    if (state->base_at == SIZE_MAX || from >= doc->base->clients[state->base_at].clock)
        return bytes;
    if (from == 0)
        return bytes + ys_base_section(doc->base, state->base_at).len;
    span = ys_base_span(doc->base, state->base_at);
    return bytes + ys_span_put_bound(&span, from);
}

/* How many clients there is something of to hand out, and the most bytes that takes. */
static size_t measure(struct ysync_doc *doc, const struct ys_state_vector *vector, size_t *bytes)
{
    struct clients clients = { .doc = doc };
    struct client_state state;
    size_t sections = 0;
    size_t hint = 0;

    *bytes = YS_VARUINT_MAX_BYTES;
    while (next_client(&clients, &state)) {
        uint64_t from = ys_state_vector_clock(vector, state.client, &hint);

        if (from >= state.clock)
            continue;
        sections++;
        *bytes += section_bound(doc, &state, from);
    }
    return sections;
}

/* One client's section while it is written: structs from `start` on, up to `clock` so far. */
struct section {
    struct ys_buf *body;
    uint64_t start;
    uint64_t clock;
    uint64_t struct_count;
};

static void put_skip(struct section *section, uint64_t len)
{
    ys_buf_put_u8(section->body, YS_KIND_SKIP);
    ys_buf_put_varuint(section->body, len);
    section->struct_count++;
}

/* The structs of a pending block, from the section's clock on. */
static void put_pending(struct section *section, const struct ys_pending_block *pending)
{
    struct ys_block block = ys_pending_as_block(pending);
    struct ys_block_walk walk;

    if (section->struct_count == 0 && pending->clock > section->clock)
        section->start = section->clock = pending->clock;
    if (pending->clock > section->clock) {
        put_skip(section, pending->clock - section->clock);
        section->clock = pending->clock;
    }
    for (ys_block_walk_begin(&walk, &block); ys_block_walk_is_on(&walk); ys_block_walk_next(&walk)) {
        uint64_t end = walk.clock + walk.s->len;

        if (end <= section->clock)
            continue;
        ys_struct_put_piece(section->body, walk.s, (struct ys_id){ block.client, walk.clock },
                            section->clock - walk.clock, YS_STRUCT_END);
        section->clock = end;
        section->struct_count++;
    }
}

static void put_section(struct section *section, uint64_t client, struct ys_buf *out)
{
    ys_buf_put_varuint(out, section->struct_count);
    ys_buf_put_varuint(out, client);
    ys_buf_put_varuint(out, section->start);
    ys_buf_put(out, ys_buf_bytes(section->body));
}

/* What is in place and what is pending, merged by client from high to low. */
static enum ysync_err put_with_pending(struct ysync_doc *doc, const struct ys_state_vector *vector,
                                       struct ys_pending_block *const *blocks, struct ys_buf *out)
{
    struct ys_pending_block *const *blocks_end = blocks + ys_pending_count(&doc->pending);
    struct clients clients = { .doc = doc };
    struct client_state state;
    bool is_on = next_client(&clients, &state);
    size_t sections = 0;
    size_t hint = 0;
    struct ys_buf body;
    struct ys_buf all;
    enum ysync_err err;

    ys_buf_init(&body, doc->alloc, SIZE_MAX);
    ys_buf_init(&all, doc->alloc, SIZE_MAX);
    while (is_on || blocks < blocks_end) {
        struct section section = { .body = &body };
        uint64_t client = is_on && (blocks == blocks_end || state.client >= (*blocks)->client) ? state.client
                                                                                               : (*blocks)->client;

        ys_buf_clear(&body);
        section.start = section.clock = ys_state_vector_clock(vector, client, &hint);
        if (is_on && state.client == client) {
            if (section.start < state.clock) {
                section.struct_count = put_clocks(doc, client, section.start, state.clock, false, &body);
                section.clock = state.clock;
            }
            is_on = next_client(&clients, &state);
        }
        for (; blocks < blocks_end && (*blocks)->client == client; blocks++) {
            if ((*blocks)->end > section.clock)
                put_pending(&section, *blocks);
        }
        if (section.struct_count > 0) {
            put_section(&section, client, &all);
            sections++;
        }
    }
    ys_buf_put_varuint(out, sections);
    ys_buf_put(out, ys_buf_bytes(&all));
    err = ys_buf_err(&all) ? ys_buf_err(&all) : ys_buf_err(&body);
    ys_buf_deinit(&all);
    ys_buf_deinit(&body);
    return err ? err : ys_buf_err(out);
}

/* A difference is written in one go, or its first part: see ys_doc_put_part(). */
struct request {
    struct ys_state_vector has;
    size_t max_bytes;
    uint64_t parts; /* how many of about max_bytes are to come, this one included */
};

static enum ysync_err put_structs(struct ysync_doc *doc, struct request *request, struct ys_buf *out)
{
    struct ys_pending_block **blocks = NULL;
    size_t bytes;
    size_t sections = measure(doc, &request->has, &bytes);
    enum ysync_err err;

    request->parts = bytes / request->max_bytes + 1;
    if (ys_pending_count(&doc->pending) == 0 || request->parts > 1) {
        err = ys_buf_reserve(out, bytes / request->parts + ys_dset_put_bound(doc->deletes));
        ys_buf_put_varuint(out, sections);
        put_in_place(doc, &request->has, request->parts, out);
        return err ? err : ys_buf_err(out);
    }
    err = ys_pending_sorted(&doc->pending, &blocks);
    if (!err)
        err = put_with_pending(doc, &request->has, blocks, out);
    ys_free(doc->alloc, blocks);
    return err;
}

/* The deletions come last: what they delete is there then. */
static enum ysync_err put_request(struct ysync_doc *doc, struct request *request, struct ys_buf *out)
{
    enum ysync_err err = put_structs(doc, request, out);

    if (err)
        return err;
    if (request->parts == 1)
        ys_dset_put(doc->deletes, out);
    else
        ys_buf_put_varuint(out, 0);
    return ys_buf_err(out);
}

/* The state vector of who has what this part handed out. */
static enum ysync_err put_next(const struct ysync_doc *doc, const struct request *request, struct ys_buf *out)
{
    struct clients clients = { .doc = doc };
    struct client_state state;
    size_t hint = 0;

    ys_buf_put_varuint(out, ys_doc_client_count(doc));
    while (next_client(&clients, &state)) {
        uint64_t from = ys_state_vector_clock(&request->has, state.client, &hint);

        ys_buf_put_varuint(out, state.client);
        ys_buf_put_varuint(out, from < state.clock ? part_end(from, state.clock, request->parts) : from);
    }
    return ys_buf_err(out);
}

enum ysync_err ys_doc_put_part(struct ysync_doc *doc, struct ysync_bytes state_vector, size_t max_bytes,
                               struct ys_buf *out, struct ys_buf *next, const char **problem)
{
    struct ys_reader in = ys_reader_init(state_vector);
    struct request request = { .max_bytes = max_bytes };
    size_t before = out->len;
    enum ysync_err err;

    ys_state_vector_init(&request.has);
    err = ys_state_vector_decode(&request.has, doc->alloc, &in);
    if (err == YSYNC_ERR_MALFORMED)
        *problem = in.problem;
    if (!err)
        err = put_request(doc, &request, out);
    if (!err && request.parts > 1)
        err = put_next(doc, &request, next);
    if (err)
        out->len = before;
    ys_state_vector_deinit(&request.has, doc->alloc);
    return err;
}

enum ysync_err ys_doc_put_diff(struct ysync_doc *doc, struct ysync_bytes state_vector, struct ys_buf *out,
                               const char **problem)
{
    return ys_doc_put_part(doc, state_vector, SIZE_MAX, out, NULL, problem);
}
