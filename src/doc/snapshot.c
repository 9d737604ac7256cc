/* SPDX-License-Identifier: MIT */
#include "doc/snapshot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "doc/compact.h"
#include "doc/document.h"

/* In the part at the end, behind six numbers. */
#define CHECKSUM_AT 24

/* The part at the end, read. */
struct ending {
    uint32_t update_len;
    uint32_t pending_len;
    uint32_t deletes_at;
    uint32_t client_count;
    uint32_t range_count;
    uint32_t flags;
    uint64_t checksum;
};

static void put_le(struct ys_buf *out, uint64_t n, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ys_buf_put_u8(out, (uint8_t)(n >> (8 * i)));
}

static uint64_t get_le(const uint8_t *at, size_t size)
{
    uint64_t n = 0;

    for (size_t i = 0; i < size; i++)
        n |= (uint64_t)at[i] << (8 * i);
    return n;
}

/* Saving */

/* What the document's own state vector lacks is what is pending (and the delete set again, which does no harm). */
static enum ysync_err put_pending(struct ysync_doc *doc, struct ys_buf *out)
{
    struct ys_buf vector;
    enum ysync_err err;

    if (ys_pending_count(&doc->pending) == 0)
        return YSYNC_OK;
    ys_buf_init(&vector, doc->alloc, SIZE_MAX);
    err = ys_doc_put_state_vector(doc, &vector);
    if (!err)
        err = ys_doc_put_diff(doc, ys_buf_bytes(&vector), out, &doc->problem);
    ys_buf_deinit(&vector);
    return err;
}

static enum ysync_err put_index(const struct ys_base *base, struct ys_buf *out)
{
    enum ysync_err err = ys_buf_reserve(out, base->client_count * YS_SNAPSHOT_INDEX_BYTES + YS_SNAPSHOT_END_BYTES);

    for (size_t i = 0; !err && i < base->client_count; i++) {
        put_le(out, base->clients[i].client, 8);
        put_le(out, base->clients[i].at, 4);
        put_le(out, base->clients[i].clock, 4);
    }
    return err;
}

static void put_ending(struct ys_buf *out, const struct ending *ending)
{
    put_le(out, ending->update_len, 4);
    put_le(out, ending->pending_len, 4);
    put_le(out, ending->deletes_at, 4);
    put_le(out, ending->client_count, 4);
    put_le(out, ending->range_count, 4);
    put_le(out, ending->flags, 4);
    put_le(out, ys_checksum(ys_buf_bytes(out)), 8);
    ys_buf_put_str(out, YS_SNAPSHOT_MAGIC);
}

static bool is_all_at_rest(const struct ysync_doc *doc)
{
    return doc->base && doc->run_count == 0 && !ys_dset_has_thawed(doc->deletes);
}

/* *plain: a base could not be made of it. */
static enum ysync_err settle(struct ysync_doc *doc, bool *plain)
{
    enum ysync_err err = is_all_at_rest(doc) ? YSYNC_OK : ysync_doc_compact(doc);

    *plain = err == YSYNC_ERR_LIMIT;
    return *plain ? YSYNC_OK : err;
}

static enum ysync_err put_snapshot(struct ysync_doc *doc, struct ys_buf *out)
{
    struct ending ending = { .flags = doc->has_structure ? YS_SNAPSHOT_HAS_STRUCTURE : 0 };
    bool plain;
    enum ysync_err err = settle(doc, &plain);

    if (err)
        return err;
    if (plain) {
        ending.flags |= YS_SNAPSHOT_IS_PLAIN;
        err = ys_doc_put_diff(doc, (struct ysync_bytes){ NULL, 0 }, out, &doc->problem);
        ending.update_len = (uint32_t)out->len;
    } else {
        ys_buf_put(out, doc->base->update);
        ending.update_len = (uint32_t)out->len;
        ending.deletes_at = (uint32_t)doc->base->deletes_at;
        ending.client_count = (uint32_t)doc->base->client_count;
        ending.range_count = (uint32_t)ys_dset_range_count(doc->deletes);
        err = put_pending(doc, out);
        ending.pending_len = (uint32_t)out->len - ending.update_len;
        if (!err)
            err = put_index(doc->base, out);
    }
    if (!err)
        put_ending(out, &ending);
    return err ? err : ys_buf_err(out);
}

