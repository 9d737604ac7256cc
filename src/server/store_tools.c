/* SPDX-License-Identifier: MIT */
/*
 * Stores for programs that have time: ask, sleep, take the answer.
 *
 *     caller's thread                        any thread, perhaps this one
 *     ys_store_ask() ----------------------> store
 *     sleeps until is_answered <------------ post(): wake()
 *
 * Who answers lets go of a request by answering it, but leaves that to who is told: here, both shares are let go of
 * when the answer has been read.
 */
#include "ysync/store.h"

#include <uv.h>

#include "base/problem.h"
#include "room/store_request.h"

/* Names asked for at a time: few enough that a caller with much to do about each room holds little. */
#define ROOMS_OF_A_PAGE 256

/* What a new document has, as doc.h says. */
#define DEFAULT_MAX_PENDING_BYTES ((size_t)16 << 20)

static const struct ysync_bytes nothing;

struct waiter {
    uv_mutex_t mutex;
    uv_cond_t answered;
    bool is_answered;
};

/* The waiter goes as soon as it sees that it is answered, which is not before the lock is free. */
static void wake(struct ysync_store_request *request)
{
    struct waiter *waiter = request->post_user;

    uv_mutex_lock(&waiter->mutex);
    waiter->is_answered = true;
    uv_cond_signal(&waiter->answered);
    uv_mutex_unlock(&waiter->mutex);
}

static enum ysync_err init_waiter(struct waiter *waiter)
{
    waiter->is_answered = false;
    if (uv_mutex_init(&waiter->mutex) != 0)
        return YSYNC_ERR_NOMEM;
    if (uv_cond_init(&waiter->answered) == 0)
        return YSYNC_OK;
    uv_mutex_destroy(&waiter->mutex);
    return YSYNC_ERR_NOMEM;
}

static void deinit_waiter(struct waiter *waiter)
{
    uv_cond_destroy(&waiter->answered);
    uv_mutex_destroy(&waiter->mutex);
}

/* The result is the answer's. */
static enum ysync_err ask(const struct ysync_store *store, struct ysync_store_request *request)
{
    struct waiter waiter;
    enum ysync_err err = init_waiter(&waiter);

    if (err)
        return err;
    request->post = wake;
    request->post_user = &waiter;
    ys_store_ask(store, request);

    uv_mutex_lock(&waiter.mutex);
    while (!waiter.is_answered)
        uv_cond_wait(&waiter.answered, &waiter.mutex);
    uv_mutex_unlock(&waiter.mutex);
    deinit_waiter(&waiter);
    return request->err;
}

static enum ysync_err new_request(const struct ysync_alloc *alloc, enum ys_store_request_kind kind,
                                  struct ysync_bytes room, struct ysync_store_request **out)
{
    return ys_store_request_new(alloc ? alloc : ysync_alloc_default(), kind, room, nothing, NULL, NULL, out);
}

/* Whether it was asked or not. Accepts NULL. */
static void free_request(struct ysync_store_request *request)
{
    if (!request)
        return;
    ys_store_request_let_go(request);
    ys_store_request_let_go(request);
}

/* Puts an error into words: the store's, if it had any. request may be NULL. */
static enum ysync_err explain(enum ysync_err err, const struct ysync_store_request *request,
                              struct ysync_problem *problem)
{
    if (err)
        ys_problem_set(problem, "%s", request && request->problem ? request->problem : ysync_strerror(err));
    return err;
}

/* Whatever was stored is to be loaded, and all of it: what waits for other updates was within a limit once, and what is
 * deleted may be wanted (YSYNC_GC_OFF). */
static enum ysync_err new_doc_to_load(const struct ysync_alloc *alloc, struct ysync_doc **out)
{
    enum ysync_err err = ysync_doc_new(alloc, out);

    if (err)
        return err;
    ysync_doc_set_max_pending(*out, SIZE_MAX);
    ysync_doc_set_gc(*out, YSYNC_GC_OFF);
    return YSYNC_OK;
}

enum ysync_err ysync_store_read(const struct ysync_store *store, const struct ysync_alloc *alloc,
                                struct ysync_bytes room, struct ysync_doc **out, struct ysync_problem *problem)
{
    struct ysync_store_request *request = NULL;
    enum ysync_err err = new_request(alloc, YS_STORE_LOAD, room, &request);

    if (!err)
        err = new_doc_to_load(alloc, &request->doc);
    if (!err)
        err = ask(store, request);
    explain(err, request, problem);
    if (!err) {
        ysync_doc_set_max_pending(request->doc, DEFAULT_MAX_PENDING_BYTES);
        ysync_doc_set_gc(request->doc, YSYNC_GC_COMPACT);
        *out = request->doc;
        request->doc = NULL; /* the caller's from here on */
    }
    free_request(request);
    return err;
}

enum ysync_err ysync_store_write(const struct ysync_store *store, const struct ysync_alloc *alloc,
                                 struct ysync_bytes room, struct ysync_doc *doc, struct ysync_problem *problem)
{
    struct ysync_store_request *request = NULL;
    enum ysync_err err = new_request(alloc, YS_STORE_SAVE, room, &request);

    if (!err)
        err = ysync_doc_save(doc, &request->snapshot);
    if (!err)
        err = ask(store, request);
    explain(err, request, problem);
    free_request(request);
    return err;
}

enum ysync_err ysync_store_delete(const struct ysync_store *store, const struct ysync_alloc *alloc,
                                  struct ysync_bytes room, struct ysync_problem *problem)
{
    struct ysync_store_request *request = NULL;
    enum ysync_err err = new_request(alloc, YS_STORE_REMOVE, room, &request);

    if (!err)
        err = ask(store, request);
    explain(err, request, problem);
    free_request(request);
    return err;
}

/* What went wrong is in *out, too, if it was the store that said so. */
static enum ysync_err ask_page(const struct ysync_store *store, const struct ysync_alloc *alloc,
                               struct ysync_bytes after, struct ysync_store_request **out)
{
    enum ysync_err err = new_request(alloc, YS_STORE_LIST, after, out);

    if (err)
        return err;
    (*out)->limit = ROOMS_OF_A_PAGE;
    return ask(store, *out);
}

/* Shows the rooms of a page until `each` has seen enough; then, or if there are none, *is_last. The last name is left
 * in *after. */
static void show_page(const struct ysync_store_request *page,
                      int (*each)(void *user, struct ysync_bytes room, uint64_t bytes), void *user,
                      struct ysync_bytes *after, bool *is_last)
{
    size_t position = 0;
    uint64_t bytes;

    *is_last = true;
    while (ys_store_request_next_room(page, &position, after, &bytes)) {
        *is_last = !each(user, *after, bytes);
        if (*is_last)
            return;
    }
}

enum ysync_err ysync_store_each(const struct ysync_store *store, const struct ysync_alloc *alloc,
                                int (*each)(void *user, struct ysync_bytes room, uint64_t bytes), void *user,
                                struct ysync_problem *problem)
{
    struct ysync_store_request *page = NULL;
    struct ysync_bytes after = nothing; /* in `page` */
    bool is_last = false;
    enum ysync_err err = YSYNC_OK;

    while (!is_last && !err) {
        struct ysync_store_request *next = NULL;

        err = ask_page(store, alloc, after, &next);
        free_request(page);
        page = next;
        if (!err)
            show_page(page, each, user, &after, &is_last);
    }
    explain(err, page, problem);
    free_request(page);
    return err;
}
