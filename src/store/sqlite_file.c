/* SPDX-License-Identifier: MIT */
/*
 * While a connection is open, SQLite never makes a new -wal: another inode means that somebody else has moved files.
 *
 * A file whose name was removed lives on for those who have it open, and so does its -wal. But SQLite leaves the -wal
 * as it is when it closes a database that has lost its name. So what is in there is brought to safety first, by
 * statements.
 */
#include "store/sqlite_file.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/problem.h"
#include "store/sqlite_schema.h"

/* SQLite zeroes what is deleted, so that a removed room is gone from the file too. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;";

static enum ysync_err explain(const struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    struct ys_sqlite_failure failure = ys_sqlite_failure_of(file->db);

    return ys_sqlite_explain(&failure, file->place.path, problem);
}

static enum ysync_err execute(struct ys_sqlite_file *file, const char *statements, struct ysync_problem *problem)
{
    if (sqlite3_exec(file->db, statements, NULL, NULL, NULL) == SQLITE_OK)
        return YSYNC_OK;
    return explain(file, problem);
}

/* Opening */

static enum ysync_err open_connection(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    int access = file->is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    struct ys_sqlite_failure failure = { SQLITE_OK, 0 };
    int code = sqlite3_open_v2(file->place.path, &file->db, access | SQLITE_OPEN_NOMUTEX, NULL);

    if (file->db)
        sqlite3_extended_result_codes(file->db, 1);
    if (code != SQLITE_OK)
        return explain(file, problem);
    sqlite3_busy_timeout(file->db, YS_SQLITE_BUSY_MS);
    if (file->is_read_only || !sqlite3_db_readonly(file->db, "main"))
        return YSYNC_OK;
    failure.code = SQLITE_READONLY; /* SQLite opens what it may not write for reading */
    return ys_sqlite_explain(&failure, file->place.path, problem);
}

/* A file system without shared memory (one of a network) keeps the old kind of journal, and says so. */
static enum ysync_err use_wal(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    sqlite3_stmt *statement;
    const char *mode = NULL;
    enum ysync_err err = YSYNC_OK;

    if (sqlite3_prepare_v2(file->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) != SQLITE_OK)
        return explain(file, problem);
    if (sqlite3_step(statement) == SQLITE_ROW)
        mode = (const char *)sqlite3_column_text(statement, 0);
    if (!mode) {
        err = explain(file, problem);
    } else if (sqlite3_stricmp(mode, "wal") != 0) {
        ys_problem_set(problem, "%s cannot have a write-ahead log: put it on a disk of this machine", file->place.path);
        err = YSYNC_ERR_IO;
    }
    sqlite3_finalize(statement);
    return err;
}

static enum ysync_err configure(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    char limits[128];
    enum ysync_err err;

    snprintf(limits, sizeof(limits), "PRAGMA cache_size = -%d; PRAGMA journal_size_limit = %d", YS_SQLITE_CACHE_KIB,
             YS_SQLITE_MAX_IDLE_WAL_BYTES);
    err = execute(file, settings, problem);
    return err ? err : execute(file, limits, problem);
}

/* The schema is looked at before anything is changed: it may be somebody else's. */
static enum ysync_err take_up(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ys_sqlite_content content;
    enum ysync_err err = ys_sqlite_schema_read(file->db, file->place.path, &content, problem);

    if (err)
        return err;
    if (file->is_read_only) {
        if (content == YS_SQLITE_CURRENT)
            return configure(file, problem);
        ys_problem_set(problem, "%s %s", file->place.path,
                       content == YS_SQLITE_EMPTY ? "is empty" : "is of an old format: open it for writing once");
        return content == YS_SQLITE_EMPTY ? YSYNC_ERR_NOT_FOUND : YSYNC_ERR_CONFLICT;
    }
    err = use_wal(file, problem);
    if (!err)
        err = configure(file, problem);
    if (!err && content != YS_SQLITE_CURRENT)
        err = ys_sqlite_schema_migrate(file->db, file->place.path, problem);
    return err;
}

static enum ysync_err prepare(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    if (!ys_sqlite_rows_init(&file->rows, file->db))
        return YSYNC_OK;
    return ys_sqlite_explain(&file->rows.failure, file->place.path, problem);
}

static enum ysync_err connect(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ysync_err err = open_connection(file, problem);

    if (!err)
        err = take_up(file, problem);
    if (!err)
        err = prepare(file, problem);
    if (!err)
        err = ys_file_id_get(file->place.path, &file->main_id, problem);
    if (!err)
        err = ys_file_id_get(file->place.wal, &file->wal_id, problem);
    if (err)
        ys_sqlite_file_disconnect(file);
    return err;
}

