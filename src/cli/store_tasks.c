/* SPDX-License-Identifier: MIT */
/*
 * Each task opens the store, does its work in functions that complain where something goes wrong, closes it, and looks
 * in the end whether all that was printed has arrived.
 *
 * One damaged room does not stop check and compact: the others are worth a look. Anything else does, since it would
 * befall the next room too.
 */
#include "cli/store_tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/problem.h"
#include "cli/exit_status.h"
#include "cli/room_name.h"
#include "cli/update_file.h"
#include "ysync/store.h"

#define SCHEME "sqlite:"

struct task {
    const struct ys_store_call *call;
    struct ysync_store *store;
    size_t rooms;
    size_t damaged;
    int status;
    int print_error; /* errno of the first line that could not be printed; 0: none */
};

static const struct ysync_bytes whole_document;

/* Complaints */

static const char *file_of(const char *path)
{
    size_t len = strlen(SCHEME);

    return strncmp(path, SCHEME, len) == 0 ? path + len : path;
}

/* What stores say mostly names the file already. */
static void begin_complaint(const struct task *task, const char *problem)
{
    const char *path = file_of(task->call->path);
    const char *slash = strrchr(path, '/');

    fputs("ysync: ", stderr);
    if (!strstr(problem, slash ? slash + 1 : path))
        fprintf(stderr, "%s: ", path);
}

static void fail(struct task *task, const char *problem)
{
    begin_complaint(task, problem);
    fprintf(stderr, "%s\n", problem);
    task->status = YS_EXIT_FAILED;
}

static void fail_room(struct task *task, struct ysync_bytes room, const char *problem)
{
    begin_complaint(task, problem);
    fputs("room \"", stderr);
    ys_room_name_print(room, stderr);
    fprintf(stderr, "\": %s\n", problem);
    task->status = YS_EXIT_FAILED;
}

static void note_print_error(struct task *task)
{
    if (ferror(stdout) && !task->print_error)
        task->print_error = errno;
}

/* The exit status. What is printed may wait in a buffer until now, and find no place. */
static int finish(struct task *task)
{
    ysync_store_close(task->store);
    if (fflush(stdout) != 0 && !task->print_error)
        task->print_error = errno;
    if (task->print_error) {
        fprintf(stderr, "ysync: cannot write standard output: %s\n", strerror(task->print_error));
        task->status = YS_EXIT_FAILED;
    }
    return task->status;
}

/* The store */

/* false: it has been complained about. */
static bool open_store(struct task *task, int is_read_only, int must_exist)
{
    const struct ysync_store_options options = { .is_read_only = is_read_only, .must_exist = must_exist };
    const char *file = file_of(task->call->path);
    size_t size = strlen(SCHEME) + strlen(file) + 1;
    char *url = malloc(size);
    struct ysync_problem problem = { "" };
    enum ysync_err err = YSYNC_ERR_NOMEM;

    if (url) {
        snprintf(url, size, SCHEME "%s", file);
        err = ysync_store_open(url, &options, &task->store, &problem);
    }
    free(url);
    if (!err)
        return true;
    fail(task, problem.text[0] ? problem.text : ysync_strerror(err));
    return false;
}

/* list */

static int print_room(void *user, struct ysync_bytes room, uint64_t bytes)
{
    struct task *task = user;

    ys_room_name_print(room, stdout);
    printf("\t%" PRIu64 "\n", bytes);
    note_print_error(task);
    return !task->print_error;
}

int ys_store_list(const struct ys_store_call *call)
{
    struct task task = { .call = call };
    struct ysync_problem problem;

    if (open_store(&task, 1, 1) && ysync_store_each(task.store, NULL, print_room, &task, &problem))
        fail(&task, problem.text);
    return finish(&task);
}

/* check */

static int check_room(void *user, struct ysync_bytes room, uint64_t bytes)
{
    struct task *task = user;
    struct ysync_doc *doc = NULL;
    struct ysync_problem problem;
    enum ysync_err err = ysync_store_read(task->store, NULL, room, &doc, &problem);

    (void)bytes;
    ysync_doc_free(doc);
    if (err == YSYNC_ERR_NOT_FOUND) /* a server has removed it just now */
        return 1;
    task->rooms++;
    if (err == YSYNC_ERR_MALFORMED) {
        task->damaged++;
        ys_room_name_print(room, stdout);
        printf("\t%s\n", problem.text);
        note_print_error(task);
    } else if (err) {
        fail_room(task, room, problem.text);
    }
    return (!err || err == YSYNC_ERR_MALFORMED) && !task->print_error;
}

