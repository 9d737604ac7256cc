/* SPDX-License-Identifier: MIT */
/*
 * The statements: what is written and read of one room, within a transaction that the caller begins and ends.
 *
 * Where a function says "failure", it is in rows->failure, and the error is IO, NOMEM or MALFORMED. What the
 * transaction has done is not to be kept then.
 */
#ifndef YS_STORE_SQLITE_ROWS_H
#define YS_STORE_SQLITE_ROWS_H

#include "store/sqlite_failure.h"
#include "ysync/store.h"

struct sqlite3_stmt;

enum ys_sqlite_statement {
    YS_SQLITE_BEGIN_WRITING,
    YS_SQLITE_BEGIN_READING,
    YS_SQLITE_COMMIT,
    YS_SQLITE_FIND_ROOM,
    YS_SQLITE_FIND_END,
    YS_SQLITE_ADD_ROOM,
    YS_SQLITE_DELETE_ROOM,
    YS_SQLITE_GET_SNAPSHOT,
    YS_SQLITE_PUT_SNAPSHOT,
    YS_SQLITE_DELETE_SNAPSHOT,
    YS_SQLITE_GET_UPDATES,
    YS_SQLITE_ADD_UPDATE,
    YS_SQLITE_DELETE_UPDATES,
    YS_SQLITE_LIST_ROOMS,
    YS_SQLITE_STATEMENTS,
};

/* Rooms to which one transaction may append without looking for them again. */
#define YS_SQLITE_ENDS 64

/* Where the next update of a room goes. */
struct ys_sqlite_end {
    struct ysync_bytes name; /* of the request that asked first; no data: unused */
    int64_t room;
    int64_t number;
};

struct ys_sqlite_rows {
    struct sqlite3 *db;
    size_t max_bytes; /* of one value */
    struct ys_sqlite_failure failure;
    struct sqlite3_stmt *statements[YS_SQLITE_STATEMENTS];
    struct ys_sqlite_end ends[YS_SQLITE_ENDS]; /* that the transaction knows */
};

/* Errors: failure. The rows may be deinitialized all the same. */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_init(struct ys_sqlite_rows *rows, struct sqlite3 *db);
void ys_sqlite_rows_deinit(struct ys_sqlite_rows *rows);

/* Names that are given in a transaction for writing are good until it ends. Errors: failure. */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_begin(struct ys_sqlite_rows *rows, bool is_for_writing);
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_commit(struct ys_sqlite_rows *rows);
void ys_sqlite_rows_rollback(struct ys_sqlite_rows *rows); /* also where there is nothing to roll back */

/* Is there still the transaction that was begun? SQLite ends some by itself when they fail. */
bool ys_sqlite_rows_has_transaction(const struct ys_sqlite_rows *rows);

/* Errors: NOT_FOUND, LIMIT, failure. */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_append(struct ys_sqlite_rows *rows, struct ysync_bytes room,
                                                   struct ysync_bytes update);

/* Errors: LIMIT, failure. */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_save(struct ys_sqlite_rows *rows, struct ysync_bytes room,
                                                 struct ysync_bytes snapshot);

/* Errors: NOT_FOUND, failure. */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_remove(struct ys_sqlite_rows *rows, struct ysync_bytes room);

/* Gives what it finds to the request. Errors: NOT_FOUND, failure, or what the request said; rows->failure tells which.
 */
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_load(struct ys_sqlite_rows *rows, struct ysync_store_request *request,
                                                 struct ysync_bytes room);
YSYNC_CHECKED enum ysync_err ys_sqlite_rows_list(struct ys_sqlite_rows *rows, struct ysync_store_request *request,
                                                 struct ysync_bytes after, size_t limit);

#endif
