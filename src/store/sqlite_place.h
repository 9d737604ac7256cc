/* SPDX-License-Identifier: MIT */
/*
 * Where a database lies: the files that go by its name, which file it is that has the name now, and who may write.
 *
 *     rooms.db           the database
 *     rooms.db-wal -shm  what SQLite puts beside it while it is open
 *     rooms.db-lock      empty; whoever may write holds flock() on it, and removes it in the end
 *     rooms.db-rescue    a copy under way, when rooms.db was removed while it was in use
 */
#ifndef YS_STORE_SQLITE_PLACE_H
#define YS_STORE_SQLITE_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "ysync/alloc.h"
#include "ysync/err.h"
#include "ysync/problem.h"

struct ys_sqlite_place {
    const struct ysync_alloc *alloc;
    char *folder; /* these are absolute, without symbolic links */
    char *path;
    char *wal;
    char *shm;
    char *lock;
    char *rescue;
    int lock_fd; /* -1: not held */
};

/* Errors: NOT_FOUND (there is no such folder), IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_sqlite_place_init(struct ys_sqlite_place *place, const struct ysync_alloc *alloc,
                                                  const char *path, struct ysync_problem *problem);

/* Lets go of the lock too. */
void ys_sqlite_place_deinit(struct ys_sqlite_place *place);

/* From here on no other process may. Again when it is held already: makes sure that its file is still the one that
 * others would find. Errors: CONFLICT, IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_sqlite_place_lock(struct ys_sqlite_place *place, struct ysync_problem *problem);

/* Which file has a name. */
struct ys_file_id {
    bool is_there;
    bool is_file; /* not a folder, or a device */
    dev_t device;
    ino_t inode;
};

/* Errors: IO. That there is none is no error. */
YSYNC_CHECKED enum ysync_err ys_file_id_get(const char *path, struct ys_file_id *out, struct ysync_problem *problem);
bool ys_file_id_is_same(struct ys_file_id a, struct ys_file_id b);

/* Makes an empty file that only its owner reads. Errors: IO (also where there is one). */
YSYNC_CHECKED enum ysync_err ys_make_private_file(const char *path, struct ysync_problem *problem);

/* What was written to a file, or which names there are in a folder, is on the disk when this returns. Errors: IO. */
YSYNC_CHECKED enum ysync_err ys_sync_path(const char *path, struct ysync_problem *problem);

#endif
