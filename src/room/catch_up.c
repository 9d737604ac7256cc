/* SPDX-License-Identifier: MIT */
/*
 * Both state vectors and updates are our own here and were checked when they came in. Whatever goes wrong with them all
 * the same ends as want of memory does: nothing is assumed of what the member has.
 */
#include "room/catch_up.h"

#include "base/buf.h"
#include "base/reader.h"
#include "doc/update.h"
#include "protocol/message.h"

void ys_catch_up_init_from(struct ys_catch_up *catch_up, const struct ysync_alloc *alloc,
                           struct ysync_bytes state_vector)
{
    struct ys_reader in = ys_reader_init(state_vector);

    catch_up->alloc = alloc;
    ys_state_vector_init(&catch_up->has);
    catch_up->is_lost = ys_state_vector_decode(&catch_up->has, alloc, &in) != YSYNC_OK;
}

void ys_catch_up_init(struct ys_catch_up *catch_up, const struct ysync_alloc *alloc, const struct ysync_doc *doc)
{
    struct ys_buf state_vector;
    enum ysync_err err;

    ys_buf_init(&state_vector, alloc, SIZE_MAX);
    err = ys_doc_put_state_vector(doc, &state_vector);
    ys_catch_up_init_from(catch_up, alloc, ys_buf_bytes(&state_vector));
    if (err)
        catch_up->is_lost = true;
    ys_buf_deinit(&state_vector);
}

void ys_catch_up_deinit(struct ys_catch_up *catch_up)
{
    ys_state_vector_deinit(&catch_up->has, catch_up->alloc);
}

/* Clients stand from high to low. */
static struct ys_id *find(const struct ys_state_vector *vector, uint64_t client)
{
    size_t low = 0;
    size_t high = vector->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (vector->entries[middle].client > client)
            low = middle + 1;
        else
            high = middle;
    }
    return low < vector->count && vector->entries[low].client == client ? &vector->entries[low] : NULL;
}

static enum ysync_err lower(struct ys_catch_up *catch_up, struct ysync_bytes payload)
{
    struct ys_reader in = ys_reader_init(payload);
    struct ys_update update;
    enum ysync_err err;

    ys_update_init(&update);
    err = ys_update_decode(&update, catch_up->alloc, &in);
    for (size_t i = 0; !err && i < update.block_count; i++) {
        struct ys_id *has = find(&catch_up->has, update.blocks[i].client);

        if (has && update.blocks[i].clock < has->clock)
            has->clock = update.blocks[i].clock;
    }
    ys_update_deinit(&update, catch_up->alloc);
    return err;
}

void ys_catch_up_drop(struct ys_catch_up *catch_up, const struct ys_blob *message)
{
    struct ys_message decoded;
    const char *problem;

    if (catch_up->is_lost)
        return;
    if (ys_message_decode(ys_blob_bytes(message), &decoded, &problem) || lower(catch_up, decoded.payload))
        catch_up->is_lost = true;
}

struct ys_blob *ys_catch_up_encode(const struct ys_catch_up *catch_up)
{
    struct ys_blob *encoded = NULL;
    struct ys_buf out;

    if (catch_up->is_lost)
        return NULL;
    ys_buf_init(&out, catch_up->alloc, SIZE_MAX);
    ys_buf_put_varuint(&out, catch_up->has.count);
    for (size_t i = 0; i < catch_up->has.count; i++) {
        ys_buf_put_varuint(&out, catch_up->has.entries[i].client);
        ys_buf_put_varuint(&out, catch_up->has.entries[i].clock);
    }
    if (!ys_buf_err(&out))
        encoded = ys_blob_copy(catch_up->alloc, ys_buf_bytes(&out));
    ys_buf_deinit(&out);
    return encoded;
}
