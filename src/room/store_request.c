/* SPDX-License-Identifier: MIT */
#include "room/store_request.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/reader.h"
#include "doc/doc.h"

enum ysync_err ys_store_request_new(const struct ysync_alloc *alloc, enum ys_store_request_kind kind,
                                    struct ysync_bytes room, struct ysync_bytes update, ys_store_done_fn *done,
                                    void *user, struct ysync_store_request **out)
{
    struct ysync_store_request *request = NULL;

    if (update.len < SIZE_MAX / 2 && room.len < SIZE_MAX / 4)
        request = ys_alloc_array(alloc, sizeof(*request) + room.len + update.len, 1);
    if (!request)
        return YSYNC_ERR_NOMEM;
    *request = (struct ysync_store_request){ .alloc = alloc, .kind = kind, .done = done, .user = user };
    atomic_init(&request->owners, 2);
    ys_list_init(&request->letter.node);
    ys_list_init(&request->node);
    ys_list_init(&request->of_room);
    ys_buf_init(&request->rooms, alloc, SIZE_MAX);
    if (room.len > 0)
        memcpy(request->bytes, room.data, room.len);
    if (update.len > 0)
        memcpy(request->bytes + room.len, update.data, update.len);
    request->room = (struct ysync_bytes){ request->bytes, room.len };
    request->update = (struct ysync_bytes){ request->bytes + room.len, update.len };
    *out = request;
    return YSYNC_OK;
}

void ys_store_request_let_go(struct ysync_store_request *request)
{
    if (atomic_fetch_sub(&request->owners, 1) > 1)
        return;
    ysync_doc_free(request->doc);
    ysync_bytes_free(request->alloc, request->snapshot);
    ys_buf_deinit(&request->rooms);
    ys_free(request->alloc, request->problem);
    ys_free(request->alloc, request);
}

void ys_store_ask(const struct ysync_store *store, struct ysync_store_request *request)
{
    switch (request->kind) {
    case YS_STORE_LOAD:
        store->load(store->user, request, request->room);
        break;
    case YS_STORE_APPEND:
        store->append(store->user, request, request->room, request->update);
        break;
    case YS_STORE_SAVE:
        store->save(store->user, request, request->room, request->snapshot);
        break;
    case YS_STORE_REMOVE:
        store->remove(store->user, request, request->room);
        break;
    case YS_STORE_LIST:
        store->list(store->user, request, request->room, request->limit);
        break;
    }
}

void ys_store_request_finish(struct ysync_store_request *request)
{
    ys_list_remove(&request->node);
    if (request->done)
        request->done(request, request->user);
    ys_store_request_let_go(request);
    ys_store_request_let_go(request);
}

void ys_store_request_forget(struct ysync_store_request *request)
{
    if (request)
        request->done = NULL;
}

bool ys_store_request_next_room(const struct ysync_store_request *request, size_t *position, struct ysync_bytes *room,
                                uint64_t *bytes)
{
    struct ys_reader in = ys_reader_init(ys_buf_bytes(&request->rooms));

    if (*position >= request->rooms.len)
        return false;
    in.at += *position;
    if (ys_reader_var_bytes(&in, room) || ys_reader_varuint(&in, bytes))
        return false; /* never: it was put so */
    *position = request->rooms.len - ys_reader_left(&in);
    return true;
}

/* Answers */

/* The first error counts. */
static enum ysync_err note(struct ysync_store_request *request, enum ysync_err err, const char *problem)
{
    if (!err || request->err)
        return err;
    request->err = err;
    if (problem && !ys_copy_text(request->alloc, problem, &request->problem))
        request->problem = NULL; /* the error says something too */
    return err;
}

enum ysync_err ysync_store_give_snapshot(struct ysync_store_request *request, struct ysync_bytes snapshot)
{
    enum ysync_err err = ys_doc_load_into(request->doc, snapshot);

    request->snapshot_bytes += snapshot.len;
    return note(request, err, "the stored snapshot is damaged");
}

enum ysync_err ysync_store_give_update(struct ysync_store_request *request, struct ysync_bytes update)
{
    enum ysync_err err = ysync_doc_apply(request->doc, update, 0, NULL, NULL);

    request->update_bytes += update.len + YS_STORE_UPDATE_COST;
    return note(request, err, "a stored update is damaged");
}

enum ysync_err ysync_store_give_room(struct ysync_store_request *request, struct ysync_bytes room, uint64_t bytes)
{
    ys_buf_put_var_bytes(&request->rooms, room);
    ys_buf_put_varuint(&request->rooms, bytes);
    return note(request, ys_buf_err(&request->rooms), NULL);
}

void ysync_store_answer(struct ysync_store_request *request, enum ysync_err err, const char *problem)
{
    (void)!note(request, err, problem);
    request->post(request);
}
