/* SPDX-License-Identifier: MIT */
/*
 *     waiting    letters as they were sent; under the lock
 *        |  all at once, when the loop wakes
 *     opened     the owner's thread alone
 *
 * What is opened is delivered without the lock, so that a letter may send others. Those wait for the next turn: two
 * loops that write to each other without end leave time for everything else.
 *
 * The loop is woken under the lock. So nobody does that to a handle that close() has given up.
 */
#include "net/mailbox.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "base/alloc.h"

struct ys_mailbox {
    uv_async_t wake_up;
    const struct ysync_alloc *alloc;
    atomic_uint refs;
    void *owner;
    struct ys_list opened;
    uv_mutex_t mutex;
    struct ys_list waiting; /* this and the next are guarded by the mutex */
    bool is_closed;
};

/* One after the other, as each may have the mailbox closed. */
static struct ys_letter *take_first(struct ys_list *letters)
{
    struct ys_list *node = letters->next;

    if (ys_list_is_empty(letters))
        return NULL;
    ys_list_remove(node);
    return YS_CONTAINER_OF(node, struct ys_letter, node);
}

static void on_wake_up(uv_async_t *wake_up)
{
    struct ys_mailbox *mailbox = wake_up->data;
    struct ys_letter *letter;

    uv_mutex_lock(&mailbox->mutex);
    ys_list_move_all(&mailbox->opened, &mailbox->waiting);
    uv_mutex_unlock(&mailbox->mutex);
    while ((letter = take_first(&mailbox->opened)))
        letter->deliver(letter, mailbox->owner);
}

enum ysync_err ys_mailbox_open(const struct ysync_alloc *alloc, uv_loop_t *loop, void *owner, struct ys_mailbox **out)
{
    struct ys_mailbox *mailbox = ys_alloc_zeroed(alloc, 1, sizeof(*mailbox));
    int status;

    if (!mailbox)
        return YSYNC_ERR_NOMEM;
    mailbox->alloc = alloc;
    mailbox->owner = owner;
    atomic_init(&mailbox->refs, 2); /* whoever opened it, and the loop */
    ys_list_init(&mailbox->opened);
    ys_list_init(&mailbox->waiting);
    status = uv_mutex_init(&mailbox->mutex);
    if (status == 0) {
        status = uv_async_init(loop, &mailbox->wake_up, on_wake_up);
        if (status < 0)
            uv_mutex_destroy(&mailbox->mutex);
    }
    if (status < 0) {
        ys_free(alloc, mailbox);
        return status == UV_ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
    }
    mailbox->wake_up.data = mailbox;
    uv_unref((uv_handle_t *)&mailbox->wake_up);
    *out = mailbox;
    return YSYNC_OK;
}

void ys_mailbox_send(struct ys_mailbox *mailbox, struct ys_letter *letter)
{
    bool is_closed;

    uv_mutex_lock(&mailbox->mutex);
    is_closed = mailbox->is_closed;
    if (!is_closed) {
        bool is_first = ys_list_is_empty(&mailbox->waiting);

        ys_list_append(&mailbox->waiting, &letter->node);
        if (is_first)
            uv_async_send(&mailbox->wake_up);
    }
    uv_mutex_unlock(&mailbox->mutex);
    if (is_closed)
        letter->discard(letter);
}

static void on_closed(uv_handle_t *wake_up)
{
    ys_mailbox_unref(wake_up->data);
}

void ys_mailbox_close(struct ys_mailbox *mailbox)
{
    struct ys_letter *letter;

    uv_mutex_lock(&mailbox->mutex);
    assert(!mailbox->is_closed);
    mailbox->is_closed = true;
    ys_list_move_all(&mailbox->opened, &mailbox->waiting);
    uv_mutex_unlock(&mailbox->mutex);
    uv_close((uv_handle_t *)&mailbox->wake_up, on_closed);
    while ((letter = take_first(&mailbox->opened)))
        letter->discard(letter);
}

void ys_mailbox_keep_loop_alive(struct ys_mailbox *mailbox)
{
    uv_ref((uv_handle_t *)&mailbox->wake_up);
}

void ys_mailbox_let_loop_end(struct ys_mailbox *mailbox)
{
    uv_unref((uv_handle_t *)&mailbox->wake_up);
}

void ys_mailbox_ref(struct ys_mailbox *mailbox)
{
    atomic_fetch_add(&mailbox->refs, 1);
}

void ys_mailbox_unref(struct ys_mailbox *mailbox)
{
    if (!mailbox || atomic_fetch_sub(&mailbox->refs, 1) > 1)
        return;
    uv_mutex_destroy(&mailbox->mutex);
    ys_free(mailbox->alloc, mailbox);
}
