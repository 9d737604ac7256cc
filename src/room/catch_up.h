/* SPDX-License-Identifier: MIT */
/*
 * What a member still has after updates were dropped from its outbox: a state vector from which one difference brings
 * it all that it missed.
 *
 *     the room's document         client 7: 120    client 5: 30
 *     dropped updates begin at    client 7: 100    client 7: 110
 *     so the member has           client 7: 100    client 5: 30
 *
 * Deletions need no note: a difference holds all of them.
 */
#ifndef YS_ROOM_CATCH_UP_H
#define YS_ROOM_CATCH_UP_H

#include <stdbool.h>

#include "base/blob.h"
#include "doc/doc.h"
#include "doc/state_vector.h"

struct ys_catch_up {
    const struct ysync_alloc *alloc;
    struct ys_state_vector has;
    bool is_lost; /* there was no memory to tell what the member has */
};

/* Starts from what the document has, or from a state vector in its encoding. */
void ys_catch_up_init(struct ys_catch_up *catch_up, const struct ysync_alloc *alloc, const struct ysync_doc *doc);
void ys_catch_up_init_from(struct ys_catch_up *catch_up, const struct ysync_alloc *alloc,
                           struct ysync_bytes state_vector);
void ys_catch_up_deinit(struct ys_catch_up *catch_up);

/* Lowers it to where an update message begins. */
void ys_catch_up_drop(struct ys_catch_up *catch_up, const struct ys_blob *message);

/* The state vector. NULL if there was no memory: then the member is best thought to have nothing, and gets the whole
 * document. */
struct ys_blob *ys_catch_up_encode(const struct ys_catch_up *catch_up);

#endif
