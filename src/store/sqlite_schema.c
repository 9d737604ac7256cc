/* SPDX-License-Identifier: MIT */
/*
 * Updates have no rowid: they lie in the order in which they are read, room by room, and a room's are deleted as one
 * range. Names are compared as bytes, as SQLite does with text that was never given another collation.
 */
#include "store/sqlite_schema.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/problem.h"

/* The script at [n] makes version n + 1 of version n. */
static const char *const migrations[] = {
    "CREATE TABLE rooms (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL UNIQUE\n"
    ");\n"
    "CREATE TABLE snapshots (\n"
    "  room INTEGER PRIMARY KEY REFERENCES rooms(id),\n"
    "  saved_at INTEGER NOT NULL, -- seconds since 1970\n"
    "  bytes BLOB NOT NULL\n"
    ");\n"
    "CREATE TABLE updates (\n"
    "  room INTEGER NOT NULL REFERENCES rooms(id),\n"
    "  number INTEGER NOT NULL,\n"
    "  bytes BLOB NOT NULL,\n"
    "  PRIMARY KEY (room, number)\n"
    ") WITHOUT ROWID;\n",
};

#define THIS_VERSION ((long long)ARRAY_LEN(migrations))

/* The number in the first row that a statement gives. */
static int ask_number(sqlite3 *db, const char *statement, long long *out)
{
    sqlite3_stmt *prepared;
    int code = sqlite3_prepare_v2(db, statement, -1, &prepared, NULL);

    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(prepared);
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(prepared, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(prepared);
    return code;
}

/* That a file is no database is known when it is first read. Any other has all of these numbers. */
static enum ysync_err explain_reading(sqlite3 *db, const char *path, struct ysync_problem *problem)
{
    struct ys_sqlite_failure failure = ys_sqlite_failure_of(db);
    enum ysync_err err = ys_sqlite_explain(&failure, path, problem);

    return failure.code == SQLITE_NOTADB ? YSYNC_ERR_CONFLICT : err;
}

enum ysync_err ys_sqlite_schema_read(sqlite3 *db, const char *path, enum ys_sqlite_content *out,
                                     struct ysync_problem *problem)
{
    long long application = 0;
    long long version = 0;
    long long tables = 0;

    if (ask_number(db, "SELECT count(*) FROM sqlite_master", &tables) != SQLITE_OK ||
        ask_number(db, "PRAGMA application_id", &application) != SQLITE_OK ||
        ask_number(db, "PRAGMA user_version", &version) != SQLITE_OK)
        return explain_reading(db, path, problem);
    if (tables == 0 && application == 0 && version == 0) {
        *out = YS_SQLITE_EMPTY;
        return YSYNC_OK;
    }
    if (application != YS_SQLITE_APPLICATION_ID || version < 1) {
        ys_problem_set(problem, "%s is the database of another program", path);
        return YSYNC_ERR_CONFLICT;
    }
    if (version > THIS_VERSION) {
        ys_problem_set(problem, "%s was written by a newer ysync (format %lld, this one knows %lld): use that one",
                       path, version, THIS_VERSION);
        return YSYNC_ERR_CONFLICT;
    }
    *out = version == THIS_VERSION ? YS_SQLITE_CURRENT : YS_SQLITE_OLDER;
    return YSYNC_OK;
}

static int migrate(sqlite3 *db)
{
    char last_words[128];
    long long version = 0;
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = ask_number(db, "PRAGMA user_version", &version);
    for (; code == SQLITE_OK && version < THIS_VERSION; version++)
        code = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    snprintf(last_words, sizeof(last_words), "PRAGMA application_id = %d; PRAGMA user_version = %lld; COMMIT",
             YS_SQLITE_APPLICATION_ID, THIS_VERSION);
    return sqlite3_exec(db, last_words, NULL, NULL, NULL);
}

enum ysync_err ys_sqlite_schema_migrate(sqlite3 *db, const char *path, struct ysync_problem *problem)
{
    struct ys_sqlite_failure failure;

    if (migrate(db) == SQLITE_OK)
        return YSYNC_OK;
    failure = ys_sqlite_failure_of(db);
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return ys_sqlite_explain(&failure, path, problem);
}
