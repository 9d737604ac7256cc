/* SPDX-License-Identifier: MIT */
#include "doc/base_update.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Smaller sections are searched from their beginning. */
#define MARKS_FROM_BYTES (4 * YS_MARK_EVERY)

/* The marks of one section. */
struct ys_base_marks {
    size_t section;
    struct ys_marks marks;
};

enum ysync_err ys_base_builder_init(struct ys_base_builder *builder, const struct ysync_alloc *alloc, size_t bytes,
                                    size_t client_count)
{
    enum ysync_err err;

    *builder = (struct ys_base_builder){ .client_cap = client_count };
    ys_buf_init(&builder->out, alloc, UINT32_MAX);
    err = ys_blob_begin(&builder->out, YS_DOC_LEAD, bytes);
    if (!err && client_count > 0) {
        builder->clients = ys_alloc_array(alloc, client_count, sizeof(*builder->clients));
        err = builder->clients ? YSYNC_OK : YSYNC_ERR_NOMEM;
    }
    if (err)
        ys_base_builder_deinit(builder);
    return err;
}

void ys_base_builder_deinit(struct ys_base_builder *builder)
{
    ys_free(builder->out.alloc, builder->clients);
    builder->clients = NULL;
    ys_buf_deinit(&builder->out);
}

size_t ys_base_builder_at(const struct ys_base_builder *builder)
{
    return builder->out.len - ys_blob_overhead(YS_DOC_LEAD);
}

enum ysync_err ys_base_builder_add_section(struct ys_base_builder *builder, uint64_t client, uint64_t clock, size_t at)
{
    assert(builder->client_count < builder->client_cap);
    if (clock > UINT32_MAX || at > UINT32_MAX)
        return YSYNC_ERR_LIMIT;
    builder->clients[builder->client_count++] = (struct ys_base_client){ client, (uint32_t)at, (uint32_t)clock };
    return YSYNC_OK;
}

enum ysync_err ys_base_builder_end(struct ys_base_builder *builder, size_t deletes_at, struct ys_base **out)
{
    const struct ysync_alloc *alloc = builder->out.alloc;
    struct ys_base *base;

    if (ys_buf_err(&builder->out))
        return ys_buf_err(&builder->out);
    base = ys_alloc_zeroed(alloc, 1, sizeof(*base));
    if (!base)
        return YSYNC_ERR_NOMEM;
    base->alloc = alloc;
    base->clients = builder->clients;
    base->client_count = builder->client_count;
    base->deletes_at = deletes_at;
    base->message = ys_blob_end(&builder->out, YS_DOC_LEAD);
    base->update = (struct ysync_bytes){ ys_blob_data(base->message), base->message->len };
    *builder = (struct ys_base_builder){ .out = builder->out };
    *out = base;
    return YSYNC_OK;
}

void ys_base_free(struct ys_base *base)
{
    if (!base)
        return;
    for (size_t i = 0; i < base->marks_count; i++)
        ys_free(base->alloc, base->marks[i].marks.items);
    ys_free(base->alloc, base->marks);
    ys_free(base->alloc, base->clients);
    ys_blob_unref(base->message);
    ys_free(base->alloc, base);
}

size_t ys_base_find(const struct ys_base *base, uint64_t client)
{
    size_t low = 0;
    size_t high = base->client_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (base->clients[middle].client > client)
            low = middle + 1;
        else
            high = middle;
    }
    return low < base->client_count && base->clients[low].client == client ? low : SIZE_MAX;
}

struct ysync_bytes ys_base_section(const struct ys_base *base, size_t i)
{
    size_t at = base->clients[i].at;
    size_t end = i + 1 < base->client_count ? base->clients[i + 1].at : base->deletes_at;

    return (struct ysync_bytes){ base->update.data + at, end - at };
}

/* The heads of the base's own sections are well-formed: what cannot fail is not looked at. */
static uint64_t read_number(struct ys_reader *in)
{
    uint64_t n = 0;
    enum ysync_err err = ys_reader_varuint(in, &n);

    assert(!err);
    (void)err;
    return n;
}

uint64_t ys_base_struct_count(const struct ys_base *base, size_t i)
{
    struct ys_reader in = ys_reader_init(ys_base_section(base, i));

    return read_number(&in);
}

struct ysync_bytes ys_base_deletes(const struct ys_base *base)
{
    return (struct ysync_bytes){ base->update.data + base->deletes_at, base->update.len - base->deletes_at };
}

static const struct ys_marks *find_marks(struct ys_base *base, size_t section, const struct ys_span *span)
{
    static const struct ys_marks none;
    struct ys_base_marks *entry;

    for (size_t i = 0; i < base->marks_count; i++) {
        if (base->marks[i].section == section)
            return &base->marks[i].marks;
    }
    if (!ys_grow_array(base->alloc, &base->marks, &base->marks_cap, base->marks_count + 1, sizeof(*base->marks)))
        return &none;
    entry = &base->marks[base->marks_count];
    *entry = (struct ys_base_marks){ .section = section };
    if (ys_span_mark(span, base->alloc, &entry->marks))
        return &none;
    base->marks_count++;
    return &entry->marks;
}

struct ysync_bytes ys_base_structs(const struct ys_base *base, size_t i)
{
    struct ys_reader in = ys_reader_init(ys_base_section(base, i));

    for (int heads = 0; heads < 3; heads++)
        (void)read_number(&in); /* count of structs, client, clock */
    return (struct ysync_bytes){ in.at, ys_reader_left(&in) };
}

struct ys_span ys_base_span(struct ys_base *base, size_t i)
{
    struct ys_span span = { .client = base->clients[i].client,
                            .end = base->clients[i].clock,
                            .data = ys_base_structs(base, i),
                            .struct_count = (uint32_t)ys_base_struct_count(base, i) };
    const struct ys_marks *marks;

    if (span.data.len >= MARKS_FROM_BYTES) {
        marks = find_marks(base, i, &span);
        span.marks = marks->items;
        span.mark_count = (uint32_t)marks->count;
    }
    return span;
}

size_t ys_base_bytes(const struct ys_base *base)
{
    size_t bytes = sizeof(*base) + base->message->len + ys_blob_overhead(YS_DOC_LEAD) +
                   base->client_count * sizeof(*base->clients) + base->marks_cap * sizeof(*base->marks);

    for (size_t i = 0; i < base->marks_count; i++)
        bytes += base->marks[i].marks.cap * sizeof(struct ys_mark);
    return bytes;
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "base: %s\n", what);
    abort();
}

void ys_base_check(struct ys_base *base)
{
    for (size_t i = 0; i < base->client_count; i++) {
        const struct ys_base_client *client = &base->clients[i];
        struct ys_span span = ys_base_span(base, i);

        check(i == 0 || client[-1].client > client->client, "clients do not go from high to low");
        check(client->clock > 0, "a client without structs");
        ys_span_check(&span);
    }
}
