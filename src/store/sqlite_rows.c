/* SPDX-License-Identifier: MIT */
/*
 * What is bound belongs to the request, which is good until it is answered: nothing is copied on the way into SQLite,
 * and what is loaded is handed on where SQLite has it.
 *
 * Where many append to few rooms, most of the time would go into looking for the same room, and for its last update,
 * again. So a transaction remembers that, as long as nobody can change it: until it ends, or the room is saved or
 * removed.
 *
 * The failure is taken down before the statement is reset, as it would be forgotten then.
 */
#include "store/sqlite_rows.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>

#include "base/checksum.h"

/* A row is a value with a few numbers beside it, and SQLite's limit is that of the row. */
#define BESIDE_A_VALUE 64

static const char *const texts[YS_SQLITE_STATEMENTS] = {
    [YS_SQLITE_BEGIN_WRITING] = "BEGIN IMMEDIATE",
    [YS_SQLITE_BEGIN_READING] = "BEGIN",
    [YS_SQLITE_COMMIT] = "COMMIT",
    [YS_SQLITE_FIND_ROOM] = "SELECT id FROM rooms WHERE name = ?1",
    [YS_SQLITE_FIND_END] = "SELECT id, ifnull((SELECT max(number) FROM updates WHERE room = id), 0) + 1 "
                           "FROM rooms WHERE name = ?1",
    [YS_SQLITE_ADD_ROOM] = "INSERT INTO rooms (name) VALUES (?1)",
    [YS_SQLITE_DELETE_ROOM] = "DELETE FROM rooms WHERE id = ?1",
    [YS_SQLITE_GET_SNAPSHOT] = "SELECT bytes FROM snapshots WHERE room = ?1",
    [YS_SQLITE_PUT_SNAPSHOT] = "INSERT OR REPLACE INTO snapshots (room, saved_at, bytes) VALUES (?1, ?2, ?3)",
    [YS_SQLITE_DELETE_SNAPSHOT] = "DELETE FROM snapshots WHERE room = ?1",
    [YS_SQLITE_GET_UPDATES] = "SELECT bytes FROM updates WHERE room = ?1 ORDER BY number",
    [YS_SQLITE_ADD_UPDATE] = "INSERT INTO updates (room, number, bytes) VALUES (?1, ?2, ?3)",
    [YS_SQLITE_DELETE_UPDATES] = "DELETE FROM updates WHERE room = ?1",
    [YS_SQLITE_LIST_ROOMS] = "SELECT name, ifnull((SELECT length(bytes) FROM snapshots WHERE room = id), 0)"
                             " + ifnull((SELECT sum(length(bytes)) FROM updates WHERE room = id), 0) "
                             "FROM rooms WHERE name >= ?1 ORDER BY name",
};

static enum ysync_err fail(struct ys_sqlite_rows *rows)
{
    enum ysync_err err;

    rows->failure = ys_sqlite_failure_of(rows->db);
    err = ys_sqlite_failure_err(&rows->failure);
    return err == YSYNC_ERR_LIMIT ? YSYNC_ERR_IO : err; /* what is too long was turned away before */
}

enum ysync_err ys_sqlite_rows_init(struct ys_sqlite_rows *rows, sqlite3 *db)
{
    int max_row = sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1);

    *rows = (struct ys_sqlite_rows){ .db = db };
    rows->max_bytes = max_row > BESIDE_A_VALUE ? (size_t)max_row - BESIDE_A_VALUE : 0;
    for (size_t i = 0; i < YS_SQLITE_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &rows->statements[i], NULL) != SQLITE_OK)
            return fail(rows);
    }
    return YSYNC_OK;
}

void ys_sqlite_rows_deinit(struct ys_sqlite_rows *rows)
{
    for (size_t i = 0; i < YS_SQLITE_STATEMENTS; i++)
        sqlite3_finalize(rows->statements[i]);
    *rows = (struct ys_sqlite_rows){ .db = NULL };
}

/* Steps */

static void bind_number(sqlite3_stmt *statement, int at, sqlite3_int64 number)
{
    sqlite3_bind_int64(statement, at, number);
}

/* Its length has been checked; and a NULL pointer would be no empty value but none. */
static void bind_bytes(sqlite3_stmt *statement, int at, struct ysync_bytes bytes)
{
    sqlite3_bind_blob64(statement, at, bytes.len > 0 ? bytes.data : (const uint8_t *)"", bytes.len, SQLITE_STATIC);
}

