/* SPDX-License-Identifier: MIT */
/*
 * What the clients of a load test write and read: valid Yjs updates, each one new, and presence.
 *
 * A writer types at the end of what it wrote, in the root text "text": the first edit stands at the root, every further
 * one has the last unit before it as its origin, and the clock rises by the edit's length. Which edits of whom an
 * update holds is then seen from its clocks, even when the server has merged several into one.
 */
#ifndef YS_LOAD_EDIT_H
#define YS_LOAD_EDIT_H

#include "base/buf.h"
#include "doc/struct.h"

#define YS_EDIT_MAX_UNITS 4096

/* Appends the update in which `client` inserts `units` characters at `clock`. 1 <= units <= YS_EDIT_MAX_UNITS. */
void ys_edit_put(struct ys_buf *out, uint64_t client, uint64_t clock, size_t units);

/* Appends an awareness update (the payload of the message) that says what a text editor's cursor says. */
void ys_edit_put_presence(struct ys_buf *out, uint64_t client, uint64_t clock);

/* Appends one update of about this many bytes, of structs that do not merge. */
void ys_edit_put_document(struct ys_buf *out, uint64_t client, size_t bytes);

/* A client's clocks [from, to). */
typedef void ys_edit_range_fn(void *user, uint64_t client, uint64_t from, uint64_t to);

/* Calls for each range of clocks that the update holds; gives up if it is malformed. */
void ys_edit_read(struct ysync_bytes update, ys_edit_range_fn *range, void *user);

/* How many clocks the update holds. */
uint64_t ys_edit_count(struct ysync_bytes update);

/* Appends the state vector of a document that holds this update alone, which begins at clock 0 for each client. */
void ys_edit_put_state_vector(struct ys_buf *out, struct ysync_bytes update);

/* Calls for each entry of an awareness update, from its clock on up to the next. */
void ys_edit_read_presence(struct ysync_bytes entries, ys_edit_range_fn *range, void *user);

#endif
