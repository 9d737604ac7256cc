/* SPDX-License-Identifier: MIT */
/*
 * A question to every member of the crew, and the answers together on the loop that asked.
 *
 *     asker        place 0          place 1
 *       |--letter--> collect
 *       |------------letter---------> collect
 *       |<----------- part ------------ part
 *     done(parts)
 *
 * A member that has left answers nothing: its part is empty.
 */
#ifndef YS_SERVER_GATHER_H
#define YS_SERVER_GATHER_H

#include "base/buf.h"
#include "server/session.h"

struct ys_gather;

/* On each member's own thread: appends what it knows. */
typedef void ys_gather_collect_fn(struct ys_session_context *context, struct ys_buf *part);

/* On the asker's thread, once: one part for each member. They end with the call; a part that has an error is not whole.
 */
typedef void ys_gather_done_fn(void *user, const struct ys_buf *parts, size_t count);

/* Asks; `done` is called before this returns, or later. Meanwhile *slot is the question; when `done` is called it is
 * NULL again. Errors: NOMEM; then nobody was asked. */
YSYNC_CHECKED enum ysync_err ys_gather(struct ys_session_context *context, ys_gather_collect_fn *collect,
                                       ys_gather_done_fn *done, void *user, struct ys_gather **slot);

/* The asker goes: nothing of it, slot included, is touched any more. Accepts NULL. */
void ys_gather_forget(struct ys_gather *gather);

#endif