static void bind_name(sqlite3_stmt *statement, int at, struct ysync_bytes name)
{
    sqlite3_bind_text64(statement, at, name.len > 0 ? (const char *)name.data : "", name.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

/* What was bound is let go, as it lives no longer than the request. */
static void end(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* A statement that gives no rows. */
static enum ysync_err run(struct ys_sqlite_rows *rows, enum ys_sqlite_statement which)
{
    sqlite3_stmt *statement = rows->statements[which];
    enum ysync_err err = sqlite3_step(statement) == SQLITE_DONE ? YSYNC_OK : fail(rows);

    end(statement);
    return err;
}

/* A statement about one room, by its number. */
static enum ysync_err run_for(struct ys_sqlite_rows *rows, enum ys_sqlite_statement which, sqlite3_int64 room)
{
    bind_number(rows->statements[which], 1, room);
    return run(rows, which);
}

/* The next row, or that there is none. */
static enum ysync_err next(struct ys_sqlite_rows *rows, sqlite3_stmt *statement, bool *has_row)
{
    int code = sqlite3_step(statement);

    *has_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? YSYNC_OK : fail(rows);
}

/* Good until the next step. SQLite gives NULL for what is empty, and where there was no memory to put a value together.
 */
static enum ysync_err column_bytes(struct ys_sqlite_rows *rows, sqlite3_stmt *statement, struct ysync_bytes *out)
{
    const uint8_t *data = sqlite3_column_blob(statement, 0);

    if (!data && sqlite3_errcode(rows->db) == SQLITE_NOMEM)
        return fail(rows);
    *out = (struct ysync_bytes){ data, (size_t)sqlite3_column_bytes(statement, 0) };
    return YSYNC_OK;
}

static bool is_equal(struct ysync_bytes a, struct ysync_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Transactions */

enum ysync_err ys_sqlite_rows_begin(struct ys_sqlite_rows *rows, bool is_for_writing)
{
    memset(rows->ends, 0, sizeof(rows->ends));
    return run(rows, is_for_writing ? YS_SQLITE_BEGIN_WRITING : YS_SQLITE_BEGIN_READING);
}

enum ysync_err ys_sqlite_rows_commit(struct ys_sqlite_rows *rows)
{
    return run(rows, YS_SQLITE_COMMIT);
}

bool ys_sqlite_rows_has_transaction(const struct ys_sqlite_rows *rows)
{
    return !sqlite3_get_autocommit(rows->db);
}

void ys_sqlite_rows_rollback(struct ys_sqlite_rows *rows)
{
    if (ys_sqlite_rows_has_transaction(rows))
        (void)sqlite3_exec(rows->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Writing */

/* The numbers, so many, that a statement gives for a room by its name. */
static enum ysync_err find(struct ys_sqlite_rows *rows, enum ys_sqlite_statement which, struct ysync_bytes name,
                           sqlite3_int64 *out, int count)
{
    sqlite3_stmt *statement = rows->statements[which];
    bool has_row;
    enum ysync_err err;

    if (name.len > rows->max_bytes)
        return YSYNC_ERR_NOT_FOUND;
    bind_name(statement, 1, name);
    err = next(rows, statement, &has_row);
    for (int i = 0; !err && has_row && i < count; i++)
        out[i] = sqlite3_column_int64(statement, i);
    end(statement);
    return err || has_row ? err : YSYNC_ERR_NOT_FOUND;
}

static enum ysync_err find_room(struct ys_sqlite_rows *rows, struct ysync_bytes name, sqlite3_int64 *out)
{
    return find(rows, YS_SQLITE_FIND_ROOM, name, out, 1);
}

static enum ysync_err find_or_add_room(struct ys_sqlite_rows *rows, struct ysync_bytes name, sqlite3_int64 *out)
{
    enum ysync_err err = find_room(rows, name, out);

    if (err != YSYNC_ERR_NOT_FOUND)
        return err;
    bind_name(rows->statements[YS_SQLITE_ADD_ROOM], 1, name);
    err = run(rows, YS_SQLITE_ADD_ROOM);
    if (!err)
        *out = sqlite3_last_insert_rowid(rows->db);
    return err;
}

/* The place of a room among the ends; another room may be there. */
static struct ys_sqlite_end *place_of(struct ys_sqlite_rows *rows, struct ysync_bytes name)
{
    return &rows->ends[ys_checksum(name) % YS_SQLITE_ENDS];
}

static void forget_end(struct ys_sqlite_rows *rows, struct ysync_bytes name)
{
    place_of(rows, name)->name.data = NULL;
}

static enum ysync_err find_end(struct ys_sqlite_rows *rows, struct ysync_bytes name, struct ys_sqlite_end *out)
{
    sqlite3_int64 numbers[2];
    enum ysync_err err;

    if (out->name.data && is_equal(out->name, name))
        return YSYNC_OK;
    out->name.data = NULL;
    err = find(rows, YS_SQLITE_FIND_END, name, numbers, 2);
    if (!err)
        *out = (struct ys_sqlite_end){ name, numbers[0], numbers[1] };
    return err;
}

enum ysync_err ys_sqlite_rows_append(struct ys_sqlite_rows *rows, struct ysync_bytes room, struct ysync_bytes update)
{
    sqlite3_stmt *statement = rows->statements[YS_SQLITE_ADD_UPDATE];
    struct ys_sqlite_end *place = place_of(rows, room);
    enum ysync_err err;

    if (update.len > rows->max_bytes)
        return YSYNC_ERR_LIMIT;
    err = find_end(rows, room, place);
    if (err)
        return err;
    bind_number(statement, 1, place->room);
    bind_number(statement, 2, place->number);
    bind_bytes(statement, 3, update);
    err = run(rows, YS_SQLITE_ADD_UPDATE);
    if (!err)
        place->number++;
    return err;
}

/* Space that the old rows took is free for the new one, so they go first. */
enum ysync_err ys_sqlite_rows_save(struct ys_sqlite_rows *rows, struct ysync_bytes room, struct ysync_bytes snapshot)
{
    sqlite3_stmt *statement = rows->statements[YS_SQLITE_PUT_SNAPSHOT];
    sqlite3_int64 id;
    enum ysync_err err;

    if (room.len > rows->max_bytes || snapshot.len > rows->max_bytes)
        return YSYNC_ERR_LIMIT;
    forget_end(rows, room);
    err = find_or_add_room(rows, room, &id);
    if (!err)
        err = run_for(rows, YS_SQLITE_DELETE_UPDATES, id);
    if (err)
        return err;
    bind_number(statement, 1, id);
    bind_number(statement, 2, (sqlite3_int64)time(NULL));
    bind_bytes(statement, 3, snapshot);
    return run(rows, YS_SQLITE_PUT_SNAPSHOT);
}

enum ysync_err ys_sqlite_rows_remove(struct ys_sqlite_rows *rows, struct ysync_bytes room)
{
    sqlite3_int64 id;
    enum ysync_err err = find_room(rows, room, &id);

    forget_end(rows, room);
    if (!err)
        err = run_for(rows, YS_SQLITE_DELETE_UPDATES, id);
    if (!err)
        err = run_for(rows, YS_SQLITE_DELETE_SNAPSHOT, id);
    return err ? err : run_for(rows, YS_SQLITE_DELETE_ROOM, id);
}

/* Reading */

typedef enum ysync_err give_fn(struct ysync_store_request *request, struct ysync_bytes bytes);

/* Gives the request the first column of each row of a statement about one room. */
static enum ysync_err give_all(struct ys_sqlite_rows *rows, enum ys_sqlite_statement which, sqlite3_int64 room,
                               struct ysync_store_request *request, give_fn *give)
{
    sqlite3_stmt *statement = rows->statements[which];
    struct ysync_bytes bytes;
    bool has_row;
    enum ysync_err err;

    bind_number(statement, 1, room);
    while (!(err = next(rows, statement, &has_row)) && has_row) {
        err = column_bytes(rows, statement, &bytes);
        if (!err)
            err = give(request, bytes);
        if (err)
            break;
    }
    end(statement);
    return err;
}

enum ysync_err ys_sqlite_rows_load(struct ys_sqlite_rows *rows, struct ysync_store_request *request,
                                   struct ysync_bytes room)
{
    sqlite3_int64 id;
    enum ysync_err err;

    rows->failure.code = SQLITE_OK;
    err = find_room(rows, room, &id);
    if (!err)
        err = give_all(rows, YS_SQLITE_GET_SNAPSHOT, id, request, ysync_store_give_snapshot);
    return err ? err : give_all(rows, YS_SQLITE_GET_UPDATES, id, request, ysync_store_give_update);
}

/* The statement finds `after` itself too: an empty one is where all begins, and there may be a room of that name. */
enum ysync_err ys_sqlite_rows_list(struct ys_sqlite_rows *rows, struct ysync_store_request *request,
                                   struct ysync_bytes after, size_t limit)
{
    sqlite3_stmt *statement = rows->statements[YS_SQLITE_LIST_ROOMS];
    struct ysync_bytes name;
    bool has_row;
    enum ysync_err err = YSYNC_OK;

    rows->failure.code = SQLITE_OK;
    bind_name(statement, 1, after);
    while (!err && limit > 0) {
        err = next(rows, statement, &has_row);
        if (err || !has_row)
            break;
        err = column_bytes(rows, statement, &name);
        if (err || (after.len > 0 && is_equal(name, after)))
            continue;
        err = ysync_store_give_room(request, name, (uint64_t)sqlite3_column_int64(statement, 1));
        limit--;
    }
    end(statement);
    return err;
}
