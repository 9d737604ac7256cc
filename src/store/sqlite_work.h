/* SPDX-License-Identifier: MIT */
/* What a store's thread does with what was asked: writes in one transaction, reads in one, and then the answers. */
#ifndef YS_STORE_SQLITE_WORK_H
#define YS_STORE_SQLITE_WORK_H

#include "store/sqlite_file.h"

enum ys_sqlite_kind {
    YS_SQLITE_APPEND,
    YS_SQLITE_SAVE,
    YS_SQLITE_REMOVE,
    YS_SQLITE_LOAD,
    YS_SQLITE_LIST,
};

/* One request, with the views that it came with. */
struct ys_sqlite_question {
    enum ys_sqlite_kind kind;
    enum ysync_err err; /* what will be answered */
    struct ysync_store_request *request;
    struct ysync_bytes room;          /* LIST: after */
    struct ysync_bytes bytes;         /* APPEND, SAVE */
    size_t limit;                     /* LIST */
    struct ys_sqlite_failure failure; /* of this write alone */
};

/* Each makes sure that the file is there, and answers every question, in their order. */
void ys_sqlite_write(struct ys_sqlite_file *file, struct ys_sqlite_question *questions, size_t count);
void ys_sqlite_read(struct ys_sqlite_file *file, struct ys_sqlite_question *questions, size_t count);

#endif