static void check_rooms(struct task *task)
{
    struct ysync_problem problem;

    if (ysync_store_each(task->store, NULL, check_room, task, &problem))
        fail(task, problem.text);
    printf("%zu rooms, %zu damaged\n", task->rooms, task->damaged);
    note_print_error(task);
    if (task->damaged > 0)
        task->status = YS_EXIT_FAILED;
}

int ys_store_check(const struct ys_store_call *call)
{
    struct task task = { .call = call };
    struct ysync_problem problem = { "" };

    if (!open_store(&task, 1, 1))
        return finish(&task);
    if (task.store->check && task.store->check(task.store->user, &problem))
        fail(&task, problem.text);
    check_rooms(&task);
    return finish(&task);
}

/* export */

/* false: it has been complained about. */
static bool read_room(struct task *task, struct ysync_bytes room, struct ysync_doc **out)
{
    struct ysync_problem problem;
    enum ysync_err err = ysync_store_read(task->store, NULL, room, out, &problem);

    if (err)
        fail_room(task, room, err == YSYNC_ERR_NOT_FOUND ? "there is no such room" : problem.text);
    return !err;
}

static void export_room(struct task *task)
{
    struct ysync_bytes room = ys_room_name_of(task->call->room);
    struct ysync_bytes update = { NULL, 0 };
    struct ysync_doc *doc = NULL;
    struct ysync_problem problem;
    enum ysync_err err;

    if (!read_room(task, room, &doc))
        return;
    err = ysync_doc_diff(doc, whole_document, &update);
    ysync_doc_free(doc);
    if (err)
        fail_room(task, room, ysync_strerror(err));
    else if (ys_update_file_write(task->call->file, update, &problem))
        fail_room(task, room, problem.text);
    ysync_bytes_free(NULL, update);
}

int ys_store_export(const struct ys_store_call *call)
{
    struct task task = { .call = call };

    if (ys_update_file_is_terminal(call->file)) {
        fprintf(stderr, "ysync: an update is nothing for a terminal: name a file, or - to have it all the same\n");
        return YS_EXIT_WRONG_CALL;
    }
    if (open_store(&task, 1, 1))
        export_room(&task);
    return finish(&task);
}

/* import */

/* However much waits for other updates in it: what is stored is within somebody else's limit. */
static enum ysync_err new_doc(enum ysync_gc gc, struct ysync_doc **out)
{
    enum ysync_err err = ysync_doc_new(NULL, out);

    if (err)
        return err;
    ysync_doc_set_max_pending(*out, SIZE_MAX);
    ysync_doc_set_gc(*out, gc);
    return YSYNC_OK;
}

/* Before a file is made for it: is it an update at all? */
static enum ysync_err check_update(struct ysync_bytes update, const char *file, struct ysync_problem *problem)
{
    const char *source = ys_update_file_source(file);
    struct ysync_doc *doc = NULL;
    enum ysync_err err = new_doc(YSYNC_GC_OFF, &doc);
    int is_news;

    if (!err)
        err = ysync_doc_lacks(doc, update, &is_news);
    if (err == YSYNC_ERR_MALFORMED)
        ys_problem_set(problem, "%s is no Yjs update (version 1): %s", source, ysync_doc_problem(doc));
    else if (err)
        ys_problem_set(problem, "%s: %s", source, ysync_strerror(err));
    ysync_doc_free(doc);
    return err;
}

/* false: it has been complained about. */
static bool read_update(struct task *task, struct ys_buf *update)
{
    const char *file = task->call->file;
    struct ysync_problem problem;
    enum ysync_err err = ys_update_file_read(file, update, &problem);

    if (!err)
        err = check_update(ys_buf_bytes(update), file, &problem);
    if (!err)
        return true;
    fprintf(stderr, "ysync: %s\n", problem.text);
    task->status = YS_EXIT_FAILED;
    return false;
}

/* The room as it is stored, or a new one. */
static bool read_or_make_room(struct task *task, struct ysync_bytes room, struct ysync_doc **out)
{
    struct ysync_problem problem;
    enum ysync_err err = ysync_store_read(task->store, NULL, room, out, &problem);

    if (err == YSYNC_ERR_NOT_FOUND) {
        err = new_doc(YSYNC_GC_OFF, out);
        ys_problem_set(&problem, "%s", ysync_strerror(err));
    }
    if (err) {
        fail_room(task, room, problem.text);
        return false;
    }
    ysync_doc_set_max_pending(*out, SIZE_MAX);
    ysync_doc_set_gc(*out, YSYNC_GC_OFF);
    return true;
}

