/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked ring through the items themselves: a node in each, and one more as the head.
 *
 *     head <-> a <-> b <-> head
 *
 * A node that is in no list points to itself, so removing is always allowed.
 */
#ifndef YS_BASE_LIST_H
#define YS_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ys_list {
    struct ys_list *next;
    struct ys_list *prev;
};

/* The struct that `node` is the `member` of. */
#define YS_CONTAINER_OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* Over all nodes, in order; the current one may be removed (not its neighbours). */
#define YS_LIST_FOREACH(node, head) \
    for (struct ys_list *node = (head)->next, *node##_next = node->next; node != (head); \
         node = node##_next, node##_next = node->next)

static inline void ys_list_init(struct ys_list *node)
{
    node->next = node->prev = node;
}

static inline bool ys_list_is_empty(const struct ys_list *head)
{
    return head->next == head;
}

static inline void ys_list_append(struct ys_list *head, struct ys_list *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

static inline void ys_list_remove(struct ys_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    ys_list_init(node);
}

/* Moves all nodes of `from`, in their order, behind those of `to`. */
static inline void ys_list_move_all(struct ys_list *to, struct ys_list *from)
{
    if (ys_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    ys_list_init(from);
}

#endif
