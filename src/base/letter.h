/* SPDX-License-Identifier: MIT */
/* Something that is sent to the thread of somebody else (net/mailbox.h), as a part of whatever is sent. */
#ifndef YS_BASE_LETTER_H
#define YS_BASE_LETTER_H

#include "base/list.h"

/* Exactly one of the two is called, and takes it. */
struct ys_letter {
    struct ys_list node;
    void (*deliver)(struct ys_letter *letter, void *owner); /* on the owner's thread */
    void (*discard)(struct ys_letter *letter);              /* nobody will read it; on any thread */
};

#endif