enum ysync_err ysync_doc_save(struct ysync_doc *doc, struct ysync_bytes *out)
{
    struct ys_buf buf;
    enum ysync_err err;

    ys_buf_init(&buf, doc->alloc, UINT32_MAX);
    err = put_snapshot(doc, &buf);
    if (err)
        ys_buf_deinit(&buf);
    else
        *out = ys_buf_bytes(&buf);
    return err;
}

/* Loading */

static bool read_ending(struct ysync_bytes bytes, struct ending *out)
{
    const uint8_t *at;
    uint64_t parts;

    if (bytes.len < YS_SNAPSHOT_END_BYTES)
        return false;
    at = bytes.data + bytes.len - YS_SNAPSHOT_END_BYTES;
    if (memcmp(at + YS_SNAPSHOT_END_BYTES - 8, YS_SNAPSHOT_MAGIC, 8) != 0)
        return false;
    *out = (struct ending){ .update_len = (uint32_t)get_le(at, 4),
                            .pending_len = (uint32_t)get_le(at + 4, 4),
                            .deletes_at = (uint32_t)get_le(at + 8, 4),
                            .client_count = (uint32_t)get_le(at + 12, 4),
                            .range_count = (uint32_t)get_le(at + 16, 4),
                            .flags = (uint32_t)get_le(at + 20, 4),
                            .checksum = get_le(at + CHECKSUM_AT, 8) };
    parts = (uint64_t)out->update_len + out->pending_len + (uint64_t)out->client_count * YS_SNAPSHOT_INDEX_BYTES;
    return parts == bytes.len - YS_SNAPSHOT_END_BYTES && out->deletes_at <= out->update_len &&
           out->checksum ==
               ys_checksum((struct ysync_bytes){ bytes.data, bytes.len - YS_SNAPSHOT_END_BYTES + CHECKSUM_AT });
}

static enum ysync_err load_base(struct ysync_doc *doc, struct ysync_bytes bytes, const struct ending *ending)
{
    const uint8_t *index = bytes.data + ending->update_len + ending->pending_len;
    struct ys_base_builder builder;
    enum ysync_err err = ys_base_builder_init(&builder, doc->alloc, ending->update_len, ending->client_count);

    if (err)
        return err;
    for (size_t i = 0; !err && i < ending->client_count; i++, index += YS_SNAPSHOT_INDEX_BYTES)
        err = ys_base_builder_add_section(&builder, get_le(index, 8), get_le(index + 12, 4), get_le(index + 8, 4));
    if (!err) {
        ys_buf_put(&builder.out, (struct ysync_bytes){ bytes.data, ending->update_len });
        err = ys_base_builder_end(&builder, ending->deletes_at, &doc->base);
    }
    ys_base_builder_deinit(&builder);
    if (err)
        return err;
    doc->has_structure = ending->flags & YS_SNAPSHOT_HAS_STRUCTURE;
    ys_dset_freeze(doc->deletes, ys_base_deletes(doc->base), ending->range_count);
    return YSYNC_OK;
}

static enum ysync_err load(struct ysync_doc *doc, struct ysync_bytes bytes, const struct ending *ending)
{
    struct ysync_bytes update = { bytes.data, ending->update_len };
    struct ysync_bytes pending = { bytes.data + ending->update_len, ending->pending_len };
    enum ysync_err err;

    if (ending->flags & YS_SNAPSHOT_IS_PLAIN)
        return ysync_doc_apply(doc, update, 0, NULL, NULL);
    err = load_base(doc, bytes, ending);
    if (!err && pending.len > 0)
        err = ysync_doc_apply(doc, pending, 0, NULL, NULL);
    return err;
}

enum ysync_err ys_doc_load_into(struct ysync_doc *doc, struct ysync_bytes bytes)
{
    struct ending ending;

    return read_ending(bytes, &ending) ? load(doc, bytes, &ending) : YSYNC_ERR_MALFORMED;
}

enum ysync_err ysync_doc_load(const struct ysync_alloc *alloc, struct ysync_bytes bytes, struct ysync_doc **out)
{
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ysync_doc_new(alloc, &doc);

    if (!err)
        err = ys_doc_load_into(doc, bytes);
    if (err)
        ysync_doc_free(doc);
    else
        *out = doc;
    return err;
}