void ys_sqlite_file_disconnect(struct ys_sqlite_file *file)
{
    ys_sqlite_rows_deinit(&file->rows);
    sqlite3_close(file->db);
    file->db = NULL;
}

/* A program that died while it wrote the database anew has left the only copy beside the name. */
static enum ysync_err refuse_to_begin_anew(const struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    struct ys_file_id rescue;
    enum ysync_err err = ys_file_id_get(file->place.rescue, &rescue, problem);

    if (err || !rescue.is_there)
        return err;
    ys_problem_set(problem, "%s is gone, but there is %s: rename that, or remove it", file->place.path,
                   file->place.rescue);
    return YSYNC_ERR_CONFLICT;
}

static enum ysync_err find_or_make(struct ys_sqlite_file *file, bool may_make, struct ysync_problem *problem)
{
    struct ys_file_id id;
    enum ysync_err err = ys_file_id_get(file->place.path, &id, problem);

    if (!err && !id.is_there && !may_make) {
        ys_problem_set(problem, "there is no %s", file->place.path);
        err = YSYNC_ERR_NOT_FOUND;
    }
    if (!err && id.is_there && !id.is_file) {
        ys_problem_set(problem, "%s is no file", file->place.path);
        err = YSYNC_ERR_CONFLICT;
    }
    if (!err && !file->is_read_only)
        err = ys_sqlite_place_lock(&file->place, problem);
    if (err || id.is_there)
        return err;
    err = refuse_to_begin_anew(file, problem);
    return err ? err : ys_make_private_file(file->place.path, problem);
}

enum ysync_err ys_sqlite_file_open(struct ys_sqlite_file *file, const char *path,
                                   const struct ysync_store_options *options, struct ysync_problem *problem)
{
    bool may_make = !options->is_read_only && !options->must_exist;
    enum ysync_err err;

    *file = (struct ys_sqlite_file){ .is_read_only = options->is_read_only != 0 };
    err = ys_sqlite_place_init(&file->place, options->alloc, path, problem);
    if (err == YSYNC_ERR_NOT_FOUND && may_make)
        err = YSYNC_ERR_IO;
    if (err)
        return err;
    err = find_or_make(file, may_make, problem);
    if (!err)
        err = connect(file, problem);
    if (err)
        ys_sqlite_place_deinit(&file->place);
    return err;
}

/* Attending */

static enum ysync_err reconnect(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ysync_err err = file->is_read_only ? YSYNC_OK : ys_sqlite_place_lock(&file->place, problem);

    return err ? err : connect(file, problem);
}

/* Brings what is in the -wal into the database. A reader that began long ago holds the rest of it back. */
static enum ysync_err empty_wal(struct ys_sqlite_file *file, int mode, struct ysync_problem *problem)
{
    int frames = 0;
    int moved = 0;
    int code = sqlite3_wal_checkpoint_v2(file->db, NULL, mode, &frames, &moved);

    if (code == SQLITE_OK && frames == moved)
        return YSYNC_OK;
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        return explain(file, problem);
    ys_problem_set(problem, "another process reads %s for so long that it cannot be put in order: end it",
                   file->place.path);
    return YSYNC_ERR_IO;
}

static enum ysync_err replace_wal(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ysync_err err = empty_wal(file, SQLITE_CHECKPOINT_FULL, problem);

    if (err)
        return err;
    ys_sqlite_file_disconnect(file);
    return reconnect(file, problem);
}

static enum ysync_err copy_into(struct ys_sqlite_file *file, const char *path, struct ysync_problem *problem)
{
    sqlite3_stmt *statement;
    enum ysync_err err = YSYNC_OK;

    if (sqlite3_prepare_v2(file->db, "VACUUM INTO ?1", -1, &statement, NULL) != SQLITE_OK)
        return explain(file, problem);
    if (sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE)
        err = explain(file, problem);
    sqlite3_finalize(statement);
    return err;
}

static enum ysync_err remove_name(const char *path, struct ysync_problem *problem)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return YSYNC_OK;
    return ys_sqlite_explain_errno("cannot remove", path, errno, problem);
}

/* All that the connection sees, in a file of its own that is on the disk. */
static enum ysync_err make_copy(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    const char *rescue = file->place.rescue;
    enum ysync_err err = remove_name(rescue, problem); /* of an earlier try */

    if (!err)
        err = ys_make_private_file(rescue, problem);
    if (!err)
        err = copy_into(file, rescue, problem);
    if (!err)
        err = ys_sync_path(rescue, problem);
    if (err)
        unlink(rescue);
    return err;
}

/* The -wal that lies there belongs to the file that has lost its name: SQLite would take it for one of the copy. */
static enum ysync_err give_name(const struct ys_sqlite_place *place, struct ysync_problem *problem)
{
    enum ysync_err err = remove_name(place->wal, problem);

