/* SPDX-License-Identifier: MIT */
/*
 *     append a    append b    save c    append a          one transaction
 *        OK          !           OK        OK
 *
 * A write that fails (a page of room b is damaged) may have done a part of what it does. So all are rolled back, and
 * the others are done again without it. What fails in such a way that there is no transaction any more (the disk is
 * full), or in the commit, fails them all.
 *
 * That an update or a snapshot is too large is known before anything is done, and that a room is not there changes
 * nothing: these fail alone, and at once.
 */
#include "store/sqlite_work.h"

#include "base/problem.h"

/* Writes */

static enum ysync_err write_one(struct ys_sqlite_rows *rows, const struct ys_sqlite_question *question)
{
    switch (question->kind) {
    case YS_SQLITE_APPEND:
        return ys_sqlite_rows_append(rows, question->room, question->bytes);
    case YS_SQLITE_SAVE:
        return ys_sqlite_rows_save(rows, question->room, question->bytes);
    case YS_SQLITE_REMOVE:
        return ys_sqlite_rows_remove(rows, question->room);
    default:
        return YSYNC_ERR_INVALID_ARG;
    }
}

static bool has_failed(const struct ys_sqlite_question *question)
{
    return question->failure.code != 0;
}

static bool leaves_all_as_it_was(enum ysync_err err)
{
    return err == YSYNC_OK || err == YSYNC_ERR_NOT_FOUND || err == YSYNC_ERR_LIMIT;
}

/* *spoiler: the write for whose sake the others must be done again; none of them has failed then. */
static enum ysync_err write_all(struct ys_sqlite_rows *rows, struct ys_sqlite_question *questions, size_t count,
                                struct ys_sqlite_question **spoiler)
{
    enum ysync_err err = ys_sqlite_rows_begin(rows, true);

    for (size_t i = 0; !err && i < count; i++) {
        if (has_failed(&questions[i]))
            continue;
        questions[i].err = write_one(rows, &questions[i]);
        if (leaves_all_as_it_was(questions[i].err))
            continue;
        if (ys_sqlite_rows_has_transaction(rows)) {
            *spoiler = &questions[i];
            return YSYNC_OK;
        }
        err = questions[i].err;
    }
    return err ? err : ys_sqlite_rows_commit(rows);
}

static enum ysync_err commit(struct ys_sqlite_file *file, struct ys_sqlite_question *questions, size_t count,
                             struct ysync_problem *problem)
{
    struct ys_sqlite_rows *rows = &file->rows;
    struct ys_sqlite_question *spoiler;
    enum ysync_err err;

    do {
        spoiler = NULL;
        err = write_all(rows, questions, count, &spoiler);
        if (spoiler)
            spoiler->failure = rows->failure;
        if (spoiler || err)
            ys_sqlite_rows_rollback(rows);
    } while (spoiler);
    if (err)
        err = ys_sqlite_explain(&rows->failure, file->place.path, problem);
    return err;
}

/* The line that goes with an answer; NULL: the error says all. */
static const char *explain(const struct ys_sqlite_file *file, const struct ys_sqlite_question *question,
                           struct ysync_problem *problem)
{
    if (has_failed(question))
        (void)ys_sqlite_explain(&question->failure, file->place.path, problem);
    else if (question->err == YSYNC_ERR_LIMIT)
        ys_problem_set(problem, "this is too large for %s: SQLite keeps %zu bytes in one place", file->place.path,
                       file->rows.max_bytes);
    else
        return NULL;
    return problem->text;
}

static void answer(const struct ys_sqlite_file *file, const struct ys_sqlite_question *question)
{
    struct ysync_problem problem;

    ysync_store_answer(question->request, question->err, explain(file, question, &problem));
}

static void answer_all(struct ys_sqlite_question *questions, size_t count, enum ysync_err err, const char *problem)
{
    for (size_t i = 0; i < count; i++)
        ysync_store_answer(questions[i].request, err, problem);
}

/* Closing may take a while, so all have their answers by then. */
static void drop_spoiled_connection(struct ys_sqlite_file *file, const struct ys_sqlite_question *questions,
                                    size_t count)
{
    bool is_spoiled = ys_sqlite_failure_spoils_connection(&file->rows.failure);

    for (size_t i = 0; i < count; i++)
        is_spoiled = is_spoiled || ys_sqlite_failure_spoils_connection(&questions[i].failure);
    if (is_spoiled)
        ys_sqlite_file_disconnect(file);
}

/* What is damaged may be put in order some day: the room is to try again. */
static enum ysync_err as_of_a_write(enum ysync_err err)
{
    return err == YSYNC_ERR_NOMEM ? err : YSYNC_ERR_IO;
}

void ys_sqlite_write(struct ys_sqlite_file *file, struct ys_sqlite_question *questions, size_t count)
{
    struct ysync_problem problem;
    enum ysync_err err;

    if (count == 0)
        return;
    err = ys_sqlite_file_attend(file, &problem);
    if (!err)
        err = commit(file, questions, count, &problem);
    if (err)
        answer_all(questions, count, as_of_a_write(err), problem.text);
    for (size_t i = 0; !err && i < count; i++) {
        if (has_failed(&questions[i]))
            questions[i].err = as_of_a_write(questions[i].err);
        answer(file, &questions[i]);
    }
    drop_spoiled_connection(file, questions, count);
}

/* Reads */

static void read_one(struct ys_sqlite_rows *rows, struct ys_sqlite_question *question)
{
    if (question->kind == YS_SQLITE_LOAD)
        question->err = ys_sqlite_rows_load(rows, question->request, question->room);
    else
        question->err = ys_sqlite_rows_list(rows, question->request, question->room, question->limit);
    question->failure = rows->failure;
}

void ys_sqlite_read(struct ys_sqlite_file *file, struct ys_sqlite_question *questions, size_t count)
{
    struct ysync_problem problem;
    enum ysync_err err;

    if (count == 0)
        return;
    err = ys_sqlite_file_attend(file, &problem);
    if (!err && ys_sqlite_rows_begin(&file->rows, false))
        err = ys_sqlite_explain(&file->rows.failure, file->place.path, &problem);
    if (err)
        answer_all(questions, count, err == YSYNC_ERR_CONFLICT ? YSYNC_ERR_IO : err, problem.text);
    for (size_t i = 0; !err && i < count; i++) {
        read_one(&file->rows, &questions[i]);
        answer(file, &questions[i]);
    }
    if (!err)
        ys_sqlite_rows_rollback(&file->rows); /* of what was only read */
    drop_spoiled_connection(file, questions, count);
}
