/* SPDX-License-Identifier: MIT */
/*
 * What can be done with a store from outside of a server. One document is in memory at a time.
 *
 * Each returns the program's exit status; what goes wrong is one line on stderr that names the file, and the room.
 */
#ifndef YS_CLI_STORE_TASKS_H
#define YS_CLI_STORE_TASKS_H

#include <stdint.h>

/* The words of one call. */
struct ys_store_call {
    const char *path; /* "docs.db", or "sqlite:docs.db" */
    const char *room; /* NULL: not given */
    const char *file; /* likewise */
    uint64_t keeps_deleted;
};

/* These only read, also while a server writes. */
int ys_store_list(const struct ys_store_call *call);
int ys_store_check(const struct ys_store_call *call);
int ys_store_export(const struct ys_store_call *call);

/* These need the file for themselves. */
int ys_store_import(const struct ys_store_call *call);
int ys_store_compact(const struct ys_store_call *call);

#endif
