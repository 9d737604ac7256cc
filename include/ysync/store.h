/* SPDX-License-Identifier: MIT */
/*
 * Where documents outlive their rooms: a store, which is asked by functions and answers when it can.
 *
 *     room                                      store
 *      |--- load("blog") ------------------------> |
 *      | <-- give_snapshot, give_update, ... ----- |   what was saved last, and the updates appended since
 *      | <-- answer(OK) -------------------------- |
 *      |--- append("blog", update) --------------> |
 *      |--- append("blog", update) --------------> |
 *      | <-- answer(OK) -------------------------- |   durable: not before this are clients told that it is saved
 *      | <-- answer(IO, "disk full") ------------- |
 *      |--- save("blog", snapshot) --------------> |   the whole document, in place of all that was there
 *      | <-- answer(OK) -------------------------- |
 *
 * A room whose append failed, in whatever way, sends no more of them but saves the whole document, again and again at
 * growing intervals, until that succeeds. So a store need not keep what it could not write.
 *
 * Requests about one room are made one after the other, and take effect and are answered in that order; but a load may
 * be answered before or after writes that were asked for later. Each request is answered exactly once, from any thread,
 * from inside the call or later, even when what asked is long gone; what was answered with YSYNC_OK outlives a crash of
 * the program, and of the machine.
 *
 * The store of this library is made by ysync_store_open(). A program can bring its own: see examples/file_store.c.
 */
#ifndef YSYNC_STORE_H
#define YSYNC_STORE_H

#include "ysync/alloc.h"
#include "ysync/bytes.h"
#include "ysync/doc.h"
#include "ysync/err.h"
#include "ysync/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ysync_store_request;

/* A store. The first five functions must be there; they are called on the threads of those who ask, and several may ask
 * at a time. Views (room, update, snapshot, after) are good until the request is answered. They must not call into
 * what asks: rooms, hubs, plugins. */
struct ysync_store {
    void *user;

    /* What there is of the room: at most one snapshot by ysync_store_give_snapshot(), then updates, oldest first, by
     * ysync_store_give_update(), then the answer. NOT_FOUND: nothing. */
    void (*load)(void *user, struct ysync_store_request *request, struct ysync_bytes room);

    /* Adds a version 1 update to what there is. NOT_FOUND: there is nothing of this room, so that an update alone could
     * make no document. */
    void (*append)(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes update);

    /* Replaces all that there is by this, which ysync_doc_save() made. */
    void (*save)(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes snapshot);

    /* Removes all that there is. NOT_FOUND: there was nothing. */
    void (*remove)(void *user, struct ysync_store_request *request, struct ysync_bytes room);

    /* Names of rooms, in the order of their bytes, from the first one behind `after` on (empty: from the beginning), at
     * most `limit`: each by ysync_store_give_room(), then the answer. */
    void (*list)(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit);

    /* For tools, on the caller's thread, while nobody else asks; NULL: it cannot. Is what is stored in order, as far as
     * can be told without looking at documents? Errors: MALFORMED, IO, NOMEM. */
    enum ysync_err (*check)(void *user, struct ysync_problem *problem);

    /* Likewise: gives back space that is not used. */
    enum ysync_err (*compact)(void *user, struct ysync_problem *problem);

    /* All requests have been answered, or are by this call. NULL: there is nothing to close. */
    void (*close)(void *user);
};

/* For stores: answers to requests. Any thread, but one at a time for each request. */

/* What `load` found: copied. An error means that it is no snapshot of ysync_doc_save(), or no update, or that there is
 * no memory for it; it will be the request's, whatever the answer is. */
YSYNC_API enum ysync_err ysync_store_give_snapshot(struct ysync_store_request *request, struct ysync_bytes snapshot);
YSYNC_API enum ysync_err ysync_store_give_update(struct ysync_store_request *request, struct ysync_bytes update);

/* What `list` found: copied. `bytes`: what the store keeps of the room. Errors: NOMEM, as above. */
YSYNC_API enum ysync_err ysync_store_give_room(struct ysync_store_request *request, struct ysync_bytes room,
                                               uint64_t bytes);

/* The answer: the request ends with it. problem (may be NULL) is copied: one line for whoever runs this, saying what
 * went wrong, with what, and what to do. Errors that make sense: NOT_FOUND, as said above; LIMIT, where this room alone
 * is too large; MALFORMED, where what is stored is damaged; IO, NOMEM and CLOSED, where trying again later may help. */
YSYNC_API void ysync_store_answer(struct ysync_store_request *request, enum ysync_err err, const char *problem);

/* The stores of this library. */

struct ysync_store_options {
    const struct ysync_alloc *alloc; /* thread-safe; NULL: malloc */
    int is_read_only;                /* writes are answered with DENIED; nothing is made if there is nothing */
    int must_exist;                  /* NOT_FOUND where a new one would be made */
};

/* "sqlite:PATH": a SQLite database in one file, made on demand (docs/store.md). Nobody else may write to it meanwhile,
 * which is checked; reading is free to all. options may be NULL. problem (may be NULL) is written on errors:
 * INVALID_ARG (no such kind of store), NOT_FOUND (must_exist), CONFLICT (another process writes to it; it is
 * something else, or of a newer version), MALFORMED (it is damaged), IO, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_store_open(const char *url, const struct ysync_store_options *options,
                                                        struct ysync_store **out, struct ysync_problem *problem);

/* Answers what has been asked, and closes. Nobody asks any more. Accepts NULL. */
YSYNC_API void ysync_store_close(struct ysync_store *store);

/* For tools: these ask, and wait for the answer. problem may be NULL, alloc too. */

/* The document as it is stored, with deleted content and what waits for others, however much of it; its settings are
 * those of a new one. Errors: NOT_FOUND, MALFORMED, IO, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_store_read(const struct ysync_store *store,
                                                        const struct ysync_alloc *alloc, struct ysync_bytes room,
                                                        struct ysync_doc **out, struct ysync_problem *problem);

/* alloc: what the document was made with. Saves by ysync_doc_save(), so that what becomes of deleted content is as
 * ysync_doc_set_gc() says. Errors: LIMIT, DENIED, IO, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_store_write(const struct ysync_store *store,
                                                         const struct ysync_alloc *alloc, struct ysync_bytes room,
                                                         struct ysync_doc *doc, struct ysync_problem *problem);

/* Errors: NOT_FOUND, DENIED, IO, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_store_delete(const struct ysync_store *store,
                                                          const struct ysync_alloc *alloc, struct ysync_bytes room,
                                                          struct ysync_problem *problem);

/* Calls `each` for every room in the order of their names, until it returns 0. From inside it the store may be asked.
 * Errors: IO, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err
ysync_store_each(const struct ysync_store *store, const struct ysync_alloc *alloc,
                 int (*each)(void *user, struct ysync_bytes room, uint64_t bytes), void *user,
                 struct ysync_problem *problem);

#ifdef __cplusplus
}
#endif

#endif
