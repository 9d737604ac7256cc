/* SPDX-License-Identifier: MIT */
/* What SQLite says when something failed, as an error and a line for whoever runs this. */
#ifndef YS_STORE_SQLITE_FAILURE_H
#define YS_STORE_SQLITE_FAILURE_H

#include <stdbool.h>

#include "ysync/err.h"
#include "ysync/problem.h"

struct sqlite3;

struct ys_sqlite_failure {
    int code;         /* SQLite's, extended; 0: nothing failed */
    int system_error; /* errno behind it; 0: there is none */
};

/* Of the last call to `db` (NULL: that there is no memory for one). */
struct ys_sqlite_failure ys_sqlite_failure_of(struct sqlite3 *db);

/* NOMEM, MALFORMED (the file is damaged, or not SQLite's), LIMIT (too large for SQLite) or IO. */
enum ysync_err ys_sqlite_failure_err(const struct ys_sqlite_failure *failure);

/* `path` is the database's. Returns the error, as above. problem may be NULL. */
enum ysync_err ys_sqlite_explain(const struct ys_sqlite_failure *failure, const char *path,
                                 struct ysync_problem *problem);

/* "what PATH: No such file or directory", from errno's number. Returns IO, or NOMEM. problem may be NULL. */
enum ysync_err ys_sqlite_explain_errno(const char *what, const char *path, int number, struct ysync_problem *problem);

/* Is what the connection knows of the file better thrown away? */
bool ys_sqlite_failure_spoils_connection(const struct ys_sqlite_failure *failure);

#endif
