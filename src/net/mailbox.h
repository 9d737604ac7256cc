/* SPDX-License-Identifier: MIT */
/*
 * Letters from any thread to the one that runs a loop.
 *
 *     send, send, send --> [ letter | letter | letter ] --uv_async--> delivered on the loop's thread, in this order
 *     after close:     --> discarded
 *
 * Sending takes a lock for the time of an append, and wakes the loop once however many letters lie there. Nothing waits
 * for an answer: who wants one sends a letter of his own back.
 */
#ifndef YS_NET_MAILBOX_H
#define YS_NET_MAILBOX_H

#include "base/letter.h"
#include "ysync/alloc.h"
#include "ysync/err.h"

struct uv_loop_s;

struct ys_mailbox;

/* `owner` is passed on to each letter. A mailbox does not keep the loop alive. Errors: NOMEM, IO. */
YSYNC_CHECKED enum ysync_err ys_mailbox_open(const struct ysync_alloc *alloc, struct uv_loop_s *loop, void *owner,
                                             struct ys_mailbox **out);

/* Any thread. */
void ys_mailbox_send(struct ys_mailbox *mailbox, struct ys_letter *letter);

/* The owner's thread: letters that lie there, and those that come later, are discarded. Once. */
void ys_mailbox_close(struct ys_mailbox *mailbox);

/* Letters are awaited that nothing else on the loop would keep it running for; and now no more. The owner's thread. */
void ys_mailbox_keep_loop_alive(struct ys_mailbox *mailbox);
void ys_mailbox_let_loop_end(struct ys_mailbox *mailbox);

/* Who may send a letter when its owner is long gone has a reference of its own; the first is that of who opened it, and
 * goes after it was closed. Any thread. unref() accepts NULL. */
void ys_mailbox_ref(struct ys_mailbox *mailbox);
void ys_mailbox_unref(struct ys_mailbox *mailbox);

#endif