static void import_update(struct task *task, struct ysync_bytes update)
{
    struct ysync_bytes room = ys_room_name_of(task->call->room);
    struct ysync_doc *doc = NULL;
    struct ysync_problem problem;
    enum ysync_err err;

    if (!read_or_make_room(task, room, &doc))
        return;
    err = ysync_doc_apply(doc, update, 0, NULL, NULL);
    if (err)
        fail_room(task, room, err == YSYNC_ERR_NOMEM ? ysync_strerror(err) : ysync_doc_problem(doc));
    else if (ysync_store_write(task->store, NULL, room, doc, &problem))
        fail_room(task, room, problem.text);
    ysync_doc_free(doc);
}

int ys_store_import(const struct ys_store_call *call)
{
    struct task task = { .call = call };
    struct ys_buf update;

    if (!ys_room_name_is_good(ys_room_name_of(call->room))) {
        fprintf(stderr, "ysync: no client could ask for a room of that name: it has 1 to 512 bytes of UTF-8, and no "
                        "control characters\n");
        return YS_EXIT_WRONG_CALL;
    }
    ys_buf_init(&update, ysync_alloc_default(), SIZE_MAX);
    if (read_update(&task, &update) && open_store(&task, 0, 0))
        import_update(&task, ys_buf_bytes(&update));
    ys_buf_deinit(&update);
    return finish(&task);
}

/* compact */

/* A new document of what this one holds: what was stored while deleted content was kept is taken to be at rest there,
 * and would not be looked at again. Takes the old one, also if it fails. */
static enum ysync_err rebuild(struct ysync_doc *old, enum ysync_gc gc, struct ysync_doc **out)
{
    struct ysync_bytes update = { NULL, 0 };
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ysync_doc_diff(old, whole_document, &update);

    ysync_doc_free(old);
    if (!err)
        err = new_doc(gc, &doc);
    if (!err)
        err = ysync_doc_apply(doc, update, 0, NULL, NULL);
    if (!err)
        err = ysync_doc_compact(doc);
    ysync_bytes_free(NULL, update);
    if (err)
        ysync_doc_free(doc);
    else
        *out = doc;
    return err;
}

static enum ysync_err compact_one(struct task *task, struct ysync_bytes room, struct ysync_problem *problem)
{
    enum ysync_gc gc = task->call->keeps_deleted ? YSYNC_GC_OFF : YSYNC_GC_COMPACT;
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ysync_store_read(task->store, NULL, room, &doc, problem);

    if (err)
        return err;
    err = rebuild(doc, gc, &doc);
    if (err) {
        ys_problem_set(problem, "%s", ysync_strerror(err));
        return err;
    }
    err = ysync_store_write(task->store, NULL, room, doc, problem);
    ysync_doc_free(doc);
    return err;
}

static int compact_room(void *user, struct ysync_bytes room, uint64_t bytes)
{
    struct task *task = user;
    struct ysync_problem problem;
    enum ysync_err err = compact_one(task, room, &problem);

    (void)bytes;
    if (err == YSYNC_ERR_NOT_FOUND)
        fail_room(task, room, "there is no such room");
    else if (err)
        fail_room(task, room, problem.text);
    else
        task->rooms++;
    return !err || err == YSYNC_ERR_MALFORMED || err == YSYNC_ERR_LIMIT;
}

static bool compact_all(struct task *task)
{
    struct ysync_problem problem;

    if (task->call->room)
        return compact_room(task, ys_room_name_of(task->call->room), 0);
    if (!ysync_store_each(task->store, NULL, compact_room, task, &problem))
        return true;
    fail(task, problem.text);
    return false;
}

/* On disk, with what SQLite has not moved into the file yet. */
static uint64_t bytes_on_disk(const char *file)
{
    static const char *const endings[] = { "", "-wal" };
    uint64_t bytes = 0;

    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        struct stat found;

        snprintf(path, sizeof(path), "%s%s", file, endings[i]);
        if (stat(path, &found) == 0)
            bytes += (uint64_t)found.st_size;
    }
    return bytes;
}

int ys_store_compact(const struct ys_store_call *call)
{
    struct task task = { .call = call };
    uint64_t before = bytes_on_disk(file_of(call->path));
    struct ysync_problem problem = { "" };

    if (!open_store(&task, 0, 1))
        return finish(&task);
    if (compact_all(&task) && task.store->compact && task.store->compact(task.store->user, &problem))
        fail(&task, problem.text);
    ysync_store_close(task.store); /* which makes the file what it will be */
    task.store = NULL;
    printf("%zu rooms, %" PRIu64 " bytes before, %" PRIu64 " after\n", task.rooms, before,
           bytes_on_disk(file_of(call->path)));
    note_print_error(&task);
    return finish(&task);
}