    if (!err)
        err = remove_name(place->shm, problem);
    if (!err && rename(place->rescue, place->path) != 0)
        err = ys_sqlite_explain_errno("cannot make", place->path, errno, problem);
    return err;
}

/* From the moment when the copy has the name it is the database, whatever fails then. */
static enum ysync_err rescue(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    struct ys_file_id copy;
    enum ysync_err err = ys_sqlite_place_lock(&file->place, problem);

    if (!err)
        err = make_copy(file, problem);
    if (!err)
        err = ys_file_id_get(file->place.rescue, &copy, problem);
    if (!err)
        err = give_name(&file->place, problem);
    if (err)
        return err;
    file->main_id = copy;
    ys_sqlite_file_disconnect(file);
    err = ys_sync_path(file->place.folder, problem);
    return err ? err : reconnect(file, problem);
}

/* The old file gets all that was in its -wal, wherever it is now, and the -wal is left empty: if it still lies beside
 * the new file, SQLite would take it for one of that. */
static enum ysync_err refuse_other_file(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    file->is_replaced = true;
    if (file->db && empty_wal(file, SQLITE_CHECKPOINT_TRUNCATE, problem) == YSYNC_OK)
        ys_sqlite_file_disconnect(file);
    ys_problem_set(problem, "%s was replaced while in use: restart to use the new one", file->place.path);
    return YSYNC_ERR_IO;
}

static enum ysync_err attend_to_wal(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    struct ys_file_id id;
    enum ysync_err err = ys_file_id_get(file->place.wal, &id, problem);

    if (err || ys_file_id_is_same(id, file->wal_id))
        return err;
    if (file->wal_id.is_there)
        return replace_wal(file, problem);
    file->wal_id = id; /* SQLite made it when there was something to write */
    return YSYNC_OK;
}

static enum ysync_err attend_without_connection(struct ys_sqlite_file *file, const struct ys_file_id *id,
                                                struct ysync_problem *problem)
{
    if (id->is_there)
        return reconnect(file, problem);
    ys_problem_set(problem, "%s is gone: put it back, or restart to begin with an empty one", file->place.path);
    return YSYNC_ERR_IO;
}

enum ysync_err ys_sqlite_file_attend(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    struct ys_file_id id;
    enum ysync_err err;

    if (file->is_read_only)
        return file->db ? YSYNC_OK : reconnect(file, problem);
    err = ys_file_id_get(file->place.path, &id, problem);
    if (err)
        return err;
    if (file->is_replaced || (id.is_there && !ys_file_id_is_same(id, file->main_id)))
        return refuse_other_file(file, problem);
    if (!file->db)
        return attend_without_connection(file, &id, problem);
    return id.is_there ? attend_to_wal(file, problem) : rescue(file, problem);
}

/* What has vanished is put in order a last time: nobody else can do that once the connection is closed. */
void ys_sqlite_file_close(struct ys_sqlite_file *file)
{
    struct ysync_problem problem;

    if (file->db)
        (void)!ys_sqlite_file_attend(file, &problem);
    ys_sqlite_file_disconnect(file);
    ys_sqlite_place_deinit(&file->place);
}

/* For tools */

/* SQLite says in a line of its own in which database it found what follows. */
static const char *without_heading(const char *text)
{
    const char *newline = strchr(text, '\n');

    return newline ? newline + 1 : text;
}

/* The first row that a check gives, if it gives one that is not "ok". */
static enum ysync_err find_fault(struct ys_sqlite_file *file, const char *check, const char *what,
                                 struct ysync_problem *problem)
{
    sqlite3_stmt *statement;
    enum ysync_err err = YSYNC_OK;
    const char *text;
    int code;

    if (sqlite3_prepare_v2(file->db, check, -1, &statement, NULL) != SQLITE_OK)
        return explain(file, problem);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(statement, 0);
        if (!text || strcmp(text, "ok") != 0) {
            ys_problem_set(problem, "%s is damaged: %s%s", file->place.path, what, text ? without_heading(text) : "?");
            err = YSYNC_ERR_MALFORMED;
        }
    } else if (code != SQLITE_DONE) {
        err = explain(file, problem);
    }
    sqlite3_finalize(statement);
    return err;
}

enum ysync_err ys_sqlite_file_check(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ysync_err err = find_fault(file, "PRAGMA integrity_check(1)", "", problem);

    return err ? err : find_fault(file, "PRAGMA foreign_key_check", "there is a row of no room in ", problem);
}

enum ysync_err ys_sqlite_file_compact(struct ys_sqlite_file *file, struct ysync_problem *problem)
{
    enum ysync_err err = execute(file, "VACUUM", problem);

    return err ? err : empty_wal(file, SQLITE_CHECKPOINT_TRUNCATE, problem);
}
