/* SPDX-License-Identifier: MIT */
/*
 * Answers of a store may come from inside the call that asks, in the middle of whatever the hub does. So they only lie
 * down in a list, unless somebody has provided for another way (`post`), and are taken in when the hub is next called.
 */
#include "room/context.h"

#include "room/room.h"

static void post_to_context(struct ysync_store_request *request)
{
    struct ys_context *context = request->context;

    ys_list_append(&context->answered, &request->letter.node);
}

enum ysync_err ys_context_new_request(struct ys_context *context, enum ys_store_request_kind kind,
                                      struct ysync_bytes room, struct ysync_bytes update, ys_store_done_fn *done,
                                      void *user, struct ysync_store_request **out)
{
    enum ysync_err err = ys_store_request_new(context->config.alloc, kind, room, update, done, user, out);

    if (err)
        return err;
    (*out)->context = context;
    (*out)->post = post_to_context;
    ys_list_append(&context->savings.requests, &(*out)->node);
    return YSYNC_OK;
}

enum ysync_err ys_context_new_load(struct ys_context *context, struct ysync_bytes room, ys_store_done_fn *done,
                                   void *user, struct ysync_store_request **out)
{
    static const struct ysync_bytes none = { NULL, 0 };
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ys_room_make_document(context, &doc);

    if (!err)
        err = ys_context_new_request(context, YS_STORE_LOAD, room, none, done, user, out);
    if (err) {
        ysync_doc_free(doc);
        return err;
    }
    ysync_doc_set_max_pending(doc, SIZE_MAX); /* it was let in once */
    (*out)->doc = doc;
    (*out)->seed = context->config.seed;
    ys_doc_set_hash_seed(doc, &(*out)->seed);
    return YSYNC_OK;
}

void ys_context_take_answers(struct ys_context *context)
{
    while (!ys_list_is_empty(&context->answered)) {
        struct ys_list *node = context->answered.next;
        struct ys_letter *letter = YS_CONTAINER_OF(node, struct ys_letter, node);

        ys_list_remove(node);
        ys_store_request_finish(YS_CONTAINER_OF(letter, struct ysync_store_request, letter));
    }
}

/* A request that comes by another way is not looked at any closer: its answer may be coming on another thread. */
void ys_context_abandon_request(struct ysync_store_request *request)
{
    bool is_answered = request->post == post_to_context && !ys_list_is_empty(&request->letter.node);

    ys_list_remove(&request->node);
    request->done = NULL;
    if (request->post == post_to_context)
        request->post = ys_store_request_let_go;
    if (is_answered)
        ys_store_request_let_go(request);
    ys_store_request_let_go(request);
}
