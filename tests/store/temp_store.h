/* SPDX-License-Identifier: MIT */
/* A folder of the test's own, and a database in it. */
#ifndef YS_TEST_STORE_TEMP_STORE_H
#define YS_TEST_STORE_TEMP_STORE_H

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ysync/store.h"

struct temp_store {
    char folder[64];
    char path[128]; /* <folder>/rooms.db */
    char url[136];
    struct ysync_store *store;
    struct ysync_problem problem;
};

static inline void temp_store_name(struct temp_store *temp)
{
    memset(temp, 0, sizeof(*temp));
    strcpy(temp->folder, "/tmp/ysync-store-XXXXXX");
    if (!mkdtemp(temp->folder))
        abort();
    snprintf(temp->path, sizeof(temp->path), "%s/rooms.db", temp->folder);
    snprintf(temp->url, sizeof(temp->url), "sqlite:%s", temp->path);
}

static inline enum ysync_err temp_store_open_with(struct temp_store *temp, const struct ysync_store_options *options)
{
    temp->store = NULL;
    temp->problem.text[0] = '\0';
    return ysync_store_open(temp->url, options, &temp->store, &temp->problem);
}

static inline void temp_store_open(struct temp_store *temp)
{
    if (temp_store_open_with(temp, NULL))
        fail_msg("open: %s", temp->problem.text);
}

static inline void temp_store_close(struct temp_store *temp)
{
    ysync_store_close(temp->store);
    temp->store = NULL;
}

static inline void temp_store_init(struct temp_store *temp)
{
    temp_store_name(temp);
    temp_store_open(temp);
}

/* "rooms.db", or "rooms.db-wal" with "-wal". */
static inline const char *temp_store_file(const struct temp_store *temp, const char *ending)
{
    static char path[160];

    snprintf(path, sizeof(path), "%s%s", temp->path, ending);
    return path;
}

static inline bool temp_store_has(const struct temp_store *temp, const char *ending)
{
    return access(temp_store_file(temp, ending), F_OK) == 0;
}

/* Closes the store, and removes all that is there. */
static inline void temp_store_deinit(struct temp_store *temp)
{
    DIR *folder;
    struct dirent *entry;

    temp_store_close(temp);
    folder = opendir(temp->folder);
    while (folder && (entry = readdir(folder)) != NULL) {
        char path[sizeof(temp->folder) + sizeof(entry->d_name) + 1];

        snprintf(path, sizeof(path), "%s/%s", temp->folder, entry->d_name);
        unlink(path);
    }
    closedir(folder);
    rmdir(temp->folder);
}

/* SQLite alone, as another program would use it. */
static inline sqlite3 *temp_store_sqlite(const struct temp_store *temp)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(temp->path, &db) != SQLITE_OK)
        fail_msg("sqlite3_open: %s", sqlite3_errmsg(db));
    return db;
}

static inline void temp_store_execute(const struct temp_store *temp, const char *statements)
{
    sqlite3 *db = temp_store_sqlite(temp);
    char *problem = NULL;

    if (sqlite3_exec(db, statements, NULL, NULL, &problem) != SQLITE_OK)
        fail_msg("%s: %s", statements, problem);
    sqlite3_close(db);
}

#endif
