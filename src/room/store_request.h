/* SPDX-License-Identifier: MIT */
/*
 * One question to a store, from the moment it is asked until its answer has been taken in.
 *
 *     asker's thread                             any thread
 *     new, then store->append(..., request)      give_update(), answer()
 *          |                                          |
 *          | <------------- post() -------------------'    the letter: a mailbox's, or somebody who waits
 *     finish(): done() is called, unless the asker has forgotten it
 *
 * What is loaded becomes a document on the thread that answers, so that the asker's does not wait for that.
 *
 * A request has two owners: who asks, and who answers. It goes when both have let go.
 */
#ifndef YS_ROOM_STORE_REQUEST_H
#define YS_ROOM_STORE_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/letter.h"
#include "ysync/store.h"

enum ys_store_request_kind {
    YS_STORE_LOAD,
    YS_STORE_APPEND,
    YS_STORE_SAVE,
    YS_STORE_REMOVE,
    YS_STORE_LIST,
};

struct ys_context;

/* Called on the asker's thread when the answer is there; the request is good until it returns. */
typedef void ys_store_done_fn(struct ysync_store_request *request, void *user);

struct ysync_store_request {
    struct ys_letter letter;
    const struct ysync_alloc *alloc;
    atomic_uint owners;
    enum ys_store_request_kind kind;
    enum ysync_err err;
    char *problem; /* NULL: none was given */

    /* The asker's. */
    ys_store_done_fn *done; /* NULL: it is forgotten */
    void *user;
    struct ys_context *context;
    struct ys_list node;    /* of all requests of the hub */
    struct ys_list of_room; /* writes: of those of the room */
    uint64_t number;        /* writes: of the last change that they cover */

    /* How the answer comes to the asker's thread; whoever passes the question on may change it before. */
    void (*post)(struct ysync_store_request *request);
    void *post_user;
    uint64_t begun_ns; /* when it was asked; 0: nobody measures */

    /* What was loaded. */
    struct ysync_doc *doc;    /* LOAD: empty at first */
    struct ys_hash_seed seed; /* its own, as it may outlive who asks */
    size_t snapshot_bytes;
    size_t update_bytes; /* of all updates, each with what a row costs */

    size_t limit;                /* LIST: as many rooms are wanted */
    struct ys_buf rooms;         /* for each room its name and its bytes, as ys_buf_put_var_bytes() and _varuint() do */
    struct ysync_bytes snapshot; /* SAVE: owned */
    struct ysync_bytes room;     /* or, for LIST, the name to begin behind */
    struct ysync_bytes update;   /* APPEND */
    uint8_t bytes[];             /* of both */
};

/* What keeping an update costs beside its bytes. */
#define YS_STORE_UPDATE_COST 32

/* Errors: NOMEM. *out has the asker as an owner, and the store, which is yet to be asked, as the other. */
YSYNC_CHECKED enum ysync_err ys_store_request_new(const struct ysync_alloc *alloc, enum ys_store_request_kind kind,
                                                  struct ysync_bytes room, struct ysync_bytes update,
                                                  ys_store_done_fn *done, void *user, struct ysync_store_request **out);

/* Asks. By now `post` is set, and `doc`, `snapshot` or `limit` where the kind wants it. */
void ys_store_ask(const struct ysync_store *store, struct ysync_store_request *request);

/* The answer has come to the asker's thread: calls `done`, unless it is forgotten, and lets go for both owners. */
void ys_store_request_finish(struct ysync_store_request *request);

/* One of the owners, who asks or who answers, lets go of it: the answer will not come to the asker's thread any more.
 * Any thread. */
void ys_store_request_let_go(struct ysync_store_request *request);

/* Nobody wants to be told of the answer any more. Accepts NULL. */
void ys_store_request_forget(struct ysync_store_request *request);

/* The next of the rooms that a LIST found, from *position = 0 on; false behind the last. */
bool ys_store_request_next_room(const struct ysync_store_request *request, size_t *position, struct ysync_bytes *room,
                                uint64_t *bytes);

#endif
