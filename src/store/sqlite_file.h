/* SPDX-License-Identifier: MIT */
/*
 * The open database: it is opened, opened again when its connection was spoiled, and looked after while people move
 * files.
 *
 *     what attend() finds                         what it does
 *     all in place                                nothing
 *     rooms.db-wal is gone, or another            what was in it goes into rooms.db; opens anew
 *     rooms.db is gone                            the open connection still sees all of it: writes it anew, opens that
 *     rooms.db is another                         finishes the one that it had, and refuses to touch that one
 *
 * Opened for reading only, none of that is done, and no lock is held.
 */
#ifndef YS_STORE_SQLITE_FILE_H
#define YS_STORE_SQLITE_FILE_H

#include "store/sqlite_place.h"
#include "store/sqlite_rows.h"

/* How long a lock of another process is waited for. */
#define YS_SQLITE_BUSY_MS 2000

/* Most memory that pages are kept in. */
#define YS_SQLITE_CACHE_KIB 8192

/* The -wal is cut to this length after it has grown larger. */
#define YS_SQLITE_MAX_IDLE_WAL_BYTES (16 << 20)

struct ys_sqlite_file {
    struct ys_sqlite_place place;
    bool is_read_only;
    bool is_replaced;   /* until the program is started again */
    struct sqlite3 *db; /* NULL: it is to be opened again */
    struct ys_sqlite_rows rows;
    struct ys_file_id main_id;
    struct ys_file_id wal_id;
};

/* Errors: those of ysync_store_open(). */
YSYNC_CHECKED enum ysync_err ys_sqlite_file_open(struct ys_sqlite_file *file, const char *path,
                                                 const struct ysync_store_options *options,
                                                 struct ysync_problem *problem);
void ys_sqlite_file_close(struct ys_sqlite_file *file);

/* Before each use of `rows`: makes sure that there is a connection, to the file that has the name. Errors: IO, NOMEM,
 * CONFLICT, MALFORMED; rows must not be used then. */
YSYNC_CHECKED enum ysync_err ys_sqlite_file_attend(struct ys_sqlite_file *file, struct ysync_problem *problem);

/* The next attend() opens again. */
void ys_sqlite_file_disconnect(struct ys_sqlite_file *file);

/* As those of struct ysync_store; the file has been attended to. */
YSYNC_CHECKED enum ysync_err ys_sqlite_file_check(struct ys_sqlite_file *file, struct ysync_problem *problem);
YSYNC_CHECKED enum ysync_err ys_sqlite_file_compact(struct ys_sqlite_file *file, struct ysync_problem *problem);

#endif
