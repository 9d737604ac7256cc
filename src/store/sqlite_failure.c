/* SPDX-License-Identifier: MIT */
#include "store/sqlite_failure.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/problem.h"

#define PRIMARY_CODE(code) ((code)&0xff)

struct ys_sqlite_failure ys_sqlite_failure_of(sqlite3 *db)
{
    struct ys_sqlite_failure failure = { SQLITE_NOMEM, 0 };

    if (!db)
        return failure;
    failure.code = sqlite3_extended_errcode(db);
    switch (PRIMARY_CODE(failure.code)) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: /* only these leave a number that is theirs */
        failure.system_error = sqlite3_system_errno(db);
        break;
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: /* never: something has failed */
        failure.code = SQLITE_ERROR;
        break;
    }
    return failure;
}

enum ysync_err ys_sqlite_failure_err(const struct ys_sqlite_failure *failure)
{
    if (failure->code == SQLITE_IOERR_NOMEM)
        return YSYNC_ERR_NOMEM;
    switch (PRIMARY_CODE(failure->code)) {
    case SQLITE_OK:
        return YSYNC_OK;
    case SQLITE_NOMEM:
        return YSYNC_ERR_NOMEM;
    case SQLITE_TOOBIG:
        return YSYNC_ERR_LIMIT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return YSYNC_ERR_MALFORMED;
    default:
        return YSYNC_ERR_IO;
    }
}

static bool is_out_of_space(const struct ys_sqlite_failure *failure)
{
    return PRIMARY_CODE(failure->code) == SQLITE_FULL || failure->system_error == ENOSPC ||
           failure->system_error == EDQUOT;
}

static void explain_system(const struct ys_sqlite_failure *failure, const char *path, struct ysync_problem *problem)
{
    const char *what = PRIMARY_CODE(failure->code) == SQLITE_CANTOPEN ? "cannot open" : "cannot read or write";

    if (failure->system_error)
        (void)ys_sqlite_explain_errno(what, path, failure->system_error, problem);
    else
        ys_problem_set(problem, "%s %s: %s", what, path, sqlite3_errstr(failure->code));
}

enum ysync_err ys_sqlite_explain(const struct ys_sqlite_failure *failure, const char *path,
                                 struct ysync_problem *problem)
{
    enum ysync_err err = ys_sqlite_failure_err(failure);

    if (is_out_of_space(failure)) {
        ys_problem_set(problem, "the disk of %s is full: free some space", path);
        return YSYNC_ERR_IO;
    }
    switch (PRIMARY_CODE(failure->code)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        ys_problem_set(problem, "another process holds %s locked: end it, or wait for it", path);
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        explain_system(failure, path, problem);
        break;
    case SQLITE_CORRUPT:
        ys_problem_set(problem, "%s is damaged: restore a backup", path);
        break;
    case SQLITE_NOTADB:
        ys_problem_set(problem, "%s is no SQLite database", path);
        break;
    case SQLITE_READONLY:
        ys_problem_set(problem, "%s cannot be written to: make it and its folder writable for this user", path);
        break;
    case SQLITE_TOOBIG:
        ys_problem_set(problem, "this is more than SQLite can keep in one place of %s", path);
        break;
    default:
        ys_problem_set(problem, "%s: %s", path,
                       err == YSYNC_ERR_NOMEM ? "out of memory" : sqlite3_errstr(failure->code));
        break;
    }
    return err;
}

enum ysync_err ys_sqlite_explain_errno(const char *what, const char *path, int number, struct ysync_problem *problem)
{
    char text[128];

    if (strerror_r(number, text, sizeof(text)) != 0)
        text[0] = '\0';
    ys_problem_set(problem, "%s %s: %s", what, path, text);
    return number == ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
}

bool ys_sqlite_failure_spoils_connection(const struct ys_sqlite_failure *failure)
{
    switch (PRIMARY_CODE(failure->code)) {
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_IOERR:
    case SQLITE_NOTADB:
        return failure->code != SQLITE_IOERR_NOMEM;
    default:
        return false;
    }
}
