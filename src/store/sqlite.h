/* SPDX-License-Identifier: MIT */
/*
 * A store in one file of SQLite's, which docs/store.md describes.
 *
 *     several threads                            the store's own thread
 *     append, save, remove --> [ writes ] ---------> all that wait: one transaction, one sync, then their answers
 *     load, list ------------> [ reads ] ----------> sixteen at most, then writes again
 *
 * Nothing is held back in order to be written with others: what comes while one transaction is synced goes into the
 * next. So one writer waits for one sync, and a thousand share it.
 *
 * A read is answered after the writes that were asked for before it.
 */
#ifndef YS_STORE_SQLITE_H
#define YS_STORE_SQLITE_H

#include "ysync/store.h"

/* As ysync_store_open(), with the allocator given. */
YSYNC_CHECKED enum ysync_err ys_sqlite_open(const char *path, const struct ysync_store_options *options,
                                            struct ysync_store **out, struct ysync_problem *problem);

#endif
