/* SPDX-License-Identifier: MIT */
/*
 * What is in the file: whose it is, in which version of the format, and how one version becomes the next.
 *
 *     application_id   'ysyn'
 *     user_version     1
 *     rooms            id, name
 *     snapshots        room, saved_at, bytes       at most one for each room
 *     updates          room, number, bytes         what came after it
 *
 * docs/store.md says what the columns hold. A new version is one more script in sqlite_schema.c.
 */
#ifndef YS_STORE_SQLITE_SCHEMA_H
#define YS_STORE_SQLITE_SCHEMA_H

#include "store/sqlite_failure.h"

#define YS_SQLITE_APPLICATION_ID 0x7973796e /* 'ysyn' */

enum ys_sqlite_content {
    YS_SQLITE_EMPTY, /* nobody has written to it */
    YS_SQLITE_OLDER, /* of a version before this */
    YS_SQLITE_CURRENT,
};

/* Looks at it. Errors: CONFLICT (it is of a newer version, or something else), MALFORMED, IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_sqlite_schema_read(struct sqlite3 *db, const char *path, enum ys_sqlite_content *out,
                                                   struct ysync_problem *problem);

/* Brings it to this version, all of the way or not at all. Errors: IO, NOMEM. */
YSYNC_CHECKED enum ysync_err ys_sqlite_schema_migrate(struct sqlite3 *db, const char *path,
                                                      struct ysync_problem *problem);

#endif
